"""Promises: what an agent commits to in a message, what it is about, and when it is due.

A promise is a clause in which the speaker will do something for the other side. What was done, cannot be done, hangs
on a condition, is asked or is somebody else's word is none; precision goes before recall.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from taggers.asked_first import hangs_on_answer, is_instruction
from taggers.deeds import Deed, deed_of, object_of
from taggers.due import Due, dues
from taggers.own_deeds import goes_at_once, is_own, is_taken_on
from taggers.promise_words import (
    A_LITTLE,
    ACTS,
    ASKED_OF_YOU,
    BY_SELF,
    BY_TIME,
    GOING,
    HABIT,
    KIN,
    NEVER_DEEDS,
    OTHERS,
    RELATIVE,
    SAME_DAY,
    SAYS,
    SELF,
    SHOWS,
    TAKING,
    THAT,
    THEN,
    THIRD,
    TIME_ALONE,
    TO_COME,
    TO_YOU,
    UNDER_WAY,
    WAIT_FOR_ME,
    YOU,
    YOURS,
)
from taggers.refrains import asks, conditional, denied, is_asked, is_past, reported
from taggers.repeated import remembered
from taggers.spoken_clauses import Clause, clause_ends, sentences, spoken_text
from taggers.workdays import Workdays

_SHORT = 7
_AT_ONCE = timedelta(minutes=30)
_LONGEST_CLAUSE = 160


@dataclass(frozen=True, slots=True)
class Promise:
    """A promise: its clause as typed, its place there, what will be done to what, and when it is due (UTC)."""

    words: str
    start: int
    end: int
    deed: Deed
    object: str
    due: datetime | None
    wide: bool = False
    """Whether a day or more was named, not an hour."""


def promises(text: str, said: datetime, workdays: Workdays) -> tuple[Promise, ...]:
    """Find what the agent who wrote `text` at `said` commits to; several promises of one sentence are one."""
    spoken = _committing(text)
    if not spoken:
        return ()
    told = (one for one in sentences(spoken) if any(_may_commit(clause.text) for clause in one))
    found = (_promise(text, one, said, workdays) for one in told)
    return tuple(promise for promise in found if promise is not None)


@remembered
def _committing(text: str) -> str:
    """The text as it is looked through; empty where nothing in it may commit anybody."""
    spoken = spoken_text(text)
    return spoken if _may_commit(clause_ends(spoken)) else ""


def _may_commit(text: str) -> bool:
    """Whether there are words that a promise has: all else is looked at no further."""
    if ("您" in text or "你" in text or "亲" in text) and TO_YOU.search(text):
        return True
    return any(words.search(text) for words in (BY_SELF, BY_TIME, TAKING, GOING, A_LITTLE))


def _promise(text: str, sentence: list[Clause], said: datetime, workdays: Workdays) -> Promise | None:
    """The first promise of the sentence that names its time, else the first one."""
    read = _times(sentence, said, workdays)
    first: Promise | None = None
    for at, clause in enumerate(sentence):
        if len(clause.text) > _LONGEST_CLAUSE:
            continue
        place = _committed(sentence, at, read[at], said)
        due = None if place is None else due_beside(sentence, read, at, place)
        if place is None or (due is not None and due.at <= said) or _depends(text, clause, place, due, said):
            continue
        found = made(text, clause, place, read[at], due)
        if due is not None:
            return found
        first = first or found
    return first


def _depends(text: str, clause: Clause, place: tuple[int, int], due: Due | None, said: datetime) -> bool:
    """Whether it waits for the other side: asked before it for something, without a time of its own."""
    if due is None and is_instruction(clause.text, place[0]):
        return True
    at_once = due is not None and due.at - said <= _AT_ONCE
    return (due is None or at_once) and hangs_on_answer(text[: clause.start], at_once=at_once)


def _times(sentence: list[Clause], said: datetime, workdays: Workdays) -> list[tuple[Due, ...]]:
    """The times of each clause; 那天 and 当天 are the day that was named before."""
    read: list[tuple[Due, ...]] = []
    day: datetime | None = None
    for clause in sentence:
        since = said
        if day is not None and SAME_DAY.search(clause.text):
            since = day.astimezone(workdays.zone).replace(hour=0, minute=1)
        read.append(dues(clause.text, since, workdays))
        day = next((one.at for one in reversed(read[-1]) if one.wide), day)
    return read


def made(text: str, clause: Clause, place: tuple[int, int], times: tuple[Due, ...], due: Due | None) -> Promise:
    """The promise of a clause whose words of the deed stand at a place."""
    return Promise(
        text[clause.start : clause.end],
        clause.start,
        clause.end,
        deed_of(clause.text[place[0] :]),
        object_of(clause.text, place[0], [(one.start, one.end) for one in times]),
        None if due is None else due.at,
        due is not None and due.wide,
    )


def _committed(sentence: list[Clause], at: int, times: tuple[Due, ...], said: datetime) -> tuple[int, int] | None:
    """Give the place of the words that commit, or None where the clause commits to nothing."""
    clause = sentence[at]
    text = clause.text
    place = _doing(sentence, at, times)
    if place is None:
        return None
    to_come = [one for one in times if one.at > said and one.start <= place[1]]
    before = [one.text for one in sentence[:at]]
    behind = [one.text for one in sentence[at + 1 :]]
    if asks(text, place[0], clause.mark, behind, sentence[-1].mark) or any(is_asked(one) for one in before[-1:]):
        return None
    over = all(one.over for one in to_come)
    if denied(text, place[0], place[1]) or reported(text[: place[0]]):
        return None
    if is_past(text, place, bool(to_come), bool(to_come) and over):
        return None
    if conditional(before, text, place[0], behind, [(one.start, one.end) for one in times]):
        return None
    if HABIT.search(text[: place[1]]) or UNDER_WAY.search(text[: place[0]]):
        return None
    return place


def _doing(sentence: list[Clause], at: int, times: tuple[Due, ...]) -> tuple[int, int] | None:
    text = sentence[at].text
    for found in TO_YOU.finditer(text):
        if _is_commitment(text, found, times, sentence, at):
            return found.span()
    own = BY_SELF.search(text)
    if own is not None and is_own(text, own, times):
        return own.start("do"), own.end("do")
    taking = TAKING.search(text)
    if taking is not None and is_taken_on(text, taking, times):
        return taking.start(), taking.start() + 1
    if WAIT_FOR_ME.search(sentence[at - 1].text if at else text) and (own := A_LITTLE.search(text)):
        return own.span("do")
    going = GOING.search(text)
    if going is not None and goes_at_once(text, going, times):
        return going.span("do")
    for found in BY_TIME.finditer(text):
        first = [one for one in times if one.end <= found.start()]
        if first and not OTHERS.search(text[: found.start()]) and not ASKED_OF_YOU.search(text):
            return found.span()
    return None


def _is_commitment(text: str, found: re.Match[str], times: tuple[Due, ...], sentence: list[Clause], at: int) -> bool:
    head, rest = text[: found.start()], text[found.end() :]
    mine = re.search(SELF, head) is not None
    timed = (
        bool(times)
        or THEN.search(head) is not None
        or (at > 0 and _mostly_time(sentence[at - 1]))
        or _time_follows(sentence, at, found.end())
    )
    if re.search(rf"我(?:{KIN})[^我]*$", head):
        return False
    if found["wait"] is not None and not (timed and re.search("[在到]", head)):
        return False
    if _addressed(head, mine) or NEVER_DEEDS.match(rest) or RELATIVE.match(rest):
        return False
    if _says_now(found["to"], head, timed):
        return False
    bare = not rest.strip("的哈哦呢啊呀啦吧了 ")
    if bare and found["sent"] is None and not (timed or mine):
        return False
    return timed or (not _is_act(found["to"], rest, head) and (mine or _leads(head)))


def _addressed(head: str, mine: bool) -> bool:
    """Whether the other side is asked to do it."""
    if ASKED_OF_YOU.search(head) and not mine:
        return True
    return mine and re.search(rf"{YOU}[^我]{{0,6}}$", head) is not None and not re.search(r"我[^您你]*$", head)


def _says_now(to: str, head: str, timed: bool) -> bool:
    """提醒您一下…, 跟您说…: the message itself does what it says."""
    return SAYS.search(to.rstrip("您你们家")) is not None and not timed and TO_COME.search(head) is None


def _is_act(to: str, rest: str, head: str) -> bool:
    """给您介绍一下, 可以给您…, 老师会带您…: what is being done now, may be done, or is always done."""
    what = rest.lstrip("先再来简单详细大概都")
    if ACTS.match(what) or (to[0] in "给跟向" and SHOWS.match(what)) or to[0] == "教":
        return True
    return re.search(r"(?:可以|能够?|支持|包含|包括|都有|有|想|想要)[^我]{0,4}$", head) is not None or (
        THIRD.search(head) is not None and "我" not in head
    )


def _leads(head: str) -> bool:
    """好的帮您问, 把合同发您, 单号发您: nothing before it speaks of another."""
    return not re.search(rf"(?:他|她|我(?:{KIN})|别人|人家|别家|您|你|物流|快递|系统|平台|客户)", head)


def _time_follows(sentence: list[Clause], at: int, end: int) -> bool:
    """补给您 明儿上午: the clause ends with the deed, and nothing but a word of time stands behind it."""
    ends = not sentence[at].text[end:].strip("的哈哦呢啊呀啦吧了 ")
    return ends and at + 1 < len(sentence) and TIME_ALONE.fullmatch(sentence[at + 1].text) is not None


def _mostly_time(clause: Clause) -> bool:
    return len(clause.text) <= _SHORT


def due_beside(sentence: list[Clause], read: list[tuple[Due, ...]], at: int, place: tuple[int, int]) -> Due | None:
    """The time that belongs to the deed: in its clause before it, else beside it, else a clause that is but a "
    "time."""
    text = sentence[at].text
    own = [one for one in read[at] if not _of_noun(text, one, place)]
    before = [one for one in own if one.start < place[0]]
    if before:
        return before[-1]
    after = [one for one in own if one.start >= place[0]]
    if after and not re.search(r"约|预约|订|留|改|定|(?<!安)排|提醒|记|报|[到在]$", text[place[0] : after[0].start]):
        return after[0]
    for other in range(at - 1, -1, -1):
        usable = [
            one for one in read[other] if not _of_noun(sentence[other].text, one, (len(sentence[other].text),) * 2)
        ]
        if usable and (_belongs(sentence[other], usable[-1]) or THEN.search(text[: place[0]])):
            return usable[-1]
    if at + 1 < len(sentence) and read[at + 1] and not YOURS.search(sentence[at + 1].text):
        return read[at + 1][0] if _rest_is_short(sentence[at + 1], read[at + 1][0]) else None
    return None


def _of_noun(text: str, due: Due, place: tuple[int, int]) -> bool:
    """明天的课表, 周六上午那个号: the time belongs to a thing."""
    if THAT.match(text, due.end):
        return True
    return text.startswith("的", due.end) and due.end != place[0] and not text.startswith(("的话", "的时候"), due.end)


def _belongs(clause: Clause, due: Due) -> bool:
    rest = clause.text[: due.start] + clause.text[due.end :]
    if re.match(r"我[^您你]{0,10}去|我[^您你]{0,4}(?:回|到|开完|在)", rest):
        return True
    return _rest_is_short(clause, due) or (BY_TIME.search(rest) is not None and not re.search(r"[您你]", rest))


def _rest_is_short(clause: Clause, due: Due) -> bool:
    rest = clause.text[: due.start] + clause.text[due.end :]
    return len(rest) <= 5 and not re.search(r"课|直播|开|放假|休|到货|时长|每节|一共|全程|工期|有效", rest)
