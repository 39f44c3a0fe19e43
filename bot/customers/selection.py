"""Selections: which customers a list asks for, read from an address and turned into conditions on customers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import ColumnElement, and_, exists, false, or_, select

from bot.customers.order_conditions import bought, has_orders, has_spent, ordered_last_before, ordered_since
from bot.platform.config.segment_table import OTHERS, Segment
from bot.platform.database.search_index import named
from bot.platform.models import (
    Customer,
    CustomerField,
    Follow,
    Placement,
    Portrait,
    SegmentMember,
    SopEnrolment,
    Tagging,
)

Control = Literal[
    "tag",
    "stage",
    "agent",
    "channel",
    "sop",
    "field",
    "number",
    "nothing",
    "text",
    "segment",
    "phase",
    "rfm",
    "quadrant",
    "tier",
    "level",
    "five_a",
    "mindset",
    "taste",
    "cell",
    "felt",
    "target",
    "product",
]
OURS: frozenset[Control] = frozenset({"field", "phase", "rfm", "five_a", "mindset", "cell", "felt", "target"})
"""Controls whose values may be words of ours, which pages say in either language."""
Segments = Mapping[str, Segment]
NO_SEGMENTS: Segments = {}
MOST_CONDITIONS = 20
LONGEST_VALUE = 80
_LARGEST = 10**9


@dataclass(frozen=True)
class Condition:
    """One condition as it stands in the address: which kind, and its value."""

    kind: str
    value: str


@dataclass(frozen=True)
class ConditionKind:
    """What a condition is called, by which control its value is chosen, and what it means for the database."""

    name: str
    title: str
    control: Control
    test: Callable[[str, datetime], ColumnElement[bool]]

    @property
    def ours(self) -> bool:
        return self.control in OURS


def where(
    conditions: Iterable[Condition], now: datetime, segments: Segments = NO_SEGMENTS
) -> list[ColumnElement[bool]]:
    """The conditions on Customer; all of them must hold. segments: those of the config; an unknown one is empty."""
    return [_test(one, now, segments) for one in conditions]


def _test(one: Condition, now: datetime, segments: Segments) -> ColumnElement[bool]:
    if one.kind not in OTHERS:
        return KINDS[one.kind].test(one.value, now)
    known = segments.get(one.value)
    inside = in_segment(known, now, segments) if known else false()
    return inside if one.kind == "segment" else ~inside


def in_segment(segment: Segment, now: datetime, segments: Segments) -> ColumnElement[bool]:
    """Who is in a segment: in a frozen one who was when it was frozen."""
    if segment.frozen:
        return Customer.id.in_(select(SegmentMember.customer_id).where(SegmentMember.segment == segment.name))
    return meant_by(segment, now, segments)


def meant_by(segment: Segment, now: datetime, segments: Segments) -> ColumnElement[bool]:
    """Of whom the conditions of a segment hold now, frozen or not."""
    return and_(*where((Condition(*pair) for pair in segment.pairs), now, segments))


def read_conditions(args: Iterable[tuple[str, str]]) -> tuple[Condition, ...]:
    """The conditions that an address asks for; those that cannot be read, or say nothing, ask for nothing."""
    found = (Condition(name, value.strip()[:LONGEST_VALUE]) for name, value in args if name in KINDS)
    return tuple(dict.fromkeys(one for one in found if _is_meant(one)))[:MOST_CONDITIONS]


def _is_meant(one: Condition) -> bool:
    if KINDS[one.kind].control in ("number", "agent"):
        return one.value.isascii() and one.value.isdigit() and len(one.value) < 19
    return bool(one.value)


def _carries(tag: str) -> ColumnElement[bool]:
    return exists().where(Tagging.customer_id == Customer.id, Tagging.tag == tag, Tagging.removed_at.is_(None))


def _stands(value: str) -> ColumnElement[bool]:
    """value: "课程转化/考虑价格"."""
    pipeline, _, stage = value.partition("/")
    here = (Placement.customer_id == Customer.id, Placement.pipeline == pipeline, Placement.stage == stage)
    return exists().where(*here)


def _follows(agent: str) -> ColumnElement[bool]:
    return exists().where(Follow.customer_id == Customer.id, Follow.agent_id == int(agent), Follow.ended_at.is_(None))


def _waits() -> ColumnElement[bool]:
    waiting = Follow.waiting_since.is_not(None), Follow.ended_at.is_(None)
    return exists().where(Follow.customer_id == Customer.id, *waiting)


def _is_on(sop: str) -> ColumnElement[bool]:
    running = SopEnrolment.sop_id == sop, SopEnrolment.ended_at.is_(None)
    return exists().where(SopEnrolment.customer_id == Customer.id, *running)


def _knows(field: str) -> ColumnElement[bool]:
    return exists().where(CustomerField.customer_id == Customer.id, CustomerField.name == field)


def _painted(*tests: ColumnElement[bool]) -> ColumnElement[bool]:
    """Of whom the models last said so."""
    return Customer.id.in_(select(Portrait.customer_id).where(*tests))


def _moved(value: str) -> ColumnElement[bool]:
    """value: "B→E", from one quadrant to another."""
    was, _, now = value.partition("→")
    return _painted(Portrait.was == was, Portrait.quadrant == now)


def _silent(days: str, now: datetime) -> ColumnElement[bool]:
    since = _ago(days, now)
    return or_(Customer.last_word_at <= since, and_(Customer.last_word_at.is_(None), Customer.created_at <= since))


def _ago(days: str, now: datetime) -> datetime:
    return now - timedelta(days=min(int(days), 36_500))


def _number(text: str) -> int:
    return min(int(text), _LARGEST)


def _kinds() -> Sequence[ConditionKind]:
    plain = Callable[[str], ColumnElement[bool]]

    def always(test: plain) -> Callable[[str, datetime], ColumnElement[bool]]:
        return lambda value, _now: test(value)

    return (
        ConditionKind("q", "名字或备注里有", "text", always(lambda v: Customer.id.in_(named(v)))),
        ConditionKind("stage", "在阶段", "stage", always(_stands)),
        ConditionKind("no-stage", "不在阶段", "stage", always(lambda v: ~_stands(v))),
        ConditionKind("tag", "带着标签", "tag", always(_carries)),
        ConditionKind("no-tag", "没有标签", "tag", always(lambda v: ~_carries(v))),
        ConditionKind("agent", "由谁跟进", "agent", always(_follows)),
        ConditionKind("channel", "来自渠道", "channel", always(lambda v: Customer.channel == v)),
        ConditionKind("silent", "至少这么多天没说话", "number", _silent),
        ConditionKind("spoke", "这么多天内说过话", "number", lambda v, now: Customer.last_word_at > _ago(v, now)),
        ConditionKind("added", "这么多天内加的", "number", lambda v, now: Customer.created_at > _ago(v, now)),
        ConditionKind("score", "意向分至少", "number", always(lambda v: Customer.conversion >= _number(v))),
        ConditionKind("activity", "活跃分至少", "number", always(lambda v: Customer.activity >= _number(v))),
        ConditionKind("sop", "正在跟进计划里", "sop", always(_is_on)),
        ConditionKind("no-sop", "不在跟进计划里", "sop", always(lambda v: ~_is_on(v))),
        ConditionKind("field", "已知资料", "field", always(_knows)),
        ConditionKind("no-field", "还不知道资料", "field", always(lambda v: ~_knows(v))),
        ConditionKind("waiting", "在等回复", "nothing", always(lambda _v: _waits())),
        *_of_orders(),
        *_of_models(),
        ConditionKind("segment", "在分群", "segment", always(lambda _v: false())),  # by where()
        ConditionKind("no-segment", "不在分群", "segment", always(lambda _v: false())),
        ConditionKind("peace", "请勿打扰", "nothing", always(lambda _v: Customer.opted_out_at.is_not(None))),
    )


def _of_orders() -> Sequence[ConditionKind]:
    return (
        ConditionKind("order", "买过", "product", lambda v, _now: bought(v)),
        ConditionKind("no-order", "没买过", "product", lambda v, _now: ~bought(v)),
        ConditionKind("orders", "至少下过这么多单", "number", lambda v, _now: has_orders(_number(v))),
        ConditionKind("spent", "一共至少付过（元）", "number", lambda v, _now: has_spent(_number(v))),
        ConditionKind("order-within", "这么多天内下过单", "number", lambda v, now: ordered_since(_ago(v, now))),
        ConditionKind(
            "order-before", "最近一单至少在这么多天前", "number", lambda v, now: ordered_last_before(_ago(v, now))
        ),
    )


def _of_models() -> Iterator[ConditionKind]:
    """The conditions by what the models say."""
    named: Sequence[tuple[Control, str]] = (
        ("cell", "在矩阵的格子"), ("phase", "生命周期在"), ("rfm", "RFM 人群"), ("tier", "S/A/B/C 档"),
        ("quadrant", "A–E 象限"), ("level", "会员等级"), ("five_a", "5A 阶段"), ("mindset", "心态"),
        ("taste", "最关心的主题"), ("felt", "同事的印象是"),
        ("target", "目标客户"),
    )  # fmt: skip
    for name, title in named:
        column = getattr(Portrait, name)
        yield ConditionKind(name, title, name, lambda v, _now, column=column: _painted(column == v))  # type: ignore[misc]
    yield ConditionKind("moved", "象限移动", "text", lambda v, _now: _moved(v))
    yield ConditionKind(
        "value", "每月价值至少（元）", "number", lambda v, _now: _painted(Portrait.value >= 100 * _number(v))
    )
    yield ConditionKind("recent", "RFM 的 R 至少", "number", lambda v, _now: _painted(Portrait.r >= _number(v)))
    yield ConditionKind("frequent", "RFM 的 F 至少", "number", lambda v, _now: _painted(Portrait.f >= _number(v)))
    yield ConditionKind("spends", "RFM 的 M 至少", "number", lambda v, _now: _painted(Portrait.m >= _number(v)))
    yield ConditionKind("quality", "在高质量客户表", "nothing", lambda _v, _now: _painted(Portrait.listed.is_(True)))
    yield ConditionKind("peer", "疑似同行", "nothing", lambda _v, _now: _painted(Portrait.peer.is_(True)))
    yield ConditionKind("no-peer", "不疑似同行", "nothing", lambda _v, _now: ~_painted(Portrait.peer.is_(True)))


KINDS = {kind.name: kind for kind in _kinds()}
