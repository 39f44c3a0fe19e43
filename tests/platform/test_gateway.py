"""The gateway: WeCom's limits, failures and refusals, kept by all workers together."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from bot.platform import clock
from bot.platform.database.alarms import alarms
from bot.platform.database.store import Store
from bot.platform.gateway.call_counts import FLUSH_SECONDS, CallCounts, fold, totals
from bot.platform.gateway.circuit_breakers import FAILURES, claim_probe
from bot.platform.gateway.quotas import LEEWAY, forget_unused, spend
from bot.platform.models import Agent, Breaker, Outbox
from bot.system import System
from bot.wecom.errors import CallHeldError, WeComError
from bot.wecom.limits import Limit, limits_of
from tests.support.engine import local, send_all
from tests.support.parts import AGENT, COLLEAGUE, Town
from tests.support.sending import arrivals, most_in_a_minute

LIMITS = limits_of("message/send", "member")
NOON = local("2026-01-05 12:00")


def ask(store: Store, now: datetime, limits: tuple[Limit, ...] = LIMITS, name: str = "who") -> float:
    with store.write() as session:
        return spend(session, name, limits, now)


def test_a_member_gets_fewer_than_wecom_drops_in_any_minute_and_hour(store: Store) -> None:
    """Spends until the hour is used up and free again; WeCom may count a call up to LEEWAY seconds later."""
    moments = [NOON + timedelta(seconds=at) for at in (*range(300), *range(300, 4500, 3))]
    with store.write() as session:
        sent = [moment for moment in moments if not spend(session, "who", LIMITS, moment)]
    late = [at + timedelta(seconds=LEEWAY if n % 2 == 0 else 0) for n, at in enumerate(sent)]
    for seconds, most in ((60, 30), (3600, 1000)):
        for moment in late:
            assert sum(moment - timedelta(seconds=seconds) < at <= moment for at in late) < most
    assert len(sent) > 900, "nor is much left unused"


def test_all_who_wait_are_given_turns_of_their_own(store: Store) -> None:
    while not ask(store, NOON):
        pass
    waits = [ask(store, NOON) for _ in range(100)]
    assert waits == sorted(waits)
    assert len(set(waits)) == 100
    per_minute = Counter(int(wait // 60) for wait in waits)
    assert max(per_minute.values()) <= 28


def test_one_member_does_not_use_up_anothers(store: Store) -> None:
    while not ask(store, NOON):
        pass
    assert ask(store, NOON, name="another") == 0


def test_a_clock_set_back_neither_lifts_the_limit_nor_shuts_it_for_long(store: Store) -> None:
    while not ask(store, NOON):
        pass
    earlier = NOON - timedelta(minutes=5)
    wait = ask(store, earlier)
    assert 0 < wait <= 120


def messages(system: System, number: int, userids: tuple[str, ...]) -> None:
    """Put this many texts to each member into the outbox."""
    now = clock.now()
    with system.store.write() as session:
        for userid in userids:
            agent = Agent(key=userid.casefold(), userid=userid, created_at=now)
            session.add(agent)
            session.flush()
            session.add_all(
                Outbox(key=f"t:{userid}:{n}", kind="app_text", payload={"text": f"第 {n} 条"}, agent_id=agent.id,
                       created_at=now, not_before=now)
                for n in range(number)
            )  # fmt: skip


def test_what_exceeds_a_members_limit_waits_for_its_turn_and_nothing_is_dropped(
    system: System, sandbox: Town
) -> None:
    messages(system, 70, (AGENT,))
    messages(system, 5, (COLLEAGUE,))
    assert Counter(send_all(system)) == {"sent": 28 + 5, "waiting": 42}
    rounds = 0
    while (rounds := rounds + 1) < 60:
        sandbox.control.move_clock(5)
        send_all(system)
    seen = defaultdict(list)
    for effect in sandbox.control.effects(0, "message"):
        seen[effect["userid"]].append(datetime.fromisoformat(effect["at"]))
    assert {userid: len(times) for userid, times in seen.items()} == {AGENT: 70, COLLEAGUE: 5}
    assert sandbox.control.effects(0, "message_dropped") == []
    with system.store.read() as session:
        assert {row.attempts for row in session.query(Outbox)} == {1}, "waiting costs no tries"


def test_many_sends_to_many_never_exceed_a_members_minute(system: System, sandbox: Town) -> None:
    """Through the queue; ten thousand by several workers at once are in test_sends."""
    each, team = 40, ("Agent000", "Agent001")
    for userid in team:
        sandbox.control.member(userid)
    messages(system, each, team)
    while any(state == "waiting" for state in send_all(system)) or waits(system):
        sandbox.control.move_clock(15)
    seen = arrivals(sandbox)
    assert {userid: len(times) for userid, times in seen.items()} == dict.fromkeys(team, each)
    assert sandbox.control.effects(0, "message_dropped") == []
    assert max(map(most_in_a_minute, seen.values())) <= 30


def waits(system: System) -> bool:
    with system.store.read() as session:
        return session.scalar(select(Outbox.id).where(Outbox.state == "waiting").limit(1)) is not None


@pytest.fixture
def small_company(system: System, sandbox: Town, monkeypatch: pytest.MonkeyPatch) -> System:
    """WeCom takes 20 messages a day of its app, and we were told so."""
    monkeypatch.setattr("bot.wecom.limits._PERSON_TIMES", 20)
    access = replace(system.environment.needs_wecom(), accounts=1)
    system.environment = replace(system.environment, wecom=access)
    sandbox.control.switches(person_times=20)
    return system


def test_what_exceeds_the_apps_day_waits_for_the_next_and_nothing_is_dropped(
    small_company: System, sandbox: Town
) -> None:
    system, team = small_company, ("Agent000", "Agent001", "Agent002", "Agent003")
    for userid in team:
        sandbox.control.member(userid)
    messages(system, 6, team)
    assert Counter(send_all(system)) == {"sent": 19, "waiting": 5}
    for hours in (5, 5, 5):  # also when nothing was sent for long, and after the rows were tidied
        sandbox.control.move_clock(hours * 3600)
        with system.store.write() as session:
            forget_unused(session, clock.now())
        assert "sent" not in send_all(system)
    sandbox.control.move_clock(14 * 3600)
    send_all(system)
    assert sum(map(len, arrivals(sandbox).values())) == 24
    assert sandbox.control.effects(0, "message_dropped") == []
    with system.store.read() as session:
        assert {row.attempts for row in session.query(Outbox)} == {1}, "waiting costs no tries"


def test_where_nobody_told_how_many_accounts_there_are_wecom_drops_the_excess(system: System, sandbox: Town) -> None:
    sandbox.control.switches(person_times=5)
    for n in range(7):
        text(system, n)
    assert len(sandbox.control.effects(0, "message_dropped")) == 2


def test_a_flushed_queue_server_does_not_lift_the_limit(system: System, sandbox: Town) -> None:
    messages(system, 40, (AGENT,))
    send_all(system)
    system.queue.connection.flushall()
    send_all(system)
    assert len(sandbox.control.effects(0, "message")) == 28


def calls(town: Town, path: str) -> int:
    return sum(effect["path"] == path for effect in town.control.effects(0, "api"))


def text(system: System, n: int = 0) -> None:
    system.wecom.send_text(AGENT, f"您好 {n}")


def fail(system: System, how: type[WeComError], n: int = 0) -> WeComError:
    with pytest.raises(WeComError) as caught:
        text(system, n)
    assert type(caught.value) is how
    return caught.value


def test_a_group_of_apis_that_fails_is_left_alone_then_tried_by_one(system: System, sandbox: Town) -> None:
    sandbox.control.fault("message/*", times=-1, status=500)
    for n in range(FAILURES):
        fail(system, WeComError, n)
    assert calls(sandbox, "message/send") == FAILURES
    held = fail(system, CallHeldError)
    assert held.retry_after is not None
    assert 0 < held.retry_after <= 15
    assert calls(sandbox, "message/send") == FAILURES, "it is not even tried"
    assert system.wecom.follow_users(), "others go on"
    sandbox.control.move_clock(16)
    other = System(system.environment)  # another worker
    fail(system, WeComError)
    fail(other, CallHeldError)
    assert calls(sandbox, "message/send") == FAILURES + 1, "one of them tries"
    sandbox.control.clear_faults()
    sandbox.control.move_clock(31)
    text(other)
    for n in range(5):
        text(system, n)
    assert calls(sandbox, "message/send") == FAILURES + 7
    other.store.close()


def test_of_all_who_would_try_again_one_may(store: Store) -> None:
    with store.write() as session:
        session.add(Breaker(name="group:message", failures=FAILURES, failed_at=NOON, until=NOON, why="HTTP 500"))
    tries = []
    for _ in range(3):
        with store.write() as session:
            tries.append(claim_probe(session, "group:message", NOON))
    assert tries == [True, False, False]


def test_an_answer_however_unkind_shows_that_wecom_is_there(system: System, sandbox: Town) -> None:
    sandbox.control.fault("message/*", times=FAILURES - 1, status=500)
    for n in range(FAILURES - 1):
        fail(system, WeComError, n)
    sandbox.control.fault("message/*", times=1, errcode=40035)
    fail(system, WeComError)
    sandbox.control.fault("message/*", times=1, status=500)
    fail(system, WeComError)
    text(system)


def test_an_outage_of_ten_minutes_raises_an_alarm_that_ends_with_it(system: System, sandbox: Town) -> None:
    sandbox.control.fault("message/*", times=-1, status=500)
    for n in range(FAILURES):
        fail(system, WeComError, n)
    assert lasting(system) == []
    for _ in range(5):
        sandbox.control.move_clock(301)
        fail(system, WeComError)
    assert lasting(system) == ["wecom.group:message"]
    sandbox.control.clear_faults()
    sandbox.control.move_clock(301)
    text(system)
    assert lasting(system) == []


def lasting(system: System) -> list[str]:
    with system.store.read() as session:
        return [alarm.name for alarm in alarms(session)]


@pytest.mark.parametrize(("path", "errcode"), [("gettoken", 40001), ("message/send", 60020)])
def test_a_refused_secret_is_asked_with_once_then_all_is_paused(
    system: System, sandbox: Town, path: str, errcode: int
) -> None:
    assert system.archive.pull(0) == []
    sandbox.control.fault(path, times=-1, errcode=errcode)
    assert fail(system, WeComError).errcode == errcode
    before = len(sandbox.control.effects(0, "api"))
    other = System(system.environment)
    for one in (system, other):
        for call in (one.wecom.follow_users, lambda one=one: text(one)):
            with pytest.raises(WeComError):
                call()
    assert len(sandbox.control.effects(0, "api")) == before, "one call, and no more"
    assert lasting(system) == ["wecom.secret:app"]
    assert system.archive.pull(0) == [], "the archive's secret is another"
    sandbox.control.clear_faults()
    sandbox.control.move_clock(301)
    system.queue.connection.flushall()  # the shelf of tokens rests for a real minute
    third = System(system.environment)
    text(third)
    assert lasting(system) == []
    for one in (other, third):
        one.store.close()


def test_a_limit_of_wecoms_shuts_that_api_until_its_window_ends(system: System, sandbox: Town) -> None:
    sandbox.control.fault("message/send", times=1, errcode=45009)
    fail(system, WeComError)
    fail(system, CallHeldError)
    assert system.wecom.follow_users()
    sandbox.control.move_clock(61)
    text(system)


def test_a_card_that_cannot_call_back_does_not_stop_plain_ones(system: System, sandbox: Town) -> None:
    sandbox.control.fault("message/send", times=1, errcode=43012)
    fail(system, WeComError)
    text(system)


def test_calls_are_counted_for_all_processes_and_kept_when_folded(store: Store) -> None:
    first, second = CallCounts(store), CallCounts(store)
    for call_counts in (first, second):
        for _ in range(3):
            call_counts.count("message/send", "0", NOON)
        call_counts.count("user/get", "60111", NOON)
        call_counts.flush(NOON, at_once=True)
    expected = [("message/send", "0", 6), ("user/get", "60111", 2)]
    for later in (NOON, NOON + timedelta(hours=3), NOON + timedelta(hours=3)):
        with store.write() as session:
            fold(session, later)
        with store.read() as session:
            assert sorted(totals(session)) == expected
    first.count("message/send", "0", NOON + timedelta(hours=3))
    first.flush(NOON + timedelta(hours=3), at_once=True)
    with store.read() as session:
        assert ("message/send", "0", 7) in totals(session)


def test_the_whole_companys_limit_counts_what_others_called(store: Store) -> None:
    limit, other, mine = Limit("corp", 100, 60), CallCounts(store), CallCounts(store)
    for _ in range(60):
        other.count("user/get", "0", NOON)
        mine.count("user/get", "0", NOON)
    other.flush(NOON, at_once=True)
    mine.flush(NOON, at_once=True)
    assert mine.seconds_to_wait("user/get", limit, NOON) > 0
    assert mine.seconds_to_wait("user/list", limit, NOON) == 0
    assert mine.seconds_to_wait("user/get", limit, NOON + timedelta(seconds=100)) == 0


def test_without_a_database_counts_are_kept_for_later(store: Store) -> None:
    call_counts = CallCounts(store)
    assert FLUSH_SECONDS < 10
    store.engine.dispose()
    real, call_counts._store = call_counts._store, Store("sqlite:////nowhere/at/all.db", store.keys)
    call_counts.count("user/get", "0", NOON)
    call_counts._store = real
    call_counts.flush(NOON, at_once=True)
    with store.read() as session:
        assert totals(session) == [("user/get", "0", 1)]
