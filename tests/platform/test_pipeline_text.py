"""[[pipelines]] edited inside config.toml: what was not changed stays byte for byte, comments go with their stage."""

from __future__ import annotations

import copy
import tomllib
from pathlib import Path
from typing import Any

import pytest

from bot.platform.config.pipeline_text import change_pipeline, find_pipeline, pipeline_blocks
from bot.platform.config.rule_text import UnknownRuleError

TEXT = """# oben
[[pipelines]]
name = "课程"   # bleibt
stages = [
    # 第一眼
    { name = "新",   on = ["@added"] },  # 刚加
    { name = "价格" },

    { name = "成交", on = [
      "已付款",  # 财务打的
    ], won = true },
    # 结尾
]

# 没声音
[[pipelines.moves]]
from = "新"    # 从这里
to = "价格"
after = "7d"

# 下一个
[[pipelines]]
name = "老客"
stages = [{ name = "在读", on = [] }, { name = "续费", on = ["已续费"] }]

[[pipelines]]
name = "分表"
  # 甲的说明
  [[pipelines.stages]]
  name = "甲"
  on = []

  # 乙的说明
  [[pipelines.stages]]
  name = "乙"   # 第二
  on = []
"""


def values_of(name: str) -> dict[str, Any]:
    return copy.deepcopy(find_pipeline(TEXT, name).values)


def test_shipped_configs_come_back_as_they_were_and_change_where_they_should() -> None:
    for path in (Path("config.toml"), *Path("bot/platform/config/playbooks").glob("*.toml")):
        source = path.read_text(encoding="utf-8")
        blocks = pipeline_blocks(source)
        assert [block.values for block in blocks] == tomllib.loads(source)["pipelines"]
        for number, block in enumerate(blocks):
            assert change_pipeline(source, block.name, block.values) == source
            values = copy.deepcopy(block.values)
            values["stages"].insert(1, {"name": "新加的", "on": []})
            changed = change_pipeline(source, block.name, values)
            assert tomllib.loads(changed)["pipelines"][number] == values
            assert set(source.splitlines()) <= set(changed.splitlines())


def test_comments_and_spelling_stay_and_go_with_their_stage() -> None:
    values = values_of("课程")
    first, price, won = values["stages"]
    values["stages"] = [price, {**won, "on": ["已付款", "order:*"]}, first, {"name": "流失", "on": []}]
    changed = change_pipeline(TEXT, "课程", values)
    assert tomllib.loads(changed)["pipelines"][0] == values
    assert '    # 第一眼\n    { name = "新",   on = ["@added"] },  # 刚加\n' in changed
    assert changed.index('{ name = "价格" }') < changed.index("# 财务打的") < changed.index('"order:*"')
    assert changed.index('"流失"') < changed.index("# 结尾")
    assert changed.split("# 没声音")[1] == TEXT.split("# 没声音")[1]
    assert changed.startswith('# oben\n[[pipelines]]\nname = "课程"   # bleibt\n')


def test_timed_moves_are_changed_added_and_taken_out() -> None:
    values = values_of("课程")
    values["moves"] = [{"from": "价格", "to": "成交", "after": "3d"}, {"from": "新", "to": "价格", "after": "9d"}]
    changed = change_pipeline(TEXT, "课程", values)
    assert tomllib.loads(changed)["pipelines"][0] == values
    assert 'from = "新"    # 从这里\nto = "价格"\nafter = "9d"' in changed
    del values["moves"]
    assert "moves" not in tomllib.loads(change_pipeline(TEXT, "课程", values))["pipelines"][0]
    fresh = {**values_of("老客"), "moves": [{"from": "在读", "to": "续费", "after": "30d"}]}
    changed = change_pipeline(TEXT, "老客", fresh)
    assert tomllib.loads(changed)["pipelines"][1] == fresh
    assert '\n[[pipelines.moves]]\nfrom = "在读"\n' in changed


def test_stages_in_one_line_and_as_tables_are_edited_too() -> None:
    line = values_of("老客")
    line["stages"].reverse()
    changed = change_pipeline(TEXT, "老客", line)
    assert 'stages = [{ name = "续费", on = ["已续费"] }, { name = "在读", on = [] }]\n' in changed
    tables = values_of("分表")
    tables["stages"] = [tables["stages"][1], tables["stages"][0], {"name": "丙", "on": []}]
    tables["back"] = "anyone"
    changed = change_pipeline(TEXT, "分表", tables)
    assert tomllib.loads(changed)["pipelines"][2] == tables
    assert changed.index("# 乙的说明") < changed.index("# 第二") < changed.index("# 甲的说明")
    assert changed.endswith('\n  [[pipelines.stages]]\n  name = "丙"\n  on = []\n')


def test_one_that_is_not_there_is_said() -> None:
    with pytest.raises(UnknownRuleError, match="没有的"):
        change_pipeline(TEXT, "没有的", {"name": "没有的", "stages": []})
