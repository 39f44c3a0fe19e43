"""JS-SDK for pages inside WeCom: tickets per corp and per app, and the signatures made with them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from urllib.parse import urlsplit

from bot.wecom.api import WeComClient
from bot.wecom.tokens import TokenShelf, token_of


@dataclass(frozen=True)
class PageSignature:
    """The three values that getConfigSignature and getAgentConfigSignature must resolve to."""

    timestamp: int
    nonce: str
    signature: str


def sign_page(ticket: str, nonce: str, timestamp: int, url: str) -> PageSignature:
    """sha1 over ticket, nonce, time (seconds) and the page's URL as the browser has it, without its #fragment."""
    page = url.partition("#")[0]
    text = f"jsapi_ticket={ticket}&noncestr={nonce}&timestamp={timestamp}&url={page}"
    return PageSignature(timestamp, nonce, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


def is_own_page(url: str, base_url: str) -> bool:
    """Whether a page may be signed: only pages of our own scheme and host."""
    page, own = urlsplit(url), urlsplit(base_url)
    return (page.scheme, page.netloc) == (own.scheme, own.netloc) and bool(own.netloc)


class Tickets:
    """The tickets of one app, shared through Redis like its token (WeCom allows 100 fetches an hour)."""

    def __init__(self, client: WeComClient) -> None:
        self._client = client
        corp, app, redis = client.corp_id, client.app_id, client.redis
        self._corp = TokenShelf(f"{corp}:jsapi", redis, client.sealer)
        self._app = TokenShelf(f"{corp}:agent-config-{app}", redis, client.sealer)

    def corp_ticket(self) -> str:
        """The ticket for the signature of `config`."""
        return self._corp.token(lambda: self._fetch("get_jsapi_ticket", {})).value

    def app_ticket(self) -> str:
        """The ticket for the signature of `agentConfig`."""
        return self._app.token(lambda: self._fetch("ticket/get", {"type": "agent_config"})).value

    def _fetch(self, endpoint: str, query: dict[str, str]) -> tuple[str, float]:
        return token_of(self._client.get(endpoint, params=query), "ticket", endpoint)
