"""The main job from end to end through the real processes, on both databases."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from rich.console import Console
from sqlalchemy import select

from bot.agents.accounts import role_by_wecom
from bot.commands.demo.chapters import own_config
from bot.commands.demo.stack import Stack
from bot.commands.demo.story import tell_story
from bot.ops.consistency import audit
from bot.platform import clock
from bot.platform.environment import ROOT
from bot.platform.models import Agent


@pytest.fixture
def surroundings(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stack tells its children by the environment; what it sets there ends with the test."""
    for name in ("TICI_VAR", "TICI_CONFIG", "TICI_CLOCK_FILE", "TICI_BASE_URL", "TICI_DEMO"):
        monkeypatch.setenv(name, "")
    for name in [name for name in os.environ if name.startswith("WECOM_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TICI_DATABASE_URL", database_url)


def staff(stack: Stack) -> dict[str, str]:
    """The roles of all agents by name, as they would sign in from the first minute."""
    with stack.system.store.read() as session:
        return {agent.shown_name: role_by_wecom(agent) for agent in session.scalars(select(Agent))}


@pytest.mark.usefixtures("surroundings")
def test_the_story_is_seen_step_by_step(tmp_path: Path, database_url: str) -> None:
    """Added, welcomed, asked, tagged, moved, marked, prompted, sent with other words, proven, answered, stopped."""
    words = io.StringIO()
    before = dict(os.environ)
    try:
        folder = tmp_path / "stack"
        folder.mkdir()
        with Stack(folder, own_config(ROOT / "config.toml", folder)) as stack:
            assert stack.system.store.engine.dialect.name == database_url.partition(":")[0]
            assert staff(stack) == {"林晓雨": "agent", "陈国安": "agent", "周敏": "agent", "吴桐": "leader"}
            told = tell_story(stack, Console(file=words, width=160))
            assert audit(stack.system.store, clock.now(), running=False) == []
    finally:
        for name in set(os.environ) - set(before):
            del os.environ[name]
    assert told, words.getvalue()
    leftovers = [child.name for child in stack.children if child.process is None or child.process.poll() is None]
    assert leftovers == []
