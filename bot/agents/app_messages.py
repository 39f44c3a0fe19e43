"""App messages: outbox handlers that send an agent a text or change a card they have."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot.delivery.handler import NotNeededError, OutboxHandler, PostponedError
from bot.platform.models import Agent, Outbox, SopTask
from bot.platform.work import About, Work
from bot.sops.prompt_cards import prompt_card
from bot.wecom.cards import choice_of, question_card
from bot.wecom.errors import WeComError

if TYPE_CHECKING:
    from bot.system import System

SPENT_CODES = frozenset({42051})  # of a response_code that was used, or is older than 72 hours


class UpdateCard(OutboxHandler):
    """Updates a card: one that was clicked, to show the outcome or to ask a question, or one whose step has ended.

    The latter has a `word`, which is sent instead where WeCom does not let the card be changed any more.
    """

    counts_as_sent = SPENT_CODES

    def prepare(self, work: Work, system: System, row: Outbox) -> dict[str, Any]:
        if "until" in row.payload:
            return _closing(work, row)
        if "choice" not in row.payload or "card" in row.payload:
            return row.payload
        task = work.session.get_one(SopTask, row.task_id)
        card = prompt_card(work, system, task, row.created_at)
        return {**row.payload, "card": question_card(card, choice_of(row.payload["choice"]))}

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        if "until" in payload and not payload["response_code"]:
            return {"msgid": system.wecom.send_text(payload["userid"], payload["word"]).msgid}
        if "card" in payload:
            change = {"template_card": payload["card"]}
        else:
            change = {"button": {"replace_name": payload["settled"]}}
        try:
            system.wecom.update_card([payload["userid"]], payload["response_code"], change)
        except WeComError as error:
            if error.errcode not in SPENT_CODES or not payload.get("word"):
                raise
            return {"msgid": system.wecom.send_text(payload["userid"], payload["word"]).msgid}
        return {}


def _closing(work: Work, row: Outbox) -> dict[str, Any]:
    """The payload of a card to be closed: without its code where that is too old, without its word where a try was
    made before, whose code WeCom may have taken."""
    payload = dict(row.payload)
    if row.attempts > 1:
        payload["word"] = payload["word"] if not payload["response_code"] else ""
    if payload["response_code"] and work.now >= datetime.fromisoformat(payload["until"]):
        payload["response_code"] = ""
    if payload["response_code"]:
        return payload
    if not payload["word"]:
        raise NotNeededError("卡片已经改不动了")
    if shifts := work.settings.calendar.quiet_shifts(work.now):
        raise PostponedError((shifts[-1].to - work.now).total_seconds())
    return payload


class SendAppText(OutboxHandler):
    """Sends a plain answer to an agent who wrote to the app, then what is left of a long one.

    Whoever asks twice is answered twice: WeCom's duplicate check, which would drop the second answer in silence, is
    for what we send on our own. After a crash it is not known whether an answer got through; it is then sent again,
    since an answer that comes twice is better than none.
    """

    def prepare(self, work: Work, system: System, row: Outbox) -> dict[str, Any]:
        return {**row.payload, "userid": work.session.get_one(Agent, row.agent_id).userid}

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {"msgid": system.wecom.answer(payload["userid"], payload["text"]).msgid}

    def conclude(self, work: Work, system: System, row: Outbox, result: Mapping[str, Any]) -> None:
        rest = row.payload.get("rest", [])
        if not rest:
            return
        start, _, number = row.key.rpartition("/")
        key = f"{start}/{int(number) + 1}" if start else f"{row.key}/2"
        part = {"text": rest[0], "rest": rest[1:]} if rest[1:] else {"text": rest[0]}
        further = work.send("app_text", key, part, About(agent_id=row.agent_id))
        further.deadline = row.deadline
