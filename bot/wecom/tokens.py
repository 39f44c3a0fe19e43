"""TokenShelf: the access token, shared by all processes through Redis and fetched once when it is dead.

Redis may be missing: each process then keeps a token of its own, which costs little, since WeCom returns the same
token until it expires.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from redis import Redis
from redis.exceptions import RedisError

from bot.wecom.errors import UNREACHABLE, BotError, WeComError
from bot.wecom.plain import whole_number

# Seconds before its expiry from which a token is no longer used.
_MARGIN = 60.0
_LOCK_SECONDS = 20
_POLL_SECONDS = 0.05
_REDIS_REST_SECONDS = 5.0
# WeCom bans an address for an hour that keeps asking with a wrong secret.
_PAUSE_SECONDS = 60
_BREATH_SECONDS = 1.0
_LONGEST_TOKEN, _LONGEST_LIFE = 2048, 7200  # WeCom says 512 bytes and two hours
_RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end"


@dataclass(frozen=True)
class Token:
    """An access token and a mark of the fetch it came from (WeCom may return the same token twice)."""

    value: str
    mark: str

    def __repr__(self) -> str:
        return "Token(***)"


Fetch: TypeAlias = Callable[[], tuple[str, float]]
"""Asks WeCom for a token; returns it with its lifetime in seconds."""


class Sealer(Protocol):
    """Seals what lies in Redis: neither readable nor writable for whoever has not the data keys."""

    def seal(self, plain: bytes, where: bytes) -> bytes: ...

    def open(self, sealed: bytes, where: bytes) -> bytes: ...


class TokenShelf:
    """Keeps the token of one corp and one secret. `name` goes into Redis keys: never put a secret in it."""

    def __init__(self, name: str, redis: Redis | None = None, sealer: Sealer | None = None) -> None:
        self._key, self._redis, self._sealer = f"tici:token:{name}", redis, sealer
        self._lock = threading.Lock()
        self._own: tuple[Token, float] | None = None
        self._redis_rests_until = 0.0
        self._refused: tuple[WeComError, float] | None = None

    def token(self, fetch: Fetch) -> Token:
        """The token in force."""
        return self._read() or self.renew(None, fetch)

    def renew(self, dead: Token | None, fetch: Fetch) -> Token:
        """A token other than `dead`: one that another process fetched, else fetched here, one process at a time.

        An error of `fetch` is raised, and raised again for a while without asking WeCom: for a second, or for a
        minute and in all processes where only a person can mend it.
        """
        with self._lock:
            return self._newer(dead) or self._renew_shared(dead, fetch)

    def _renew_shared(self, dead: Token | None, fetch: Fetch) -> Token:
        holder, patience = secrets.token_hex(8), time.monotonic() + _LOCK_SECONDS
        while not self._claim(holder):
            time.sleep(_POLL_SECONDS)
            if fresh := self._newer(dead):
                return fresh
            if time.monotonic() > patience:
                break
        try:
            return self._newer(dead) or self._fetched(fetch)
        finally:
            self._release(holder)

    def _fetched(self, fetch: Fetch) -> Token:
        if refusal := self._refusal():
            raise refusal
        try:
            return self._put(*fetch())
        except WeComError as error:
            self._remember(error)
            raise

    def _newer(self, dead: Token | None) -> Token | None:
        found = self._read()
        return found if found and (dead is None or found.mark != dead.mark) else None

    def _read(self) -> Token | None:
        redis = self._awake()
        if redis is not None:
            try:
                return _loads(self._opened(redis.get(self._key), self._key))
            except RedisError:
                self._rest()
        own = self._own
        return own[0] if own and time.monotonic() < own[1] else None

    def _remember(self, error: WeComError) -> None:
        """Remember an error for a while in this process and, where only a person can mend it, in all."""
        seconds = _PAUSE_SECONDS if error.pause else _BREATH_SECONDS
        self._refused = (error, time.monotonic() + seconds)
        redis = self._awake()
        if redis is not None and error.pause:
            try:
                sealed = self._sealed(json.dumps([error.errcode, error.errmsg]), f"{self._key}:refused")
                redis.set(f"{self._key}:refused", sealed, ex=_PAUSE_SECONDS)
            except RedisError:
                self._rest()

    def _refusal(self) -> WeComError | None:
        if self._refused and time.monotonic() < self._refused[1]:
            error = self._refused[0]
            return type(error)(error.errcode, error.errmsg, error.remedy, error.api)
        redis = self._awake()
        try:
            stored = redis.get(f"{self._key}:refused") if redis is not None else None
        except RedisError:
            self._rest()
            return None
        found = _pair(self._opened(stored, f"{self._key}:refused"))
        if found is None or type(found[0]) is not int:
            return None
        return WeComError(found[0], str(found[1]), api="gettoken")

    def _put(self, value: str, lifetime: float) -> Token:
        token, seconds = Token(value, secrets.token_hex(8)), max(lifetime - _MARGIN, lifetime / 2, 0.001)
        self._own = (token, time.monotonic() + seconds)
        redis = self._awake()
        if redis is not None:
            try:
                sealed = self._sealed(json.dumps([value, token.mark]), self._key)
                redis.set(self._key, sealed, px=max(int(seconds * 1000), 1))
            except RedisError:
                self._rest()
        return token

    def _sealed(self, plain: str, key: str) -> bytes:
        return self._sealer.seal(plain.encode(), f"redis.{key}".encode()) if self._sealer else plain.encode()

    def _opened(self, stored: object, key: str) -> object:
        """What was stored, or None for what another wrote: it is as if nothing were there, and fetched anew."""
        if self._sealer is None or stored is None:
            return stored
        try:
            return self._sealer.open(stored if isinstance(stored, bytes) else b"", f"redis.{key}".encode())
        except BotError:
            return None

    def _claim(self, holder: str) -> bool:
        redis = self._awake()
        if redis is None:
            return True
        try:
            return bool(redis.set(f"{self._key}:lock", holder, nx=True, ex=_LOCK_SECONDS))
        except RedisError:
            self._rest()
            return True

    def _release(self, holder: str) -> None:
        redis = self._awake()
        if redis is None:
            return
        try:
            redis.eval(_RELEASE, 1, f"{self._key}:lock", holder)
        except RedisError:
            self._rest()

    def _awake(self) -> Redis | None:
        """Redis, unless it failed a moment ago: one that hangs must not slow down every call."""
        return self._redis if time.monotonic() >= self._redis_rests_until else None

    def _rest(self) -> None:
        self._redis_rests_until = time.monotonic() + _REDIS_REST_SECONDS


def token_of(answer: Mapping[str, Any], name: str, api: str) -> tuple[str, float]:
    """Token or ticket of an answer with its lifetime in seconds; WeComError where either is unusable.

    A lifetime of 0 is refused: every call would fetch another token.
    """
    value, lifetime = answer.get(name), answer.get("expires_in", 7200)
    seconds = whole_number(lifetime) or 0
    if not isinstance(value, str) or not value or not value.isascii() or len(value) > _LONGEST_TOKEN or seconds <= 0:
        raise WeComError(None, f"{api} answered without a usable {name}", UNREACHABLE, api)
    return value, float(min(seconds, _LONGEST_LIFE))


def _loads(stored: object) -> Token | None:
    found = _pair(stored)
    return Token(str(found[0]), str(found[1])) if found is not None else None


def _pair(stored: object) -> tuple[object, object] | None:
    """A JSON list of two, or None: Redis may hold anything."""
    if not isinstance(stored, bytes | str):
        return None
    try:
        value, mark = json.loads(stored)
    except (ValueError, TypeError, RecursionError):
        return None
    return value, mark
