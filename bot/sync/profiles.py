"""Profiles: outbox handlers that read a customer with names, remarks and tags, or the tag library, from WeCom."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.agents.handover import TRANSFER, end_or_inherit
from bot.agents.members import take_person
from bot.customers.identity import find_agents, start_follow, take_contact, take_follow_info
from bot.customers.state import CustomerState, load_customer
from bot.customers.tag_library import marked_tags, take_library
from bot.delivery.handler import OutboxHandler
from bot.platform.database.store import set_status
from bot.platform.log import get_logger
from bot.platform.models import Agent, Customer, Follow, Outbox
from bot.platform.work import About, Work
from bot.sync.tag_snapshot import TagSnapshot
from bot.sync.tag_sync import read_back
from bot.wecom.directory import read_person
from bot.wecom.errors import WeComError
from bot.wecom.plain import instant, mapping, objects, wecom_id
from sop.tag_sync import Policy

if TYPE_CHECKING:
    from bot.system import System

LIBRARY = "tag_library"
NO_RELATION = 84061  # no agent of ours has this customer any more
MOST_AGAIN = 5  # repeated readings of one customer; the nightly comparison finds what is left
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
LATER = timedelta(seconds=2)  # until a mark under way has been made
A_SECOND = timedelta(seconds=1)  # WeCom's events tell time no finer
_log = get_logger(__name__)


class ReadProfile(OutboxHandler):
    """Reads a customer. With `mirror` in the payload their tags are compared with the board as well.

    by, changed_at: which agent changed something, and when. policy: which side is right. gone: agents whose contact
    list lacks the customer. takes_in: also start follows that no event told of.
    """

    def prepare(self, work: Work, system: System, row: Outbox) -> dict[str, Any]:
        customer = work.session.get_one(Customer, row.customer_id)
        agent = work.session.get(Agent, row.agent_id) if row.agent_id else None
        nameless = agent.userid if agent is not None and not agent.name else None
        follows = work.session.scalars(select(Follow).where(Follow.customer_id == customer.id))
        marks = {str(follow.id): follow.marks for follow in follows}
        return {
            **row.payload,
            "external_userid": customer.external_userid,
            "userid": nameless,
            "marks": marks,
            "marking": _is_marking(work.session, row),
            "asked_at": work.now.isoformat(),
        }

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        found = _customer(system, payload)
        member: dict[str, Any] = {}
        if payload["userid"]:
            try:
                member = system.wecom.member(payload["userid"])
            except WeComError as error:
                if not error.permanent:
                    raise
        return {
            "contact": dict(mapping(found.get("external_contact"))),
            "follows": objects(found.get("follow_user")),
            "member": member,
        }

    def record(self, work: Work, row: Outbox, result: Mapping[str, Any]) -> None:
        contact, customer = result.get("contact", {}), work.session.get_one(Customer, row.customer_id)
        take_contact(customer, contact)
        if result.get("member") and row.agent_id:
            take_person(
                work.session, work.session.get_one(Agent, row.agent_id), read_person(result["member"]), work.now
            )
        found = _by_agent(result)
        mine = select(Follow).where(Follow.customer_id == customer.id)
        for follow in work.session.scalars(mine):
            known = found.get(follow.agent.key)
            if known is not None:
                take_follow_info(follow, known)

    def conclude(self, work: Work, system: System, row: Outbox, result: Mapping[str, Any]) -> None:
        if not row.payload.get("mirror"):
            return
        customer = work.session.get_one(Customer, row.customer_id, with_for_update=True)
        state, found, settled = load_customer(work.session, customer), _by_agent(result), True
        if row.payload.get("takes_in"):
            _take_in(work, state, found)
        for follow in state.active_follows:
            known = found.get(follow.agent.key)
            if known is None and follow.agent.key in row.payload.get("gone", []):
                follow.ended_at, follow.ended_by = work.now, "agent"
                end_or_inherit(work, state, follow)
            elif known is not None:
                snapshot = _snapshot(work, row, follow, objects(known.get("tags")))
                settled &= read_back(work, state, snapshot)
        for follow in state.follows if row.payload.get("takes_in") else ():
            if follow.ended_by == TRANSFER and any(e.agent_id == follow.agent_id for e in state.running):
                end_or_inherit(work, state, follow)
        if not settled and _is_marking(work.session, row):  # a mark under way: read again when it is made
            _ask_again(work, state, row, work.now + LATER)
        elif not settled:
            _ask_again(work, state, row, work.now)
        elif _within_the_second(row):
            _ask_again(work, state, row, work.now + A_SECOND, until_then=True)


class ReadTagLibrary(OutboxHandler):
    """Reads all corp tags, after somebody changed them in WeCom."""

    def prepare(self, work: Work, system: System, row: Outbox) -> dict[str, Any]:
        return dict(row.payload)

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {"groups": system.wecom.corp_tags()}

    def conclude(self, work: Work, system: System, row: Outbox, result: Mapping[str, Any]) -> None:
        drift = take_library(work.session, result["groups"], marked_tags(work.settings))
        set_status(work.session, LIBRARY, {"drift": drift[:50]}, work.now)
        if drift:
            _log.warning("tag library differs from the config", differences=len(drift))


def ask_profile(work: Work, state: CustomerState, agent: Agent | None, why: str, **payload: Any) -> Outbox:
    """Put out a reading of the customer. why: names the occasion, which is read once. payload: see ReadProfile."""
    return work.send(
        "profile",
        f"profile:{state.customer.id}:{why}",
        payload,
        About(customer_id=state.customer.id, agent_id=agent.id if agent else None),
    )


def ask_library(work: Work, why: str) -> None:
    """Put out a reading of the tag library."""
    work.send("library", f"library:{why}", {})


def _customer(system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return system.wecom.customer(payload["external_userid"])
    except WeComError as error:
        if error.errcode == NO_RELATION and payload.get("mirror"):
            return {}
        raise


def _take_in(work: Work, state: CustomerState, found: Mapping[str, Mapping[str, Any]]) -> None:
    """Start follows that no event told of, such as that of the agent to whom the customer was handed over."""
    active = {follow.agent.key for follow in state.active_follows}
    told = {key: info for key, info in found.items() if key not in active and key}
    agents = find_agents(work.session, [str(info["userid"]) for info in told.values()], work.now)
    for key, info in told.items():
        added_at = instant(info.get("createtime")) or LONG_AGO
        known = state.follow_of(agents[key])
        if known is not None and known.ended_at is not None and added_at <= known.ended_at:
            continue  # the customer deleted the agent, whose contact list still shows them
        follow, _ = start_follow(work.session, agents[key], state.customer, added_at)
        take_follow_info(follow, info)
        if follow not in state.follows:
            state.follows.append(follow)


def _by_agent(result: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {wecom_id(follow.get("userid")).casefold(): follow for follow in result.get("follows", [])}


def _snapshot(work: Work, row: Outbox, follow: Follow, tags: Any) -> TagSnapshot:
    payload = row.payload
    changed_at = payload.get("changed_at") if payload.get("by") == follow.agent.key else None
    # A write that was under way when we asked may have been broken off since, with nothing noted of it.
    written = payload.get("marking") or payload["marks"].get(str(follow.id)) != follow.marks
    return TagSnapshot(
        follow,
        tags,
        cast(Policy, payload.get("policy") or work.settings.tables.sync.policy),
        datetime.fromisoformat(changed_at) if changed_at else None,
        stale=bool(written) or _is_marking(work.session, row),
    )


def _is_marking(session: Session, row: Outbox) -> bool:
    """Whether a mark for this customer is under way, so that what we read may be from before or after it."""
    under_way = select(Outbox.id).where(
        Outbox.kind == "mark_tag", Outbox.customer_id == row.customer_id, Outbox.state == "sending"
    )
    return session.scalar(under_way.limit(1)) is not None


def _within_the_second(row: Outbox) -> bool:
    """Whether we read before the second of the change was over.

    WeCom's events carry whole seconds: a further change in the same second brings an equal event, which is dropped
    as a repetition.
    """
    changed_at = row.payload.get("changed_at")
    if not changed_at:
        return False
    return datetime.fromisoformat(row.payload["asked_at"]) < datetime.fromisoformat(changed_at) + A_SECOND


def _ask_again(work: Work, state: CustomerState, row: Outbox, not_before: datetime, **more: Any) -> None:
    tries = int(row.payload.get("tries", 0)) + 1
    if tries > MOST_AGAIN:
        return
    asked = {key: row.payload[key] for key in ("mirror", "by", "changed_at", "policy", "gone") if key in row.payload}
    agent = work.session.get(Agent, row.agent_id) if row.agent_id else None
    again = ask_profile(work, state, agent, f"again:{row.id}", **asked, **more, tries=tries)
    again.not_before = not_before
