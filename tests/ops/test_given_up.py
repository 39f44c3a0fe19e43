"""Events and calls that were given up: red everywhere, and taken up again by a command or a button."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from bot.ops.consistency import audit
from bot.ops.doctor.finding import BAD, OK, Probe
from bot.ops.doctor.host import given_up
from bot.ops.given_up import ALARM, HARMLESS, read_given_up, take_up_again
from bot.ops.status import system_status
from bot.platform import clock
from bot.platform.database.alarms import alarms
from bot.platform.models import AuditEntry, CallbackEvent, Customer, Outbox
from bot.system import System, use_system
from bot.worker import event_work, jobs
from bot.worker.handlers import HANDLERS
from tests.support.parts import CONFIG
from tests.support.site import Site

ADDED = (
    "<xml><FromUserName>sys</FromUserName><CreateTime>1760000000</CreateTime><MsgType>event</MsgType>"
    "<Event>change_external_contact</Event><ChangeType>add_external_contact</ChangeType>"
    "<UserID>LinXiaoyu</UserID><ExternalUserID>wmNEW{n}</ExternalUserID></xml>"
)


@pytest.fixture
def office(system: System) -> System:
    system.environment.config.write_text(CONFIG, encoding="utf-8")
    use_system(system)
    return system


def arrive(system: System, count: int) -> None:
    now = clock.now()
    with system.store.write() as session:
        session.add_all(
            CallbackEvent(digest=f"d{n}", name="change_external_contact", change_type="add_external_contact",
                          raw_xml=ADDED.format(n=n), created_at=now, received_at=now, attempts=0)
            for n in range(count)
        )  # fmt: skip


def collide(system: System, key: str) -> None:
    """Let a row of old stand in the way of an event's."""
    now = clock.now()
    with system.store.write() as session:
        session.add(Outbox(kind="profile", key=key, payload={}, state="sent", attempts=1, created_at=now,
                           not_before=now, done_at=now))  # fmt: skip


def customers(system: System) -> int:
    with system.store.read() as session:
        return len(session.scalars(select(Customer)).all())


def give_up_all(system: System) -> list[str]:
    """Take events in, each colliding with a key that old rows hold, until they are given up."""
    arrive(system, 2)
    jobs.handle_events()
    with system.store.read() as session:
        keys = [row.key for row in session.scalars(select(Outbox)).all()]
    with system.store.write() as session:
        for table in ("outbox", "sop_task", "sop_enrolment", "stage_move", "placement", "evidence", "tagging",
                      "follow", "customer"):  # fmt: skip
            session.execute(text(f"DELETE FROM {table}"))
        session.execute(text("UPDATE sqlite_sequence SET seq = 0"))  # ids return, as they did in earlier releases
        session.execute(text("UPDATE callback_event SET handled_at = NULL, outcome = NULL, attempts = 0"))
    for key in keys:
        collide(system, key)
    for _ in range(event_work.EVENT_TRIES):
        jobs.handle_events()
    return keys


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_event_given_up_is_red_for_everybody_and_can_be_taken_up_again(office: System) -> None:
    give_up_all(office)
    assert customers(office) == 0
    with office.store.read() as session:
        found = read_given_up(session)
        assert (found.events, found.can_retry, "UNIQUE" in found.why.upper()) == (2, 2, True)
    line = next(line for line in system_status(office, clock.now()) if line.what == "没处理成")
    assert (line.level, "flask given-up retry" in line.advice, "2 个事件" in line.value) == ("bad", True, True)
    assert given_up(Probe(office, clock.now())).level == BAD
    assert "event-given-up" in {finding.name for finding in audit(office.store, clock.now(), running=False)}
    jobs.timers()
    with office.store.read() as session:
        assert [alarm.name for alarm in alarms(session) if alarm.name == ALARM]
    with office.store.write() as session:
        session.execute(text("DELETE FROM outbox WHERE state = 'sent'"))
    with office.work() as work:
        assert take_up_again(work) == (2, 0)
    jobs.handle_events()
    assert customers(office) == 2
    assert given_up(Probe(office, clock.now())).level == OK
    assert not [line for line in system_status(office, clock.now()) if line.what == "没处理成"]
    jobs.timers()
    with office.store.read() as session:
        assert not [alarm.name for alarm in alarms(session) if alarm.name == ALARM]


def test_only_what_does_no_harm_is_called_again(office: System) -> None:
    now = clock.now()
    with office.store.write() as session:
        for kind in HANDLERS:
            for state in ("failed", "unknown", "sent"):
                session.add(Outbox(kind=kind, key=f"{kind}:{state}", payload={}, state=state, attempts=9,
                                   created_at=now, not_before=now, done_at=now, deadline=now, error="x"))  # fmt: skip
    with office.work(now + timedelta(minutes=1)) as work:
        assert take_up_again(work) == (0, 2 * len(HARMLESS))
    with office.store.read() as session:
        waiting = session.scalars(select(Outbox).where(Outbox.state == "waiting")).all()
        assert {row.kind for row in waiting} == set(HARMLESS)
        assert all((row.attempts, row.deadline, row.done_at) == (0, None, None) for row in waiting)
    assert not [kind for kind in HARMLESS if HANDLERS[kind].repeats_show]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_database_that_does_not_answer_gives_no_event_up(office: System) -> None:
    arrive(office, 1)
    with office.store.write() as session:
        session.execute(text("ALTER TABLE follow RENAME TO follow_away"))
    for _ in range(event_work.EVENT_TRIES + 1):
        jobs.handle_events()
    with office.store.write() as session:
        session.execute(text("ALTER TABLE follow_away RENAME TO follow"))
    with office.store.read() as session:
        assert read_given_up(session).events == 0
    jobs.handle_events()
    assert customers(office) == 1


def test_the_page_lists_them_and_only_an_admin_retries(site: Site) -> None:
    now = clock.now()
    with site.store.write() as session:
        session.add(CallbackEvent(digest="d", name="change_external_contact", change_type="add_external_contact",
                                  raw_xml="", created_at=now, received_at=now, handled_at=now, attempts=5,
                                  outcome="failed: IntegrityError: UNIQUE outbox.key"))  # fmt: skip
    page = site.signed_in("auditor").get("/admin/given-up").text
    assert ("员工添加了客户" in page, "outbox.key" in page, "hx-post" in page) == (True, False, False)
    assert site.signed_in("auditor").post("/admin/given-up/retry").status_code == 404
    admin = site.signed_in()
    assert "1 件放下了" in admin.get("/admin").text
    assert "hx-post" in admin.get("/admin/given-up").text
    assert admin.post("/admin/given-up/retry").status_code == 204
    with site.store.read() as session:
        event = session.scalars(select(CallbackEvent)).one()
        assert (event.handled_at, event.attempts, event.outcome) == (None, 0, None)
        assert session.scalars(select(AuditEntry.action)).all() == ["given-up.retry"]


def test_the_command_lists_and_retries(site: Site) -> None:
    now, run = clock.now(), site.app.test_cli_runner().invoke
    assert "没有放下的" in run(args=["given-up", "list"]).output
    with site.store.write() as session:
        session.add(CallbackEvent(digest="d", name="n", change_type="c", raw_xml="", created_at=now, received_at=now,
                                  handled_at=now, attempts=5, outcome="failed: KeyError: [x]"))  # fmt: skip
    assert "KeyError: [x]" in run(args=["given-up", "list"]).output
    assert "重新处理 1 个事件" in run(args=["given-up", "retry"]).output
    with site.store.read() as session:
        assert read_given_up(session).can_retry == 0
