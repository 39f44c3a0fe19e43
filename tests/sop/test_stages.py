"""A card moves, or stays for a reason: tables over one lifecycle."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sop.pipeline import Pipeline
from sop.stages import Actor, Move, MoveRefusal, decide_move, due_timed_move, may_concern, next_timed_move_at

STAGES: list[dict[str, Any]] = [
    {"name": "新线索", "on": ["@added"]},
    {"name": "考虑价格", "aside": True, "only_from": ["新线索", "试听"]},
    {"name": "试听", "on": ["已约试听"]},
    {"name": "正课", "on": ["已付正课", "老师推荐"]},
    {"name": "会员", "on": ["已付会员"], "won": True},
    {"name": "沉睡", "on": [], "asleep": True},
    {"name": "流失", "on": ["@lost", "不学了"], "lost": True},
]
MOVES = [
    {"from": "考虑价格", "to": "沉睡", "after": "7d"},
    {"from": "试听", "to": "流失", "after": "30d"},
    {"from": "试听", "to": "沉睡", "after": "10d"},
    {"from": "沉睡", "to": "流失", "after": "60d"},
]
NAMES = [stage["name"] for stage in STAGES]
TRIGGERS = ["@added", "@lost", "@spoke", "考虑价格", "已约试听", "已付正课", "已付会员", "不学了", "无关", *NAMES]


def lifecycle(back: str = "human") -> Pipeline:
    return Pipeline.model_validate({"name": "转化", "back": back, "stages": STAGES, "moves": MOVES})


@pytest.mark.parametrize(
    ("current", "triggers", "to", "trigger", "cause"),
    [
        pytest.param(None, ["@added"], "新线索", "@added", "event", id="a new customer is placed"),
        pytest.param(None, ["已付正课"], "正课", "已付正课", "tag", id="a first word may place them further on"),
        pytest.param("改名前的阶段", ["已约试听"], "试听", "已约试听", "tag", id="a stage that is gone holds nobody"),
        pytest.param("新线索", ["考虑价格"], "考虑价格", "考虑价格", "tag", id="the tag of the stage's own name"),
        pytest.param("新线索", ["已付会员"], "会员", "已付会员", "tag", id="stages may be skipped"),
        pytest.param("新线索", ["老师推荐"], "正课", "老师推荐", "tag", id="any of several tags"),
        pytest.param("考虑价格", ["已约试听"], "试听", "已约试听", "tag", id="out of a stage beside the road"),
        pytest.param("试听", ["考虑价格"], "考虑价格", "考虑价格", "tag", id="into a stage beside the road"),
        pytest.param(
            "试听", ["考虑价格", "已付正课"], "正课", "已付正课", "tag", id="the road before what is beside"
        ),
        pytest.param("新线索", ["已约试听", "已付正课"], "正课", "已付正课", "tag", id="the furthest of several"),
        pytest.param("新线索", ["已付会员", "@lost"], "流失", "@lost", "event", id="lost before all"),
        pytest.param("会员", ["@lost"], "流失", "@lost", "event", id="lost from the very end"),
        pytest.param(
            "试听", ["@added", "已付正课"], "正课", "已付正课", "tag", id="a lawful move beside a refused one"
        ),
    ],
)
def test_rules_move_a_card(current: str | None, triggers: list[str], to: str, trigger: str, cause: str) -> None:
    move = decide_move(lifecycle(), current, triggers, "rule")
    assert move == Move(current, to, trigger, cause)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("current", "triggers"),
    [
        pytest.param("新线索", [], id="nothing happened"),
        pytest.param("新线索", ["无关"], id="a tag of no stage"),
        pytest.param("新线索", ["@added"], id="there already"),
        pytest.param("新线索", ["试听"], id="a rule's tag that bears a stage's name, but `on` says otherwise"),
        pytest.param("新线索", ["沉睡"], id="entered by hand and clock only"),
        pytest.param("试听", ["@spoke"], id="a word from one who is awake"),
        pytest.param("流失", ["@lost"], id="lost already"),
    ],
)
def test_nothing_to_decide(current: str | None, triggers: list[str]) -> None:
    assert decide_move(lifecycle(), current, triggers, "rule") is None


@pytest.mark.parametrize(
    ("current", "triggers", "before", "why"),
    [
        pytest.param("正课", ["已约试听"], None, "「试听」在「正课」之前", id="backwards"),
        pytest.param("会员", ["已付正课"], None, "「正课」在「会员」之前", id="backwards from the end"),
        pytest.param("流失", ["已付会员"], None, "客户已在「流失」", id="a lost one needs a person"),
        pytest.param("流失", ["考虑价格"], "试听", "只接受从", id="a lost one may not slip in beside the road"),
        pytest.param("正课", ["考虑价格"], None, "只接受从「新线索」、「试听」进入", id="only_from"),
        pytest.param("考虑价格", ["@added"], "试听", "「新线索」在「试听」之前", id="backwards by way of beside"),
        pytest.param("沉睡", ["考虑价格"], "正课", "客户在「正课」", id="only_from looks through sleep"),
    ],
)
def test_refusals_say_why(current: str, triggers: list[str], before: str | None, why: str) -> None:
    refusal = decide_move(lifecycle(), current, triggers, "rule", before=before)
    assert isinstance(refusal, MoveRefusal)
    assert why in refusal.why


@pytest.mark.parametrize(
    ("actor", "current", "trigger", "to", "cause"),
    [
        ("human", "会员", "新线索", "新线索", "drag"),
        ("human", "流失", "考虑价格", "考虑价格", "drag"),
        ("human", "正课", "考虑价格", "考虑价格", "drag"),
        ("human", None, "沉睡", "沉睡", "drag"),
        ("wecom", "正课", "试听", "试听", "wecom"),
        ("wecom", "流失", "会员", "会员", "wecom"),
        ("wecom", "新线索", "已约试听", "试听", "wecom"),
    ],
)
def test_people_go_anywhere(actor: Actor, current: str | None, trigger: str, to: str, cause: str) -> None:
    assert decide_move(lifecycle(), current, [trigger], actor) == Move(current, to, trigger, cause)  # type: ignore[arg-type]


@pytest.mark.parametrize("current", ["会员", "流失"])
def test_back_anyone_lets_rules_go_back(current: str) -> None:
    move = decide_move(lifecycle("anyone"), current, ["已约试听"], "rule")
    assert move == Move(current, "试听", "已约试听", "tag")


@pytest.mark.parametrize(
    ("triggers", "before", "to", "trigger"),
    [
        pytest.param(["@spoke"], "正课", "正课", "@woken", id="back to where they stood"),
        pytest.param(["@spoke"], "考虑价格", "考虑价格", "@woken", id="also beside the road"),
        pytest.param(["@spoke", "已付会员"], "正课", "会员", "已付会员", id="a tag that leads on wins"),
        pytest.param(["@spoke", "已约试听"], "正课", "正课", "@woken", id="a tag that leads back only wakes"),
        pytest.param(["已约试听"], None, "试听", "已约试听", id="without a memory any tag leads out"),
    ],
)
def test_a_word_wakes_a_sleeper(triggers: list[str], before: str | None, to: str, trigger: str) -> None:
    move = decide_move(lifecycle(), "沉睡", triggers, "rule", before=before)
    assert isinstance(move, Move)
    assert (move.to, move.trigger) == (to, trigger)


@pytest.mark.parametrize("before", [None, "沉睡", "改名前的阶段"])
def test_a_sleeper_with_nowhere_to_go_back_to_sleeps_on(before: str | None) -> None:
    assert decide_move(lifecycle(), "沉睡", ["@spoke"], "rule", before=before) is None


def test_a_stage_may_receive_the_woken() -> None:
    stages = [*STAGES, {"name": "重新激活", "on": ["@woken"]}]
    pipeline = Pipeline.model_validate({"name": "转化", "stages": stages})
    assert decide_move(pipeline, "沉睡", ["@spoke"], "rule") == Move("沉睡", "重新激活", "@woken", "event")


T0 = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("current", "word_after", "now_after", "to"),
    [
        pytest.param("考虑价格", None, "7d", "沉睡", id="to the second"),
        pytest.param("考虑价格", None, "6d", None, id="not yet"),
        pytest.param("考虑价格", "5d", "7d", None, id="a word starts the count afresh"),
        pytest.param("考虑价格", "5d", "12d", "沉睡", id="and it ends again"),
        pytest.param("考虑价格", "-3d", "6d", None, id="a word before entering counts for nothing"),
        pytest.param("试听", None, "40d", "沉睡", id="after an outage the earlier of two comes first"),
        pytest.param("正课", None, "400d", None, id="no timed move from here"),
        pytest.param(None, None, "400d", None, id="nowhere"),
    ],
)
def test_silence_moves_a_card(current: str | None, word_after: str | None, now_after: str, to: str | None) -> None:
    word = None if word_after is None else T0 + timedelta(days=int(word_after[:-1]))
    now = T0 + timedelta(days=int(now_after[:-1]))
    move = due_timed_move(lifecycle(), current, T0, word, now)
    assert (move and move.to) == to
    due_at = next_timed_move_at(lifecycle(), current, T0, word)
    assert (due_at is not None and due_at <= now) == (move is not None)


def test_a_timed_move_names_its_silence() -> None:
    move = due_timed_move(lifecycle(), "考虑价格", T0, None, T0 + timedelta(days=8))
    assert move == Move("考虑价格", "沉睡", "silence:7d", "timer")


@given(
    triggers=st.lists(st.lists(st.sampled_from(TRIGGERS), max_size=4), max_size=12),
    actors=st.lists(st.sampled_from(["rule", "human", "wecom"]), min_size=12, max_size=12),
)
def test_a_ledger_of_moves_replays_to_where_he_stands(triggers: list[list[str]], actors: list[Actor]) -> None:
    pipeline = lifecycle()
    standing: str | None = None
    ledger: list[Move] = []
    for said, actor in zip(triggers, actors, strict=False):
        decided = decide_move(pipeline, standing, said, actor)
        if isinstance(decided, Move):
            assert decided.from_ == standing
            assert decided.to != standing
            assert decided.to in NAMES
            ledger.append(decided)
            standing = decided.to
    assert standing == (ledger[-1].to if ledger else None)


@given(current=st.sampled_from(NAMES), said=st.lists(st.sampled_from(TRIGGERS), max_size=5))
def test_rules_never_go_back_nor_out_of_lost(current: str, said: list[str]) -> None:
    move = decide_move(lifecycle(), current, said, "rule")
    if isinstance(move, Move) and move.to != "流失":
        assert current != "流失"
        road = [stage["name"] for stage in STAGES if not (stage.get("aside") or stage.get("asleep"))]
        if current in road and move.to in road:
            assert road.index(move.to) > road.index(current)


@pytest.mark.parametrize("actor", ["rule", "human", "wecom"])
@pytest.mark.parametrize("current", [None, "新线索", "沉睡", "流失", "改名前的阶段"])
def test_what_cannot_move_a_card_is_told_beforehand(actor: Actor, current: str | None) -> None:
    pipeline = lifecycle()
    words = ["@added", "@spoke", "@lost", "无关", *(stage.name for stage in pipeline.stages)]
    words += [word for stage in pipeline.stages for word in stage.entered_by]
    idle = 0
    for triggers in ([], *([word] for word in words), ["无关", "@spoke"]):
        decided = decide_move(pipeline, current, triggers, actor)
        assert may_concern(pipeline, current, triggers, actor) or decided is None
        idle += not may_concern(pipeline, current, triggers, actor)
    assert idle > 0
