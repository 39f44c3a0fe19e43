"""Lengths of time as people write them are one value in rules and in SOPs alike."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

import sop.lengths
import taggers.lengths
from sop.tables import parse_length
from taggers.rule import parse_duration

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
WRITTEN = {
    "30m": 30 * MINUTE, "24h": DAY, "7d": 7 * DAY, "2w": 14 * DAY, "45 s": timedelta(seconds=45), "0d": timedelta(0),
    "30天": 30 * DAY, "一周": 7 * DAY, "2小时": 2 * HOUR, " ３ 天 ": 3 * DAY, "两天": 2 * DAY, "十天": 10 * DAY,
    "二十一天": 21 * DAY, "一百二十天": 120 * DAY, "一百零五天": 105 * DAY, "两个星期": 14 * DAY, "3个小时": 3 * HOUR,
    "半小时": 30 * MINUTE, "半个小时": 30 * MINUTE, "一个半小时": 90 * MINUTE, "两天半": 2.5 * DAY, "半天": 12 * HOUR,
    "30分钟": 30 * MINUTE, "15分": 15 * MINUTE, "90秒": timedelta(seconds=90), "三个月": 90 * DAY, "半个月": 15 * DAY,
    "1礼拜": 7 * DAY, "7日": 7 * DAY, "24H": DAY, "3 days": 3 * DAY, "1 week": 7 * DAY,
    "1.5小时": 90 * MINUTE, "1.5h": 90 * MINUTE, "7d 2h": 7 * DAY + 2 * HOUR, "2h30m": 150 * MINUTE,
    "2小时30分钟": 150 * MINUTE, "1天又12小时": 36 * HOUR, "一刻钟": 15 * MINUTE,
    "半年": 180 * DAY, "一年": 365 * DAY,
}  # fmt: skip
NOTHING = (
    "", "天", "soon", "三四天", "3月", "-1d", "2026年", "30分钟2小时", "很多天", "半", "百天", "十十天", "1234567d",
    "3天天", "d3",    "半个半小时", "一个半小时半", "3 x", "下周", "零天零", "1.h",
)  # fmt: skip


@pytest.mark.parametrize(("written", "length"), WRITTEN.items())
def test_a_length_is_read_as_people_write_it(written: str, length: timedelta) -> None:
    assert (parse_duration(written), parse_length(written)) == (length, length)


@pytest.mark.parametrize("written", NOTHING)
def test_what_is_no_length_is_refused_with_the_forms_there_are(written: str) -> None:
    for read in (parse_duration, parse_length):
        with pytest.raises(ValueError, match="30分钟"):
            read(written)


def test_rules_and_sops_read_lengths_by_the_same_code() -> None:
    def code(module: object) -> str:
        return Path(str(module.__file__)).read_text(encoding="utf-8").partition("from __future__")[2]  # type: ignore[attr-defined]

    assert code(sop.lengths) == code(taggers.lengths)
