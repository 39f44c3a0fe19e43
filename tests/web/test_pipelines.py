"""Stages from their form: into the file itself, over nobody's edit, never where customers would be left standing."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from bot.platform import clock
from bot.platform.config.file import read_config_text
from bot.platform.config.rule_text import UnknownRuleError
from bot.platform.config.settings import parse_settings
from bot.platform.config.stage_names import rename_stage
from bot.platform.models import AuditEntry, Placement
from bot.web.rules.form_values import show_length
from bot.web.rules.pipeline_acts import act
from bot.web.rules.pipeline_form import KINDS, first_wrong, read_pipeline, settled, show_entry
from tests.support.rows import Rows
from tests.support.site import CONFIG, Site, open_site

PIPELINES = [
    pipeline
    for path in sorted(Path("bot/platform/config/playbooks").glob("*.toml"))
    for pipeline in tomllib.loads(path.read_text(encoding="utf-8"))["pipelines"]
]
OWN = CONFIG.replace('name = "课程转化"', 'name = "课程转化"  # 主线')


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path, OWN) as site:
        with site.store.write() as session:
            rows = Rows(session, clock.now())
            for name in ("甲", "乙", "丙"):
                rows.customer(name, "考虑价格")
        yield site


def filled(values: dict[str, Any]) -> MultiDict[str, str]:
    """The form as a browser sends it when nothing was touched."""
    pairs = [("was", values["name"]), ("back", values.get("back", "human"))]
    pairs.append(("hold", show_length(values.get("hold", ""))))
    for key, stage in enumerate(values["stages"]):
        entry = show_entry(stage)
        pairs += [("stage", str(key)), ("known", stage["name"]), (f"{key}.name", stage["name"])]
        pairs += [(f"{key}.own", "1")] if entry.own else []
        pairs += [(f"{key}.events", event) for event in entry.events]
        pairs += [(f"{key}.tags", "\r\n".join(entry.others)), (f"{key}.needs", "\r\n".join(stage.get("needs", [])))]
        pairs += [(f"{key}.kind", kind) for kind in KINDS if stage.get(kind)]
        pairs += [(f"{key}.only_from", name) for name in stage.get("only_from", [])]
        pairs += [(f"{key}.reasons", "\r\n".join(stage.get("reasons", [])))]
        pairs += [(f"{key}.min_stay", show_length(stage.get("min_stay", "")))]
        pairs += [(f"{key}.{name}", str(stage.get(name, ""))) for name in ("min_score", "min_profile")]
    for n, move in enumerate(values.get("moves", [])):
        pairs += [("move", f"m{n}"), (f"m{n}.from", move["from"]), (f"m{n}.to", move["to"])]
        pairs += [(f"m{n}.after", show_length(move["after"]))]
    return MultiDict(pairs)


def text_of(site: Site) -> str:
    return site.system.environment.config.read_text(encoding="utf-8")


def form_of(site: Site, **changed: Any) -> MultiDict[str, str]:
    """The form of 课程转化 with some fields changed (a list gives a field several times)."""
    with site.app.test_request_context():
        form = filled(tomllib.loads(OWN)["pipelines"][0])
    form["stamp"] = read_config_text(site.system.environment.config).stamp
    for name, value in changed.items():
        form.setlist(name, value if isinstance(value, list) else [value])
    return form


@pytest.mark.parametrize("values", PIPELINES, ids=lambda pipeline: pipeline["name"])
def test_an_untouched_form_changes_nothing(values: dict[str, Any]) -> None:
    with Flask(__name__).test_request_context():
        assert settled(read_pipeline(filled(values)), values) == values


def test_what_another_added_meanwhile_stays_where_it_is_and_only_what_was_taken_out_goes() -> None:
    old = {"name": "甲", "stages": [{"name": name, "on": []} for name in ("一", "二", "三", "四")]}
    form = {**old, "back": "human", "hold": "0m", "moves": [], "stages": [old["stages"][2], old["stages"][0]]}
    made = settled(form, old, gone=["四"])
    assert [stage["name"] for stage in made["stages"]] == ["三", "一", "二"]


def test_buttons_keep_the_keyboard_where_it_was() -> None:
    draft: dict[str, Any] = {"stages": [{"name": name} for name in "甲乙丙"], "moves": []}
    moved, focus = act(draft, ["stage", "up", "2"])
    assert ([stage["name"] for stage in moved["stages"]], focus) == (["甲", "丙", "乙"], "up:1")
    assert act(moved, ["stage", "up", "1"])[1] == "down:0"
    assert act(draft, ["stage", "down", "1"])[1] == "up:2"
    assert act(draft, ["stage", "add"])[1] == "stage:3"
    assert act(draft, ["move", "add"])[0]["moves"] == [{"from": "", "after": "", "to": ""}]
    assert act(draft, ["stage", "drop", "9"]) == (draft, "")


def test_the_first_wrong_field_is_the_topmost() -> None:
    values: dict[str, Any] = {"stages": [{}, {}], "moves": [{}]}
    assert first_wrong({"m0.to": [], "1.needs": [], "1.on": []}, values) == "1.on"


def test_every_stage_says_who_stands_there(site: Site) -> None:
    admin = site.signed_in("admin")
    page = admin.get("/pipelines").text
    assert "3 位客户" in page
    assert "老客服务" in page
    form = admin.get("/pipelines/1/edit").text
    assert "去掉「新线索」" in form
    assert "去掉「考虑价格」" not in form
    assert admin.get("/pipelines/3/edit").status_code == 404


def test_an_edit_goes_into_the_file_and_into_the_log(site: Site) -> None:
    admin = site.signed_in("admin")
    assert admin.post("/pipelines/save", data=form_of(site)).status_code == 302
    assert text_of(site) == OWN
    change = {
        "stage": ["0", "9", "1", "2", "3"], "9.name": "试听", "9.tags": "已开课", "9.min_stay": "2 天",
        "9.only_from": "新线索", "move": "m0", "m0.from": "试听", "m0.after": "7 天", "m0.to": "考虑价格",
        "back": "anyone",
    }  # fmt: skip
    answer = admin.post("/pipelines/save", data=form_of(site, **change))
    assert answer.location == "/pipelines?saved=1"
    made = tomllib.loads(text_of(site))["pipelines"][0]
    assert made["stages"][1] == {"name": "试听", "on": ["已开课"], "only_from": ["新线索"], "min_stay": "2d"}
    assert (made["back"], made["moves"]) == ("anyone", [{"from": "试听", "to": "考虑价格", "after": "7d"}])
    assert "# 主线" in text_of(site)
    assert text_of(site).split('name = "老客服务"')[1] == OWN.split('name = "老客服务"')[1]
    with site.store.read() as session:
        assert session.scalars(select(AuditEntry.action)).all()[-1] == "config.save"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"stage": ["0", "9", "1", "2", "3"], "9.name": ""}, "不能为空"),
        ({"stage": ["0", "9", "1", "2", "3"], "9.name": "试听", "9.own": "1"}, "没有标签「试听」"),
        ({"stage": ["0", "9", "1", "2", "3"], "9.name": "成交"}, "重复了"),
        ({"0.tags": "没有的标签"}, "没有标签「没有的标签」"),
        ({"2.kind": ["won", "lost"]}, "既是成交"),
        ({"1.min_stay": "一会儿"}, "时长写作"),
        ({"1.min_score": "很多"}, "整数"),
        ({"move": "m0", "m0.from": "新线索", "m0.after": "7d"}, "选一个阶段"),
        ({"move": "m0", "m0.from": "新线索", "m0.to": "流失"}, "时长写作"),
    ],
)
def test_what_the_file_would_refuse_is_said_at_its_field(site: Site, change: dict[str, Any], words: str) -> None:
    answer = site.signed_in("admin").post("/pipelines/save", data=form_of(site, **change))
    assert answer.status_code == 422
    place = answer.text.index('class="wrong" role="alert"')
    assert words in answer.text[place : place + 200]
    assert answer.text.count("autofocus") == 1
    assert text_of(site) == OWN


def test_a_stage_goes_only_when_nobody_stands_there(site: Site) -> None:
    admin = site.signed_in("admin")
    answer = admin.post("/pipelines/save", data=form_of(site, stage=["0", "2", "3"]))
    assert answer.status_code == 422
    assert "「考虑价格」里还有 3 位客户" in answer.text
    assert text_of(site) == OWN
    assert admin.post("/pipelines/save", data=form_of(site, stage=["1", "2", "3"])).status_code == 302
    names = [stage["name"] for stage in tomllib.loads(text_of(site))["pipelines"][0]["stages"]]
    assert names == ["考虑价格", "成交", "流失"]


def test_nobodys_edit_is_lost(site: Site) -> None:
    admin, form = site.signed_in("admin"), form_of(site, stage=["1", "0", "2", "3"])
    theirs = OWN.replace('  { name = "考虑价格" },\n', '  { name = "考虑价格" },\n  { name = "观望", on = [] },\n')
    site.system.environment.config.write_text(theirs, encoding="utf-8")
    answer = admin.post("/pipelines/save", data=form)
    assert answer.status_code == 409
    assert "在您编辑期间被改过" in answer.text
    assert text_of(site) == theirs
    form["stamp"] = read_config_text(site.system.environment.config).stamp
    assert admin.post("/pipelines/save", data=form).status_code == 302
    names = [stage["name"] for stage in tomllib.loads(text_of(site))["pipelines"][0]["stages"]]
    assert names == ["考虑价格", "观望", "新线索", "成交", "流失"]


def test_a_button_writes_nothing(site: Site) -> None:
    draft = site.signed_in("admin").post("/pipelines/draft", data=form_of(site, do="stage:down:0")).text
    assert draft.index("去掉「新线索」") > draft.index('value="考虑价格"')
    assert "现在是第 2 个，共 4 个阶段" in draft
    assert text_of(site) == OWN


def renaming(site: Site, new: str, stage: str = "考虑价格") -> dict[str, str]:
    stamp = read_config_text(site.system.environment.config).stamp
    return {"pipeline": "课程转化", "stage": stage, "name": new, "stamp": stamp}


def test_a_rename_says_before_whom_it_reaches_and_does_it(site: Site) -> None:
    more = '\n[[sops]]\nid = "price"\nstage = "考虑价格"  # 问过价\n\n  [[sops.steps]]\n  say = "您好"\n'
    more += '\n[[rules]]\nid = "again"\ntag = "已付款"\nany = ["付了"]\nwhen = { stages = ["课程转化/考虑价格"] }\n'
    site.system.environment.config.write_text(OWN + more, encoding="utf-8")
    admin = site.signed_in("admin")
    said = " ".join(admin.get("/pipelines/rename?pipeline=课程转化&stage=考虑价格").text.split())
    assert "<b>3 位客户</b>：看板上的位置" in said
    assert "<b>规则</b>：1 处" in said
    assert "<b>跟进</b>：1 处" in said
    answer = admin.post("/pipelines/rename", data=renaming(site, "谈价格"))
    assert answer.status_code == 302
    shown = admin.get(answer.location).text
    assert "已改名为「谈价格」，3 位客户跟着改好了" in shown
    assert "手机上的标签正在改名" in shown
    made = tomllib.loads(text_of(site))
    stage = made["pipelines"][0]["stages"][1]
    assert stage == {"name": "谈价格", "on": ["考虑价格"]}
    assert (made["sops"][0]["stage"], made["rules"][1]["when"]) == ("谈价格", {"stages": ["课程转化/谈价格"]})
    assert (made["rules"][0]["tag"], made["tags"][-1]["names"]) == ("考虑价格", ["考虑价格"])
    assert 'stage = "谈价格"  # 问过价' in text_of(site)
    assert "# 主线" in text_of(site)
    with site.store.read() as session:
        assert set(session.scalars(select(Placement.stage))) == {"谈价格"}
        told = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
        assert told is not None
        assert "阶段「考虑价格」改名为「谈价格」" in str(told.detail)


@pytest.mark.parametrize(
    ("new", "words"),
    [("", "写上新名字"), ("考虑价格", "和原来的一样"), ("成交", "已经有阶段「成交」"), ("甲/乙", "不能有斜杠")],
)
def test_a_name_that_cannot_be_is_refused_in_words(site: Site, new: str, words: str) -> None:
    answer = site.signed_in("admin").post("/pipelines/rename", data=renaming(site, new))
    assert answer.status_code == 422
    assert words in answer.text
    assert text_of(site) == OWN


def test_a_rename_over_anothers_edit_changes_no_card(site: Site) -> None:
    admin, form = site.signed_in("admin"), renaming(site, "谈价格")
    site.system.environment.config.write_text(OWN + "\n# 别人写的\n", encoding="utf-8")
    answer = admin.post("/pipelines/rename", data=form)
    assert answer.status_code == 409
    assert "在您编辑期间被改过" in answer.text
    with site.store.read() as session:
        assert set(session.scalars(select(Placement.stage))) == {"考虑价格"}
    assert admin.get("/pipelines/rename?pipeline=课程转化&stage=没有").status_code == 404


def test_a_stage_of_two_pipelines_is_not_renamed_where_it_is_not_told_apart() -> None:
    stages = 'stages = [{ name = "沉睡", on = [] }, { name = "醒", on = [] }]\n'
    source = f'[[pipelines]]\nname = "甲"\n{stages}\n[[pipelines]]\nname = "乙"\n{stages}'
    made = rename_stage(
        source + '\n[[segments]]\nname = "一"\nwhere = [{ stage = "甲/沉睡" }]\n', "甲", "沉睡", "睡了"
    )
    read = tomllib.loads(made.text)
    assert [line["stages"][0]["name"] for line in read["pipelines"]] == ["睡了", "沉睡"]
    assert read["segments"][0]["where"] == [{"stage": "甲/睡了"}]
    assert "tags" not in read
    with pytest.raises(UnknownRuleError, match="流程「乙」也有阶段"):
        rename_stage(source + '\n[[answers]]\nid = "x"\nstages = ["沉睡"]\n', "甲", "沉睡", "睡了")
    waiting = source + '\n[[waiting]]\npipeline = "乙"\nstage = "沉睡"\n'
    assert tomllib.loads(rename_stage(waiting, "甲", "沉睡", "睡了").text)["waiting"][0]["stage"] == "沉睡"


@pytest.mark.parametrize(
    "path", sorted(Path("bot/platform/config/playbooks").glob("*.toml")), ids=lambda path: path.stem
)
def test_every_stage_of_every_playbook_can_be_renamed_and_the_config_stays_good(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    for pipeline in tomllib.loads(source)["pipelines"]:
        for stage in pipeline["stages"]:
            made = rename_stage(source, pipeline["name"], stage["name"], "另一个名字")
            parse_settings(made.text, examples=False)
            assert made.text.count("#") == source.count("#")


def test_a_pipeline_is_begun_and_its_stages_edited_next(site: Site) -> None:
    admin = site.signed_in("admin")
    form = {
        "name": "转介绍",
        "stages": "知道了\r\n介绍了",
        "stamp": read_config_text(site.system.environment.config).stamp,
    }
    answer = admin.post("/pipelines/new", data=form)
    assert answer.location == "/pipelines/3/edit"
    made = tomllib.loads(text_of(site))["pipelines"][2]
    assert made == {"name": "转介绍", "stages": [{"name": "知道了", "on": []}, {"name": "介绍了", "on": []}]}
    assert "介绍了" in admin.get(answer.location).text
    for name, stages, words in (
        ("", "一", "写上流程的名字"),
        ("转介绍", "一", "已经有流程"),
        ("乙", "一\r\n一", "同名"),
        ("乙", "一/二", "斜杠"),
    ):
        answer = admin.post("/pipelines/new", data={**form, "name": name, "stages": stages})
        assert (answer.status_code, words in answer.text) == (422, True)
