"""The wording library: figures from the archive, edits without anybody's name, one taken over into the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from bot.platform import clock
from bot.platform.models import Agent, ConfigChange, WordingOffer
from bot.web.rules.answer_form import FIELDS, read_answer, show_answer
from sop.completion import bare
from tests.support.rows import Rows
from tests.support.site import CONFIG, Site, open_site

SAY = "{customer.name}您好，付款以后您可以在订单详情的页面里面点击开票按钮"
SHORT = "{customer.name}，订单里点开票就行"
ANSWERS = f"""
[[answers]]
id = "invoice"  # 财务定的
category = "售后"
ask = ["发票怎么开", "能开发票吗"]
say = "{SAY}"
attach = [{{ kind = "link", title = "开票说明", url = "https://example.com/invoice", desc = "三步" }}]
tags = ["已付款"]

[[answers]]
id = "leave"
ask = ["可以请假吗"]
say = "可以的，会给您顺延"
retired = true

[[sops]]
id = "hello"
on = "@added"
steps = [{{ after = "1h", say = "{{customer.name|您}}，我是{{agent.name}}，有什么可以帮您？" }}]
"""
CANARIES = ("秋水伊人", "13912345678", "3980元", "tok9f8e7d6c5b")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path, CONFIG + ANSWERS) as site:
        yield site


def sent(site: Site, say: str, times: int, answered: int, outcome: str = "exact") -> None:
    """The answer was sent to so many customers in these words, each with their own name, and answered so often."""
    now = clock.now()
    with site.store.write() as session:
        rows = Rows(session, now)
        agent = session.scalars(select(Agent)).first() or rows.agent("林晓雨")
        for number in range(times):
            name = f"客户{'甲乙丙丁戊己庚辛壬癸'[number % 10]}{'东南西北中'[number % 5]}"
            customer = rows.customer(name, None, agent)
            message = rows.message(customer, say.replace("{customer.name}", customer.name), agent)
            at = now - timedelta(days=3)
            session.add(
                WordingOffer(
                    customer_id=customer.id, agent_id=agent.id, key="answer:invoice", by="offered", wording=SAY,
                    text=SAY, offered_at=at, sent_at=at, sent_msgid=message.msgid, outcome=outcome, similarity=0.8,
                    replied_at=at if number < answered else None, live_until=at + timedelta(days=1),
                )
            )  # fmt: skip


def test_the_library_says_what_became_of_each_and_is_searched(site: Site) -> None:
    sent(site, SAY, 25, 10)
    agent = site.signed_in("agent", "Wang")
    html = agent.get("/wordings").text
    assert "40%" in html
    assert "23–59%" in html, "the interval"
    assert "可以请假吗" not in html, "switched off"
    assert "可以请假吗" in agent.get("/wordings?state=off").text
    assert "可以请假吗" not in agent.get("/wordings?q=qj").text
    for query in ("q=fp", "q=开票按钮", "category=售后", "for=已付款", "kind=answer"):
        assert "发票怎么开" in agent.get(f"/wordings?{query}").text, query
    assert "没有符合的话术" in agent.get("/wordings?kind=rule").text


@pytest.mark.parametrize("path", ["/wordings", "/wordings/w/answer:invoice", "/sops/s/hello"])
def test_what_is_filled_in_is_told_in_words_wherever_wordings_are_listed(site: Site, path: str) -> None:
    page = site.signed_in("admin").get(path).text
    assert "{customer" not in page
    assert '<span class="slot">客户称呼' in page


def test_few_cases_say_no_share(site: Site) -> None:
    sent(site, SAY, 4, 4)
    html = site.signed_in("leader").get("/wordings/w/answer:invoice").text
    assert "4/4，还太少" in html
    assert "100%" not in html


def test_an_edit_that_does_better_is_taken_over_by_one_tap(site: Site) -> None:
    sent(site, SAY, 100, 21)
    sent(site, SHORT, 30, 25, "edited")
    admin = site.signed_in("admin")
    html = admin.get("/wordings/w/answer:invoice").text
    assert "林晓雨 的说法 83% 得到回复，现在的说法 21%" in html
    assert SHORT.removeprefix("{customer.name}") in html
    form = {"key": "answer:invoice", "text": bare(SAY), "edit": bare(SHORT)}
    assert site.signed_in("leader").post("/wordings/take", data=form).status_code == 404
    assert "saved=1" in admin.post("/wordings/take", data=form).location
    text = (site.system.environment.config).read_text(encoding="utf-8")
    assert f'say = "{SHORT}"' in text
    assert "# 财务定的" in text
    with site.store.read() as session:
        newest = session.scalars(select(ConfigChange).order_by(ConfigChange.id.desc())).first()
        assert newest is not None
        assert newest.what == "改话术「发票怎么开」，采用员工的说法"
    assert "problem=" in admin.post("/wordings/take", data=form).location, "a second tap finds it changed"
    before = admin.get("/wordings/w/answer:invoice").text.partition("以前这样说")[2]
    assert SAY.removeprefix("{customer.name}") in before


def test_no_edit_tells_of_anybody(site: Site) -> None:
    with site.store.write() as session:
        Rows(session, clock.now()).customer(CANARIES[0], None)
    for canary in CANARIES:
        sent(site, f"{{customer.name}}您好，付款后给{canary}在订单里点开票", 3, 3, "edited")
    html = site.signed_in("admin").get("/wordings/w/answer:invoice").text
    assert [canary for canary in CANARIES if canary in html] == []
    assert "所以不列" in html


@pytest.mark.parametrize("answer_id", ["invoice", "leave"])
def test_an_untouched_form_changes_nothing(site: Site, answer_id: str) -> None:
    entry = next(one for one in site.system.settings.tables.answers if one.id == answer_id)
    values = entry.model_dump(exclude_defaults=True, exclude_none=True, mode="json")
    form = MultiDict({"id": answer_id, **({"retired": "1"} if entry.retired else {})})
    for field in FIELDS:
        shown = show_answer(field, values)
        form.setlist(field.name, shown if isinstance(shown, list) else [str(shown or "")])
    form.setlist("retired", ["1"] if entry.retired else [])
    assert read_answer(form, values) == values


def test_an_answer_is_written_changed_and_refused_with_reasons(site: Site) -> None:
    admin = site.signed_in("admin")
    stamp = re.search(r'name="stamp" value="(\w+)"', admin.get("/wordings/answers/new").text)
    assert stamp is not None
    form = {
        "stamp": stamp[1],
        "ask": "教材要自己买吗\r\n书要买吗",
        "say": "我们会寄给您",
        "attach": "说明 https://a.cn/b",
    }
    refused = admin.post("/wordings/answers/save", data=form | {"stages": "没有的阶段"})
    assert refused.status_code == 422
    assert "没有阶段「没有的阶段」" in refused.text
    made = admin.post("/wordings/answers/save", data=form)
    assert made.location.endswith("/wordings/w/answer:jiao-cai-yao-zi-ji-mai-ma?saved=1")
    text = site.system.environment.config.read_text(encoding="utf-8")
    assert 'attach = [{ kind = "link", title = "说明", url = "https://a.cn/b" }]' in text
    page = admin.get("/wordings/answers/jiao-cai-yao-zi-ji-mai-ma/edit").text
    assert "教材要自己买吗\n书要买吗" in page
    assert admin.get("/wordings/answers/nobody/edit").status_code == 404
    late = admin.post("/wordings/answers/save", data=form | {"was": "invoice", "ask": "开票"})
    assert late.status_code == 409, "the file was changed meanwhile"


def test_the_library_of_materials_names_the_wording_that_uses_a_file(site: Site) -> None:
    config, admin = site.system.environment.config, site.signed_in("admin")
    folder = config.parent / site.system.settings.workspace.materials
    folder.mkdir(exist_ok=True)
    for name in ("guide.pdf", "table.pdf"):
        (folder / name).write_bytes(b"%PDF-1.4 guide")
    stamp = re.search(r'name="stamp" value="(\w+)"', admin.get("/wordings/answers/new").text)
    assert stamp is not None
    chosen = ["guide.pdf", "", "说明 https://a.cn/b"]
    form = {"stamp": stamp[1], "ask": "有说明书吗", "say": "有的，发您看看", "attach": chosen}
    assert admin.post("/wordings/answers/save", data=form).status_code == 302
    entry = next(one for one in site.system.settings.tables.answers if one.ask[0] == "有说明书吗")
    assert [(one.kind, one.file or one.url) for one in entry.attach] == [
        ("file", "guide.pdf"), ("link", "https://a.cn/b"),
    ]  # fmt: skip
    assert "话术「有说明书吗」" in admin.get("/sops/library").text
    page = admin.get(f"/wordings/answers/{entry.id}/edit").text
    assert re.findall(r"<option>(\S+\.pdf)</option>", page)[:1] == ["table.pdf"]
