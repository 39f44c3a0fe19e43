"""`flask rules` from outside: what it prints, what it exits with, and what it reads from the database."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import insert

from bot import cli
from bot.platform import clock
from bot.platform.database.store import Store
from bot.platform.models import Customer, Message, Tagging

GOOD = """
[[synonyms]]
name = "价格"
words = ["价格", "多少钱"]
[[rules]]
id = "price"
tag = "考虑价格"
any = ["@价格"]
examples = { hit = ["多少钱"], miss = ["不谈价格"] }
"""
CARELESS = GOOD.replace("any =", 'negated = "match"\nmatch = "text"\nany =').replace(', miss = ["不谈价格"]', "")
BROKEN = GOOD.replace('miss = ["不谈价格"]', 'miss = ["价格"]')


class Desk:
    """A command line over one store and one config in force."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        self.folder = folder
        app = Flask("tici-test")
        self.config = self.write("config.toml", GOOD)
        app.extensions["tici"] = self
        cli.register(app)
        self.runner: FlaskCliRunner = app.test_cli_runner()

    @property
    def environment(self) -> Desk:
        return self

    def write(self, name: str, text: str) -> Path:
        (self.folder / name).write_text(text, encoding="utf-8")
        return self.folder / name

    def run(self, *arguments: object, code: int = 0) -> str:
        result = self.runner.invoke(args=[str(one) for one in arguments])
        assert result.exit_code == code, result.output
        return result.output

    def read(self, *arguments: object) -> Any:
        return json.loads(self.run(*arguments, "--json"))

    def say(self, customer: int, *texts: str, role: str = "customer") -> None:
        now = clock.now()
        with self.store.write() as session:
            if session.get(Customer, customer) is None:
                session.execute(insert(Customer).values(id=customer, external_userid=f"wm{customer}", created_at=now))
            for at, text in enumerate(texts):
                seq = session.query(Message).count() + 1
                session.add(
                    Message(
                        msgid=f"m{seq}", seq=seq, action="send", kind="text", sender="x", role=role, raw="{}",
                        customer_id=customer, sent_at=now - timedelta(hours=9 - at), stored_at=now, text=text,
                    )
                )  # fmt: skip


@pytest.fixture
def desk(store: Store, tmp_path: Path) -> Desk:
    return Desk(store, tmp_path)


def test_check(desk: Desk) -> None:
    assert "1 条规则，2 个例句" in desk.run("rules", "check")
    out = desk.run("rules", "check", desk.write("broken.toml", BROKEN), code=1)
    assert "不该命中" in out.replace("\n", "").replace(" ", "")


def test_explain(desk: Desk) -> None:
    assert "否定" in desk.run("rules", "explain", "不谈价格")
    (told,) = desk.read("rules", "explain", "课多少钱")
    assert told["hit"]
    assert told["spans"] == [{"keyword": "多少钱", "start": 1, "end": 4}]
    assert "没有规则" in desk.run("rules", "explain", "你好")


def test_sentences(desk: Desk) -> None:
    good = desk.write("good.jsonl", '{"text": "多少钱", "tags": ["考虑价格"]}\n{"text": "你好", "tags": []}\n')
    assert desk.read("rules", "test", good) == {"sentences": 2, "wrong": []}
    bad = desk.write("bad.jsonl", '{"text": "不谈价格", "tags": ["考虑价格"]}\n')
    assert "被否定" in desk.run("rules", "test", bad, code=1)
    assert "line.jsonl:2" in desk.run("rules", "test", desk.write("line.jsonl", "{}\nnonsense\n"), code=1)


def test_eval_and_coverage(desk: Desk) -> None:
    labels = desk.write("labels.toml", '[[labels]]\ntag = "考虑价格"\nacts = [{ intent = ["Request"] }]\n')
    turns = [
        {"role": "customer", "text": "多少钱", "acts": [["Request", "课", "价格", ""]]},
        {"role": "agent", "text": "价格是一百", "acts": []},
        {"role": "customer", "text": "价格还行", "acts": []},
    ]
    dialogues = desk.write("d.jsonl", json.dumps({"id": "1", "turns": turns}, ensure_ascii=False) + "\n")
    told = desk.read("rules", "eval", "--dialogues", dialogues, "--labels", labels, "--mistakes", 1)
    assert told["utterances"] == 2
    assert told["tags"]["考虑价格"]["precision"] == 0.5
    assert told["mistakes"][0]["text"] == "价格还行"
    assert desk.read("rules", "coverage", "--dialogues", dialogues)["caught"] == 2


def test_backtest(desk: Desk) -> None:
    desk.say(1, "不谈价格")
    desk.say(2, "多少钱")
    desk.say(3, "价格", role="agent")
    told = desk.read("rules", "backtest", "--config", desk.write("new.toml", CARELESS), "--processes", 1)
    assert (told["customers"], told["messages"]) == (3, 3)
    (tag,) = told["tags"]
    assert (tag["before"], tag["after"], tag["gained"], tag["lost"]) == (1, 2, 1, 0)
    assert tag["gains"][0]["customer"] == "wm1"
    assert "被否定" in tag["gains"][0]["why_not"]
    shown = desk.run("rules", "backtest", "--config", desk.folder / "new.toml", "--processes", 2)
    assert "+1" in shown


def test_backtest_of_nothing(desk: Desk) -> None:
    assert desk.read("rules", "backtest", "--config", desk.config)["tags"] == []


def test_coverage_and_mining_read_the_database(desk: Desk) -> None:
    for customer in range(1, 6):
        desk.say(customer, "怎么报名呢", "多少钱")
        with desk.store.write() as session:
            session.add(Tagging(customer_id=customer, tag="高意向", by="human", version="v", tagged_at=clock.now()))
    for customer in range(10, 60):
        desk.say(customer, "你好")
    assert desk.read("rules", "coverage")["utterances"] == 60
    found = desk.read("rules", "mine")
    assert any("报名" in one["phrase"] and one["before"] == 5 for one in found)
    assert "[[rules]]" in desk.run("rules", "mine")


def test_bench(desk: Desk, shared: Path) -> None:
    lines = (shared / "data/crosswoz/dialogues.jsonl").read_text("utf-8").splitlines()[:20]
    dialogues = desk.write("few.jsonl", "\n".join(lines))
    told = desk.read("bench", "rules", "--dialogues", dialogues, "--rules", 50, "--rate", 0.2)
    (run,) = told["runs"]
    assert run["same_hits"]
    assert 0 < run["candidate_rate"] <= 0.2
    assert run["times_always_jieba"] > 1
