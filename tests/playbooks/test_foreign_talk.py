"""The shipped rule books over other people's talk: travellers' questions move nobody's card."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bot.platform.config.settings import Settings, load_settings
from taggers.utterance import Utterance

PLAYBOOKS = sorted(
    (Path(__file__).parents[2] / "bot" / "platform" / "config" / "playbooks").glob("*.toml"),
    key=lambda path: path.stem,
)
ASKS_PRICE = {"价格", "门票", "人均消费", "酒店设施"}
ASKS_PLACE = {"地址", "营业时间", "周边酒店", "周边餐馆", "周边景点"}

# How often each tag is heard in 4,229 sentences of travellers, and why that is right: the words say just that,
# whoever says them, and no card moves for it.
HEARD = {
    "automotive": {
        "问地址": (489, "they ask where a place is or when it opens"),
        "满意": (13, "they say that they are satisfied, or praise whom they talk to"),
        "再考虑": (3, "they say that they will think about it"),
        "问优惠": (1, "they ask whether there is a discount"),
        "嫌贵": (1, "they say that it is expensive"),
        "对比竞品": (1, "they ask which of two is better"),
    },
    "b2b": {
        "再考虑": (3, "they say that they will think about it"),
        "问优惠": (2, "they ask for a discount, or would like it cheaper"),
    },
    "education": {
        "再考虑": (3, "they say that they will think about it"),
        "问优惠": (1, "they ask whether there is a discount"),
        "嫌贵": (1, "they say that it is expensive"),
        "没时间": (1, "they say that they are too busy"),
    },
    "maternity": {
        "问门店": (146, "they ask where a place is"),
        "好评": (11, "they say that they are satisfied"),
        "再考虑": (3, "they say that they will think about it"),
        "想咨询": (2, "they say that they want to ask somebody"),
        "问优惠": (1, "they ask whether there is a discount"),
        "嫌贵": (1, "they say that it is expensive"),
    },
}
PRICE = "考虑价格"
MOST_PRICES = 17
"""Bare questions for a price: no word tells a traveller's from a customer's, and each of them is one.

Of 16 the annotators say so themselves; the 17th asks it in so many words (价格多少呢？地址在哪？), and they noted
the rest alone.
"""


@pytest.fixture(scope="module")
def sayings(shared: Path) -> list[tuple[str, set[str]]]:
    """What customers say there, with what annotators say they ask for."""
    lines = (shared / "data" / "crosswoz" / "dialogues.jsonl").read_text("utf-8").splitlines()
    turns: list[dict[str, Any]] = [turn for line in lines for turn in json.loads(line)["turns"]]
    return [
        (turn["text"], {slot for intent, _, slot, _ in turn["acts"] if intent == "Request"})
        for turn in turns
        if turn["role"] == "customer"
    ]


def moving(settings: Settings) -> set[str]:
    """Tags that move a card."""
    stages = [stage for pipeline in settings.pipelines for stage in pipeline.stages]
    return {name for stage in stages for name in (stage.on if stage.on is not None else (stage.name,))}


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: path.stem)
def test_other_peoples_talk_moves_no_card(path: Path, sayings: list[tuple[str, set[str]]]) -> None:
    settings = load_settings(path, examples=False)
    assert len(sayings) > 4_000
    heard = [
        (hit.tag, text, asked)
        for text, asked in sayings
        for hit in settings.book.judge(Utterance.typed(text))
        if hit.times == 1
    ]
    assert [(tag, text) for tag, text, _ in heard if tag in moving(settings) - {PRICE}] == []
    prices = [(text, asked) for tag, text, asked in heard if tag == PRICE]
    assert len(prices) <= MOST_PRICES
    assert [text for text, asked in prices if not asked & ASKS_PRICE and "钱" not in text and "价" not in text] == []
    others = Counter(tag for tag, _, _ in heard if tag != PRICE)
    assert dict(others) == {tag: count for tag, (count, _) in HEARD[path.stem].items()}
    places = [(text, asked) for tag, text, asked in heard if tag in ("问地址", "问门店")]
    assert [text for text, asked in places if not asked & ASKS_PLACE and not names_place(text)] == []


def names_place(text: str) -> bool:
    return any(word in text for word in ("地址", "营业时间", "停车"))


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: path.stem)
def test_agents_talk_of_travel_earns_nothing(path: Path, shared: Path) -> None:
    settings = load_settings(path, examples=False)
    lines = (shared / "data" / "crosswoz" / "dialogues.jsonl").read_text("utf-8").splitlines()
    turns = [turn["text"] for line in lines for turn in json.loads(line)["turns"] if turn["role"] == "agent"]
    hits = [(hit.tag, text) for text in turns for hit in settings.book.judge(Utterance.typed(text, sender="agent"))]
    assert hits == []
