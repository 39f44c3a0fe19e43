"""The playbooks that are shipped: they load, their examples hold, and the story of the price can be told."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.settings import Settings, load_settings
from sop.planning import plan_steps
from sop.stages import Move, decide_move
from sop.triggers import Trigger, starts
from sop.wording import check_wording
from taggers.utterance import Utterance

ROOT = Path(__file__).parent.parent
PLAYBOOKS = sorted((ROOT / "bot" / "playbooks").glob("*.toml"))


@pytest.fixture(scope="module")
def education() -> Settings:
    return load_settings(ROOT / "config.toml")


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: path.stem)
def test_a_playbook_loads_and_its_examples_hold(path: Path) -> None:
    tables = load_settings(path).tables
    declared = {name for group in tables.tags for name in group.names}
    assert len(tables.rules) >= 25
    assert len(tables.sops) >= 3
    assert tables.welcome is not None
    assert [rule.id for rule in tables.rules if not (rule.examples.hit and rule.examples.miss)] == []
    assert {rule.tag for rule in tables.rules} <= declared
    assert [problem for rule in tables.rules for problem in check_wording(rule.reply or "")] == []
    assert {len(sop.steps) for sop in tables.sops} >= {3}
    assert "@added" in {sop.on for sop in tables.sops}


def test_the_first_config_is_the_education_playbook() -> None:
    assert (ROOT / "config.toml").read_bytes() == (ROOT / "bot" / "playbooks" / "education.toml").read_bytes()


def tags_of(settings: Settings, text: str) -> set[str]:
    return {hit.tag for hit in settings.book.judge(Utterance.typed(text))}


@pytest.mark.parametrize("text", ["你们的课多少钱？", "你们的课多少钱?", "学费多少", "請問課程多少錢"])
def test_a_question_for_the_price_is_heard(education: Settings, text: str) -> None:
    assert "考虑价格" in tags_of(education, text)


@pytest.mark.parametrize(
    "text", ["在吗", "在吗？", "你好", "你好，在吗", "嗯嗯", "好的", "谢谢", "哈哈", "1", "[微笑]", "早上好"]
)
def test_small_talk_earns_no_tag(education: Settings, text: str) -> None:
    assert tags_of(education, text) == set()


def test_the_price_moves_the_card_and_plans_three_steps(education: Settings) -> None:
    move = decide_move(education.pipelines[0], "新线索", ["考虑价格"], "rule")
    assert isinstance(move, Move)
    assert move.to == "考虑价格"
    (sop,) = starts(education.tables.sops, Trigger("stage", move.to))
    asked_at = datetime(2026, 3, 4, 15, 20, tzinfo=ZoneInfo("Asia/Shanghai"))
    steps = plan_steps(sop, asked_at, education.workspace, "wm1")
    assert len(steps) == 3
    assert steps[0].due_at == asked_at
    assert steps[1].due_at == datetime(2026, 3, 5, 10, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert {steps[0].on_reply, steps[0].on_silence} == {"已回复", "未回复"}
