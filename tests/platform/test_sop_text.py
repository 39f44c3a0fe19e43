"""[[sops]] edited inside config.toml: what was not changed stays byte for byte, comments go with their step."""

from __future__ import annotations

import copy
import tomllib
from pathlib import Path

import pytest

from bot.platform.config.rule_text import UnknownRuleError
from bot.platform.config.sop_text import add_sop, change_sop, find_sop, pair_steps, sop_blocks

TEXT = """# oben
[[sops]]
id = "first"   # bleibt
stage = "新线索"
stop = [
  "reply",  # 有回复就停
  "left",
]

  # 打招呼
  [[sops.steps]]
  after = "0m"    # 马上
  say = "您好"

  # 第二天
  [[sops.steps]]
  after = "1d"
  say = ["甲", "乙"]
  attach = [{ kind = "link", title = "x", url = "https://example.com" }]

# 下一份
[[sops]]
id = "second"
on = "@added"
steps = [{ say = "一行写完" }]
"""


def test_shipped_configs_come_back_as_they_were() -> None:
    for path in (Path("config.toml"), *Path("bot/platform/config/playbooks").glob("*.toml")):
        source = path.read_text(encoding="utf-8")
        blocks = sop_blocks(source)
        assert [block.values for block in blocks] == tomllib.loads(source)["sops"]
        for block in blocks:
            assert change_sop(source, block.id, block.values) == source


def test_comments_stay_and_go_with_their_step() -> None:
    values = copy.deepcopy(find_sop(TEXT, "first").values)
    values["steps"].reverse()
    values["steps"][1]["say"] = "您好呀"
    values["stop"] = ["reply", "left", "lost"]
    changed = change_sop(TEXT, "first", values)
    assert tomllib.loads(changed)["sops"][0] == values
    for comment in ("# oben", "# bleibt", "# 有回复就停", "# 马上", "# 下一份"):
        assert comment in changed
    assert changed.index("# 第二天") < changed.index('say = ["甲", "乙"]') < changed.index("# 打招呼")
    assert changed.split("# 下一份")[1] == TEXT.split("# 下一份")[1]


def test_steps_are_added_and_taken_out() -> None:
    values = copy.deepcopy(find_sop(TEXT, "first").values)
    values["steps"] = [values["steps"][1], {"after": "2d", "at": "10:00", "say": "新的\n两行"}]
    changed = change_sop(TEXT, "first", values)
    assert tomllib.loads(changed)["sops"][0] == values
    assert "# 第二天" in changed
    assert '  [[sops.steps]]\n  after = "2d"\n' in changed


def test_one_written_in_one_line_is_edited_too() -> None:
    changed = change_sop(TEXT, "second", {"id": "second", "on": "@added", "steps": [{"say": "改了"}]})
    assert tomllib.loads(changed)["sops"][1]["steps"] == [{"say": "改了"}]
    with pytest.raises(UnknownRuleError, match="third"):
        find_sop(TEXT, "third")


def test_a_new_one_stands_behind_the_last() -> None:
    values = {"id": "new", "stage": "新线索", "steps": [{"after": "1d", "say": ["a", "b"]}]}
    assert tomllib.loads(add_sop(TEXT, values))["sops"][2] == values
    assert add_sop(TEXT, values).startswith(TEXT)
    assert tomllib.loads(add_sop("[text]\nwords = []", values))["sops"] == [values]


def test_which_step_is_which() -> None:
    a, b, c = {"say": "a"}, {"say": "b"}, {"say": "c"}
    assert pair_steps([a, b, c], [b, a, {"say": "new"}]) == [1, 0, 2]
    assert pair_steps([a, b], [a, {"say": "x"}, {"after": "1d", "say": "b"}]) == [0, None, 1]
    assert pair_steps([a, a], [a]) == [0]
