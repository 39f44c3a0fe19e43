"""Target profile and quality list: who is wanted comes first, a score alone never lists, what people say counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from taggers.models.quality import ACTS, FELT, SCORE, TALKS, Beforehand, Quality, Terms, quality_of
from taggers.models.records import Known, Order, Sign
from taggers.models.target import FITS, NAMED, UNFIT, UNKNOWN, Fit, fit_of
from taggers.models.target_terms import QualityTerms, TargetTerms, check_target
from taggers.models.terms import MatrixTerms

NOW, ZONE, DAY = datetime(2026, 6, 30, 4, tzinfo=UTC), ZoneInfo("Asia/Shanghai"), timedelta(days=1)
TARGET = TargetTerms.model_validate({
    "fields": [
        {"field": "industry", "is": ["教育", "医疗"]}, {"field": "size", "from": 50, "to": 500},
        {"field": "city", "has": ["上海", "杭州"]},
    ],
    "accounts": ["示例科技"], "lists": ["ABM"],
})  # fmt: skip
WANTED = {"industry": "教育", "size": "80", "city": "上海市浦东"}


@pytest.mark.parametrize(
    ("profile", "kind"),
    [
        (WANTED, FITS),
        ({**WANTED, "size": "50"}, FITS),
        ({**WANTED, "size": "400-900"}, FITS),  # reaches into it
        ({**WANTED, "size": "300-"}, FITS),
        ({**WANTED, "size": "501"}, UNFIT),
        ({**WANTED, "size": "600-900"}, UNFIT),
        ({**WANTED, "size": "很多"}, UNFIT),
        ({**WANTED, "industry": "在线教育"}, UNFIT),  # `is` means the whole
        ({**WANTED, "city": "北京"}, UNFIT),
        ({"industry": "教育", "size": "80"}, UNKNOWN),
        ({"industry": "零售"}, UNFIT),  # one that does not hold weighs more than what is not known
        ({}, UNKNOWN),
    ],
)
def test_a_profile_is_fitted_field_by_field(profile: dict[str, str], kind: str) -> None:
    assert fit_of(Known(profile=profile), TARGET).kind == kind


def test_whoever_is_named_is_wanted_whatever_else_is_known() -> None:
    wrong = {"industry": "零售"}
    assert fit_of(Known(profile=wrong, companies=("上海示例科技有限公司",)), TARGET).kind == NAMED
    assert fit_of(Known(profile=wrong, carried=(Sign("ABM", NOW),)), TARGET).why == "带着标签「ABM」"
    assert fit_of(Known(profile=wrong, companies=("样本科技",)), TARGET).kind == UNFIT
    assert fit_of(Known(), TargetTerms(accounts=("示例科技",))).kind == UNFIT
    assert fit_of(Known(), TargetTerms()).kind == ""
    assert fit_of(Known(), TargetTerms(tags=("老板",))).kind == UNFIT
    assert fit_of(Known(carried=(Sign("老板", NOW),)), TargetTerms(tags=("老板",))) == Fit(FITS, "画像：老板")
    assert fit_of(Known(), TARGET).why == "还不知道：industry、size、city"


def weighed(known: Known, fit: str = "", *peer: str) -> Quality:
    terms = Terms(QualityTerms(tags=("沙龙",)), MatrixTerms())
    return quality_of(known, Beforehand(Fit(fit, "零售不是要的"), peer), terms, NOW, ZONE)


def talks(days: int) -> tuple[datetime, ...]:
    return tuple(NOW - n * DAY for n in range(days))


HIGH = Known(activity=90, conversion=200)


@pytest.mark.parametrize(
    ("known", "signs", "listed"),
    [
        (HIGH, [SCORE], False),  # a fan or a competitor: the score alone says nothing
        (replace(HIGH, talks=talks(3)), [SCORE, TALKS], True),
        (replace(HIGH, talks=talks(2)), [SCORE], False),
        (replace(HIGH, talks=(NOW, NOW - timedelta(minutes=1), NOW)), [SCORE], False),  # days, not messages
        (Known(talks=talks(5), acts=(Sign("直播", NOW - DAY),)), [TALKS, ACTS], True),
        (Known(talks=talks(5), acts=(Sign("直播", NOW - 31 * DAY),)), [TALKS], False),
        (Known(talks=talks(5), orders=(Order(100, NOW - DAY),)), [TALKS, ACTS], True),
        (Known(talks=talks(5), carried=(Sign("沙龙", NOW - 90 * DAY),)), [TALKS, ACTS], True),
        (Known(felt="keen"), [FELT], True),  # who decides at once scores low: the agent's word is enough
        (Known(felt="warm"), [FELT], False),
        (Known(felt="warm", talks=talks(3)), [TALKS, FELT], True),
        (replace(HIGH, felt="looking", talks=talks(9)), [SCORE, TALKS], False),
        (replace(HIGH, felt="peer", talks=talks(9)), [SCORE, TALKS], False),
    ],
)
def test_two_signs_list_somebody_and_never_the_score_alone(known: Known, signs: list[str], listed: bool) -> None:
    found = weighed(known)
    assert ([name for name, _ in found.signs], found.listed) == (signs, listed)
    assert bool(found.against) is not listed


def test_score_alone_does_not_list_even_where_one_sign_is_enough() -> None:
    terms = Terms(QualityTerms(signs=1), MatrixTerms())
    assert not quality_of(HIGH, Beforehand(Fit()), terms, NOW, ZONE).listed
    assert quality_of(Known(talks=talks(3)), Beforehand(Fit()), terms, NOW, ZONE).listed


def test_who_is_not_wanted_or_is_suspected_stays_away() -> None:
    lively = replace(HIGH, talks=talks(9), felt="keen")
    assert weighed(lively, UNFIT) == Quality(False, weighed(lively).signs, "零售不是要的")
    assert weighed(lively, UNKNOWN).listed
    assert weighed(lively, FITS, "带着标签「同行」").against == "带着标签「同行」"


def test_a_target_that_cannot_be_asked_is_refused_with_its_place() -> None:
    terms = TargetTerms.model_validate({"fields": [
        {"field": "none", "is": ["x"]}, {"field": "city"}, {"field": "city", "is": ["a"], "from": 1},
        {"field": "city", "from": 1}, {"field": "size", "from": 5, "to": 1}, {"field": "size", "to": 5},
    ]})  # fmt: skip
    found = [".".join(map(str, where[3:])) for where, _ in check_target(terms, {"city": "text", "size": "count"})]
    assert found == ["0.field", "1", "2", "3", "4.to"]
