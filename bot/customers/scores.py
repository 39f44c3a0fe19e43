"""Scores: enters into customers' ledgers what rules, tags and fields give, and keeps what they come to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session, load_only

from bot.platform.database.among import among
from bot.platform.database.write_rows import write_rows
from bot.platform.models import Customer, CustomerField, Message, ScoreEntry, Tagging
from bot.platform.work import Work
from taggers.hits import TagHit
from taggers.ledger import LEDGERS, Entry, Ledger, balances, settle_awards

if TYPE_CHECKING:
    from bot.customers.state import CustomerState

REVOKED, MISJUDGED, GONE = "revoked", "misjudged", "gone"
_STANDING = ("tag:", "field:")
_COLUMNS = (
    ScoreEntry.customer_id, ScoreEntry.ledger, ScoreEntry.points, ScoreEntry.source, ScoreEntry.occasion,
    ScoreEntry.at, ScoreEntry.fallen_at,
)  # fmt: skip


@dataclass
class Ledgers:
    """A customer's entries; of tags and fields the rows too, which fall when these go."""

    entries: dict[tuple[str, str, str], Entry] = field(default_factory=dict)
    rows: dict[tuple[str, str, str], ScoreEntry] = field(default_factory=dict)


def score_hit(work: Work, state: CustomerState, hit: TagHit, occasion: str, at: datetime) -> None:
    """Enter the points that a rule gives for one occasion."""
    given = {ledger: getattr(hit.score, ledger) for ledger in LEDGERS}
    source = f"rule:{hit.rule_id}"
    entries = [Entry(ledger, points, source, occasion, at) for ledger, points in given.items() if points]
    _enter(work, state, entries)


def score_standing(work: Work, state: CustomerState) -> None:
    """Enter what tags carried and fields known give by [[scores]], and take back what went."""
    if not work.settings.awards:
        return
    ledgers = _ledgers(work, state)
    mine = [ledgers.entries[key] for key in ledgers.rows]
    fresh, gone = settle_awards(work.settings.awards, _standing(work, state), mine)
    for entry in gone:
        row = ledgers.rows[_key(entry)]
        row.fallen_at, row.fallen_because = work.now, GONE
        ledgers.entries[_key(entry)] = entry_of(row)
    _enter(work, state, fresh)
    if gone:
        _weigh(work, state, ledgers)


def fall(session: Session, rows: Any, because: str, now: datetime) -> list[int]:
    """Take entries back (a condition on ScoreEntry says which); returns the ids of their customers."""
    standing = rows & ScoreEntry.fallen_at.is_(None)
    ids = list(session.scalars(select(ScoreEntry.customer_id).where(standing).distinct()))
    if ids:
        session.execute(
            update(ScoreEntry).where(standing).values(fallen_at=now, fallen_because=because),
            execution_options={"synchronize_session": False},
        )
    return ids


def lift(session: Session, rows: Any, because: str) -> list[int]:
    """Let entries stand again that fell for this reason; returns the ids of their customers."""
    fallen = rows & (ScoreEntry.fallen_because == because)
    ids = list(session.scalars(select(ScoreEntry.customer_id).where(fallen).distinct()))
    if ids:
        session.execute(
            update(ScoreEntry).where(fallen).values(fallen_at=None, fallen_because=""),
            execution_options={"synchronize_session": False},
        )
    return ids


def withdraw_scores(work: Work, msgid: str, state: CustomerState | None) -> None:
    """Take back what a message gave that its sender revoked; all that was entered before is in the database."""
    owner = select(Message.customer_id).where(Message.msgid == msgid).scalar_subquery()
    of = (ScoreEntry.customer_id == owner) & (ScoreEntry.occasion == msgid[:128]) & ScoreEntry.source.like("rule:%")
    people = fall(work.session, of, REVOKED, work.now)
    if people:
        write_rows(work.session)  # what is read again below
    for customer_id in people:
        whose = state.fellows.states.get(customer_id) if state is not None else None
        if whose is None:
            rescore(work, [customer_id])
        else:
            whose.ledgers = None
            _weigh(work, whose, _ledgers(work, whose))


def rescore(work: Work, customer_ids: Sequence[int]) -> int:
    """Bring what these customers' ledgers come to up to date, tags, fields and age included.

    For jobs and pages, outside a batch: four statements for every 2,000 of them. Returns how many changed.
    """
    return sum(_rescore_some(work, ids) for ids in _chunks(customer_ids))


def entries_of(work: Work, state: CustomerState) -> list[Entry]:
    """All entries of a customer, fallen ones too."""
    return list(_ledgers(work, state).entries.values())


def entry_of(row: Any) -> Entry:
    """The row as the decision sees it."""
    ledger = cast(Ledger, row.ledger)
    return Entry(ledger, row.points, row.source, row.occasion, row.at, row.fallen_at is not None)


def _rescore_some(work: Work, ids: Sequence[int]) -> int:
    session, entries = work.session, _read_entries(work.session, ids)
    if work.settings.awards:
        standing = _read_standing(work, ids)
        for customer_id in ids:
            mine = entries.setdefault(customer_id, {})
            _settle(work, customer_id, mine, standing.get(customer_id, {}))
    people = select(Customer).where(Customer.id.in_(ids))
    changed = 0
    for customer in session.scalars(people.options(load_only(Customer.activity, Customer.conversion))):
        come_to = balances(
            entries.get(customer.id, {}).values(), work.settings.score_terms, work.now, work.settings.zone
        )
        changed += _keep(customer, come_to)
    return changed


def _settle(
    work: Work, customer_id: int, mine: dict[tuple[str, str, str], Entry], since: dict[str, datetime]
) -> None:
    """Add to a customer's entries, and to the database, what their tags and fields give; let fall what went."""
    ours = [entry for entry in mine.values() if entry.source.startswith(_STANDING)]
    fresh, gone = settle_awards(work.settings.awards, since, ours)
    for entry in fresh:
        work.session.add(_row(customer_id, entry, work.settings.version))
        mine[_key(entry)] = entry
    for entry in gone:
        del mine[_key(entry)]
        same = (ScoreEntry.ledger == entry.ledger) & (ScoreEntry.source == entry.source)
        fall(work.session, (ScoreEntry.customer_id == customer_id) & same, GONE, work.now)


def _enter(work: Work, state: CustomerState, entries: Sequence[Entry]) -> None:
    if not entries:
        return
    if work.settings.tables.scores:
        ledgers = _ledgers(work, state)
        entries = [one for one in entries if _key(one) not in ledgers.entries]
        ledgers.entries.update({_key(one): one for one in entries})
        if entries:
            _weigh(work, state, ledgers)
    else:  # every point counts, for ever: what they come to needs no look back
        held = {"activity": state.customer.activity, "conversion": state.customer.conversion}
        for one in entries:
            held[one.ledger] += one.points
        _keep(state.customer, held)
    for one in entries:
        _add_row(work, state, one)


def _add_row(work: Work, state: CustomerState, entry: Entry) -> None:
    row = _row(state.customer.id, entry, work.settings.version)
    work.session.add(row)
    if state.ledgers is not None and entry.source.startswith(_STANDING):
        state.ledgers.rows[_key(entry)] = row


def _row(customer_id: int, entry: Entry, version: str) -> ScoreEntry:
    return ScoreEntry(
        customer_id=customer_id, ledger=entry.ledger, points=entry.points, source=entry.source,
        occasion=entry.occasion, version=version, at=entry.at, fallen_because="",
    )  # fmt: skip


def _weigh(work: Work, state: CustomerState, ledgers: Ledgers) -> None:
    settings = work.settings
    _keep(state.customer, balances(ledgers.entries.values(), settings.score_terms, work.now, settings.zone))


def _keep(customer: Customer, come_to: dict[Any, int]) -> bool:
    if (customer.activity, customer.conversion) == (come_to["activity"], come_to["conversion"]):
        return False
    customer.activity, customer.conversion = come_to["activity"], come_to["conversion"]
    return True


def _key(entry: Entry) -> tuple[str, str, str]:
    return (entry.ledger, entry.source, entry.occasion)


def _standing(work: Work, state: CustomerState) -> dict[str, datetime]:
    since = {f"tag:{tag}": row.tagged_at for tag, row in state.carried.items()}
    return since | {f"field:{name}": work.now for name, value in state.fields.items() if value}


def _ledgers(work: Work, state: CustomerState) -> Ledgers:
    """The customer's entries, read once for all who are looked at together."""
    if state.ledgers is None:
        unread = {one.customer.id: one for one in (*state.fellows.states.values(), state) if one.ledgers is None}
        with work.session.no_autoflush:
            found = _read_entries(work.session, list(unread))
            rows = _read_rows(work.session, list(unread)) if work.settings.awards else []
        for customer_id, one in unread.items():
            one.ledgers = Ledgers(found.get(customer_id, {}))
        for row in rows:
            of = unread[row.customer_id].ledgers
            assert of is not None
            of.rows[row.ledger, row.source, row.occasion] = row
    assert state.ledgers is not None
    return state.ledgers


def _read_entries(session: Session, ids: Sequence[int]) -> dict[int, dict[tuple[str, str, str], Entry]]:
    found: dict[int, dict[tuple[str, str, str], Entry]] = {}
    for some in _chunks(ids):
        for customer_id, ledger, points, source, occasion, at, fallen_at in session.execute(
            select(*_COLUMNS).where(among(ScoreEntry.customer_id, some))
        ):
            entry = Entry(cast(Ledger, ledger), points, source, occasion, at, fallen_at is not None)
            found.setdefault(customer_id, {})[ledger, source, occasion] = entry
    return found


def _read_rows(session: Session, ids: Sequence[int]) -> Iterable[ScoreEntry]:
    ours = ScoreEntry.source.like("tag:%") | ScoreEntry.source.like("field:%")
    for some in _chunks(ids):
        yield from session.scalars(select(ScoreEntry).where(among(ScoreEntry.customer_id, some), ours))


def _read_standing(work: Work, ids: Sequence[int]) -> dict[int, dict[str, datetime]]:
    """By customer: the tags they carry and the fields that are known, each as a source, and since when."""
    carried: Select[int, str, datetime] = select(Tagging.customer_id, Tagging.tag, Tagging.tagged_at)
    found: dict[int, dict[str, datetime]] = {}
    mine = Tagging.customer_id.in_(ids), Tagging.removed_at.is_(None)
    for customer_id, tag, since in work.session.execute(carried.where(*mine)):
        found.setdefault(customer_id, {})[f"tag:{tag}"] = since
    known = select(CustomerField.customer_id, CustomerField.name).where(CustomerField.customer_id.in_(ids))
    for customer_id, name in work.session.execute(known):
        found.setdefault(customer_id, {})[f"field:{name}"] = work.now
    return found


def _chunks(ids: Sequence[int], size: int = 2_000) -> Iterator[Sequence[int]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))
