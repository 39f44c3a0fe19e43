"""Promises, their due times and what wants an answer, on sentences from three trades."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from sop.workcalendar import calendar_of
from sop.workspace import Workspace
from taggers.closing import USUAL, Closing, check_closings
from taggers.due import _FINDS, _found
from taggers.pledge import _DOES, pledges
from taggers.promise import promises
from taggers.promise_evaluation import LabelledPromise, measure_promises, measure_questions, same_due
from taggers.promise_words import A_LITTLE, BY_SELF, BY_TIME, GOING, TAKING, TO_YOU
from taggers.rule import Examples
from taggers.spoken_clauses import clause_ends, sentences, spoken_text
from taggers.utterance import Utterance
from taggers.wants_answer import text_wants_answer, wants_answer

DATA = Path(__file__).parent / "data"
CALENDAR = calendar_of(Workspace())
SAID = datetime.fromisoformat("2026-03-04T15:20:00+08:00")


def _lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / name).read_text("utf-8").splitlines()]


def _labelled(line: dict[str, Any]) -> LabelledPromise:
    due = line["due"] and datetime.fromisoformat(line["due"])
    return LabelledPromise(line["text"], datetime.fromisoformat(line["at"]), line["by"], line["promise"], due)


@pytest.mark.parametrize(
    "name",
    [
        "promises.jsonl",
        "more_promises.jsonl",
        "further_promises.jsonl",
        "promises_of_nine_trades.jsonl",
        "promises_of_other_trades.jsonl",
    ],
)
def test_promises_of_three_trades_are_told_from_what_is_none(name: str) -> None:
    lines = _lines(name)
    outcome = measure_promises([_labelled(line) for line in lines], CALENDAR)
    assert outcome.precision >= 0.95, outcome.wrong
    assert outcome.recall >= 0.85, outcome.wrong
    assert outcome.due_right >= 0.95, outcome.wrong


def test_the_first_file_holds_as_many_of_each_kind_as_was_asked_for() -> None:
    assert Counter(line["promise"] for line in _lines("promises.jsonl")) == {True: 120, False: 120}
    assert Counter(line["wants_answer"] for line in _lines("questions.jsonl")) == {True: 100, False: 100}


@pytest.mark.parametrize("name", ["questions.jsonl", "more_questions.jsonl", "questions_of_other_trades.jsonl"])
def test_what_wants_an_answer_is_told_from_what_does_not(name: str) -> None:
    outcome = measure_questions([(line["text"], line["wants_answer"]) for line in _lines(name)], USUAL)
    assert outcome.precision >= 0.95, outcome.wrong
    assert outcome.recall >= 0.9, outcome.wrong


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("明天上午给您发过去", "2026-03-05T12:00"),
        ("我安排师傅明天上午九点上门", "2026-03-05T09:00"),
        ("我帮您问一下，明天给您答复", "2026-03-05T23:59"),
        ("两三天给您结果", "2026-03-07T23:59"),
        ("3.20号前给您弄好", "2026-03-20T23:59"),
        ("30min内给您回复", "2026-03-04T15:50"),
        ("明天晚点给您发过去", "2026-03-05T23:59"),
        ("我大后天给您寄", "2026-03-07T23:59"),
        ("差五分四点给您打电话", "2026-03-04T15:55"),
        ("晚8点给您打电话", "2026-03-04T20:00"),
        ("下班后给您回电话", "2026-03-04T22:00"),
        ("3-5天内给您寄到", "2026-03-09T23:59"),
        ("半个月内给您装好", "2026-03-19T23:59"),
        ("一个半小时后给您回复", "2026-03-04T16:50"),
        ("24小时内给您处理好", "2026-03-05T15:20"),
        ("清明后第一天给您发货", "2026-04-07T23:59"),
        ("十五号给您结账", "2026-03-15T23:59"),
        ("2号给您结账", "2026-04-02T23:59"),
        ("年底前给您送到", "2026-12-31T23:59"),
        ("今明两天给您答复", "2026-03-05T23:59"),
        ("周三给您答复", "2026-03-04T23:59"),
        ("周二给您答复", "2026-03-10T23:59"),
    ],
)
def test_a_due_time_is_the_end_of_what_was_said(text: str, due: str) -> None:
    (promise,) = promises(text, SAID, CALENDAR)
    assert promise.due is not None
    assert promise.due.astimezone(CALENDAR.zone) == datetime.fromisoformat(due).replace(tzinfo=CALENDAR.zone)


def test_working_days_follow_the_calendar_of_the_company() -> None:
    said = datetime.fromisoformat("2026-03-05T15:20:00+08:00")
    (usual,) = promises("两个工作日内给您退款", said, CALENDAR)
    free = calendar_of(Workspace(holidays=(date(2026, 3, 6),)))
    (later,) = promises("两个工作日内给您退款", said, free)
    assert usual.due
    assert usual.due.astimezone(CALENDAR.zone).date() == date(2026, 3, 9)
    assert later.due
    assert later.due.astimezone(CALENDAR.zone).date() == date(2026, 3, 10)


def test_a_working_day_is_none_at_the_weekend_even_where_the_shop_is_open() -> None:
    said = datetime.fromisoformat("2026-03-05T15:20:00+08:00")
    (promise,) = promises("三个工作日内给您退款", said, calendar_of(Workspace(workdays="festivals")))
    assert promise.due
    assert promise.due.astimezone(CALENDAR.zone).date() == date(2026, 3, 10)


def test_what_is_passed_over_quickly_has_no_cue_in_any_clause() -> None:
    """A text without a cue is not cut into clauses: none of its clauses may have one then."""
    cues = (TO_YOU, BY_SELF, BY_TIME, TAKING, GOING, A_LITTLE, _DOES)
    for line in [line for path in sorted(DATA.glob("*.jsonl")) for line in _lines(path.name) if "text" in line]:
        spoken = spoken_text(line["text"])
        quick = [cue.search(clause_ends(spoken)) is not None for cue in cues]
        slow = [any(cue.search(one.text) for told in sentences(spoken) for one in told) for cue in cues]
        assert all(fast or not found for fast, found in zip(quick, slow, strict=True)), line
        assert [one.span() for one in _found(spoken)] == [one.span() for one in _FINDS.finditer(spoken)], line


def test_a_promise_names_its_words_its_deed_and_its_object() -> None:
    text = "好的，明天上午十点把合同发给您，您放心"
    (promise,) = promises(text, SAID, CALENDAR)
    assert text[promise.start : promise.end] == promise.words == "明天上午十点把合同发给您"
    assert (promise.deed, promise.object) == ("send", "合同")


def test_a_customers_word_is_a_follow_up_where_the_labels_say_so() -> None:
    said = [LabelledPromise("我明天付款", SAID, "customer", promise, None) for promise in (True, False)]
    apart = measure_promises(said[1:], CALENDAR)
    assert (apart.false, apart.customers, apart.follow_ups, apart.judged) == (0, 1, 1, False)
    together = measure_promises(said, CALENDAR)
    assert (together.right, together.false, together.judged) == (1, 1, True)


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("我下午过来拍片", "2026-03-04T18:00"),
        ("定金明天转你", "2026-03-05T23:59"),
        ("等我开完会打给你", None),
        ("一会转你", "2026-03-04T17:20"),
    ],
)
def test_what_a_customer_will_do_is_a_pledge(text: str, due: str | None) -> None:
    (pledge,) = pledges(text, SAID, CALENDAR)
    when = pledge.due and pledge.due.astimezone(CALENDAR.zone).replace(tzinfo=None).isoformat(timespec="minutes")
    assert when == due


@pytest.mark.parametrize(
    "text",
    [
        "你明天把报价发我",
        "昨天转你了",
        "我明天来不了",
        "要是便宜点我今天就定",
        "我老公说下周再看",
        "我可能周末过来",
        "明天能到吗",
    ],
)
def test_what_a_customer_will_not_or_only_may_do_is_none(text: str) -> None:
    assert not pledges(text, SAID, CALENDAR)


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("周六上午那个号我给您留着", None),
        ("疫苗我给你留一支 周四来打就行", None),
        ("补给您 明儿上午", "2026-03-05T12:00"),
        ("三点半左右开完会 到时候给您电话", "2026-03-04T15:30"),
        ("安装队排到7号 那天上午到您家", "2026-03-07T12:00"),
    ],
)
def test_a_time_belongs_to_the_deed_or_to_something_else(text: str, due: str | None) -> None:
    (promise,) = promises(text, SAID, CALENDAR)
    when = promise.due and promise.due.astimezone(CALENDAR.zone).replace(tzinfo=None).isoformat(timespec="minutes")
    assert when == due


@pytest.mark.parametrize(
    "text", ["上午十点给您打过电话", "我正在给您查", "给您拜个早年", "您下午在家吗，我让师傅上门", "跟您确认下地址"]
)
def test_what_was_is_or_is_only_said_is_no_promise(text: str) -> None:
    assert not promises(text, SAID, CALENDAR)


@pytest.mark.parametrize("text", ["我把链接发群里", "之前的资料我重新发您一份", "您先休息，我来安排"])
def test_a_promise_need_not_name_its_time(text: str) -> None:
    (promise,) = promises(text, SAID, CALENDAR)
    assert promise.due is None


@pytest.mark.parametrize(
    "text",
    ["告诉我宝宝几个月，我给您发一份作息表", "跟不上的话别急，卡在哪一章写给我，我请师傅单独讲给您听",
     "发来一段录音，我们老师免费给您点评一次", "您更看重续航还是空间？我把合适的两款发您", "把我的名片推过去就行",
     "回复店名和人数就能给您开通", "非常抱歉给您带来不好的体验", "付完跟我说一声，我马上给您开通"],
)  # fmt: skip
def test_what_waits_for_the_other_side_is_no_promise_yet(text: str) -> None:
    assert not promises(text, SAID, CALENDAR)


@pytest.mark.parametrize(
    "text",
    ["把地址发我，我明天给您寄出去", "灯怎么不亮了？我马上过去给您看", "明细我整理好发您，有疑问告诉我",
     "我先把路线图发您，您照着走"],
)  # fmt: skip
def test_what_names_its_time_or_asks_only_afterwards_is_one(text: str) -> None:
    assert promises(text, SAID, CALENDAR)


@pytest.mark.parametrize(
    "text", ["我要问问家里人再定", "先跟老公商量下", "剪出来的样片孩子都夸好看", "拍出来的还不错"]
)
def test_plans_of_ones_own_and_praise_wait_for_nobody(text: str) -> None:
    assert not text_wants_answer(text, USUAL)


def test_quoted_words_are_nobodys_promise() -> None:
    assert not promises("“明天上午给您送过去”这句是您听来的吧", SAID, CALENDAR)


def test_closing_words_are_config_and_their_examples_are_checked() -> None:
    table = Closing(words=("回见",), examples=Examples(hit=("回见啦", "拜拜"), miss=("回见，几点？",)))
    ((place, message),) = check_closings([table])
    assert place == ("closings", 0, "examples", "hit", 1)
    assert "拜拜" in message


@pytest.mark.parametrize(
    ("kind", "text", "wants"),
    [("emotion", "", False), ("image", "", True), ("voice", "", True), ("text", "这是发票怎么开", True)],
)
def test_a_sticker_wants_no_answer_and_a_picture_does(kind: str, text: str, wants: bool) -> None:
    assert wants_answer(Utterance.typed(text, kind=kind), USUAL) is wants


def test_the_same_words_with_a_question_mark_want_an_answer() -> None:
    assert text_wants_answer("好的？", USUAL)
    assert not text_wants_answer("好的。", USUAL)


@pytest.mark.parametrize(
    "piece", ["嗯", "你好老师", "我就再先", "不会不能", "明天上午", "三四", "好的", "的我把", "周一到", "等等"]
)
def test_a_message_that_goes_on_and_on_costs_what_its_length_costs(piece: str) -> None:
    for times in (20, 2_000):
        assert promises(piece * times + "x", SAID, CALENDAR) is not None
        assert text_wants_answer(piece * times + "x", USUAL) in (True, False)


def test_a_due_day_is_right_by_its_day_and_a_due_hour_by_its_hour() -> None:
    day = datetime.fromisoformat("2026-03-05T23:59:00+08:00")
    assert same_due(datetime.fromisoformat("2026-03-05T09:00:00+08:00"), day, CALENDAR)
    assert not same_due(day, datetime.fromisoformat("2026-03-05T09:00:00+08:00"), CALENDAR)
    assert not same_due(None, day, CALENDAR)
