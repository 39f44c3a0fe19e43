"""Saving an SOP from its form: into the file itself, over nobody's edit, never what the file would refuse."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from bot.platform import clock
from bot.platform.config.file import read_config_text
from bot.platform.models import AuditEntry, SopEnrolment
from bot.platform.work import Work
from bot.sops.replanning import find_edits
from tests.support.rows import Rows
from tests.support.site import Site, open_site
from tests.web.test_sop_form import filled
from tests.web.test_sops import SOPS, cohort


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    (tmp_path / "materials").mkdir()
    (tmp_path / "materials" / "海报.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"0" * 40)
    with open_site(tmp_path, SOPS) as site:
        yield site


def text_of(site: Site) -> str:
    return site.system.environment.config.read_text(encoding="utf-8")


def form_of(site: Site, **changed: Any) -> MultiDict[str, str]:
    """The form of price-nurture with some fields changed (a list gives a field several times)."""
    (values,) = tomllib.loads(SOPS)["sops"]
    with site.app.test_request_context():
        form = filled(values)
    form["was"], form["stamp"] = "price-nurture", read_config_text(site.system.environment.config).stamp
    for name, value in changed.items():
        form.setlist(name.replace("__", "."), value if isinstance(value, list) else [value])
    return form


def test_the_form_shows_what_the_file_says(site: Site) -> None:
    page = site.signed_in("admin").get("/sops/price-nurture/edit").text
    for words in (
        "价格跟进",
        "甲说法",
        "乙说法",
        "海报.png",
        "第二天再问",
        'value="10:00"',
        'name="1.day" value="2"',
    ):
        assert words in page
    assert site.signed_in("admin").get("/sops/nothing/edit").status_code == 404


def test_an_edit_goes_into_the_file_and_into_the_log(site: Site) -> None:
    admin = site.signed_in("admin")
    answer = admin.post("/sops/save", data=form_of(site, **{"1.say": "第二天问一句", "1.day": "3"}))
    assert answer.status_code == 302
    assert text_of(site) == SOPS.replace("第二天再问", "第二天问一句").replace('after = "1d"', 'after = "2d"')
    assert "已保存" in admin.get(answer.location).text
    with site.store.read() as session:
        assert session.scalars(select(AuditEntry.action)).all()[-1] == "config.save"


def test_an_untouched_form_leaves_every_byte(site: Site) -> None:
    assert site.signed_in("admin").post("/sops/save", data=form_of(site)).status_code == 302
    assert text_of(site) == SOPS


def test_a_new_one_is_made_from_nothing(site: Site) -> None:
    form = {
        "stamp": read_config_text(site.system.environment.config).stamp, "title": "成交回访", "start.kind": "stage",
        "start.name": "成交", "stop": ["left"], "step": "0", "0.mode": "day", "0.day": "2", "0.at": "10:00",
        "0.say": "{customer.name|您}好",
    }  # fmt: skip
    answer = site.signed_in("admin").post("/sops/save", data=form)
    assert answer.location == "/sops/s/cheng-jiao-hui-fang?saved=1"
    assert text_of(site).startswith(SOPS)
    assert tomllib.loads(text_of(site))["sops"][1] == {
        "id": "cheng-jiao-hui-fang", "title": "成交回访", "stage": "成交", "stop": ["left"],
        "steps": [{"after": "1d", "at": "10:00", "say": "{customer.name|您}好"}],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("1.say", "您好{costumer.name}", "{customer.name}"),
        ("1.say", "", "话术是空的"),
        ("1.at", "25:99", "时刻写作"),
        ("1.day", "那天", "时长写作"),
        ("start.name", "没有的阶段", "没有阶段"),
        ("start.name", "", "选一个阶段"),
        ("stop.tags", "没有的标签", "没有标签"),
        ("0.on_reply", "没有的标签", "没有标签"),
        ("0.0.file", "没有.png", "没有.png"),
        ("cap.times", "许多", "cap"),
    ],
)
def test_what_the_file_would_refuse_is_said_at_its_field(site: Site, field: str, value: str, words: str) -> None:
    answer = site.signed_in("admin").post("/sops/save", data=form_of(site, **{field: value}))
    assert answer.status_code == 422
    place = answer.text.index('class="wrong" role="alert"')
    assert words in answer.text[place : place + 400] or field.startswith("cap")
    assert "autofocus" in answer.text
    assert text_of(site) == SOPS


def test_nobodys_edit_is_lost(site: Site) -> None:
    admin, form = site.signed_in("admin"), form_of(site, **{"1.say": "我的话"})
    site.system.environment.config.write_text(SOPS.replace("价格跟进", "别人改的名"), encoding="utf-8")
    answer = admin.post("/sops/save", data=form)
    assert answer.status_code == 409
    assert "在您编辑期间被改过" in answer.text
    assert "我的话" in answer.text
    assert "我的话" not in text_of(site)
    again = form_of(site, title="别人改的名", **{"1.say": "我的话"})
    assert admin.post("/sops/save", data=again).status_code == 302
    assert "我的话" in text_of(site)
    assert "别人改的名" in text_of(site)


def test_buttons_and_the_preview_write_nothing(site: Site) -> None:
    admin = site.signed_in("admin")
    moved = admin.post("/sops/draft", data=form_of(site, do="step:up:1")).text
    assert moved.index("第二天再问") < moved.index("甲说法")
    phone = admin.post("/sops/draft/preview", data=form_of(site, **{"1.say": "{customer.name|您}在吗"})).text
    assert "<mark>王女士</mark>在吗" in phone
    assert "第 2 天" in phone
    assert "选一个阶段" in admin.post("/sops/draft/preview", data=form_of(site, start__name="")).text
    assert text_of(site) == SOPS


def test_before_saving_it_says_whom_it_reaches(site: Site) -> None:
    with site.store.write() as session:
        cohort(session)
        rows = Rows(session, clock.now())
        agent = rows.agent()
        rows.task(rows.customer(agent=agent), agent, "第二天再问", steps=2, state="delivered")
    admin = site.signed_in("admin")
    page = admin.post("/sops/draft/preview", data=form_of(site, **{"1.say": "别的话", "1.at": "11:00"})).text
    assert "现在有 8 位客户在这份跟进里" in page
    assert "第 2 步：还没提醒的 8 位换成新的话和时间" in page
    assert "已经提醒到员工的" in page
    assert "不影响他们" in admin.post("/sops/draft/preview", data=form_of(site)).text
    gone = form_of(site, do="")
    gone.setlist("step", ["0"])
    assert "去掉，还没提醒的" in admin.post("/sops/draft/preview", data=gone).text


def test_whom_an_edit_reaches_is_chosen_before_it_is_in_force_and_shown_afterwards(site: Site) -> None:
    with site.store.write() as session:
        rows = Rows(session, clock.now())
        agent = rows.agent()
        first = rows.task(rows.customer("李女士", agent=agent), agent, "第二天再问", steps=2)
        enrolment = session.get_one(SopEnrolment, first.enrolment_id)
        enrolment.version = site.system.settings.version
    admin, edited = site.signed_in("admin"), {"1.say": "别的话"}
    assert (
        'value="all" form="sop-form" checked' in admin.post("/sops/draft/preview", data=form_of(site, **edited)).text
    )
    assert admin.post("/sops/save", data=form_of(site, reach="new", **edited)).status_code == 302
    page = admin.get("/sops/s/price-nurture").text
    assert "有 1 位按改之前的走完" in page
    assert "接下来是第 1 步：1 位" in page
    assert (
        'value="new" form="sop-form" checked' in admin.post("/sops/draft/preview", data=form_of(site, **edited)).text
    )
    with site.store.read() as session:
        assert "sop.reach" in session.scalars(select(AuditEntry.action)).all()
        assert find_edits(Work(session, site.system.settings, clock.now())) == []
