"""An edited SOP reaches those who are on it: what was not prompted yet takes the new words and times."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.platform.config.settings import parse_settings
from bot.platform.database.store import Store, get_status, insert_new
from bot.platform.models import ConfigVersion
from bot.platform.work import Work
from bot.sops.edit_choice import Reaching, choose
from bot.sops.prompts import prompt_due
from bot.sops.replanning import (
    BEGUN_ANEW,
    find_edits,
    follow_edit,
    kept_on_older,
    note_followed,
    plans_follow,
    status_of,
)
from tests.support.engine import Engine, engine, local

HEAD = """
[workspace]
workdays = "everyday"

[budget]
agent_gap = "0m"

[[sops]]
id = "nurture"
on = "@added"
stop = ["left"]
"""
GREET = '  [[sops.steps]]\n  anytime = true\n  say = "您好{customer.name}，想问问您平时喜欢拍些什么"\n'
PRICE = '  [[sops.steps]]\n  after = "1d"\n  at = "10:00"\n  say = "课程分三档，先看看目录，再决定学哪一档"\n'
TRIAL = '  [[sops.steps]]\n  after = "2d"\n  at = "10:00"\n  say = "周六上午有一节试听课，给您留一个位子？"\n'
INSERTED = '  [[sops.steps]]\n  after = "3h"\n  say = "这是新加的一步"\n'


def on_the_sop(store: Store) -> tuple[Engine, str]:
    """A customer whose first step was prompted; two are still planned."""
    world = engine(store, HEAD + GREET + PRICE + TRIAL, "2026-05-12T10:00")
    keep(world)
    who = world.customer()
    world.happen(who, events=["@added"])
    world.change(world.tasks(who)[0].id, state="delivered", delivered_at=world.now)
    return world, who


def keep(world: Engine) -> None:
    """As the process that takes a config does."""
    row = {"version": world.settings.version, "text": world.settings.source, "loaded_at": world.now}
    with world.store.write() as session:
        insert_new(session, ConfigVersion, [row], ["version"])


def edit(world: Engine, config: str) -> None:
    world.settings = parse_settings(config, examples=False)
    keep(world)
    with world.store.read() as session:
        edits = find_edits(Work(session, world.settings, world.now))
    for one in edits:
        with world.store.write() as session:
            while follow_edit(Work(session, world.settings, world.now), one):
                session.flush()
    with world.store.write() as session:
        note_followed(Work(session, world.settings, world.now), world.settings.version)


def test_a_corrected_text_reaches_what_was_not_prompted(store: Store) -> None:
    world, who = on_the_sop(store)
    edit(world, (HEAD + GREET + PRICE + TRIAL).replace("三档", "四档").replace("您好", "您好呀"))
    prompted, price, trial = world.tasks(who)
    assert prompted.text == "您好陈静，想问问您平时喜欢拍些什么", "what was prompted stays"
    assert price.text == price.wording == "课程分四档，先看看目录，再决定学哪一档"
    assert trial.wording == "周六上午有一节试听课，给您留一个位子？"
    with store.read() as session:
        told = get_status(session, status_of("nurture"))
        assert told is not None
        assert (told.value["changed"], told.value["kept"]) == (1, 1)
        assert plans_follow(Work(session, world.settings, world.now))


AT_ONCE = INSERTED.replace('after = "3h"', "anytime = true")


@pytest.mark.parametrize(
    ("steps", "numbers"),
    [
        pytest.param(AT_ONCE + GREET + PRICE + TRIAL, [1, 2, 3], id="inserted first"),
        pytest.param(GREET + INSERTED + PRICE + TRIAL, [0, 2, 3], id="inserted between"),
        pytest.param(AT_ONCE + GREET + INSERTED + PRICE + TRIAL, [1, 3, 4], id="two inserted"),
    ],
)
def test_a_step_stays_itself_where_others_are_inserted(store: Store, steps: str, numbers: list[int]) -> None:
    world, who = on_the_sop(store)
    before = {task.id: (task.wording, task.due_at) for task in world.tasks(who)}
    edit(world, HEAD + steps)
    tasks = world.tasks(who)
    assert [task.step for task in tasks] == numbers
    assert {task.id: (task.wording, task.due_at) for task in tasks} == before


def test_steps_that_change_places_keep_their_words_and_change_their_days(store: Store) -> None:
    world, who = on_the_sop(store)
    before = {task.id: task.wording for task in world.tasks(who)}
    edit(world, HEAD + GREET + TRIAL.replace("2d", "1d") + PRICE.replace("1d", "2d"))
    tasks = world.tasks(who)
    assert [task.step for task in tasks] == [0, 2, 1]
    assert {task.id: task.wording for task in tasks} == before
    assert [task.due_at for task in tasks[1:]] == [local("2026-05-14T10:00"), local("2026-05-13T10:00")]


def test_a_step_takes_its_new_time_and_attachments(store: Store) -> None:
    world, who = on_the_sop(store)
    link = '  attach = [{ kind = "link", title = "目录", url = "https://example.com/a" }]\n'
    edit(world, HEAD + GREET + PRICE.replace("10:00", "15:00") + link + TRIAL)
    price = world.tasks(who)[1]
    assert price.due_at == local("2026-05-13T15:00")
    assert price.expires_at == price.due_at + timedelta(days=3)
    assert [item["title"] for item in price.attach] == ["目录"]


def test_what_would_be_past_comes_at_the_next_hour_of_work_and_what_an_agent_put_off_stays(store: Store) -> None:
    world, who = on_the_sop(store)
    _, price, trial = world.tasks(who)
    world.change(trial.id, due_at=local("2026-05-20T10:00"), shifts=[["员工推迟", "a", "b"]])
    world.now = local("2026-05-13T11:00")
    edit(
        world,
        HEAD + GREET + (PRICE + TRIAL).replace('after = "1d"\n  at = "10:00"', 'after = "1h"').replace("2d", "4d"),
    )
    _, price, trial = world.tasks(who)
    assert price.due_at == world.now
    assert trial.due_at == local("2026-05-20T10:00")


def test_a_step_taken_out_is_not_prompted_any_more(store: Store) -> None:
    world, who = on_the_sop(store)
    edit(world, HEAD + GREET + TRIAL)
    assert [task.state for task in world.tasks(who)] == ["delivered", "cancelled", "planned"]
    world.now = local("2026-05-13T10:00")
    with store.write() as session:
        assert prompt_due(Work(session, world.settings, world.now)) == 0


def test_an_edit_taken_back_and_one_upon_another_are_followed(store: Store) -> None:
    world, who = on_the_sop(store)
    first = HEAD + GREET + PRICE + TRIAL
    edit(world, first.replace("三档", "四档"))
    edit(world, HEAD + GREET + INSERTED + PRICE.replace("三档", "五档") + TRIAL)
    assert [task.step for task in world.tasks(who)] == [0, 2, 3]
    edit(world, first)
    tasks = world.tasks(who)
    assert [task.step for task in tasks] == [0, 1, 2]
    assert tasks[1].wording == "课程分三档，先看看目录，再决定学哪一档"


CORRECTED = (HEAD + GREET + PRICE + TRIAL).replace("三档", "四档")


def chosen(world: Engine, config: str, reaching: Reaching) -> None:
    (sop,) = parse_settings(config, examples=False).tables.sops
    with world.store.write() as session:
        choose(session, sop, reaching, "admin", world.now)


def older(world: Engine) -> int:
    with world.store.read() as session:
        return kept_on_older(Work(session, world.settings, world.now), world.settings.tables.sops[0])


def test_an_edit_only_for_new_ones_leaves_who_is_on_it_until_another_edit_is_for_all(store: Store) -> None:
    world, who = on_the_sop(store)
    chosen(world, CORRECTED, "new")
    edit(world, CORRECTED)
    assert [task.wording[:5] for task in world.tasks(who)[1:]] == ["课程分三档", "周六上午有"]
    later = world.customer()
    world.happen(later, events=["@added"])
    assert world.tasks(later)[1].wording.startswith("课程分四档")
    assert older(world) == 1
    edit(world, CORRECTED.replace("[workspace]", '[workspace]\nname = "别的"'))
    assert world.tasks(who)[1].wording.startswith("课程分三档"), "an edit of anything else changes nothing"
    edit(world, CORRECTED.replace("试听课", "公开课"))
    assert [task.wording[:8] for task in world.tasks(who)[1:]] == ["课程分四档，先看", "周六上午有一节公"]
    assert older(world) == 0


def test_a_choice_may_be_changed_afterwards(store: Store) -> None:
    world, who = on_the_sop(store)
    chosen(world, CORRECTED, "new")
    edit(world, CORRECTED)
    chosen(world, CORRECTED, "all")
    with store.read() as session:
        assert not plans_follow(Work(session, world.settings, world.now))
    edit(world, CORRECTED)
    assert world.tasks(who)[1].wording.startswith("课程分四档")


def test_all_begin_anew_from_the_first_step_and_open_cards_are_closed(store: Store) -> None:
    world, who = on_the_sop(store)
    world.now = local("2026-05-12T15:00")
    changed = CORRECTED.replace("  [[sops.steps]]", 'again = "never"\n  [[sops.steps]]', 1)
    chosen(world, changed, "anew")
    edit(world, changed)
    tasks = world.tasks(who)
    assert [task.state for task in tasks[:3]] == ["cancelled"] * 3
    assert {task.ended_because for task in tasks[:3]} == {BEGUN_ANEW}
    assert [task.step for task in tasks[3:]] == [0, 1, 2]
    assert tasks[4].wording.startswith("课程分四档")
    assert tasks[4].due_at == local("2026-05-13T10:00")
    edit(world, changed.replace("[workspace]", '[workspace]\nname = "别的"'))
    assert len(world.tasks(who)) == 6, "once is enough"
