"""SettingsKeeper: holds the config in force; an edited file is loaded within two seconds, a broken one refused."""

from __future__ import annotations

import threading
import time
from datetime import datetime
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from bot.platform import clock
from bot.platform.config.settings import ConfigError, ConfigProblem, Settings, load_settings, parse_settings
from bot.platform.config.versions import record_change
from bot.platform.database.store import Store, get_status, insert_new, set_status
from bot.platform.log import get_logger
from bot.platform.models import ConfigVersion
from sop.playbook import Workspace

LOOK_EVERY = 1.0  # seconds between two looks at the file
STATUS = "config"
_log = get_logger(__name__)


class SettingsKeeper:
    """Gives the Settings in force. Each process has one; threads may share it."""

    def __init__(self, path: Path, store: Store) -> None:
        self.path = path
        self.store = store
        self.problems: list[ConfigProblem] = []
        self._lock = threading.Lock()
        self._seen: tuple[int, ...] | None = None
        self._looked = float("-inf")
        self._settings: Settings | None = None

    def current(self) -> Settings:
        """The settings in force; raises ConfigError only where no valid version was ever seen."""
        settings = self._settings
        if settings is not None and time.monotonic() - self._looked < LOOK_EVERY:
            return settings
        with self._lock:
            return self._look()

    def look_again(self) -> None:
        """Check the file at the next call of `current`, even if it was checked a moment ago."""
        self._looked = float("-inf")

    def _look(self) -> Settings:
        if self._settings is not None and time.monotonic() - self._looked < LOOK_EVERY:
            return self._settings
        self._looked = time.monotonic()
        seen = self._stamp()
        if self._settings is None or seen != self._seen:
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
        try:
            settings = load_settings(self.path, today=now.date())
        except ConfigError as error:
            self.problems = error.problems
            _log.error("config refused", problems=len(error.problems), first=str(error.problems[0]))
            self._settings = self._settings or self._last_good(error)
            self._report(self._settings, now)
            return
        if self._settings is not None and settings.version != self._settings.version:
            _log.info("config taken", version=settings.version, before=self._settings.version)
        self.problems = []
        self._settings = settings
        self._report(settings, now)

    def _last_good(self, error: ConfigError) -> Settings:
        with self.store.read() as session:
            status = get_status(session, STATUS)
            row = session.get(ConfigVersion, status.value["version"]) if status else None
        if row is None:
            raise error
        return parse_settings(row.text, self.path.name, examples=False)

    def _report(self, settings: Settings, now: datetime) -> None:
        """Record the version in force and the problems of the file, for the pages and `flask status`."""
        value = {"version": settings.version, "problems": [str(p) for p in self.problems][:50]}
        row = {"version": settings.version, "text": settings.source, "loaded_at": now}
        try:
            with self.store.write() as session:
                insert_new(session, ConfigVersion, [row], ["version"])
                record_change(session, settings.version, "", "", now)
                known = get_status(session, STATUS)
                if known is None or known.value != value:
                    set_status(session, STATUS, value, now)
        except SQLAlchemyError as error:  # the settings are valid all the same; recorded at the next look
            self._seen = None
            _log.warning("config version not recorded", error=type(error).__name__)
