"""SettingsKeeper: holds the config in force; an edited file is loaded within two seconds once it has rested.

A broken file is refused, and so is one that looks cut, emptied or shrunken, until an admin confirms it.
"""

from __future__ import annotations

import threading
import time
from datetime import datetime
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from bot.platform import clock
from bot.platform.config.parsing import ConfigError, ConfigProblem
from bot.platform.config.reading import has_rested
from bot.platform.config.settings import Settings, load_settings, parse_settings, text_version
from bot.platform.config.shrinkage import shrinkage
from bot.platform.config.versions import newest_change, record_change
from bot.platform.database.store import Store, get_status, insert_new, set_status
from bot.platform.log import get_logger
from bot.platform.models import ConfigVersion
from sop.workspace import Workspace

LOOK_EVERY = 1.0  # seconds between two looks at the file
STATUS = "config"
_NEVER = float("-inf")
_PATIENCE = 1.5  # seconds that a process which begins waits for a file to rest, before it works by the last good one
_log = get_logger(__name__)


class SettingsKeeper:
    """Gives the Settings in force. Each process has one; threads may share it."""

    def __init__(self, path: Path, store: Store) -> None:
        self.path = path
        self.store = store
        self.problems: list[ConfigProblem] = []
        self._lock = threading.Lock()
        self._seen: tuple[int, ...] | None = None
        self._looked = _NEVER
        self._settings: Settings | None = None
        self._based = False  # whether it is known what was in force before this process began
        self.doubted = ""  # the version of the file, while it looks cut or emptied and nobody has confirmed it

    def current(self) -> Settings:
        """The settings in force; raises ConfigError only where no valid version was ever seen."""
        settings = self._settings
        if settings is not None and time.monotonic() - self._looked < LOOK_EVERY:
            return settings
        with self._lock:
            return self._look()

    def look_again(self) -> None:
        """Check the file at the next call of `current`, which waits for one that was edited a moment ago to rest."""
        self._looked = _NEVER

    def _look(self) -> Settings:
        if self._settings is not None and time.monotonic() - self._looked < LOOK_EVERY:
            return self._settings
        if self._looked == _NEVER:
            self._await_rest()
        self._looked = time.monotonic()
        seen = self._stamp()
        confirmed = bool(self.doubted) and self.doubted == self._confirmed()
        if self._settings is None or not self._based or seen != self._seen or confirmed:
            self._seen = seen
            self._take(clock.now())
        assert self._settings is not None
        return self._settings

    def _stamp(self) -> tuple[int, ...] | None:
        """A value that changes when the file does, or, while the config is refused, the folder of materials."""
        try:
            stat = self.path.stat()
        except OSError:
            return None
        return (stat.st_mtime_ns, stat.st_size, stat.st_ino, *(self._materials() if self.problems else ()))

    def _materials(self) -> tuple[int, ...]:
        """When files were last added to or removed from the materials folder: a missing one may be there now."""
        name = self._settings.workspace.materials if self._settings else Workspace().materials
        try:
            return ((self.path.parent / name).stat().st_mtime_ns,)
        except OSError:
            return ()

    def _take(self, now: datetime) -> None:
        """Take the file, or keep what is in force and say why."""
        self.doubted = ""
        confirmed = self._confirmed()
        before = self._before(confirmed)
        if before is not None:
            self._settings = before
            if text_version(self.path) != confirmed and not self._rests():
                return
        try:
            settings = load_settings(self.path, today=now.date())
        except ConfigError as error:
            self._settings = before or self._last_good()
            self._refuse(error, now)
            return
        doubt = shrinkage(before, settings) if before is not None and settings.version != confirmed else None
        if doubt is not None:
            self.doubted = settings.version
            self._refuse(ConfigError.at(self.path.name, doubt), now)
            return
        if before is not None and settings.version != before.version:
            _log.info("config taken", version=settings.version, before=before.version)
        self.problems, self._settings = [], settings
        self._report(settings, now)

    def _before(self, confirmed: str) -> Settings | None:
        """What was in force until now, to compare the file with; None where there is none, or it cannot be told.

        Until the database could be asked, a file is taken by its own merits, and again as soon as it can.
        """
        if self._based and self._settings is not None:
            return self._settings
        try:
            found = None if confirmed and text_version(self.path) == confirmed else self._last_good()
        except SQLAlchemyError:
            return None
        except ConfigError:  # a release that refuses what was good before
            found = None
        self._based = True
        return found

    def _rests(self) -> bool:
        """Whether the file is still as it was when it was looked at, and for a second; else it is looked at again."""
        rests = has_rested(self.path) and self._stamp() == self._seen
        if not rests:
            self._seen = ()
        return rests

    def _await_rest(self) -> None:
        """Wait a moment for a file that is new to this process: a command right after an edit is to obey it."""
        until = time.monotonic() + _PATIENCE
        while not has_rested(self.path) and text_version(self.path) != self._confirmed():
            if time.monotonic() > until or not self._recorded():
                return
            time.sleep(0.05)

    def _recorded(self) -> bool:
        """Whether any version was ever in force: the first of all need not rest, there is nothing to lose yet."""
        return self._settings is not None or self._confirmed() != ""

    def _refuse(self, error: ConfigError, now: datetime) -> None:
        if self._settings is None:
            raise error
        self.problems = error.problems
        _log.error("config refused", problems=len(error.problems), first=str(error.problems[0]))
        self._report(self._settings, now)

    def _confirmed(self) -> str:
        """The version that was saved or confirmed last: in force by an admin's word, whatever it lacks."""
        try:
            with self.store.read() as session:
                newest = newest_change(session)
        except SQLAlchemyError:
            return ""
        return newest.version if newest is not None else ""

    def _last_good(self) -> Settings | None:
        with self.store.read() as session:
            status = get_status(session, STATUS)
            row = session.get(ConfigVersion, status.value["version"]) if status else None
        return parse_settings(row.text, self.path.name, examples=False) if row is not None else None

    def _report(self, settings: Settings, now: datetime) -> None:
        """Record the version in force and the problems of the file, for the pages and `flask status`."""
        value = {"version": settings.version, "problems": [str(p) for p in self.problems][:50]}
        row = {"version": settings.version, "text": settings.source, "loaded_at": now}
        try:
            with self.store.write() as session:
                insert_new(session, ConfigVersion, [row], ["version"])
                if not self.problems:
                    record_change(session, settings.version, "", "", now)
                known = get_status(session, STATUS)
                if known is None or known.value != value:
                    set_status(session, STATUS, value, now)
        except SQLAlchemyError as error:  # the settings are valid all the same; recorded at the next look
            self._seen = ()
            _log.warning("config version not recorded", error=type(error).__name__)
