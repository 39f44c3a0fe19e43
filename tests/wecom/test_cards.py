"""Cards keep WeCom's limits whatever is put into them, and are the same bytes each time."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.wecom.cards import LONGEST, Button, TaskCard, button_interaction, cut, text_notice, textcard

CARD = TaskCard(
    task_id="task-17",
    customer="王海棠",
    when="今天 10:00",
    say="王女士您好，课程分三档，我给您对比一下？",
    url="https://tici.example/t/17",
    stage="考虑价格",
    why="客户问了价格",
    heading="价格跟进 · 第 1 步",
)


def test_a_text_notice_says_who_when_what_and_why() -> None:
    assert text_notice(CARD) == {
        "card_type": "text_notice",
        "source": {"desc": "提词", "desc_color": 0},
        "main_title": {"title": "王海棠", "desc": "价格跟进 · 第 1 步"},
        "quote_area": {"type": 0, "title": "建议这样说", "quote_text": "王女士您好，课程分三档，我给您对比一下？"},
        "horizontal_content_list": [
            {"keyname": "时间", "value": "今天 10:00"},
            {"keyname": "阶段", "value": "考虑价格"},
            {"keyname": "原因", "value": "客户问了价格"},
        ],
        "task_id": "task-17",
        "card_action": {"type": 1, "url": "https://tici.example/t/17"},
    }


def test_buttons_carry_their_keys() -> None:
    card = button_interaction(CARD, [Button("已发送", "done:17"), Button("跳过", "skip:17", 2)])
    assert [button["key"] for button in card["button_list"]] == ["done:17", "skip:17"]
    assert card["card_type"] == "button_interaction"


def test_a_button_may_open_a_page_instead() -> None:
    card = button_interaction(CARD, [Button("看话术", url=CARD.url), Button("已发送", "done:17", 2)])
    assert card["button_list"][0] == {"type": 1, "text": "看话术", "style": 1, "url": CARD.url}
    with pytest.raises(ValueError, match="https"):
        button_interaction(CARD, [Button("看话术", url="javascript:1")])


def test_a_textcard_escapes_what_it_shows() -> None:
    card = textcard(TaskCard("t", "<b>", "现在", "1 < 2 & 3", "http://x"))
    assert card["description"] == ('<div class="gray">现在</div><div class="highlight">1 &lt; 2 &amp; 3</div>')


@pytest.mark.parametrize("text", ["a", "ab", "abc", "a b  c\n\td", "x" * 9])
def test_cut(text: str) -> None:
    assert len(cut(text, 5)) <= 5
    assert cut("abcdef", 5) == "abcd…"
    assert cut("abcde", 5) == "abcde"
    assert cut("a\x00\n b", 5) == "a b"


_TEXT = st.one_of(st.text(max_size=700), st.sampled_from(["&" * 700, "<" * 600, "\ud800" * 9, "字" * 2000, ""]))


@given(_TEXT, _TEXT, _TEXT, _TEXT, _TEXT)
def test_limits_hold(customer: str, when: str, say: str, stage: str, why: str) -> None:
    card = TaskCard("t", customer, when, say, "https://x.example", stage, why)
    notice, plain = text_notice(card), textcard(card)
    assert 1 <= len(notice["main_title"]["title"]) <= 36
    assert all(len(row["keyname"]) <= 5 and len(row["value"]) <= 26 for row in notice["horizontal_content_list"])
    assert len(notice["quote_area"]["quote_text"]) <= LONGEST["quote"]
    assert len(plain["title"]) <= 128
    assert len(plain["description"]) <= 512
    assert plain["description"].count("<div") == plain["description"].count("</div>")
    assert (
        json.dumps(notice, ensure_ascii=False).encode() == json.dumps(text_notice(card), ensure_ascii=False).encode()
    )


@pytest.mark.parametrize("change", [{"task_id": "有空格 "}, {"task_id": ""}, {"url": "javascript:x"}, {"url": ""}])
def test_what_wecom_would_refuse_is_refused_here(change: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"task_id|卡片链接"):
        text_notice(TaskCard(**{**CARD.__dict__, **change}))
