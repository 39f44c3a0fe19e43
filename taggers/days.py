"""Days as people name them (大后天, 下周三, 15号, 月底, 节后第一天): for due times, and as dates that are told.

One table holds every way to name a day. Some ways are a date only to who tells a fact (昨天, 3.12), some only to who
says until when (周三, 三天内, 月底).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Literal, NamedTuple

from taggers import day_counting as counting
from taggers.counts import COUNT
from taggers.day_counting import Reader, Seen

_H = "零〇一二两三四五六七八九十廿卅"
_SAID_YEAR = (
    rf"(?:(?P<year>(?:19|20)\d\d(?=年)|\d\d(?=年)|[{_H}]{{4}}(?=年))年|(?P<relative>去年|前年|今年|明年|后年)的?)"
)
_MONTH = r"(?P<month>1[0-2]|0?[1-9]|十[一二]?|[一二两三四五六七八九])"
_DAY = (
    r"(?P<of_month>3[01]|[12]\d|0?[1-9]|[二两三]?十[一二三四五六七八九]?|廿[一二三四五六七八九]?"
    r"|初?[一二三四五六七八九])"
)
_NO_MORE = r"(?!\s*[\d点:：个月%折])"
_NO_SUM = r"(?![\d.万千百元块斤克米个岁次年度寸倍分%折kKwWgG])"
_WEEK = "(?:周|星期|礼拜|週)"
_WEEKDAY = "[一二三四五六日天]|[1-7](?![0-9]))(?!年|天|小时)"  # 周三10点 is a day and an hour
_TO_COME = "(?:下个?)+|[这本]个?"
_NAMED = "春节|元旦|清明节?|五一|劳动节|端午节?|中秋节?|国庆节?|十一(?!点|月|号|天|个|日|分)|新年"
_SINCE = "(?:过完|放完|休完|收|过了)"
_AFTER = "(?:之后|以后|过后|后|完|(?:回来|结束|收假|上班)(?:之后|以后|后)?)"
_ABOUT = "(?:过|再过|隔|等|再等|再|最多|最晚|最迟|最快|大概|大约|差不多|预计|也就|给我|需要|要|得)"
_WITHIN = "(?:之内|以内|内|之后|以后|后|左右|上下|时间)"
_UPTO = f"(?:{COUNT}(?:到|至|-|~|—))?"
_UNIT = "天|日|周|星期|礼拜|月"
_NOT_OURS = re.compile(r"(?:农历|阴历|旧历)\s*(?:是|在)?\s*$")
"""A date of the old calendar is another day; it is left to people."""

Use = Literal["both", "due", "fact"]


class Way(NamedTuple):
    """A way to name a day: its pattern, how it is read, and who reads it."""

    pattern: str
    read: Reader
    use: Use


class Found(NamedTuple):
    """A value, as it is kept, that stands at start..end of a text."""

    value: str
    start: int
    end: int


_WAYS: tuple[Way, ...] = (
    Way(
        f"(?:{_SINCE}(?P<since_done>年|春节|假|节|长假|{_NAMED})|"
        f"(?P<since>{_NAMED}|年|节|假期?|放假|小?长假|过年){_AFTER})"
        f"(?:上班)?(?:的?(?:第(?P<nth>{COUNT})(?:个?工作日|天)|头一天|首个?工作日))?",
        counting.after_festival,
        "due",
    ),
    Way(
        f"(?P<until>{_NAMED}|(?<![0-9一二三四五六七八九十几两今明去半])年|节|放假|假期|小?长假|过年)"
        "(?:之前|以前|前)(?!台|面|提|天)",
        counting.before_festival,
        "due",
    ),
    Way("大后[天日]", counting.relative(3), "both"),
    Way("(?<!前)后[天日](?!性)", counting.relative(2), "both"),
    Way("明[天日]", counting.relative(1), "both"),
    Way("今[天日]", counting.relative(0), "both"),
    Way("昨[天日]", counting.relative(-1), "fact"),
    Way("(?<!大)前[天日]", counting.relative(-2), "fact"),
    Way("大后儿", counting.relative(3), "due"),
    Way("后儿个?", counting.relative(2), "due"),
    Way("明儿个?|明(?=早|晚|晨|中午|上午|下午)|翌日|第二天|次日|隔天", counting.relative(1), "due"),
    Way(
        "今儿个?|今(?=早|晚|晨|夜)|当[天日]|当晚|那天(?=上午|下午|中午|晚|早|给|到|去|送|前)",
        counting.relative(0),
        "due",
    ),
    Way(f"(?<!上)(?<!每)(?<!上个)(?P<weekend_of>{_TO_COME}|今个?)?{_WEEK}末|双休日", counting.weekend, "due"),
    Way(f"(?P<week_of>{_TO_COME}){_WEEK}(?P<weekday>{_WEEKDAY}", counting.weekday, "both"),
    Way(f"上个?{_WEEK}(?P<last_weekday>{_WEEKDAY}", counting.last_weekday, "fact"),
    Way(f"(?<!上)(?<!每)(?<!上个){_WEEK}(?P<bare_weekday>{_WEEKDAY}", counting.next_weekday, "due"),
    Way(f"(?P<whole_week>{_TO_COME}|今个?){_WEEK}(?!年)(?:之?内|以内|里)?|周内", counting.week, "due"),
    Way(rf"(?<![\d.]){_SAID_YEAR}?\s*{_MONTH}\s*月份?\s*{_DAY}(?:\s*[日号]|{_NO_MORE})", counting.month_day, "both"),
    Way(
        r"(?<![\d.])(?P<iso_year>(?:19|20)\d\d)[年\-/.](?P<iso_month>1[0-2]|0?[1-9])[\-/.](?P<iso_day>3[01]|[12]\d|0?[1-9])"
        r"(?![\d])",
        counting.written,
        "both",
    ),
    Way(
        r"(?<![\d.\-/])(?P<compact>(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))(?!\d)",
        counting.compact,
        "both",
    ),
    Way(f"(?P<loose_month>{COUNT})月份?(?P<loose_day>{COUNT})", counting.loose_month_day, "due"),
    Way(
        r"(?<![\d/.])(?P<slash_month>\d{1,2})(?:/(?P<slash_day>\d{1,2})(?![\d/])"
        r"|\.(?P<dot_day>\d{1,2})(?:号|日|(?=之?前|以前)))",
        counting.slashed,
        "due",
    ),
    Way(
        r"(?<![\d.\-/])(?P<dash_month>1[0-2]|0?[1-9])\s*(?:[\-/]\s*(?P<dash_day>3[01]|[12]\d|0?[1-9])"
        rf"(?:\s*[日号]|{_NO_MORE})|\.(?P<point_day>3[01]|[12]\d|0?[1-9]){_NO_SUM})",
        counting.dashed,
        "fact",
    ),
    Way(
        f"(?P<day_month>{_TO_COME}|当)月(?P<month_day>{COUNT})(?:号|日)(?!楼|院|线|店|馆|房|门|机)",
        counting.day_of_month,
        "both",
    ),
    Way(f"上个?月(?P<last_month_day>{COUNT})[日号]", counting.day_of_last_month, "fact"),
    Way(f"(?P<number_day>{COUNT})(?:号|日(?=之?前|以前|内))(?!楼|院|线|店|馆|房|门|机)", counting.number_day, "due"),
    Way(
        f"(?<!上)(?P<part_month>{_TO_COME})?月(?P<month_part>[底末初]|中旬|上旬|下旬|中(?!心|介|餐))",
        counting.part_of_month,
        "due",
    ),
    Way(f"(?P<whole_month>{_TO_COME})月(?:之?内|以内|里)?(?!子|嫂|经|龄|费|卡)", counting.month_end, "due"),
    Way(f"半个?月(?:{_WITHIN})?", counting.relative(15), "due"),
    Way("今明(?:两天|天)?|明[后](?=两天)", counting.relative(1), "due"),
    Way("(?:今年)?年[底末](?:之?前)?", counting.year_end, "due"),
    Way(f"(?<!前){_UPTO}(?P<working>下一?|第二|几|{COUNT})个?工作日(?:{_WITHIN})?", counting.working_days, "due"),
    Way(
        f"(?:{_ABOUT}+{_UPTO}(?P<days>几|{COUNT})个?(?P<unit>{_UNIT})(?!班|假|{_WEEK})(?:{_WITHIN})?"
        f"|(?<!前)[这近](?P<few_days>几|两|一两|两三|{COUNT})[天日](?:{_WITHIN})?)",
        counting.some_days,
        "due",
    ),
    Way(
        f"(?<!第){_UPTO}(?P<days2>几|{COUNT})个?(?P<unit2>{_UNIT})"
        f"(?:{_WITHIN}|(?=就?(?:能|可以)?给(?:您|你|到)|就?发(?:您|你)))",
        counting.some_days_on,
        "due",
    ),
)
_MONTH_ONLY = re.compile(
    rf"(?<![\d.]){_SAID_YEAR}?\s*{_MONTH}\s*月(?!\s*[卡费票付供])"
    r"|(?<![\d.])(?P<iso_year>(?:19|20)\d\d)-(?P<iso_month>0[1-9]|1[0-2])(?!\d)"
    r"|(?P<around>上|这|本|下下|下)个?月(?![\d一二三四五六七八九十])"
)


def _pattern(*uses: Use) -> str:
    return "|".join(f"(?P<day{at}>{way.pattern})" for at, way in enumerate(_WAYS) if way.use in uses)


PATTERN = _pattern("both", "due")
"""Any name of a day until which something is due, as one pattern."""
_DATES = re.compile(_pattern("both", "fact"))


def day_of(found: re.Match[str], seen: Seen) -> date | None:
    """Say which day a match names, or of a week, a month and so on its last; None where there is none."""
    named = found.groupdict()
    at = next(at for at in range(len(_WAYS)) if named.get(f"day{at}") is not None)
    try:
        return _WAYS[at].read(found, seen)
    except (ValueError, OverflowError):
        return None


def dates(text: str, day: date, *, past: bool) -> Iterator[Found]:
    """Give the dates of a folded text said on `day`, as 2026-03-12.

    A day without its year is the next one, or, where only the `past` makes sense (a birth), the last one.
    """
    for found in _DATES.finditer(text):
        meant = day_of(found, Seen(day, past=past))
        if meant is not None and not _NOT_OURS.search(text, 0, found.start()):
            yield Found(meant.isoformat(), *found.span())


def months(text: str, day: date, *, past: bool) -> Iterator[Found]:
    """Give the months of a folded text said on `day`, as 2026-08; the same about the year."""
    for found in _MONTH_ONLY.finditer(text):
        meant = _month_of(found, Seen(day, past=past))
        if meant is not None and not _NOT_OURS.search(text, 0, found.start()):
            yield Found(f"{meant:%Y-%m}", *found.span())


def _month_of(found: re.Match[str], seen: Seen) -> date | None:
    if found["around"]:
        return date(*counting.month_on(seen.today, counting.steps(found["around"]) or 0), 1)
    if found["iso_year"]:
        return date(int(found["iso_year"]), int(found["iso_month"]), 1)
    year = counting.said_year(found["year"], found["relative"], seen.today)
    from_first = seen if seen.past else seen._replace(today=seen.today.replace(day=1))
    return counting.placed(from_first, (counting.whole(found["month"]), 1), year)
