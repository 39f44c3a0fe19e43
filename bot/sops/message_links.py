"""Links in welcomes and mass messages: made tracked as they leave; opened ones are shown to the rules."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.customers.state import load_customer
from bot.platform.message_links import MassLink, WelcomeLink, mass_link_url, welcome_link_url
from bot.platform.models import ConfigVersion, Customer, GroupSend, MessageLinkOpening, SopTask
from bot.platform.work import Work
from bot.sops.behaviour import observe_and_follow
from taggers.occurrence import Occurrence

if TYPE_CHECKING:
    from bot.system import System

Attach = Sequence[Mapping[str, Any]]


def tracked_in_welcome(system: System, attach: Attach, customer_id: int, version: str) -> list[dict[str, Any]]:
    """The welcome's attachments with addresses that tell which customer opened them."""
    base, key = system.environment.base_url, system.signing_key
    return _tracked(attach, lambda index: welcome_link_url(base, WelcomeLink(customer_id, version, index), key))


def tracked_in_mass(system: System, attach: Attach, group_send_id: int) -> list[dict[str, Any]]:
    """A mass message's attachments with addresses that tell from which message they were opened.

    All its customers get the same words, so that which of them opened it is known only where there is one.
    """
    base, key = system.environment.base_url, system.signing_key
    return _tracked(attach, lambda index: mass_link_url(base, MassLink(group_send_id, index), key))


def target_in_welcome(session: Session, link: WelcomeLink) -> Mapping[str, Any]:
    """The attachment as the config of that version had it; empty where there is none."""
    row = session.get(ConfigVersion, link.version)
    attach = _welcome_attachments(row.text) if row is not None else ()
    return attach[link.index] if 0 <= link.index < len(attach) else {}


def target_in_mass(session: Session, link: MassLink) -> Mapping[str, Any]:
    """The attachment of the mass message; empty where there is none."""
    group = session.get(GroupSend, link.group_send_id)
    return group.attach[link.index] if group is not None and 0 <= link.index < len(group.attach) else {}


def observe_message_openings(work: Work, limit: int = 500) -> int:
    """Show the openings whose customer is known to the rules; returns how many were handled."""
    waiting = (
        select(MessageLinkOpening).where(MessageLinkOpening.handled_at.is_(None)).order_by(MessageLinkOpening.id)
    )
    rows = work.session.scalars(waiting.limit(limit)).all()
    for row in rows:
        customer = _customer_of(work.session, row)
        if customer is not None:
            state = load_customer(work.session, customer)
            seen = Occurrence("link-opened", row.opened_at, f"message-link:{row.id}", link=row.title)
            observe_and_follow(work, state, seen)
        row.handled_at = work.now
    return len(rows)


def _tracked(attach: Attach, address: Callable[[int], str]) -> list[dict[str, Any]]:
    return [
        {**item, "url": address(index)} if item["kind"] == "link" else dict(item) for index, item in enumerate(attach)
    ]


def _customer_of(session: Session, row: MessageLinkOpening) -> Customer | None:
    if row.customer_id is not None:
        return session.get(Customer, row.customer_id)
    theirs = select(SopTask.customer_id).where(SopTask.group_send_id == row.group_send_id).distinct().limit(2)
    found = session.scalars(theirs).all()
    return session.get(Customer, found[0]) if len(found) == 1 else None


@lru_cache(maxsize=32)
def _welcome_attachments(text: str) -> tuple[Mapping[str, Any], ...]:
    return tuple(tomllib.loads(text).get("welcome", {}).get("attach", ()))
