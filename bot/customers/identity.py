"""Identity: finds or creates the rows of customers, agents and their contacts (follows)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.customers.marks import known_marks
from bot.customers.tombstones import still_erased
from bot.platform.database.among import among
from bot.platform.database.row_ids import next_id
from bot.platform.models import Agent, Customer, Follow

Row = TypeVar("Row", Customer, Agent)


def find_customers(session: Session, external_userids: Iterable[str], now: datetime) -> dict[str, Customer]:
    """Customers by external_userid; those not met before are made. Whoever was erased is left out."""
    asked = {userid for userid in external_userids if userid}
    wanted = sorted(asked - still_erased(session, asked))
    found = {c.external_userid: c for c in _in(session, wanted, Customer, Customer.external_userid)}
    fresh = [Customer(external_userid=u, created_at=now, activity=0, conversion=0) for u in wanted if u not in found]
    session.add_all(fresh)
    session.flush()
    return found | {customer.external_userid: customer for customer in fresh}


def find_agents(session: Session, userids: Iterable[str], now: datetime) -> dict[str, Agent]:
    """Agents by case-folded userid (WeCom answers in either case); those not met before are made."""
    spelled = {userid.casefold(): userid for userid in userids if userid}
    found = {agent.key: agent for agent in _in(session, sorted(spelled), Agent, Agent.key)}
    fresh = [Agent(key=key, userid=userid, created_at=now) for key, userid in spelled.items() if key not in found]
    session.add_all(fresh)
    session.flush()
    return found | {agent.key: agent for agent in fresh}


def known_agents(session: Session, userids: Iterable[str]) -> set[str]:
    """Those of the ids (case-folded) that belong to agents: a userid may look like a customer's."""
    keys = {userid.casefold() for userid in userids if userid}
    return set(session.scalars(select(Agent.key).where(among(Agent.key, keys))))


def start_follow(
    session: Session, agent: Agent, customer: Customer, now: datetime, channel: str | None = None
) -> tuple[Follow, bool]:
    """The follow of agent x customer, made or taken up again; True if it is new or had ended."""
    pair = select(Follow).where(Follow.agent_id == agent.id, Follow.customer_id == customer.id)
    follow = session.scalar(pair)
    if follow is None:
        follow = new_follow(session, agent, customer, now, channel)
        session.flush()
        return follow, True
    if follow.ended_at is None:
        return follow, False
    _take_up_again(follow)
    follow.ended_at, follow.ended_by, follow.added_at = None, None, now
    return follow, True


def _take_up_again(follow: Follow) -> None:
    """Note what the agent's phone may still show of the contact that ended.

    Where the customer deleted the agent, the agent kept the contact with its tags: they are no change that anybody
    made, and the stage's old tag has to go. Where the agent deleted it, all tags went with it.
    """
    kept = follow.ended_by == "customer"
    names = {*follow.marked, *follow.marking, *follow.shown} if kept else set()
    shown = {name: sorted(known_marks(follow, name)) for name in names}
    follow.marked, follow.marking = {}, {name: ids for name, ids in shown.items() if ids}
    follow.shown = {name: [] for name in follow.shown}  # nothing is there for sure any more
    follow.tags, follow.marks = (follow.tags if kept else []), follow.marks + 1


def new_follow(
    session: Session, agent: Agent, customer: Customer, now: datetime, channel: str | None = None
) -> Follow:
    """A new follow, for a pair that is known to have none."""
    follow = Follow(
        id=next_id(session, Follow),
        agent_id=agent.id,
        customer_id=customer.id,
        agent=agent,
        customer=customer,
        added_at=now,
        channel=channel,
        marked={},
        marking={},
        shown={},
        tags=[],
        marks=0,
        clock={},
        waiting_told={},
    )
    session.add(follow)
    return follow


def take_contact(customer: Customer, told: Mapping[str, Any]) -> bool:
    """Record what WeCom's external_contact says of a customer; True where something people see was new to us."""
    kind = told.get("type")
    if told.get("unionid"):
        _set(customer, unionid=str(told["unionid"])[:64])
    return _set(
        customer,
        name=str(told.get("name") or "")[:128] or customer.name,
        avatar=str(told.get("avatar") or "")[:512] or customer.avatar,
        kind=kind if kind in (1, 2) else customer.kind,
        corp_name=str(told.get("corp_full_name") or told.get("corp_name") or "")[:128] or customer.corp_name,
    )


def take_follow_info(follow: Follow, told: Mapping[str, Any]) -> bool:
    """Record what an agent noted about a customer in WeCom; True where something in it was new to us."""
    mobiles = told.get("remark_mobiles")
    way = told.get("add_way")
    return _set(
        follow,
        remark=str(told.get("remark") or "")[:64],
        description=str(told.get("description") or "")[:300],
        remark_mobiles=[str(mobile)[:32] for mobile in mobiles if mobile] if isinstance(mobiles, list) else [],
        remark_corp_name=str(told.get("remark_corp_name") or "")[:64],
        add_way=way if isinstance(way, int) else follow.add_way,
        channel=str(told.get("state") or "")[:64] or follow.channel,
    )


def _set(row: Customer | Follow, **values: Any) -> bool:
    fresh = {name: value for name, value in values.items() if (getattr(row, name) or None) != (value or None)}
    for name, value in fresh.items():
        setattr(row, name, value)
    return bool(fresh)


def _in(session: Session, keys: Sequence[str], model: type[Row], column: Any) -> Sequence[Row]:
    return session.scalars(select(model).where(among(column, keys))).all()
