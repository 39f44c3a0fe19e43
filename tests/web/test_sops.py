"""The SOPs' pages: figures that add up, a calendar with reasons, pausing, a library that no hostile upload hurts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import astuple
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.analytics.cohorts import sop_figures
from bot.platform import clock
from bot.platform.config.settings import parse_settings
from bot.platform.models import AuditEntry, ConfigChange, Outbox, ShadowStart, SopEnrolment, SopTask, StageMove
from bot.sops.material_library import MaterialRefusedError, path_of
from sop.triggers import starts, trigger_of
from tests.support.rows import Rows
from tests.support.site import CONFIG, Site, open_site

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40
SOPS = (
    CONFIG
    + """
[[sops]]
id = "price-nurture"
title = "价格跟进"
stage = "考虑价格"
  # 第一步的说明
  [[sops.steps]]
  after = "0m"
  anytime = true
  say = ["甲说法", "乙说法"]
  attach = [{ kind = "image", file = "海报.png" }]

  [[sops.steps]]
  after = "1d"
  at = "10:00"
  say = "第二天再问"
"""
)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    (tmp_path / "materials").mkdir()
    (tmp_path / "materials" / "海报.png").write_bytes(PNG)
    with open_site(tmp_path, SOPS) as site:
        yield site


def cohort(session: Any) -> None:
    """Six who began lately, one long ago; of the six: two sent, one of them answered and moved on."""
    now = clock.now()
    rows = Rows(session, now)
    agent = rows.agent()
    states = ("replied", "completed", "delivered", "planned", "cancelled", "expired")
    for number, state in enumerate((*states, "completed")):
        sent = state in ("completed", "replied")
        customer = rows.customer(f"客户{number}", stage=None, agent=agent)
        task = rows.task(
            customer, agent, "甲说法", steps=2, state=state,
            delivered_at=now if sent or state == "delivered" else None,
            completed_at=now - timedelta(hours=5) if sent else None,
            window_until=now if sent else None,
            replied_at=now if state == "replied" else None,
        )  # fmt: skip
        if number == 6:
            session.get_one(SopEnrolment, task.enrolment_id).enrolled_at = now - timedelta(days=31)
        if state == "replied":
            session.add(
                StageMove(
                    customer_id=customer.id, pipeline="课程转化", serial=2, from_stage="新线索", to_stage="考虑价格",
                    cause="tag", version="v1", moved_at=now - timedelta(hours=1),
                )
            )  # fmt: skip


def test_the_figures_of_a_cohort_add_up_on_both_databases(store: Any) -> None:
    with store.write() as session:
        cohort(session)
    with store.read() as session:
        found = sop_figures(session, "price-nurture", clock.now())
    first = found.steps[0]
    assert (found.began, found.running) == (6, 6)
    assert astuple(first) == (6, 3, 2, 1, 1, 1, 1, 1, 1, 0)
    for step in found.steps.values():
        ends = step.expired + step.cancelled + step.failed
        assert step.planned == step.ahead + step.waiting + step.sent + ends
        assert step.replied <= step.sent <= step.planned


def test_the_timeline_shows_the_steps_with_their_figures_and_who_is_on_it(site: Site) -> None:
    with site.store.write() as session:
        cohort(session)
    admin = site.signed_in("admin")
    assert "价格跟进" in admin.get("/sops").text
    html = admin.get("/sops/s/price-nurture").text
    assert "6 = 发出 2 + 待发 1 + 没到时间 1 + 取消 1 + 过期 1 + 没送达 0" in html
    assert "进入「考虑价格」" in html
    assert "开始后 1 天 10:00" in html
    assert html.count("<bdi>客户") == 7
    assert "客户" not in re.sub(r"<[^>]+>", "", site.signed_in("agent", userid="Else").get(
        "/sops/s/price-nurture/people").text)  # fmt: skip
    assert admin.get("/sops/s/nothing").status_code == 404
    assert admin.get("/sops/s/price-nurture/people?before=99999999999999999999").status_code == 200


def test_the_calendar_gives_reasons_and_only_ones_own_customers(site: Site) -> None:
    with site.store.write() as session:
        rows = Rows(session, clock.now())
        mine = rows.customer("李女士", agent=rows.agent()).id
    admin, other = site.signed_in("admin"), site.signed_in("agent", userid="Else")
    assert "第二天再问" in admin.get("/sops/s/price-nurture/preview").text
    page = admin.get(f"/sops/s/price-nurture/preview?customer={mine}").text
    assert "李女士" in page
    assert "第 2 步" in page
    assert other.get("/sops/s/price-nurture/preview").status_code == 200
    assert other.get(f"/sops/s/price-nurture/preview?customer={mine}").status_code == 404
    assert "没有找到" in other.get("/sops/s/price-nurture/preview?name=李女士").text


def test_an_sop_is_paused_in_the_file_and_goes_on_again(site: Site) -> None:
    admin = site.signed_in("admin")
    assert admin.post("/sops/s/price-nurture/switch").status_code == 302
    text = site.system.environment.config.read_text(encoding="utf-8")
    assert "enabled = false" in text
    assert "# 第一步的说明" in text
    assert "已暂停" in admin.get("/sops/s/price-nurture").text
    admin.post("/sops/s/price-nurture/switch")
    assert site.system.environment.config.read_text(encoding="utf-8") == SOPS
    for role in ("agent", "auditor", "leader"):
        assert site.signed_in(role, userid=f"A{role}").post("/sops/s/price-nurture/switch").status_code == 404


def test_a_paused_sop_starts_for_nobody() -> None:
    (running,) = parse_settings(SOPS).tables.sops
    (paused,) = parse_settings(SOPS.replace("stage =", "enabled = false\nstage =")).tables.sops
    assert starts([running], trigger_of(running)) == (running,)
    assert starts([paused], trigger_of(paused)) == ()


def upload(site: Site, name: str, content: bytes, role: str = "admin") -> Any:
    head = f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
    body = head + content + b"\r\n--b--\r\n"
    return site.signed_in(role).post("/sops/library", data=body, content_type="multipart/form-data; boundary=b")


def folder(site: Site) -> Path:
    return site.system.environment.config.parent / "materials"


def test_an_upload_gets_a_name_of_ours_and_shows_where_it_is_used(site: Site) -> None:
    answer = upload(site, "../../etc/新 海报!!.exe", PNG + b"new")
    assert answer.status_code == 302
    assert sorted(one.name for one in folder(site).iterdir()) == ["新-海报.png", "海报.png"]
    html = site.signed_in("agent", userid="Anybody").get("/sops/library").text
    assert "用在：价格跟进 第 1 步" in html
    assert "没有用到" in html
    with site.store.read() as session:
        assert [one.action for one in session.scalars(select(AuditEntry))] == ["material.upload"]


def test_the_same_name_never_overwrites(site: Site) -> None:
    upload(site, "海报.png", PNG + b"other")
    assert (folder(site) / "海报.png").read_bytes() == PNG
    assert (folder(site) / "海报-2.png").read_bytes() == PNG + b"other"
    upload(site, "海报.png", PNG + b"other")
    assert len(list(folder(site).iterdir())) == 2


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("page.png", b"<html><script>alert(1)</script></html>", "认不出"),
        ("run.png", b"MZ\x90\x00" + b"0" * 90, "认不出"),
        ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "认不出"),
        ("empty.pdf", b"%PDF-", "空的"),
        ("broken.zip", b"PK\x03\x04" + b"0" * 90, "已损坏"),
        ("", b"x", "先选一个文件"),
    ],
)
def test_what_is_not_what_we_take_is_refused(site: Site, name: str, content: bytes, words: str) -> None:
    answer = upload(site, name, content)
    assert answer.status_code == 422
    assert words in answer.text
    assert [one.name for one in folder(site).iterdir()] == ["海报.png"]


def test_a_large_upload_passes_and_only_an_admins(site: Site) -> None:
    large = b"%PDF-1.7" + b"0" * (3 * 1024 * 1024)
    assert upload(site, "大.pdf", large).status_code == 302
    assert upload(site, "大.pdf", large, role="agent").status_code in (404, 413)
    refused = upload(site, "太大.pdf", b"%PDF-1.7" + b"0" * (22 * 1024 * 1024))
    assert refused.status_code == 413
    assert "其余最多 20 MB" in refused.text
    assert 'href="/sops/library"' in refused.text


@pytest.mark.parametrize(
    "name", ["../config.toml", "/etc/passwd", "..", "a/../../config.toml", ".hidden", "a\\b", "x\0y", "link"]
)
def test_no_name_leads_out_of_the_library(site: Site, name: str) -> None:
    (folder(site) / "link").symlink_to(site.system.environment.config)
    with pytest.raises(MaterialRefusedError):
        path_of(folder(site), name)
    admin = site.signed_in("admin")
    refused = 400 if "\0" in name else 409  # no form of ours holds a NUL
    assert admin.post("/sops/library/remove", data={"name": name}).status_code == refused
    assert site.system.environment.config.exists()


def test_files_are_served_as_what_they_are(site: Site) -> None:
    upload(site, "价目.pdf", b"%PDF-1.7 hello world")
    client = site.signed_in("agent", userid="Anybody")
    with client.get("/sops/library/海报.png") as picture, client.get("/sops/library/价目.pdf") as paper:
        assert picture.headers["Content-Type"] == "image/png"
        assert "attachment" in paper.headers["Content-Disposition"]
        assert paper.headers["X-Content-Type-Options"] == "nosniff"
    assert client.get("/sops/library/..%2fconfig.toml").status_code == 404


def test_what_is_used_stays_and_what_is_not_goes(site: Site) -> None:
    admin = site.signed_in("admin")
    assert "还在用" in admin.post("/sops/library/remove", data={"name": "海报.png"}).text
    upload(site, "旧.pdf", b"%PDF-1.7 hello world")
    with site.store.write() as session:
        rows = Rows(session, clock.now())
        agent = rows.agent()
        attach = [{"kind": "file", "file": "旧.pdf"}]
        task = rows.task(rows.customer(agent=agent), agent, "说", state="planned", attach=attach).id
    refused = admin.post("/sops/library/remove", data={"name": "旧.pdf"})
    assert "已经安排好的提醒" in refused.text
    with site.store.write() as session:
        session.get_one(SopTask, task).state = "completed"
    assert admin.post("/sops/library/remove", data={"name": "旧.pdf"}).status_code == 302
    assert not (folder(site) / "旧.pdf").exists()
    for role in ("agent", "auditor"):
        other = site.signed_in(role, userid=f"R{role}")
        assert other.post("/sops/library/remove", data={"name": "海报.png"}).status_code == 404


def test_an_sop_is_paused_altogether_and_goes_on_from_its_page(site: Site) -> None:
    with site.store.write() as session:
        rows = Rows(session, clock.now())
        agent = rows.agent()
        rows.task(rows.customer(agent=agent), agent, "您好", due_at=clock.now() + timedelta(hours=1))
    admin, page = site.signed_in("admin"), "/sops/s/price-nurture"
    assert site.signed_in("auditor").post(f"{page}/hold").status_code == 404
    held = admin.post(f"{page}/hold", follow_redirects=True).text
    assert "整份暂停：没有人加入" in held
    assert "整份暂停" in admin.get("/sops").text
    assert "这份跟进已经整份暂停了" in admin.post(f"{page}/hold", follow_redirects=True).text
    assert "已继续：1 步顺延了" in admin.post(f"{page}/resume", follow_redirects=True).text
    assert "整份暂停：没有人加入" not in admin.get(page).text


def test_an_sop_that_is_only_tried_is_judged_start_by_start_and_let_go_with_its_precision(tmp_path: Path) -> None:
    (tmp_path / "materials").mkdir()
    (tmp_path / "materials" / "海报.png").write_bytes(PNG)
    tried = SOPS.replace('title = "价格跟进"', 'title = "价格跟进"\nshadow = true\nstop = ["reply"]')
    with open_site(tmp_path, tried) as site:
        with site.store.write() as session:
            now = clock.now()
            rows = Rows(session, now)
            agent, began = rows.agent(), now - timedelta(days=3)
            for number in range(10):
                customer = rows.customer(f"陈静{number}", agent=agent)
                session.add(
                    ShadowStart(
                        sop_id="price-nurture", customer_id=customer.id, cause=f"move:{number}", began_at=began,
                        ends_at=now,
                    )
                )  # fmt: skip
            rows.message(customer, "要多少钱啊", ago=timedelta(days=3, hours=1))
            rows.message(customer, "好的，在看了", ago=timedelta(days=3) - timedelta(hours=1))
        admin, page = site.signed_in("admin"), "/sops/s/price-nurture"
        told = admin.get(page).text
        assert "近 30 天会从 10 位客户开始，共 10 次" in told
        assert "还没有评过" in told
        first = told[told.index("陈静9") : told.index("陈静8")]
        assert "要多少钱啊" in first
        assert "第二天再问" in first
        assert "后面 1 步就不发了" in first, "they answered before the second step"
        more = re.search(r"/sops/s/price-nurture/tried\?before=\d+", told)
        assert more
        assert "陈静0" not in told
        assert "陈静0" in admin.get(more[0]).text
        with site.store.read() as session:
            starts = session.scalars(select(ShadowStart.id)).all()
        for number, start in enumerate(starts):
            assert admin.post(f"{page}/tried/{start}", data={"word": "right"}).status_code == 200
            if not number:
                admin.post(f"{page}/tried/{start}", data={"word": "wrong"})
        admin.post(f"{page}/tried/{starts[-1]}", data={"word": ""})
        judged = "评过 9 条，准确率 89%（95% 区间 57%–98%）"
        assert judged in admin.get(page).text
        assert site.signed_in("auditor", userid="Looker").get(page).status_code == 200
        assert admin.post(f"{page}/tried/{starts[0]}", data={"word": "perhaps"}).status_code == 400
        assert admin.post(f"/sops/s/other/tried/{starts[0]}", data={"word": "right"}).status_code == 404
        admin.post(f"{page}/promote")
        config = site.system.environment.config.read_text(encoding="utf-8")
        assert "shadow" not in config
        assert "# 第一步的说明" in config
        with site.store.read() as session:
            assert f"（{judged}）" in str(session.scalars(select(ConfigChange.what)).all())


def test_a_trial_begins_when_asked_and_ends_with_the_answer(site: Site) -> None:
    admin, path = site.signed_in("admin"), "/sops/s/price-nurture/preview"
    begins = (clock.now() + timedelta(days=40)).date()
    silent = admin.get(f"{path}?start={begins}T10:00").text
    assert f'<time datetime="{begins}">' in silent  # its first step waits for no working hours
    assert silent.count('class="gain"') == 2
    answered = admin.get(f"{path}?start={begins}T10:00&answer=1").text
    assert answered.count('class="gain"') == 1
    assert "客户回复" in answered
    assert "到此停止" in answered
    assert "看不懂这个时间" in admin.get(f"{path}?start=明天").text
    assert "一年之内" in admin.get(f"{path}?start={begins.year + 9}-01-01T10:00").text
    assert admin.get(f"{path}?answer=9").status_code == 404
    with site.store.read() as session:
        assert session.scalars(select(SopEnrolment)).all() == []


def test_a_step_is_sent_to_ones_own_phone_and_says_that_it_is_a_trial(site: Site) -> None:
    agent, path = site.signed_in("agent", userid="LinXiaoyu"), "/sops/s/price-nurture/preview"
    assert "发到我的手机看看" in agent.get(path).text
    assert agent.post(f"{path}/send", data={"step": "1"}).status_code == 204
    with site.store.read() as session:
        row = session.scalars(select(Outbox)).one()
        told = row.payload["text"]
    assert told.startswith("【试跑】价格跟进 · 第 2 步")
    assert "第二天再问" in told
    assert agent.post(f"{path}/send", data={"step": "7"}).status_code == 409
    by_name = site.signed_in("admin")
    assert "发到我的手机看看" not in by_name.get(path).text
    assert by_name.post(f"{path}/send", data={"step": "1"}).status_code == 409
