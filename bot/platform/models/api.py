"""Tables of the API: tokens by which other systems speak to us, and requests that were answered, for repetitions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.platform.models.columns import Key, Model
from bot.platform.models.sealed import SealedJson


class ApiToken(Model):
    """A token by which a source speaks to us. hash: its SHA-256, for the token itself is shown once and not kept.

    shown: its first characters, by which people tell tokens apart. scopes: such as "orders:write".
    """

    __tablename__ = "api_token"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    source: Mapped[str] = mapped_column(String(40))
    scopes: Mapped[list[Any]] = mapped_column(default=list)
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    shown: Mapped[str] = mapped_column(String(16))
    created_by: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[str] = mapped_column(String(80), default="")


class ApiRequest(Model):
    """A request with an Idempotency-Key that was answered: told again within a day, it is answered the same.

    digest: of its path and body, so that another request under the same key is refused.
    """

    __tablename__ = "api_request"
    __table_args__ = (UniqueConstraint("token_id", "key"), Index("ix_api_request_at", "at"))

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    token_id: Mapped[int] = mapped_column(ForeignKey("api_token.id"))
    key: Mapped[str] = mapped_column(String(80))
    digest: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    answer: Mapped[dict[str, Any]] = mapped_column(SealedJson("api_request.answer"), default=dict)
