"""Contact events: an agent adds a customer, changes what they know of one, or loses one."""

from __future__ import annotations

from datetime import timedelta

from bot.agents.handover import TRANSFER, heir_of, inherit, taken_from
from bot.customers.behaviour import observe
from bot.customers.consent import AGENT, Party, record_consent
from bot.customers.identity import find_agents, find_customers, start_follow
from bot.customers.phone_tags import groups_to_show
from bot.customers.stages import mark_again, mark_stage
from bot.customers.state import CustomerState, load_customer
from bot.customers.tombstones import lift_tombstone
from bot.platform.database import audit_log
from bot.platform.failpoints import failpoint
from bot.platform.models import Agent, CallbackEvent
from bot.platform.work import About, Work
from bot.sops.behaviour import observe_event
from bot.sops.follow_up import CustomerEvent, follow_up
from bot.sops.stopping import stop_sops
from bot.sync.consent import ask_consent
from bot.sync.profiles import ask_profile
from bot.wecom.event_kinds import CustomerChange
from taggers.occurrence import Occurrence

BY_TRANSFER = "DELETE_BY_TRANSFER"  # WeCom's Source of an agent's "del" that a handover caused
SAME_OCCASION = timedelta(seconds=30)  # within which a contact is told of more than once
WELCOME_WINDOW = timedelta(seconds=20)  # WeCom's own; later it answers 41050


def apply_customer_change(work: Work, event: CustomerChange, row: CallbackEvent) -> str:
    """Apply one change of an agent's contacts; returns the outcome in words, for the event's row."""
    if event.change in ("add", "add_half"):
        lift_tombstone(work.session, event.external_userid, row.created_at)
    customer = find_customers(work.session, [event.external_userid], work.now).get(event.external_userid)
    if customer is None:
        row.raw_xml = ""  # the event names someone who was erased: it keeps nothing of them
        return "erased"
    agent = find_agents(work.session, [event.userid], work.now)[event.userid.casefold()]
    state = load_customer(work.session, customer)
    if event.change in ("add", "add_half"):
        return _added(work, state, agent, event, row)
    if event.change in ("del", "del_follow_user"):
        return _left(work, state, agent, event, row)
    if event.change == "edit":
        changed_at = row.created_at.isoformat()
        ask_profile(work, state, agent, f"edit:{row.id}", mirror=True, by=agent.key, changed_at=changed_at)
        return "profile asked"
    if event.change == "msg_audit_approved":
        record_consent(work.session, Party(customer.id, AGENT, agent.key), "agreed", row.created_at, "event")
        return "agreed to be archived"
    if event.change == "transfer_fail":
        detail = {"to": agent.userid, "reason": event.fail_reason}
        subject = f"customer:{customer.id}"
        audit_log.record(work.session, "wecom", "customer.transfer-failed", subject, work.now, **detail)
        _ask_who_has(work, state, agent, row)
        return f"not handed over: {event.fail_reason}"
    return f"stored: {event.change}"


def _added(work: Work, state: CustomerState, agent: Agent, event: CustomerChange, row: CallbackEvent) -> str:
    giver, known = taken_from(state, row.created_at), state.follow_of(agent)
    # WeCom may deliver the events of one contact in any order: the end may have come before the beginning.
    if known is not None and known.ended_at is not None and known.ended_at > row.created_at:
        return "ended since"
    follow, fresh = start_follow(work.session, agent, state.customer, row.created_at, event.state or None)
    if follow not in state.follows:
        state.follows.append(follow)
    state.customer.channel = state.customer.channel or event.state or None
    again = not fresh and row.created_at - follow.added_at > SAME_OCCASION
    ask_profile(work, state, agent, f"add:{row.id}", **({"mirror": True} if again else {}))
    ask_consent(work, agent, state.customer, f"add:{row.id}")
    if event.welcome_code and work.settings.tables.welcome is not None:
        _welcome(work, state, agent, event.welcome_code, row)
    failpoint("event")
    if again:  # they parted, which is told later or never: then it ends nothing, and the phone may lack our tags
        follow.added_at = row.created_at
    if not fresh:
        return "added anew" if again else "already a contact"
    if giver is not None and giver is not follow:
        inherit(work, state, giver, follow, "event")
        return f"handed over by {giver.agent.userid}"
    # A customer whom another agent has already shows the tags of their stages with this agent as well.
    for placement in state.placements.values():
        mark_stage(work, placement, [follow])
    for name in groups_to_show(work.settings, state, follow):
        mark_again(work, follow, name)
    seen = Occurrence("added", row.created_at, f"added:{row.id}", channel=event.state)
    observe_event(work, state, seen, CustomerEvent(str(row.id), events=["@added"], agent=agent))
    return "added"


def _left(work: Work, state: CustomerState, agent: Agent, event: CustomerChange, row: CallbackEvent) -> str:
    follow = state.follow_of(agent)
    handed_over = event.change == "del" and event.source == BY_TRANSFER
    if follow is None:  # the event of the beginning may still come: it must find that this contact has ended
        follow, _ = start_follow(work.session, agent, state.customer, row.created_at)
        follow.ended_at, follow.ended_by = row.created_at, TRANSFER if handed_over else "agent"
        return "not a contact we know"
    if follow.ended_at is not None or follow.added_at > row.created_at:
        if event.change == "del" and follow.ended_by == "customer":
            follow.ended_by = "agent"  # who had kept the contact has deleted it as well, with its tags
        return "not a contact any more"
    follow.ended_at = row.created_at
    follow.ended_by = TRANSFER if handed_over else "agent" if event.change == "del" else "customer"
    if handed_over:
        heir = heir_of(state, follow, surely=True)
        if heir is not None:
            inherit(work, state, follow, heir, "event")
            return f"handed over to {heir.agent.userid}"
        _ask_who_has(work, state, agent, row)
        return "handed over, heir asked for"
    mine = [e for e in state.enrolments if e.agent_id == agent.id]
    stop_sops(work, CustomerState(state.customer, enrolments=mine), ["left"])
    if state.active_follows or event.change == "del":
        return "left this agent"
    tags = observe(work, state, Occurrence("deleted", row.created_at, f"deleted:{row.id}"))
    # fresh are all of them, also those carried from an earlier loss: each loss starts what a loss starts
    happened = CustomerEvent(str(row.id), tags=tags, fresh=tags, events=["@lost"], happenings=["left"])
    follow_up(work, state, happened)
    return "lost"


def _ask_who_has(work: Work, state: CustomerState, agent: Agent, row: CallbackEvent) -> None:
    """Read the profile, which names the agents who have the customer: the event of a handover names no heir."""
    ask_profile(work, state, agent, f"transfer:{row.id}", mirror=True, takes_in=True)


def _welcome(work: Work, state: CustomerState, agent: Agent, code: str, row: CallbackEvent) -> None:
    """Put out the welcome, which WeCom takes once and within 20 s of the event."""
    about = About(customer_id=state.customer.id, agent_id=agent.id)
    outbox = work.send("welcome", f"welcome:{row.id}", {"welcome_code": code}, about)
    outbox.deadline = row.created_at + WELCOME_WINDOW
