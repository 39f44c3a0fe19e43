"""Days as people name them: 大后天, 下周三, 15号, 月底, 节后第一天, 三天内, 两个工作日."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta

from taggers.counts import COUNT, count
from taggers.workdays import Workdays

_DAY = timedelta(days=1)
_YEAR = 400  # days looked ahead for a festival
_WEEKDAYS = {sign: at for at, sign in enumerate("一二三四五六日")} | {"天": 6} | {str(n): n - 1 for n in range(1, 8)}
_WEEK = "(?:周|星期|礼拜|週)"
_NEXT = "(?P<{name}>(?:下个?)+|[这本]个?|今个?)"
_FESTIVALS = {
    "春节": "春节", "过年": "春节", "年": "春节", "新年": "春节", "大年": "春节", "元旦": "元旦", "清明": "清明节",
    "清明节": "清明节", "五一": "劳动节", "51": "劳动节", "劳动节": "劳动节", "端午": "端午节", "端午节": "端午节",
    "中秋": "中秋节", "中秋节": "中秋节", "十一": "国庆节", "国庆": "国庆节", "国庆节": "国庆节",
}  # fmt: skip
_NAMED = "春节|元旦|清明节?|五一|劳动节|端午节?|中秋节?|国庆节?|十一(?!点|月|号|天|个|日|分)|新年"
_SINCE = "(?:过完|放完|休完|收|过了)"
_AFTER = "(?:之后|以后|过后|后|完|(?:回来|结束|收假|上班)(?:之后|以后|后)?)"


def _relative(shift: int) -> Callable[[re.Match[str], date, Workdays], date | None]:
    return lambda found, today, workdays: today + shift * _DAY


def _weeks(prefix: str | None) -> int | None:
    """How many weeks on: 这周 0, 下周 1, 下下周 2, and None where none is said."""
    if prefix is None:
        return None
    return prefix.count("下")


def _weekday(found: re.Match[str], today: date, workdays: Workdays) -> date | None:
    weeks, sign = _weeks(found["week_of"]), found["weekday"]
    monday = today - today.weekday() * _DAY
    day = monday + _WEEKDAYS[sign] * _DAY
    if weeks is None:
        return day if day >= today else day + 7 * _DAY
    return day + 7 * weeks * _DAY


def _week(found: re.Match[str], today: date, workdays: Workdays) -> date | None:
    weeks = _weeks(found["whole_week"]) or 0
    return today + (6 - today.weekday() + 7 * weeks) * _DAY


def _weekend(found: re.Match[str], today: date, workdays: Workdays) -> date | None:
    weeks = _weeks(found["weekend_of"]) or 0
    return today + (6 - today.weekday() + 7 * weeks) * _DAY


def _month_on(today: date, months: int) -> tuple[int, int]:
    years, month = divmod(today.month - 1 + months, 12)
    return today.year + years, month + 1


def _made(year: int, month: int, day: int) -> date | None:
    if not 1 <= month <= 12 or not 1 <= day <= calendar.monthrange(year, month)[1]:
        return None
    return date(year, month, day)


def _whole(words: str) -> int:
    number = count(words)
    return int(number) if number is not None and number == int(number) else 0


def _month_day(found: re.Match[str], today: date, workdays: Workdays) -> date | None:
    month, day = _whole(found["month"]), _whole(found["of_month"])
    made = _made(today.year, month, day)
    return made if made is None or made >= today else _made(today.year + 1, month, day)


def _slashed(found: re.Match[str], today: date, workdays: Workdays) -> date | None:
    month, day = int(found["slash_month"]), int(found["slash_day"] or found["dot_day"])
    made = _made(today.year, month, day)
    return made if made is None or made >= today else _made(today.year + 1, month, day)


def _number_day(found: re.Match[str], today: date, workdays: Workdays) -> date | None:
    months, day = _weeks(found["day_month"]), _whole(found["number_day"])
    if months is None:
        months = 0 if day >= today.day else 1
    return _made(*_month_on(today, months), day)


_PARTS_OF_MONTH = {"初": 5, "上旬": 10, "中": 15, "中旬": 20}


def _part_of_month(found: re.Match[str], today: date, workdays: Workdays) -> date | None:
    months, part = _weeks(found["part_month"]), found["month_part"]
    last = _PARTS_OF_MONTH.get(part)
    if months is None:
        months = 1 if last is not None and last < today.day else 0
    year, month = _month_on(today, months)
    return date(year, month, last or calendar.monthrange(year, month)[1])


def _month_end(found: re.Match[str], today: date, workdays: Workdays) -> date | None:
    year, month = _month_on(today, _weeks(found["whole_month"]) or 0)
    return date(year, month, calendar.monthrange(year, month)[1])


def _year_end(found: re.Match[str], today: date, workdays: Workdays) -> date | None:
    return date(today.year, 12, 31)


def _some_days(found: re.Match[str], today: date, workdays: Workdays) -> date | None:
    words = found["days"] or found["few_days"]
    number = 3 if words == "几" else _whole(words)
    unit = found["unit"] or "天"
    if unit in ("天", "日"):
        return today + number * _DAY
    if unit.endswith("月"):
        year, month = _month_on(today, number)
        return date(year, month, min(today.day, calendar.monthrange(year, month)[1]))
    return today + 7 * number * _DAY


def _working_days(found: re.Match[str], today: date, workdays: Workdays) -> date | None:
    words = found["working"]
    number = 1 if words in ("下", "下一", "第二") else 3 if words == "几" else _whole(words)
    return _workday_on(today, number, workdays) if 0 < number <= 60 else None


def _workday_on(day: date, number: int, workdays: Workdays) -> date | None:
    for later in _days(day + _DAY):
        number -= workdays.is_workday(later)
        if number == 0:
            return later
    return None


def _days(first: date) -> Iterator[date]:
    return (first + distance * _DAY for distance in range(_YEAR))


def _festival_run(name: str | None, today: date, workdays: Workdays) -> tuple[date, date] | None:
    """The first and last free day of the next festival, or of this one."""
    first: date | None = None
    last = today
    for day in _days(today - today.weekday() * _DAY):
        said = workdays.festival(day)
        if said is not None and (name is None or name in said or first is not None):
            first = first or day
            last = day
        elif first is not None and last >= today:
            return first, last
        else:
            first = None
    return None


def _after_festival(found: re.Match[str], today: date, workdays: Workdays) -> date | None:
    name = _FESTIVALS.get(found["since"] or found["since_done"] or "")
    run = _festival_run(name, today, workdays)
    nth = _whole(found["nth"]) if found["nth"] else 1
    return None if run is None else _workday_on(run[1], nth, workdays)


def _before_festival(found: re.Match[str], today: date, workdays: Workdays) -> date | None:
    run = _festival_run(_FESTIVALS.get(found["until"]), today, workdays)
    if run is None:
        return None
    day = run[0] - _DAY
    while not workdays.is_workday(day) and day > today:
        day -= _DAY
    return max(day, today)


_ABOUT = "(?:过|再过|隔|等|再等|再|最多|最晚|最迟|最快|大概|大约|差不多|预计|也就|给我|需要|要|得)"
_WITHIN = "(?:之内|以内|内|之后|以后|后|左右|上下|时间)"

_ROWS: tuple[tuple[str, Callable[[re.Match[str], date, Workdays], date | None]], ...] = (
    (
        f"(?:{_SINCE}(?P<since_done>年|春节|假|节|长假|{_NAMED})|"
        f"(?P<since>{_NAMED}|年|节|假期?|放假|小?长假|过年){_AFTER})"
        f"(?:上班)?(?:的?(?:第(?P<nth>{COUNT})(?:个?工作日|天)|头一天|首个?工作日))?",
        _after_festival,
    ),
    (
        f"(?P<until>{_NAMED}|(?<![0-9一二三四五六七八九十几两今明去半])年|节|放假|假期|小?长假|过年)(?:之前|"
        f"以前|前)(?!台|面|提|天)",
        _before_festival,
    ),
    ("大后[天日]|大后儿", _relative(3)),
    ("(?<!前)后[天日](?!性)|后儿个?", _relative(2)),
    ("明[天日]|明儿个?|明(?=早|晚|晨|中午|上午|下午)|翌日|第二天|次日|隔天", _relative(1)),
    ("今[天日]|今儿个?|今(?=早|晚|晨|夜)|当[天日]|当晚", _relative(0)),
    (f"(?<!上)(?<!每)(?<!上个){_NEXT.format(name='weekend_of')}?{_WEEK}末|双休日", _weekend),
    (
        f"(?<!上)(?<!每)(?<!上个){_NEXT.format(name='week_of')}?{_WEEK}(?P<weekday>[一二三四五六日天]|[1-7](?![0-9]))"
        "(?!年|天|小时)",
        _weekday,
    ),
    (f"{_NEXT.format(name='whole_week')}{_WEEK}(?!年)(?:之?内|以内|里)?|周内", _week),
    (f"(?P<month>{COUNT})月份?(?P<of_month>{COUNT})[号日]?", _month_day),
    (
        r"(?<![\d/.])(?P<slash_month>\d{1,2})(?:/(?P<slash_day>\d{1,2})(?![\d/])"
        r"|\.(?P<dot_day>\d{1,2})(?:号|日|(?=之?前|以前)))",
        _slashed,
    ),
    (
        f"(?<!上)(?:(?P<day_month>(?:下个?)+|[这本]个?|当)月)?(?P<number_day>{COUNT})(?:号|日(?=之?前|以前|"
        f"内))(?!楼|院|线|店|馆|房|"
        f"门|机)",
        _number_day,
    ),
    (
        "(?<!上)(?P<part_month>(?:下个?)+|[这本]个?)?月(?P<month_part>[底末初]|中旬|上旬|下旬|中(?!心|介|餐))",
        _part_of_month,
    ),
    ("(?P<whole_month>(?:下个?)+|[这本]个?)月(?:之?内|以内|里)?(?!子|嫂|经|龄|费|卡)", _month_end),
    (f"半个?月(?:{_WITHIN})?", _relative(15)),
    ("今明(?:两天|天)?|明[后](?=两天)", _relative(1)),
    ("(?:今年)?年[底末](?:之?前)?", _year_end),
    (f"(?<!前)(?:{COUNT}(?:到|至|-|~|—))?(?P<working>下一?|第二|几|{COUNT})个?工作日(?:{_WITHIN})?", _working_days),
    (
        f"(?:{_ABOUT}+(?:{COUNT}(?:到|至|-|~|—))?(?P<days>几|{COUNT})个?(?P<unit>天|日|周|星期|礼拜|月)(?!班|假|"
        f"{_WEEK})(?:{_WITHIN})?"
        f"|(?<!前)[这近](?P<few_days>几|两|一两|两三|{COUNT})[天日](?:{_WITHIN})?)",
        _some_days,
    ),
)
_LATER_ROW = (
    f"(?<!第)(?:{COUNT}(?:到|至|-|~|—))?(?P<days2>几|{COUNT})个?(?P<unit2>天|日|周|星期|礼拜|月)"
    f"(?:{_WITHIN}|(?=就?(?:能|可以)?给(?:您|你|到)|就?发(?:您|你)))"
)


def _some_days_on(found: re.Match[str], today: date, workdays: Workdays) -> date | None:
    number = 3 if found["days2"] == "几" else _whole(found["days2"])
    if found["unit2"] in ("天", "日"):
        return today + number * _DAY
    if found["unit2"] == "月":
        year, month = _month_on(today, number)
        return date(year, month, min(today.day, calendar.monthrange(year, month)[1]))
    return today + 7 * number * _DAY


_ALL = (*_ROWS, (_LATER_ROW, _some_days_on))
PATTERN = "|".join(f"(?P<day{at}>{pattern})" for at, (pattern, _) in enumerate(_ALL))
"""Any name of a day, as one pattern."""


def day_of(found: re.Match[str], today: date, workdays: Workdays) -> date | None:
    """Say which day a match of PATTERN names, or for a week, a month and so on its last; None where there is "
    "none."""
    at = next(at for at in range(len(_ALL)) if found[f"day{at}"] is not None)
    try:
        return _ALL[at][1](found, today, workdays)
    except (ValueError, OverflowError):
        return None
