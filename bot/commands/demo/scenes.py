"""Scenes: reads a made-up company, its people and their recorded dialogues, from a text file made to be read.

```
今天 2026-11-26                         the date that day 0 stands for
企业 示例教育
部门 2 课程顾问部
员工 LinXiaoyu 林晓雨 课程顾问 90        sends so many of a hundred prompts
主管 WuTong 吴桐 顾问主管 60            leads the department of those before them
群 周三直播答疑群 林晓雨

== 王海棠 林晓雨 公众号 拍=孩子          a customer, their agent, their channel, words for {拍}
== 何敏 陈国安 直播间 早2天 拍=花        plays the same dialogue, two days earlier
-18 14:20 加                           days before today (0: today), time of day, who does what
-18 14:22 客 你们的课多少钱？
-18 14:31 员 您好……
```

Deeds: 加 adds the agent, 客 and 员 say something, 删 the customer deletes the agent, 入 joins a group, 群客 and 群员
write there (the group's name first).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, time
from pathlib import Path

from bot.wecom.errors import BotError

FOLDER = Path(__file__).parent / "companies"
DEEDS = ("加", "客", "员", "删", "入", "群客", "群员")
_LINE = re.compile(r"(-?\d+) (\d{1,2}):(\d\d) (\S+)(?: (.+))?")
_EARLIER = re.compile(r"早(\d+)天")
_IN_GROUP = ("入", "群客", "群员")


class SceneError(BotError):
    """A line of a company's file that cannot be read; the text names file and line."""


@dataclass(frozen=True)
class Staff:
    """Somebody who works there. keen: how many of a hundred prompts they send."""

    userid: str
    name: str
    position: str
    keen: int
    leads: bool = False


@dataclass(frozen=True)
class Cue:
    """One deed of a dialogue: days before today, the time of day, what is done and said, in which group."""

    day: int
    at: time
    deed: str
    words: str = ""
    group: str = ""


@dataclass(frozen=True)
class Scene:
    """One customer and what happens between them and their agent."""

    customer: str
    agent: str
    channel: str
    cues: tuple[Cue, ...]


@dataclass
class Company:
    """A company as its file describes it. groups: name -> the owner's name."""

    name: str = ""
    today: date = date(2026, 11, 26)
    departments: list[tuple[int, str]] = field(default_factory=list)
    staff: list[Staff] = field(default_factory=list)
    groups: dict[str, str] = field(default_factory=dict)
    scenes: list[Scene] = field(default_factory=list)

    def userid(self, name: str) -> str:
        return next(person.userid for person in self.staff if person.name == name)


def read_company(path: Path) -> Company:
    """The company of a file; raises SceneError naming the line that cannot be read."""
    company, casts, cues = Company(), list[list[str]](), list[Cue]()
    for number, line in enumerate([*path.read_text(encoding="utf-8").splitlines(), "== "], start=1):
        words = line.split()
        try:
            if not words or words[0].startswith("#"):
                continue
            if words[0] == "==":
                if cues:
                    company.scenes += [_scene(company, cast, cues) for cast in casts]
                    casts, cues = [], []
                casts.append(words[1:])
            elif casts:
                cues.append(_cue(company, line))
            else:
                _head(company, words)
        except (ValueError, StopIteration, KeyError) as error:
            raise SceneError(f"{path.name} 第 {number} 行看不懂：{line}（{error}）") from None
    return company


def _head(company: Company, words: list[str]) -> None:
    match words:
        case ["今天", day]:
            company.today = date.fromisoformat(day)
        case ["企业", name]:
            company.name = name
        case ["部门", number, name]:
            company.departments.append((int(number), name))
        case ["员工" | "主管" as rank, userid, name, position, keen]:
            company.staff.append(Staff(userid, name, position, int(keen), leads=rank == "主管"))
        case ["群", name, owner]:
            company.groups[name] = owner
        case _:
            raise ValueError("企业、部门、员工、主管、群 之一")


def _cue(company: Company, line: str) -> Cue:
    found = _LINE.fullmatch(line.strip())
    if found is None or found[4] not in DEEDS:
        raise ValueError("应是「-3 14:20 客 说的话」这样")
    words, group = found[5] or "", ""
    if found[4] in _IN_GROUP:
        group, _, words = words.partition(" ")
        _ = company.groups[group]
    return Cue(int(found[1]), time(int(found[2]), int(found[3])), found[4], words, group)


def _scene(company: Company, cast: list[str], cues: list[Cue]) -> Scene:
    customer, agent, channel, *rest = cast
    earlier = sum(int(found[1]) for word in rest if (found := _EARLIER.fullmatch(word)))
    values = dict(word.split("=", 1) for word in rest if "=" in word)
    return Scene(customer, company.userid(agent), channel, tuple(_played(cues, earlier, values)))


def _played(cues: list[Cue], earlier: int, values: dict[str, str]) -> Iterator[Cue]:
    for cue in cues:
        words = cue.words
        for name, value in values.items():
            words = words.replace(f"{{{name}}}", value)
        yield Cue(cue.day - earlier, cue.at, cue.deed, words, cue.group)
