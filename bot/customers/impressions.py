"""Impressions: writes down what our own people think of a customer, and reads it for many customers at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.platform.models import Impression as Row
from bot.platform.work import Work
from taggers.models.impression import Impression, of_each


def tell_impression(work: Work, customer_id: int, author: str, word: str) -> bool:
    """Note somebody's word ("" takes it back); False where they think so already."""
    told = [one for _, one in read_impressions(work.session, [customer_id])]
    mine = next((one.word for one in of_each(told) if one.author == author), "")
    if mine == word:
        return False
    work.session.add(Row(customer_id=customer_id, author=author, word=word, at=work.now))
    return True


def read_impressions(session: Session, ids: Sequence[int]) -> Iterator[tuple[int, Impression]]:
    """Every word about these customers, each customer's oldest first."""
    asked = select(Row.customer_id, Row.author, Row.word, Row.at).where(Row.customer_id.in_(ids)).order_by(Row.id)
    for customer_id, author, word, at in session.execute(asked):
        yield customer_id, Impression(author, word, at)
