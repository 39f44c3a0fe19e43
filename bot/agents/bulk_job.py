"""Bulk job: carries deeds on many customers out, and takes them back, some hundred customers per transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, UnaryExpression, func, insert, literal, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from bot.agents import list_export
from bot.agents.accounts import role_of
from bot.agents.bulk_deeds import DEEDS, REFUSALS, KeptError
from bot.agents.reading import NOBODY, Reader, is_active, readable, reader_in_role
from bot.customers.state import CustomerState, load_customers
from bot.platform.batch import Batch
from bot.platform.database import audit_log
from bot.platform.database.row_ids import expect_rows
from bot.platform.database.store import release_lease, take_lease
from bot.platform.log import get_logger
from bot.platform.models import Account, BulkDeed, BulkItem, Customer
from bot.platform.work import Work
from bot.sops.settling import write_batch
from bot.system import System

OPEN = ("running", "undoing")
UNDO_WITHIN = timedelta(days=1)
MOST = 200_000  # customers of one deed
PIECE = 200  # customers of one transaction
TOGETHER = 50  # of them written at once: a customer for whom it fails costs the others little
_LEASE, _LEASE_SECONDS = "bulk", 120
_UNREADABLE = "已经不是您能看到的客户"
_log = get_logger(__name__)


def ask_deed(
    work: Work, deed: BulkDeed, wanted: Sequence[ColumnElement[bool]],
    order: Sequence[UnaryExpression[Any]] = (Customer.id.asc(),),
) -> BulkDeed:  # fmt: skip
    """Note a deed with the customers that it is for (conditions on Customer, the reader's own among them), who get
    their turns in this order."""
    deed.created_at = deed.touched_at = work.now
    work.session.add(deed)
    work.session.flush()
    turn = func.row_number().over(order_by=list(order)) - 1
    who: Select[Any] = select(literal(deed.id), Customer.id, turn, literal("waiting"), literal(""))
    columns = ("deed_id", "customer_id", "turn", "state", "why")
    of = who.where(*wanted).limit(MOST)
    work.session.execute(insert(BulkItem).from_select(columns, of, include_defaults=False))
    deed.asked = counts_of(work.session, deed.id).get("waiting", 0)
    detail = {"count": deed.asked, **_told(deed)}
    audit_log.record(work.session, deed.actor, f"bulk.{deed.kind}", f"bulk:{deed.id}", work.now, **detail)
    work.wake("bulk")
    return deed


def ask_import(work: Work, deed: BulkDeed, given: Mapping[int, Mapping[str, Any]]) -> None:
    """Begin an import that was a draft: what each customer is given, by their id."""
    deed.state, deed.asked = "running", len(given)
    deed.created_at = deed.touched_at = work.now
    rows = [
        {
            "deed_id": deed.id,
            "customer_id": customer_id,
            "turn": turn,
            "state": "waiting",
            "why": "",
            "given": one,
        }
        for turn, (customer_id, one) in enumerate(given.items())
    ]
    work.session.flush()
    work.session.execute(insert(BulkItem), rows)
    audit_log.record(work.session, deed.actor, f"bulk.{deed.kind}", f"bulk:{deed.id}", work.now, count=deed.asked)
    work.wake("bulk")


def ask_undo(work: Work, deed: BulkDeed, who: str) -> bool:
    """Take back what a deed did, as far as that can be; False where it is too late or nothing was done."""
    if not may_undo(deed, work.now) or not counts_of(work.session, deed.id).get("done"):
        return False
    deed.state, deed.ended_at, deed.touched_at = "undoing", None, work.now
    audit_log.record(work.session, who, "bulk.undo", f"bulk:{deed.id}", work.now, **_told(deed))
    work.wake("bulk")
    return True


def may_undo(deed: BulkDeed, now: datetime) -> bool:
    return (
        deed.kind != list_export.KIND
        and deed.state in ("done", "cancelled")
        and now - (deed.ended_at or now) <= UNDO_WITHIN
    )


def cancel(work: Work, deed: BulkDeed, who: str) -> bool:
    """Leave the customers alone whose turn has not come; False where there are none."""
    if deed.state != "running":
        return False
    deed.state, deed.ended_at, deed.touched_at = "cancelled", work.now, work.now
    audit_log.record(work.session, who, "bulk.cancel", f"bulk:{deed.id}", work.now, **_told(deed))
    return True


def counts_of(session: Session, deed_id: int) -> dict[str, int]:
    """How many customers of a deed there are in each state."""
    counted = select(BulkItem.state, func.count()).where(BulkItem.deed_id == deed_id).group_by(BulkItem.state)
    return dict(session.execute(counted).all())


def any_due(session: Session, now: datetime) -> bool:
    """Whether a deed has customers whose turn has come, or is over without saying so."""
    return _next_deed(session, now) is not None


def advance(system: System, now: datetime) -> bool:
    """Do one piece of a deed; True where there is more to do now. One process at a time."""
    with system.store.write() as session:
        held = take_lease(session, _LEASE, system.owner, _LEASE_SECONDS)
    if held is None:
        return False  # the process that holds it enqueues the next piece itself
    try:
        with system.work(now) as work:
            deed = _next_deed(work.session, now)
            if deed is None:
                return False
            _piece(work, deed)
        return True
    finally:
        with system.store.write() as session:
            release_lease(session, held)


def _next_deed(session: Session, now: datetime) -> BulkDeed | None:
    """The oldest open deed that has a piece to do now, or nothing left to wait for; files first, they change nothing.

    Where there is none: one that holds what is to be forgotten."""
    files_first = BulkDeed.kind != list_export.KIND, BulkDeed.id
    for deed in session.scalars(select(BulkDeed).where(BulkDeed.state.in_(OPEN)).order_by(*files_first)):
        first = session.scalar(
            select(BulkItem.turn).where(BulkItem.deed_id == deed.id, BulkItem.state == _source(deed))
            .order_by(BulkItem.turn).limit(1)
        )  # fmt: skip
        if first is None or first < _turns_by(deed, now):
            return deed
    return session.scalars(select(BulkDeed).where(list_export.outlived(now)).order_by(BulkDeed.id).limit(1)).first()


def _piece(work: Work, deed: BulkDeed) -> None:
    session = work.session
    if deed.state not in OPEN:
        list_export.forget(session, deed)
        return
    mine = BulkItem.deed_id == deed.id, BulkItem.state == _source(deed), BulkItem.turn < _turns_by(deed, work.now)
    items = session.scalars(select(BulkItem).where(*mine).order_by(BulkItem.turn).limit(PIECE)).all()
    deed.touched_at = work.now
    if not items:
        _finish(work, deed)
        return
    people = _readable(work, deed, [item.customer_id for item in items])
    if deed.kind == list_export.KIND:
        list_export.gather(work, deed, items, {one.id: one for one in session.scalars(people)})
        return
    states = load_customers(session, session.scalars(people.with_for_update()).all())
    expect_rows(session, len(items))
    for start in range(0, len(items), TOGETHER):
        _several(work, deed, items[start : start + TOGETHER], states)


def _several(work: Work, deed: BulkDeed, items: Sequence[BulkItem], states: Mapping[int, CustomerState]) -> None:
    """Do the deed to some customers and write it down at once; where that fails for one, to each of them alone."""
    leaving = len(work.leaving)
    together = work if DEEDS[deed.kind].asks_what_it_wrote else replace(work, batch=Batch(work.now))
    try:
        with work.session.begin_nested():
            with nullcontext() if together is work else work.session.no_autoflush:
                for item in items:
                    _do(together, deed, item, states.get(item.customer_id))
            write_batch(together)
    except OperationalError:
        raise
    except Exception:
        del work.leaving[leaving:]  # it is tried once more, and told then
        people = _readable(work, deed, [item.customer_id for item in items])
        # Read anew: the states that were tried with hold what was rolled back.
        fresh = load_customers(work.session, work.session.scalars(people).all())
        for item in items:
            _one(work, deed, item, fresh.get(item.customer_id))


def _one(work: Work, deed: BulkDeed, item: BulkItem, state: CustomerState | None) -> None:
    """Do the deed to one customer, or take it back; what goes wrong is told beside them and stops nobody else."""
    undoing, leaving = deed.state == "undoing", len(work.leaving)
    try:
        with work.session.begin_nested():
            _do(work, deed, item, state)
    except OperationalError:
        raise
    except Exception as error:
        del work.leaving[leaving:]
        if not isinstance(error, (*REFUSALS, KeptError)):
            _log.exception("bulk deed failed for one customer", deed=deed.id, error=type(error).__name__)
        known = isinstance(error, (*REFUSALS, KeptError))
        item.state = "kept" if undoing else "failed"
        item.why = (str(error) if known else "没有做成，请稍后在客户页上再试")[:300]


def _do(work: Work, deed: BulkDeed, item: BulkItem, state: CustomerState | None) -> None:
    undoing, kind = deed.state == "undoing", DEEDS[deed.kind]
    if state is None:
        item.state, item.why = ("kept" if undoing else "failed"), _UNREADABLE
    elif undoing:
        kind.undo(work, state, item.undo or {}, deed.actor)
        item.state = "undone"
    else:
        undo = kind.do(work, state, deed.what | (item.given or {}), deed.actor)
        item.state, item.undo = ("done", undo) if undo is not None else ("skipped", None)


def _finish(work: Work, deed: BulkDeed) -> None:
    waits = select(BulkItem.turn).where(BulkItem.deed_id == deed.id, BulkItem.state == _source(deed)).limit(1)
    if work.session.scalar(waits) is None:
        deed.state, deed.ended_at = ("undone" if deed.state == "undoing" else "done"), work.now


def _source(deed: BulkDeed) -> str:
    return "done" if deed.state == "undoing" else "waiting"


def _turns_by(deed: BulkDeed, now: datetime) -> int:
    """How many of its customers have had, or have, their turn by now."""
    if not deed.per_day or deed.state == "undoing":
        return MOST + 1
    return deed.per_day * ((now - deed.created_at) // timedelta(days=1) + 1)


def _readable(work: Work, deed: BulkDeed, ids: Sequence[int]) -> Select[Customer]:
    reader = reader_of_asker(work.session, deed.asker, work.now)
    return select(Customer).where(Customer.id.in_(ids), readable(reader, Customer.id))


def reader_of_asker(session: Session, asker: Mapping[str, Any], now: datetime) -> Reader:
    """Whom they may see who asked, as they stand now: nobody once their account is disabled or they have left."""
    if asker["account_id"] is None:  # the demo's link
        return reader_in_role(session, asker["role"], None, ())
    account = session.get(Account, asker["account_id"])
    if account is None or not is_active(account, account.agent, now):
        return NOBODY
    agent = account.agent
    departments = (agent.leads or agent.departments) if agent is not None else ()
    return reader_in_role(session, role_of(account), account.agent_id, departments)


def _told(deed: BulkDeed) -> dict[str, Any]:
    """What the audit log keeps of a deed; never the value of a field, nor a file and its lines."""
    return {name: deed.what[name] for name in ("tag", "pipeline", "to_stage", "sop", "field") if name in deed.what}
