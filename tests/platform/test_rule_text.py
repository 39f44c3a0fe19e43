"""Editing one rule in config.toml: every byte outside of it stays, and so do comments inside of it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.platform.config.rule_text import (
    UnknownRuleError,
    add_rule,
    change_rule,
    find_rule,
    remove_rule,
    rule_blocks,
    switch_sop,
)
from bot.platform.config.settings import parse_settings
from bot.platform.config.toml_tables import written

SHIPPED = (Path(__file__).resolve().parents[2] / "config.toml").read_text(encoding="utf-8")
COMMENTED = """# 开头的说明
[workspace]
name = "学堂"   # 行尾说明

# 第一条
[[rules]]
id = "one"    # 编号说明
tag = "甲"
any = ["一",  # 这个词
  "二"]       # 那个词
  # 例句之前
  [rules.examples]
  hit = ["一二"]   # 好例句

# ── 下一节的说明 ──
[[rules]]
id = "two"
tag = "乙"
any = ["三"]

# ── 跟进 ──
[[sops]]
id = "s"
on = "@added"
  # 步骤的说明
  [[sops.steps]]
  say = "你好"
# 结尾
"""


def around(source: str, rule_id: str) -> tuple[bytes, bytes]:
    block = find_rule(source, rule_id)
    raw = source.encode()
    return raw[: block.start], raw[block.end :]


def test_nothing_changed_changes_no_byte() -> None:
    for block in rule_blocks(SHIPPED):
        assert change_rule(SHIPPED, block.id, block.values) == SHIPPED


@pytest.mark.parametrize(
    "change",
    [
        {"tag": "嫌贵"},
        {"times": 3, "within": "7d"},
        {"near": {"words": ["多少", "钱"], "within": 6}},
        {"when": {"tags": ["高意向"]}},
        {"examples": {"hit": ["多少钱"], "miss": []}},
        {"any": ["一个很长很长的词" * 3] * 1 + [f"词{n}" for n in range(40)]},
        {"regex": r"(\d+)\s*元"},
        {"reply": '第一行\n第二行 "引号" \\ 反斜杠'},
    ],
)
def test_only_the_rule_changes_and_it_becomes_what_was_asked(change: dict[str, Any]) -> None:
    for rule_id in ("ask-price", "complain", "asks-price-again-and-again"):
        wanted = {**find_rule(SHIPPED, rule_id).values, **change}
        changed = change_rule(SHIPPED, rule_id, wanted)
        assert around(changed, rule_id) == around(SHIPPED, rule_id)
        assert find_rule(changed, rule_id).values == wanted
        others = [rule for rule in tomllib.loads(changed)["rules"] if rule["id"] != rule_id]
        assert others == [rule for rule in tomllib.loads(SHIPPED)["rules"] if rule["id"] != rule_id]


def test_comments_inside_the_rule_stay_as_well() -> None:
    block = find_rule(COMMENTED, "one")
    changed = change_rule(COMMENTED, "one", {**block.values, "any": ["一", "新"], "times": 2})
    for comment in (
        "# 编号说明",
        "# 这个词",
        "# 例句之前",
        "# 好例句",
        "# ── 下一节的说明 ──",
        "# 结尾",
        "# 行尾说明",
    ):
        assert comment in changed
    assert find_rule(changed, "one").values["any"] == ["一", "新"]


def test_a_key_goes_when_it_is_not_wanted() -> None:
    changed = change_rule(COMMENTED, "one", {"id": "one", "tag": "甲", "any": ["一", "二"]})
    assert "examples" not in find_rule(changed, "one").values
    before, behind = around(COMMENTED, "one")
    assert changed.encode().startswith(before)
    assert changed.encode().endswith(behind)


def test_a_new_rule_comes_behind_the_last_and_goes_without_a_trace() -> None:
    values = {"id": "new", "tag": "考虑价格", "any": ["新词"], "examples": {"hit": ["这是新词"]}}
    for source in (SHIPPED, COMMENTED):
        added = add_rule(source, values)
        assert rule_blocks(added)[-1].values == values
        assert added.index('id = "new"') < added.index("[[sops]]")
        assert remove_rule(added, "new") == source
    assert tomllib.loads(add_rule("", values))["rules"] == [values]
    assert tomllib.loads(add_rule("[workspace]\nname = 'x'", values))["rules"] == [values]
    parse_settings(add_rule(SHIPPED, values))


def test_an_unknown_rule_is_named() -> None:
    with pytest.raises(UnknownRuleError, match="没有编号"):
        change_rule(COMMENTED, "three", {})
    with pytest.raises(UnknownRuleError):
        switch_sop(COMMENTED, "three", enabled=False)


def test_a_broken_file_still_shows_the_rules_that_can_be_read() -> None:
    broken = COMMENTED.replace('tag = "乙"', "tag = 乙")
    assert [block.id for block in rule_blocks(broken)] == ["one"]


def test_an_sop_is_switched_off_and_on_again() -> None:
    off = switch_sop(COMMENTED, "s", enabled=False)
    assert tomllib.loads(off)["sops"][0]["enabled"] is False
    assert switch_sop(off, "s", enabled=True) == COMMENTED
    assert "# 步骤的说明" in off
    assert parse_settings(switch_sop(SHIPPED, "wake-up", enabled=False)).sops["wake-up"].enabled is False


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)
VALUE = st.one_of(TEXT, st.integers(-(10**9), 10**9), st.booleans(), st.lists(TEXT, max_size=5))


@given(st.one_of(VALUE, st.dictionaries(st.sampled_from(["words", "within", "hit"]), VALUE, min_size=1)))
def test_whatever_is_written_is_read_back(value: Any) -> None:
    assert tomllib.loads(f"x = {written(value)}\n")["x"] == value
