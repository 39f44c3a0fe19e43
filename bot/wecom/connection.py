"""Connection: wechatpy's client with our own tokens, time-outs, base URL, gateway and errors."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
from redis import Redis
from wechatpy.enterprise import WeChatClient
from wechatpy.exceptions import WeChatClientException

from bot.wecom.errors import UNREACHABLE, CallHeldError, Remedy, WeComError
from bot.wecom.limits import CallGate
from bot.wecom.plain import clean
from bot.wecom.tokens import Sealer, Token, TokenShelf, token_of
from bot.wecom.translatable import Translatable
from bot.wecom.wire import Wire, never_left, read_answer, refusal

API_URL = "https://qyapi.weixin.qq.com/cgi-bin/"
TIMEOUT = (3.05, 10.0)  # seconds: to connect (a little over TCP's retry after 3), to wait for each byte
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_MOST_PAGES = 20_000  # against endless cursors; enough for two million customers of one agent
# At DEBUG urllib3 logs whole URLs, secret and token included.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)


_LATEST: ContextVar[float] = ContextVar("latest", default=float("inf"))


@contextmanager
def no_call_after(moment: float) -> Iterator[None]:
    """Within it a call that would begin after `moment` (of time.monotonic()) raises CallHeldError instead.

    A process that was frozen past its lease has been replaced: its call would undo the work of its successor.
    """
    token = _LATEST.set(moment)
    try:
        yield
    finally:
        _LATEST.reset(token)


@dataclass(frozen=True)
class Credentials:
    """One corp and one of its secrets.

    purpose: names the secret's token in Redis ("archive"); an app's is named by its id.
    """

    corp_id: str
    secret: str
    app_id: int = 0
    purpose: str = ""

    @property
    def shelf(self) -> str:
        return f"{self.corp_id}:{self.purpose or f'app-{self.app_id}'}"


class Connection(WeChatClient):  # type: ignore[misc]
    """Calls for one corp and one secret. Every failure is a WeComError; only a dead token is retried, once.

    sealer: seals the token that lies in Redis. gateway: is asked before each call and told its outcome.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        api_url: str = API_URL,
        redis: Redis | None = None,
        sealer: Sealer | None = None,
        timeout: tuple[float, float] = TIMEOUT,
        gateway: CallGate | None = None,
    ) -> None:
        super().__init__(credentials.corp_id, credentials.secret, timeout=timeout, auto_retry=False)
        self.API_BASE_URL = api_url.rstrip("/") + "/"
        self.app_id, self.redis, self.sealer, self.gateway = credentials.app_id, redis, sealer, gateway
        self.shelf = TokenShelf(credentials.shelf, redis, sealer)
        self._connect()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.corp_id}, app_id={self.app_id})"

    # -- tokens ------------------------------------------------------------------------------------------

    @property
    def access_token(self) -> str:
        """The token in force, fetched if need be."""
        return self.shelf.token(self._fetch).value

    def fetch_access_token(self) -> dict[str, Any]:
        """Fetch a token now (wechatpy's own name for it)."""
        value, lifetime = self._fetch()
        return {"access_token": value, "expires_in": lifetime}

    def _fetch(self) -> tuple[str, float]:
        # A list: to a dict wechatpy would add the token, which does not exist yet.
        query = [("corpid", self.corp_id), ("corpsecret", self.secret)]
        try:
            answer = self._once("get", "gettoken", {"params": query})
        except WeComError as error:
            # The call that waits for this token has certainly not been made, so it may be repeated.
            raise (WeComError(None, error.errmsg, UNREACHABLE, "gettoken") if error.unsure else error) from None
        return token_of(answer, "access_token", "gettoken")

    def _connect(self) -> None:
        self._http, self._connected_in = Wire(), os.getpid()
        # The sandbox on loopback is never reached through the proxy of the environment.
        self._http.trust_env = urlsplit(self.API_BASE_URL).hostname not in _LOOPBACK

    # -- transport ---------------------------------------------------------------------------------------

    def _request(self, method: str, url_or_endpoint: str, **kwargs: Any) -> Any:
        """The method through which wechatpy makes every call."""
        token = self.shelf.token(self._fetch)
        try:
            return self._with(token, method, url_or_endpoint, kwargs)
        except WeComError as error:
            if not error.refresh:
                raise
        return self._with(self.shelf.renew(token, self._fetch), method, url_or_endpoint, kwargs)

    def _with(self, token: Token, method: str, endpoint: str, kwargs: Mapping[str, Any]) -> Any:
        params = {**kwargs.get("params", {}), "access_token": token.value}
        return self._once(method, endpoint, {**kwargs, "params": params})

    def _once(self, method: str, endpoint: str, kwargs: Mapping[str, Any]) -> Any:
        if time.monotonic() > _LATEST.get():
            raise CallHeldError(
                None, "too late", Remedy(Translatable("等得太久，轮到别的进程了"), retry_after=1), endpoint
            )
        if self.gateway is None:
            return self._ask(method, endpoint, kwargs)
        self.gateway.before(endpoint, _members(endpoint, kwargs.get("data")))
        try:
            answer = self._ask(method, endpoint, kwargs)
        except WeComError as error:
            self.gateway.after(endpoint, error)
            raise
        self.gateway.after(endpoint, None)
        return answer

    def _ask(self, method: str, endpoint: str, kwargs: Mapping[str, Any]) -> Any:
        sent = dict(kwargs)
        if self._connected_in != os.getpid():  # after a fork: two processes must not share a connection
            self._connect()
        if isinstance(sent.get("data"), dict):
            sent["headers"] = {**sent.get("headers", {}), "Content-Type": "application/json"}
        # `from None`: the original exceptions carry the request, and with it secret and token.
        try:
            answer = super()._request(method, endpoint, **sent)
        except WeChatClientException as error:
            raise refusal(error, endpoint) from None
        except requests.RequestException as error:
            how = UNREACHABLE if never_left(error) else None
            raise WeComError(None, type(error).__name__, how, endpoint) from None
        except UnicodeEncodeError:
            raise WeComError(40035, "the text holds a lone surrogate", api=endpoint) from None
        return read_answer(answer, endpoint)

    def _handle_result(self, res: requests.Response, *_: Any, **__: Any) -> requests.Response:
        """Replaces wechatpy's own, which takes every answer for an object with a numeric errcode."""
        return res

    def ask_with_headers(
        self, endpoint: str, data: dict[str, Any], headers: dict[str, str]
    ) -> tuple[object, Mapping[str, str]]:
        """The `content` of a POST's answer, and its headers, in which WeCom's media API tells the range."""
        answered: list[Mapping[str, str]] = []

        def listen(response: requests.Response, *_: Any, **__: Any) -> None:
            answered.append(response.headers)

        answer = self.post(endpoint, data=data, headers=headers, hooks={"response": listen})
        return answer.get("content", ""), answered[-1]

    def pages(self, method: str, endpoint: str, question: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The answers page by page, until there is no next_cursor or one repeats."""
        cursor, seen = "", {""}
        while len(seen) <= _MOST_PAGES:
            asked = {**question, "cursor": cursor}
            page = self._request(method, endpoint, **{"params" if method == "get" else "data": asked})
            yield page
            cursor = clean(page.get("next_cursor"))
            if cursor in seen:
                return
            seen.add(cursor)
        raise WeComError(None, f"more than {_MOST_PAGES} pages", api=endpoint)


def _members(endpoint: str, body: object) -> list[str]:
    """The members a call writes to: WeCom limits messages per member."""
    named = body.get("touser") if endpoint == "message/send" and isinstance(body, Mapping) else ""
    return [userid for userid in str(named or "").split("|") if userid]
