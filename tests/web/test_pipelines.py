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
from bot.platform.models import AuditEntry
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
