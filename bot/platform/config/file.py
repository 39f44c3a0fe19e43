"""Saves config.toml from a page: checked as a whole, never over another's edit, written atomically."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from bot.platform.config.parsing import ConfigError
from bot.platform.config.reading import MOST_BYTES, ConfigFileError, read_plain_file
from bot.platform.config.reload import SettingsKeeper
from bot.platform.config.replacing import Replacement, mark_of, write_beside
from bot.platform.config.settings import Settings, parse_settings
from bot.platform.config.versions import newest_change, record_change
from bot.platform.database.audit_log import record
from bot.platform.database.store import insert_new
from bot.platform.models import ConfigVersion
from bot.wecom.errors import BotError
from taggers.translatable import Translatable

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class ConfigText:
    """The file at one moment: its text with \\n line ends, and a stamp (hash) of its content."""

    text: str
    stamp: str
    crlf: bool = False
    bom: bool = False

    def as_bytes(self, text: str) -> bytes:
        """Another text as bytes with the line ends and byte order mark of this file."""
        ended = text.replace("\n", "\r\n") if self.crlf else text
        return (_BOM if self.bom else b"") + ended.encode()


class StaleConfigError(BotError):
    """The file was changed since the edit began; nothing was written."""

    def __init__(self, current: ConfigText) -> None:
        super().__init__("配置文件在您编辑期间被改过")
        self.current = current


class ConfigNotWrittenError(BotError):
    """The file cannot be written; the text says why and what to do."""


def read_config_text(path: Path) -> ConfigText:
    """The file as it is now, unchecked; raises ConfigError only where it cannot be read as text."""
    try:
        raw = read_plain_file(path)
    except FileNotFoundError:
        raw = b""
    except ConfigFileError as error:
        raise ConfigError.at(path.name, str(error)) from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        message = "不是 UTF-8 编码；请在服务器上另存为 UTF-8"
        raise ConfigError.at(path.name, message, line) from None
    stamp = hashlib.sha256(raw).hexdigest()[:16]
    return ConfigText(plain(text), stamp, "\r\n" in text, raw.startswith(_BOM))


def plain(text: str) -> str:
    """A text with \\n line ends; forms send \\r\\n."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def why_not_writable(path: Path) -> str | None:
    """Why the file cannot be written, for people; None where it can."""
    target = path.resolve()
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        mode = stat.S_IWUSR
    except OSError as error:
        return Translatable("读不了 {name}（{strerror}）", name=path.name, strerror=error.strerror)
    writable = mode & 0o222 and (
        not target.exists() or os.access(target, os.W_OK)
    )  # root may write regardless, so the mode is asked too
    if not writable:
        return Translatable(
            "{name} 是只读的：在服务器上执行 chmod u+w {name}，或直接在服务器上修改它", name=path.name
        )
    if not os.access(target.parent, os.W_OK):
        return Translatable(
            "{name} 所在的文件夹不能写：请让运行本服务的账号对它有写权限，或直接在服务器上修改文件", name=path.name
        )
    return None


def check_text(path: Path, text: str, now: datetime) -> Settings:
    """The whole text as Settings, with examples and materials checked; raises ConfigError with every problem."""
    if len(text.encode()) > MOST_BYTES:
        raise ConfigError.too_large(path.name)
    return parse_settings(text, path.name, today=now.date(), beside=path.parent)


@dataclass(frozen=True)
class ConfigEdit:
    """A whole new text for the file, the stamp of the text it was made from, and who changed what.

    also: what must come about together with it, in the same transaction.
    """

    text: str
    stamp: str
    author: str
    what: str
    also: Callable[[Session, Settings], None] | None = None


class _EditedMeanwhileError(BotError):
    """Somebody else changed the file while this edit waited for its turn."""


def save_config(keeper: SettingsKeeper, edit: ConfigEdit, now: datetime) -> Settings:
    """Save a text if it is valid and the file still has the stamp the edit began with.

    Raises ConfigError (nothing is written), StaleConfigError (another edit came first) or ConfigNotWrittenError.
    The file is read and the new one made durable before the transaction; in it the change is recorded, and last of
    all the new file takes the place of the old: both come about together, or neither does.
    """
    path = keeper.path
    settings = check_text(path, edit.text, now)
    seen = mark_of(path)
    current = read_config_text(path)
    if current.stamp != edit.stamp:
        raise StaleConfigError(current)
    unchanged = current.text == edit.text
    if unchanged and _is_newest(keeper, settings.version):
        return settings
    # A file that is saved as it is looked cut, and saving confirms it.
    fresh = None if unchanged else _prepare(path, current.as_bytes(edit.text))
    try:
        with keeper.store.write() as session:
            _record_edit(session, settings, edit, now)
            if edit.also is not None:
                edit.also(session, settings)
            if mark_of(path) != seen:  # only now: recording may have waited for another's save
                raise _EditedMeanwhileError
            if fresh is not None:
                fresh.put()
    except _EditedMeanwhileError:
        raise StaleConfigError(read_config_text(path)) from None
    except OSError as error:
        raise _not_written(path, error) from None
    finally:
        if fresh is not None:
            fresh.settle()
    keeper.look_again()
    return settings


def _is_newest(keeper: SettingsKeeper, version: str) -> bool:
    with keeper.store.read() as session:
        newest = newest_change(session)
        return newest is not None and newest.version == version


def _record_edit(session: Session, settings: Settings, edit: ConfigEdit, now: datetime) -> None:
    version = {"version": settings.version, "text": settings.source, "loaded_at": now}
    insert_new(session, ConfigVersion, [version], ["version"])
    for _ in range(2):  # another process may just have recorded an edit by hand
        if record_change(session, settings.version, edit.author, edit.what, now):
            break
    record(session, edit.author, "config.save", f"config:{settings.version}", now, what=edit.what)
    session.flush()


def accept_config(keeper: SettingsKeeper, author: str, now: datetime) -> Settings:
    """Confirm the file as it is, however much shorter than what is in force; raises ConfigError where it is wrong."""
    settings = check_text(keeper.path, read_config_text(keeper.path).text, now)
    with keeper.store.write() as session:
        version = {"version": settings.version, "text": settings.source, "loaded_at": now}
        insert_new(session, ConfigVersion, [version], ["version"])
        record_change(session, settings.version, author, "确认采用文件", now)
        record(session, author, "config.accept", f"config:{settings.version}", now)
    keeper.look_again()
    return settings


def _prepare(path: Path, content: bytes) -> Replacement:
    """The new file beside the old one; raises ConfigNotWrittenError."""
    reason = why_not_writable(path)
    if reason:
        raise ConfigNotWrittenError(reason)
    try:
        return write_beside(path, content)
    except OSError as error:
        raise _not_written(path, error) from None


def _not_written(path: Path, error: OSError) -> ConfigNotWrittenError:
    return ConfigNotWrittenError(
        Translatable(
            "写不了 {name}（{strerror}）：原文件没有动；请检查磁盘空间和文件夹权限",
            name=path.name,
            strerror=error.strerror,
        )
    )
