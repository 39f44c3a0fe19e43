"""The path of a message, top to bottom: store, tag, move, plan, complete."""

from __future__ import annotations

from collections.abc import Sequence

from bot.customers.behaviour import observe_message
from bot.customers.consent import REFUSED
from bot.customers.recalled_messages import take_back
from bot.customers.state import Case, latest
from bot.customers.tags import Occasion, judge, record_hits
from bot.intake.messages import Arrived, Talk, store_messages
from bot.intake.sent_attachments import sending_of
from bot.platform.failpoints import passing
from bot.platform.models import Agent
from bot.platform.work import Work
from bot.sops.completion import close_by_answer, complete
from bot.sops.follow_up import Happened, answer_of, follow_up
from bot.sops.stopping import stop_by_agent
from sop.stopping import opted_out

_LAST_WORDS = 200


def take_batch(work: Work, arrived: Sequence[Arrived]) -> None:
    """Steps 4 to 7 for one batch, inside the caller's transaction; messages stored before are passed over."""
    talks = store_messages(work, arrived)
    passing("stored")
    for talk, may_hit in zip(talks, work.settings.book.screen([talk.utterance for talk in talks]), strict=True):
        talk.silent = not may_hit
    for talk in talks:
        if talk.case is None or talk.message.action != "send" or talk.unagreed:
            continue
        if talk.arrived.consent:  # not a word to anybody
            if talk.arrived.consent == "disagree" and talk.agent is not None:
                stop_by_agent(work, talk.case, talk.agent.id, REFUSED)
        elif talk.message.role == "customer":
            customer_spoke(work, talk, talk.case)
        elif talk.message.role == "agent" and talk.agent is not None:
            agent_spoke(work, talk, talk.case, talk.agent)
    work.session.flush()
    take_back(work, [talk.message for talk in talks])


def customer_spoke(work: Work, talk: Talk, case: Case) -> None:
    """Steps 5 to 7 for a customer's message, and what his answer closes and stops."""
    message, customer, before = talk.message, case.customer, case.tags
    case.moment = message.sent_at
    tags = close_by_answer(work, case, message)
    hits = () if talk.silent else judge(work.settings, case, message, talk.utterance)
    tags += record_hits(work, case, hits, Occasion.of(message))
    tags += observe_message(work, case, message, first=customer.last_word_at is None)
    passing("tagged")
    customer.last_word_at = latest(customer.last_word_at, message.sent_at)
    customer.last_words = (message.line or message.text)[:_LAST_WORDS]
    happenings = ["reply"]
    if message.kind == "text" and opted_out(talk.arrived.text):
        customer.opted_out_at = customer.opted_out_at or message.sent_at
        happenings.append("opted-out")
    answered, case.answered = case.answered, []
    happened = Happened(
        cause=message.msgid,
        tags=list(dict.fromkeys(tags)),
        fresh=[tag for tag in dict.fromkeys(tags) if tag not in before],
        events=["@spoke"],
        happenings=happenings,
        answers=[answer_of(task, replied=True) for task in answered],
        agent=talk.agent,
        msgid=message.msgid,
    )
    follow_up(work, case, happened)


def agent_spoke(work: Work, talk: Talk, case: Case, agent: Agent) -> None:
    """Step 10 for an agent's message: it may fulfil a task; rules for agents' words are judged as well."""
    message, before = talk.message, case.tags
    case.moment = message.sent_at
    complete(work, case, message, talk.arrived.text, agent, sending_of(talk.arrived))
    passing("completed")
    case.customer.said_to_at = latest(case.customer.said_to_at, message.sent_at)
    hits = () if talk.silent else judge(work.settings, case, message, talk.utterance)
    tags = record_hits(work, case, hits, Occasion.of(message))
    fresh = [tag for tag in tags if tag not in before]
    happened = Happened(message.msgid, tags=tags, fresh=fresh, agent=agent, msgid=message.msgid)
    follow_up(work, case, happened)
