"""Consent checks: ask WeCom who agreed to archiving, since the events that tell it may be lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from bot.customers.consent import AGENT, REFUSED, ROOM, ConsentAnswer, Party, may_process, record_poll
from bot.customers.state import load_customer
from bot.delivery.handler import NotNeededError, OutboxHandler
from bot.platform.database.store import insert_new
from bot.platform.models import Agent, Consent, Customer, Follow, GroupChat, Outbox
from bot.platform.work import Work
from bot.sops.stopping import stop_by_agent
from bot.wecom import audit
from bot.wecom.errors import WeComError

if TYPE_CHECKING:
    from bot.system import System

KIND = "consent"
TIME_TO_ANSWER = timedelta(minutes=10)  # WeCom shows a new customer the question at once; most answer soon or never
ACTIVE_WITHIN = timedelta(days=30)  # rooms silent for longer are not asked about
_CHUNK = audit.MOST_PAIRS


class CheckConsent(OutboxHandler):
    """Asks WeCom about up to a hundred pairs of agent and customer, or about one room."""

    def prepare(self, work: Work, system: System, row: Outbox) -> dict[str, Any]:
        if not system.environment.needs_wecom().has_archive:
            raise NotNeededError("没有接入会话存档")
        return dict(row.payload)

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        if "roomid" in payload:
            found = audit.room_agreements(system.archive_client, payload["roomid"])
        else:
            found = list(_agreements(system, [(userid, customer) for userid, customer in payload["pairs"]]))
        return {"found": [[a.userid, a.external_userid, a.agreed, _stamp(a.changed_at)] for a in found]}

    def conclude(self, work: Work, system: System, row: Outbox, result: Mapping[str, Any]) -> None:
        for userid, external_userid, agreed, changed_at in result.get("found", []):
            customer = work.session.scalar(select(Customer).where(Customer.external_userid == external_userid))
            if customer is None:
                continue
            word: ConsentAnswer = "agreed" if agreed else "refused"
            at = datetime.fromisoformat(changed_at) if changed_at else None
            if "roomid" in row.payload:
                record_poll(work, Party(customer.id, ROOM, row.payload["roomid"]), word, at)
                continue
            consent = record_poll(work, Party(customer.id, AGENT, userid.casefold()), word, at)
            agent = work.session.scalar(select(Agent).where(Agent.key == userid.casefold()))
            if agent is not None and not may_process(consent, work.now):
                stop_by_agent(work, load_customer(work.session, customer), agent.id, REFUSED)


def ask_consent(work: Work, agent: Agent, customer: Customer, why: str) -> None:
    """Put out a check of one pair, due some minutes later. why: names the occasion, which is checked once."""
    pairs = [[agent.userid, customer.external_userid]]
    _put_out_check(work, f"{customer.id}:{agent.id}:{why}", {"pairs": pairs}, work.now + TIME_TO_ANSWER)


def check_unagreed(work: Work) -> int:
    """Put out checks of all who refused or of whom nothing is known, and of the active rooms; returns how many.

    The same day puts out nothing twice.
    """
    today = work.now.astimezone(work.settings.zone).date().isoformat()
    pairs = [list(pair) for pair in work.session.execute(_unagreed())]
    chunks = [pairs[start : start + _CHUNK] for start in range(0, len(pairs), _CHUNK)]
    for number, chunk in enumerate(chunks):
        _put_out_check(work, f"{today}:{number}", {"pairs": chunk}, work.now)
    active = select(GroupChat.chat_id).where(
        GroupChat.internal.is_(False),
        GroupChat.dismissed_at.is_(None),
        GroupChat.last_word_at > work.now - ACTIVE_WITHIN,
    )
    rooms = work.session.scalars(active).all()
    for roomid in rooms:
        _put_out_check(work, f"{today}:{roomid}", {"roomid": roomid}, work.now)
    return len(chunks) + len(rooms)


def _unagreed() -> Any:
    """(userid, external_userid) of follows whose consent is refused, or of which WeCom never told us anything."""
    agreed = (
        select(Consent.id)
        .where(Consent.customer_id == Follow.customer_id, Consent.kind == AGENT, Consent.whom == Agent.key)
        .where(Consent.checked_at.is_not(None) | Consent.agreed_at.is_not(None))
        .where(Consent.refused_at.is_(None) | (Consent.agreed_at > Consent.refused_at))
    )
    return (
        select(Agent.userid, Customer.external_userid)
        .select_from(Follow)
        .join(Agent, Agent.id == Follow.agent_id)
        .join(Customer, Customer.id == Follow.customer_id)
        .where(Follow.ended_at.is_(None), ~agreed.exists())
        .order_by(Follow.id)
    )


def _agreements(system: System, pairs: Sequence[tuple[str, str]]) -> Iterator[audit.Agreement]:
    """Ask for pairs; one that WeCom does not know (84061) fails the whole call, so halve until it stands alone."""
    try:
        yield from list(audit.agreements(system.archive_client, pairs))
    except WeComError as error:
        if not error.permanent:
            raise
        if len(pairs) > 1:
            middle = len(pairs) // 2
            yield from _agreements(system, pairs[:middle])
            yield from _agreements(system, pairs[middle:])


def _put_out_check(work: Work, name: str, payload: dict[str, Any], not_before: datetime) -> None:
    row = {"key": f"{KIND}:{name}"[:120], "kind": KIND, "payload": payload, "created_at": work.now}
    insert_new(work.session, Outbox, [{**row, "not_before": not_before}], ["key"])


def _stamp(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None
