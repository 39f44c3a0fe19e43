"""Checks around every command: arguments that are no valid text are refused, and failing files named in words."""

from __future__ import annotations

import errno
from collections.abc import Callable
from functools import wraps
from typing import Any

import click
from sqlalchemy.exc import DatabaseError

from bot.commands.terminal import fail
from bot.platform.environment import SurroundingsError
from bot.platform.surroundings import is_damaged_file

_WHY = {
    errno.ENOENT: "没有这个文件或文件夹",
    errno.EISDIR: "这是一个文件夹，不是文件",
    errno.ENOTDIR: "路径里有一段是文件，不是文件夹",
    errno.EACCES: "没有权限",
    errno.EPERM: "没有权限",
    errno.EEXIST: "已经存在",
    errno.ENOSPC: "磁盘满了",
    errno.EROFS: "这里是只读的",
    errno.ENAMETOOLONG: "文件名太长",
}


def guard(group: click.Group | click.Command) -> None:
    """Put the guard around a command, or around each one of a group."""
    if isinstance(group, click.Group):
        for command in group.commands.values():
            guard(command)
    elif group.callback is not None and not hasattr(group.callback, "guarded"):
        group.callback = _guarded(group.callback)


def _guarded(call: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(call)
    def careful(*given: Any, **named: Any) -> Any:
        for word in (*given, *named.values()):
            if isinstance(word, str) and _broken(word):
                fail("参数里有不是 UTF-8 的字符 / a word given here is not UTF-8")
        try:
            return call(*given, **named)
        except SurroundingsError as error:
            fail(str(error))
        except DatabaseError as error:
            if not is_damaged_file(error):
                raise
            fail(
                f"数据库文件已损坏（{error.orig}）。请停下所有进程，把这个文件移到别处留着，再从最近一份好的备份恢复："
                "flask restore / the database file is damaged, restore a backup"
            )
        except OSError as error:
            if (
                error.filename is None
            ):  # not about a file: a fault of ours or of the network, where the traceback helps
                raise
            why = _WHY.get(error.errno or 0, error.strerror)
            fail(f"读写不了 {error.filename!s}：{why} / {error.strerror}")

    careful.guarded = True  # type: ignore[attr-defined]
    return careful


def _broken(word: str) -> bool:
    try:
        word.encode()
    except UnicodeEncodeError:
        return True
    return False
