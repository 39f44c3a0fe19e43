"""Target profile: whether a customer is one whom the business wants, before anybody looks at how lively they are.

Formula: who carries a tag of `lists`, or is of a company in `accounts` (a named list, ABM), is wanted whatever else
is known. Else every entry of `fields` must hold, and one tag of `tags` be carried; what is not known yet is said so,
and is no refusal. Source: the house's articles (filter by target profile and list first, then take the lively ones).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from taggers.models.records import Known
from taggers.models.target_terms import TargetField, TargetTerms
from taggers.translatable import Translatable

NAMED, FITS = Translatable("在名单里"), Translatable("符合画像")
UNKNOWN, UNFIT = Translatable("还不清楚"), Translatable("不符合")
FITS_BEST_FIRST = (NAMED, FITS, UNKNOWN, UNFIT)
_NUMBER = re.compile(r"(?P<low>\d+(?:\.\d+)?)?(?P<dash>-)?(?P<high>\d+(?:\.\d+)?)?")


@dataclass(frozen=True, slots=True)
class Fit:
    """One of FITS_BEST_FIRST, "" where the business names no target; and why."""

    kind: str = ""
    why: str = ""


NO_TARGET = Fit()


def fit_of(known: Known, terms: TargetTerms) -> Fit:
    """Whether the customer is wanted."""
    if not terms:
        return NO_TARGET
    carried = {one.tag for one in known.carried}
    for tag in terms.lists:
        if tag in carried:
            return Fit(NAMED, Translatable("带着标签「{name}」", name=tag))
    for account in terms.accounts:
        if any(account.casefold() in company.casefold() for company in known.companies):
            return Fit(NAMED, Translatable("公司「{name}」在名单里", name=account))
    if not (terms.fields or terms.tags):
        return Fit(UNFIT, Translatable("不在名单里"))
    held = [(one.field, _holds(known.profile.get(one.field, ""), one)) for one in terms.fields]
    if any(holds is False for _, holds in held):
        return Fit(UNFIT, _named([name for name, holds in held if holds is False], Translatable("不是要的")))
    if terms.tags and not carried.intersection(terms.tags):
        return Fit(UNFIT, Translatable("没有画像里的标签"))
    missing = [name for name, holds in held if holds is None]
    if missing:
        return Fit(UNKNOWN, _named(missing, Translatable("还不知道")))
    shown = [*(known.profile[one.field] for one in terms.fields), *(tag for tag in terms.tags if tag in carried)]
    return Fit(FITS, Translatable("画像：{names}", names=shown))


def _named(names: list[str], words: str) -> str:
    return Translatable("{words}：{names}", words=words, names=names)


def _holds(value: str, wanted: TargetField) -> bool | None:
    """Whether a kept value is what is wanted; None where there is none. A range holds where it reaches into it."""
    if not value:
        return None
    if wanted.is_ or wanted.has:
        folded = value.casefold()
        exact = any(folded == one.casefold() for one in wanted.is_)
        return exact or any(one.casefold() in folded for one in wanted.has)
    found = _NUMBER.fullmatch(value)
    if found is None:
        return False
    low = float(found["low"] or 0)
    high = float(found["high"]) if found["high"] else float("inf") if found["dash"] else low
    return (wanted.from_ is None or high >= wanted.from_) and (wanted.to is None or low <= wanted.to)
