"""Own deeds: whether it is the speaker, or whom they send, that will do what a clause names."""

from __future__ import annotations

import re

from taggers.due import Due
from taggers.promise_words import ASKED_BACK, ASKED_OF_YOU, SELF, TAKEN_BY_SELF, THEN


def is_taken_on(text: str, taking: re.Match[str], times: tuple[Due, ...]) -> bool:
    """Whether it is the speaker who does something to a thing: 月底前把货送到村口, 我会把意见带到."""
    head = without(text, 0, taking.start(), times)
    if TAKEN_BY_SELF.fullmatch(head) is None:
        return False
    mine = re.search(SELF, head) is not None
    timed = any(one.start < taking.start() for one in times) or THEN.search(head) is not None
    if not mine:
        return timed and ASKED_BACK.search(text, taking.start()) is None
    return timed or re.search(r"会|一定|肯定|保证|马上|立刻|这就|去|来|再", head) is not None


def goes_at_once(text: str, going: re.Match[str], times: tuple[Due, ...]) -> bool:
    """这就去问仓库, 明天让师傅过去: nothing but the time stands before it, and a near one where nobody is sent."""
    head = without(text, 0, going.start("go"), times)
    first = [one for one in times if one.start < going.start("go") and (going["sent"] or not one.wide)]
    return (
        bool(first) and TAKEN_BY_SELF.fullmatch(head) is not None and ASKED_BACK.search(text, going.end("go")) is None
    )


def is_own(text: str, own: re.Match[str], times: tuple[Due, ...]) -> bool:
    head, rest = text[: own.start()], text[own.end() :]
    way = without(text, own.start("way"), own.end("way"), times)
    if ASKED_OF_YOU.search(head) or re.search(r"(?:您|你)(?!的|家|要的|说的|问的|那|这)", head):
        return False
    if re.search(r"[在是有的]$|^好$", way) or re.search(
        r"(?:建议|觉得|认为|希望|喜欢|想|以为|知道|记得|是|都在|正在|一直|刚|没|不|只|仅)", way
    ):
        return False
    if any(one.start < own.end("do") for one in times):
        return True
    if re.search(r"(?:去|来|这就|先|帮忙|让|叫|派|马上|再|会|找|跟|和|同|把)", way):
        return True
    return (
        re.match(
            r"一?下|问|看|一声|一遍|催|着|好|老|师|院|主|经|教|财|同|厂|[^您你]{1,3}(?:师|员|工人|司机|队)", rest
        )
        is not None
        or len(own["do"]) > 1
    )


def without(text: str, start: int, end: int, times: tuple[Due, ...]) -> str:
    """The stretch without the times that stand in it."""
    return "".join(text[at] for at in range(start, end) if not any(one.start <= at < one.end for one in times))
