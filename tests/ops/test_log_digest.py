"""The signed digest of the log of actions: sent once a day where asked for, and worth something against whoever has
database and keys."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import delete, select

from bot.app import create_app
from bot.ops.log_digest import send_digest
from bot.platform import clock
from bot.platform.database.audit_digest import NoDigestError, digest_fault, digest_line
from bot.platform.database.audit_log import HEAD, record, verify_chain
from bot.platform.database.store import Store
from bot.platform.environment import read_environment
from bot.platform.models import AuditEntry, Outbox, Status
from bot.platform.work import Work
from bot.system import System
from tests.support.engine import send_all
from tests.support.parts import AGENT, CONFIG, Town, variables

DIGEST = CONFIG + f'\n[alarms]\nagents = ["{AGENT}"]\ndigest = true\n'


def write(store: Store, count: int, first: int = 0) -> None:
    for number in range(first, first + count):
        with store.write() as session:
            record(session, "root", "stage.move", f"customer:{number}", clock.now(), to="x")


def forged(store: Store) -> None:
    """The log anew by somebody who has the keys: every row is theirs, and the chain is whole."""
    with store.write() as session:
        session.execute(delete(AuditEntry))
        session.execute(delete(Status).where(Status.name == HEAD))
    write(store, 3, first=90)


def test_a_digest_is_worth_something_against_whoever_has_the_keys(store: Store) -> None:
    write(store, 3)
    with store.read() as session:
        line = digest_line(session, clock.now())
        assert digest_fault(session, f"今天：\n{line}\n") is None
    write(store, 2, first=3)
    with store.read() as session:
        assert digest_fault(session, line) is None, "a log that grew still holds it"
    forged(store)
    with store.read() as session:
        assert verify_chain(session) is None, "the chain alone says nothing"
        assert "3 号" in str(digest_fault(session, line))


@pytest.mark.parametrize(
    "spoil", [lambda t: t.replace(" 3 ", " 2 "), lambda t: t[:-1] + "x", lambda t: "tici-log", str.upper]
)
def test_what_we_did_not_sign_is_no_digest(store: Store, spoil: Any) -> None:
    write(store, 3)
    with store.read() as session:
        line = digest_line(session, clock.now())
        with pytest.raises(NoDigestError):
            digest_fault(session, spoil(line))


def put_out(system: System) -> int:
    with system.work() as work:
        return send_digest(work, system.environment)


def test_the_admins_are_sent_it_once_a_day_where_the_config_says_so(system: System, sandbox: Town) -> None:
    write(system.store, 2)
    system.environment.config.write_text(DIGEST, encoding="utf-8")
    since = sandbox.control.last_effect()
    assert (put_out(system), put_out(system)) == (1, 0)
    send_all(system)
    (text,) = [one["text"]["content"] for one in sandbox.control.effects(since, "message") if "text" in one]
    run = create_app(system).test_cli_runner()
    assert run.invoke(args=["audit", "log", "--verify", "--digest", text]).exit_code == 0
    forged(system.store)
    assert run.invoke(args=["audit", "log", "--verify", "--digest", "-"], input=text).exit_code == 1
    assert run.invoke(args=["audit", "log", "--digest", "nonsense"]).exit_code == 1
    clock.move_forward(timedelta(days=1))
    assert put_out(system) == 1


def test_a_webhook_gets_it_and_one_that_fails_is_asked_again(
    system: System, sandbox: Town, httpserver: HTTPServer
) -> None:
    hook = httpserver.url_for("/hook?key=secret-of-the-robot")
    database = {"TICI_DATABASE_URL": system.environment.database_url, "TICI_DIGEST_WEBHOOK": hook}
    hooked = System(read_environment(variables(system.environment.var, sandbox, **database)))
    httpserver.expect_ordered_request("/hook").respond_with_data("", 500)
    httpserver.expect_ordered_request("/hook", method="POST").respond_with_json({"errcode": 0})
    write(hooked.store, 2)
    assert put_out(hooked) == 1
    send_all(hooked)
    with hooked.store.read() as session:
        row = session.scalars(select(Outbox).where(Outbox.kind == "log_digest")).one()
        assert (row.state, "secret-of-the-robot" in str(row.error)) == ("waiting", False)
    clock.move_forward(timedelta(minutes=10))
    send_all(hooked)
    with hooked.store.read() as session:
        assert session.scalars(select(Outbox.state).where(Outbox.kind == "log_digest")).one() == "sent"
        (first, again) = [request.get_json() for request, _ in httpserver.log]
        assert first == again
        assert digest_fault(session, first["text"]["content"]) is None
    assert "secret-of-the-robot" in str(hooked.environment.secrets)
    hooked.store.close()


def test_nothing_is_put_out_where_nobody_is_named(store: Store, system: System) -> None:
    with store.write() as session:
        assert send_digest(Work(session, system.settings, clock.now()), system.environment) == 0
