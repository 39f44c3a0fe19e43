"""Tags kept on the phones, where something goes wrong: nothing of ours passes for a person's doing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.platform import clock
from bot.platform.models import Alarm, Follow, Outbox
from bot.privacy.erasure import erase
from bot.worker import jobs
from tests.support.mirrors import PIPELINE
from tests.support.parts import AGENT, COLLEAGUE
from tests.support.phones import GROUP, OFF, PHONE, Phones

MARK = "externalcontact/mark_tag"


def learn(pair: Phones, how: str) -> None:
    """Tici looks at the phones: at night, or since WeCom told of an edit."""
    pair.night() if how == "night" else pair.tell_both()


def no_hand(pair: Phones) -> None:
    assert (pair.taken_by_hand(), pair.given_by_hand()) == (set(), set())


@pytest.mark.parametrize("how", ["night", "edit"])
@pytest.mark.parametrize("seen", [True, False])
def test_taken_off_without_our_knowing_and_given_again(pair: Phones, how: str, seen: bool) -> None:
    pair.give("重点")
    if seen:
        pair.night()
    pair.drop("重点")
    pair.lose_answers()  # WeCom took it off, and we were never told
    assert pair.shown() == []
    pair.put("重点")
    pair.phone.fault(MARK, times=-1, errcode=-1)
    pair.give_up()
    pair.phone.clear_faults()
    learn(pair, how)
    no_hand(pair)
    assert pair.both() == ["重点"]


@pytest.mark.parametrize("how", ["night", "edit"])
def test_set_without_our_knowing_and_over_since(pair: Phones, how: str) -> None:
    pair.give("未回复")  # so that the tags exist
    pair.put("重点")
    pair.lose_answers()
    assert "重点" in pair.shown()
    pair.drop("重点")
    pair.phone.fault(MARK, times=-1, errcode=-1)
    pair.give_up()
    pair.phone.clear_faults()
    learn(pair, how)
    no_hand(pair)
    assert pair.both() == ["未回复"]


@pytest.mark.parametrize("how", ["night", "edit"])
def test_the_first_of_its_name_set_without_our_knowing(pair: Phones, how: str) -> None:
    pair.put("重点")
    pair.phone.fault(MARK, times=-1, status=502, after=True)
    for _ in range(3):  # the tags are made, then set, and no answer comes
        pair.work_once()
    pair.phone.clear_faults()
    assert pair.shown() == ["重点"]
    pair.drop("重点")
    pair.give_up()
    learn(pair, how)
    no_hand(pair)
    assert pair.both() == []


@pytest.mark.parametrize("how", ["night", "edit"])
def test_where_wecom_sets_the_first_of_two_only(pair: Phones, how: str) -> None:
    pair.phone.switches(partial_marks=2)
    pair.give("重点", "未回复")
    pair.phone.switches(partial_marks=0)
    learn(pair, how)
    no_hand(pair)
    assert pair.both() == sorted(["重点", "未回复"])


def test_where_wecom_sets_a_part_twice(pair: Phones) -> None:
    pair.phone.switches(partial_marks=8)
    pair.give("重点", "未回复", "沉默三天")
    pair.phone.switches(partial_marks=0)
    pair.tell_both()
    no_hand(pair)
    assert len(pair.both()) == 3


def test_a_read_under_way_while_a_call_broke_off_says_nothing(pair: Phones) -> None:
    pair.give("重点")
    pair.night()
    pair.tell("edit")
    pair.drop("重点")
    pair.phone.fault(MARK, times=2, status=502, after=True)
    pair.work()
    pair.put("重点")
    pair.work()
    pair.night()
    no_hand(pair)
    assert pair.both() == ["重点"]


def test_one_agent_takes_it_off_while_the_other_phone_cannot_be_reached(pair: Phones) -> None:
    pair.give("重点", "未回复")
    pair.night()
    pair.phone.fault(MARK, times=2, errcode=-1)
    pair.edit(COLLEAGUE, remove=["重点"])
    pair.tell("edit", COLLEAGUE)
    pair.work()
    assert pair.taken_by_hand() == {"重点"}
    assert pair.both() == ["未回复"]


def test_one_gives_what_the_other_takes(pair: Phones) -> None:
    pair.give("未回复", "沉默三天")
    pair.night()
    pair.edit(AGENT, add=["重点"], remove=["未回复"])
    pair.edit(COLLEAGUE, remove=["沉默三天"])
    pair.tell_both()
    assert pair.both() == ["重点"]
    assert pair.taken_by_hand() == {"未回复", "沉默三天"}


def part(pair: Phones, by: str) -> None:
    pair.phone.part(COLLEAGUE, pair.who, by)
    change = "del_follow_user" if by == "customer" else "del_external_contact"
    person = f"<UserID>{COLLEAGUE}</UserID><ExternalUserID>{pair.who}</ExternalUserID>"
    pair._event("change_external_contact", change, person, None)
    pair.work()
    clock.move_forward(timedelta(seconds=5))


@pytest.mark.parametrize("by", ["agent", "customer"])
@pytest.mark.parametrize("reached", [True, False])
def test_who_parted_and_comes_back(pair: Phones, by: str, reached: bool) -> None:
    pair.give("重点", "未回复")
    pair.night()
    part(pair, by)
    pair.take("未回复")
    pair.phone.add_customer(COLLEAGUE, "", external_userid=pair.who, welcome=False)
    pair.tell("add", COLLEAGUE)
    if not reached:
        pair.phone.fault(MARK, times=-1, errcode=-1)
        pair.work_once()
        pair.give_up()
        pair.phone.clear_faults()
        pair.night()
    pair.work()
    no_hand(pair)
    assert pair.both() == ["重点"]


def test_of_who_comes_back_with_nothing_carried_the_old_tags_go(pair: Phones) -> None:
    pair.give("重点")
    pair.night()
    part(pair, "customer")
    pair.take("重点")
    pair.phone.add_customer(COLLEAGUE, "", external_userid=pair.who, welcome=False)
    pair.tell("add", COLLEAGUE)
    pair.work()
    assert pair.both() == []


@pytest.mark.parametrize("seen", [True, False])
def test_switched_off_the_tags_stay_and_are_the_agents_own(pair: Phones, config: Path, seen: bool) -> None:
    pair.give("重点", "沉默三天", expires=timedelta(days=3))
    if seen:
        pair.night()
    pair.reload(config, OFF)
    pair.night()
    pair.tell_both()
    no_hand(pair)
    assert pair.both() == sorted(["重点", "沉默三天"])
    assert pair.carried()["重点"].expires_at is not None  # nobody gave it anew, so it ends as it was to
    for userid in (AGENT, COLLEAGUE):
        pair.edit(userid, remove=["沉默三天"])
    pair.tell_both()
    assert (pair.taken_by_hand(), set(pair.carried())) == ({"沉默三天"}, {"重点"})


def test_switched_off_and_over_it_does_not_come_again(pair: Phones, config: Path) -> None:
    pair.give("重点", expires=timedelta(minutes=1))
    pair.reload(config, OFF)
    clock.move_forward(timedelta(minutes=2))
    assert pair.expire() == 1
    pair.tell_both()
    pair.night()
    no_hand(pair)
    assert pair.carried() == {}


def test_switched_off_and_on_again(pair: Phones, config: Path) -> None:
    pair.give("重点", "未回复")
    pair.night()
    pair.reload(config, OFF)
    pair.take("未回复")
    for userid in (AGENT, COLLEAGUE):
        pair.edit(userid, remove=["重点"])
    pair.tell_both()
    assert (pair.taken_by_hand(), pair.carried()) == ({"重点"}, {})
    pair.give("重点")
    pair.reload(config, PHONE)
    pair.tell_both()
    assert set(pair.carried()) == {"重点"}
    assert pair.both() == ["重点"]


def test_what_agents_gave_before_it_was_switched_on_holds(pair: Phones, config: Path) -> None:
    pair.reload(config, OFF)
    pair.phone.change_library("create", group=GROUP, name="重点")
    pair.edit(AGENT, add=["重点"])
    pair.tell_both()
    pair.put("未回复")
    pair.reload(config, PHONE)
    pair.night()
    assert pair.both() == sorted(["重点", "未回复"])
    assert pair.taken_by_hand() == set()


def test_renamed_in_wecom_it_stays_the_same_tag(pair: Phones) -> None:
    pair.give("重点")
    pair.night()
    pair.phone.change_library("update", tag=pair.id_of("重点", GROUP), name="要紧")
    pair.tell_library()
    pair.tell_both()
    pair.night()
    no_hand(pair)
    assert (pair.shown(), pair.shown(COLLEAGUE), set(pair.carried())) == (["要紧"], ["要紧"], {"重点"})
    pair.take("重点")
    assert pair.both() == []


def test_no_longer_named_in_the_group_it_leaves_the_phones(pair: Phones, config: Path) -> None:
    pair.give("重点", "未回复")
    pair.night()
    pair.reload(config, PHONE.replace('"重点"', '"要紧"'))
    pair.night()
    no_hand(pair)
    assert pair.both() == ["未回复"]


def test_deleted_in_wecom_after_it_was_seen_nobody_loses_it(pair: Phones) -> None:
    pair.give("重点")
    pair.night()
    gone = {"tag_id": [pair.id_of("重点", GROUP)], "group_id": []}
    pair.system.wecom.post("externalcontact/del_corp_tag", data=gone)
    pair.tell_library("delete")
    pair.tell_both()
    pair.night()
    no_hand(pair)
    assert pair.both() == ["重点"]


def test_deleted_in_wecom_before_it_is_set_the_library_is_read_again(pair: Phones) -> None:
    pair.give("重点")
    gone = {
        "tag_id": [],
        "group_id": [g["group_id"] for g in pair.system.wecom.corp_tags() if g["group_name"] == GROUP],
    }
    pair.system.wecom.post("externalcontact/del_corp_tag", data=gone)
    pair.give("未回复")
    no_hand(pair)
    assert pair.both() == sorted(["重点", "未回复"])


def test_named_like_a_stage(pair: Phones, config: Path) -> None:
    pair.reload(config, PHONE.replace('"沉默三天"', '"试听"'))
    pair.give("试听", "重点")
    pair.night()
    assert pair.both() == sorted(["试听", "重点"])
    pair.drag("试听")
    pair.work()
    pair.take("试听")
    pair.tell_both()
    pair.night()
    no_hand(pair)
    assert (pair.both(), pair.on_board()) == (["重点"], "试听")


def test_moved_to_a_group_that_agents_set_themselves(pair: Phones, config: Path) -> None:
    pair.give("重点", "未回复")
    pair.night()
    pair.reload(config, PHONE.replace(', "重点"]', "]") + '\n[[tags]]\ngroup = "手工"\nnames = ["重点"]\n')
    pair.night()
    assert (pair.both(), set(pair.carried())) == (["未回复"], {"重点", "未回复"})
    pair.phone.change_library("create", group="手工", name="重点")
    pair.system.wecom.mark_tag(AGENT, pair.who, add=[pair.id_of("重点", "手工")])
    for _ in range(2):
        pair.tell_both()
        pair.night()
    assert (len(pair.history()), pair.taken_by_hand()) == (2, set())


def test_where_wecom_makes_no_more_tags_the_others_are_kept(pair: Phones, config: Path) -> None:
    pair.give("重点")
    pair.reload(config, PHONE.replace('"重点"', '"重点", "新来的"'))
    pair.phone.fault("externalcontact/add_corp_tag", times=-1, errcode=40126)
    pair.put("新来的", "未回复")
    asked = pair.phone.last_effect()
    pair.work()
    assert any("建不出来" in what for what in [*pair.night(), *alarms(pair)])
    pair.night()
    no_hand(pair)
    assert pair.both() == sorted(["重点", "未回复"])
    mine = [one for one in pair.marks(asked) if one["external_userid"] == pair.who]
    assert len(mine) == 2  # one call each, and none again for what cannot be made
    with pair.system.store.read() as session:
        assert session.scalars(select(Outbox).where(Outbox.state == "failed")).all() == []
    pair.phone.clear_faults()
    pair.night()
    assert pair.both() == sorted(["重点", "未回复", "新来的"])
    assert alarms(pair) == []


def alarms(pair: Phones) -> list[str]:
    with pair.system.store.read() as session:
        return list(
            session.scalars(select(Alarm.text).where(Alarm.name == "tags.refused", Alarm.cleared_at.is_(None)))
        )


def test_who_does_not_agree_to_archiving_keeps_what_they_carry(pair: Phones) -> None:
    pair.give("重点", expires=timedelta(minutes=1))
    pair.phone.consent(AGENT, pair.who, agree=False)
    pair.night()
    pair.tell_both()
    no_hand(pair)
    assert pair.both() == ["重点"]
    clock.move_forward(timedelta(minutes=2))
    pair.expire()
    pair.work()
    assert pair.both() == []


@pytest.mark.parametrize("lost", [True, False])
def test_who_is_erased_while_a_tag_is_set(pair: Phones, lost: bool) -> None:
    pair.give("未回复")
    pair.put("重点")
    if lost:
        pair.lose_answers()
        assert "重点" in pair.shown()
    gone = {"tag_id": [pair.id_of("未回复", GROUP)], "group_id": []}
    pair.system.wecom.post("externalcontact/del_corp_tag", data=gone)  # which is not on any phone any more
    pair.tell_library("delete")
    jobs.handle_events()
    pair.work_once()
    erase(pair.system, pair.who, "admin", clock.now())
    pair.work()
    assert (pair.shown(), pair.shown(COLLEAGUE)) == ([], [])
    assert pair.on_phone(group=PIPELINE) == []


def test_who_is_erased_is_cleared_after_the_call_under_way(pair: Phones) -> None:
    pair.give("重点")
    with pair.system.store.write() as session:
        row = session.scalars(select(Outbox).where(Outbox.kind == "mark_tag").order_by(Outbox.id.desc())).first()
        assert row is not None
        row.state = "sending"
    erase(pair.system, pair.who, "admin", clock.now())
    with pair.system.store.read() as session:
        forgets = session.scalars(select(Outbox).where(Outbox.kind == "forget")).all()
        assert len(forgets) == 2
        assert all(row.not_before > clock.now() for row in forgets)
        assert session.scalars(select(Follow)).all() == []
