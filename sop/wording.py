"""Fill the few placeholders a text may hold; not a template language, and what is filled in stays inert."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from rapidfuzz import fuzz, process

from sop.translatable import Translatable

PLACEHOLDERS = {
    "customer.name": "客户的称呼",
    "agent.name": "员工的名字",
    "stage": "客户所在的阶段",
    "company": "企业名称",
}

_PLACEHOLDER = re.compile(r"\{([^{}|]*)(?:\|([^{}]*))?\}")


def render(text: str, values: Mapping[str, str]) -> str:
    """Fill `{name}` and `{name|fallback}`; a value that is missing or blank gives the fallback, or nothing.

    One pass: a value that looks like a placeholder stays as it is. Unknown placeholders stay too
    (check_wording finds them when the config is loaded).
    """

    def fill(found: re.Match[str]) -> str:
        name = found[1].strip()
        if name not in PLACEHOLDERS and name not in values:
            return found[0]
        return values.get(name, "").strip() or (found[2] or "")

    return _PLACEHOLDER.sub(fill, text)


def pieces(text: str, values: Mapping[str, str]) -> list[tuple[str, str]]:
    """The text as render fills it, cut into (words, placeholder): "" for words that were written as they are."""
    found: list[tuple[str, str]] = []
    end = 0
    for place in _PLACEHOLDER.finditer(text):
        found += [(text[end : place.start()], ""), (render(place[0], values), place[1].strip())]
        end = place.end()
    return [(words, name) for words, name in (*found, (text[end:], "")) if words]


def places(text: str) -> list[tuple[str, tuple[str, str] | None]]:
    """The text cut at its placeholders: (words, None), or (as it is written, (name, what is said without it))."""
    found: list[tuple[str, tuple[str, str] | None]] = []
    end = 0
    for place in _PLACEHOLDER.finditer(text):
        found += [(text[end : place.start()], None), (place[0], (place[1].strip(), place[2] or ""))]
        end = place.end()
    return [(words, slot) for words, slot in (*found, (text[end:], None)) if words]


def check_wording(text: str, fields: Collection[str] = ()) -> list[str]:
    """Name what is wrong with a text's placeholders; `fields` are further names that are allowed."""
    known = [*PLACEHOLDERS, *fields]
    problems = [
        _unknown(found[1].strip(), known) for found in _PLACEHOLDER.finditer(text) if found[1].strip() not in known
    ]
    rest = _PLACEHOLDER.sub("", text)
    if "{" in rest or "}" in rest:
        problems.append("花括号没有成对：占位符写作 {customer.name} 或 {customer.name|您}")
    return problems


def _unknown(name: str, known: Collection[str]) -> str:
    near = process.extractOne(name, known, scorer=fuzz.ratio, score_cutoff=50)
    hint = (
        Translatable("，是不是 {{{name}}}？", name=near[0])
        if near
        else Translatable("，可用的有 {names}", names=[f"{{{n}}}" for n in known])
    )
    return Translatable("没有占位符 {{{name}}}{hint}", name=name, hint=hint)
