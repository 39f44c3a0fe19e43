"""Afterwards: what the sandbox saw is held against what the database says and against what had to come."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
from collections import Counter, defaultdict
from contextlib import closing
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import select

from bot.platform.models import (
    Customer,
    Follow,
    Message,
    Outbox,
    Quarantine,
    SopEnrolment,
    SopTask,
    StageMove,
    Tagging,
)
from bot.system import System
from tests.chaos.city import City
from tests.chaos.talks import LINES, ON_PHONES, Person
from tests.privacy.test_erasure import opened


@dataclass
class Reckoning:
    """Counts that must be 0, save `cards`, `unknown` and `given_up`, which are told; `examples`: the first few."""

    lost: int = 0  # archived, neither stored nor quarantined
    doubled_messages: int = 0
    wrong_tags: int = 0
    doubled_tags: int = 0
    wrong_moves: int = 0
    wrong_tasks: int = 0
    missing_sends: int = 0  # the database says sent, no phone has it
    unasked_sends: int = 0  # a phone has it, the database says it was never sent
    doubled_sends: int = 0  # a phone has it twice
    doubled_welcomes: int = 0
    leaks: int = 0  # an erased person still named, a stranger's call that ran, a process with other keys that worked
    wrong_marks: int = 0  # the phone's stage tag is not the board's
    cards: int = 0
    unknown: int = 0  # outbox rows of which nobody can say whether they arrived: shown to the agent, not repeated
    given_up: dict[str, int] = field(default_factory=dict)
    examples: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        told = {"cards", "unknown", "given_up", "examples"}
        return not any(value for name, value in asdict(self).items() if name not in told)

    def wrong(self, what: str, example: str, count: int = 1) -> None:
        setattr(self, what, getattr(self, what) + count)
        if len(self.examples) < 40:
            self.examples.append(f"{what}: {example}")


def reckon(city: City, everybody: list[Person]) -> Reckoning:
    """Compare everything."""
    found, system, sandbox = Reckoning(), city.system, city.folder / "sandbox"
    staying = [person for person in everybody if person.userid not in city.erased]
    with closing(sqlite3.connect(f"file:{sandbox / 'sandbox.db'}?mode=ro", uri=True)) as seen:
        erased = {person.line(n)["msgid"] for person in everybody for n in range(LINES)} - {
            person.line(n)["msgid"] for person in staying for n in range(LINES)
        }
        _messages(system, seen, found, len(everybody) * LINES, erased)
        _people(system, staying, found)
        _sends(city, seen, found, [person for person in everybody if person.userid in city.erased])
        _marks(city, seen, staying, found)
    _leaks(city, found)
    return found


def _leaks(city: City, found: Reckoning) -> None:
    """Erased people are nowhere any more; whoever wrote to Redis or came with other keys did nothing."""
    if city.erased:
        told = opened(city.system.store)
        for who in city.erased:
            if who in told:
                found.wrong("leaks", f"{who} is still named")
    if (city.folder / "poisoned").exists():
        found.wrong("leaks", "a call that somebody wrote into Redis was run")
    for stranger in city.strangers:
        try:
            refused = stranger.wait(timeout=120) != 0
        except subprocess.TimeoutExpired:
            refused = False
            stranger.kill()
            stranger.wait()
        if not refused:
            found.wrong("leaks", "a worker with other keys did not refuse to work")


def _messages(system: System, seen: sqlite3.Connection, found: Reckoning, said: int, erased: set[str]) -> None:
    archived = {msgid for (msgid,) in seen.execute("SELECT msgid FROM archive")}
    with system.store.read() as session:
        stored = Counter(session.scalars(select(Message.msgid)))
        held = set(session.scalars(select(Quarantine.msgid).where(Quarantine.released_at.is_(None))))
    for msgid in archived - stored.keys() - held - erased:
        found.wrong("lost", msgid)
    for msgid, times in stored.items():
        if times > 1:
            found.wrong("doubled_messages", msgid, times - 1)
    missing = said - sum(msgid.startswith("chaos") for msgid in archived)
    if missing > 0:
        found.wrong("lost", f"{missing} never reached the sandbox's archive: the runner's fault")


def _people(system: System, everybody: list[Person], found: Reckoning) -> None:
    tags, moves, tasks = defaultdict[str, list[str]](list), defaultdict[str, list[str]](list), Counter[Any]()
    found_at_night: set[str] = set()
    with system.store.read() as session:
        who = {row.id: row.external_userid for row in session.scalars(select(Customer))}
        for customer, tag in session.execute(select(Tagging.customer_id, Tagging.tag).where(Tagging.by == "rule")):
            tags[who[customer]].append(tag)
        ordered = select(StageMove.customer_id, StageMove.to_stage).order_by(StageMove.customer_id, StageMove.serial)
        for customer, stage in session.execute(ordered):
            moves[who[customer]].append(stage)
        enrolled = select(SopTask.customer_id, SopEnrolment.sop_id, SopTask.step, SopEnrolment.cause)
        for customer, sop, step, cause in session.execute(enrolled.join(SopEnrolment)):
            tasks[who[customer], sop, step] += 1
            if cause.startswith("event:found:"):  # night fell before the archive named them: WeCom's list did
                found_at_night.add(who[customer])
    for person in everybody:
        if sorted(set(tags[person.userid])) != person.tags:
            found.wrong("wrong_tags", f"{person.userid} {tags[person.userid]}")
        if len(tags[person.userid]) > len(set(tags[person.userid])):
            found.wrong("doubled_tags", f"{person.userid} {tags[person.userid]}")
        if moves[person.userid] != person.stages:
            found.wrong("wrong_moves", f"{person.userid} {moves[person.userid]}")
        steps = [tasks[person.userid, "price", step] for step in (0, 1)]
        hellos, newcomer = tasks[person.userid, "hello", 0], person.added or person.userid in found_at_night
        if steps != [int(person.asks)] * 2 or hellos > int(newcomer):
            found.wrong("wrong_tasks", f"{person.userid} price {steps}, hello {hellos}")


def _sends(city: City, seen: sqlite3.Connection, found: Reckoning, erased: list[Person]) -> None:
    shown: Counter[str] = Counter()
    of_erased: set[str] = set()
    names = re.compile("|".join(rf"客户{person.number}(?!\d)" for person in erased) or "(?!)")
    for (data,) in seen.execute("SELECT data FROM effects WHERE kind = 'message'"):
        card = json.loads(data).get("template_card", {})
        task_id = card.get("task_id", "")
        if task_id.startswith("task_"):
            shown[task_id] += 1
            if names.search(json.dumps(card, ensure_ascii=False)):
                of_erased.add(task_id)
    found.cards = sum(shown.values())
    with city.system.store.read() as session:
        whose = select(SopTask.ref, Customer.external_userid, SopEnrolment.sop_id, SopTask.step)
        whose = whose.join(Customer, Customer.id == SopTask.customer_id)
        whose = whose.join(SopEnrolment, SopEnrolment.id == SopTask.enrolment_id)
        steps = {f"task_{ref}": tuple(step) for ref, *step in session.execute(whose)}
        cards = select(SopTask.ref, Outbox.key, Outbox.state, Outbox.error, Outbox.attempts)
        cards = cards.join(SopTask, SopTask.id == Outbox.task_id).where(Outbox.kind == "card")
        states = {"_".join(["task", ref, *key.split(":")[2:]]): row for ref, key, *row in session.execute(cards)}
    for task_id, (state, error, attempts) in states.items():
        if state == "sent" and not shown[task_id]:
            found.wrong("missing_sends", task_id)
        if state in ("cancelled", "failed") and shown[task_id] and not attempts:
            found.wrong("unasked_sends", f"{task_id} {state} {error}")
        if state in ("failed", "waiting", "sending"):
            found.given_up[f"{state}: {error}"[:80]] = found.given_up.get(f"{state}: {error}"[:80], 0) + 1
        found.unknown += state == "unknown"
    for task_id, times in shown.items():
        if task_id not in states and task_id not in city.before_restore and task_id not in of_erased:
            found.wrong("unasked_sends", task_id)
        if times > 1:
            found.wrong("doubled_sends", f"{task_id}: {times}", times - 1)
    prompted = defaultdict[Any, set[str]](set)
    for task_id in shown:
        ref = "_".join(task_id.split("_")[:2])
        prompted[city.before_restore.get(task_id) or steps.get(ref) or ref].add(ref)
    for step, refs in prompted.items():
        if len(refs) > 1:
            found.wrong("doubled_sends", f"{step} by {len(refs)} cards", len(refs) - 1)
    welcomes = seen.execute("SELECT data FROM effects WHERE kind = 'welcome'")
    welcomed = Counter(json.loads(data).get("external_userid") for (data,) in welcomes)
    found.doubled_welcomes = sum(times - 1 for times in welcomed.values())


def _marks(city: City, seen: sqlite3.Connection, everybody: list[Person], found: Reckoning) -> None:
    shown, kept = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
    marks = (
        "SELECT external_userid, tag_groups.name, tags.name FROM marks"
        " JOIN tags ON tags.tag_id = marks.tag_id JOIN tag_groups ON tag_groups.group_id = tags.group_id"
    )
    for userid, group, name in seen.execute(marks):
        (kept if group in ON_PHONES else shown)[userid].add(name)
    with city.system.store.read() as session:
        of_phones = Tagging.tag.in_(("已回复", "未回复", "考虑价格"))
        rows = select(Customer.external_userid, Tagging.tag, Tagging.by, Tagging.removed_because).join(
            Customer, Customer.id == Tagging.customer_id
        )
        standing = session.execute(rows.where(Tagging.removed_at.is_(None), of_phones)).all()
        carried = defaultdict[str, set[str]](set)
        for userid, tag, _, _ in standing:
            carried[userid].add(tag)
        for userid, tag, by, why in session.execute(rows):  # no agent touches a tag here
            if by == "wecom" or "在企业微信里取消" in (why or ""):
                found.wrong("wrong_tags", f"{userid} {tag} as if by hand: {by} {why}")
        follows = select(Customer.external_userid).join(Follow, Follow.customer_id == Customer.id)
        followed = set(session.scalars(follows.where(Follow.ended_at.is_(None))))
    for person in everybody:
        if shown[person.userid] != {person.stages[-1]} or person.userid not in followed:
            found.wrong("wrong_marks", f"{person.userid} {sorted(shown[person.userid])}")
        if kept[person.userid] != carried[person.userid]:
            said = f"{sorted(kept[person.userid])} on the phone, {sorted(carried[person.userid])} carried"
            found.wrong("wrong_marks", f"{person.userid} {said}")
