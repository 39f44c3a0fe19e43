"""Signed addresses of the links in a welcome and in a mass message; their targets are never part of the address."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from itsdangerous import BadData, URLSafeSerializer

from bot.platform.signed_links import BadLinkError


@dataclass(frozen=True)
class WelcomeLink:
    """The index-th attachment of the welcome of a config version, as one customer got it."""

    customer_id: int
    version: str
    index: int


@dataclass(frozen=True)
class MassLink:
    """The index-th attachment of a mass message; all its customers have the same address."""

    group_send_id: int
    index: int


def welcome_link_url(base_url: str, link: WelcomeLink, key: bytes) -> str:
    """The tracked address of a link in a welcome."""
    return f"{base_url}/w/{_signer(key, 'welcome').dumps([link.customer_id, link.version, link.index])}"


def read_welcome_token(token: str, key: bytes) -> WelcomeLink:
    """The link that an address of ours stands for; raises BadLinkError."""
    customer_id, version, index = _opened(token, key, "welcome")
    return WelcomeLink(int(customer_id), str(version), int(index))


def mass_link_url(base_url: str, link: MassLink, key: bytes) -> str:
    """The tracked address of a link in a mass message."""
    return f"{base_url}/g/{_signer(key, 'mass').dumps([link.group_send_id, link.index])}"


def read_mass_token(token: str, key: bytes) -> MassLink:
    """The link that an address of ours stands for; raises BadLinkError."""
    group_send_id, index = _opened(token, key, "mass")
    return MassLink(int(group_send_id), int(index))


def mass_name(group_send_id: int) -> str:
    """What the links of a mass message are known by among those of tasks."""
    return f"mass:{group_send_id}"


def peek_mass_link(url: str) -> tuple[str, int] | None:
    """The mass message's name and the index that an address claims, unverified: enough to compare it with ours."""
    _, mark, token = url.rpartition("/g/")
    if not mark:
        return None
    _good, payload = _signer(b"", "mass").loads_unsafe(token)
    if not isinstance(payload, list) or [type(part) for part in payload] != [int, int]:
        return None
    return mass_name(payload[0]), payload[1]


def _signer(key: bytes, purpose: str) -> URLSafeSerializer:
    return URLSafeSerializer(key, salt=f"tici {purpose} link", signer_kwargs={"digest_method": hashlib.sha256})


def _opened(token: str, key: bytes, purpose: str) -> Any:
    try:
        return _signer(key, purpose).loads(token)
    except BadData:
        raise BadLinkError(expired=False) from None
