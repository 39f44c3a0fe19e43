"""Material library on disk: a folder of pictures and files beside config.toml, checked against WeCom's limits."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from bot.wecom.errors import BotError
from sop.answers import AnswerEntry
from sop.attachments import Attachment
from sop.playbook import Sop
from sop.workspace import Welcome
from taggers.translatable import Translatable

_MEGABYTE = 1024 * 1024
LEAST_BYTES = 6  # WeCom refuses 5 bytes and fewer
MOST_BYTES = {"image": 10 * _MEGABYTE, "file": 20 * _MEGABYTE}
_PICTURE_BEGINS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
Where = tuple[str | int, ...]


@dataclass(frozen=True)
class MaterialFile:
    """A file of the library as it is now. kind: image | file, the type under which it is uploaded to WeCom."""

    name: str
    kind: str
    sha256: str
    md5: str
    size: int
    path: Path = field(repr=False)


class BadMaterialError(BotError):
    """A library file is missing or WeCom would refuse it; the text is for people."""


def all_attachments(
    sops: Iterable[Sop], welcome: Welcome | None, answers: Iterable[AnswerEntry] = ()
) -> Iterator[tuple[Where, Attachment]]:
    """Every attachment of a config with its path there."""
    for k, attachment in enumerate(welcome.attach if welcome else ()):
        yield ("welcome", "attach", k), attachment
    for i, entry in enumerate(answers):
        for k, attachment in enumerate(entry.attach):
            yield ("answers", i, "attach", k), attachment
    for i, sop in enumerate(sops):
        for j, step in enumerate(sop.steps):
            for k, attachment in enumerate(step.attach):
                yield ("sops", i, "steps", j, "attach", k), attachment


def check_materials(folder: Path, attachments: Iterable[tuple[Where, Attachment]]) -> Iterator[tuple[Where, str]]:
    """Problems with the files that attachments name: (path in the config, message)."""
    for where, attachment in attachments:
        if attachment.material is None:
            continue
        name, kind = attachment.material
        try:
            find_material(folder, name, kind)
        except BadMaterialError as problem:
            yield (*where, "pic" if attachment.kind == "miniprogram" else "file"), str(problem)


def find_material(folder: Path, name: str, kind: str) -> MaterialFile:
    """The file of this name; BadMaterialError where it is missing, outside the library, or WeCom would refuse it."""
    path = folder / name
    try:
        if not path.resolve().is_relative_to(folder.resolve()):
            raise BadMaterialError(Translatable("「{name}」不在素材库 {folder}/ 里", name=name, folder=folder.name))
        stat = path.stat()
        if not path.is_file():
            raise BadMaterialError(Translatable("「{name}」不是文件", name=name))
        most = MOST_BYTES[kind]
        if not LEAST_BYTES <= stat.st_size <= most:
            size = (
                f"{stat.st_size / _MEGABYTE:.1f} MB"
                if stat.st_size > LEAST_BYTES
                else Translatable("{n} 字节", n=stat.st_size)
            )
            kinds = {"image": Translatable("图片"), "file": Translatable("文件")}
            raise BadMaterialError(
                Translatable(
                    "「{name}」有 {size}；企业微信收的{kind}要在 6 字节到 {n} MB 之间",
                    name=name,
                    size=size,
                    kind=kinds[kind],
                    n=most // _MEGABYTE,
                )
            )
        sha256, md5, head = _digests(path, stat.st_mtime_ns, stat.st_size)
    except OSError as error:
        reason = (
            Translatable("没有这个文件")
            if isinstance(error, FileNotFoundError)
            else Translatable("读不了（{strerror}）", strerror=error.strerror)
        )
        raise BadMaterialError(
            Translatable(
                "素材库 {folder}/ 里的「{name}」：{reason}；把文件放进去，或改 file 的名字",
                folder=folder.name,
                name=name,
                reason=reason,
            )
        ) from None
    if kind == "image" and not head.startswith(_PICTURE_BEGINS):
        raise BadMaterialError(Translatable("「{name}」的内容不是 jpg 或 png 图片，请另存为这两种格式", name=name))
    return MaterialFile(name, kind, sha256, md5, stat.st_size, path)


@lru_cache(maxsize=256)
def _digests(path: Path, _mtime: int, _size: int) -> tuple[str, str, bytes]:
    """sha256, md5 and the first bytes; mtime and size are part of the cache key, so a changed file is read again."""
    sha256, md5, head = hashlib.sha256(), hashlib.md5(usedforsecurity=False), b""
    with path.open("rb") as file:
        while piece := file.read(_MEGABYTE):
            head = head or piece[:16]
            sha256.update(piece)
            md5.update(piece)
    return sha256.hexdigest(), md5.hexdigest(), head
