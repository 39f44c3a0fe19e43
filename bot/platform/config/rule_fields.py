"""Fields that rules fill or ask about: each is declared, and can be read out of words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sop.fields import find_field, names_of, unknown_field
from sop.workspace import FieldDefinition
from taggers.rule import Rule
from taggers.translatable import Translatable

Where = tuple[str | int, ...]


def check_rule_fields(rules: Sequence[Rule], fields: Mapping[str, FieldDefinition]) -> Iterator[tuple[Where, str]]:
    """What is wrong with the fields of these rules, with its place in config.toml."""
    names = {name for field in fields.values() for name in names_of(field)}
    for i, rule in enumerate(rules):
        where: Where = ("rules", i)
        if rule.field:
            yield from _check_filled((*where, "field"), rule, fields)
        for key, condition in (("when", rule.when), ("unless", rule.unless)):
            for k, name in enumerate(condition.fields):
                if name not in names:
                    yield (*where, key, "fields", k), unknown_field(list(fields.values()), name)


def _check_filled(where: Where, rule: Rule, fields: Mapping[str, FieldDefinition]) -> Iterator[tuple[Where, str]]:
    field = find_field(fields, rule.field)
    if field is None:
        yield where, unknown_field(list(fields.values()), rule.field)
    elif field.kind == "text" and "(?P<" not in (rule.regex or ""):
        yield (
            where,
            Translatable(
                "「{name}」是文字，要说清记下哪几个字：在 regex 里用 (?P<name>…) 圈出来；"
                "日期、金额等请在 [[fields]] 里写 kind",
                name=rule.field,
            ),
        )
