"""Due times: the instant at which what was said ends, read from the words of one clause.

What is said ends with itself (三点半), with its part of the day (上午 12:00, 中午 14:00, 下午 18:00, 晚上 22:00),
with the hours of work (下班前), with its day (23:59), a week with its Sunday. Of 108 due times of
tests/taggers/data the library jionlp reads 51 to the right hour (大概, 回头, 下班前, 节后, working days are not its
subject) and ChineseTimeNLP 7; hence a reader of our own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from taggers import days
from taggers.counts import COUNT, count
from taggers.day_counting import Seen
from taggers.workdays import Workdays

AT_ONCE = timedelta(minutes=30)
LATER = timedelta(hours=2)
_END_OF_DAY = time(23, 59)
_PARTS: tuple[tuple[str, time], ...] = (
    ("凌晨", time(6)),
    (
        "一?大?清早|一大早|一早|大早上|早上|早晨|清晨|上午|午前|午饭前|(?<=[今明天日一二三四五六])早(?!点|些|"
        "一点|就|已|操|教)|头午|早(?=[0-9一二三四五六七八九十]{1,2}点)",
        time(12),
    ),
    ("中午|正午|午间|晌午|午休|午饭后", time(14)),
    ("下午|午后|后晌|下半天", time(18)),
    ("傍晚|天黑前", time(19)),
    (
        "晚上|晚间|夜里|夜晚|夜间|大?半夜|睡前|晚饭后|(?<=[今明当天日一二三四五六])晚(?!点|些|一点|会|辅|托|餐|"
        "饭)|今夜|下班(?:之后|以后|后)|"
        "晚(?=[0-9一二三四五六七八九十两]{1,2}点)",
        time(22),
    ),
)
_BEGINS = (0, 5, 11, 12, 17, 18)  # the hour at which each part of the day begins
_PART = "|".join(f"(?P<part{at}>{pattern})" for at, (pattern, _) in enumerate(_PARTS))
_CLOCK = (
    rf"(?:差(?P<short>{COUNT}|一刻)分?(?:钟)?)?"
    rf"(?<!\d)(?:(?:{COUNT})点?(?:到|至|-|~|—)(?=(?:{COUNT})点))?"
    rf"(?:(?P<hour>{COUNT})(?:点钟?|时(?!间|候|长|段|常))(?!建议|意见|要求|内容|好处|优势|区别|五|几?种)"
    rf"(?P<minute>半|[一三]刻|整|过?(?:{COUNT})分?)?(?!\d|小时|个|天)"
    r"|(?P<hour2>\d{1,2})[:：](?P<minute2>\d{2})(?!\d))"
)
_LENGTH = (
    rf"(?P<half>半个?(?:小时|钟头|钟)|(?:{COUNT}(?:到|至|-|~|—))?(?P<few>几|十来|十几|"
    rf"{COUNT})个?(?P<plus>半)?(?P<unit_of>分钟|min|"
    rf"分(?=[内后])|刻钟|小时|钟头|钟(?!书)|h)(?P<plus2>半)?)"
    r"(?P<bound>之内|以内|内|之后|以后|后|左右|就|我|给|发|回|搞定|吧|哈|哦|$)?"
)
_ONCE = (
    "马上|立马|立刻|立即|即刻|这就|现在就|现在(?!是|的|有|没|在|不|都|已)|当场|马不停蹄|秒|稍等|稍候|稍待|"
    "等我一下下?|速速|赶紧|"
    "片刻|这会儿?就"
)
_SOON = (
    "等一?下(?!午|周|个|星期|礼拜|次|班|月)|[等待呆](?:一|会){1,2}儿?|(?<!再)等会儿?|待会儿?|一会儿?(?!员)|稍后|"
    "稍晚(?:点|些|一点)?|稍迟|稍微?晚点|晚点儿?|"
    "晚一点儿?|晚些(?:时候|时|个?点)?|晚会儿?|迟点|迟些|迟一点|回头(?!率|客)|过会儿?|过一会儿?|过一阵儿?|过阵子|"
    "随后|转头|一阵间"
)
_CLOSING = "(?:下班(?!之?后|以后)|收工|打烊|关门|闭店|收班)(?:之前|以前|前|的时候|时)?"
_OPENING = "(?:一?上班|开门|开工)(?:就|之?后|以后|的时候|时|第一时间)"
_FINDS = re.compile(
    f"(?P<closing>{_CLOSING})|(?P<opening>{_OPENING})|(?P<length>{_LENGTH})|(?P<soon>{_SOON})|(?P<once>{_ONCE})"
    f"|(?P<clock>{_CLOCK})|(?P<part>{_PART})|(?P<day>{days.PATTERN})"
)
_FIRST = re.compile(
    r"[\d\s〇一七三上下两中九也二五今仨休俩假傍元八六关再凌几前劳十卅午半即去双后呆周四回国夜大天头小差年廿开当待得打收放新"
    r"早明星春晌晚最月本次正清片现睡礼秒稍立端第等给翌节要赶转过近这迟速週那长闭随隔零需预马零]"
)
"""The signs with which a time may begin: all others are passed over by one quick search."""
_KINDS = ("closing", "opening", "length", "soon", "once", "clock", "part", "day")
_JOIN = re.compile(
    r"(?:[的在就，, 吧到]|大概|大约|差不多|最晚|最迟|最多|争取|尽量|左右|之前|以前|前|以内|内|之内|那会儿?|我|"
    r"咱们?|一定|肯定|应该|估计|早一点|尽快)*"
)
_MINUTES = {"分钟": 1, "min": 1, "分": 1, "刻钟": 15, "小时": 60, "钟头": 60, "钟": 60, "h": 60}
_VAGUE = {"几": {"小时": 3.0, "钟头": 3.0}, "十来": {}, "十几": {}}


@dataclass(frozen=True, slots=True)
class Bit:
    """One word of time: its kind and its place in the text."""

    kind: str
    start: int
    end: int
    found: re.Match[str]


@dataclass(frozen=True, slots=True)
class Due:
    """A time that was named: its place in the text and the instant at which it ends (UTC)."""

    start: int
    end: int
    at: datetime
    wide: bool
    """Whether it names a day or more, not an hour."""
    over: bool
    """Whether the same words may tell of what was earlier on this day: 上午, 十点, 今天; not 晚上 in the morning."""


def dues(text: str, said: datetime, workdays: Workdays) -> tuple[Due, ...]:
    """Find the times that a folded text names, as seen from the instant at which it was said."""
    read = (_read(group, said.astimezone(workdays.zone), workdays) for group in _groups(text))
    return tuple(due for due in read if due is not None)


def _bits(text: str) -> Iterator[Bit]:
    for found in _found(text):
        kind = next(kind for kind in _KINDS if found[kind] is not None)
        bit = Bit(kind, found.start(), found.end(kind), found)
        if kind == "length":
            if not _bounded(text, bit):
                continue
            bit = Bit(kind, bit.start, found.end("half"), found)
        if kind == "clock" and not _is_clock(text, bit):
            continue
        yield bit


def _found(text: str) -> Iterator[re.Match[str]]:
    """All that `_FINDS` finds, one after the other."""
    end = 0
    for first in _FIRST.finditer(text):
        if first.start() >= end and (found := _FINDS.match(text, first.start())) is not None:
            end = found.end()
            yield found


def _bounded(text: str, bit: Bit) -> bool:
    before = text[max(0, bit.start - 3) : bit.start]
    return (
        bool(bit.found["bound"])
        or bit.end == len(text)
        or re.search(r"等我?|给我|再|过|大概|大约|最多|最晚|需要|要", before) is not None
    )


def _is_clock(text: str, bit: Bit) -> bool:
    """一点 and 有点 mostly mean a little; 三点 alone may be three points."""
    hour = bit.found["hour"]
    if hour is None or bit.found["minute"]:
        return True
    before, behind = text[max(0, bit.start - 2) : bit.start], text[bit.end : bit.end + 2]
    if hour == "一":
        return before.endswith(("午", "晚", "天", "上", "早", "晨")) or behind.startswith(
            ("前", "左右", "之前", "多", "钟")
        )
    return not before.endswith(("这", "那", "以上", "几", "第", "有"))


def _groups(text: str) -> Iterator[list[Bit]]:
    """Put together what makes one time: 明天 下午 三点."""
    group: list[Bit] = []
    for bit in _bits(text):
        if group and (_JOIN.fullmatch(text, group[-1].end, bit.start) is None or not _fits(group, bit)):
            yield group
            group = []
        group.append(bit)
    if group:
        yield group


def _fits(group: list[Bit], bit: Bit) -> bool:
    kinds = {one.kind for one in group}
    if bit.kind in kinds:
        return False
    return not (bit.kind == "day" and kinds & {"clock", "length"})


def _read(group: list[Bit], said: datetime, workdays: Workdays) -> Due | None:
    bits = {bit.kind: bit for bit in group}
    at, wide = _instant(bits, said, workdays)
    if at is None:
        return None
    return Due(group[0].start, group[-1].end, at.astimezone(UTC), wide, _may_be_over(bits, said, workdays))


def _may_be_over(bits: dict[str, Bit], said: datetime, workdays: Workdays) -> bool:
    if bits.keys() & {"soon", "once", "length", "closing", "opening"}:
        return False
    if "day" in bits and days.day_of(bits["day"].found, Seen(said.date(), workdays)) != said.date():
        return False
    return "part" not in bits or _BEGINS[_part_of(bits["part"].found)] <= said.hour


def _instant(bits: dict[str, Bit], said: datetime, workdays: Workdays) -> tuple[datetime | None, bool]:
    today = said.date()
    day = days.day_of(bits["day"].found, Seen(today, workdays)) if "day" in bits else None
    if "day" in bits and day is None:
        return None, False
    if "clock" in bits:
        return _clock(bits, day, said, workdays), False
    if "length" in bits:
        return _length(bits["length"].found, said), False
    if "closing" in bits:
        return workdays.hours_of(day or today)[1], False
    if "part" in bits or "opening" in bits:
        return _part(bits, day, said), False
    if day is not None and not (day == today and _is_soon(bits)):
        return datetime.combine(day, _END_OF_DAY, said.tzinfo), True
    return said + (AT_ONCE if "once" in bits else LATER), False


def _is_soon(bits: dict[str, Bit]) -> bool:
    """今天晚点: the later word is the more exact one."""
    return "soon" in bits or "once" in bits


def _part_of(found: re.Match[str]) -> int:
    return next(at for at in range(len(_PARTS)) if found[f"part{at}"] is not None)


def _part(bits: dict[str, Bit], day: date | None, said: datetime) -> datetime:
    ends = _PARTS[_part_of(bits["part"].found)][1] if "part" in bits else time(12)
    at = datetime.combine(day or said.date(), ends, said.tzinfo)
    if day is None and at <= said:
        at += timedelta(days=1)
    return at


def _length(found: re.Match[str], said: datetime) -> datetime | None:
    if found["few"] is None:
        return said + timedelta(minutes=30)
    unit = found["unit_of"]
    number = _VAGUE[found["few"]].get(unit, 10.0) if found["few"] in _VAGUE else count(found["few"])
    if number is None:
        return None
    half = 0.5 if found["plus"] or found["plus2"] else 0.0
    return said + timedelta(minutes=(number + half) * _MINUTES[unit])


def _clock(bits: dict[str, Bit], day: date | None, said: datetime, workdays: Workdays) -> datetime | None:
    hour, minute = _hour_minute(bits["clock"].found)
    if hour is None or hour > 24 or minute > 59:
        return None
    short = _short(bits["clock"].found)
    today = day or said.date()
    hours = _hours(hour, _part_of(bits["part"].found) if "part" in bits else None)
    times = [
        datetime.combine(today, time(), said.tzinfo) + timedelta(hours=one, minutes=minute - short) for one in hours
    ]
    if day is None or day == said.date():
        ahead = [at for at in times if at > said]
        if ahead:
            return ahead[0]
        if day is not None:
            return times[-1]
        times = [at + timedelta(days=1) for at in times]
    return _at_work(times, workdays)


def _at_work(times: list[datetime], workdays: Workdays) -> datetime:
    """Of 3:00 and 15:00 the one at which people work."""
    opens, closes = workdays.hours_of(times[0].date())
    return next((at for at in times if opens <= at <= closes), times[0])


def _hour_minute(found: re.Match[str]) -> tuple[int | None, int]:
    if found["hour2"] is not None:
        return int(found["hour2"]), int(found["minute2"])
    number, said = count(found["hour"]), found["minute"] or "整"
    named = {"半": 30, "一刻": 15, "三刻": 45, "整": 0}
    minute = named.get(said)
    if minute is None:
        minute = int(count(said.strip("过分")) or 0)
    return (None if number is None or number != int(number) else int(number)), minute


def _short(found: re.Match[str]) -> int:
    words = found["short"]
    return 0 if words is None else 15 if words == "一刻" else int(count(words) or 0)


def _hours(hour: int, part: int | None) -> tuple[int, ...]:
    """The hours of the day that may be meant, the earlier one first."""
    if hour > 12:
        return (hour,)
    if part is None:
        return (hour, hour + 12) if hour else (24,)
    if part in (0, 1):
        return (hour % 12,) if part == 0 else (hour,)
    if part == 2:
        return (hour + 12,) if hour < 10 else (hour,)
    if hour == 12:
        return (12,) if part == 3 else (24,)
    return (hour + 12,)
