"""Reading of a config file: only a plain file of a bearable size, and never one that makes the reader wait."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

from bot.wecom.errors import BotError
from taggers.translatable import Translatable

MOST_BYTES = 4 * 1024 * 1024
REST_SECONDS = 1.0  # a file that changed less than this ago may still be written
_OTHER_KINDS = (
    (stat.S_ISDIR, "这是一个文件夹，不是文件"),
    (stat.S_ISFIFO, "这是一个管道，不是文件"),
    (stat.S_ISCHR, "这是一个设备，不是文件"),
    (stat.S_ISBLK, "这是一个设备，不是文件"),
    (stat.S_ISSOCK, "这是一个套接字，不是文件"),
)


class ConfigFileError(BotError):
    """A config file that cannot be read; the text says why."""


def read_plain_file(path: Path) -> bytes:
    """The content of a plain file; raises ConfigFileError for anything else, FileNotFoundError for none."""
    try:
        # Without O_NONBLOCK, opening a pipe waits until somebody writes into it.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            _refuse_other_kinds(os.fstat(descriptor).st_mode)
            raw = file.read(MOST_BYTES + 1)  # the extra byte tells that it is too large
    except FileNotFoundError:
        raise
    except IsADirectoryError:
        raise ConfigFileError(Translatable(_OTHER_KINDS[0][1])) from None
    except OSError as error:
        raise ConfigFileError(_why(path, error)) from None
    if len(raw) > MOST_BYTES:
        raise ConfigFileError(Translatable("文件超过 {n} MB", n=MOST_BYTES // 1024 // 1024))
    return raw


def has_rested(path: Path) -> bool:
    """Whether nothing touched the file for a second, by the machine's clock; a file that is gone has."""
    try:
        found = path.stat()
    except OSError:
        return True
    # The time of change as well: a tool that keeps the old time of modification cannot set that one.
    return abs(time.time() - max(found.st_mtime, found.st_ctime)) >= REST_SECONDS


def _refuse_other_kinds(mode: int) -> None:
    for is_kind, reason in _OTHER_KINDS:
        if is_kind(mode):
            raise ConfigFileError(Translatable(reason))


def _why(path: Path, error: OSError) -> Translatable:
    """Sockets and devices without a driver refuse to be opened at all: say what they are."""
    try:
        _refuse_other_kinds(path.stat().st_mode)
    except ConfigFileError as refusal:
        return Translatable(str(refusal))
    except OSError:
        pass
    return Translatable("读不了（{strerror}）", strerror=error.strerror)
