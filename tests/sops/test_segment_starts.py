"""Segments start SOPs when somebody comes in, keep SOPs to their customers, and stay as they are once frozen."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from bot.customers.segments import segments_of
from bot.customers.state import load_customer
from bot.customers.tags import TagSource, give_tag, take_tag
from bot.platform.config.parsing import ConfigError
from bot.platform.config.settings import parse_settings
from bot.platform.database.store import Store, set_status
from bot.platform.models import Customer, SegmentMember
from bot.platform.work import Work
from bot.sops.held import RESTORED
from bot.sops.segment_starts import watch_segments
from bot.worker.timed_work import CHUNK
from tests.support.engine import Engine, engine

CONFIG = """
[workspace]
workdays = "everyday"

[[tags]]
group = "意向"
names = ["高意向", "投诉"]

[[segments]]
name = "有意向"
where = [{ tag = "高意向" }]

[[segments]]
name = "不高兴"
where = [{ tag = "投诉" }]

[[sops]]
id = "keen"
title = "有意向跟进"
on = "segment:有意向"
stop = ["left"]
audience = { not_segments = ["不高兴"] }
  [[sops.steps]]
  say = "您好"

[[sops]]
id = "hello"
on = "@added"
stop = ["left"]
audience = { segments = ["有意向"] }
  [[sops.steps]]
  say = "欢迎"
"""


def look(world: Engine, limit: int = CHUNK) -> int:
    world.later(minutes=6)
    with world.store.write() as session:
        return watch_segments(Work(session, world.settings, world.now), limit)


def tag(world: Engine, who: str, *names: str) -> None:
    with world.store.write() as session:
        work = Work(session, world.settings, world.now)
        state = load_customer(session, session.scalars(select(Customer).filter_by(external_userid=who)).one())
        for name in names:
            give_tag(work, state, name, TagSource("human"))


def untag(world: Engine, who: str, name: str) -> None:
    with world.store.write() as session:
        work = Work(session, world.settings, world.now)
        state = load_customer(session, session.scalars(select(Customer).filter_by(external_userid=who)).one())
        take_tag(work, state, name, "试一试")


def members(world: Engine, name: str) -> int:
    with world.store.read() as session:
        return len(session.scalars(select(SegmentMember).where(SegmentMember.segment == name)).all())


def test_who_comes_into_a_segment_is_put_on_its_sop_and_who_was_in_it_is_not(store: Store) -> None:
    world = engine(store, CONFIG, "2026-05-18T10:00")
    old, new, cross = (world.customer() for _ in range(3))
    tag(world, old, "高意向")
    assert look(world) == 0
    tag(world, new, "高意向")
    tag(world, cross, "高意向", "投诉")
    assert look(world) == 2
    assert [world.enrolled(who) for who in (old, new, cross)] == [[], ["keen"], []]
    assert world.tasks(new)[0].why == "有意向跟进：进了分群"
    assert look(world) == 0
    untag(world, old, "高意向")
    look(world)
    assert members(world, "有意向") == 2
    tag(world, old, "高意向")
    look(world)
    assert world.enrolled(old) == ["keen"]


def test_those_who_come_in_together_are_taken_in_portions(store: Store) -> None:
    world = engine(store, CONFIG, "2026-05-18T10:00")
    look(world)
    people = [world.customer() for _ in range(5)]
    for who in people:
        tag(world, who, "高意向")
    assert look(world, 2) == 2
    with store.write() as session:  # at once, without waiting for the next look
        work = Work(session, world.settings, world.now)
        assert [watch_segments(work, 2) for _ in range(3)] == [2, 1, 0]
    assert [world.enrolled(who) for who in people] == [["keen"]] * 5


def test_an_edit_or_a_restore_begins_with_nobody(store: Store) -> None:
    world = engine(store, CONFIG, "2026-05-18T10:00")
    look(world)
    one, two = world.customer(), world.customer()
    tag(world, one, "投诉")
    world.settings = parse_settings(CONFIG.replace('where = [{ tag = "高意向" }]', 'where = [{ no-tag = "高意向" }]'))
    assert look(world) == 0
    assert members(world, "有意向") == 2
    tag(world, one, "高意向")
    look(world)
    untag(world, one, "高意向")
    untag(world, one, "投诉")
    with store.write() as session:
        set_status(session, RESTORED, {"at": world.now.isoformat()}, world.now)
    assert look(world) == 0
    assert world.enrolled(one) == world.enrolled(two) == []


def test_a_segment_that_starts_nothing_any_more_is_forgotten(store: Store) -> None:
    world = engine(store, CONFIG, "2026-05-18T10:00")
    tag(world, world.customer(), "高意向")
    look(world)
    assert members(world, "有意向") == 1
    world.settings = parse_settings(CONFIG.replace('on = "segment:有意向"', 'on = "@spoke"'))
    look(world)
    assert members(world, "有意向") == 0


def test_an_audience_of_segments_is_asked_when_an_sop_starts(store: Store) -> None:
    world = engine(store, CONFIG, "2026-05-18T10:00")
    keen, other = world.customer(), world.customer()
    tag(world, keen, "高意向")
    for who in (keen, other):
        world.happen(who, events=["@added"])
    assert (world.enrolled(keen), world.enrolled(other)) == (["hello"], [])


def test_a_frozen_segment_keeps_whom_it_held(store: Store) -> None:
    text = CONFIG + '\n[[segments]]\nname = "五月名单"\nwhere = [{ tag = "高意向" }]\nfrozen = 2026-05-18\n'
    text += '\n[[segments]]\nname = "名单里的"\nwhere = [{ segment = "五月名单" }]\n'
    world = engine(store, text, "2026-05-18T10:00")
    inside, later = world.customer(), world.customer()
    tag(world, inside, "高意向")
    look(world)
    tag(world, later, "高意向")
    untag(world, inside, "高意向")
    look(world)
    with store.write() as session:
        work = Work(session, world.settings, world.now)
        ids = {one.external_userid: one.id for one in session.scalars(select(Customer))}
        names = ("有意向", "五月名单", "名单里的", "没有的")
        assert segments_of(work, ids[inside], names) == {"五月名单", "名单里的"}
        assert segments_of(work, ids[later], names) == {"有意向"}


@pytest.mark.parametrize(
    ("wrong", "where", "says"),
    [
        ('on = "segment:没有的"', r"sops\[1\]\.on", "没有叫「没有的」的分群"),
        ('on = "segment:有意向"\naudience = { segments = ["甲"] }', r"audience\.segments\[1\]", "没有叫「甲」的分群"),
        ('on = "@added"\naudience = { not_segments = ["有意向", "乙"] }', r"not_segments\[2\]", "没有叫「乙」的分群"),
        ('on = "segment:旧名单"', r"sops\[1\]\.on", "「旧名单」是定格的"),
        ('on = "segment:"', r"sops\[1\]\.on", "看不懂触发条件"),
    ],
)
def test_segments_that_cannot_be_meant_are_refused(wrong: str, where: str, says: str) -> None:
    text = '[[tags]]\ngroup = "意向"\nnames = ["高意向"]\n'
    for name, more in (("有意向", ""), ("旧名单", "frozen = 2026-05-18\n")):
        text += f'[[segments]]\nname = "{name}"\nwhere = [{{ tag = "高意向" }}]\n{more}'
    with pytest.raises(ConfigError, match=f"(?s){where}.*{says}"):
        parse_settings(f'{text}[[sops]]\nid = "x"\n{wrong}\nsteps = [{{ say = "您好" }}]\n')
