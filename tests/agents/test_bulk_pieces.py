"""Deeds on many customers written together: the same rows as one customer at a time, by the same few statements."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine
from sqlalchemy import event

from bot.agents import bulk_job
from bot.platform.models import BulkDeed, Customer
from tests.conftest import DATABASES
from tests.support.dump import differences, dump
from tests.support.rows import Rows
from tests.support.site import CONFIG, Site, open_site

NOW = datetime(2026, 5, 20, 2, 0, tzinfo=UTC)
SOPS = """
[[fields]]
name = "city"

[[fields]]
name = "born"
kind = "date"

[[sops]]
id = "hello"
on = "@added"
  [[sops.steps]]
  after = "1d"
  say = "您好"

[[sops]]
id = "opened"
on = "tag:已开课"
  [[sops.steps]]
  after = "1d"
  say = "开课啦"
"""
DEEDS: list[tuple[str, dict[str, Any]]] = [
    ("tag", {"tag": "已开课"}),
    ("move", {"pipeline": "课程转化", "to_stage": "考虑价格"}),
    ("enrol", {"sop": "hello"}),
    ("field", {"field": "city", "value": "成都"}),
    ("untag", {"tag": "已开课"}),
    ("place", {"pipeline": "课程转化", "to_stage": "成交"}),
]
IMPORT = {"file": "x.csv", "quiet": False}
KEYED = ("AuditEntry", "Lease", "SearchToken", "Status")  # their values depend on each database's own keys
BAD = 5  # every so many customers want no messages, and have a line with a date that is none


@contextmanager
def company(folder: Path, url: str, many: int) -> Iterator[Site]:
    """Customers of two agents, the same each time."""
    with open_site(folder, CONFIG + SOPS, {"TICI_DATABASE_URL": url}) as site:
        with site.store.write() as session:
            rows = Rows(session, NOW)
            agents = [rows.agent("林"), rows.agent("陈")]
            for n, agent in enumerate(agents):
                agent.key, agent.userid = f"agent-{n}", f"Agent-{n}"
            for n in range(many):
                who = rows.customer(f"客户{n}", agent=agents[n % 2], external_userid=f"wmMANY{n}")
                who.opted_out_at = NOW if n % BAD == 2 else None
        yield site


def ask(site: Site, kind: str, what: dict[str, Any]) -> int:
    with site.system.work(NOW) as work:
        deed = bulk_job.ask_deed(work, BulkDeed(kind=kind, state="running", actor="root", what=what, asker=ADMIN), [])
        return deed.id


def bring_in(site: Site) -> int:
    """Import a line for each customer: tag, stage and fields, some of them wrong."""
    with site.system.work(NOW) as work:
        known = {"asked": 0, "created_at": NOW, "touched_at": NOW}
        deed = BulkDeed(kind="import", state="draft", actor="root", what=IMPORT, asker=ADMIN, **known)
        work.session.add(deed)
        given = {
            one.id: {
                "tags": ["已开课", "已付款"][: one.id % 3],
                "stages": {"老客服务": "在读"},
                "fields": {"city": "成都", "born": "不是日期" if one.id % BAD == 3 else "2020-05-01"},
            }
            for one in work.session.query(Customer)
        }
        bulk_job.ask_import(work, deed, given)
        return deed.id


def undo(site: Site, deed: int) -> None:
    with site.system.work(NOW) as work:
        bulk_job.ask_undo(work, work.session.get_one(BulkDeed, deed), "root")


def run(site: Site) -> None:
    while bulk_job.advance(site.system, NOW):
        pass


ADMIN = {"account_id": None, "role": "admin"}


def new_database(kind: str, request: pytest.FixtureRequest, folder: Path) -> Any:
    folder.mkdir()

    @contextmanager
    def of_sqlite() -> Iterator[str]:
        yield f"sqlite:///{folder / 'tici.db'}"

    return of_sqlite() if kind == "sqlite" else request.getfixturevalue("postgres").database()


@pytest.mark.parametrize("kind", DATABASES)
def test_together_leaves_what_one_at_a_time_leaves(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where some are refused in the middle, and after all was taken back."""
    left = []
    for together in (1, 7):
        monkeypatch.setattr(bulk_job, "TOGETHER", together)
        monkeypatch.setattr(bulk_job, "PIECE", 12)
        folder = tmp_path / str(together)
        with time_machine.travel(NOW, tick=False), new_database(kind, request, folder) as url:
            with company(folder, url, 23) as site:
                deeds = []
                for name, what in DEEDS:
                    deeds.append(ask(site, name, what))
                    run(site)
                deeds.append(bring_in(site))
                run(site)
                before = seen(site)
                for deed in reversed(deeds):
                    undo(site, deed)
                    run(site)
                left.append((before, seen(site)))
    (before, after), (before_too, after_too) = left
    assert any("'failed'" in row for row in before["BulkItem"])
    assert differences(before, before_too) == []
    assert differences(after, after_too) == []
    assert differences(before, after) != []


def seen(site: Site) -> dict[str, list[str]]:
    """All rows; numbers may have gaps where a customer was tried together with others and then alone."""
    with site.store.read() as session:
        rows = {table: rows for table, rows in dump(session).items() if table not in KEYED}
    rows["BulkItem"] = sorted(re.sub(r"'(enrolment|move)': \d+", r"'\1'", row) for row in rows["BulkItem"])
    return rows


@pytest.mark.parametrize("kind", DATABASES)
def test_a_piece_costs_the_same_statements_for_few_and_for_many(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    counts = []
    for many in (10, 40):
        folder = tmp_path / str(many)
        with new_database(kind, request, folder) as url, company(folder, url, many) as site:
            with site.store.write() as session:
                for customer in session.query(Customer):
                    customer.opted_out_at = None
            asked = [ask(site, name, what) for name, what in DEEDS if name != "enrol"]
            counts.append([statements(site) for _ in asked])
            with site.store.read() as session:
                assert [bulk_job.counts_of(session, deed) for deed in asked] == [{"done": many}] * len(asked)
    assert counts[0] == counts[1]


def statements(site: Site) -> int:
    """How many it takes to do the next piece, and to see that its deed is over."""
    asked: list[str] = []

    def note(*args: Any) -> None:
        if "FROM webhook" not in args[2]:  # asked every few seconds, whatever is done
            asked.append(args[2])

    event.listen(site.store.engine, "before_cursor_execute", note)
    assert bulk_job.advance(site.system, NOW)
    event.remove(site.store.engine, "before_cursor_execute", note)
    assert bulk_job.advance(site.system, NOW)
    return len(asked)
