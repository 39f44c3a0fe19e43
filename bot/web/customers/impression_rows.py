"""What our own people think of a customer, as the customer's page and the sidebar show it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from bot.customers.impressions import read_impressions
from bot.web.layout.actors import actor_names
from taggers.models.impression import TITLES, Impression, of_each


@dataclass(frozen=True)
class ImpressionsView:
    """mine: the reader's own word, "" for none; others: (who, word, since when), newest first; words: all four."""

    mine: str
    others: tuple[tuple[str, str, datetime], ...]
    words: dict[str, str]


def read_view(session: Session, customer_id: int, reader: str) -> ImpressionsView:
    """What is thought of one customer; two statements."""
    return views_of(session, read_impressions(session, [customer_id]), reader)(customer_id)


def views_of(
    session: Session, told: Iterable[tuple[int, Impression]], reader: str
) -> Callable[[int], ImpressionsView]:
    """What is thought of each of several customers."""
    words: dict[int, list[Impression]] = defaultdict(list)
    for customer_id, one in told:
        words[customer_id].append(one)
    names = actor_names(session, {one.author for several in words.values() for one in several})
    return lambda customer_id: _view(of_each(words[customer_id]), names, reader)


def _view(told: Iterable[Impression], names: dict[str, str], reader: str) -> ImpressionsView:
    told = tuple(told)
    mine = next((one.word for one in told if one.author == reader), "")
    others = tuple((names[one.author], TITLES[one.word], one.at) for one in told if one.author != reader)
    return ImpressionsView(mine, others, TITLES)
