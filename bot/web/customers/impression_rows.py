"""What our own people think of a customer, as the customer's page and the sidebar show it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from bot.customers.impressions import read_impressions
from bot.web.layout.actors import actor_names
from taggers.models.impression import TITLES, of_each


@dataclass(frozen=True)
class ImpressionsView:
    """mine: the reader's own word, "" for none; others: (who, word, since when), newest first; words: all four."""

    mine: str
    others: tuple[tuple[str, str, datetime], ...]
    words: dict[str, str]


def read_view(session: Session, customer_id: int, reader: str) -> ImpressionsView:
    """What is thought of one customer; two statements."""
    told = of_each(one for _, one in read_impressions(session, [customer_id]))
    names = actor_names(session, (one.author for one in told))
    mine = next((one.word for one in told if one.author == reader), "")
    others = tuple((names[one.author], TITLES[one.word], one.at) for one in told if one.author != reader)
    return ImpressionsView(mine, others, TITLES)
