"""The language of the guided installation: Chinese, or English by the catalogues of the pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.web.layout.languages import wording_in
from taggers.translatable import fill, knows_itself


@dataclass(frozen=True)
class Words:
    """Says texts in one language; code: zh or en."""

    code: str = "zh"

    def __call__(self, text: str, **values: object) -> str:
        comma = "、" if self.code == "zh" else ", "
        if knows_itself(text) and not values:
            return fill(text.wording, text.values, self._wording, comma)
        return fill(text, values, self._wording, comma)

    def _wording(self, chinese: str, values: Mapping[str, object]) -> str:
        return chinese if self.code == "zh" else wording_in(self.code, chinese, values)
