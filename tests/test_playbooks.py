"""The playbooks that are shipped: they load, their examples hold, and the story of the price can be told."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.platform.config.settings import Settings, load_settings
from sop.planning import plan_steps
from sop.stages import Move, decide_move
from sop.triggers import Trigger, starts
from sop.wording import check_wording
from taggers.utterance import Utterance

ROOT = Path(__file__).parent.parent
PLAYBOOKS = sorted((ROOT / "bot" / "platform" / "config" / "playbooks").glob("*.toml"))


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
    assert {rule.tag for rule in tables.rules if rule.kind == "tag"} <= declared
    assert [problem for rule in tables.rules for problem in check_wording(rule.reply or "")] == []
    assert {len(sop.steps) for sop in tables.sops} >= {3}
    assert "@added" in {sop.on for sop in tables.sops}


def test_the_first_config_is_the_education_playbook() -> None:
    assert (ROOT / "config.toml").read_bytes() == (
        ROOT / "bot" / "platform" / "config" / "playbooks" / "education.toml"
    ).read_bytes()


def tags_of(settings: Settings, text: str) -> set[str]:
    return {hit.tag for hit in settings.book.judge(Utterance.typed(text))}


@pytest.mark.parametrize("text", ["你们的课多少钱？", "你们的课多少钱?", "学费多少", "請問課程多少錢"])
def test_a_question_for_the_price_is_heard(education: Settings, text: str) -> None:
    assert "考虑价格" in tags_of(education, text)


SMALL_TALK = """
在吗 | 在吗？ | 你好 | 你好，在吗 | 有人吗 | 嗯嗯 | 好的 | 好的谢谢 | 收到 | 谢谢 | 哈哈 | 1 | [微笑]
早上好 | 晚上好
可以 | 太好了 | 晚点聊 | 有空再聊 | 发我看看 | 这是什么 | 你是谁 | 怎么称呼您 | 不用了 | 今天天气真好 | 明天见
"""


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: path.stem)
def test_small_talk_earns_no_tag(path: Path) -> None:
    settings = load_settings(path, examples=False)
    texts = [text.strip() for line in SMALL_TALK.strip().splitlines() for text in line.split("|")]
    assert {text: tags for text in texts if (tags := tags_of(settings, text))} == {}


JOURNEYS = {
    "education": [
        ("在吗", "新线索"),
        ("想给孩子拍照，零基础能学会吗", "新线索"),
        ("你们的课多少钱？", "考虑价格"),
        ("那我先报名0元课", "0元引流课"),
        ("昨晚的听完了", "0元引流课"),
        ("正式课怎么收费", "考虑价格"),
        ("9.9的我付好了", "9.9元培育课"),
        ("199的付款了", "199爆款课"),
        ("VIP课多少钱", "199爆款课"),
        ("9.9的我也付好了", "199爆款课"),
        ("2999已转账", "2999 VIP课"),
        ("9999终身会员我付好了", "9999终身会员"),
    ],
    "maternity": [
        ("你好呀", "新会员"),
        ("宝宝三个月了", "收集信息"),
        ("这款奶粉多少钱", "考虑价格"),
        ("我进群了", "拉群培育"),
        ("那帮我约明天下午", "赠送咨询"),
        ("小样收到了", "赠送商品"),
        ("我已下单", "首次购买"),
        ("再问下多少钱一罐", "首次购买"),
    ],
    "automotive": [
        ("在吗", "客户线索"),
        ("预算15万左右", "在线初步沟通"),
        ("落地多少钱", "考虑价格"),
        ("周六上午到店看看", "考虑价格"),
        ("我到店了", "到店"),
        ("昨天试驾完感觉不错", "试驾"),
        ("我和老婆商量一下", "试驾"),
        ("定金交了", "下定"),
    ],
    "b2b": [
        ("在吗", "线索"),
        ("现在用表格记客户，乱得很", "线索"),
        ("一年多少钱？", "考虑价格"),
        ("周四下午约演示吧", "演示"),
        ("这个得领导批", "演示"),
        ("登录上了，界面挺清楚", "试用"),
        ("有没有培训", "试用"),
        ("合同盖章了，今天寄出", "签约"),
        ("续费怎么算", "签约"),
        ("我们续了一年", "续费"),
    ],
}


@pytest.mark.parametrize("name", sorted(JOURNEYS))
def test_what_a_customer_says_leads_him_along_the_road(name: str) -> None:
    settings = load_settings(ROOT / "bot" / "platform" / "config" / "playbooks" / f"{name}.toml", examples=False)
    (pipeline,) = settings.pipelines
    before: str | None = None
    standing: str | None = None
    triggers: set[str] = {"@added"}
    for text, expected in [("", pipeline.stages[0].name), *JOURNEYS[name]]:
        move = decide_move(pipeline, standing, sorted(triggers | tags_of(settings, text)), "rule", before=before)
        if isinstance(move, Move):
            before, standing = standing, move.to
        assert standing == expected, text
        triggers = {"@spoke"}


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
