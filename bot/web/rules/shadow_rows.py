"""Rows of starts in the shadow: after which words an SOP would have begun, and what would have been sent when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.customers.state import CustomerState, load_customers
from bot.platform.config.settings import Settings
from bot.platform.masking import mask
from bot.platform.models import Customer, Message, ShadowStart, ShadowWord
from bot.sops.dates import day_of
from bot.sops.enrolment import owner_for
from bot.sops.prompts import wording_values
from bot.web.auth.access import visible_customers
from bot.web.auth.visitor import Visitor
from sop.playbook import Sop
from sop.preview import PreviewedCustomer, PreviewedPrompt, RunningSop, preview

STARTS = 8
_DAYS = 366
_EXCERPT = 120
_Words = Mapping[int, str]


@dataclass(frozen=True)
class ShadowRow:
    """One start: with whom, when, their last words before, since when they answered, and what would have been sent.

    said: what the visitor said of it (None: nothing yet). over: how many of the prompts come after an answer that
    ends the SOP.
    """

    id: int
    customer_id: int
    name: str
    at: datetime
    words: str
    answered_at: datetime | None
    prompts: Sequence[PreviewedPrompt]
    over: int
    said: bool | None


def shadow_rows(
    session: Session, who: Visitor, settings: Settings, sop: Sop, before: int | None
) -> tuple[list[ShadowRow], int | None]:
    """The newest starts of an SOP with customers whom the visitor may see, and where to go on."""
    query = (
        select(ShadowStart, Customer)
        .join(Customer, Customer.id == ShadowStart.customer_id)
        .where(ShadowStart.sop_id == sop.id, visible_customers(session, who))
        .order_by(ShadowStart.id.desc())
        .limit(STARTS + 1)
    )
    if before is not None:
        query = query.where(ShadowStart.id < before)
    found = [(row[0], row[1]) for row in session.execute(query)]
    shown, more = found[:STARTS], found[STARTS - 1][0].id if len(found) > STARTS else None
    states = load_customers(session, [customer for _, customer in shown])
    said = _said(session, who.actor, [start.id for start, _ in shown])
    words, answers = _last_words(session, shown), _answers(session, shown)
    rows = [
        _row(states[customer.id], settings, sop, start, (words, answers.get(start.id), said.get(start.id)))
        for start, customer in shown
    ]
    return ([_masked(row) for row in rows] if not who.may_change else rows), more


def _row(
    state: CustomerState,
    settings: Settings,
    sop: Sop,
    start: ShadowStart,
    known: tuple[_Words, datetime | None, bool | None],
) -> ShadowRow:
    words, answered_at, said = known
    owner = owner_for(state, sop)
    values = wording_values(settings, state, owner, start.began_at) if owner is not None else {}
    prompts = preview(
        [RunningSop(sop, start.began_at, day=day_of(start.cause))],
        settings.workspace,
        settings.tables.budget,
        PreviewedCustomer(state.customer.external_userid, values=values),
        start.began_at,
        days=_DAYS,
    )
    ends = answered_at if "reply" in sop.stop else None
    return ShadowRow(
        id=start.id,
        customer_id=state.customer.id,
        name=state.customer.name,
        at=start.began_at,
        words=words.get(start.id, ""),
        answered_at=answered_at,
        prompts=prompts,
        over=sum(ends is not None and prompt.at > ends for prompt in prompts),
        said=said,
    )


def _masked(row: ShadowRow) -> ShadowRow:
    """For those who only look: no telephone numbers."""
    return ShadowRow(**{**vars(row), "words": mask(row.words)})


def _said(session: Session, author: str, starts: Sequence[int]) -> dict[int, bool]:
    query = select(ShadowWord.start_id, ShadowWord.right)
    found = session.execute(query.where(ShadowWord.start_id.in_(starts), ShadowWord.author == author))
    return {row.start_id: row.right for row in found}


def _last_words(session: Session, shown: Sequence[tuple[ShadowStart, Customer]]) -> dict[int, str]:
    """The customer's last words until each start."""
    newest = (
        select(ShadowStart.id, func.max(Message.id).label("message"))
        .join(Message, Message.customer_id == ShadowStart.customer_id)
        .where(ShadowStart.id.in_([start.id for start, _ in shown]), *_THEIRS)
        .where(Message.sent_at <= ShadowStart.began_at)
        .group_by(ShadowStart.id)
        .subquery()
    )
    rows = session.execute(select(newest.c.id, Message.text).join(Message, Message.id == newest.c.message))
    return {start: text if len(text) <= _EXCERPT else text[:_EXCERPT] + "…" for start, text in rows}


def _answers(session: Session, shown: Sequence[tuple[ShadowStart, Customer]]) -> dict[int, datetime]:
    """When each customer first spoke after their start."""
    query = (
        select(ShadowStart.id, func.min(Message.sent_at).label("at"))
        .join(Message, Message.customer_id == ShadowStart.customer_id)
        .where(ShadowStart.id.in_([start.id for start, _ in shown]), *_THEIRS)
        .where(Message.sent_at > ShadowStart.began_at)
        .group_by(ShadowStart.id)
    )
    return {row.id: row.at for row in session.execute(query)}


_THEIRS = (Message.role == "customer", Message.roomid == "", Message.revoked_at.is_(None), Message.text != "")
