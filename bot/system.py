"""System: what one process works with: environment, database, config in force, queue and WeCom clients."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property

from bot.platform import clock
from bot.platform.archive_sources import archive_client, open_archive
from bot.platform.config.reload import SettingsKeeper
from bot.platform.config.settings import Settings
from bot.platform.database.store import Store, is_fresh
from bot.platform.encryption import DataKeys, open_data_keys
from bot.platform.environment import Environment, read_environment
from bot.platform.failpoints import failpoint
from bot.platform.gateway.call_counts import CallCounts
from bot.platform.gateway.gateway import Gateway
from bot.platform.processes import name_process
from bot.platform.queue import JobQueue, connect_redis
from bot.platform.signed_links import signing_key
from bot.platform.valkey import ensure_valkey, running_url
from bot.platform.work import WORK, Work
from bot.wecom.api import WeComClient
from bot.wecom.archive import ArchiveSource
from bot.wecom.connection import Credentials
from bot.wecom.keyring import KeyRing
from bot.wecom.limits import day_limits


class System:
    """Everything a job, a page or a command needs, opened when first asked for."""

    def __init__(self, environment: Environment | None = None) -> None:
        self.environment = environment or read_environment()
        self.tries_owed = 0  # tries of archive rows that could not be taken back yet; see bot/intake/pull.py

    @cached_property
    def store(self) -> Store:
        return Store(self.environment.database_url, self.data_keys, self.environment.var)

    @cached_property
    def data_keys(self) -> DataKeys:
        """The keys that encrypt what people say in the database."""
        given = self.environment
        return open_data_keys(given.data_keys, given.data_keys_file, lambda: is_fresh(given.database_url))

    @cached_property
    def keeper(self) -> SettingsKeeper:
        return SettingsKeeper(self.environment.config, self.store)

    @property
    def settings(self) -> Settings:
        """The config in force at this moment; read it once per piece of work, since it may be edited meanwhile."""
        return self.keeper.current()

    @cached_property
    def redis_url(self) -> str:
        return self.environment.redis_url or ensure_valkey(self.environment.var)

    @property
    def known_redis_url(self) -> str | None:
        """The queue's address without starting one; None where no embedded server runs."""
        return self.environment.redis_url or running_url(self.environment.var)

    @cached_property
    def queue(self) -> JobQueue:
        return JobQueue(connect_redis(self.redis_url))

    @contextmanager
    def work(self, now: datetime | None = None, point: str = "") -> Iterator[Work]:
        """One piece of work in one transaction; workers are woken for what it sends once it is committed.

        point: the failpoint between the commit and that.
        """
        settings = self.settings  # before the transaction: an edited config is noted in one of its own
        _ = self.signing_key  # what signs the links of cards may have to be read from a file
        with self.store.write() as session:
            work = session.info[WORK] = Work(session, settings, now or clock.now())
            yield work
        failpoint(point)
        self.wake_workers(work)

    @contextmanager
    def look(self, now: datetime | None = None) -> Iterator[Work]:
        """One piece of work that only reads: nothing it would send leaves."""
        settings = self.settings
        with self.store.read() as session:
            yield Work(session, settings, now or clock.now())

    def wake_workers(self, work: Work) -> None:
        """Enqueue what a committed piece of work left to be done; without a queue, the sweep finds it later."""
        if not (work.leaving or work.jobs) or self.known_redis_url is None:
            return
        self.queue.enqueue_for("deliver", work.outbox_ids)
        for job in sorted(work.jobs):
            self.queue.enqueue_once(job)

    @cached_property
    def signing_key(self) -> bytes:
        """The key that signs sessions and links."""
        return signing_key(self.environment.secret_key, self.environment.var)

    @cached_property
    def wecom(self) -> WeComClient:
        """WeCom, called with the app's secret."""
        access = self.environment.needs_wecom()
        return WeComClient(
            Credentials(access.corp_id, access.app_secret, access.app_id),
            api_url=access.api_url,
            redis=self.queue.connection,
            sealer=self.data_keys,
            gateway=Gateway(self.store, "app", self.call_counts, day_limits(access.accounts)),
        )

    @cached_property
    def _archive_gateway(self) -> Gateway:
        return Gateway(self.store, "archive", self.call_counts)

    @cached_property
    def call_counts(self) -> CallCounts:
        """The counts of this process's calls to WeCom."""
        return CallCounts(self.store)

    @cached_property
    def archive_client(self) -> WeComClient:
        """WeCom, called with the archive's own secret: who agreed, who is archived, internal groups."""
        access, redis = self.environment.needs_wecom(), self.queue.connection
        return archive_client(access, redis, self._archive_gateway, self.data_keys)

    @cached_property
    def archive(self) -> ArchiveSource:
        """The conversation archive, read through the adapter that WECOM_ARCHIVE names."""
        access, redis = self.environment.needs_wecom(), self.queue.connection
        return open_archive(access, redis, self._archive_gateway, self.data_keys)

    @cached_property
    def keyring(self) -> KeyRing:
        """The private keys that open the archive; keys added later are found without a restart."""
        return KeyRing.load(self.environment.needs_wecom().private_keys)

    @cached_property
    def owner(self) -> str:
        """This process's name on leases."""
        return name_process()


_current: System | None = None


def current_system() -> System:
    """This process's System, made on first use; for jobs, which RQ calls by name and cannot hand it to."""
    global _current
    if _current is None:
        _current = System()
    return _current


def use_system(system: System) -> None:
    """Have the jobs of this process work with this System."""
    global _current
    _current = system
