"""Mass messages through a real sandbox and database: one for many, confirmed, counted, withdrawn, never doubled."""

from __future__ import annotations

import os
from calendar import monthrange
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.agents.overdue import nudge_overdue
from bot.app import create_app
from bot.customers.identity import find_agents
from bot.platform import clock, failpoints
from bot.platform.models import SopEnrolment, SopTask
from bot.platform.work import Work
from bot.system import System
from bot.worker import timed_work
from bot.worker.handlers import deliver
from tests.support.mass import TEXT, Mass, prepare_files
from tests.support.parts import AGENT, COLLEAGUE, Town


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Config and library, written before anything reads them."""
    prepare_files(tmp_path)
    return tmp_path


@pytest.fixture
def mass(files: Path, system: System, sandbox: Town) -> Mass:
    """Three customers of one agent."""
    assert files.exists()
    mass = Mass(system, sandbox.control)
    mass.meet(3)
    return mass


def test_one_message_for_all_confirmed_seen_in_the_archive_and_answered(mass: Mass) -> None:
    group = mass.leave()
    assert (group.state, group.customers) == ("created", 3)
    made = mass.made()
    assert len(made) == 1
    assert made[0]["targets"] == 3
    assert {mass.task(who).state for who in mass.who} == {"delivered"}
    assert mass.rows("card") == []

    mass.confirm(group)
    mass.later(minutes=6)
    mass.work()
    assert [g.state for g in mass.sends()] == ["done"]
    for who in mass.who:
        task = mass.task(who)
        assert (task.state, task.outcome, task.group_status, task.timing) == ("completed", "group-send", 1, "in-time")
        assert task.sent_msgid
        assert task.attached == [0, 1]  # link by its address, picture by its md5

    mass.phone.say(mass.who[0], AGENT, "来")
    mass.work()
    assert mass.task(mass.who[0]).state == "replied"


def test_the_result_alone_completes_where_the_archive_shows_nothing(mass: Mass) -> None:
    group = mass.leave()
    mass.confirm(group)
    mass.later(minutes=6)
    _poll_only(mass)
    task = mass.task(mass.who[0])
    assert (task.state, task.outcome, task.sent_msgid) == ("completed", "group-send", None)
    mass.work()  # the archive comes after all, and is the better proof
    task = mass.task(mass.who[0])
    assert (task.outcome, task.similarity) == ("group-send", 1.0)
    assert task.sent_msgid


def test_who_is_no_friend_any_more_or_over_the_cap_fails_with_words(mass: Mass) -> None:
    group = mass.leave()
    mass.phone.part(AGENT, mass.who[0])
    _use_up_the_month(mass, mass.who[1])
    mass.confirm(group)
    mass.later(minutes=6)
    mass.work()
    gone, full, well = (mass.task(who) for who in mass.who)
    assert (gone.state, gone.group_status) == ("failed", 2)
    assert "不是这位员工的好友" in (gone.ended_because or "")
    assert (full.state, full.group_status) == ("failed", 3)
    assert "上限" in (full.ended_because or "")
    assert well.state == "completed"
    assert mass.sends()[-1].state == "done"


def test_who_never_was_a_friend_is_refused_at_once(mass: Mass) -> None:
    mass.work()
    mass.phone.part(AGENT, mass.who[0])
    group = mass.leave()
    assert (group.state, group.customers) == ("created", 2)
    assert mass.task(mass.who[0]).state == "failed"


def test_nothing_is_sent_and_nobody_is_left_when_all_have_stopped(mass: Mass) -> None:
    group = mass.leave()
    for who in mass.who:
        mass.stop(who)
    mass.work()
    assert [(g.state, g.ended_because) for g in mass.sends()] == [("cancelled", "客户都已不需要，已撤回")]
    assert [e["msgid"] for e in mass.phone.effects(0, "group_send_cancelled")] == [group.msgid]
    mass.later(hours=1)
    mass.work()
    assert len(mass.made()) == 1


def test_one_who_stops_is_taken_out_and_the_others_get_a_new_one(mass: Mass) -> None:
    mass.leave()
    mass.stop(mass.who[1])
    mass.work()
    assert mass.sends()[0].state == "cancelled"
    mass.later(minutes=6)
    mass.work()
    mass.later(seconds=20)
    mass.work()
    assert [g.state for g in mass.sends()] == ["cancelled", "created"]
    assert [effect["targets"] for effect in mass.made()] == [3, 2]
    mass.later(seconds=5)
    mass.confirm(mass.sends()[1])
    mass.later(minutes=6)
    mass.work()
    assert [mass.task(who).state for who in mass.who] == ["completed", "cancelled", "completed"]


def test_an_agent_who_was_quicker_than_the_cancel_has_sent_it(mass: Mass) -> None:
    group = mass.leave()
    mass.confirm(group)
    mass.stop(mass.who[1])
    mass.later(seconds=5)
    mass.work()
    assert [g.state for g in mass.sends()] == ["done"]
    assert mass.phone.effects(0, "group_send_cancelled") == []
    assert "员工此前已确认群发" in (mass.task(mass.who[1]).ended_because or "")
    assert len(mass.made()) == 1


def test_who_stops_before_it_leaves_is_not_in_it(mass: Mass) -> None:
    mass.work()
    mass.start()
    mass.stop(mass.who[0])
    mass.later(seconds=20)
    mass.work()
    assert mass.made()[0]["targets"] == 2


def test_it_ends_unconfirmed_when_its_time_is_over(mass: Mass) -> None:
    mass.leave()
    mass.later(days=2, minutes=1)
    mass.work()
    mass.work()
    assert [g.state for g in mass.sends()] == ["cancelled"]
    assert {mass.task(who).state for who in mass.who} == {"expired"}


def test_the_agent_is_reminded_by_rule_and_never_more_than_wecom_allows(mass: Mass) -> None:
    mass.leave()
    for _ in range(20):
        mass.later(hours=1)
        mass.work()
    assert len(mass.phone.effects(0, "group_send_reminder")) == 3
    for _ in range(10):
        mass.later(hours=1)
        mass.work()
    assert len(mass.phone.effects(0, "group_send_reminder")) == 5  # the rule's own end
    assert {row.state for row in mass.rows("group_remind")} == {"sent"}


def test_no_card_reminds_of_what_wecom_itself_reminds_of(mass: Mass) -> None:
    mass.leave()
    mass.later(hours=3)
    with mass.system.store.write() as session:
        assert nudge_overdue(Work(session, mass.system.settings, clock.now())) == 0


def test_it_is_asked_about_every_five_minutes_and_later_every_hour(mass: Mass) -> None:
    mass.leave()
    for _ in range(12):
        mass.later(minutes=5)
        mass.work()
    assert 10 <= len(mass.rows("group_poll")) <= 12
    before = len(mass.rows("group_poll"))
    mass.later(hours=2)
    for _ in range(12):
        mass.later(minutes=5)
        mass.work()
    assert len(mass.rows("group_poll")) - before <= 2


def test_a_question_too_soon_is_asked_again(mass: Mass) -> None:
    mass.leave()
    mass.phone.fault("externalcontact/get_groupmsg_task", errcode=41063)
    mass.later(minutes=6)
    mass.work()
    mass.later(minutes=1)
    mass.work()
    assert [row.state for row in mass.rows("group_poll")] == ["sent"]


@pytest.mark.parametrize("lost", ["answer", "process"])
def test_made_but_not_recorded_is_found_again_and_not_made_twice(mass: Mass, lost: str) -> None:
    _lose_the_outcome(mass, lost)
    mass.later(minutes=2)
    mass.work()
    assert len(mass.made()) == 1
    group = mass.sends()[0]
    assert (group.state, group.customers, group.msgid) == ("created", 3, mass.made()[0]["msgid"])


@pytest.mark.parametrize("by", ["a colleague", "another app", "one for several agents"])
def test_what_others_made_of_the_same_words_is_not_taken_for_ours(mass: Mass, by: str) -> None:
    """Its customers are a colleague's, or not those we meant, or it is before a colleague as well."""
    stranger = mass.phone.add_customer(AGENT, "别的客户", welcome=False)["external_userid"]
    theirs_too = mass.phone.add_customer(COLLEAGUE, "同事的客户", welcome=False)["external_userid"]
    sender, to = {
        "a colleague": (COLLEAGUE, [theirs_too]),
        "another app": (AGENT, [stranger]),
        "one for several agents": ("", [mass.who[0], theirs_too]),
    }[by]
    _lose_the_outcome(mass, "nothing was made")
    theirs = mass.system.wecom.external_contact.add_msg_template(
        {"chat_type": "single", "sender": sender, "text": {"content": TEXT}, "external_userid": to}
    )
    mass.later(minutes=2)
    mass.work()
    assert len(mass.made()) == 2
    assert mass.sends()[0].msgid not in (None, theirs["msgid"])


def test_those_who_come_a_moment_later_are_in_the_same_message(mass: Mass) -> None:
    mass.work()
    mass.start(mass.who[0])
    mass.work()
    assert mass.made() == []
    mass.start(*mass.who[1:])
    mass.later(seconds=20)
    mass.work()
    assert [effect["targets"] for effect in mass.made()] == [3]


def test_where_nobody_can_say_whether_it_was_made_it_is_unknown_and_not_repeated(mass: Mass) -> None:
    _lose_the_outcome(mass, "answer")
    mass.phone.fault("externalcontact/get_groupmsg_list_v2", times=-1, errcode=40058)
    mass.later(minutes=2)
    mass.work()
    assert mass.sends()[0].state == "unknown"
    assert {mass.task(who).state for who in mass.who} == {"unknown"}
    mass.phone.clear_faults()
    mass.later(hours=2)
    mass.work()
    assert len(mass.made()) == 1


def test_who_has_had_a_month_full_is_told_of_by_card(mass: Mass) -> None:
    mass.work()
    for number in range(_days_of_month()):
        _one_more(mass, mass.who[0], number)
    mass.later(seconds=20)
    mass.start(mass.who[0], cause="one too many")
    mass.later(seconds=20)
    mass.work()
    task = mass.task(mass.who[0])
    assert task.channel == "card"
    assert task.shifts[-1][0] == "客户本月收到的群发已到上限，改为卡片"
    assert len(mass.rows("card")) == 1


def test_a_wording_that_names_the_customer_goes_by_card(mass: Mass) -> None:
    mass.start(mass.who[0], tag="未回复")
    mass.work()
    assert mass.task(mass.who[0]).channel == "card"
    assert mass.sends() == []
    assert len(mass.rows("card")) == 1
    assert "第 1 步提到了客户的称呼" in "".join(mass.system.settings.warnings)


def test_a_picture_wecom_has_forgotten_holds_the_message_back(mass: Mass) -> None:
    mass.work()
    (uploaded,) = mass.phone.effects(0, "media")
    mass.phone.fault("media/upload", times=-1, status=503)
    mass.later(days=4)
    mass.start()
    mass.later(seconds=20)
    mass.work()
    assert mass.made() == []
    mass.phone.clear_faults()
    mass.later(minutes=15)
    mass.work()
    mass.later(minutes=2)
    mass.work()
    assert len(mass.made()) == 1
    assert len(mass.phone.effects(0, "media")) == 2
    assert mass.phone.effects(0, "media")[1]["media_id"] != uploaded["media_id"]


def test_the_list_shows_each_result(mass: Mass) -> None:
    group = mass.leave()
    mass.confirm(group)
    mass.later(minutes=6)
    mass.work()
    shown = create_app(mass.system).test_cli_runner().invoke(args=["sop", "sends"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0, shown.output
    assert "完成" in shown.output
    assert "open-class" in shown.output


def _poll_only(mass: Mass) -> None:
    """As at a company whose archive shows nothing yet."""
    timed_work.watch_sends(mass.system)
    for row in mass.rows("group_poll"):
        deliver(mass.system, row.id)


def _lose_the_outcome(mass: Mass, lost: str) -> None:
    """WeCom was asked, and nobody wrote down what it answered."""
    mass.work()
    mass.start()
    mass.later(seconds=20)
    (row,) = mass.rows("group_send")
    if lost == "answer":
        mass.phone.fault("externalcontact/add_msg_template", after=True, status=502)
    elif lost == "nothing was made":
        mass.phone.fault("externalcontact/add_msg_template", status=502)
    if lost == "process":
        _die_after_the_call(mass, row.id)
    else:
        assert deliver(mass.system, row.id) == "waiting"


def _die_after_the_call(mass: Mass, row_id: int) -> None:
    """The call is made; what comes after it is as if the process had ended there."""
    pid = os.fork()
    if pid == 0:
        mass.system.store.engine.dispose(close=False)
        failpoints.arm("sent")
        deliver(mass.system, row_id)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -9
    mass.leases_end()


def _days_of_month() -> int:
    today = clock.now().astimezone(ZoneInfo("Asia/Shanghai"))
    return monthrange(today.year, today.month)[1]


def _use_up_the_month(mass: Mass, who: str) -> None:
    """Another app has sent the customer as many as WeCom allows."""
    for number in range(31):
        answer = mass.system.wecom.external_contact.add_msg_template(
            {"sender": AGENT, "external_userid": [who], "text": {"content": f"另一个应用的群发 {number}"}}
        )
        mass.phone.confirm_group_send(AGENT, answer["msgid"])


def _one_more(mass: Mass, who: str, number: int) -> None:
    """A mass message of ours that the customer got earlier this month."""
    with mass.system.store.write() as session:
        customer = mass.customer(session, who)
        agent = find_agents(session, [AGENT], clock.now())[AGENT.casefold()]
        enrolment = SopEnrolment(
            customer_id=customer.id, agent_id=agent.id, sop_id="earlier", cause=f"earlier:{number}", stop=[],
            version="v", enrolled_at=clock.now(), ended_at=clock.now(),
        )  # fmt: skip
        enrolment.tasks = [
            SopTask(
                customer_id=customer.id, agent_id=agent.id, step=0, state="replied", due_at=clock.now(),
                expires_at=clock.now(), wording="", text="", channel="group-send", group_status=1,
                completed_at=clock.now(),
            )
        ]  # fmt: skip
        session.add(enrolment)
