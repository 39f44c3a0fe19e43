"""Finds quotes that stand within a quoted text: say = "现在"超值"了" ends at its second quote."""

from __future__ import annotations

import re

QUOTES_WITHIN = '文字里又用了英文双引号，文字到那里就断了；里面的引号请改成「」，或者在前面加反斜杠写成 \\"'
_TEXT = re.compile(r"""(?P<three>\"{3}|'{3})|"(?:[^"\\]|\\.)*"|'[^']*'|#.*""")
_MAY_FOLLOW = " \t,]}#=.:\"'"  # a second quote right after a text is a forgotten comma, which has its own words
_WORDS_GO_ON = re.compile(r"[ \t]+[^\s,\]}#=\"'.][^\"#=]*\"")  # "现在 "超值" 了"


def quotes_within(row: str) -> bool:
    """Whether a text of this row of TOML ends before its words do."""
    for found in _TEXT.finditer(row):
        if found["three"]:
            return False
        behind = row[found.end() :]
        if found[0][0] == '"' and (behind[:1] not in _MAY_FOLLOW or _WORDS_GO_ON.match(behind)):
            return True
    return False
