"""Logs as one JSON object or one plain line an event, scrubbed of secrets, message bodies and phone numbers."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_SECRET_KEYS = re.compile(r"secret|token|password|aes_key|ticket|authorization|cookie|response_code", re.IGNORECASE)
_IN_URL = re.compile(r"((?:corpsecret|access_token|ticket|code|key|password)=)[^&\s\"']+", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"(\w+://[^:/\s@]*:)[^@\s]+@")
_PHONE = re.compile(r"(?<!\d)(1[3-9]\d)\d{4}(\d{4})(?!\d)")
_ID_NUMBER = re.compile(r"(?<!\d)(\d{6})\d{8}(\d{3}[\dXx])(?![\dXx])")


def scrub(text: str) -> str:
    """Take secrets, phone and ID numbers and line breaks out of a text that goes into a log."""
    text = _URL_PASSWORD.sub(r"\1***@", _IN_URL.sub(r"\1***", text))
    text = _ID_NUMBER.sub(r"\1********\2", _PHONE.sub(r"\1****\2", text))
    return text.replace("\r", "\\r").replace("\n", "\\n")


def _scrub_event(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if _SECRET_KEYS.search(key):
            event[key] = "***"
        elif isinstance(value, str):
            event[key] = scrub(value)
    return event


class _ScrubbingFormatter(logging.Formatter):
    """The same care for what libraries log (wechatpy's exceptions carry corpsecret= in their URLs)."""

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
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),  # standard error as it is then
        cache_logger_on_first_use=False,
    )
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
