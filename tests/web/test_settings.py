"""The settings page: written into the file itself, errors beside their fields, nobody's edit lost."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from bot.platform import clock
from bot.platform.config.file import read_config_text
from bot.platform.config.list_text import Entry, change_list
from bot.platform.config.rule_text import UnknownRuleError
from bot.platform.config.table_text import change_table
from bot.platform.models import ConfigChange, Follow, Tagging
from bot.web.rules.setting_fields import SECTIONS
from bot.web.rules.setting_form import apply, show
from tests.support.rows import Rows, known_agent
from tests.support.site import CONFIG, Site, open_site

PLAYBOOKS = sorted(Path("bot/platform/config/playbooks").glob("*.toml"))
OWN = CONFIG.replace('name = "测试学堂"', 'name = "测试学堂"  # 我们').replace(
    "[[rules]]",
    '# 问价的说法\n[[synonyms]]\nname = "价格"\nwords = ["多少钱", "费用"]\n\n[privacy]\n'
    'purge_at = "04:30"\n[privacy.retention]\nmessages = "730d"  # 两年\n\n[[rules]]',
    1,
)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path, OWN) as site:
        yield site


def filled(source: str, **changed: Any) -> MultiDict[str, str]:
    """The form as a browser sends it, with some fields changed (None: left out, a list: several times)."""
    tables, form = tomllib.loads(source), MultiDict[str, str]()
    for section in SECTIONS:
        entries = tables.get(section.table, []) if section.called else [tables.get(section.table, {})]
        for number, values in enumerate(entries):
            at = f"{section.table}.{number}" if section.called else section.table
            if section.called:
                form.add(section.table, str(number))
                form.add(f"{section.table}.known", values[section.called])
                form.add(f"{at}.was", values[section.called])
            else:
                form.add(f"{at}.shown", "1")
            for field in section.fields:
                shown = show(field, values, section.defaults[field.name])
                if shown is not False:
                    form.add(f"{at}.{field.name}", "1" if shown is True else str(shown).replace("\n", "\r\n"))
    for name, value in changed.items():
        if value is None:
            form.poplist(name)
        else:
            form.setlist(name, value if isinstance(value, list) else [value])
    return form


def sent(site: Site, **changed: Any) -> MultiDict[str, str]:
    with site.app.test_request_context():
        form = filled(OWN, **changed)
    form["stamp"] = read_config_text(site.system.environment.config).stamp
    return form


def text_of(site: Site) -> str:
    return site.system.environment.config.read_text(encoding="utf-8")


def wrong_at(page: str, name: str) -> str:
    """What stands right below a field as wrong."""
    mark = f'id="s-{name.replace(".", "-")}-wrong">'
    return page.split(mark)[1].split("</div>")[0] if mark in page else ""


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: path.stem)
def test_an_untouched_form_changes_nothing(site: Site, path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    with site.app.test_request_context():
        made = apply(filled(source), source, tomllib.loads(source), {})
    assert made.text == source
    assert made.changed == ()


def test_edits_go_into_the_file_with_comments_and_into_the_history(site: Site) -> None:
    admin = site.signed_in("admin")
    form = sent(
        site,
        **{
            "workspace.work_hours": "8:30 到 20点",
            "workspace.holidays": "2026-02-14\r\n2026-02-15",
            "workspace.quiet_hours": "22:00—07:00",
            "synonyms.0.words": "多少钱\r\n费用\r\n报价",
            "tags": ["0", "9"],
            "tags.9.group": "意向",
            "tags.9.exclusive": "1",
            "tags.9.names": "高意向\r\n低意向",
            "welcome.say": "{customer.name|您}好",
            "text.words": "体验课",
            "privacy.retention.messages": "1年",
            "privacy.purge_at": "05:00",
        },
    )
    answer = admin.post("/settings", data=form)
    assert answer.location == "/settings?saved=1"
    text, made = text_of(site), tomllib.loads(text_of(site))
    assert made["workspace"]["work_hours"] == "08:30-20:00"
    assert [str(day) for day in made["workspace"]["holidays"]] == ["2026-02-14", "2026-02-15"]
    assert made["workspace"]["quiet_hours"] == "22:00-07:00"
    assert made["tags"][1] == {"group": "意向", "exclusive": True, "names": ["高意向", "低意向"]}
    assert (made["welcome"], made["text"]) == ({"say": "{customer.name|您}好"}, {"words": ["体验课"]})
    assert made["privacy"] == {"purge_at": "05:00", "retention": {"messages": "365d"}}
    assert "# 我们" in text
    assert "# 问价的说法\n[[synonyms]]" in text
    assert text.index("[[synonyms]]") < text.index("[privacy]") < text.index("[[rules]]")
    assert text.split("[[rules]]")[1].split("[")[0] == OWN.split("[[rules]]")[1].split("[")[0]
    with site.store.read() as session:
        told = session.scalars(select(ConfigChange.what).order_by(ConfigChange.id.desc())).first()
    assert told == "改设置：企业与工作时间、欢迎语、标签、同义词、行业词、隐私"
    assert "已保存" in admin.get("/settings?saved=1").text


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("workspace.work_hours", "早上到晚上", "时段写作"),
        ("workspace.timezone", "Asia/Beijing", "没有时区"),
        ("workspace.holidays", "二月三十日", ""),
        ("workspace.holidays", "2026-01-01\r\n2026-02-30", ""),
        ("budget.customer", "很多", "1/day"),
        ("budget.talk_hold", "一会儿", "时长写作"),
        ("overdue.reminders", "99", "10"),
        ("privacy.retention.messages", "1天", ""),
        ("privacy.retention.views", "永远", "时长写成"),
        ("synonyms.0.words", "", "至少要有 1 项"),
        ("synonyms.0.words", "多少钱\r\n@没有", "没有"),
        ("welcome.say", "{customer.nme}好", "nme"),
    ],
)
def test_what_the_file_would_refuse_is_said_at_its_field(site: Site, name: str, value: str, words: str) -> None:
    answer = site.signed_in("admin").post("/settings", data=sent(site, **{name: value}))
    assert answer.status_code == 422
    assert "alert" in wrong_at(answer.text, name)
    assert words in wrong_at(answer.text, name)
    assert answer.text.count(" autofocus") == 1
    assert text_of(site) == OWN


def test_an_entry_that_is_wrong_keeps_what_was_typed_and_is_told_apart_from_others(site: Site) -> None:
    change = {"tags": ["9", "0"], "tags.9.group": "意向", "tags.9.names": ""}
    answer = site.signed_in("admin").post("/settings", data=sent(site, **change))
    assert answer.status_code == 422
    assert "至少要有 1 项" in wrong_at(answer.text, "tags.9.names")
    assert wrong_at(answer.text, "tags.0.names") == ""
    assert 'value="意向"' in answer.text


def test_a_tag_still_used_is_said_where_it_is_used(site: Site) -> None:
    answer = site.signed_in("admin").post("/settings", data=sent(site, **{"tags.0.names": "已付款\r\n已开课"}))
    assert answer.status_code == 422
    assert "已续费" in answer.text.split("还有别处要先改好")[1][:600]
    assert text_of(site) == OWN


def test_taken_out_goes_and_what_another_added_meanwhile_stays(site: Site) -> None:
    admin, form = site.signed_in("admin"), sent(site, synonyms=[])
    form.poplist("synonyms")
    theirs = OWN.replace("[privacy]", '[[synonyms]]\nname = "地点"\nwords = ["在哪"]\n\n[privacy]', 1)
    site.system.environment.config.write_text(theirs, encoding="utf-8")
    answer = admin.post("/settings", data=form)
    assert answer.status_code == 409
    assert "在您编辑期间被改过" in answer.text
    assert text_of(site) == theirs
    form["stamp"] = read_config_text(site.system.environment.config).stamp
    assert admin.post("/settings", data=form).status_code == 302
    assert [one["name"] for one in tomllib.loads(text_of(site))["synonyms"]] == ["地点"]


def test_people_are_named_by_name_or_account(site: Site) -> None:
    with site.store.write() as session:
        for userid, name in (("WuTong", "吴桐"), ("LinA", "林雨"), ("LinB", "林雨")):
            known_agent(session, userid, name, clock.now())
    form = sent(site, **{"alarms.agents": "吴桐\r\nLinA\r\n林雨"})
    assert site.signed_in("admin").post("/settings", data=form).status_code == 302
    assert tomllib.loads(text_of(site))["alarms"]["agents"] == ["WuTong", "LinA", "林雨"]


def test_an_empty_welcome_goes_and_unshown_keys_stay(site: Site) -> None:
    whole = OWN + '\n[welcome]\nsay = "好"\n'
    whole = whole.replace("  # 我们", '  # 我们\nmaterials = "materials"')
    site.system.environment.config.write_text(whole, encoding="utf-8")
    with site.app.test_request_context():
        form = filled(whole, **{"welcome.say": "", "workspace.name": "新名"})
    form["stamp"] = read_config_text(site.system.environment.config).stamp
    assert site.signed_in("admin").post("/settings", data=form).status_code == 302
    made = tomllib.loads(text_of(site))
    assert "welcome" not in made
    assert made["workspace"] == {"name": "新名", "materials": "materials"}


def draft(admin: FlaskClient, site: Site, do: str) -> str:
    return str(admin.post("/settings/draft", data=sent(site, do=do)).text)


def test_buttons_add_and_take_out_without_writing(site: Site) -> None:
    admin = site.signed_in("admin")
    added = draft(admin, site, "tags:add")
    assert 'name="tags.1.group"' in added
    assert 'value="进展"' in added
    assert 'name="tags.0.group"' not in draft(admin, site, "tags:drop:0")
    assert admin.post("/settings/draft", data={"do": "rules:add"}).status_code == 400
    assert text_of(site) == OWN


def test_tables_written_in_a_way_of_their_own_are_refused_not_broken() -> None:
    with pytest.raises(UnknownRuleError):
        change_table('workspace = { name = "甲" }\n', "workspace", {"name": "乙"})
    with pytest.raises(UnknownRuleError):
        change_list('tags = [{ group = "甲", names = ["一"] }]\n', "tags", [], [0])


def test_tables_apart_from_their_parents_are_found() -> None:
    source = '[privacy.retention]\nmessages = "30d"\n\n[media]\nmax_mb = 5\n'
    text = change_table(source, "privacy", {"purge_at": "05:00", "retention": {"messages": "60d"}})
    assert tomllib.loads(text)["privacy"] == {"purge_at": "05:00", "retention": {"messages": "60d"}}
    assert "[media]\nmax_mb = 5\n" in text
    made = change_list(
        '[[tags]]\ngroup = "甲"\n', "tags", [Entry(None, {"group": "乙"}), Entry(0, {"group": "丙"})], []
    )
    assert made.places == [1, 0]


def test_what_goes_to_the_phones_is_counted_before_it_is_saved(site: Site) -> None:
    admin = site.signed_in("admin")
    with site.system.store.write() as session:
        rows = Rows(session, clock.now())
        customer = rows.customer(agent=rows.agent())
        session.add(Follow(agent_id=rows.agent().id, customer_id=customer.id, added_at=clock.now()))
        for tag in ("未回复", "重点", "别的"):
            session.add(Tagging(customer_id=customer.id, tag=tag, by="human", version="", tagged_at=clock.now()))
    group = {"tags.7.was": "", "tags.7.group": "互动", "tags.7.names": "未回复\r\n重点", "tags.7.phone": "1"}
    form = sent(site, **group)
    form.add("tags", "7")
    answer = admin.post("/settings", data=form)
    page = answer.get_data(as_text=True)
    assert (answer.status_code, text_of(site)) == (409, OWN)
    assert "新建标签 2 个；1 位客户会打上标签，算上每位员工一共 2 处、4 个" in page
    form["sure"] = page.split('name="sure" value="')[1].split('"')[0]
    assert admin.post("/settings", data=form).status_code == 302
    saved = tomllib.loads(text_of(site))["tags"][-1]
    assert saved == {"group": "互动", "phone": True, "names": ["未回复", "重点"]}
    change = sent(site, **{**group, "tags.7.was": "互动", "tags.7.names": "未回复"})  # it is on already
    assert "放到手机上，请先看一眼" not in admin.post("/settings", data=change).get_data(as_text=True)
