"""Tags that are kept on the phones: set at every agent, taken away everywhere, changes by hand honoured."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from bot.platform import clock
from bot.platform.models import Tagging
from bot.privacy.erasure import erase
from tests.support.parts import AGENT, COLLEAGUE
from tests.support.phones import GROUP, Phones


def test_every_agent_sees_it_by_one_call_each_and_only_what_changed(pair: Phones) -> None:
    since = pair.phone.last_effect()
    pair.give("未回复", "重点")
    assert pair.both() == sorted(["未回复", "重点"])
    assert [sorted(one["added"]) for one in pair.marks(since)] == [sorted(["未回复", "重点"])] * 2  # type: ignore[call-overload]
    since = pair.phone.last_effect()
    pair.take("未回复")
    assert pair.both() == ["重点"]
    assert [(one["added"], one["removed"]) for one in pair.marks(since)] == [([], ["未回复"])] * 2


def test_what_expires_leaves_the_phones(pair: Phones) -> None:
    pair.give("沉默三天", expires=timedelta(minutes=1))
    assert pair.both() == ["沉默三天"]
    clock.move_forward(timedelta(minutes=2))
    assert pair.expire() == 1
    pair.work()
    assert pair.both() == []


def test_taken_off_by_hand_it_goes_everywhere(pair: Phones) -> None:
    pair.give("重点", "未回复")
    pair.edit(COLLEAGUE, remove=["重点"])
    pair.tell("edit", COLLEAGUE)
    pair.work()
    assert pair.both() == ["未回复"]
    assert set(pair.carried()) == {"未回复"}


def test_added_by_hand_it_comes_everywhere(pair: Phones) -> None:
    pair.give("未回复")
    pair.edit(add=["重点"])
    pair.tell("edit")
    pair.work()
    assert pair.both() == sorted(["未回复", "重点"])
    assert pair.carried()["重点"].by == "wecom"


def test_another_app_that_takes_it_off_is_noticed_at_night(pair: Phones) -> None:
    pair.give("重点")
    assert pair.night() == []  # seen on both phones
    pair.system.wecom.mark_tag(AGENT, pair.who, add=[], remove=[pair.id_of("重点", GROUP)])
    assert pair.night() == [f"手机上「{GROUP}」的标签和看板不同"]
    assert pair.both() == []
    assert pair.night() == []


def test_where_the_board_holds_it_is_set_again(pair: Phones) -> None:
    pair.give("重点")
    pair.night()
    pair.edit(remove=["重点"], add=["未回复"])
    assert len(pair.night("ours")) == 1
    assert pair.both() == ["重点"]


def test_a_call_that_did_not_get_through_takes_no_tag(pair: Phones) -> None:
    pair.put("重点")
    pair.tell("edit")  # a remark, say, before anything was set
    pair.work()
    assert pair.both() == ["重点"]
    assert set(pair.carried()) == {"重点"}


def test_a_tag_deleted_in_wecom_is_made_anew(pair: Phones) -> None:
    pair.give("重点")
    gone = {"tag_id": [pair.id_of("重点", GROUP)], "group_id": []}
    pair.system.wecom.post("externalcontact/del_corp_tag", data=gone)
    assert pair.night()[0].startswith("标签「重点」")
    assert pair.both() == ["重点"]


def test_who_comes_back_shows_what_is_carried_now(pair: Phones) -> None:
    pair.give("重点", "未回复")
    pair.phone.part(COLLEAGUE, pair.who)
    pair.tell("del", COLLEAGUE)
    pair.work()
    pair.take("未回复")
    clock.move_forward(timedelta(seconds=5))
    pair.phone.add_customer(COLLEAGUE, "", external_userid=pair.who, welcome=False)
    pair.tell("add", COLLEAGUE)
    pair.work()
    assert pair.both() == ["重点"]


def test_a_group_that_is_not_kept_stays_off_the_phones(pair: Phones) -> None:
    since = pair.phone.last_effect()
    pair.give("高意向")
    assert pair.marks(since) == []


def seen_and_over(pair: Phones) -> None:
    """A tag that both phones were seen to show, and that we took off since."""
    pair.give("重点")
    assert pair.night() == []
    pair.take("重点")
    assert pair.both() == []


def test_given_again_it_is_not_lost_where_the_call_failed(pair: Phones) -> None:
    seen_and_over(pair)
    pair.put("重点")
    pair.phone.fault("externalcontact/mark_tag", times=-1, errcode=-1)
    pair.give_up()
    pair.phone.clear_faults()
    pair.night()
    assert set(pair.carried()) == {"重点"}
    assert pair.both() == ["重点"]


def test_added_by_hand_after_we_took_it_off_it_comes_again(pair: Phones) -> None:
    seen_and_over(pair)
    pair.edit(add=["重点"])
    pair.tell("edit")
    pair.work()
    assert pair.carried()["重点"].by == "wecom"
    assert pair.both() == ["重点"]


def test_whoever_is_erased_leaves_no_tag_on_any_phone(pair: Phones) -> None:
    pair.give("重点", "未回复")
    erase(pair.system, pair.who, "admin", clock.now())
    pair.work()
    assert (pair.shown(), pair.shown(COLLEAGUE)) == ([], [])
    with pair.system.store.read() as session:
        assert session.scalars(select(Tagging)).all() == []
