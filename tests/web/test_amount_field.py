"""The field for a rule's amounts: what the file has goes through the form and back unchanged."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from werkzeug.datastructures import MultiDict

from bot.platform.config.parsing import ConfigError
from bot.platform.config.rule_text import change_rule, find_rule
from bot.platform.config.settings import parse_settings
from bot.web.rules.rule_form import FIELDS, read_form, shown
from taggers.rule import Rule

RULE = '[[rules]]\nid = "paid"\ntag = "已付"\nany = ["付了"]\namount = {amount}\n'
VALUES = ["[199]", "[9.9, 199]", "{ from = 100, to = 300 }", "{ from = 100 }", "{ to = 9.9 }", '["9块9", 199]']


@pytest.mark.parametrize("written", VALUES)
def test_amounts_survive_the_form(written: str) -> None:
    text = RULE.replace("{amount}", written)
    old = find_rule(text, "paid").values
    posted = MultiDict({field.name: shown(field, old) for field in FIELDS if field.kind not in ("many", "yes")})
    assert read_form(posted, old) == old
    posted["reply"] = "好的"
    changed = change_rule(text, "paid", read_form(posted, old))
    assert find_rule(changed, "paid").values == {**old, "reply": "好的"}
    parse_settings(changed, examples=False)


@pytest.mark.parametrize(
    "written", ['"abc"', "[]", "{}", "[-1]", "[true]", "{ from = 3, to = 1 }", "{ at = 3 }", "[nan]"]
)
def test_what_is_no_amount_is_refused_in_words(written: str) -> None:
    with pytest.raises(ConfigError, match="amount"):
        parse_settings(RULE.replace("{amount}", written), examples=False)


@pytest.mark.parametrize(
    ("value", "told"),
    [([9.9, 199], "9.9、199"), ({"from": 100, "to": 300}, "100-300"), ({"from": 5}, "≥5"), ("1.9w", "19000")],
)
def test_amounts_are_told_as_people_write_them(value: Any, told: str) -> None:
    assert str(Rule.model_validate({"id": "r", "tag": "t", "amount": value}).amount) == told


def test_a_range_upside_down_is_refused() -> None:
    with pytest.raises(ValidationError, match="from 比 to 大"):
        Rule.model_validate({"id": "r", "tag": "t", "amount": {"from": 3, "to": 1}})
