"""A tag changed on the phone moves the card, a moved card changes the tag, and neither echoes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.ops.status import system_status
from bot.platform import clock
from bot.platform.models import Outbox
from bot.system import System
from bot.wecom.api import WeComClient
from tests.support.mirrors import CONFIG, PIPELINE, STAGES, Pair, agree
from tests.support.parts import AGENT, COLLEAGUE, Town


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The config file, written before anything reads it."""
    path = tmp_path / "config.toml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


@pytest.fixture
def empty(config: Path, system: System, sandbox: Town) -> Pair:
    """A board and phones without customers."""
    assert config.exists()
    return Pair(system, sandbox.control)


@pytest.fixture
def pair(empty: Pair) -> Pair:
    """A customer of one agent, all settled."""
    empty.meet()
    agree(empty, [AGENT])
    return empty


def test_a_stage_set_on_the_phone_moves_the_card(pair: Pair) -> None:
    pair.edit(add=["试听"])  # agents add the new one and leave the old: WeCom's groups do not exclude by themselves
    pair.tell("edit")
    pair.work()
    agree(pair, [AGENT])
    last = pair.ledger()[-1]
    assert (last.to_stage, last.cause, last.actor) == ("试听", "wecom", AGENT)
    assert "手机上改成了「试听」" in last.evidence


def test_the_colleagues_phone_follows(pair: Pair) -> None:
    pair.phone.add_customer(COLLEAGUE, "", external_userid=pair.who, welcome=False)
    pair.tell("add", COLLEAGUE)
    pair.work()
    agree(pair)
    pair.edit(COLLEAGUE, add=["成交"], remove=["新线索"])
    pair.tell("edit", COLLEAGUE)
    pair.work()
    assert pair.on_board() == "成交"
    agree(pair)


def test_a_dragged_card_changes_the_tag_in_one_call(pair: Pair) -> None:
    since = pair.phone.last_effect()
    pair.drag("成交")
    pair.work()
    agree(pair, [AGENT])
    assert [(m["added"], m["removed"]) for m in pair.marks(since)] == [(["成交"], ["新线索"])]


def test_a_late_event_moves_nothing_back(pair: Pair) -> None:
    pair.edit(add=["试听"], remove=["新线索"])
    pair.tell("edit")
    pair.work()
    pair.drag("成交")
    pair.work()
    for _ in range(3):
        pair.tell("edit", at=clock.now() - timedelta(minutes=1))
    pair.work()
    assert pair.on_board() == "成交"
    agree(pair, [AGENT])


def test_an_event_before_our_own_mark_has_left_moves_nothing_back(pair: Pair) -> None:
    pair.drag("成交")  # decided, not marked yet: the phone shows the old stage
    pair.tell("edit")
    pair.work()
    assert pair.on_board() == "成交"
    agree(pair, [AGENT])


def test_what_was_read_while_we_wrote_is_read_again(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reading saw the old tag; before it is taken in, a worker beside marks the new one."""
    read, raced = WeComClient.customer, False

    def slowly(self: WeComClient, external_userid: str) -> dict[str, object]:
        nonlocal raced
        found: dict[str, object] = read(self, external_userid)
        if not raced:
            raced = True
            pair.drag("成交")
            pair.work()
        return found

    pair.tell("edit")
    monkeypatch.setattr(WeComClient, "customer", slowly)
    pair.work()
    assert raced
    assert pair.on_board() == "成交"
    assert [move.to_stage for move in pair.ledger()] == ["新线索", "成交"]
    agree(pair, [AGENT])


@pytest.mark.parametrize(("policy", "phone"), [("newest", ["新线索"]), ("ours", ["新线索"]), ("wecom", [])])
def test_a_stage_taken_off_the_phone(pair: Pair, config: Path, policy: str, phone: list[str]) -> None:
    _policy(pair, config, policy)
    pair.edit(remove=["新线索"])
    pair.tell("edit")
    pair.work()
    assert (pair.on_board(), pair.on_phone()) == ("新线索", phone)
    pair.drag("试听")
    pair.work()
    agree(pair, [AGENT])


def test_by_policy_ours_the_phone_is_put_right(pair: Pair, config: Path) -> None:
    _policy(pair, config, "ours")
    pair.edit(add=["成交"], remove=["新线索"])
    pair.tell("edit")
    pair.work()
    assert pair.on_board() == "新线索"
    agree(pair, [AGENT])


def test_half_a_mark_is_made_whole(pair: Pair) -> None:
    pair.phone.switches(partial_marks=1)  # WeCom says ok and gives the new tag, but leaves the old one
    pair.drag("成交")
    pair.work()
    assert pair.on_phone() == ["成交"]
    agree(pair, [AGENT])


def test_a_mark_without_an_answer_is_made_again(pair: Pair) -> None:
    pair.phone.fault("externalcontact/mark_tag", status=502, after=True)  # it had its effect, we do not know
    pair.drag("试听")
    pair.work_once()
    pair.drag("成交")  # before it was tried again: what that call may have set must go as well
    pair.work()
    assert pair.on_phone() == ["成交"]
    agree(pair, [AGENT])


def test_a_tag_on_two_phones_ends_with_the_second(pair: Pair) -> None:
    pair.phone.add_customer(COLLEAGUE, "", external_userid=pair.who, welcome=False)
    pair.tell("add", COLLEAGUE)
    pair.system.wecom.add_corp_tags("意向", ["高意向"])
    for userid, change in ((AGENT, "add"), (COLLEAGUE, "add"), (AGENT, "remove"), (COLLEAGUE, "remove")):
        assert ("高意向" in pair.carried()) == ((userid, change) not in ((AGENT, "add"),))
        pair.edit(userid, **{change: ["高意向"]})  # type: ignore[arg-type]
        pair.tell("edit", userid)
        pair.work()
    assert pair.carried() == {}


def test_a_renamed_tag_is_followed_and_told(pair: Pair) -> None:
    pair.system.wecom.post("externalcontact/edit_corp_tag", data={"id": pair.id_of("试听"), "name": "试听课"})
    pair.tell_library()
    pair.work()
    pair.edit(add=["试听课"], remove=["新线索"])
    pair.tell("edit")
    pair.work()
    assert pair.on_board() == "试听"
    pair.drag("新线索")
    pair.work()
    pair.drag("试听")
    pair.work()
    assert pair.on_phone() == ["试听课"]
    assert _names(pair) == {"新线索", "考虑价格", "试听课", "成交"}
    told = [line.value for line in system_status(pair.system, clock.now())]
    assert any("改名为「试听课」" in value for value in told)


@pytest.mark.parametrize("told", [True, False], ids=["told by an event", "noticed by the refusal"])
def test_a_deleted_tag_is_made_again_when_needed(pair: Pair, told: bool) -> None:
    ids = [pair.id_of("试听"), pair.id_of("新线索")]
    pair.system.wecom.post("externalcontact/del_corp_tag", data={"tag_id": ids, "group_id": []})
    if told:
        pair.tell_library("delete")
        pair.work()
    pair.drag("试听")
    pair.work()
    agree(pair, [AGENT])


def test_ordinary_tags_are_read(pair: Pair) -> None:
    pair.system.wecom.add_corp_tags("意向", ["高意向", "低意向", "随便"])
    pair.edit(add=["高意向", "随便"])
    pair.tell("edit")
    pair.work()
    assert set(pair.carried()) == {"高意向"}
    given = pair.carried()["高意向"]
    assert (given.by, "在企业微信里打的标签" in given.reason) == ("wecom", True)
    pair.edit(remove=["高意向"], add=["低意向"])
    pair.tell("edit")
    pair.work()
    assert set(pair.carried()) == {"低意向"}
    pair.edit(remove=["低意向"])
    pair.tell("edit")
    pair.tell("edit")
    pair.work()
    assert pair.carried() == {}


def test_an_ordinary_tag_that_enters_a_stage_moves_the_card(pair: Pair) -> None:
    pair.system.wecom.add_corp_tags("意向", ["已约试听"])
    pair.edit(add=["已约试听"])
    pair.tell("edit")
    pair.work()
    last = pair.ledger()[-1]
    assert (last.to_stage, last.cause, last.trigger, last.actor) == ("试听", "tag", "已约试听", AGENT)
    agree(pair, [AGENT])


def test_fifty_rounds_and_no_echo(pair: Pair) -> None:
    pair.phone.switches(limits=False)
    for number in range(50):
        since, to, moves = pair.phone.last_effect(), STAGES[(number + 1) % 4], len(pair.ledger())
        if number % 2:
            pair.drag(to)
        else:
            pair.edit(add=[to], remove=[STAGES[number % 4]])
        pair.tell("edit")
        pair.tell("edit", at=clock.now() - timedelta(seconds=5))
        pair.work()
        assert pair.on_board() == to
        assert len(pair.ledger()) == moves + 1
        assert len([m for m in pair.marks(since) if m["by"] == "api"]) == number % 2
    agree(pair, [AGENT])


def test_limited_pipelines_leave_other_agents_phones_alone(empty: Pair, config: Path) -> None:
    _reload(empty, config, CONFIG.replace('hold = "24h"', f'agents = ["{COLLEAGUE}"]'))
    empty.meet()
    assert (empty.on_board(), empty.on_phone()) == (None, [])
    empty.phone.add_customer(COLLEAGUE, "", external_userid=empty.who, welcome=False)
    empty.tell("add", COLLEAGUE)
    empty.work()
    assert (empty.on_board(), empty.on_phone(), empty.on_phone(COLLEAGUE)) == ("新线索", [], ["新线索"])
    with empty.system.store.read() as session:
        assert session.scalars(select(Outbox).where(Outbox.state == "failed")).all() == []


def _policy(pair: Pair, config: Path, policy: str) -> None:
    _reload(pair, config, CONFIG.replace('"newest"', f'"{policy}"'))
    assert pair.settings.tables.sync.policy == policy


def _reload(pair: Pair, config: Path, text: str) -> None:
    config.write_text(text, encoding="utf-8")
    pair.system.__dict__.pop("keeper", None)


def _names(pair: Pair) -> set[str]:
    return {tag["name"] for g in pair.system.wecom.corp_tags() if g["group_name"] == PIPELINE for tag in g["tag"]}
