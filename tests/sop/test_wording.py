"""Placeholders are filled, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sop.wording import check_wording, render

VALUES = {"customer.name": "王芳", "agent.name": "小林", "stage": "考虑价格", "company": "示例教育"}


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("您好", VALUES, "您好"),
        ("{customer.name}您好，我是{company}的{agent.name}", VALUES, "王芳您好，我是示例教育的小林"),
        ("{customer.name|您}好", VALUES, "王芳好"),
        ("{customer.name|您}好", {}, "您好"),
        ("{customer.name|您}好", {"customer.name": "  "}, "您好"),
        ("{customer.name}您好", {}, "您好"),
        ("{ customer.name | 您 }好", {}, " 您 好"),
        ("现在是{stage}，{stage}", VALUES, "现在是考虑价格，考虑价格"),
        ("{customer.name}好", {"customer.name": "{stage}", "stage": "坏"}, "{stage}好"),
        ("{customer.name|{stage}}", {"stage": "考虑价格"}, "{customer.name|考虑价格}"),
        ("{customer.name.__class__}", VALUES, "{customer.name.__class__}"),
        ("{0} {} %s $x", VALUES, "{0} {} %s $x"),
        ("{customer.city|本地}", {"customer.city": "成都"}, "成都"),
        ("\\1 \\g<0>{customer.name}", {"customer.name": "\\2"}, "\\1 \\g<0>\\2"),
    ],
)
def test_render(text: str, values: dict[str, str], expected: str) -> None:
    assert render(text, values) == expected


@given(name=st.text(max_size=40).map(str.strip).filter(bool))
def test_a_name_stays_what_it_is(name: str) -> None:
    assert render("致{customer.name}：{stage}", {"customer.name": name, "stage": "新"}) == f"致{name}：新"


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("{customer.name|您}好，我是{agent.name}，{company}，{stage}", []),
        ("没有占位符", []),
        ("{customer.nmae}好", ["没有占位符 {customer.nmae}，是不是 {customer.name}？"]),
        ("{weather}", ["没有占位符 {weather}，可用的有"]),
        ("{} {customer.name", ["没有占位符 {}", "花括号没有成对"]),
        ("多出一个 }", ["花括号没有成对"]),
        ("{x} {agnet.name}", ["没有占位符 {x}", "是不是 {agent.name}？"]),
    ],
)
def test_check_wording(text: str, problems: list[str]) -> None:
    found = check_wording(text)
    assert len(found) == len(problems)
    assert all(part in message for part, message in zip(problems, found, strict=True))


def test_a_company_may_have_fields_of_its_own() -> None:
    assert check_wording("{customer.city}", fields=["customer.city"]) == []
    assert "是不是 {customer.city}" in check_wording("{customer.ctiy}", fields=["customer.city"])[0]
