"""Rule books for the tests, written as config.toml would have them."""

from __future__ import annotations

import tomllib
from typing import Any

from taggers.rule import Rule, Synonym, TagGroup
from taggers.rulebook import RuleBook, compile_rulebook

PRICES = [{"name": "价格", "words": ["价格", "价钱", "费用", "学费", "收费", "多少钱", "怎么卖"]}]


def book(*rules: dict[str, Any], synonyms: list[dict[str, Any]] | None = None, **given: Any) -> RuleBook:
    """Compile rules given as tables; `id` and `tag` are filled in."""
    made = [Rule.model_validate({"id": f"r{place}", "tag": f"t{place}", **rule}) for place, rule in enumerate(rules)]
    sets = [Synonym.model_validate(table) for table in (PRICES if synonyms is None else synonyms)]
    return compile_rulebook(made, synonyms=sets, version="v1", **given)


def from_toml(text: str, **given: Any) -> RuleBook:
    """Compile the rule tables of a config.toml."""
    tables = tomllib.loads(text)
    return compile_rulebook(
        [Rule.model_validate(table) for table in tables.get("rules", [])],
        synonyms=[Synonym.model_validate(table) for table in tables.get("synonyms", [])],
        words=tables.get("text", {}).get("words", []),
        tag_groups=[TagGroup.model_validate(table) for table in tables.get("tags", [])],
        **given,
    )
