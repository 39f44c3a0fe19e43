"""The demo's companies: dialogues are read, played through the whole product, kept, and unpacked as they were."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.analytics.reports import REPORTS
from bot.analytics.table import ReportScope
from bot.commands.demo.record import NOTHING_RUNS, copy_of_playbook, rehearse
from bot.commands.demo.recording import COMPANIES, keep, path_of, renew_links, unpack
from bot.commands.demo.scenes import FOLDER, SceneError, read_company
from bot.commands.demo.stack import Stack
from bot.ops.consistency import audit
from bot.platform import clock
from bot.platform.database.schema import upgrade
from bot.platform.environment import read_environment
from bot.platform.models import (
    Agent,
    Customer,
    Evidence,
    Follow,
    GroupChat,
    Message,
    Placement,
    Promise,
    SopTask,
    StageMove,
    Tagging,
)
from bot.platform.signed_links import read_task_token
from bot.system import System

SMALL = """
今天 2026-11-26
企业 小店
部门 2 顾问部
员工 LinXiaoyu 林晓雨 顾问 100
主管 WuTong 吴桐 主管 100
群 答疑群 林晓雨

== 甲乙 林晓雨 公众号 拍=花
== 丙丁 林晓雨 直播间 早1天 拍=山
0 09:10 加
0 09:15 客 想拍{拍}，你们的课多少钱？
0 09:40 入 答疑群
0 09:45 群客 答疑群 大家好
"""


def test_a_line_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(SMALL + "0 9点 客 你好\n", encoding="utf-8")
    with pytest.raises(SceneError, match=r"a\.txt 第 15 行"):
        read_company(path)
    path.write_text(SMALL, encoding="utf-8")
    first, second = read_company(path).scenes
    assert (first.cues[1].words, second.cues[1].words) == ("想拍花，你们的课多少钱？", "想拍山，你们的课多少钱？")
    assert (first.cues[1].day, second.cues[1].day) == (0, -1)


def test_dialogues_come_in_by_the_real_path_and_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a rehearsal leaves is judged, prompted and proven like live talk; its copy opens with new keys."""
    (tmp_path / "small.txt").write_text(SMALL, encoding="utf-8")
    for name in ("TICI_VAR", "TICI_CONFIG", "TICI_CLOCK_FILE", "TICI_BASE_URL", "TICI_DEMO", "WECOM_LOGIN_URL"):
        monkeypatch.setenv(name, "")  # a stack sets them for its children: taken back at the end
    made = tmp_path / "made"
    with Stack(made, copy_of_playbook("education", made), without=NOTHING_RUNS) as stack:
        present = rehearse(stack, read_company(tmp_path / "small.txt"), lambda moment: None)
        with stack.system.store.read() as session:
            placed = session.execute(select(Placement.stage, func.count()).group_by(Placement.stage)).all()
            assert dict(placed) == {"考虑价格": 2}
            assert session.scalar(select(func.count()).where(SopTask.outcome == "exact"))
            assert session.scalar(select(func.count()).select_from(GroupChat)) == 1
        assert audit(stack.system.store, clock.now()) == []
    keep(made, tmp_path / "small.tar.xz", present)
    copied = tmp_path / "copy"
    monkeypatch.setenv("TICI_CLOCK_FILE", str(copied / "clock"))
    told = unpack(tmp_path / "small.tar.xz", copied)
    assert told.customers == 2
    assert abs(clock.now() - present) < timedelta(minutes=1)
    key = b"another key"
    renew_links(copied, "http://127.0.0.1:9", key)
    with closing(sqlite3.connect(copied / "sandbox" / "sandbox.db")) as ledger:
        cards = [row[0] for row in ledger.execute("SELECT body FROM inbox WHERE body LIKE '%/t/%'")]
    address = cards[-1].partition("http://127.0.0.1:9/t/")[2].partition('"')[0]
    assert read_task_token(address, key, clock.now()).task


@pytest.mark.parametrize("playbook", COMPANIES)
def test_a_recorded_company_shows_itself_everywhere(
    playbook: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the newest schema: every stage taken, tags with their evidence, figures in every report, work due today."""
    monkeypatch.setenv("TICI_CLOCK_FILE", str(tmp_path / "clock"))
    told = unpack(path_of(playbook), tmp_path)
    config = copy_of_playbook(playbook, tmp_path)
    system = System(read_environment({"TICI_VAR": str(tmp_path), "TICI_CONFIG": str(config)}))
    upgrade(system.store.engine)
    now, company = clock.now(), read_company(FOLDER / f"{playbook}.txt")
    assert told.customers == len(company.scenes), "改了对话以后要重录：flask demo --record"
    with system.store.read() as session:
        stages = {stage.name for stage in system.settings.pipelines[0].stages}
        assert set(session.scalars(select(Placement.stage))) == stages
        assert len(session.scalars(select(Agent.id)).all()) >= 5
        assert session.scalar(select(func.count()).select_from(GroupChat)) == 2
        heard = select(Evidence.id).where(
            Evidence.customer_id == Tagging.customer_id, Evidence.rule_id == Tagging.rule_id
        )
        unjustified = select(Tagging.tag).where(Tagging.by == "rule", ~heard.exists())
        assert session.scalars(unjustified).all() == []
        assert session.scalar(select(func.count()).where(Promise.by == "agent", Promise.closed_at.is_(None))) == 1
        assert session.scalar(select(func.count()).where(Follow.waiting_since.is_not(None))) == 1
        today = now.replace(hour=16, minute=0)  # midnight in Shanghai
        due = select(SopTask.id).where(SopTask.due_at.between(now, today), SopTask.state == "planned")
        assert len(session.scalars(due).all()) >= 3
        assert len(session.scalars(select(StageMove.id)).all()) > told.customers
        assert session.scalar(select(func.count()).select_from(Message)) == told.messages
        assert all(session.scalars(select(Customer.name)))
        scope = ReportScope(now - timedelta(days=30), now, None)
        for name, (_title, make) in REPORTS.items():
            full = [table for table in make(session, system.settings, scope) if table.as_stored()["rows"]]
            assert full, name
    assert audit(system.store, now) == []
    system.store.close()
    assert datetime.fromisoformat(told.present).hour == 10
