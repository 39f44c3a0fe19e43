"""`flask replay`: sends recorded dialogues through signed callbacks and the encrypted archive, and counts."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.commands.input_files import read_lines
from bot.platform import clock
from bot.platform.models import (
    CallbackEvent,
    Customer,
    Evidence,
    Message,
    Outbox,
    Placement,
    SopTask,
    StageMove,
    Tagging,
)
from bot.sandbox.control import SandboxControl
from bot.system import System
from bot.wecom.errors import BotError

STALLED_SECONDS = 60  # without a new message: the stack no longer works
CHUNK = 500  # messages put into the archive at once
_BASE = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)
_AGENTS = ("LinXiaoyu", "ChenGuoan", "ZhouMin", "WuTong")


class ReplayError(BotError):
    """A file that cannot be replayed (with the line), or a system that stopped taking messages."""


@dataclass(frozen=True)
class Outcome:
    """What one replay came to. `lost` and `doubled` must be 0; `added` is 0 when the file was replayed before."""

    dialogues: int
    utterances: int
    added: int
    lost: int
    doubled: int
    out_of_order: int
    customers: int
    evidence: int
    tags: int
    moves: int
    tasks: int
    cards_sent: int
    cards_waiting: int
    seconds: float
    messages_per_second: float
    seconds_to_settle: float


def read_dialogues(path: Path) -> list[list[dict[str, Any]]]:
    """Messages by dialogue, from JSON lines {"id", "turns": [{"role": customer|agent, "text"}]}.

    Ids and times are made from the dialogue's id and the turn's number, so that the same file gives the same
    messages every time. Raises ReplayError naming the line.
    """
    dialogues: list[list[dict[str, Any]]] = []
    try:
        for number, line in read_lines(path):
            try:
                dialogues.append(list(_messages(line, len(dialogues))))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise ReplayError(
                    f'{path.name}:{number}: 看不懂这一行（{error}）；每行应是 {{"id": "…", "turns": '
                    '[{"role": "customer 或 agent", "text": "…"}]}'
                ) from None
    except ValueError as fault:
        raise ReplayError(str(fault)) from None
    if not dialogues:
        raise ReplayError(f"{path.name} 里没有对话")
    return dialogues


def _messages(dialogue: dict[str, Any], number: int) -> Iterator[dict[str, Any]]:
    key = str(dialogue["id"])
    digest = hashlib.sha256(key.encode()).hexdigest()
    customer, agent = f"wmREPLAY{digest[:24]}", _AGENTS[int(digest[:8], 16) % len(_AGENTS)]
    at = _BASE + timedelta(minutes=number)
    for index, turn in enumerate(dialogue["turns"]):
        role, text = turn["role"], turn["text"]
        if role not in ("customer", "agent") or not isinstance(text, str):
            raise ValueError(f"第 {index + 1} 句的 role 或 text 不对")
        sender, receiver = (customer, agent) if role == "customer" else (agent, customer)
        yield {
            "from": sender,
            "to": receiver,
            "text": text,
            "at": (at + timedelta(seconds=20 * index)).isoformat(),
            "msgid": hashlib.sha256(f"{key}:{index}".encode()).hexdigest()[:32] + "_external",
        }


def replay(
    system: System,
    control: SandboxControl,
    dialogues: list[list[dict[str, Any]]],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Outcome:
    """Put the dialogues into the archive of the sandbox and wait until everything they cause has happened."""
    messages = [message for dialogue in dialogues for message in dialogue]
    msgids = [message["msgid"] for message in messages]
    before = _count(system, msgids)
    started = time.monotonic()
    for start in range(0, len(messages), CHUNK):
        control.archive(messages[start : start + CHUNK])
    _wait(lambda: _count(system, msgids), len(set(msgids)), len(messages), progress)
    stored = time.monotonic() - started
    settle(system)
    settled = time.monotonic() - started
    added = _count(system, msgids) - before
    with system.store.read() as session:
        return Outcome(
            dialogues=len(dialogues),
            utterances=len(messages),
            added=added,
            lost=len(set(msgids)) - _count(system, msgids),
            doubled=_doubled(session),
            out_of_order=_out_of_order(session, dialogues),
            customers=_rows(session, Customer),
            evidence=_rows(session, Evidence),
            tags=_rows(session, Tagging),
            moves=_rows(session, StageMove),
            tasks=_rows(session, SopTask),
            cards_sent=_cards(session, "sent"),
            cards_waiting=_cards(session, "waiting"),
            seconds=round(stored, 2),
            messages_per_second=round(added / stored, 1),
            seconds_to_settle=round(settled, 2),
        )


def as_json(outcome: Outcome) -> str:
    """The outcome as one JSON object."""
    return json.dumps(asdict(outcome), ensure_ascii=False)


def _wait(count: Callable[[], int], wanted: int, total: int, progress: Callable[[int, int], None]) -> None:
    """Wait until all is stored; give up only when nothing has come for a while."""
    seen, since = -1, time.monotonic()
    while seen < wanted:
        done = count()
        if done != seen:
            seen, since = done, time.monotonic()
            progress(done, total)
        elif time.monotonic() - since > STALLED_SECONDS:
            raise ReplayError(f"已有 {STALLED_SECONDS} 秒没有新消息入库（{done}/{wanted}），请看 flask status 与日志")
        else:
            time.sleep(0.1)


def settle(system: System) -> None:
    """Until nothing waits to leave any more (or what waits does not get less)."""
    seen, since = -1, time.monotonic()
    while time.monotonic() - since < STALLED_SECONDS / 2:
        with system.store.read() as session:
            open_rows = select(func.count()).where(  # not those that WeCom's limits hold back
                Outbox.state.in_(("waiting", "sending")), Outbox.not_before <= clock.now()
            )
            events = select(func.count()).select_from(CallbackEvent).where(CallbackEvent.handled_at.is_(None))
            left = (session.scalar(open_rows) or 0) + (session.scalar(events) or 0)
        if left == 0:
            return
        if left != seen:
            seen, since = left, time.monotonic()
        time.sleep(0.2)


def _count(system: System, msgids: list[str]) -> int:
    with system.store.read() as session:
        found = 0
        for start in range(0, len(msgids), 800):  # SQLite takes a limited number of variables
            chunk = select(func.count()).select_from(Message).where(Message.msgid.in_(msgids[start : start + 800]))
            found += session.scalar(chunk) or 0
        return found


def _rows(session: Session, model: type[Any]) -> int:
    return session.scalar(select(func.count()).select_from(model)) or 0


def _cards(session: Session, state: str) -> int:
    """Cards by state; those waiting are held back by our own budget of 25 a minute per agent."""
    query = select(func.count()).select_from(Outbox).where(Outbox.kind == "card", Outbox.state == state)
    return session.scalar(query) or 0


def _doubled(session: Session) -> int:
    """Messages, evidence, moves or tasks that stand twice, counted without trusting the unique keys."""
    pairs = [
        (Message.msgid,),
        (Evidence.customer_id, Evidence.rule_id, Evidence.occasion),
        (StageMove.customer_id, StageMove.pipeline, StageMove.serial),
        (SopTask.enrolment_id, SopTask.step),
        (Placement.customer_id, Placement.pipeline),
    ]
    doubled = 0
    for columns in pairs:
        groups = select(func.count() - 1).select_from(columns[0].class_).group_by(*columns).having(func.count() > 1)
        doubled += sum(session.scalars(groups))
    return doubled


def _out_of_order(session: Session, dialogues: list[list[dict[str, Any]]]) -> int:
    """Messages whose seq is not above that of the message said before them."""
    wrong = 0
    for dialogue in dialogues:
        msgids = [message["msgid"] for message in dialogue]
        rows = session.execute(select(Message.msgid, Message.seq).where(Message.msgid.in_(msgids)))
        seqs = dict(rows.all())
        said = [seqs[msgid] for msgid in msgids if msgid in seqs]
        wrong += sum(later <= earlier for earlier, later in pairwise(said))
    return wrong
