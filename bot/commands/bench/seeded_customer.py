"""Made-up customers: the rows of one customer after the other, as a real one would have left them.

What they say comes from the config's own examples, is judged by its own rules, and moves them along its own
pipelines, so that the rows fit together. Nothing is drawn by chance: the same call gives the same rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import insert
from sqlalchemy.orm import Session

from bot.commands.bench.seeded_talk import MadeUpTalk, TalkPlan, pseudo_random
from bot.platform.config.settings import Settings
from bot.platform.database.row_ids import expect_rows, next_id
from bot.platform.database.rows_sealed import sealed_in
from bot.platform.database.store import canonical_json
from bot.platform.models import (
    Customer,
    Evidence,
    Follow,
    Message,
    Model,
    Placement,
    SopEnrolment,
    SopTask,
    StageMove,
    Tagging,
)
from sop.pipeline import Pipeline
from sop.playbook import Sop
from sop.wording import render
from taggers.hits import TagHit
from taggers.utterance import Utterance

_FAMILY = "王李张刘陈杨赵黄周吴徐孙马朱胡林郭何高罗"
_GIVEN = ("晓雨", "国安", "敏", "桐", "佳怡", "子涵", "建军", "丽华", "思远", "海燕", "一诺", "志强", "雪", "文博")
_CHANNELS = ("门店二维码", "公众号", "老客转介绍", "直播间")


@dataclass
class RowBatch:
    """Rows of one transaction, by table."""

    rows: dict[type[Model], list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, model: type[Model], **values: Any) -> None:
        self.rows.setdefault(model, []).append(values)

    def write(self, session: Session) -> None:
        for model in _ORDER:  # foreign keys point to earlier tables
            rows, table = self.rows.get(model), Model.metadata.tables[model.__tablename__]
            if not rows:
                continue
            if sealed_in(table) and "id" not in rows[0]:  # sealed values are sealed for their row
                expect_rows(session, len(rows))
                rows = [{"id": next_id(session, model), **row} for row in rows]
            session.connection().execute(insert(table), rows)  # the ORM makes a statement for each set of columns


_ORDER: tuple[type[Model], ...] = (
    Customer, Follow, Message, Evidence, Tagging, Placement, StageMove, SopEnrolment, SopTask,
)  # fmt: skip


class SeededAgent(NamedTuple):
    """An agent who can be given customers."""

    id: int
    userid: str
    name: str


@dataclass(frozen=True)
class _Made:
    """The customer being made, and where their rows go."""

    batch: RowBatch
    number: int
    external_userid: str
    agent: SeededAgent
    began: datetime
    tags: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class _Visit:
    """A customer's time in a stage; left: they have moved on since."""

    stage: str
    serial: int
    at: datetime
    left: bool


def made_up_name(number: int) -> str:
    """A Chinese name, the same for the same number."""
    return _FAMILY[pseudo_random(number) % len(_FAMILY)] + _GIVEN[pseudo_random(number, 1) % len(_GIVEN)]


class CustomerMaker:
    """Makes one customer after the other; counts ids itself: rows refer to each other before they are stored."""

    def __init__(self, settings: Settings, agents: list[SeededAgent], each: int, now: datetime) -> None:
        self.settings, self.agents, self.each, self.now = settings, agents, each, now
        self.talk = MadeUpTalk(settings)
        self.exclusive = {
            name: group.names for group in settings.tables.tags if group.exclusive for name in group.names
        }
        self.stage_names = {stage.name for pipeline in settings.pipelines for stage in pipeline.stages}
        self.judged: dict[str, tuple[TagHit, ...]] = {}
        self.values: dict[str, str] = {}  # what placeholders stand for, of the customer being made
        self.seq = self.enrolments = 0

    def add_customer(self, batch: RowBatch, number: int) -> None:
        """Add one customer with everything that belongs to them."""
        agent = self.agents[pseudo_random(number, 2) % len(self.agents)]
        name = f"{made_up_name(number)}{number}"
        self.values = {"customer.name": name, "agent.name": agent.name, "company": self.settings.workspace.name}
        began = self.now - timedelta(minutes=60 + pseudo_random(number, 3) % (90 * 24 * 60))
        made = _Made(batch, number, f"wmSeed{number:026}", agent, began)
        walked = [
            (pipeline, self._road(made, pipeline))
            for nth, pipeline in enumerate(self.settings.pipelines)
            if nth == 0 or pseudo_random(number, 5, nth) % 3 == 0
        ]
        entered = [(visit.at, visit.stage) for _pipeline, road in walked for visit in road[1:]]
        said = self.talk.conversation(TalkPlan(number, began, self.now, self.each), entered, self.values)
        theirs = [(at, words) for at, words, ours in said if not ours]
        channel = _CHANNELS[pseudo_random(number, 4) % len(_CHANNELS)]
        self._messages(made, said)
        batch.add(
            Customer, id=number, external_userid=made.external_userid, name=name, channel=channel,
            created_at=began, last_word_at=theirs[-1][0] if theirs else None, said_to_at=began,
            last_words=theirs[-1][1][:200] if theirs else "", activity=len(theirs) * 2,
            conversion=len(made.tags) * 10,
        )  # fmt: skip
        batch.add(
            Follow, agent_id=agent.id, customer_id=number, channel=channel, added_at=began,
            last_talk_at=said[-1][0], marked={}, marking={}, tags=[], clock={}, waiting_told={},
            waiting_since=self.talk.waiting_since(said),
        )  # fmt: skip
        for pipeline, road in walked:
            self._walk(made, pipeline, road)

    def _messages(self, made: _Made, said: list[tuple[datetime, str, bool]]) -> None:
        for at, words, ours in said:
            self.seq += 1
            msgid = f"seed-{self.seq}"
            pair = made.agent.userid, made.external_userid
            sender, to = pair if ours else pair[::-1]
            raw = {
                "msgid": msgid, "action": "send", "from": sender, "tolist": [to], "roomid": "",
                "msgtime": int(at.timestamp() * 1000), "msgtype": "text", "text": {"content": words},
            }  # fmt: skip
            made.batch.add(
                Message, id=self.seq, msgid=msgid, seq=self.seq, action="send", kind="text", sender=sender,
                role="agent" if ours else "customer", roomid="", customer_id=made.number,
                agent_id=made.agent.id, sent_at=at, stored_at=at + timedelta(seconds=1), text=words,
                line=words, raw=canonical_json(raw), version=self.settings.version,
            )  # fmt: skip
            if not ours:
                for hit in self._hits(words):
                    self._evidence(made, msgid, at, hit)

    def _hits(self, words: str) -> tuple[TagHit, ...]:
        if words not in self.judged:
            utterance = Utterance(msgid="", text=words, sender="customer", kind="text", at=self.now)
            self.judged[words] = self.settings.book.judge(utterance)
        return self.judged[words]

    def _evidence(self, made: _Made, msgid: str, at: datetime, hit: TagHit) -> None:
        made.batch.add(
            Evidence, customer_id=made.number, occasion=msgid, message_id=self.seq, rule_id=hit.rule_id, tag=hit.tag,
            version=self.settings.version, spans=[[span.keyword, span.start, span.end] for span in hit.spans],
            reason=hit.reason[:500], counted=1, needed=hit.times, hit_at=at,
        )  # fmt: skip
        taken = hit.times > 1 or any(other in made.tags for other in (hit.tag, *self.exclusive.get(hit.tag, ())))
        if taken or not hit.tag or hit.tag in self.stage_names:
            return
        made.tags.add(hit.tag)
        made.batch.add(
            Tagging, customer_id=made.number, tag=hit.tag, by="rule", rule_id=hit.rule_id, msgid=msgid,
            reason=hit.reason[:500], version=self.settings.version, tagged_at=at,
        )  # fmt: skip

    def _road(self, made: _Made, pipeline: Pipeline) -> list[_Visit]:
        """The customer's way through a pipeline: most stop early, a few reach its end, some are lost."""
        road = [stage.name for stage in pipeline.stages if not stage.beside and not stage.lost]
        draw = pseudo_random(made.number, 8) % 100
        depth = next((nth for nth, most in enumerate((45, 65, 80, 90, 96)) if draw < most), len(road) - 1)
        path = road[: min(depth, len(road) - 1) + 1]
        away = [stage.name for stage in pipeline.stages if stage.beside or stage.lost]
        if away and pseudo_random(made.number, 9) % 4 == 0 and len(path) < len(road):
            path.append(away[pseudo_random(made.number, 10) % len(away)])
        pace = (self.now - timedelta(minutes=10) - made.began) / len(path)
        return [
            _Visit(stage, nth + 1, made.began + pace * nth, nth < len(path) - 1) for nth, stage in enumerate(path)
        ]

    def _walk(self, made: _Made, pipeline: Pipeline, road: list[_Visit]) -> None:
        """The ledger of moves, the follow-ups of the stages, and where the customer stands."""
        for nth, visit in enumerate(road):
            stage = visit.stage
            made.batch.add(
                StageMove, customer_id=made.number, pipeline=pipeline.name, serial=visit.serial,
                from_stage=road[nth - 1].stage if nth else None,
                to_stage=stage, cause="tag" if nth else "event", trigger=stage if nth else "@added", evidence="",
                actor="", version=self.settings.version, moved_at=visit.at,
            )  # fmt: skip
            for sop in self.settings.tables.sops:
                if sop.stage == stage and pseudo_random(made.number, 11, nth) % 2 == 0:
                    self._enrol(made, sop, visit)
        made.batch.add(
            Placement, customer_id=made.number, pipeline=pipeline.name, stage=road[-1].stage, serial=len(road),
            entered_at=road[-1].at,
        )  # fmt: skip

    def _enrol(self, made: _Made, sop: Sop, visit: _Visit) -> None:
        self.enrolments += 1
        dues = [visit.at + step.after for step in sop.steps]
        over = visit.left or dues[-1] <= self.now
        made.batch.add(
            SopEnrolment, id=self.enrolments, customer_id=made.number, agent_id=made.agent.id, sop_id=sop.id,
            cause=f"{visit.stage}/{visit.serial}",
            stop=list(sop.stop), version=self.settings.version, enrolled_at=visit.at,
            ended_at=min(dues[-1], self.now) if over else None,
            ended_because=("客户离开了阶段" if visit.left else "步骤都已做完") if over else None,
        )  # fmt: skip
        for nth, (step, due) in enumerate(zip(sop.steps, dues, strict=True)):
            words = step.say[0]
            row: dict[str, Any] = {
                "enrolment_id": self.enrolments, "customer_id": made.number, "agent_id": made.agent.id, "step": nth,
                "due_at": due, "expires_at": due + step.valid_for, "shifts": [], "why": "", "wording": words,
                "text": render(words, self.values), "attach": [], "attached": [], "reminded": [],
                "window_seconds": 86400,
                **self._fate(pseudo_random(made.number, 12, nth), due, over),
            }  # fmt: skip
            made.batch.add(SopTask, **row)

    def _fate(self, draw: int, due: datetime, over: bool) -> dict[str, Any]:
        """What became of a task: every one has the same keys, as one INSERT needs."""
        none: dict[str, Any] = dict.fromkeys(
            ("delivered_at", "completed_at", "outcome", "timing", "similarity", "replied_at", "window_closed_at",
             "ended_because")
        )  # fmt: skip
        if due > self.now:
            if not over:
                return none | {"state": "planned", "prompts": 0}
            return none | {"state": "cancelled", "prompts": 0, "ended_because": "客户离开了阶段"}
        told = none | {"delivered_at": due, "prompts": 1, "window_closed_at": due + timedelta(days=1)}
        if draw % 10 >= 7:
            return told | {"state": "expired", "ended_because": "过了有效期，员工没有发送"}
        done = {
            "completed_at": due + timedelta(minutes=draw % 90), "outcome": "exact" if draw % 3 else "edited",
            "timing": "in-time", "similarity": 1.0 if draw % 3 else 0.9,
        }  # fmt: skip
        if draw % 10 < 3:
            return told | done | {"state": "replied", "replied_at": due + timedelta(minutes=90 + draw % 600)}
        return told | done | {"state": "completed"}
