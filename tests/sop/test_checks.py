"""Everything wrong is found at once, with its place and a way to mend it."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from sop.checks import check_playbook
from sop.pipeline import Pipeline
from sop.playbook import Sop
from sop.workspace import FieldDefinition, Welcome, Workspace

TAGS = {"考虑价格", "已付款", "已约试听", "已回复", "未回复", "投诉"}

PIPELINE: dict[str, Any] = {
    "name": "转化",
    "stages": [
        {"name": "新线索", "on": ["@added"]},
        {"name": "考虑价格", "only_from": ["新线索"]},
        {"name": "成交", "on": ["已付款"], "won": True},
        {"name": "沉睡", "asleep": True},
        {"name": "流失", "on": ["@lost"], "lost": True},
    ],
    "moves": [
        {"from": "考虑价格", "to": "沉睡", "after": "7d"},
        {"from": "沉睡", "to": "流失", "after": "60d"},
    ],
}
SOP: dict[str, Any] = {
    "id": "price",
    "stage": "考虑价格",
    "stop": ["reply", "tag:投诉"],
    "steps": [
        {"after": "0m", "say": "{customer.name|您}好", "on_reply": "已回复", "on_silence": "未回复"},
        {"after": "1d", "at": "10:00", "say": ["甲", "乙"]},
    ],
}


def check(pipelines: list[dict[str, Any]], sops: list[dict[str, Any]]) -> list[tuple[str, str]]:
    found = check_playbook(
        [Pipeline.model_validate(table) for table in pipelines],
        [Sop.model_validate(table) for table in sops],
        TAGS,
        Welcome(say="{customer.name|您}好"),
        Workspace(),
    )
    return [(".".join(map(str, problem.where)), problem.message) for problem in found]


def test_a_sound_playbook_has_no_problem() -> None:
    assert check([PIPELINE], [SOP]) == []


@pytest.mark.parametrize(
    ("path", "value", "where", "says"),
    [
        pytest.param("moves.0.to", "沉水", "pipelines.0.moves.0.to", "是不是「沉睡」", id="a misspelt stage"),
        pytest.param("moves.0.from", "?", "pipelines.0.moves.0.from", "可用的有：", id="no stage at all"),
        pytest.param("moves.0.after", "0d", "pipelines.0.moves.0.after", "大于 0", id="a move at once"),
        pytest.param("moves.1.to", "考虑价格", "pipelines.0.moves.0.to", "绕成了圈", id="a loop of two"),
        pytest.param("moves.0.to", "考虑价格", "pipelines.0.moves.0.to", "绕成了圈", id="a loop of one"),
        pytest.param("moves.1.from", "考虑价格", "pipelines.0.moves.1.after", "永远轮不到", id="a later twin"),
        pytest.param("stages.2.name", "考虑价格", "pipelines.0.stages.2.name", "重复了", id="a stage twice"),
        pytest.param("stages.2.lost", True, "pipelines.0.stages.2.lost", "不能既是", id="won and lost"),
        pytest.param("stages.2.on", ["已付"], "pipelines.0.stages.2.on.0", "是不是「已付款」", id="a misspelt tag"),
        pytest.param("stages.0.on", ["@add"], "pipelines.0.stages.0.on.0", "是不是「@added」", id="a misspelt event"),
        pytest.param("stages.2.on", ["@added"], "pipelines.0.stages.2.on", "只能进一个阶段", id="a trigger for two"),
        pytest.param("stages.2.on", None, "pipelines.0.stages.2.name", "没有什么能让客户进入", id="no way in"),
        pytest.param("stages.1.only_from", ["新客"], "pipelines.0.stages.1.only_from.0", "没有阶段", id="only_from"),
        pytest.param(
            "stages.2.needs", ["已约试厅"], "pipelines.0.stages.2.needs.0", "是不是「已约试听」", id="needs"
        ),
    ],
)
def test_problems_of_a_pipeline(path: str, value: object, where: str, says: str) -> None:
    found = check([changed(PIPELINE, path, value)], [])
    assert any(at == where and says in message for at, message in found), found


@pytest.mark.parametrize(
    ("path", "value", "where", "says"),
    [
        pytest.param("stage", "考虑价", "sops.0.stage", "是不是「考虑价格」", id="a misspelt stage"),
        pytest.param("stop", ["reply", "replied"], "sops.0.stop.1", "是不是「reply」", id="a misspelt stop"),
        pytest.param("stop", ["tag:投拆"], "sops.0.stop.0", "是不是「投诉」", id="a misspelt tag to stop by"),
        pytest.param("steps.0.on_reply", "己回复", "sops.0.steps.0.on_reply", "是不是「已回复」", id="on_reply"),
        pytest.param("steps.0.on_silence", "已回复", "sops.0.steps.0.on_silence", "分不出", id="the same tag"),
        pytest.param("steps.0.say", "{name}好", "sops.0.steps.0.say", "没有占位符 {name}", id="a placeholder"),
        pytest.param("steps.1.say", ["甲", "{x"], "sops.0.steps.1.say.1", "没有成对", id="in the second wording"),
        pytest.param("steps.1.say", ["甲", " "], "sops.0.steps.1.say.1", "空的", id="an empty wording"),
        pytest.param("steps.0.after", "2d", "sops.0.steps.1.after", "从小到大", id="out of order"),
        pytest.param("steps.1.at", "22:00", "sops.0.steps.1.at", "不在工作时间 09:00-21:00", id="after hours"),
        pytest.param("steps.0.reply_window", "5s", "sops.0.steps.0.reply_window", "至少 1m", id="no time to answer"),
    ],
)
def test_problems_of_an_sop(path: str, value: object, where: str, says: str) -> None:
    found = check([PIPELINE], [changed(SOP, path, value)])
    assert any(at == where and says in message for at, message in found), found


@pytest.mark.parametrize(
    ("on", "says"),
    [
        ("@aded", "是不是 @added"),
        ("tag:已付", "是不是「已付款」"),
        ("silence:soon", "时长写作"),
        ("whenever", "看不懂触发条件"),
        ("no-reply:pricey2/1", "是不是「price2」"),
        ("reply:price", "不能由它自己"),
        ("reply:price2/3", "只有 2 步，没有第 3 步"),
    ],
)
def test_problems_of_a_start(on: str, says: str) -> None:
    table = {**SOP, "on": on}
    del table["stage"]
    found = check([PIPELINE], [table, {**SOP, "id": "price2"}])
    assert [(at, says in message) for at, message in found] == [("sops.0.on", True)]


@pytest.mark.parametrize(
    ("change", "where", "says"),
    [
        ({"audience": {"tags": ["已付"]}}, "sops.0.audience.tags.0", "是不是「已付款」"),
        ({"audience": {"stages": ["考虑"]}}, "sops.0.audience.stages.0", "是不是「考虑价格」"),
        ({"steps": [{"after": "1d", "say": "{customer.schol}"}]}, "sops.0.steps.0.say", "是不是 {customer.school}"),
        ({"steps": [{"say": "甲", "on_date": "2026-06-02"}, {"say": "乙", "on_date": "2026-06-01"}]},
         "sops.0.steps.1.on_date", "比上一步还早"),
        ({"stage": None, "on": "date:wedding"}, "sops.0.on", "没有日期字段「wedding」"),
        ({"stage": None, "on": "date:school"}, "sops.0.on", "没有日期字段「school」"),
    ],
)  # fmt: skip
def test_problems_of_fields_days_and_audiences(change: dict[str, Any], where: str, says: str) -> None:
    sop = Sop.model_validate({**SOP, **change})
    fields = [FieldDefinition(name="school", title="学校")]
    (problem,) = check_playbook([Pipeline.model_validate(PIPELINE)], [sop], TAGS, fields=fields)
    assert (".".join(map(str, problem.where)), says in problem.message) == (where, True), problem


def test_fields_are_sound() -> None:
    fields = [
        FieldDefinition(name="name"),
        FieldDefinition(name="school", yearly=True),
        FieldDefinition(name="school"),
    ]
    found = check_playbook([], [], TAGS, fields=fields)
    assert [problem.where for problem in found] == [
        ("fields", 2, "name"),
        ("fields", 0, "name"),
        ("fields", 1, "yearly"),
    ]


def test_a_loop_further_on_is_told_once_a_move() -> None:
    table = changed(PIPELINE, "moves", [])
    for start, end in (("新线索", "考虑价格"), ("考虑价格", "沉睡"), ("沉睡", "考虑价格")):
        table["moves"].append({"from": start, "to": end, "after": "7d"})
    found = [(at, message) for at, message in check([table], []) if "绕成了圈" in message]
    assert [at for at, _ in found] == ["pipelines.0.moves.1.to", "pipelines.0.moves.2.to"]
    assert "考虑价格 → 沉睡 → 考虑价格" in found[0][1]


@pytest.mark.parametrize(
    ("tags", "hint"),
    [
        (0, "可用的有：（一个也没有）"),
        (12, "可用的有：标签一"),
        (13, "请先声明它"),
    ],
)
def test_hints_stay_short(tags: int, hint: str) -> None:
    names = [f"标签{number}" for number in "一二三四五六七八九十百千万"[:tags]]
    sop = Sop.model_validate({"id": "s", "on": "tag:nothing-like-it", "steps": [{"say": "好"}]})
    (problem,) = check_playbook([], [sop], names)
    assert hint in problem.message


def test_names_and_ids_are_unique() -> None:
    other = {**PIPELINE, "name": "转化"}
    found = check([PIPELINE, other], [SOP, SOP])
    assert ("pipelines.1.name", "流程「转化」重复了，第 1 个已经用了这个名字") in found
    assert ("sops.1.id", "SOP「price」重复了，第 1 个已经用了这个名字") in found
    assert any(at == "sops.0.stage" and "不止一个流程" in message for at, message in found)


def test_all_problems_come_at_once() -> None:
    pipeline = changed(changed(PIPELINE, "moves.0.to", "没有"), "stages.2.on", ["没有"])
    sop = changed(changed(SOP, "stage", "没有"), "steps.0.say", "{没有}")
    assert [at for at, _ in check([pipeline], [sop])] == [
        "pipelines.0.stages.2.on.0",
        "pipelines.0.stages.3.name",
        "pipelines.0.moves.0.to",
        "sops.0.stage",
        "sops.0.steps.0.say",
    ]


@pytest.mark.parametrize(
    ("hours", "quiet", "problems"),
    [
        ("09:00-21:00", "22:00-08:00", 0),
        ("09:00-21:00", "12:00-14:00", 0),
        ("09:00-21:00", "09:00-21:00", 1),
        ("09:00-21:00", "08:00-08:00", 1),
        ("20:00-06:00", "19:00-07:00", 1),
    ],
)
def test_quiet_hours_leave_some_work_hours(hours: str, quiet: str, problems: int) -> None:
    workspace = Workspace.model_validate({"work_hours": hours, "quiet_hours": quiet})
    found = check_playbook([], [], TAGS, None, workspace)
    assert [problem.where for problem in found] == [("workspace", "quiet_hours")] * problems


def test_the_welcome_and_the_workspace_are_checked() -> None:
    day = "2026-03-03"
    workspace = Workspace.model_validate({"holidays": [day], "extra_workdays": [day]})
    found = check_playbook([], [], TAGS, Welcome(say="{customer}好"), workspace)
    assert [problem.where for problem in found] == [("welcome", "say"), ("workspace", "extra_workdays", 0)]


def changed(table: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """A copy of the table in which the value at a dotted path is another; None takes the key away."""
    copy = deepcopy(table)
    *parents, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    inner: Any = copy
    for key in parents:
        inner = inner[key]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    return copy
