"""Report on the pilot: what was judged, what left and was kept back, and how often rules were right."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from bot.analytics.table import ReportScope, ReportTable, share
from bot.platform.config.settings import Settings
from bot.platform.models import Agent, Evidence, Feedback, Follow, Outbox, StageMove, Tagging
from bot.platform.pilot import MARKS, UNASKED
from sop.intervals import wilson
from sop.pilot import WITHHELD, is_outside_pilot, unknown_in_pilot
from taggers.translatable import Translatable

AUTOMATIC = ("tag", "event", "timer")
_LEFT = ("sent", "unknown")


def tables(session: Session, settings: Settings, scope: ReportScope) -> list[ReportTable]:
    """By agent, by kind of what was kept back, by rule."""
    found = _sendings(session, scope)
    return [_by_agent(session, settings, scope, found), _by_kind(found), _by_rule(session, scope)]


def _sendings(session: Session, scope: ReportScope) -> Counter[tuple[int, str, bool]]:
    """How much left of itself and how much was kept back (True), by agent and kind."""
    kept = case((Outbox.state == "cancelled", 1), else_=0)
    over = Outbox.state.in_(_LEFT) | ((Outbox.state == "cancelled") & (Outbox.error == WITHHELD))
    query = (
        select(Outbox.agent_id, Outbox.kind, kept, func.count())
        .where(Outbox.kind.in_(UNASKED), over, scope.holds(Outbox.created_at), Outbox.agent_id.is_not(None))
        .where(scope.agent(Outbox.agent_id))
        .group_by(Outbox.agent_id, Outbox.kind, kept)
    )
    rows = session.execute(query)
    return Counter({(agent or 0, kind, bool(held)): count for agent, kind, held, count in rows})


def _by_agent(
    session: Session, settings: Settings, scope: ReportScope, found: Counter[tuple[int, str, bool]]
) -> ReportTable:
    pilot = settings.workspace.pilot
    known = session.execute(select(Agent.id, Agent.key, Agent.name, Agent.userid).where(scope.agent(Agent.id))).all()
    tagged = _theirs(session, scope, Tagging, (Tagging.by == "rule", scope.holds(Tagging.tagged_at)))
    moved = _theirs(session, scope, StageMove, (StageMove.cause.in_(AUTOMATIC), scope.holds(StageMove.moved_at)))
    rows: list[list[Any]] = []
    for agent_id, key, name, userid in known:
        counts = [
            sum(n for (who, kind, kept), n in found.items() if (who, kept, kind == MARKS) == (agent_id, held, marks))
            for marks in (False, True)
            for held in (False, True)
        ]
        row = [tagged[agent_id], moved[agent_id], *counts]
        if any(row):
            rows.append([name or userid, "试点之外" if is_outside_pilot(pilot, key) else "试点", *row])
    rows.sort(key=lambda row: (row[1] != "试点", -row[2], row[0]))
    absent = unknown_in_pilot(pilot, {row.key for row in known}) if scope.agents is None else []
    rows += [[one, "没有找到这位员工", 0, 0, 0, 0, 0, 0] for one in absent]
    return ReportTable(
        name="pilot-agents",
        title=Translatable("各位员工的客户"),
        says=Translatable(
            "这段时间里自动打的标签和自动移动（客户属于几位员工，每位都算），以及发给员工和客户的：发出了多少，"
            "因为不在试点名单里没有发出多少。没有发出的不占客户的提醒次数，所以会比真发时略多。"
        ),
        columns=[
            ("员工", "text"), (Translatable("在试点里吗"), "word"), (Translatable("自动打的标签"), "number"),
            (Translatable("自动移动"), "number"), (Translatable("提醒发出"), "number"),
            (Translatable("提醒没发"), "number"), (Translatable("手机标签打上"), "number"),
            (Translatable("手机标签没打"), "number"),
        ],
        rows=rows,
    )  # fmt: skip


def _theirs(session: Session, scope: ReportScope, model: Any, where: tuple[Any, ...]) -> Counter[int]:
    """How many of these rows are about each agent's present customers."""
    query = (
        select(Follow.agent_id, func.count())
        .join(model, model.customer_id == Follow.customer_id)
        .where(Follow.ended_at.is_(None), scope.agent(Follow.agent_id), *where)
        .group_by(Follow.agent_id)
    )
    return Counter({row[0]: row[1] for row in session.execute(query)})


def _by_kind(found: Counter[tuple[int, str, bool]]) -> ReportTable:
    left, kept = Counter[str](), Counter[str]()
    for (_agent, kind, held), count in found.items():
        (kept if held else left)[kind] += count
    counted = [[title, left[kind], kept[kind]] for kind, title in UNASKED.items()]
    return ReportTable(
        name="pilot-kinds",
        title=Translatable("发出的和没发的"),
        says=Translatable(
            "这段时间里不用人要就会发的：发出了多少，因为试点没有发出多少。员工自己要的（提醒自己、问一句）照常。"
        ),
        columns=[(Translatable("哪一种"), "word"), ("发出", "number"), (Translatable("没发"), "number")],
        rows=[row for row in counted if row[1] or row[2]],
    )  # fmt: skip


def _by_rule(session: Session, scope: ReportScope) -> ReportTable:
    rows = [
        [rule, hits, right, wrong, share(right, said := right + wrong), list(wilson(right, said)) if said else None]
        for rule, hits, right, wrong in judged_rules(session, scope)
    ]  # fmt: skip
    return ReportTable(
        name="pilot-rules",
        title=Translatable("规则说得对不对"),
        says=Translatable(
            "这段时间里每条规则命中了多少次，其中人点了「正确」和「误判」的各多少；区间是 95% 置信区间。"
        ),
        columns=[
            (Translatable("规则"), "text"), (Translatable("命中次数"), "number"),
            (Translatable("点了正确"), "number"),
            (Translatable("点了误判"), "number"),
            (Translatable("正确率"), "share"), ("区间", "interval"),
        ],
        rows=rows,
    )  # fmt: skip


def judged_rules(session: Session, scope: ReportScope) -> list[tuple[str, int, int, int]]:
    """Each rule with its hits in the time, and how many of them people called right and wrong."""
    hits = scope.holds(Evidence.hit_at), scope.customers(Evidence.customer_id)
    counted = select(Evidence.rule_id, func.count()).where(*hits).group_by(Evidence.rule_id)
    words = (
        select(Evidence.rule_id, Feedback.right, func.count())
        .join(Feedback, Feedback.evidence_id == Evidence.id)
        .where(*hits)
        .group_by(Evidence.rule_id, Feedback.right)
    )
    said = {(rule, right): count for rule, right, count in session.execute(words)}
    found = [(rule, n, said.get((rule, True), 0), said.get((rule, False), 0)) for rule, n in session.execute(counted)]
    return sorted(found, key=lambda row: (-row[1], row[0]))
