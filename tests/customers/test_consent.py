"""What a customer refuses is not processed, from the refusal on; WeCom is asked about those it never told of."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.customers.consent import AGENT, ROOM, Party, apply_consent, consent_statuses, decide_consent
from bot.customers.state import load_customer
from bot.platform import clock
from bot.platform.config.settings import parse_settings
from bot.platform.database.audit_log import verify_chain
from bot.platform.database.store import Store
from bot.platform.models import (
    AuditEntry,
    Consent,
    Customer,
    Evidence,
    Follow,
    Message,
    Outbox,
    SopEnrolment,
    Tagging,
)
from bot.platform.work import Work
from bot.sops.enrolment import start_sops
from bot.sync.consent import check_unagreed
from bot.system import System
from bot.worker import jobs
from bot.worker.handlers import deliver
from sop.triggers import Trigger
from tests.support.archived import CHEN, CONFIG, LIN, NOW, WANG, Archived, said
from tests.support.archived import ROOM as ROOMID
from tests.support.mirrors import Pair
from tests.support.parts import AGENT as USERID
from tests.support.parts import Town

STORING = parse_settings(CONFIG + '\n[privacy]\nunagreed = "store"\n', examples=False)


@pytest.fixture
def archived(store: Store) -> Archived:
    return Archived(store)


def refuse(archived: Archived, at: float, word: str = "disagree", **changes: object) -> None:
    stamp = int((NOW.timestamp() + at * 60) * 1000)
    archived.send(word, {"userid": WANG, f"{word}_time": stamp}, at=at + 3, **changes)


def tags(archived: Archived) -> list[str]:
    return [t.tag for t in archived.rows(Tagging, Tagging.removed_at.is_(None))]


def test_nothing_is_done_with_what_is_said_after_a_refusal(archived: Archived) -> None:
    archived.say("你好", at=0)
    refuse(archived, at=1)
    before = archived.rows(Customer)[0]
    archived.say("多少钱", at=2)
    archived.say("三千", at=3, **{"from": LIN, "tolist": [WANG]})
    after = archived.rows(Customer)[0]
    assert [m.kind for m in archived.rows(Message)] == ["text", "disagree"]
    assert (tags(archived), archived.rows(Evidence)) == ([], [])
    assert (after.last_word_at, after.said_to_at) == (before.last_word_at, before.said_to_at)


def test_what_was_said_before_counts_however_late_it_comes(archived: Archived) -> None:
    archived.say("你好", at=0)
    refuse(archived, at=5)
    archived.say("多少钱", at=4)
    assert tags(archived) == ["考虑价格"]


def test_by_setting_it_is_stored_and_nothing_else(store: Store) -> None:
    archived = Archived(store, STORING)
    refuse(archived, at=0)
    archived.say("多少钱", at=5)
    assert [(m.kind, m.unagreed) for m in archived.rows(Message)] == [("disagree", False), ("text", True)]
    assert tags(archived) == []


def test_agreeing_again_ends_it_and_times_between_stay_closed(archived: Archived) -> None:
    refuse(archived, at=0)
    refuse(archived, at=10, word="agree")
    archived.say("多少钱", at=5)  # said in between, read late
    assert tags(archived) == []
    archived.say("多少钱", at=15)
    assert tags(archived) == ["考虑价格"]


def test_a_refusal_is_between_two_or_of_a_room(archived: Archived) -> None:
    refuse(archived, at=0)
    archived.say("多少钱", at=5, tolist=[CHEN])
    assert len(archived.rows(Evidence)) == 1
    refuse(archived, at=6, roomid=ROOMID, tolist=[LIN, CHEN])
    archived.say("多少钱", at=10, roomid=ROOMID, tolist=[LIN, CHEN])
    archived.say("大家好", at=11, roomid=ROOMID, tolist=[WANG, CHEN], **{"from": LIN})
    assert len(archived.rows(Evidence)) == 1
    assert [m.sender for m in archived.rows(Message, Message.roomid == ROOMID)] == [WANG, LIN]
    kinds = {(c.kind, c.whom) for c in archived.rows(Consent)}
    assert kinds == {(AGENT, LIN.casefold()), (ROOM, ROOMID)}


def test_a_refusal_ends_what_runs_and_lets_nothing_begin(archived: Archived) -> None:
    archived.say("多少钱", at=0)
    assert [e.ended_at for e in archived.rows(SopEnrolment)] == [None]
    refuse(archived, at=1)
    ended = archived.rows(SopEnrolment)[0]
    assert (ended.ended_because, ended.ended_at is not None) == ("客户不同意会话存档", True)
    trigger, settings = Trigger("stage", "考虑价格"), archived.settings
    with archived.store.write() as session:  # whatever would start it
        state = load_customer(session, session.scalars(select(Customer)).one())
        assert start_sops(Work(session, settings, NOW), state, trigger, "move:again") == []
        apply_consent(state, ended.agent_id, "agreed")
        assert len(start_sops(Work(session, settings, NOW), state, trigger, "move:again")) == 1


def test_refusal_and_words_in_one_batch(archived: Archived) -> None:
    stamp = int((NOW.timestamp() + 60) * 1000)
    no = said("", at=1, msgtype="disagree", disagree={"userid": WANG, "disagree_time": stamp})
    archived.arrive(said("你好"), no, said("多少钱", at=2))
    assert tags(archived) == []
    assert len(archived.rows(Message)) == 2


def test_a_persons_word_goes_before_and_is_written_down(archived: Archived) -> None:
    archived.say("你好")
    customer = archived.rows(Customer)[0]
    with archived.store.write() as session:
        decide_consent(
            Work(session, archived.settings, NOW), Party(customer.id, AGENT, LIN.casefold()), "refused", "admin-1"
        )
    archived.say("多少钱", at=1)
    assert tags(archived) == []
    with archived.store.write() as session:
        decide_consent(
            Work(session, archived.settings, NOW), Party(customer.id, AGENT, LIN.casefold()), None, "admin-1"
        )
    archived.say("多少钱", at=2)
    assert tags(archived) == ["考虑价格"]
    with archived.store.read() as session:
        entries = session.scalars(select(AuditEntry)).all()
        assert [(e.actor, e.action, e.detail["word"]) for e in entries] == [
            ("admin-1", "consent.decide", "refused"), ("admin-1", "consent.decide", None)
        ]  # fmt: skip
        assert not verify_chain(session)
        standing = consent_statuses(Work(session, archived.settings, NOW), customer.id)
        assert [(s.kind, s.whom, s.answer, s.by_hand) for s in standing] == [
            (AGENT, LIN.casefold(), "unknown", False)
        ]


def test_wecom_is_asked_about_those_it_never_told_of(system: System, sandbox: Town) -> None:
    pair = Pair(system, sandbox.control)
    yes, no = pair.meet("李女士"), pair.meet("王先生")
    # WeCom's own word changes without any event or message reaching us.
    sandbox.control.post("consent", {"userid": USERID, "external_userid": yes, "agree": True})
    sandbox.control.post("consent", {"userid": USERID, "external_userid": no, "agree": False})
    with system.store.write() as session:
        stranger = Customer(external_userid="wmNobodyWeComKnows", name="", created_at=clock.now())
        session.add(stranger)
        session.flush()
        follow = session.scalars(select(Follow)).first()
        assert follow is not None
        session.add(Follow(agent_id=follow.agent_id, customer_id=stranger.id, added_at=clock.now()))
    settings, now = system.settings, clock.now()
    with system.store.write() as session:
        assert check_unagreed(Work(session, settings, now)) == 1
        assert check_unagreed(Work(session, settings, now)) == 1  # the same day puts out nothing twice
    assert work(system) == ["sent"]
    with system.store.read() as session:
        found = {c.external_userid: s.answer for c in session.scalars(select(Customer))
                 for s in consent_statuses(Work(session, settings, now), c.id)}  # fmt: skip
    assert found == {yes: "agreed", no: "refused"}
    with system.store.write() as session:  # the next night only those who may have changed their mind
        check_unagreed(Work(session, settings, now + timedelta(days=1)))
        row = session.scalars(select(Outbox).where(Outbox.kind == "consent").order_by(Outbox.id.desc())).first()
        assert row is not None
        assert sorted(pair[1] for pair in row.payload["pairs"]) == sorted([no, "wmNobodyWeComKnows"])


def test_an_approval_is_an_event_as_well(system: System, sandbox: Town) -> None:
    pair = Pair(system, sandbox.control)
    who = pair.meet()
    person = f"<UserID>{USERID}</UserID><ExternalUserID>{who}</ExternalUserID>"
    pair._event("change_external_contact", "msg_audit_approved", person, None)
    jobs.handle_events()
    with system.store.read() as session:
        consent = session.scalars(select(Consent)).one()
    assert (consent.whom, consent.source, consent.agreed_at is not None) == (USERID.casefold(), "event", True)


def work(system: System) -> list[str | None]:
    """Deliver the checks that are due."""
    with system.store.read() as session:
        due = select(Outbox.id).where(
            Outbox.kind == "consent", Outbox.state == "waiting", Outbox.not_before <= clock.now()
        )
        ids = session.scalars(due).all()
    return [deliver(system, row_id) for row_id in ids]


def test_the_fixture_of_a_refusal_is_read(archived: Archived) -> None:
    message = json.loads(said("", msgtype="disagree", disagree={"userid": WANG, "agree_time": 1767578401999}))
    archived.arrive(json.dumps(message).encode())
    consent = archived.rows(Consent)[0]
    assert consent.refused_at is not None
    assert int(consent.refused_at.timestamp()) == 1767578401
