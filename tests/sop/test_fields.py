"""Customers' own facts: how they may be written, how they are kept and said."""

from __future__ import annotations

import pytest

from sop.fields import find_field, known_fields, read_value, show_value, unknown_field, yearly_of
from sop.workspace import BIRTHDAY, EXPIRY, FieldDefinition

NOTE = FieldDefinition(name="school", title="学校")
FIELDS = known_fields([NOTE])


@pytest.mark.parametrize(
    "text", ["1990-05-20", " 1990-5-20", "1990/05/20", "1990年5月20日", "1990.5.20", "1990-05-20 "]
)
def test_a_date_is_read_as_people_write_it(text: str) -> None:
    assert read_value(BIRTHDAY, text) == "1990-05-20"


@pytest.mark.parametrize("text", ["", "5月20日", "1990-02-30", "20/05/1990", "昨天", "=TODAY()"])
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="写作 1990-05-20"):
        read_value(BIRTHDAY, text)


@pytest.mark.parametrize("text", ["=1+1", "+cmd|'/C calc'!A0", "@SUM(A1)", "-2+3+cmd", "\t=1"])
def test_what_a_table_would_calculate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="像是表格公式"):
        read_value(NOTE, text)


@pytest.mark.parametrize(("text", "kept"), [(" 实验 小学 ", "实验 小学"), ("-3", "-3"), ("+86 138", "+86 138")])
def test_plain_words_and_numbers_are_kept(text: str, kept: str) -> None:
    assert read_value(NOTE, text) == kept


def test_a_value_is_not_endless() -> None:
    with pytest.raises(ValueError, match="最多 200 个字"):
        read_value(NOTE, "长" * 201)


def test_values_are_shown_as_people_say_them() -> None:
    shown = [show_value(field, "2026-05-20") for field in (BIRTHDAY, EXPIRY, NOTE)]
    assert shown == ["5月20日", "2026年5月20日", "2026-05-20"]


def test_a_column_may_bear_the_name_or_the_title() -> None:
    assert [find_field(FIELDS, heading) for heading in ("school", "学校", " Birthday ", "生日", "生肖")] == [
        NOTE, NOTE, BIRTHDAY, BIRTHDAY, None,
    ]  # fmt: skip
    assert "birthday（生日）" in unknown_field(list(FIELDS.values()), "生肖")
    assert yearly_of(FIELDS) == {"birthday"}
