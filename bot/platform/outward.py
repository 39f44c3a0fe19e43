"""Outward: posts to an address that a person typed, so that it reaches no machine of our own network by it.

The name is resolved once, every address is checked, and the connection goes to a checked one: a name that answers
differently the second time gains nothing. Redirects are not followed; time and what is read are bounded.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import SplitResult, urlsplit

import urllib3

from bot.wecom.errors import BotError

Networks = Sequence[IPv4Network | IPv6Network]
_TIMES = urllib3.Timeout(connect=3.0, read=5.0, total=8.0)
_MOST_READ, _PIECE, _MOST_ANSWER = 2048, 4096, 64 * 1024
_LONGEST = 500
# Ranges that count as public and lead elsewhere: IPv4 inside of IPv6 (translated, 6to4, Teredo).
_DETOURS = (
    ip_network("64:ff9b::/96"),
    ip_network("64:ff9b:1::/48"),
    ip_network("2002::/16"),
    ip_network("2001::/32"),
)


class AddressRefusedError(BotError):
    """An address that is not called; the text is for people."""


class NotReachedError(BotError):
    """There was no answer; the text says why, without the address."""


def check_address(url: str, allowed: Networks) -> SplitResult:
    """The parts of an address that may be called as far as its text says. Raises AddressRefusedError."""
    if len(url) > _LONGEST or any(ord(sign) <= 32 or ord(sign) == 127 for sign in url):
        raise AddressRefusedError("地址太长，或者里面有空格")
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise AddressRefusedError("地址看不懂，写作 https://example.com/hook") from None
    if parts.scheme not in ("https", "http") or not host or parts.username or parts.password or parts.fragment:
        raise AddressRefusedError("地址写作 https://example.com/hook，不带用户名、密码和 # 部分")
    if parts.scheme == "http" and not allowed:
        raise AddressRefusedError("只能用 https 地址")
    return parts


def post(url: str, body: bytes, headers: Mapping[str, str], allowed: Networks) -> int:
    """Post and return the status of the answer. allowed: networks that may be called besides public ones.

    Raises AddressRefusedError and NotReachedError.
    """
    with _answer(url, body, {"User-Agent": "Tici-Webhooks/1", **headers}, allowed, _TIMES) as answer:
        answer.read(_MOST_READ)
        return int(answer.status)


def ask(url: str, body: bytes, headers: Mapping[str, str], allowed: Networks, seconds: float) -> tuple[int, bytes]:
    """Post and return the status and the answer, which must be whole within so many seconds; the same errors."""
    ends, found = time.monotonic() + seconds, b""
    times = urllib3.Timeout(connect=min(3.0, seconds), read=seconds)
    with _answer(url, body, {"User-Agent": "Tici/1", **headers}, allowed, times) as answer:
        while piece := answer.read1(_PIECE):
            found += piece
            if time.monotonic() > ends or len(found) > _MOST_ANSWER:
                raise NotReachedError("too late or too long")
        return int(answer.status), found


@contextmanager
def _answer(
    url: str, body: bytes, headers: Mapping[str, str], allowed: Networks, times: urllib3.Timeout
) -> Iterator[Any]:
    parts = check_address(url, allowed)
    host, port = str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80)
    place = resolve(host, port, allowed)
    if parts.scheme == "http" and not _is_in(place, allowed):
        raise AddressRefusedError("只能用 https 地址")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    with _pool(parts, str(place), port) as pool:
        try:
            answer = pool.urlopen(
                "POST", target, body=body, headers={**headers, "Host": parts.netloc}, redirect=False, retries=False,
                preload_content=False, timeout=times,
            )  # fmt: skip
            yield answer
            answer.close()
        except urllib3.exceptions.HTTPError as error:
            raise NotReachedError(type(error).__name__) from None


def resolve(host: str, port: int, allowed: Networks) -> IPv4Address | IPv6Address:
    """The address to connect to; all that the name stands for must be allowed. Raises both errors."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NotReachedError("name not known") from None
    places = [ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    for place in places:
        if not (_is_public(place) or _is_in(place, allowed)):
            raise AddressRefusedError("这个地址通到内部网络或本机，不能用")
    if not places:
        raise NotReachedError("name not known")
    return places[0]


def _pool(parts: SplitResult, place: str, port: int) -> Any:
    if parts.scheme == "http":
        return urllib3.HTTPConnectionPool(place, port, maxsize=1)
    name = str(parts.hostname)
    return urllib3.HTTPSConnectionPool(
        place, port, maxsize=1, server_hostname=name, assert_hostname=name, cert_reqs="CERT_REQUIRED"
    )


def _is_public(place: IPv4Address | IPv6Address) -> bool:
    if isinstance(place, IPv6Address):
        if place.ipv4_mapped is not None:
            return _is_public(place.ipv4_mapped)
        if any(place in network for network in _DETOURS):
            return False
    return place.is_global and not (place.is_multicast or place.is_reserved or place.is_unspecified)


def _is_in(place: IPv4Address | IPv6Address, networks: Networks) -> bool:
    return any(place in network for network in networks)
