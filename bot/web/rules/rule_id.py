"""Makes a rule's id out of its tag: 考虑价格 becomes kao-lv-jia-ge."""

from __future__ import annotations

import re
from collections.abc import Collection

_LONGEST = 64
_SERIAL = 4  # characters kept free for -2, -3, …


def id_from(text: str, taken: Collection[str]) -> str:
    """A free id for a rule of this tag or word; "rule" where the text holds nothing that could be spelt."""
    from pypinyin import Style, lazy_pinyin  # only here: its phrases take long to load

    syllables = lazy_pinyin(text, style=Style.NORMAL, errors="default")
    spelt = re.sub(r"[^a-z0-9]+", "-", "-".join(syllables).lower().replace("ü", "v")).strip("-")
    base = spelt[: _LONGEST - _SERIAL].rstrip("-") or "rule"
    numbered = (f"{base}-{number}" for number in range(2, 1000))
    return base if base not in taken else next((one for one in numbered if one not in taken), base)
