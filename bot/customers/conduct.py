"""Conduct: keeps what the rules about agents' words hear, in talks and in groups, for their leaders."""

from __future__ import annotations

from collections.abc import Iterable

from bot.customers.new_message import AnyMessage
from bot.platform.config.settings import Settings
from bot.platform.models import Agent, ConductFinding
from bot.platform.work import Work
from taggers.hits import TagHit
from taggers.utterance import Context, Utterance


def judge_in_group(settings: Settings, message: AnyMessage, utterance: Utterance) -> tuple[TagHit, ...]:
    """What the rule book finds in an agent's words in a group, where they are said to no one customer."""
    return settings.book.judge(utterance, Context(hour=message.sent_at.astimezone(settings.zone).hour, group=True))


def note_conduct(work: Work, message: AnyMessage, agent: Agent, hits: Iterable[TagHit]) -> None:
    """Keep a finding for each hit of a rule about conduct; the other hits are left alone."""
    work.session.add_all(_finding(work, message, agent, hit) for hit in hits if hit.conduct)


def _finding(work: Work, message: AnyMessage, agent: Agent, hit: TagHit) -> ConductFinding:
    return ConductFinding(
        rule_id=hit.rule_id,
        title=hit.conduct,
        version=hit.version,
        agent_id=agent.id,
        customer_id=message.customer_id,
        message_id=message.id,
        msgid=message.msgid,
        spans=[[span.keyword, span.start, span.end] for span in hit.spans],
        reason=hit.reason[:500],
        said_at=message.sent_at,
        found_at=work.now,
        shadow=hit.shadow,
    )
