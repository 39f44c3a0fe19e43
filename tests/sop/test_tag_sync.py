"""Board and phone compared: who is right, by policy, as a table; and whom a pipeline is for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sop.pipeline import Pipeline
from sop.stages import Hand, Move, MoveRefusal, move_to, undo
from sop.tag_sync import GroupDecision, GroupView, Policy, compare, compare_group

NAMES = ("新线索", "考虑价格", "试听", "成交", "流失")
PIPELINE = Pipeline.model_validate({"name": "转化", "stages": [{"name": name, "on": []} for name in NAMES]})
SINCE = datetime(2026, 3, 3, 2, 0, 0, 400_000, tzinfo=UTC)
BEFORE, SAME_SECOND, AFTER = SINCE - timedelta(seconds=2), SINCE.replace(microsecond=0), SINCE + timedelta(seconds=2)


@pytest.mark.parametrize(
    ("ours", "base", "seen", "at", "newest", "ours_wins", "wecom"),
    [
        pytest.param("试听", "试听", "试听", None, "nothing", "nothing", "nothing", id="agreed"),
        pytest.param("试听", "", "试听", None, "nothing", "nothing", "nothing", id="agreed though we had forgotten"),
        pytest.param(None, "", "", None, "nothing", "nothing", "nothing", id="nowhere, nothing"),
        pytest.param("试听", "试听", "成交", AFTER, "move 成交", "mark 试听", "move 成交", id="changed on the phone"),
        pytest.param("试听", "试听", "成交", None, "move 成交", "mark 试听", "move 成交", id="changed, no event"),
        pytest.param("试听", "试听", "试听 成交", None, "move 成交", "mark 试听", "move 成交", id="one more set"),
        pytest.param(
            "试听", "试听", "新线索 成交", None, "move 成交", "mark 试听", "move 成交", id="two more: the further"
        ),
        pytest.param(
            "试听", "试听", "新线索", BEFORE, "move 新线索", "mark 试听", "move 新线索", id="a late event, settled"
        ),
        pytest.param(
            "试听", "新线索", "新线索", None, "mark 试听", "mark 试听", "mark 试听", id="our own is on its way"
        ),
        pytest.param(
            "试听", "新线索", "成交", BEFORE, "mark 试听", "mark 试听", "move 成交", id="both, the board later"
        ),
        pytest.param(
            "试听", "新线索", "成交", AFTER, "move 成交", "mark 试听", "move 成交", id="both, the phone later"
        ),
        pytest.param(
            "试听", "新线索", "成交", SAME_SECOND, "move 成交", "mark 试听", "move 成交", id="both, one second"
        ),
        pytest.param(
            "试听", "新线索", "成交", None, "mark 试听", "mark 试听", "move 成交", id="both, who knows when"
        ),
        pytest.param(
            "试听", "试听 新线索", "试听 新线索", None, "mark 试听", "mark 试听", "mark 试听", id="a rest of ours"
        ),
        pytest.param("试听", "试听", "", AFTER, "mark 试听", "mark 试听", "leave 试听", id="taken off on the phone"),
        pytest.param("试听", "", "", None, "mark 试听", "mark 试听", "leave 试听", id="never marked"),
        pytest.param(None, "", "成交", AFTER, "move 成交", "mark None", "move 成交", id="first set on the phone"),
        pytest.param("旧阶段", "", "", None, "nothing", "nothing", "nothing", id="a stage the config has no more"),
    ],
)
def test_who_is_right(
    ours: str | None, base: str, seen: str, at: datetime | None, newest: str, ours_wins: str, wecom: str
) -> None:
    policies: dict[Policy, str] = {"newest": newest, "ours": ours_wins, "wecom": wecom}
    for policy, expected in policies.items():
        verdict = compare(PIPELINE, ours, SINCE, base.split(), seen.split(), policy, at)
        said = verdict.do if verdict.do == "nothing" else f"{verdict.do} {verdict.to}"
        assert (policy, said) == (policy, expected)
        assert bool(verdict.why) == (verdict.do != "nothing")


_SETS = st.sets(st.sampled_from(NAMES)).map(sorted)


@given(
    ours=st.sampled_from(NAMES),
    base=_SETS,
    seen=_SETS,
    policy=st.sampled_from(["newest", "ours", "wecom"]),
    at=st.sampled_from([None, BEFORE, AFTER]),
)
def test_one_answer_settles_it(
    ours: str, base: list[str], seen: list[str], policy: Policy, at: datetime | None
) -> None:
    """After a verdict is carried out the same comparison finds nothing more to do: no echo."""
    verdict = compare(PIPELINE, ours, SINCE, base, seen, policy, at)
    if verdict.do == "leave":
        assert policy == "wecom"
        assert not seen
        return
    stands = verdict.to if verdict.do == "move" else ours
    assert compare(PIPELINE, stands, AFTER, [stands or ""], [stands or ""], policy, at).do == "nothing"
    if verdict.do == "move":
        assert verdict.to in seen
        assert verdict.to not in base  # what we have put there ourselves moves nothing


@pytest.mark.parametrize("cause", ["drag", "wecom", "api"])
def test_a_person_names_the_stage(cause: Hand) -> None:
    assert move_to(PIPELINE, "流失", "新线索", cause) == Move("流失", "新线索", "新线索", cause)
    assert move_to(PIPELINE, None, "成交", cause) == Move(None, "成交", "成交", cause)


@pytest.mark.parametrize(
    ("current", "to", "why"),
    [("试听", "试听", "已经在「试听」"), ("试听", "式听", "没有阶段「式听」，可选「新线索」")],
)
def test_what_a_person_cannot_do(current: str, to: str, why: str) -> None:
    refused = move_to(PIPELINE, current, to, "drag")
    assert isinstance(refused, MoveRefusal)
    assert why in refused.why


@pytest.mark.parametrize(
    ("current", "from_", "to", "outcome"),
    [
        ("试听", "新线索", "试听", Move("试听", "新线索", "undo", "undo")),
        ("成交", "新线索", "试听", "移到了「成交」"),
        ("新线索", None, "新线索", "第一步"),
        ("试听", "旧阶段", "试听", "没有阶段「旧阶段」"),
    ],
)
def test_undo_leads_back(current: str, from_: str | None, to: str, outcome: Move | str) -> None:
    decided = undo(PIPELINE, current, from_, to)
    if isinstance(decided, MoveRefusal):
        assert isinstance(outcome, str)
        assert outcome in decided.why
    else:
        assert decided == outcome


@pytest.mark.parametrize(
    ("ours", "seen", "said"),
    [
        pytest.param("试听", ["新线索"], "mark 试听", id="an older tag of ours that was forgotten"),
        pytest.param("试听", ["新线索", "试听"], "mark 试听", id="beside the right one"),
        pytest.param("试听", ["成交"], "move 成交", id="an agent went on"),
        pytest.param(None, ["新线索"], "move 新线索", id="nowhere yet"),
        pytest.param("试听", ["试听"], "nothing None", id="agreed"),
    ],
)
def test_after_a_restore_only_a_stage_further_along_moves_the_card(
    ours: str | None, seen: list[str], said: str
) -> None:
    verdict = compare(PIPELINE, ours, SINCE, [], seen, "ahead", AFTER)
    assert f"{verdict.do} {verdict.to}" == said


def view(ours: str = "", seen: str = "", maybe: str = "", surely: str = "") -> GroupView:
    return GroupView(*(frozenset(tags) for tags in (ours, seen, maybe, surely)))


@pytest.mark.parametrize(
    ("sides", "policy", "decision"),
    [
        (view("a", "a", "a", "a"), "newest", GroupDecision()),
        (view("a", "", "", ""), "newest", GroupDecision(mark=True)),  # never set
        (view("a", "", "a", ""), "newest", GroupDecision(mark=True)),  # set, but perhaps it did not get through
        (view("a", "", "a", "a"), "newest", GroupDecision(take=("a",))),  # taken off by hand
        (view("a", "", "a", "a"), "ours", GroupDecision(mark=True)),
        (view("a", "", "a", "a"), "ahead", GroupDecision(mark=True)),
        (view("", "b", "", ""), "newest", GroupDecision(give=("b",))),
        (view("", "b", "", ""), "ours", GroupDecision(mark=True)),
        (view("", "b", "b", "b"), "newest", GroupDecision(mark=True)),  # ours, and over
        (view("ac", "ab", "ac", "ac"), "newest", GroupDecision(("b",), ("c",))),
    ],
)
def test_a_group_on_the_phones_follows_what_people_do_by_hand(
    sides: GroupView, policy: Policy, decision: GroupDecision
) -> None:
    assert compare_group(sides, policy) == decision
