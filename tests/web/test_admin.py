"""The settings pages: health, versions, quarantine, people and the two logs; and `flask admin`."""

from __future__ import annotations

import ast
import csv
import io
import re
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import pytest
from click.testing import Result
from sqlalchemy import select, update

from bot.ops.first_day import first_day
from bot.platform import clock
from bot.platform.database import audit_log, reading_log
from bot.platform.database.alarms import raise_alarm
from bot.platform.database.reading_log import viewed
from bot.platform.database.store import set_status
from bot.platform.environment import ROOT
from bot.platform.models import Account, Agent, AuditEntry, ConfigVersion, Quarantine, Status
from bot.platform.queue import JobQueue, connect_redis
from bot.web.admin.log_words import DETAILS
from tests.support.rows import Rows
from tests.support.site import Site

GOOD = "correct horse battery"


def run(site: Site, *words: str, typed: str | None = None) -> Result:
    return site.app.test_cli_runner().invoke(args=["admin", *words], input=typed)


def held(seq: int) -> Quarantine:
    return Quarantine(
        seq=seq, msgid=f"msg{seq}", publickey_ver=3, sealed={}, reason="没有第 3 版私钥", created_at=clock.now()
    )


# -- health -----------------------------------------------------------------------------------------------


def test_a_fresh_system_says_what_is_missing(site: Site) -> None:
    page = site.signed_in().get("/admin").text
    for word in ("还没有拉取过", "没有在运行", "连不上", "没有告警", "0 条读不出", "wwtestcorp"):
        assert word in page, word


def test_the_first_day_lists_what_is_left_until_all_is_done(site: Site) -> None:
    """Steps are ticked by what was seen to happen; when all are done, the list is gone."""
    boss = site.signed_in()
    page = boss.get("/admin").text
    assert "第一天" in page
    assert "运行 flask wecom import" in page
    with site.store.read() as session:
        steps = {step.title: step.done for step in first_day(site.system, session)}
    assert not steps["打上第一个标签"]
    with site.store.write() as session:
        rows = Rows(session, clock.now())
        rows.customer("王", "新线索", rows.agent("林"))
    with site.store.read() as session:
        assert {step.title for step in first_day(site.system, session) if step.done} == {
            *(title for title, done in steps.items() if done), "员工与客户已导入",
        }  # fmt: skip


def test_troubles_are_shown_with_what_to_do(site: Site) -> None:
    now = clock.now()
    assert site.system.settings.version
    with site.store.write() as session:
        raise_alarm(session, "archive.lag.1h", "会话存档落后 <b>1</b> 小时", now - timedelta(hours=1))
        set_status(session, "archive_trouble", {"why": "Secret 不对", "until": now.isoformat()}, now)
        set_status(session, "scheduler", {}, now)
        session.add_all([held(4), held(9)])
        session.execute(
            update(Status).where(Status.name == "config").values(value={"version": "v1", "problems": ["3:7 坏"]})
        )
    page = site.signed_in("auditor").get("/admin").text
    for word in ("会话存档落后 &lt;b&gt;1&lt;/b&gt; 小时", "Secret 不对", "运行中", "2 条读不出", "3:7 坏"):
        assert word in page, word


def test_a_version_shows_what_it_changed(site: Site) -> None:
    now = clock.now()
    with site.store.write() as session:
        for number, text in enumerate(('a = "<1>"\nb = 2\n', 'a = "<2>"\nb = 2\n')):
            at = now - timedelta(days=2 - number)
            session.add(ConfigVersion(version=f"v{number}", text=text, loaded_at=at))
    client = site.signed_in()
    listed = client.get("/admin/config").text
    assert listed.index("v1") < listed.index("v0")
    page = client.get("/admin/config/v1").text
    assert "-a = &#34;&lt;1&gt;&#34;" in page
    assert "+a = &#34;&lt;2&gt;&#34;" in page
    assert client.get("/admin/config/none").status_code == 404


def test_the_quarantine_is_paged_and_only_an_admin_has_it_read_again(site: Site) -> None:
    with site.store.write() as session:
        session.add_all([held(seq) for seq in range(1, 61)])
    page = site.signed_in("auditor").get("/admin/quarantine").text
    assert ("msg50" in page, "msg51" in page, "hx-post" in page) == (True, False, False)
    assert "msg60" in site.signed_in().get("/admin/quarantine?after=50").text
    assert site.signed_in("auditor").post("/admin/quarantine/replay").status_code == 404


def test_reading_again_reaches_a_worker_or_says_that_it_does_not(site: Site, valkey: str) -> None:
    client = site.signed_in()
    with connect_redis(valkey) as connection:
        site.system.__dict__["queue"] = JobQueue(connection)
        assert client.post("/admin/quarantine/replay").status_code == 204
        assert JobQueue(connection).depth()["low"] == 1
    with connect_redis("redis://127.0.0.1:1/0") as nowhere:
        site.system.__dict__["queue"] = JobQueue(nowhere)
        assert client.post("/admin/quarantine/replay").status_code == 503
    with site.store.read() as session:
        assert session.scalars(select(AuditEntry.action)).all() == ["quarantine.replay"] * 2


# -- people ------------------------------------------------------------------------------------------------


def agents(site: Site, names: Sequence[str]) -> list[int]:
    with site.store.write() as session:
        rows = Rows(session, clock.now())
        return [rows.agent(name).id for name in names]


def test_an_agent_gets_a_role_before_he_ever_signed_in(site: Site) -> None:
    wang, _li = agents(site, ["王老师", "李老师"])
    client = site.signed_in()
    page = client.get("/admin/people?q=王").text
    assert ("王老师" in page, "李老师" in page) == (True, False)
    answer = client.post(f"/admin/people/agent/{wang}/role", data={"role": "auditor"})
    assert answer.status_code == 200
    assert 'value="auditor" selected' in answer.text
    with site.store.read() as session:
        made = session.scalars(select(Account).where(Account.agent_id == wang)).one()
        entry = session.scalars(select(AuditEntry)).one()
        assert (made.role, made.role_by != "") == ("auditor", True)
        assert (entry.action, entry.detail["was"], entry.detail["role"]) == ("account.role", "agent", "auditor")
    bad = client.post(f"/admin/people/agent/{wang}/role", data={"role": "emperor"})
    assert '"bad": true' in bad.headers["HX-Trigger"]


def test_a_shut_account_is_out_at_once_and_the_last_admin_stays(site: Site) -> None:
    first, second = site.signed_in(), site.signed_in()
    with site.store.read() as session:
        ids = session.scalars(select(Account.id).order_by(Account.id)).all()
    assert first.post(f"/admin/people/account/{ids[1]}/disable").status_code == 200
    assert second.get("/me").status_code == 302
    refused = first.post(f"/admin/people/account/{ids[0]}/disable")
    assert '"bad": true' in refused.headers["HX-Trigger"]
    assert first.get("/me").status_code == 200
    first.post(f"/admin/people/account/{ids[1]}/enable")
    assert second.get("/me").status_code == 302  # the old sessions stay ended
    assert first.post(f"/admin/people/account/{ids[0]}/sign-out").status_code == 200
    assert first.get("/me").status_code == 302


def test_more_people_come_as_one_scrolls(site: Site) -> None:
    ids = agents(site, [f"员工{number:03}" for number in range(60)])
    client = site.signed_in()
    page = client.get("/admin/people").text
    assert ("员工049" in page, "员工050" in page) == (True, False)
    rest = client.get(f"/admin/people?after={ids[49]}").text
    assert ("员工059" in rest, "<html" in rest, "revealed" in rest) == (True, False, False)


# -- the logs ----------------------------------------------------------------------------------------------


def fill_logs(site: Site) -> int:
    with site.store.write() as session:
        rows = Rows(session, clock.now() - timedelta(days=3))
        customer = rows.customer("李女士").id
        for number in range(60):
            audit_log.record(session, "WangLei", "stage.move", f"customer:{number}", rows.now, n=number)
            reading_log.viewed(session, "ZhaoMin", customer, "customer", rows.now)
        audit_log.record(session, "=cmd|'/c calc'!A1", "rules.save", "config", clock.now(), why="@SUM(1)")
        reading_log.viewed(session, "WangLei", customer, "task", clock.now())
    return customer


def entries(page: str) -> list[int]:
    """The numbers of the entries on a page of the log."""
    return [int(number) for number in re.findall(r'<td class="number muted">(\d+)</td>', page)]


def test_the_audit_log_is_filtered_and_paged(site: Site) -> None:
    fill_logs(site)
    client = site.signed_in("auditor")
    page = client.get("/admin/log").text
    assert entries(page) == [*range(61, 11, -1)]
    assert 'hx-get="/admin/log?before=12"' in page
    assert entries(client.get("/admin/log?before=12").text) == [*range(11, 0, -1)]
    assert entries(client.get("/admin/log?action=rules.save").text) == [61]
    assert len(entries(client.get("/admin/log?actor=WangLei&action=stage.move").text)) == 50
    today = clock.now().astimezone(site.system.settings.zone).date()
    assert entries(client.get(f"/admin/log?day={today}").text) == [61]
    assert len(entries(client.get(f"/admin/log?day={today - timedelta(days=3)}").text)) == 50


def test_the_log_speaks_of_people_and_not_of_fields(site: Site) -> None:
    with site.store.write() as session:
        rows = Rows(session, clock.now())
        agent = rows.agent("王磊")
        agent.userid, agent.key = "WangLei", "wanglei"
        customer = rows.customer("李女士", "考虑价格", agent)
        task = rows.task(customer, agent, "您好")
        record = partial(audit_log.record, session)
        moved = {"pipeline": "成交", "from_stage": "新客户", "to_stage": "考虑价格"}
        record("WangLei", "stage.move", f"customer:{customer.id}", rows.now, **moved)
        record("wanglei", "task.unfit", f"task:{task.id}", rows.now, option="timing", by="link")
        record("cli:root", "account.create", "account:99", rows.now, name="boss", role="admin")
        record("wecom", "customer.transfer", "customer:999", rows.now, **{"from": "WangLei", "to": "x", "tasks": 2})
        record("system", "views.seal", "views:1-9", rows.now, first=1, last=9, count=9, digest="5f" * 16)
        record("cli:root", "customer.erase", "tombstone:5f5f", rows.now, rows={"message": 3, "follow": 1})
        viewed(session, "WangLei", customer.id, "customer", rows.now)
    client = site.signed_in("auditor")
    log, views = client.get("/admin/log").text, client.get("/admin/views").text
    words = " ".join(re.sub(r"<[^>]+>", " ", log[log.index("<tbody>") :]).split())
    assert "王磊 移动阶段 客户 李女士 从 新客户 流程 成交 到 考虑价格" in words
    assert "王磊 标为不合适 任务 李女士 在 卡片链接 时机不对" in words
    assert "命令行 root 新建账号 账号 名字 boss 角色 管理员" in words
    assert "企业微信 客户交接 客户 已删除 交出 王磊 任务 2 接手 x" in words
    assert "系统 封存查看记录 查看记录 条数 9" in words
    assert "抹去客户 已抹去的客户 删除 4 行" in words
    for raw in ("WangLei", "wanglei", "from_stage", "option", "timing", "tombstone", "digest", ":99", "customer:"):
        assert raw not in words, raw
    assert "王磊" in views
    assert ">客户</td>" in views
    assert "李女士" in client.get("/admin/log?actor=王磊").text


def test_whatever_is_written_into_the_log_has_words() -> None:
    """Every detail and every kind of subject that some line of the program records; none is shown by its field."""
    found: set[str] = set()
    for path in (ROOT / "bot").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(call, ast.Call) and ast.unparse(call.func).split(".")[-1] == "record":
                found |= {word.arg for word in call.keywords if word.arg}
    assert len(found) > 15
    assert found - DETAILS.keys() == set()


def test_a_file_of_the_log_holds_everything_and_no_formula_and_is_itself_written_down(site: Site) -> None:
    fill_logs(site)
    answer = site.signed_in("auditor").get("/admin/log.csv")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="tici-log-')
    text = answer.data.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 62
    assert rows[60]["actor"] == "'=cmd|'/c calc'!A1"
    assert rows[61]["action"] == "log.export"


def test_views_tell_who_read_whom(site: Site) -> None:
    customer = fill_logs(site)
    client = site.signed_in("auditor")
    page = client.get("/admin/views?actor=WangLei").text
    assert ("李女士" in page, "ZhaoMin" in page) == (True, False)
    assert "李女士" in client.get(f"/admin/views?customer={customer}").text
    assert "没有记录" in client.get(f"/admin/views?customer={customer + 1}").text
    assert len(client.get("/admin/views.csv").data.decode().splitlines()) == 62


def test_a_changed_entry_is_found(site: Site) -> None:
    client = site.signed_in("auditor")
    assert "还没有记录" in client.get("/admin/log/chain").text
    fill_logs(site)
    assert "完整：1 到 61 号" in client.get("/admin/log/chain").text
    with site.store.write() as session:
        session.execute(update(AuditEntry).where(AuditEntry.id == 30).values(actor="Somebody"))
    assert "从 30 号起对不上" in client.get("/admin/log/chain").text


# -- flask admin -------------------------------------------------------------------------------------------


def test_the_first_admin_is_made_on_the_command_line(site: Site) -> None:
    made = run(site, "create", "root", "--generate")
    assert made.exit_code == 0, made.output
    password = made.output.rpartition("：")[2].strip()
    assert len(password) == 24
    client = site.app.test_client()
    token = client.get("/sign-in").text.split('name="csrf_token" value="')[1].split('"')[0]
    form = {"csrf_token": token, "name": "root", "password": password}
    assert client.post("/sign-in", data=form).status_code == 302
    with site.store.read() as session:
        entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).first()
        assert entry is not None
        assert entry.actor.startswith("cli:")
        assert password not in str(entry.detail)
    assert run(site, "create", "root", "--generate").exit_code == 1


@pytest.mark.parametrize(
    ("typed", "code"), [(f"{GOOD}\n{GOOD}\n", 0), ("short\nshort\n", 1), (f"{GOOD}\nother\n", 1)]
)
def test_a_typed_password_is_asked_for_twice_and_must_be_good(site: Site, typed: str, code: int) -> None:
    assert run(site, "create", "root", typed=typed).exit_code == code
    with site.store.read() as session:
        assert (session.scalar(select(Account.id)) is not None) == (code == 0)


def test_accounts_are_listed_changed_shut_and_opened(site: Site) -> None:
    for name in ("root", "second"):
        run(site, "create", name, typed=f"{GOOD}\n{GOOD}\n")
    with site.store.write() as session:
        agent = Agent(key="wanglei", userid="WangLei", name="王磊", created_at=clock.now())
        session.add(agent)
        session.flush()
        session.add(Account(agent_id=agent.id, role="agent", created_at=clock.now()))
    assert run(site, "role", "wanglei", "leader").exit_code == 0
    assert run(site, "password", "root", "--generate").exit_code == 0
    assert run(site, "password", "WangLei", "--generate").exit_code == 1
    assert run(site, "sign-out", "second").exit_code == 0
    assert run(site, "disable", "second").exit_code == 0
    assert "最后一位管理员" in run(site, "disable", "root").stderr
    assert "没有名为" in run(site, "enable", "nobody").stderr
    listed = run(site, "list").output
    assert ("王磊" in listed, "已停用" in listed, "leader" in listed) == (True, True, True)
    assert run(site, "enable", "second").exit_code == 0
