"""English with numbers: what is counted stands in the singular where it is one."""

from __future__ import annotations

import re

import pytest

from bot.web.layout.languages import catalogue, translate, wording_in
from taggers.translatable import Translatable
from tests.support.english import in_english
from tests.support.site import Site

PLACEHOLDER = re.compile(r"{(\w+)}")
VERBS = "is|was|has|does|this|ms|answers|lies|refuses|stays|takes"  # end as plurals do, and are none
MANY_OF_ONE = re.compile(rf"\b1 (?:[a-z]+ )?(?!(?:{VERBS})\b)[a-z]+s\b")  # "1 rules", "1 more characters"
RULES, ERRORS = "{n} 条规则 · 版本 {version}", "{name} 有 {n} 处错误：{problem}"


def rendered(chinese: str, n: int) -> str:
    """The English of a text with the number `n`, and one for whatever else it may count."""
    english = wording_in("en", chinese, {"n": n})
    return PLACEHOLDER.sub(lambda found: str(n) if found[1] == "n" else "1", english)


@pytest.mark.parametrize("chinese", [text for text in catalogue("en") if PLACEHOLDER.search(text)])
@pytest.mark.parametrize("n", [1, 2])
def test_one_is_not_called_many(chinese: str, n: int) -> None:
    assert MANY_OF_ONE.findall(rendered(chinese, n)) == []


def test_the_form_goes_by_the_number() -> None:
    assert [rendered(RULES, n) for n in (0, 1, 2, 11)] == [
        "0 rules · version 1",
        "1 rule · version 1",
        "2 rules · version 1",
        "11 rules · version 1",
    ]


def test_a_sentence_within_another_counts_for_itself() -> None:
    inner = Translatable(ERRORS, name="a.toml", n=1, problem="x")
    assert in_english(Translatable(ERRORS, name="b.toml", n=2, problem=inner)) == (
        "2 errors in b.toml: 1 error in a.toml: x"
    )


def test_a_page_counts_one(site: Site) -> None:
    with site.app.test_request_context("/rules?lang=en"):
        site.app.preprocess_request()
        assert translate(RULES, n=1, version=7) == "1 rule · version 7"
        assert translate(RULES, n=3, version=7) == "3 rules · version 7"
