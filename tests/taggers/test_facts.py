"""Facts heard: which value a sentence tells of a field, and which sentences tell none."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from taggers.errors import RuleBookError
from taggers.facts import FactField, read_written, told
from taggers.rule import Rule
from taggers.rulebook import compile_rulebook
from taggers.utterance import Context, Utterance

DAY = date(2026, 3, 4)  # a Wednesday
DUE = FactField("due", "date")
BORN = FactField("born", "date", past=True)
MONTH = FactField("month", "month")
AGE = FactField("age", "age")
BUDGET = FactField("budget", "money")
PHONE = FactField("phone", "phone")
HEADS = FactField("heads", "count")
COURSE = FactField("course", "choice", ("英语", "少儿英语", "数学"))
NAME = FactField("name", "text")
RULES: dict[str, dict[str, Any]] = {
    "due": {"any": ["预产期", "預產期"]},
    "born": {"any": ["生日", "出生"]},
    "month": {"any": ["预产期"]},
    "age": {"any": ["宝宝", "孩子", "孕"]},
    "budget": {"any": ["预算", "价位"]},
    "phone": {"any": ["电话", "手机"]},
    "heads": {"any": ["孩子", "大人", "个人"]},
    "course": {"any": ["想学", "报名"]},
    "name": {"regex": "我叫(?P<name>[一-龥]{2,4})"},
}


def heard(field: FactField, text: str) -> str | None:
    rule = Rule.model_validate({"id": "r", "field": field.name, "match": "text", **RULES[field.name]})
    said = Utterance.typed(text)
    facts = [told(field, said, hit, DAY) for hit in compile_rulebook([rule]).judge(said)]
    found = next((fact for fact in facts if fact is not None), None)
    if found is not None:
        assert text[found.start : found.end] == found.words
    return found.value if found is not None else None


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        (DUE, "宝宝预产期三月十二", "2026-03-12"),
        (DUE, "预产期是11月20号哦", "2026-11-20"),
        (DUE, "预产期是1月5日", "2027-01-05"),
        (DUE, "我的预产期：2026年8月1号", "2026-08-01"),
        (DUE, "预产期2026-08-01，现在办卡还来得及吗", "2026-08-01"),
        (DUE, "預產期三月十二", "2026-03-12"),
        (DUE, "预产期 3 月 12 日", "2026-03-12"),
        (DUE, "三月十二就是预产期了", "2026-03-12"),
        (DUE, "预产期不是三月十二，是三月十五", "2026-03-15"),
        (DUE, "医生说预产期在下个月5号左右", "2026-04-05"),
        (DUE, "预产期明年二月廿二", "2027-02-22"),
        (DUE, "预产期3.12", "2026-03-12"),
        (BORN, "宝宝生日是11月20号", "2025-11-20"),
        (BORN, "去年5月6号出生的", "2025-05-06"),
        (BORN, "昨天刚出生", "2026-03-03"),
        (MONTH, "预产期是8月", "2026-08"),
        (MONTH, "预产期在明年三月份", "2027-03"),
        (MONTH, "预产期就这个月", "2026-03"),
        (AGE, "我宝宝8个月了，一天喝三次奶", "8m@2026-03-04"),
        (AGE, "宝宝一岁半", "18m@2026-03-04"),
        (AGE, "孩子1岁3个月", "15m@2026-03-04"),
        (AGE, "宝宝刚20天", "20d@2026-03-04"),
        (AGE, "我孕28周了", "28w@2026-03-04"),
        (BUDGET, "预算两三万吧", "20000-30000"),
        (BUDGET, "预算2-3万", "20000-30000"),
        (BUDGET, "预算八千到一万", "8000-10000"),
        (BUDGET, "预算不超过5000", "-5000"),
        (BUDGET, "预算五千以内", "-5000"),
        (BUDGET, "价位3000块以上都行", "3000-"),
        (BUDGET, "预算大概两万多", "20000"),
        (BUDGET, "预算10w", "100000"),
        (PHONE, "我电话138 1234 5678", "13812345678"),
        (PHONE, "手机号+8613812345678", "13812345678"),
        (PHONE, "电话010-12345678", "010-12345678"),
        (HEADS, "我有两个孩子", "2"),
        (HEADS, "12个人", "12"),
        (COURSE, "想学少儿英语", "少儿英语"),
        (COURSE, "想学数学，不要英语", "数学"),
        (NAME, "你好，我叫王小明，", "王小明"),
    ],
)
def test_a_sentence_tells_a_value(field: FactField, text: str, value: str) -> None:
    assert heard(field, text) == value


@pytest.mark.parametrize(
    ("field", "text"),
    [
        (DUE, "预产期是三月十二吗"),
        (DUE, "预产期不是三月十二"),
        (DUE, "如果预产期是三月十二呢"),
        (DUE, "我闺蜜预产期三月十二"),
        (DUE, "预产期还没定。三月十二去产检"),
        (DUE, "预产期农历三月十二"),
        (DUE, "预产期二月三十"),
        (DUE, "预产期3.5万元的套餐"),
        (MONTH, "离预产期还有3个月"),
        (AGE, "多大的宝宝能用"),
        (AGE, "朋友家宝宝8个月"),
        (BUDGET, "预算还没想好"),
        (BUDGET, "没有预算"),
        (PHONE, "电话1381234567"),
        (COURSE, "不想学英语"),
        (NAME, "我叫王小明吗？"),
        (DUE, "「预产期三月十二」\n- - - - - - - - - -\n好的"),
    ],
)
def test_a_sentence_tells_nothing(field: FactField, text: str) -> None:
    assert heard(field, text) is None


def test_what_a_person_types_into_a_field_is_read_alike() -> None:
    assert read_written(AGE, "8个月", DAY) == "8m@2026-03-04"
    assert read_written(BUDGET, "2万到3万", DAY) == "20000-30000"
    assert read_written(AGE, "八斤", DAY) is None


def test_a_rule_needs_a_tag_or_a_field_and_a_field_needs_words() -> None:
    for tables, says in [
        ({"id": "r", "any": ["预算"]}, "必须写上 tag"),
        ({"id": "r", "field": "budget", "on": ["@added"]}, "field 不能和 on 一起用"),
    ]:
        with pytest.raises(RuleBookError, match=says):
            compile_rulebook([Rule.model_validate(tables)])


def test_rules_ask_what_is_known_and_how_much_of_it() -> None:
    rule: dict[str, object] = {"id": "r", "tag": "问资料", "any": ["你好"], "match": "text"}
    wants: list[dict[str, object]] = [{"when": {"fields": ["预算"]}}, {"unless": {"profile": 60}}]
    known = [Context(fields=frozenset({"预算"}), profile=50), Context(profile=80)]
    hits = [
        [
            bool(compile_rulebook([Rule.model_validate(rule | want)]).judge(Utterance.typed("你好"), of))
            for of in known
        ]
        for want in wants
    ]
    assert hits == [[True, False], [True, False]]
