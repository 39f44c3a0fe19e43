"""Numbers as people write them: where a whole one begins and ends, and the amount of money it stands for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

_DIGITS = {char: value for value, chars in enumerate(("零〇", "一", "二两", *"三四五六七八九")) for char in chars}
_SCALES = {"十": 10, "百": 100, "千": 1_000, "k": 1_000, "万": 10_000, "w": 10_000, "亿": 100_000_000}
_D = "".join(_DIGITS)
NUMERALS = frozenset("".join((_D, "十百千万亿")))
"""Chinese numerals: a keyword that begins or ends with one must not cut a number in two."""
FORMAL_SCALES = "拾佰仟"
"""Every sum written in full (陆佰元, 贰仟玖佰) holds one of them."""
_FORMAL = re.compile(rf"[壹贰叁肆伍陆柒捌玖][{FORMAL_SCALES}万][零壹贰叁肆伍陆柒捌玖{FORMAL_SCALES}万亿]*")
_PLAIN = str.maketrans("壹贰叁肆伍陆柒捌玖拾佰仟", "一二三四五六七八九十百千")

_HEAD = re.compile(
    rf"(?P<arabic>(?:\d{{1,3}}(?:,\d{{3}})+(?![,\d])|\d+)(?:\.\d+)?)(?P<about>[多来余几](?=[十百千万亿元块]))?(?P<scale>[百千万亿]|[wk](?![a-z]))?"
    rf"|(?P<han>[{_D}十百千万亿]+(?:点[{_D}]+)?)(?P<abouts>[多来余几](?=[万元块])(?P<hanscale>万)?)?"
)
# What is counted, so that a number before it is no amount; what looks like it and is sold stays one (199套餐).
_COUNTED = re.compile(
    r"个|人(?!民币)|节|天|岁|斤|次(?!卡)|分(?!期)|秒|刻|小?时|点|年(?!费|卡|票)|月(?!卡|费|票|付|供)|日(?!票|租|卡)"
    r"|号|级|期|楼|层|米|公里|平|张|罐|箱|包(?!月|年|邮|会)|片|本(?!金)|位|名(?!额)|家(?!庭|长|里|装)|台|辆|条|步|倍"
    r"|寸|度|成(?!交|人|功)|周(?!卡)|届|座|栋|室|颗|段|桶|盒|袋|瓶|件|套(?!餐|装|课)|只(?!要|有|是)|克|升|集|章|页|题|强|积分|瓦|伏|匹(?!配)|码|公斤|千克|吨|粒|枚|朵|棵|株|头|串|毫|厘米|英寸|遍|季(?!卡)|场"
    r"|[:：/][\d]"
)
_MORE = re.compile(
    rf"(?P<rest>\d{{2,4}})(?![\d.%折万千百wk])|(?P<thousand>[\d{_D}])千|(?P<digit>[\d{_D}])(?![\d.%折{_D}十百千万亿])"
)
_UNIT = re.compile(r"块钱|元钱|块|元|圆|rmb|cny|yuan")
_NAMED = frozenset(
    ("编号", "尾号", "房号", "学号", "单号", "工号", "门牌", "车牌", "代码", "密码", "口令", "型号", "批号")
)
_CENTS = re.compile(
    rf"[0零〇](?P<cent>[1-9{_D[2:]}])(?:分(?!期))?(?![\d.%折{_D}十百千万亿])|(?P<mao>[\d{_D}])(?:[毛角](?:(?P<fen>[\d{_D}])(?:分(?!期))?)?)?(?![\d.%折{_D}十百千万亿])(?!{_COUNTED.pattern})"
)
_MAO = re.compile(rf"[毛角](?:(?P<fen>[\d{_D}])(?:分(?!期))?(?![\d{_D}]))?")
_REST = re.compile(r"%|‰|折|个百分点")
_TO = re.compile(r"(?:-|~|～|—|到|至)\d+(?:\.\d+)?(?P<scale>[千万]|[wk](?![a-z]))")
_SOMEWHAT = Decimal("0.001")
"""What 多 adds: 200多 is in a range from 200, and not 200."""
_LETTERS = re.compile(r"[a-z]+")
_SOLD = frozenset(("vip", "svip"))
_LONGEST_BARE = 7
"""Digits of a number without a unit that can still be an amount; longer ones are telephone and order numbers."""


class Number(NamedTuple):
    """A whole number at start..end. `amount`: what it is worth in yuan, None where it counts or names something."""

    start: int
    end: int
    amount: Decimal | None


def numbers(text: str) -> Iterator[Number]:
    """Give the whole numbers of a folded text, in order."""
    place = 0
    text = _FORMAL.sub(lambda formal: formal[0].translate(_PLAIN), text) if _FORMAL.search(text) else text
    while (head := _HEAD.search(text, place)) is not None:
        value = _value(head)
        place = head.end()
        if value is not None:
            yield (found := _whole(text, head, value))
            place = max(place, found.end)


def read_amount(written: str) -> Decimal | None:
    """Read a text that is nothing but one amount: 199, 9块9, 1.9w, 两千九."""
    found = list(numbers(written))
    if len(found) != 1 or found[0].start != 0:
        return None
    rest = written[found[0].end :]
    return found[0].amount if not rest or _UNIT.fullmatch(rest) else None


def _whole(text: str, head: re.Match[str], value: Decimal) -> Number:
    """Take in what belongs to a number behind its digits, and say whether it is an amount."""
    start, end = head.span()
    scale = _SCALES.get(head["scale"] or "", 0)
    more = _MORE.match(text, end) if scale >= 100 else None
    if more is not None and more["rest"] and not _COUNTED.match(text, more.end()):
        if len(str(scale)) > len(more["rest"]):
            value += int(more["rest"])
            end = more.end()
    elif more is not None and not _COUNTED.match(text, more.end()):
        value += _digit(more["thousand"]) * 1_000 if more["thousand"] else _digit(more["digit"]) * scale // 10
        end = more.end()
    rest = _REST.match(text, end)
    if rest is not None:
        return Number(start, rest.end(), None)
    mao = _MAO.match(text, end)
    if mao is not None:
        return Number(start, mao.end(), value / 10 + Decimal(_digit(mao["fen"])) / 100)
    unit = _UNIT.match(text, end)
    if unit is None:
        if not _is_bare_amount(text, head, end, value):
            return Number(start, end, None)
        if text[end : end + 1] == "多":
            value += _SOMEWHAT
        until = None if scale else _TO.match(text, end)
        return Number(start, end, value * _SCALES[until["scale"]] if until is not None else value)
    cents = _CENTS.match(text, unit.end()) if unit[0] in ("块", "元") else None
    if cents is not None:
        value += Decimal(_digit(cents["mao"])) / 10 + Decimal(_digit(cents["fen"] or cents["cent"])) / 100
        return Number(start, cents.end(), value)
    together = head[0] == "一" and unit[0] == "块"  # 一块去: together
    return Number(start, end, None if together or text[start - 1 : start] == "第" else value)


def _is_bare_amount(text: str, head: re.Match[str], end: int, value: Decimal) -> bool:
    """Tell whether a number without a unit may be an amount: 199 in 199的课, but not in 199个人 or 第199期."""
    start = head.start()
    before, after = text[max(start - 2, 0) : start], text[end : end + 2]
    if not value or before[-1:] in ("第", "#") or before in _NAMED or _COUNTED.match(text, end):
        return False
    if before[-1:] in (".", ":", "：", "/") and before[:1].isdigit():
        return False
    if after[:1] == "." and after[1:].isdigit():
        return False
    letters = _LETTERS.match(text, end)
    if letters is not None and letters[0] not in _SOLD:
        return False
    if head["han"]:
        return len(head["han"]) > 1
    return len(head["arabic"].partition(".")[0].replace(",", "")) <= _LONGEST_BARE


def _value(head: re.Match[str]) -> Decimal | None:
    if head["arabic"]:
        about = _SOMEWHAT if head["about"] else 0
        return (Decimal(head["arabic"].replace(",", "")) + about) * _SCALES.get(head["scale"] or "", 1)
    whole, _, behind = head["han"].partition("点")
    value = _han_value(whole)
    if value is None:
        return None
    decimals = Decimal("0." + "".join(str(_DIGITS[char]) for char in behind)) if behind else Decimal(0)
    about = _SOMEWHAT if head["abouts"] else 0
    return (value + decimals + about) * _SCALES.get(head["hanscale"] or "", 1)


def _han_value(run: str) -> int | None:
    """Read Chinese numerals: 两千九百, 一百零五, 一万五, 一九九; None for what is no number (千万, 三四, 一一)."""
    if all(char in _DIGITS for char in run):
        if len(run) == 2:
            return None
        return int("".join(str(_DIGITS[char]) for char in run))
    total = section = 0
    digit: int | None = None
    unit = 0
    for place, char in enumerate(run):
        if char in _DIGITS:
            if digit:
                return None
            digit = _DIGITS[char]
            continue
        scale = _SCALES[char]
        if not (section or digit or total) and (scale != 10 or place):
            return None
        if scale >= 10_000:
            total = (total + section + (digit or 0)) * scale
            section = 0
        else:
            section += (digit or 1) * scale
        digit, unit = None, scale
    last = digit or 0
    if last and unit >= 100 and run[-2] not in "零〇":
        last *= unit // 10
    return total + section + last


def _digit(char: str | None) -> int:
    if not char:
        return 0
    return _DIGITS[char] if char in _DIGITS else int(char)


def whole_number(written: str) -> int | None:
    """Read a whole number that stands alone: 12, 十二, 两百; None for anything else."""
    if written.isdecimal():
        return int(written)
    return _han_value(written) if written and all(char in NUMERALS for char in written) else None
