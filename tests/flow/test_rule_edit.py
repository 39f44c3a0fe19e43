"""Rules edited while messages stream in: nothing is lost, and every judgement names the version that made it."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import select

from bot.commands.demo.replay import Outcome, read_dialogues, replay
from bot.commands.demo.stack import Stack
from bot.ops.consistency import audit
from bot.platform import clock
from bot.platform.config.settings import parse_settings
from bot.platform.models import ConfigVersion, Evidence, Message, Tagging

BOOK = """
[workspace]
name = "测试学堂"

[[rules]]
id = "{rule}"
tag = "{tag}"
any = ["多少钱"]

[[rules]]
id = "always"
tag = "问候"
any = ["你好"]
"""
VERSIONS = [BOOK.format(rule=f"ask-{n}", tag=f"问价{n}") for n in range(4)]
BROKEN = VERSIONS[0].replace("any = [", "anny = [")
DIALOGUES = 600


def write_dialogues(path: Path) -> None:
    turns = '[{"role": "customer", "text": "你好，课程多少钱"}, {"role": "agent", "text": "三档"}]'
    path.write_text("".join(f'{{"id": "d{n}", "turns": {turns}}}\n' for n in range(DIALOGUES)), encoding="utf-8")


@pytest.mark.timeout(180)
def test_editing_rules_in_mid_stream_loses_and_mixes_nothing(tmp_path: Path) -> None:
    config, file = tmp_path / "config.toml", tmp_path / "dialogues.jsonl"
    config.write_text(VERSIONS[0], encoding="utf-8")
    write_dialogues(file)
    dialogues = read_dialogues(file)
    with Stack(tmp_path / "var", config) as stack:
        outcomes: list[Outcome] = []
        halves = [dialogues[: DIALOGUES // 2], dialogues[DIALOGUES // 2 :]]

        def stream() -> None:
            outcomes.extend(replay(stack.system, stack.control, half) for half in halves)

        streaming = Thread(target=stream)
        streaming.start()
        for text in (VERSIONS[1], BROKEN, VERSIONS[2], VERSIONS[3]):
            time.sleep(1.1)  # each edit is in force for a while, as a person's would be
            config.write_text(text, encoding="utf-8")
        streaming.join(150)
        assert [(outcome.lost, outcome.doubled, outcome.out_of_order) for outcome in outcomes] == [(0, 0, 0)] * 2
        with stack.system.store.read() as session:
            known = {row.version: parse_settings(row.text) for row in session.scalars(select(ConfigVersion))}
            evidence = session.execute(select(Evidence, Message).join(Message, Message.id == Evidence.message_id))
            found = Counter[int]()
            for hit, message in evidence:
                assert hit.version == message.version
                assert hit.rule_id in {rule.id for rule in known[hit.version].tables.rules}
                found[message.id] += 1
            customers = session.scalars(select(Message.id).where(Message.role == "customer")).all()
            assert len(customers) == DIALOGUES
            assert {found[message_id] for message_id in customers} == {2}  # whole rule books, never half of one
            assert set(session.scalars(select(Tagging.version).distinct())) <= set(known)
            assert parse_settings(VERSIONS[0]).version in known
        assert audit(stack.system.store, clock.now(), running=False) == []
