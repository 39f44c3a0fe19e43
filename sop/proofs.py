"""Proof of sending by attachment: whether something an agent sent is an attachment of a step."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit


@dataclass(frozen=True, slots=True)
class SentContent:
    """What a message carries besides its words. opened: (name, index) of tracked links in it, where the name is the
    ref of a task or the name of a mass message."""

    urls: frozenset[str] = frozenset()
    md5s: frozenset[str] = frozenset()
    appids: frozenset[str] = frozenset()
    opened: frozenset[tuple[str, int]] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.urls or self.md5s or self.appids or self.opened)


def same_address(url: str) -> str:
    """An address without what two spellings of it may differ in: case of the host, last slash, fragment."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return url.strip()
    return urlunsplit((parts.scheme.lower(), parts.netloc.lower(), parts.path.rstrip("/"), parts.query, ""))


def attachments_in(
    sent: SentContent, names: Collection[str], attach: Sequence[Mapping[str, Any]], md5s: Mapping[str, frozenset[str]]
) -> tuple[int, ...]:
    """Which attachments (by index) of a task a message carries. names: those its tracked links bear. md5s: of library
    files, all they had."""
    return tuple(
        index
        for index, planned in enumerate(attach)
        if any((name, index) in sent.opened for name in names) or _carries(sent, planned, md5s)
    )


def _carries(sent: SentContent, planned: Mapping[str, Any], md5s: Mapping[str, frozenset[str]]) -> bool:
    kind = planned.get("kind")
    if kind == "link":
        return same_address(str(planned.get("url"))) in {same_address(url) for url in sent.urls}
    if kind == "miniprogram":
        return planned.get("appid") in sent.appids
    return not sent.md5s.isdisjoint(md5s.get(str(planned.get("file")), frozenset()))
