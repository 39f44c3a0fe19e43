"""Table of portraits: what the models last said of each customer, for lists, conditions and segments."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from bot.platform.models.columns import Model


class Portrait(Model):
    """What taggers.models.portrait said of a customer at `at`; the customer's page asks anew, with its reasons.

    basis: orders | talks | "" for neither; last_at, frequency, money: what RFM measured by it. r, f, m: 0 where there
    is no grade. value, worth: fen a month, for levels and for tiers; well: whether they cooperate. was: the quadrant
    before. Texts are "" for none. felt: what our people think of them.
    target: whether the business wants them; listed: on the list of quality, signs: how many speak for it.
    treated: the cell of the matrix whose treatment was begun.
    """

    __tablename__ = "portrait"
    __table_args__ = (
        Index(
            "ix_portrait_listed",
            "customer_id",
            sqlite_where=text("listed = 1"),
            postgresql_where=text("listed"),
        ),
    )

    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    basis: Mapped[str] = mapped_column(String(8), default="")
    last_at: Mapped[datetime | None]
    frequency: Mapped[int] = mapped_column(default=0)
    money: Mapped[int] = mapped_column(BigInteger, default=0)
    r: Mapped[int] = mapped_column(default=0)
    f: Mapped[int] = mapped_column(default=0)
    m: Mapped[int] = mapped_column(default=0)
    rfm: Mapped[str] = mapped_column(String(20), default="")
    value: Mapped[int] = mapped_column(BigInteger, default=0)
    loyalty: Mapped[float] = mapped_column(default=0.0)
    level: Mapped[str] = mapped_column(String(20), default="")
    phase: Mapped[str] = mapped_column(String(8), default="")
    quadrant: Mapped[str] = mapped_column(String(1), default="")
    was: Mapped[str] = mapped_column(String(1), default="")
    tier: Mapped[str] = mapped_column(String(1), default="")
    worth: Mapped[int] = mapped_column(BigInteger, default=0)
    well: Mapped[bool] = mapped_column(default=False)
    five_a: Mapped[str] = mapped_column(String(8), default="")
    mindset: Mapped[str] = mapped_column(String(8), default="")
    taste: Mapped[str] = mapped_column(String(30), default="")
    cell: Mapped[str] = mapped_column(String(20), default="")
    peer: Mapped[bool] = mapped_column(default=False)
    felt: Mapped[str] = mapped_column(String(8), default="")
    target: Mapped[str] = mapped_column(String(8), default="")
    listed: Mapped[bool] = mapped_column(default=False)
    signs: Mapped[int] = mapped_column(default=0)
    treated: Mapped[str] = mapped_column(String(20), default="")
