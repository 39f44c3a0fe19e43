"""Pipeline: the path of a message, top to bottom: store, tag, move, plan, complete."""

from __future__ import annotations

from collections.abc import Sequence

from bot.customers.behaviour import observe_message
from bot.customers.consent import REFUSED
from bot.customers.recalled_messages import withdraw_tags
from bot.customers.state import CustomerState, latest
from bot.customers.tags import Occasion, judge, record_hits
from bot.intake.messages import OpenedRow, StoredMessage, store_messages
from bot.intake.sent_attachments import sending_of
from bot.platform.failpoints import failpoint
from bot.platform.models import Agent
from bot.platform.work import Work
from bot.sops.completion import AgentMessage, close_by_answer, complete
from bot.sops.follow_up import CustomerEvent, answer_of, follow_up
from bot.sops.stopping import stop_by_agent
from sop.stopping import opted_out

_LAST_WORDS = 200  # characters a card on the board has room for


def process_batch(work: Work, arrived: Sequence[OpenedRow]) -> None:
    """Store and process one batch inside the caller's transaction; messages stored before are passed over."""
    stored = store_messages(work, arrived)
    failpoint("stored")
    for item, may_hit in zip(stored, work.settings.book.screen([item.utterance for item in stored]), strict=True):
        item.silent = not may_hit
    for item in stored:
        if item.state is None or item.message.action != "send" or item.unagreed:
            continue
        if item.arrived.consent:  # an answer about being archived, not words to the agent: no rule sees it
            if item.arrived.consent == "disagree" and item.agent is not None:
                stop_by_agent(work, item.state, item.agent.id, REFUSED)
        elif item.message.role == "customer":
            process_customer_message(work, item, item.state)
        elif item.message.role == "agent" and item.agent is not None:
            process_agent_message(work, item, item.state, item.agent)
    work.session.flush()
    withdraw_tags(work, [item.message for item in stored])


def process_customer_message(work: Work, item: StoredMessage, state: CustomerState) -> None:
    """Tag, move and plan by a customer's message, and close and stop what it answers.

    What they say in a group is heard, but answers nobody: prompts are for talks between two.
    """
    message, customer, before = item.message, state.customer, state.tags
    state.happened_at = message.sent_at
    answers = not message.roomid
    tags = close_by_answer(work, state, message) if answers else []
    hits = () if item.silent else judge(work.settings, state, message, item.utterance)
    tags += record_hits(work, state, hits, Occasion.of(message))
    tags += observe_message(work, state, message, first=customer.last_word_at is None)
    failpoint("tagged")
    customer.last_word_at = latest(customer.last_word_at, message.sent_at)
    customer.last_words = (message.line or message.text)[:_LAST_WORDS]
    happenings = ["reply"] if answers else []
    if message.kind == "text" and opted_out(item.arrived.text):
        customer.opted_out_at = customer.opted_out_at or message.sent_at
        happenings.append("opted-out")
    answered, state.answered = state.answered, []
    happened = CustomerEvent(
        cause=message.msgid,
        tags=list(dict.fromkeys(tags)),
        fresh=[tag for tag in dict.fromkeys(tags) if tag not in before],
        events=["@spoke"],
        happenings=happenings,
        answers=[answer_of(task, replied=True) for task in answered],
        agent=item.agent,
        msgid=message.msgid,
    )
    follow_up(work, state, happened)


def process_agent_message(work: Work, item: StoredMessage, state: CustomerState, agent: Agent) -> None:
    """Complete the tasks that an agent's message fulfils; the rules about agents' words judge it as well."""
    message, before = item.message, state.tags
    state.happened_at = message.sent_at
    complete(work, state, AgentMessage(message, agent, item.arrived.text, sending_of(item.arrived)))
    failpoint("completed")
    state.customer.said_to_at = latest(state.customer.said_to_at, message.sent_at)
    hits = () if item.silent else judge(work.settings, state, message, item.utterance)
    tags = record_hits(work, state, hits, Occasion.of(message))
    fresh = [tag for tag in tags if tag not in before]
    happened = CustomerEvent(message.msgid, tags=tags, fresh=fresh, agent=agent, msgid=message.msgid)
    follow_up(work, state, happened)
