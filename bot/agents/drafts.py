"""Drafts: an answer that a machine outside writes from the masked talk, shown to the agent as a draft, never sent."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.agents.lately_said import read_lately
from bot.agents.wording_edits import names_of
from bot.customers.state import CustomerState
from bot.platform import outward
from bot.platform.database.store import set_status
from bot.platform.models import Agent, Status
from bot.platform.outward import AddressRefusedError, NotReachedError
from bot.platform.work import Work
from bot.sops.prompts import wording_values
from bot.wecom.errors import BotError
from sop.wording import check_wording, render
from taggers.fold import fold
from taggers.masked_turns import masked_turns
from taggers.others_in import others_in
from taggers.translatable import Translatable

if TYPE_CHECKING:
    from bot.system import System

BUDGET = "drafts"
_LONGEST = 500
_AT_ONCE = threading.BoundedSemaphore(2)  # a page waits for it: most of a server's threads stay free
_TASK = (
    "你替企业的员工写一句微信回复，直接写要发的话，不解释，不超过 80 字，语气自然亲切。称呼客户写 {customer.name}。"
    "不写价格、优惠、日期和承诺；不知道的就说去问清楚再回复。对话里〔〕是隐去的内容，不要猜。"
)


class NoDraftError(BotError):
    """There is no draft; the text says to the agent why."""


@dataclass(frozen=True)
class DraftOrder:
    """What leaves: the masked talk. values: of the placeholders in what comes back; names: of everybody, folded."""

    messages: list[dict[str, str]]
    values: dict[str, str]
    names: frozenset[str]


def order_draft(work: Work, state: CustomerState, agent: Agent) -> DraftOrder:
    """Put the talk as it may leave. Raises NoDraftError where there is nothing to answer."""
    lately = read_lately(work, state)
    if not lately.last:
        raise NoDraftError(Translatable("客户说了话才写得出草稿"))
    own, everybody = names_of(work.session)
    agents = {one.shown_name for one in work.session.scalars(select(Agent)) if len(one.shown_name) > 1}
    everybody |= {fold(name) for name in agents}
    mine = own.get(state.customer.id, set()) | {state.customer.name}
    turns = masked_turns(lately.turns, mine, agents, everybody.__contains__)
    said = [{"role": "user" if role == "customer" else "assistant", "content": text} for role, text in turns]
    values = dict(wording_values(work.settings, state, agent, work.now))
    return DraftOrder([{"role": "system", "content": _TASK}, *said], values, frozenset(everybody))


def take_one(session: Session, work: Work) -> None:
    """Count one draft of today's budget. Raises NoDraftError once it is used up."""
    today = work.settings.calendar.local(work.now).date().isoformat()
    row = session.get(Status, BUDGET, with_for_update=True)
    used = row.value["used"] if row is not None and row.value.get("day") == today else 0
    if used >= work.settings.tables.drafts.per_day:
        raise NoDraftError(Translatable("今天的草稿用完了，明天再来"))
    set_status(session, BUDGET, {"day": today, "used": used + 1}, work.now)


def write_draft(system: System, order: DraftOrder) -> str:
    """Ask the endpoint; outside of any transaction. Raises NoDraftError."""
    table, environment = system.settings.tables.drafts, system.environment
    body = json.dumps({"model": table.model, "messages": order.messages, "max_tokens": 300, "temperature": 0.3})
    headers = {"Content-Type": "application/json"}
    if environment.draft_key:
        headers["Authorization"] = f"Bearer {environment.draft_key}"
    if not _AT_ONCE.acquire(blocking=False):
        raise NoDraftError(Translatable("正在写别的草稿，稍等再点"))
    try:
        status, answer = outward.ask(
            table.url, body.encode(), headers, environment.webhook_networks, float(table.seconds)
        )
    except (AddressRefusedError, NotReachedError):
        raise NoDraftError(Translatable("写草稿的服务没有回答，先用上面的话术")) from None
    finally:
        _AT_ONCE.release()
    said = _said(answer) if status == 200 else ""
    return _checked(said, order, prices=system.settings.tables.suggestions.prices)


def _said(answer: bytes) -> str:
    try:
        return str(json.loads(answer)["choices"][0]["message"]["content"]).strip()[:_LONGEST]
    except (ValueError, KeyError, IndexError, TypeError):
        return ""


def _checked(said: str, order: DraftOrder, *, prices: bool) -> str:
    """The draft with the names filled in; not one that promises a price or holds what is another's."""
    names: Any = order.names.__contains__
    if not said or check_wording(said) or "〔" in said or others_in(said, names, prices=prices):
        raise NoDraftError(Translatable("这次的草稿不能用：空的，或带着价格、名字、号码、链接。先用上面的话术"))
    return render(said, order.values)
