"""Search index over sealed text: keyed hashes of characters, pairs and words, by which customers are found."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, event, false, select
from sqlalchemy.orm import Session, aliased

from bot.platform.database.store import insert_new
from bot.platform.models import Customer, Follow, Message, SearchToken
from taggers.fold import fold_parts

NAMES, WORDS = 1, 2
MOST_TERMS = 8
MOST_OF_ONE_MESSAGE = 500
_LONGEST_WORD = 24
_RUN = re.compile(r"[a-z0-9]+|[^\W_a-z0-9]+")
_WORD = re.compile(r"[a-z0-9]+")


def named(text: str) -> Select[Any]:
    """Ids of customers whose name, remark or company contains these characters: for `Customer.id.in_(...)`.

    Latin words match by prefix. An empty search finds nobody.
    """
    return _carrying(NAMES, _asked(text, single=True))


def saying(text: str) -> Select[Any]:
    """Ids of customers who used these characters in messages; for `Customer.id.in_(...)`.

    Needs `[privacy] search_messages`. A single Chinese character finds nobody; of longer runs each neighbouring pair
    must occur, in any of the messages. Latin words and numbers match as a whole.
    """
    return _carrying(WORDS, _asked(text, single=False))


def name_terms(text: str) -> set[str]:
    """Search terms of a name: each character, each pair; each prefix of a latin word."""
    terms: set[str] = set()
    for run in _runs(text):
        if _WORD.fullmatch(run):
            terms.update(run[:length] for length in range(1, min(len(run), _LONGEST_WORD) + 1))
        else:
            terms.update(run)
            terms.update(map("".join, pairwise(run)))
    return terms


def word_terms(text: str) -> set[str]:
    """Search terms of a message: each pair of characters, each latin word or number."""
    terms: set[str] = set()
    for run in _runs(text):
        if _WORD.fullmatch(run):
            terms.add(run[:_LONGEST_WORD])
        else:
            terms.update(map("".join, pairwise(run)))
        if len(terms) >= MOST_OF_ONE_MESSAGE:
            break
    return terms


def index_words(session: Session, messages: Iterable[Any]) -> int:
    """Index what customers wrote; returns how many tokens are new."""
    found = {
        (term, message.customer_id)
        for message in messages
        if message.customer_id is not None and message.role == "customer" and message.text
        for term in word_terms(message.text)
    }
    return _insert(session, WORDS, found)


def index_names(session: Session, customer_ids: Sequence[int]) -> None:
    """Index the present names and remarks of customers in place of the former ones."""
    if not customer_ids:
        return
    called: dict[int, list[str]] = {customer_id: [] for customer_id in customer_ids}
    people = select(Customer.id, Customer.name, Customer.corp_name).where(Customer.id.in_(customer_ids))
    remarks = select(Follow.customer_id, Follow.remark, Follow.remark_corp_name, Follow.description)
    for customer_id, *texts in [
        *session.execute(people),
        *session.execute(remarks.where(Follow.customer_id.in_(customer_ids))),
    ]:
        called[customer_id] += texts
    terms = {(term, key) for key, texts in called.items() for text in texts for term in name_terms(text)}
    session.execute(
        delete(SearchToken).where(SearchToken.kind == NAMES, SearchToken.customer_id.in_(customer_ids)),
        execution_options={"synchronize_session": False},
    )
    _insert(session, NAMES, terms)


def reindex_words(session: Session, customer_ids: Sequence[int]) -> None:
    """Rebuild the words of these customers from the messages that are left."""
    session.execute(
        delete(SearchToken).where(SearchToken.kind == WORDS, SearchToken.customer_id.in_(customer_ids)),
        execution_options={"synchronize_session": False},
    )
    index_words(session, session.scalars(select(Message).where(Message.customer_id.in_(customer_ids))))


def _insert(session: Session, kind: int, found: set[tuple[str, int]]) -> int:
    rows = [{"kind": kind, "token": term, "customer_id": customer_id} for term, customer_id in sorted(found)]
    return insert_new(session, SearchToken, rows, ["kind", "token", "customer_id"])


def _runs(text: str) -> list[str]:
    return _RUN.findall(fold_parts(text))


def _asked(text: str, *, single: bool) -> list[str]:
    """The terms that must all occur; none where the text cannot be searched for."""
    terms: dict[str, None] = {}
    for run in _runs(text):
        if _WORD.fullmatch(run):
            terms[run[:_LONGEST_WORD]] = None
        elif len(run) > 1:
            terms.update(dict.fromkeys(map("".join, pairwise(run))))
        elif single:
            terms[run] = None
        else:
            return []
    return list(terms)[:MOST_TERMS]


def _carrying(kind: int, terms: Sequence[str]) -> Select[Any]:
    if not terms:
        return select(SearchToken.customer_id).where(false())
    first, *others = [aliased(SearchToken) for _ in terms]
    query = select(first.customer_id).where(*_is(first, kind, terms[0]))
    for other, term in zip(others, terms[1:], strict=True):
        query = query.join(other, other.customer_id == first.customer_id).where(*_is(other, kind, term))
    return query


def _is(token: type[SearchToken], kind: int, term: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return token.kind == kind, token.token == term


@event.listens_for(Session, "after_flush")
def _renamed(session: Session, _context: Any) -> None:
    """Index names and remarks in the transaction that changes them."""
    changed: set[int] = set()
    for row in (*session.new, *session.dirty):
        if isinstance(row, Customer) and _changes(row, "name", "corp_name"):
            changed.add(row.id)
        elif isinstance(row, Follow) and _changes(row, "remark", "remark_corp_name", "description"):
            changed.add(row.customer_id)
    if changed:
        index_names(session, sorted(changed))


def _changes(row: Any, *names: str) -> bool:
    """Whether one of the texts changed in this flush; an empty text of a new row does not count."""
    for name in names:
        history = row._sa_instance_state.get_history(name, 0)
        if history.added and (history.added[0] or (history.deleted and history.deleted[0])):
            return True
    return False
