"""Short texts are looked at once; long ones, and whatever may be a number, are not kept."""

from __future__ import annotations

from taggers.repeated import remembered
from taggers.rule import Rule
from taggers.rulebook import compile_rulebook
from taggers.utterance import Context, Utterance


def test_only_short_words_without_digits_are_kept() -> None:
    asked: list[str] = []

    @remembered
    def length(text: str, more: int) -> int:
        asked.append(text)
        return len(text) + more

    long = "孩子刚睡着，晚点聊，我在上班，下班再看"
    for text in ("收到", "138", "电话１３８", long):
        assert [length(text, 1), length(text, 1), length(text, 2)] == [len(text) + 1, len(text) + 1, len(text) + 2]
    assert asked == ["收到"] * 2 + ["138"] * 3 + ["电话１３８"] * 3 + [long] * 3


def test_the_customer_is_looked_at_only_where_a_rule_asks_for_it() -> None:
    rules = [
        {"id": "plain", "tag": "问价", "any": ["多少钱"]},
        {"id": "again", "tag": "老客", "any": ["再买"], "when": {"tags": ["成交"]}},
    ]
    book = compile_rulebook([Rule.model_validate(rule) for rule in rules])
    asked: list[str] = []

    def hits(text: str) -> list[str]:
        def context() -> Context:
            asked.append(text)
            return Context(tags=frozenset(["成交"]))

        return [hit.tag for hit in book.judge(Utterance.typed(text), context)]

    assert [hits("多少钱"), hits("我想再买一次"), hits("谢谢")] == [["问价"], ["老客"], []]
    assert asked == ["我想再买一次"]
