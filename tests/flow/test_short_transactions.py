"""Nothing is waited for inside a write transaction: every command, job and page runs beside a busy writer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from bot.app import create_app
from bot.platform import clock
from bot.platform.database.store import Store, set_status
from bot.platform.environment import read_environment
from bot.platform.models import CallbackEvent, Outbox
from bot.system import System, use_system
from bot.worker import jobs
from tests.support.access_matrix import ROWS
from tests.support.engine import send_all
from tests.support.fresh import bring_up
from tests.support.lock_watch import watching
from tests.support.parts import AGENT, ASK, CONFIG, KEYS, Town, variables
from tests.support.rows import Rows
from tests.support.site import CONFIG as SITE_CONFIG
from tests.support.site import open_site
from tests.test_docs import commands
from tests.web import test_access

WHO = "wmSHORT1"
COMMANDS = (
    "sop enrol hello {who}", "sop stop hello {who}", "sop preview hello --customer {who}", "sop sends",
    "customer set {who} birthday 1990-05-20", "customer import {table}", "customer export {who} --to {out}",
    "privacy purge", "admin create someone --generate", "admin password someone --generate", "admin list",
    "sop simulate", "admin sign-out someone", "admin role someone leader", "admin disable someone",
    "admin reset-code someone",
    "admin enable someone", "rules check", "rules test", "rules coverage", "rules backtest {config}",
    "rules eval --dialogues {table} --labels {table}",
    "keys list", "keys data-line", "keys rotate", "queue stop", "keys new --folder {keys}",
    "keys check", "quarantine replay", "given-up list", "given-up retry", "wecom import",
    "wecom reconcile", "audit run", "audit log --verify", "rules mine", "rules explain 多少钱", "doctor", "status",
    "board-link", "check", "sop silent", "promises eval {table}", "questions eval {table}",
    "privacy erasures", "orders import {table}",
    "questions study {table}", "suggest eval --dialogues {table}", "suggest match --pairs {table}",
    "backup make {out}.zip", "backup verify {out}.zip", "db upgrade", "worker --burst", "customer erase {who} --yes",
    "restore {out}.zip --replace --yes",
)  # fmt: skip
# Those that run processes of their own, or work on a database of their own, or on none.
ELSEWHERE = {"demo", "replay", "sandbox", "scheduler", "seed", "init", "bench lag", "bench pages", "bench rules",
             "bench ingest", "bench growth", "bench clock", "bench callback", "bench due", "bench deliver",
             "bench suggest", "bench models", "db revise", "setup", "upgrade"}  # fmt: skip
# One transaction by design, which puts all that is there in its place: whoever writes meanwhile waits for the whole.
WHOLE = "restore "
JOBS = ("pull", "handle_events", "due", "openings", "timers", "study", "reconcile", "replay_quarantine", "housekeep",
        "sweep", "bulk")  # fmt: skip
ATTACHED = CONFIG.replace(
    'say = "打个招呼，问问平时喜欢拍什么。"',
    'say = "打个招呼，问问平时喜欢拍什么。"\n  attach = [{ kind = "file", file = "leaflet.pdf" }]',
)


@contextmanager
def busy_writer(url: str) -> Iterator[list[str]]:
    """Another process's writes, all along; yields those that were kept waiting for longer than two seconds."""
    other, stopped, failed = Store(url, KEYS), threading.Event(), list[str]()

    def write() -> None:
        count = 0
        while not stopped.wait(0.02):
            count += 1
            try:
                with other.write() as session:
                    session.execute(text("PRAGMA busy_timeout = 2000"))
                    set_status(session, "busy", {"count": count}, clock.now())
            except OperationalError as error:
                failed.append(str(error.orig))

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield failed
    finally:
        stopped.set()
        thread.join()
        other.close()


@pytest.fixture
def given(tmp_path: Path, sandbox: Town, valkey: str) -> dict[str, str]:
    """The environment of a new process, whose keys and settings all lie in files."""
    (tmp_path / "materials").mkdir()
    (tmp_path / "materials" / "leaflet.pdf").write_bytes(b"%PDF-1.4 leaflet")
    (tmp_path / "config.toml").write_text(ATTACHED, encoding="utf-8")
    url = f"sqlite:///{tmp_path / 'tici.db'}"
    found = variables(tmp_path, sandbox, TICI_DATABASE_URL=url, TICI_REDIS_URL=valkey)
    del found["TICI_SECRET_KEY"]
    store = Store(url, KEYS)
    bring_up(store.engine)
    with store.write() as session:
        rows = Rows(session, clock.now())
        customer = rows.customer("陈静", agent=rows.agent())
        customer.external_userid = WHO
        rows.message(customer, "多少钱")
    store.close()
    return found


def test_every_command_and_every_job_is_among_those_that_are_tried() -> None:
    tried = {line for line in commands() for tried in COMMANDS if f"{tried} ".startswith(f"{line} ")}
    assert set(commands()) - tried - ELSEWHERE == set()
    assert {name.rpartition(".")[2] for name in jobs.JOBS} - {"deliver"} == set(JOBS)  # deliver: by send_all


def test_no_command_waits_for_anything_while_others_wait_for_it(
    given: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "table.csv"
    table.write_text(f"external_userid,birthday\n{WHO},1990-01-01\n", encoding="utf-8")
    places = {"who": WHO, "table": table, "out": tmp_path / "out", "keys": tmp_path / "new-keys"}
    places["config"] = given["TICI_CONFIG"]
    wrong = list[str]()
    with watching(monkeypatch, given["TICI_CLOCK_FILE"]) as waited:
        for line in COMMANDS:
            system = System(read_environment(given))  # each a process of its own: it has read nothing yet
            app = create_app(system)
            use_system(system)
            with busy_writer(given["TICI_DATABASE_URL"]) as kept_waiting:
                result = app.test_cli_runner().invoke(args=[word.format(**places) for word in line.split()])
            if result.exit_code not in (0, 1, 2) or "No such command" in result.output:
                wrong.append(f"{line}: {result.exit_code} {result.output[-300:]}")
            wrong += [f"{line}: {what}" for what in waited]
            if not line.startswith(WHOLE):
                wrong += [f"{line}: {what}" for what in kept_waiting]
            waited.clear()
            system.queue.connection.close()
            system.store.close()
    assert not wrong, "\n".join(wrong)


def test_no_job_waits_for_anything_while_others_wait_for_it(
    given: dict[str, str], sandbox: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TICI_CLOCK_FILE", given["TICI_CLOCK_FILE"])
    system = System(read_environment(given))
    use_system(system)
    who = sandbox.control.add_customer(AGENT, "陈静")["external_userid"]
    sandbox.control.say(who, AGENT, ASK)
    now, sent, wrong = clock.now(), 0, list[str]()
    with system.store.write() as session:
        for number, xml in enumerate(_events(who)):
            session.add(CallbackEvent(digest=str(number), name="event", raw_xml=xml, created_at=now, received_at=now,
                                      attempts=0))  # fmt: skip
    url = given["TICI_DATABASE_URL"]
    with watching(monkeypatch, given["TICI_CLOCK_FILE"]) as waited, busy_writer(url) as kept_waiting:
        for name in JOBS * 2:
            getattr(jobs, name)()
            sent += sum(state == "sent" for state in send_all(system))
            wrong += [f"{name}: {what}" for what in (*waited, *kept_waiting)]
            waited.clear()
            kept_waiting.clear()
    assert not wrong, "\n".join(wrong)
    with system.store.read() as session:
        kinds = {row.kind for row in session.query(Outbox).filter(Outbox.state == "sent")}
        failed = [row.outcome for row in session.query(CallbackEvent) if row.outcome and "failed" in row.outcome]
    assert {"card", "profile", "material", "app_text"} <= kinds
    assert (failed, sent > 4) == ([], True)
    system.queue.connection.close()
    system.store.close()


def test_no_page_waits_for_anything_while_others_wait_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "materials").mkdir()
    (tmp_path / "materials" / "leaflet.pdf").write_bytes(b"%PDF-1.4")
    wrong, answered = list[str](), 0
    with open_site(tmp_path, SITE_CONFIG + test_access.SOP) as site, watching(monkeypatch) as waited:
        crowd = test_access.Crowd(site)
        for key in ROWS:
            for who in ("admin", "agent"):
                answered += test_access.ask(crowd, key, who) < 400
                wrong += [f"{key} {who}: {what}" for what in waited]
                waited.clear()
    assert not wrong, "\n".join(wrong)
    opened = [
        key for key, row in ROWS.items() if row.open_to and not key[0].startswith("api.")
    ]  # which asks for a token
    assert answered > len(opened)


def test_the_watch_sees_a_file_and_a_second_transaction(
    given: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    system = System(read_environment(given))
    with watching(monkeypatch) as waited:
        with system.store.write() as session:
            session.execute(text("SELECT 1"))
            assert system.settings.version
        seen = [what.split()[0] for what in waited]
    assert "open" in seen
    assert any(what.startswith("a second write transaction") for what in waited)
    system.store.close()


def _events(who: str) -> list[str]:
    head = f"<xml><FromUserName>{AGENT}</FromUserName><CreateTime>1760000000</CreateTime>"
    people = f"<UserID>{AGENT}</UserID><ExternalUserID>{who}</ExternalUserID>"
    added = (
        "<MsgType>event</MsgType><Event>change_external_contact</Event><ChangeType>add_external_contact</ChangeType>"
    )
    return [f"{head}{added}{people}</xml>", f"{head}<MsgType>text</MsgType><Content>帮助</Content></xml>"]
