"""Positions of keys in a TOML text, in characters and from 1."""

from __future__ import annotations

import pytest

from bot.platform.config.positions import find_positions, nearest

SOURCE = """\
# 说明
[workspace]
name = "学堂"

[[rules]]
id = "a"
any = ["甲", "乙",
  "丙"]
near = { words = ["多少"], within = 6 }

[[rules]]
id = "b"
  [rules.examples]
  hit = ["𠮷多少钱"]
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("workspace",), 2),
        (("workspace", "name"), 3),
        (("rules", 0, "id"), 6),
        (("rules", 0, "any", 1), 7),
        (("rules", 0, "any", 2), 8),
        (("rules", 0, "near", "within"), 9),
        (("rules", 1), 11),
        (("rules", 1, "examples", "hit", 0), 14),
    ],
)
def test_each_key_is_found(path: tuple[str | int, ...], line: int) -> None:
    assert nearest(find_positions(SOURCE), path)[0] == line


def test_columns_count_characters_not_bytes() -> None:
    assert nearest(find_positions('any = ["甲", "乙"]'), ("any", 1)) == (1, 13)


def test_a_key_that_is_not_there_is_told_by_its_nearest_table() -> None:
    assert nearest(find_positions(SOURCE), ("rules", 1, "tag"))[0] == 11
    assert nearest(find_positions(""), ("rules",)) == (1, 1)
