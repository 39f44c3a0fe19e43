"""Material library: lists its files and what uses them, stores uploads, removes files."""

from __future__ import annotations

import os
import re
import secrets
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.customers.state import OPEN_STATES
from bot.platform.config.materials import LEAST_BYTES, MOST_BYTES, all_attachments
from bot.platform.config.settings import Settings
from bot.platform.models import SopTask
from bot.sops.archive_contents import fault_of
from bot.sops.material_uploads import named_by_agents
from bot.wecom.errors import BotError
from taggers.translatable import Translatable

MOST_FILES = 500
_PIECE = 256 * 1024
_HEAD = 4096
_END_OF_ZIP = 22 + 0xFFFF  # bytes: the last record of a zip, with the longest comment it may have
_LARGEST_DIRECTORY = 1024 * 1024
# First bytes of a file, and the ending it gets.
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "jpg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"%PDF-", "pdf"),
    (b"PK\x03\x04", "zip"),
)
_PICTURES = ("jpg", "png")
_OFFICE = (("word/", "docx"), ("xl/", "xlsx"), ("ppt/", "pptx"))
_NOT_A_NAME = re.compile(r"[^\w\-]+")
TAKEN = ("jpg", "png", "pdf", "docx", "xlsx", "pptx", "mp4", "zip")


class MaterialRefusedError(BotError):
    """An upload or removal that is refused; the text says why and what to do."""


@dataclass(frozen=True)
class LibraryFile:
    """A file of the library. kind: image | file; name: as config.toml names it."""

    name: str
    kind: str
    size: int
    used_by: tuple[str, ...]


def list_files(folder: Path, settings: Settings) -> list[LibraryFile]:
    """Every file there is, by name, with the steps (and the welcome) that use it."""
    uses = uses_of(settings)
    found: list[LibraryFile] = []
    if not folder.is_dir():
        return found
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file() or path.name.startswith("."):
            continue
        name = path.relative_to(folder).as_posix()
        kind = "image" if path.suffix.lower() in (".jpg", ".jpeg", ".png") else "file"
        found.append(LibraryFile(name, kind, path.stat().st_size, tuple(uses.get(name, ()))))
        if len(found) == MOST_FILES:
            break
    return found


def uses_of(settings: Settings) -> dict[str, list[str]]:
    """Which places of the config name a file, in words."""
    found: dict[str, list[str]] = {}
    for where, attachment in all_attachments(settings.tables.sops, settings.tables.welcome, settings.tables.answers):
        if attachment.material is None:
            continue
        if where[0] == "welcome":
            place = Translatable("欢迎语")
        elif where[0] == "answers":
            place = Translatable("话术「{name}」", name=settings.tables.answers[int(where[1])].ask[0])
        else:
            sop = settings.tables.sops[int(where[1])]
            place = Translatable("{name} 第 {n} 步", name=sop.title or sop.id, n=int(where[3]) + 1)
        found.setdefault(attachment.material[0], []).append(place)
    return found


def store_upload(folder: Path, given_name: str, content: BinaryIO) -> str:
    """Store an upload under a safe name; returns the name. Raises MaterialRefusedError.

    The content alone decides the ending. Of the given name only its letters and digits are kept, and no file of the
    library is overwritten.
    """
    ending = sniff(content)
    kind = "image" if ending in _PICTURES else "file"
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / f".{secrets.token_hex(8)}.part"
    try:
        _copy(content, beside, MOST_BYTES[kind])
        return _link_free_name(folder, beside, safe_stem(given_name), ending)
    except OSError as error:
        raise MaterialRefusedError(
            Translatable("没能存下（{strerror}）：请检查素材库文件夹的权限和磁盘空间", strerror=error.strerror)
        ) from None
    finally:
        beside.unlink(missing_ok=True)


def sniff(content: BinaryIO) -> str:
    """The ending that fits the content; raises MaterialRefusedError for kinds that are not accepted."""
    head = content.read(_HEAD)
    content.seek(0)
    found = next((ending for magic, ending in _MAGIC if head.startswith(magic)), None)
    if found is None and head[4:8] == b"ftyp":
        return "mp4"
    if found == "zip":
        return _inside_zip(content)
    if found is None:
        raise MaterialRefusedError(Translatable("认不出这是什么文件。可以上传：{taken}", taken=TAKEN))
    return found


def safe_stem(given_name: str) -> str:
    """Letters, digits, - and _ of a file's name without its ending; never empty, never a path."""
    bare = unicodedata.normalize("NFKC", given_name).replace("\\", "/").rpartition("/")[2]
    stem = bare.rpartition(".")[0] or bare
    return _NOT_A_NAME.sub("-", stem).strip("-_")[:60] or "素材"


def remove_file(session: Session, folder: Path, name: str, settings: Settings) -> None:
    """Delete a file; raises MaterialRefusedError while the config or an open task uses it, or for a name that is no
    library file."""
    path = path_of(folder, name)
    places = uses_of(settings).get(name)
    if places:
        raise MaterialRefusedError(Translatable("还在用：{names}。先在配置里换掉或去掉它", names=places[:3]))
    if name in {file for file, _kind in named_by_agents(session)}:
        raise MaterialRefusedError(Translatable("员工自己的话术还带着它，等他们换掉再删"))
    if name in _named_by_tasks(session):
        raise MaterialRefusedError("已经安排好的提醒还要发它，等这些提醒发完或取消后再删")
    try:
        path.unlink()
    except OSError as error:
        raise MaterialRefusedError(Translatable("没能删除（{strerror}）", strerror=error.strerror)) from None


def path_of(folder: Path, name: str) -> Path:
    """The path of a library file; raises MaterialRefusedError for a name that leads anywhere else."""
    parts = name.split("/")
    if "\\" in name or "\0" in name or any(part in ("", ".", "..") or part.startswith(".") for part in parts):
        raise MaterialRefusedError("没有这个文件")
    path = folder.joinpath(*parts)
    try:
        if not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
            raise MaterialRefusedError("没有这个文件")
    except OSError:
        raise MaterialRefusedError("没有这个文件") from None
    return path


def _size_of_directory(content: BinaryIO) -> int:
    """The size of a zip's list of files, from its last record: parsed, the list takes ten times as much memory."""
    size = content.seek(0, os.SEEK_END)
    content.seek(max(0, size - _END_OF_ZIP))
    end = content.read()
    at = end.rfind(b"PK\x05\x06")
    if at < 0 or len(end) - at < 22:
        raise zipfile.BadZipFile
    return int(struct.unpack_from("<I", end, at + 12)[0])


def _named_by_tasks(session: Session) -> set[str]:
    rows: Iterable[list[dict[str, str]]] = session.scalars(
        select(SopTask.attach).where(SopTask.state.in_(OPEN_STATES)).distinct()
    )
    return {str(item.get("file") or item.get("pic") or "") for attach in rows for item in attach or ()}


def _copy(content: BinaryIO, to: Path, most: int) -> None:
    size = 0
    with os.fdopen(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "wb") as file:
        while piece := content.read(_PIECE):
            size += len(piece)
            if size > most:
                raise MaterialRefusedError(Translatable("文件太大，最多 {n} MB", n=most // 1024 // 1024))
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    if size < LEAST_BYTES:
        raise MaterialRefusedError("文件是空的")


def _link_free_name(folder: Path, beside: Path, stem: str, ending: str) -> str:
    """Give the file the first free name; a hard link, unlike a rename, never replaces what is there."""
    for number in range(1, 1_000):
        name = f"{stem}.{ending}" if number == 1 else f"{stem}-{number}.{ending}"
        try:
            os.link(beside, folder / name)
        except FileExistsError:
            if _same(folder / name, beside):
                return name
            continue
        return name
    raise MaterialRefusedError("同名的文件太多了，换个名字再传")


def _same(first: Path, second: Path) -> bool:
    return (
        first.is_file()
        and first.stat().st_size == second.stat().st_size
        and first.read_bytes() == second.read_bytes()
    )


def _inside_zip(content: BinaryIO) -> str:
    """Tell docx, xlsx, pptx and plain zip apart; the list and how each file begins are read, none is unpacked."""
    try:
        if _size_of_directory(content) > _LARGEST_DIRECTORY:
            raise MaterialRefusedError("压缩包里的文件太多，请分成几个再传")
        with zipfile.ZipFile(content) as archive:
            names, fault = archive.namelist(), fault_of(archive)
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, RuntimeError, struct.error, zlib.error):
        raise MaterialRefusedError("压缩包已损坏，请重新导出后再传") from None
    finally:
        content.seek(0)
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        raise MaterialRefusedError("带宏的文档不收，请另存为不带宏的格式")
    if fault is not None:
        raise MaterialRefusedError(fault)
    if "[Content_Types].xml" in names:
        return next((ending for begin, ending in _OFFICE if any(name.startswith(begin) for name in names)), "zip")
    return "zip"
