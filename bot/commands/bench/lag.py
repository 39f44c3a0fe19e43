"""Measures the lag of prompts: from the customer's message in the archive to the card on the agent's phone."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from bot.commands.demo.replay import settle
from bot.platform import clock
from bot.platform.models import Customer, Message, Outbox, SopTask
from bot.sandbox.control import SandboxControl
from bot.system import System
from bot.wecom.errors import BotError

AGENTS = 30  # so many that none gets near WeCom's limit of 30 messages a minute for one member
ASKERS = 10  # one message in so many is a question that is prompted at once
QUESTION = "你们的课多少钱?"
SMALL_TALK = ("好的谢谢", "在吗", "今天天气真好", "收到", "孩子刚睡着，晚点聊", "哈哈", "我在上班，下班再看")
SLICE = 0.2  # seconds between two batches into the archive
PATIENCE = 30.0  # seconds for the last card to come


@dataclass(frozen=True)
class Percentiles:
    """Seconds."""

    p50: float
    p95: float
    most: float


@dataclass(frozen=True)
class Lag:
    """One run. to_card: archive to phone. to_store: archive to our database, the notification and its gap included;
    to_leave: from there to the card on the phone. notify_gap: seconds that WeCom leaves between two notifications."""

    messages: int
    wanted_rate: float
    reached_rate: float
    questions: int
    cards: int
    missing: int
    twice: int
    notify_gap: float
    to_card: Percentiles
    to_store: Percentiles
    to_leave: Percentiles


@dataclass(frozen=True)
class _Sent:
    """What a run put into the archive, and when each asker asked. since: the sandbox's last effect before it."""

    since: int
    asked_at: dict[str, float]
    messages: int
    wanted_rate: float
    reached_rate: float


class BenchError(BotError):
    """A run that came to nothing; the text says why."""


def measure(
    system: System,
    control: SandboxControl,
    rate: int,
    seconds: int,
    progress: Callable[[int], None] = lambda done: None,
) -> Lag:
    """Say `rate` messages a second for so long, and see when each card arrives. Needs a stack that runs."""
    askers, others = _people(rate * seconds // ASKERS), _people(min(500, rate * seconds), "b")
    control.archive([_message(who, "你好") for who in [*askers, *others]])
    _wait(lambda: _stored(system) >= len(askers) + len(others), "暖身的消息没有全部入库")
    settle(system)
    since, asked_at, said = control.last_effect(), {}, 0
    began = time.monotonic()
    while said < rate * seconds:
        batch = []
        for _ in range(min(int((time.monotonic() - began) * rate) + 1, rate * seconds) - said):
            asks = said % ASKERS == 0 and said // ASKERS < len(askers)
            who = askers[said // ASKERS] if asks else others[said % len(others)]
            batch.append(_message(who, QUESTION if asks else SMALL_TALK[said % len(SMALL_TALK)]))
            if asks:
                asked_at[who] = 0.0
            said += 1
        at = clock.now().timestamp()
        asked_at.update({message["from"]: at for message in batch if message["text"] == QUESTION})
        if batch:
            control.archive(batch)
        progress(said)
        time.sleep(SLICE)
    reached = said / (time.monotonic() - began)
    _wait(lambda: len(_cards(system, control, since)) >= len(asked_at), None)
    return _lag(system, control, _Sent(since, asked_at, said, float(rate), reached))


def _lag(system: System, control: SandboxControl, sent: _Sent) -> Lag:
    came = _cards(system, control, sent.since)
    if not came:
        raise BenchError("没有一张卡片到达；请看状态目录里的日志")
    stored = _stored_at(system, sent.asked_at)
    cards = {who: times[0] for who, times in came.items() if who in sent.asked_at}
    return Lag(
        messages=sent.messages,
        wanted_rate=sent.wanted_rate,
        reached_rate=round(sent.reached_rate, 1),
        questions=len(sent.asked_at),
        cards=len(cards),
        missing=len(sent.asked_at) - len(cards),
        twice=sum(len(times) > 1 for times in came.values()),
        notify_gap=float(control.state()["switches"]["notify_gap"]),
        to_card=_percentiles([at - sent.asked_at[who] for who, at in cards.items()]),
        to_store=_percentiles([stored[who] - sent.asked_at[who] for who in cards]),
        to_leave=_percentiles([at - stored[who] for who, at in cards.items()]),
    )


def _people(count: int, kind: str = "a") -> list[str]:
    return [f"wmBENCH{kind}{number:022}" for number in range(count)]


def _message(who: str, text: str) -> dict[str, Any]:
    return {"from": who, "to": f"Bench{int(who[-6:]) % AGENTS:02}", "text": text}


def _stored(system: System) -> int:
    with system.store.read() as session:
        return session.scalar(select(func.count()).select_from(Message)) or 0


def _cards(system: System, control: SandboxControl, since: int) -> dict[str, list[float]]:
    """When each customer's card came, as the phones saw it."""
    with system.store.read() as session:
        cards = select(SopTask.ref, Customer.external_userid).select_from(Outbox)
        cards = cards.join(SopTask, SopTask.id == Outbox.task_id).join(Customer, Customer.id == Outbox.customer_id)
        whose = {f"task_{task}": who for task, who in session.execute(cards.where(Outbox.kind == "card"))}
    found: dict[str, list[float]] = {}
    for effect in control.effects(since, "message"):
        who = whose.get(effect.get("template_card", {}).get("task_id", ""))
        if who is not None:
            found.setdefault(who, []).append(datetime.fromisoformat(effect["at"]).timestamp())
    return found


def _stored_at(system: System, asked_at: dict[str, float]) -> dict[str, float]:
    with system.store.read() as session:
        said = session.execute(select(Message.sender, Message.stored_at, Message.text).where(Message.text != ""))
        return {who: at.timestamp() for who, at, text in said if who in asked_at and text == QUESTION}


def _wait(done: Callable[[], bool], why: str | None) -> None:
    ends = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > ends:
            if why is None:
                return
            raise BenchError(f"{why}；请看 flask status 与日志")
        time.sleep(0.2)


def _percentiles(values: list[float]) -> Percentiles:
    ordered = sorted(values)
    last = len(ordered) - 1
    return Percentiles(*(round(ordered[place], 2) for place in (last // 2, int(last * 0.95), last)))
