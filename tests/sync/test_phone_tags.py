"""Tags that are kept on the phones: set at every agent, taken away everywhere, changes by hand honoured."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.customers.tags import TagSource, expire_tags, give_tag, take_tag
from bot.platform import clock
from bot.platform.models import Follow, Outbox, Tagging
from bot.platform.work import Work
from bot.privacy.erasure import erase
from bot.sync.reconcile import agents_to_compare, compare_agents, start_comparison
from bot.system import System
from sop.tag_sync import Policy
from tests.support.mirrors import CONFIG, Pair, agree
from tests.support.parts import AGENT, COLLEAGUE, Town

GROUP = "互动"
PHONE = CONFIG + f'\n[[tags]]\ngroup = "{GROUP}"\nphone = true\nnames = ["未回复", "沉默三天", "重点"]\n'


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(PHONE, encoding="utf-8")
    return path


@pytest.fixture
def pair(config: Path, system: System, sandbox: Town) -> Pair:
    """A customer whom two agents have, all settled."""
    assert config.exists()
    pair = Pair(system, sandbox.control)
    pair.meet()
    pair.phone.add_customer(COLLEAGUE, "", external_userid=pair.who, welcome=False)
    pair.tell("add", COLLEAGUE)
    pair.work()
    agree(pair)
    return pair


def give(pair: Pair, *tags: str, expires: timedelta | None = None) -> None:
    settings = pair.settings
    with pair.system.store.write() as session:
        work, state = Work(session, settings, clock.now()), pair.state(session)
        for tag in tags:
            until = work.now + expires if expires else None
            give_tag(work, state, tag, TagSource("human", expires_at=until))
    pair.work()


def take(pair: Pair, tag: str) -> None:
    settings = pair.settings
    with pair.system.store.write() as session:
        take_tag(Work(session, settings, clock.now()), pair.state(session), tag, "人工")
    pair.work()


def shown(pair: Pair, userid: str = AGENT) -> list[str]:
    return sorted(pair.on_phone(userid, group=GROUP))


def both(pair: Pair) -> list[str]:
    """What both phones show; they are the same."""
    assert shown(pair) == shown(pair, COLLEAGUE)
    agree(pair)
    return shown(pair)


def reconcile(pair: Pair, policy: Policy | None = None) -> list[str]:
    run = start_comparison(pair.system, policy, clock.now())
    compare_agents(pair.system, run, agents_to_compare(pair.system))
    pair.work()
    return [one.what for one in run.drift if one.kind in ("tags", "library")]


def test_every_agent_sees_it_by_one_call_each_and_only_what_changed(pair: Pair) -> None:
    since = pair.phone.last_effect()
    give(pair, "未回复", "重点")
    assert both(pair) == sorted(["未回复", "重点"])
    assert [sorted(one["added"]) for one in pair.marks(since)] == [sorted(["未回复", "重点"])] * 2  # type: ignore[call-overload]
    since = pair.phone.last_effect()
    take(pair, "未回复")
    assert both(pair) == ["重点"]
    assert [(one["added"], one["removed"]) for one in pair.marks(since)] == [([], ["未回复"])] * 2


def test_what_expires_leaves_the_phones(pair: Pair) -> None:
    give(pair, "沉默三天", expires=timedelta(minutes=1))
    assert both(pair) == ["沉默三天"]
    clock.move_forward(timedelta(minutes=2))
    with pair.system.store.write() as session:
        assert expire_tags(Work(session, pair.settings, clock.now())) == 1
    pair.work()
    assert both(pair) == []


def test_taken_off_by_hand_it_goes_everywhere(pair: Pair) -> None:
    give(pair, "重点", "未回复")
    pair.edit(COLLEAGUE, remove=["重点"])
    pair.tell("edit", COLLEAGUE)
    pair.work()
    assert both(pair) == ["未回复"]
    assert set(pair.carried()) == {"未回复"}


def test_added_by_hand_it_comes_everywhere(pair: Pair) -> None:
    give(pair, "未回复")
    pair.edit(add=["重点"])
    pair.tell("edit")
    pair.work()
    assert both(pair) == sorted(["未回复", "重点"])
    assert pair.carried()["重点"].by == "wecom"


def test_another_app_that_takes_it_off_is_noticed_at_night(pair: Pair) -> None:
    give(pair, "重点")
    assert reconcile(pair) == []  # seen on both phones
    pair.system.wecom.mark_tag(AGENT, pair.who, add=[], remove=[pair.id_of("重点", GROUP)])
    assert reconcile(pair) == [f"手机上「{GROUP}」的标签和看板不同"]
    assert both(pair) == []
    assert reconcile(pair) == []


def test_where_the_board_holds_it_is_set_again(pair: Pair) -> None:
    give(pair, "重点")
    reconcile(pair)
    pair.edit(remove=["重点"], add=["未回复"])
    assert len(reconcile(pair, "ours")) == 1
    assert both(pair) == ["重点"]


def test_a_call_that_did_not_get_through_takes_no_tag(pair: Pair) -> None:
    settings = pair.settings
    with pair.system.store.write() as session:
        give_tag(Work(session, settings, clock.now()), pair.state(session), "重点", TagSource("human"))
        for follow in session.scalars(select(Follow)):
            follow.marking = {**follow.marking, GROUP: ["under way"]}
    pair.tell("edit")  # a remark, say, before anything was set
    pair.work()
    assert both(pair) == ["重点"]
    assert set(pair.carried()) == {"重点"}


def test_a_tag_deleted_in_wecom_is_made_anew(pair: Pair) -> None:
    give(pair, "重点")
    gone = {"tag_id": [pair.id_of("重点", GROUP)], "group_id": []}
    pair.system.wecom.post("externalcontact/del_corp_tag", data=gone)
    assert reconcile(pair)[0].startswith("标签「重点」")
    assert both(pair) == ["重点"]


def test_who_comes_back_shows_what_is_carried_now(pair: Pair) -> None:
    give(pair, "重点", "未回复")
    pair.phone.part(COLLEAGUE, pair.who)
    pair.tell("del", COLLEAGUE)
    pair.work()
    take(pair, "未回复")
    clock.move_forward(timedelta(seconds=5))
    pair.phone.add_customer(COLLEAGUE, "", external_userid=pair.who, welcome=False)
    pair.tell("add", COLLEAGUE)
    pair.work()
    assert both(pair) == ["重点"]


def test_a_group_that_is_not_kept_stays_off_the_phones(pair: Pair) -> None:
    since = pair.phone.last_effect()
    give(pair, "高意向")
    assert pair.marks(since) == []


def seen_and_over(pair: Pair) -> None:
    """A tag that both phones were seen to show, and that we took off since."""
    give(pair, "重点")
    assert reconcile(pair) == []
    take(pair, "重点")
    assert both(pair) == []


def test_given_again_it_is_not_lost_where_the_call_failed(pair: Pair) -> None:
    seen_and_over(pair)
    settings = pair.settings
    with pair.system.store.write() as session:
        give_tag(Work(session, settings, clock.now()), pair.state(session), "重点", TagSource("human"))
    with pair.system.store.write() as session:
        for row in session.scalars(select(Outbox).where(Outbox.kind == "mark_tag", Outbox.state == "waiting")):
            row.state = "failed"
    reconcile(pair)
    assert set(pair.carried()) == {"重点"}
    assert both(pair) == ["重点"]


def test_added_by_hand_after_we_took_it_off_it_comes_again(pair: Pair) -> None:
    seen_and_over(pair)
    pair.edit(add=["重点"])
    pair.tell("edit")
    pair.work()
    assert pair.carried()["重点"].by == "wecom"
    assert both(pair) == ["重点"]


def test_whoever_is_erased_leaves_no_tag_on_any_phone(pair: Pair) -> None:
    give(pair, "重点", "未回复")
    erase(pair.system, pair.who, "admin", clock.now())
    pair.work()
    assert (shown(pair), shown(pair, COLLEAGUE)) == ([], [])
    with pair.system.store.read() as session:
        assert session.scalars(select(Tagging)).all() == []
