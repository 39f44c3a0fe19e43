"""Contents of an archive: what its names do not tell, such as links, programs called otherwise, archives within it.

The beginning of each member is looked at; nothing is unpacked to the disk.
"""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Iterator

from bot.sops.archive_names import leads_away, runs

AWAY = "压缩包里有通向文件夹之外的名字（如 ../），不收"
RUNS = "压缩包里有可以运行的程序或脚本，不收"
TOO_DEEP = "压缩包里又套着压缩包，层数或大小太多，请直接打包文件"
_DEEPEST, _MOST = 2, 32 * 1024 * 1024  # archives within archives, and how much of them is looked at
_ZIP = b"PK\x03\x04"
# Windows, Linux, scripts, Java, macOS, Android, a Windows shortcut
_PROGRAMS = (
    b"MZ", b"\x7fELF", b"#!", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xfe\xed\xfa",
    b"dex\n", b"L\0\0\0\x01\x14\x02\0",
)  # fmt: skip


def fault_of(archive: zipfile.ZipFile) -> str | None:
    """Why an archive is not taken; None where nothing in it speaks against it. Raises what zipfile raises."""
    left = [_MOST]
    return next(_faults(archive, 0, left), None)


def _faults(archive: zipfile.ZipFile, depth: int, left: list[int]) -> Iterator[str]:
    members = archive.infolist()
    if any(leads_away(one.filename) or _is_link(one) for one in members):
        yield AWAY
    if any(runs(one.filename) for one in members):
        yield RUNS
    for one in members:
        head = _head(archive, one)
        if head.startswith(_PROGRAMS):
            yield RUNS
        if head.startswith(_ZIP):
            yield from _within(archive, one, depth + 1, left)


def _within(archive: zipfile.ZipFile, one: zipfile.ZipInfo, depth: int, left: list[int]) -> Iterator[str]:
    with archive.open(one) as file:
        content = file.read(left[0] + 1)
    left[0] -= len(content)
    if depth > _DEEPEST or left[0] < 0:
        yield TOO_DEEP
        return
    with zipfile.ZipFile(io.BytesIO(content)) as inner:
        yield from _faults(inner, depth, left)


def _head(archive: zipfile.ZipFile, one: zipfile.ZipInfo) -> bytes:
    if one.is_dir() or one.flag_bits & 0x1:  # one under a password shows its name only
        return b""
    with archive.open(one) as file:
        return file.read(8)


def _is_link(one: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(one.external_attr >> 16)
