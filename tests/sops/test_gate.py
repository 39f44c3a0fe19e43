"""The gate before sending, on real rows: what reached a customer and an agent lately holds prompts back."""

from __future__ import annotations

from sqlalchemy import event, select

from bot.platform.database.store import Store
from bot.platform.models import SopTask
from bot.platform.work import Work
from bot.sops.gate import SendGate
from bot.sops.prompts import prompt_due
from tests.support.engine import Engine, engine, local

ADDED, DUE, NEXT_MORNING = "2026-05-12T10:00", "2026-05-12T12:00", "2026-05-13T09:00"
AGENT = "LinXiaoyu"
CONFIG = """
[workspace]
workdays = "everyday"

[budget]
customer = "1/day"
talk_hold = "10m"
agent_gap = "30m"

[[pipelines]]
name = "转化"
stages = [{ name = "新线索", on = ["@added"] }]

[[sops]]
id = "lesson"
on = "@added"
stop = ["left"]
priority = 9
  [[sops.steps]]
  after = "2h"
  say = "周六有一节试听课，给您留一个位子？"
"""
SECOND = """
[[sops]]
id = "catalogue"
on = "@added"
stop = ["left"]
  [[sops.steps]]
  after = "2h"
  say = "课程目录整理好了，需要的话发您一份。"
"""
AT_ONCE = CONFIG.replace('  after = "2h"\n', "  anytime = true\n")


def prompt(world: Engine) -> None:
    with world.store.write() as session:
        prompt_due(Work(session, world.settings, world.now))


def added(world: Engine) -> str:
    who = world.customer()
    world.happen(who, events=["@added"])
    return who


def only_task(world: Engine, who: str) -> SopTask:
    (task,) = world.tasks(who)
    return task


def test_an_agents_word_of_today_uses_up_the_days_budget(store: Store) -> None:
    world = engine(store, CONFIG, ADDED)
    spoken_to, left_alone = added(world), added(world)
    world.now = local("2026-05-12T11:00")
    world.say(AGENT, spoken_to, "您好，我是林晓雨")
    world.now = local(DUE)
    prompt(world)
    held, sent = only_task(world, spoken_to), only_task(world, left_alone)
    assert (held.state, held.due_at) == ("planned", local(NEXT_MORNING))
    assert held.shifts[-1][0] == "超出频次（每天最多 1 次）"
    assert sent.state == "queued"


def test_while_they_talk_a_prompt_waits_for_the_end_of_the_talk(store: Store) -> None:
    world = engine(store, CONFIG.replace("1/day", "9/day"), ADDED)
    who = added(world)
    world.now = local("2026-05-12T11:55")
    world.say(AGENT, who, "您好，我是林晓雨")
    world.now = local(DUE)
    prompt(world)
    task = only_task(world, who)
    assert (task.state, task.due_at) == ("planned", local("2026-05-12T12:05"))


def test_what_is_let_go_counts_for_the_next_prompt_of_the_same_batch(store: Store) -> None:
    world = engine(store, CONFIG + SECOND, ADDED)
    who = added(world)
    world.now = local(DUE)
    prompt(world)
    (first,), (second,) = world.tasks(who, "lesson"), world.tasks(who, "catalogue")
    assert first.state == "queued"  # the more important one
    assert (second.state, second.due_at) == ("planned", local(NEXT_MORNING))


def test_a_step_waits_for_an_open_one_as_long_as_it_can_and_then_takes_its_place(store: Store) -> None:
    second = SECOND.replace('  after = "2h"', '  after = "2h"\n  valid_for = "2h"')
    world = engine(store, CONFIG.replace("1/day", "9/day") + second, ADDED)
    who = added(world)
    states = []
    for clock in (DUE, "2026-05-12T12:30", "2026-05-12T13:00", "2026-05-12T13:30"):
        world.now = local(clock)
        prompt(world)
        (first,), (waiting,) = world.tasks(who, "lesson"), world.tasks(who, "catalogue")
        states.append((first.state, waiting.state))
        if first.state == "queued":
            world.change(first.id, state="delivered", delivered_at=world.now)
    assert states == [
        ("queued", "planned"),
        ("delivered", "planned"),
        ("delivered", "planned"),
        ("expired", "queued"),
    ]
    assert [shift[0] for shift in waiting.shifts] == ["客户还有一步没有做完"], "one line, however long it waited"


def test_an_agent_who_just_got_a_card_is_left_alone_for_the_gap(store: Store) -> None:
    world = engine(store, CONFIG, ADDED)
    first = added(world)
    world.later(minutes=10)
    second = added(world)
    for clock in (DUE, "2026-05-12T12:10"):
        world.now = local(clock)
        prompt(world)
    assert only_task(world, first).state == "queued"
    waiting = only_task(world, second)
    assert (waiting.state, waiting.due_at) == ("planned", local("2026-05-12T12:30"))


def test_an_answer_to_the_customers_own_word_is_held_by_no_budget(store: Store) -> None:
    world = engine(store, AT_ONCE, ADDED)
    asking, silent = world.customer(), world.customer()
    for who in (asking, silent):
        world.say(AGENT, who, "您好，我是林晓雨")
    world.later(minutes=30)
    world.say(asking, AGENT, "在吗")
    for who in (asking, silent):
        world.happen(who, events=["@added"])
    assert only_task(world, asking).state == "queued"
    assert only_task(world, silent).state == "planned"


def test_a_batch_is_read_by_five_queries_however_many_tasks_it_has(store: Store) -> None:
    world = engine(store, CONFIG, ADDED)
    for _ in range(12):
        added(world)
    asked: list[str] = []

    def note(*args: object) -> None:
        asked.append(str(args[2]))

    counts = []
    with store.read() as session:
        tasks = session.scalars(select(SopTask)).all()
        for some in (tasks[:1], tasks):
            asked.clear()
            event.listen(store.engine, "before_cursor_execute", note)
            SendGate(session, world.settings, some, local(DUE))
            event.remove(store.engine, "before_cursor_execute", note)
            counts.append(len(asked))
    assert counts == [5, 5]
