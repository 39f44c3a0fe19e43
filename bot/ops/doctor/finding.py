"""Finding of a doctor check, and Probe: the calls to WeCom that the checks share, each made once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import requests

from bot.platform.archive_sources import open_archive
from bot.platform.environment import WeComAccess
from bot.system import System
from bot.wecom import audit
from bot.wecom.api import WeComClient
from bot.wecom.archive import ArchiveSource
from bot.wecom.connection import Credentials
from bot.wecom.errors import WeComError
from bot.wecom.native import NativeArchive
from bot.wecom.wire import Wire

OK, WARN, BAD, SKIPPED = "ok", "warn", "bad", "skipped"
SECONDS = (3.05, 10)  # to connect, to answer


@dataclass(frozen=True)
class Finding:
    """The result of a check.

    level: ok, warn, bad, or skipped (because of `waits_for`). found: what was seen. mend: where to click or what to
    type. ends: the checks after this one mean nothing, though this one is not bad.
    """

    level: str
    found: str
    mend: str = ""
    waits_for: str = ""
    ends: bool = False


@dataclass(frozen=True)
class Answer:
    """How one call ended: its answer, or the error."""

    value: Any = None
    error: WeComError | None = None

    @property
    def errcode(self) -> int | None:
        """0 for success; None where no readable answer came."""
        return 0 if self.error is None else self.error.errcode


class Probe:
    """Makes the calls behind the checks.

    They bypass the call gate and the cached tokens of the running system: a secret that was mended a minute ago must
    show at once.
    """

    def __init__(self, system: System, now: datetime) -> None:
        self.system, self.now = system, now

    @property
    def access(self) -> WeComAccess:
        return self.system.environment.needs_wecom()

    @cached_property
    def app(self) -> WeComClient:
        a = self.access
        return WeComClient(Credentials(a.corp_id, a.app_secret, a.app_id), api_url=a.api_url, timeout=SECONDS)

    @cached_property
    def archive(self) -> WeComClient:
        a = self.access
        credentials = Credentials(a.corp_id, a.archive_secret, purpose="archive")
        return WeComClient(credentials, api_url=a.api_url, timeout=SECONDS)

    @cached_property
    def api_answer(self) -> requests.Response | None:
        """WeCom's answer to a call without a token: enough to see that it is reachable and what time it has."""
        try:
            url = f"{self.access.api_url}getcallbackip"
            with Wire() as wire:
                return wire.get(url, timeout=SECONDS, proxies=self._proxies)
        except requests.RequestException:
            return None

    @cached_property
    def app_token(self) -> Answer:
        return ask(self.app.fetch_access_token)

    @cached_property
    def archive_token(self) -> Answer:
        return ask(self.archive.fetch_access_token)

    @cached_property
    def follow_users(self) -> Answer:
        """The members who may have customers."""
        return ask(self.app.follow_users)

    @cached_property
    def message_to_nobody(self) -> Answer:
        """A message to a userid that does not exist: with the right AgentId only the receiver is refused."""
        text = {"msgtype": "text", "text": {"content": "tici doctor"}, "agentid": self.access.app_id}
        body = {"touser": "tici-doctor-nobody", **text}
        return ask(lambda: self.app.post("message/send", data=body))

    @cached_property
    def seats(self) -> Answer:
        """The members with a seat of the archive."""
        return ask(lambda: audit.seats(self.archive))

    @cached_property
    def source(self) -> ArchiveSource:
        """The archive as the puller opens it, with a library process of its own."""
        return open_archive(self.access, None)

    def fetch(self, path: str, **query: str) -> requests.Response | None:
        """Fetch a page of our own by its public address."""
        try:
            url = f"{self.system.environment.base_url}{path}"
            return requests.get(url, params=query, timeout=SECONDS, allow_redirects=False, proxies=self._proxies)
        except requests.RequestException:
            return None

    def close(self) -> None:
        """Close the connections."""
        for name in ("app", "archive"):
            if name in self.__dict__:
                self.__dict__[name]._http.close()
        if isinstance(self.__dict__.get("source"), NativeArchive):
            self.__dict__["source"].close()

    @cached_property
    def _proxies(self) -> dict[str, str] | None:
        if self.system.environment.wecom is None:
            return None  # those of the surroundings
        return self.app._http.proxies if self.app._http.trust_env else {"http": "", "https": ""}


def ask(call: Callable[[], Any]) -> Answer:
    """Make the call and give its error as a value."""
    try:
        return Answer(call())
    except WeComError as error:
        return Answer(error=error)
