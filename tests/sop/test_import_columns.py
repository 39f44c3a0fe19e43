"""Columns of an imported table: proposals by their headings, tags in a cell, phone numbers as they are compared."""

from __future__ import annotations

import pytest

from sop.fields import known_fields
from sop.import_columns import plain_phone, propose, split_tags
from sop.workspace import FieldDefinition

FIELDS = known_fields([FieldDefinition(name="phone", title="电话", kind="phone"), FieldDefinition(name="城市")])


@pytest.mark.parametrize(
    ("headings", "proposed"),
    [
        ("手机号 标签 阶段 城市 随便", ("key:phone", "tags", "stage:课程转化", "field:城市", "")),
        ("external_userid 电话 birthday", ("key:external_userid", "field:phone", "field:birthday")),
        ("备注 手机 老客服务", ("", "key:phone", "stage:老客服务")),
        ("城市 城市 TAGS", ("field:城市", "", "tags")),
        ("", ("",)),
    ],
)
def test_columns_are_proposed_by_their_headings(headings: str, proposed: tuple[str, ...]) -> None:
    assert propose(headings.split(" "), FIELDS, ["课程转化", "老客服务"]) == proposed


def test_cells() -> None:
    assert split_tags("高意向、已付款,高意向 ; 老客") == ("高意向", "已付款", "老客")
    assert {plain_phone(one) for one in ("13812345678", "+86 138-1234-5678", "'13812345678")} == {"13812345678"}
