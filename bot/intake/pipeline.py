"""Pipeline: the path of a message, top to bottom: store, tag, move, plan, complete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot.agents.own_follow_ups import end_by_message, reopen_by_recall
from bot.agents.wording_proof import hear_reply, hear_sent, withdraw_sent
from bot.customers.behaviour import observe_message
from bot.customers.conduct import judge_in_group, note_conduct
from bot.customers.consent import REFUSED, apply_consent
from bot.customers.facts import record_facts, withdraw_facts
from bot.customers.group_clock import reread_group, settle_groups, spoke_in_group
from bot.customers.owed import hear_agent, hear_customer, settle_owed, withdraw_owed
from bot.customers.phone_tags import note_tag
from bot.customers.recalled_messages import recalled_before, withdraw
from bot.customers.reply_clock import agent_spoke, customer_spoke, reread, settle
from bot.customers.scores import score_standing, withdraw_scores
from bot.customers.state import CustomerState, latest
from bot.customers.tags import Occasion, judge, record_hits
from bot.intake.messages import OpenedRow, StoredMessage, meet, sort_new, store_messages
from bot.intake.sent_attachments import sending_of
from bot.platform.batch import Batch
from bot.platform.failpoints import failpoint
from bot.platform.models import Agent
from bot.platform.work import Work
from bot.sops.completion import AgentMessage, close_by_answer, complete
from bot.sops.follow_up import CustomerEvent, answer_of, follow_up
from bot.sops.settling import write_batch
from bot.sops.stopping import stop_by_agent
from sop.stopping import opted_out
from taggers.hits import TagHit

_LAST_WORDS = 200  # characters a card on the board has room for


def process_batch(work: Work, arrived: Sequence[OpenedRow]) -> list[OpenedRow]:
    """Store and process one batch inside the caller's transaction; messages stored before are passed over.

    Returns those of them that say something else now than they did.

    Everything is read once for all of its people, decided message by message, and written once.
    """
    new = sort_new(work.session, arrived)
    stored = gather(work, new.fresh)
    failpoint("stored")
    if stored:
        work = replace(work, batch=batch_of(stored))
        decide(work, stored)
        apply(work)
        part(stored)
    return new.changed


def gather(work: Work, fresh: Sequence[OpenedRow]) -> list[StoredMessage]:
    """Store what is new, with all that is known about its people; which rules' words occur is seen at once."""
    stored = store_messages(work, fresh)
    for item, may_hit in zip(stored, work.settings.book.screen([item.utterance for item in stored]), strict=True):
        item.silent = not may_hit
    return stored


def decide(work: Work, stored: Sequence[StoredMessage]) -> None:
    """Look at the messages in their order; what follows from them is left in the session, unwritten."""
    recalled = recalled_before(work.session, {item.message.msgid for item in stored})
    with work.session.no_autoflush:
        for item in stored:
            _process(work, item)
            _withdraw_recalled(work, item, recalled)


def apply(work: Work) -> None:
    """Write what was decided."""
    with work.session.no_autoflush:
        settle(work)
        settle_groups(work)
        settle_owed(work)
    write_batch(work)


def part(stored: Sequence[StoredMessage]) -> None:
    """Have what was known about a batch's customers go at once: they refer to each other, and would wait to be found
    by a look for cyclic garbage."""
    for item in stored:
        if item.state is not None:
            item.state.fellows.part()


def batch_of(stored: Sequence[StoredMessage]) -> Batch:
    """What the decisions about these messages share."""
    answerable = {f"window:{task.id}" for item in stored if item.state for task in item.state.answerable}
    return Batch(
        since=min(item.message.sent_at for item in stored),
        before_id=min(item.message.id for item in stored),
        occasions={item.message.msgid[:128] for item in stored} | answerable,
    )


def _process(work: Work, item: StoredMessage) -> None:
    state, agent, message = item.state, item.agent, item.message
    meet(work, item)
    if not item.unagreed and not item.arrived.consent:
        spoke_in_group(work, item.group, message)
    if state is None:
        hear_in_group(work, item)
        return
    if message.role == "agent" and work.batch is not None:
        work.batch.spoke[state.customer.id].append(message.sent_at)
    if item.answer is not None and agent is not None:
        apply_consent(state, agent.id, item.answer)
    if message.action != "send" or item.unagreed:
        return
    if item.arrived.consent:  # an answer about being archived, not words to the agent: no rule sees it
        if item.arrived.consent == "disagree" and agent is not None:
            stop_by_agent(work, state, agent.id, REFUSED)
    elif message.role == "customer":
        process_customer_message(work, item, state)
    elif message.role == "agent" and agent is not None:
        process_agent_message(work, item, state, agent)


def _withdraw_recalled(work: Work, item: StoredMessage, recalled: dict[str, datetime]) -> None:
    """Take back what followed from a message that this one revokes, or that is itself revoked by one before it."""
    message, state = item.message, item.state
    if message.revokes:
        recalled.setdefault(message.revokes, message.sent_at)
    msgid = message.revokes or message.msgid
    if msgid not in recalled:
        return
    reread_group(work, item.group)
    if state is not None:
        reread(work, state)
        withdraw_sent(work, state, msgid)
    for tagging in withdraw(work, msgid, recalled[msgid]):
        note_tag(work, tagging.customer_id, tagging.tag)
        whose = state.fellows.states.get(tagging.customer_id) if state else None
        if whose is not None and whose.carried.get(tagging.tag) is tagging:
            del whose.carried[tagging.tag]
            score_standing(work, whose)
    withdraw_scores(work, msgid, state)
    withdraw_facts(work, msgid, recalled[msgid], state)
    reopen_by_recall(work, msgid, [state] if state is not None else [])
    withdraw_owed(work, msgid, recalled[msgid], state)


def hear_in_group(work: Work, item: StoredMessage) -> None:
    """Hear what an agent says in a group with customers: of such words the rules about conduct alone judge."""
    message, agent = item.message, item.agent
    if not (message.roomid and message.role == "agent" and message.action == "send" and agent is not None):
        return
    if not (item.silent or item.arrived.consent or (item.group is not None and item.group.internal)):
        note_conduct(work, message, agent, judge_in_group(work.settings, message, item.utterance))


def process_customer_message(work: Work, item: StoredMessage, state: CustomerState) -> None:
    """Tag, move and plan by a customer's message, and close and stop what it answers.

    What they say in a group is heard, but answers nobody: prompts are for talks between two. It moves no card either,
    unless a rule says that it listens there.
    """
    message, customer, before = item.message, state.customer, state.tags
    state.happened_at = message.sent_at
    answers = not message.roomid
    hear_customer(work, state, item.agent, message)
    tags = close_by_answer(work, state, message) if answers else []
    hear_reply(work, state, message)
    hits = () if item.silent else judge(work.settings, state, message, item.utterance)
    tags += record_hits(work, state, hits, Occasion.of(message))
    learned = record_facts(work, state, hits, item.utterance, Occasion.of(message))
    tags += observe_message(work, state, message, first=customer.last_word_at is None)
    failpoint("tagged")
    customer.last_word_at = latest(customer.last_word_at, message.sent_at)
    if customer.last_word_at == message.sent_at:  # one that comes late, out of quarantine, is not their last
        customer.last_words = (message.line or message.text)[:_LAST_WORDS]
    happenings = ["reply"] if answers else []
    if message.kind == "text" and opted_out(item.arrived.text):
        customer.opted_out_at = customer.opted_out_at or message.sent_at
        happenings.append("opted-out")
    customer_spoke(work, state, item.agent, message)
    end_by_message(work, state, message)
    answered, state.answered = state.answered, []
    happened = CustomerEvent(
        cause=message.msgid,
        tags=list(dict.fromkeys(tags)),
        fresh=[tag for tag in dict.fromkeys(tags) if tag not in before],
        events=["@spoke"] if answers else [],
        happenings=happenings,
        answers=[answer_of(task, replied=True) for task in answered],
        agent=item.agent,
        msgid=message.msgid,
        learned=learned,
        still=() if answers else _still(tags, hits),
    )
    follow_up(work, state, happened)


def _still(tags: Sequence[str], hits: Sequence[TagHit]) -> set[str]:
    """Of the tags that words in a group confirmed those that move no card."""
    return set(tags) - {hit.tag for hit in hits if hit.moves_in_groups and not hit.shadow}


def process_agent_message(work: Work, item: StoredMessage, state: CustomerState, agent: Agent) -> None:
    """Complete the tasks that an agent's message fulfils; the rules about agents' words judge it as well.

    What the rules about conduct hear is for leaders alone: nothing follows from it for the customer.
    """
    message, before = item.message, state.tags
    state.happened_at = message.sent_at
    task = complete(work, state, AgentMessage(message, agent, item.arrived.text, sending_of(item.arrived)))
    by_mass = task is not None and task.outcome == "group-send"
    if task is None:
        hear_sent(work, state, agent, message, item.arrived.text)
    agent_spoke(work, state, message, by_mass=by_mass)
    end_by_message(work, state, message, by_mass=by_mass)
    hear_agent(work, state, agent, message, by_mass=by_mass)
    failpoint("completed")
    state.customer.said_to_at = latest(state.customer.said_to_at, message.sent_at)
    heard = () if item.silent else judge(work.settings, state, message, item.utterance)
    note_conduct(work, message, agent, heard)
    hits = tuple(hit for hit in heard if not hit.conduct)
    tags = record_hits(work, state, hits, Occasion.of(message))
    learned = record_facts(work, state, hits, item.utterance, Occasion.of(message))
    fresh = [tag for tag in tags if tag not in before]
    happened = CustomerEvent(
        message.msgid,
        tags=tags,
        fresh=fresh,
        agent=agent,
        msgid=message.msgid,
        learned=learned,
        still=_still(tags, hits) if message.roomid else (),
    )
    follow_up(work, state, happened)
