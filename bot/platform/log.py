"""Logging: one JSON object or one plain line an event, scrubbed of secrets, message bodies and phone numbers."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote, quote_plus

import structlog

from bot.platform.masking import mask

_SECRET_KEYS = re.compile(
    r"secret|token|password|aes_key|data_key|ticket|authorization|cookie|response_code|welcome_code", re.IGNORECASE
)
_IN_URL = re.compile(
    r"((?<![a-z])(?:(?:corpsecret|(?:access_)?token|password|(?:jsapi_)?ticket|aeskey)[\"']?\s*[=:]\s*[\"']?|(?:code|key)=|"
    r"[?&](?:state|auth_code|msg_signature|signature|echostr)=|cookie:\s*|(?:session|tici)=))[^&\s\"',;)}]+",
    re.IGNORECASE,
)
# What turns or hides a line where it is shown, ends it, or drives a terminal; surrogates cannot be written at all.
_UNSHOWN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_URL_PASSWORD = re.compile(r"(\w+://[^:/\s@]*:)[^@\s]+@")
_LEAST_SECRET = 6  # characters; replacing a shorter value would hide half of every line
_hidden: dict[str, None] = {}


def hide(*secrets: str | None) -> None:
    """Keep these values out of all logs of this process, also where they are URL-encoded."""
    for secret in secrets:
        for form in {secret or "", quote(secret or "", safe=""), quote_plus(secret or "")}:
            if len(form) >= _LEAST_SECRET:
                _hidden[form] = None


def scrub(text: str) -> str:
    """Take secrets, phone and ID numbers, line breaks and characters that nobody sees out of a text for a log."""
    return without_secrets(text.replace("\r", "\\r")).replace("\n", "\\n")


def without_secrets(text: str) -> str:
    """As `scrub`, but with line breaks kept: for tracebacks."""
    text = _URL_PASSWORD.sub(
        r"\1***@", _IN_URL.sub(r"\1***", text)
    )  # before the known secrets, one of which might be part of a key name
    for secret in _hidden:
        text = text.replace(secret, "***")
    return _UNSHOWN.sub(_escaped, mask(text))


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _scrub_event(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        event[key] = _scrubbed(key, value)
    return event


def _scrubbed(key: object, value: Any) -> Any:
    if isinstance(key, str) and _SECRET_KEYS.search(key):
        return "***"
    if isinstance(value, Mapping):
        return {scrub(str(inner)): _scrubbed(inner, one) for inner, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_scrubbed("", one) for one in value]
    return value if value is None or isinstance(value, bool | int | float) else scrub(str(value))


class _Unfailing:
    """Standard error as it is at that moment. A line that cannot be written is lost, and nothing else: a full disk
    must neither fail a request nor end a process."""

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):  # ValueError: it is closed
            return sys.stderr.write(text)
        return 0

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.flush()


class _ScrubbingFormatter(logging.Formatter):
    """Scrubs what libraries log: wechatpy's exceptions carry corpsecret= in their URLs."""

    def format(self, record: logging.LogRecord) -> str:
        return scrub(super().format(record))


def setup_logging() -> None:
    """Configure this process's logs: level by TICI_LOG_LEVEL, JSON by TICI_LOG_JSON=1; to standard error."""
    level = logging.getLevelNamesMapping().get(os.environ.get("TICI_LOG_LEVEL", "INFO").upper(), logging.INFO)
    as_json = os.environ.get("TICI_LOG_JSON") == "1"
    renderer: Any = structlog.processors.JSONRenderer(ensure_ascii=False) if as_json else _plain
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _scrub_event,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: structlog.WriteLogger(_Unfailing()),  # type: ignore[arg-type]
        cache_logger_on_first_use=False,
    )
    logging.raiseExceptions = False  # a line that cannot be written is lost without a traceback of its own
    handler = logging.StreamHandler()
    handler.setFormatter(_ScrubbingFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[handler], force=True)


def _plain(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> str:
    stamp, level, what = event.pop("timestamp"), event.pop("level"), event.pop("event")
    rest = " ".join(f"{key}={value}" for key, value in event.items())
    return f"{stamp[:19]}Z {level:<7} {what} {rest}".rstrip()


def get_logger(name: str) -> Any:
    """A structured logger: `log.info("pulled", rows=12)`. Never hand it a message body."""
    return structlog.get_logger(where=name)
