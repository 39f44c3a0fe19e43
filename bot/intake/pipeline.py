"""The path of a message, top to bottom: store, tag, move, plan, complete."""

from __future__ import annotations

from collections.abc import Sequence

from bot.customers.behaviour import observe_message
from bot.customers.consent import REFUSED
from bot.customers.recalled_messages import withdraw_tags
from bot.customers.state import CustomerState, latest
from bot.customers.tags import Occasion, judge, record_hits
from bot.intake.messages import Arrived, StoredMessage, store_messages
from bot.intake.sent_attachments import sending_of
from bot.platform.failpoints import failpoint
from bot.platform.models import Agent
from bot.platform.work import Work
from bot.sops.completion import AgentMessage, close_by_answer, complete
from bot.sops.follow_up import CustomerEvent, answer_of, follow_up
from bot.sops.stopping import stop_by_agent
from sop.stopping import opted_out

_LAST_WORDS = 200


def take_batch(work: Work, arrived: Sequence[Arrived]) -> None:
    """Steps 4 to 7 for one batch, inside the caller's transaction; messages stored before are passed over."""
    talks = store_messages(work, arrived)
    failpoint("stored")
    for talk, may_hit in zip(talks, work.settings.book.screen([talk.utterance for talk in talks]), strict=True):
        talk.silent = not may_hit
    for talk in talks:
        if talk.state is None or talk.message.action != "send" or talk.unagreed:
            continue
        if talk.arrived.consent:  # not a word to anybody
            if talk.arrived.consent == "disagree" and talk.agent is not None:
                stop_by_agent(work, talk.state, talk.agent.id, REFUSED)
        elif talk.message.role == "customer":
            customer_spoke(work, talk, talk.state)
        elif talk.message.role == "agent" and talk.agent is not None:
            agent_spoke(work, talk, talk.state, talk.agent)
    work.session.flush()
    withdraw_tags(work, [talk.message for talk in talks])


def customer_spoke(work: Work, talk: StoredMessage, state: CustomerState) -> None:
    """Steps 5 to 7 for a customer's message, and what his answer closes and stops."""
    message, customer, before = talk.message, state.customer, state.tags
    state.happened_at = message.sent_at
    tags = close_by_answer(work, state, message)
    hits = () if talk.silent else judge(work.settings, state, message, talk.utterance)
    tags += record_hits(work, state, hits, Occasion.of(message))
    tags += observe_message(work, state, message, first=customer.last_word_at is None)
    failpoint("tagged")
    customer.last_word_at = latest(customer.last_word_at, message.sent_at)
    customer.last_words = (message.line or message.text)[:_LAST_WORDS]
    happenings = ["reply"]
    if message.kind == "text" and opted_out(talk.arrived.text):
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
        agent=talk.agent,
        msgid=message.msgid,
    )
    follow_up(work, state, happened)


def agent_spoke(work: Work, talk: StoredMessage, state: CustomerState, agent: Agent) -> None:
    """Step 10 for an agent's message: it may fulfil a task; rules for agents' words are judged as well."""
    message, before = talk.message, state.tags
    state.happened_at = message.sent_at
    complete(work, state, AgentMessage(message, agent, talk.arrived.text, sending_of(talk.arrived)))
    failpoint("completed")
    state.customer.said_to_at = latest(state.customer.said_to_at, message.sent_at)
    hits = () if talk.silent else judge(work.settings, state, message, talk.utterance)
    tags = record_hits(work, state, hits, Occasion.of(message))
    fresh = [tag for tag in tags if tag not in before]
    happened = CustomerEvent(message.msgid, tags=tags, fresh=fresh, agent=agent, msgid=message.msgid)
    follow_up(work, state, happened)
