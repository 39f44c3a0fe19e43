"""API tokens: makes and revokes the tokens by which other systems speak to us, and finds the one of a request."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.platform.database.audit_log import record
from bot.platform.models import ApiToken
from bot.wecom.errors import BotError

SCOPES = tuple(f"{of}:{may}" for of in ("orders", "products", "events", "customers") for may in ("read", "write"))
MOST = 100
_PREFIX = "tici_"
_SHOWN = 12
_USED_EVERY = timedelta(minutes=1)  # the time of last use is written no oftener


class TokenRefusedError(BotError):
    """A token that cannot be made; the text is for people."""


def create_token(session: Session, of: tuple[str, str], scopes: Sequence[str], who: str, now: datetime) -> str:
    """Make a token; returns it, this once. of: its name, and the source as which it speaks."""
    name, source = (" ".join(text.split()) for text in of)
    chosen = [scope for scope in SCOPES if scope in scopes]
    if not name or not source or len(name) > 60 or len(source) > 40:
        raise TokenRefusedError("请写名字（最多 60 字）和来源（最多 40 字）")
    if not chosen:
        raise TokenRefusedError("请至少选一项权限")
    if len(session.scalars(select(ApiToken.id).where(ApiToken.revoked_at.is_(None))).all()) >= MOST:
        raise TokenRefusedError("令牌太多了，请先停用不用的")
    token = _PREFIX + secrets.token_urlsafe(32)
    row = ApiToken(
        name=name, source=source, scopes=chosen, hash=_hash(token), shown=token[:_SHOWN], created_by=who[:80],
        created_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    record(session, who, "api.token", f"api:{row.id}", now, scopes=chosen)
    return token


def revoke_token(session: Session, token_id: int, who: str, now: datetime) -> bool:
    """From now on the token opens nothing; False where there is none in force."""
    row = session.get(ApiToken, token_id)
    if row is None or row.revoked_at is not None:
        return False
    row.revoked_at, row.revoked_by = now, who[:80]
    record(session, who, "api.revoke", f"api:{row.id}", now)
    return True


def find_token(session: Session, given: str) -> ApiToken | None:
    """The token in force that was given."""
    row = session.scalar(select(ApiToken).where(ApiToken.hash == _hash(given)))
    return row if row is not None and row.revoked_at is None else None


def note_use(session: Session, token_id: int, now: datetime) -> None:
    """Keep when the token was last used."""
    row = session.get(ApiToken, token_id)
    if row is not None and (row.used_at is None or now - row.used_at >= _USED_EVERY):
        row.used_at = now


def is_stale(row: ApiToken, now: datetime) -> bool:
    """Whether its last use should be written anew."""
    return row.used_at is None or now - row.used_at >= _USED_EVERY


def _hash(token: str) -> str:
    """The token has 256 bits of chance: a plain hash gives nothing to guess by."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
