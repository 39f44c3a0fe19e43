"""Requests: what views take from them, the System behind the app and the row ids that addresses name."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from flask import current_app, request

from bot.system import System

Networks = Sequence[IPv4Network | IPv6Network]
_HERE: Networks = (ip_network("127.0.0.0/8"), ip_network("::1"))
_OTHER_MARKS = ("Forwarded", "X-Real-IP", "Via")  # of proxies that do not say X-Forwarded-For
LARGEST_ID = 2**63 - 1  # of a BIGINT: larger numbers make PostgreSQL fail instead of finding nothing


def current_system() -> System:
    """The System behind this request."""
    system: System = current_app.extensions["tici"]
    return system


def address() -> str:
    """Whose request this is: what a proxy says (a configured one, else one on this machine), or the peer itself."""
    proxies = current_system().environment.trusted_proxies or _HERE
    peer, told = request.remote_addr or "", forwarded_for()
    return str(_beyond([*told, peer], proxies) or peer) if told else peer


def is_from_here() -> bool:
    """Whether a program on this machine asks. Of what a proxy passes on only a configured one's word counts."""
    proxies, peer = current_system().environment.trusted_proxies, request.remote_addr or ""
    told = forwarded_for()
    if not told:
        return not any(name in request.headers for name in _OTHER_MARKS) and _is_one_of(peer, _HERE)
    found = _beyond([*told, peer], proxies)
    return _is_one_of(peer, proxies) and found is not None and found.is_loopback


def forwarded_for() -> list[str]:
    """The addresses that proxies say they were asked from, the nearest last."""
    return [one.strip() for one in request.headers.get("X-Forwarded-For", "").split(",") if one.strip()]


def _beyond(asked: Sequence[str], proxies: Networks) -> IPv4Address | IPv6Address | None:
    """The last address that is no proxy's: what stands before it may be invented. None where it is no address."""
    try:
        for one in reversed(asked):
            found = ip_address(one)
            if not any(found in network for network in proxies):
                return found
    except ValueError:
        return None
    return found


def _is_one_of(peer: str, networks: Networks) -> bool:
    try:
        return any(ip_address(peer) in network for network in networks)
    except ValueError:
        return False


def row_id(text: str) -> int:
    """An id in an address; raises ValueError where no row can have it, so that `args.get` takes its default."""
    number = int(text)
    if not 0 < number <= LARGEST_ID:
        raise ValueError("no row has such an id")
    return number


def number_argument(name: str) -> int:
    """The argument of this name if it could be a row's id, else 0."""
    text = request.args.get(name, "")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
    return number if number <= LARGEST_ID else 0
