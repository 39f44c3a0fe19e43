"""WeCom answers, archives and tells what nobody expects: nothing known is ended for it, nothing is tried for ever."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from sqlalchemy import select

from bot.commands.wecom import run_comparison
from bot.delivery.outbox import CRASH_TRIES, CRASHED
from bot.intake.pull import pull as pull_archive
from bot.intake.quarantine import replay_quarantine
from bot.platform import clock
from bot.platform.models import Agent, CallbackEvent, Follow, GroupChat, GroupMember, Message, Outbox, Quarantine
from bot.system import System, use_system
from bot.wecom.archive import SandboxArchive, read_rows
from bot.wecom.errors import WeComError
from bot.worker import event_work, handlers, jobs
from tests.support.engine import send_all
from tests.support.parts import AGENT, Town

WHO = "wmTESTodd0000000000000000000000001"
ODD = ("{}", "[]", "null", '{"errcode":"x"}', "<html>", '{"errcode":0,"follow_user":null,"external_contact":[]}',
       '{"follow_user":[null,5,{"userid":[]}],"external_contact":{"external_userid":"wmAnother"}}',
       '{"userid":"","department":"x","is_leader_in_dept":[[]]}', '{"department":[{"id":"a"},null]}',
       '{"group_chat":{"member_list":[{}]}}', '{"tag_group":[{"tag":"x"},{"tag":[{"name":5}]},null]}',
       '{"group_chat_list":{"chat_id":5}}', '{"external_contact_list":[null,{"follow_info":"x"}]}')  # fmt: skip
READS = ("externalcontact/get", "externalcontact/get_corp_tag_list", "user/get", "user/list", "department/list",
         "externalcontact/groupchat/get", "externalcontact/groupchat/list", "externalcontact/batch/get_by_user",
         "externalcontact/get_follow_user_list", "msgaudit/*")  # fmt: skip


@pytest.fixture
def office(system: System, sandbox: Town) -> System:
    """A company that is known in full: an agent with a customer, and their group."""
    use_system(system)
    sandbox.control.add_customer(AGENT, "王女士", external_userid=WHO, welcome=False)
    sandbox.control.post("rooms", {"owner": AGENT, "name": "一群"})
    run_comparison(system, None)
    send_all(system)
    return system


def picture(system: System) -> dict[str, Any]:
    """What we hold to be so of people and groups."""
    with system.store.read() as session:
        return {
            "follows": sorted((f.agent.userid, f.ended_at) for f in session.scalars(select(Follow))),
            "agents": sorted(
                (a.userid, a.name, a.left_at, str(a.departments)) for a in session.scalars(select(Agent))
            ),
            "groups": sorted((g.name, g.owner, g.dismissed_at) for g in session.scalars(select(GroupChat))),
            "members": sorted((m.person, m.left_at) for m in session.scalars(select(GroupMember))),
        }


@contextmanager
def answering(town: Town, text: str, *paths: str) -> Iterator[None]:
    for path in paths or READS:
        town.control.fault(path, times=-1, text=text)
    yield
    town.control.clear_faults()


def test_a_comparison_that_gets_odd_answers_ends_nothing(office: System, sandbox: Town) -> None:
    before = picture(office)
    assert before["follows"]
    for text, path in product(ODD, READS):
        with answering(sandbox, text, path):
            try:
                run_comparison(office, None)
            except (WeComError, SystemExit):
                continue
            send_all(office)
        assert picture(office) == before, (text, path)
    with office.store.read() as session:
        assert [row.error for row in session.scalars(select(Outbox)) if (row.error or "").startswith(CRASHED)] == []


def outbox_ids(system: System, number: int) -> list[int]:
    """Put out one row of each kind that reads from WeCom, for the answer of this number."""
    now = clock.now()
    with system.store.write() as session:
        follow = session.scalars(select(Follow).join(Follow.customer)).first()
        chat = session.scalars(select(GroupChat)).first()
        assert follow is not None
        assert chat is not None
        mirror = {"mirror": True, "takes_in": True, "gone": [follow.agent.key]}
        rows = [
            Outbox(key="p", kind="profile", payload=mirror, customer_id=follow.customer_id, agent_id=follow.agent_id),
            Outbox(key="l", kind="library", payload={}),
            Outbox(key="m", kind="member", payload={}, agent_id=follow.agent_id),
            Outbox(key="d", kind="departments", payload={}),
            Outbox(key="g", kind="group_chat", payload={"chat_id": chat.chat_id}),
            Outbox(key="c", kind="consent", payload={"pairs": [[follow.agent.userid, WHO]]}),
            Outbox(key="r", kind="consent", payload={"roomid": chat.chat_id}),
        ]
        for row in rows:
            row.key += str(number)
            row.created_at = row.not_before = now
        session.add_all(rows)
        session.flush()
        return [row.id for row in rows]


def test_rows_that_get_odd_answers_change_nothing_and_are_tried_again(office: System, sandbox: Town) -> None:
    before = picture(office)
    for number, text in enumerate(ODD):
        ids = outbox_ids(office, number)
        with answering(sandbox, text):
            states = {handlers.deliver(office, row_id) for row_id in ids}
        assert states <= {"waiting", "sent"}, text
        assert picture(office) == before, text
    with office.store.read() as session:
        assert [row.error for row in session.scalars(select(Outbox)) if (row.error or "").startswith(CRASHED)] == []
    sandbox.control.move_clock(900)
    for _ in range(3):
        send_all(office)
    assert picture(office) == before


def put_out(system: System, kind: str, payload: dict[str, Any]) -> int:
    now = clock.now()
    with system.store.write() as session:
        row = Outbox(key=f"{kind}:{payload}", kind=kind, payload=payload, created_at=now, not_before=now)
        session.add(row)
        session.flush()
        return row.id


@pytest.mark.parametrize(
    ("kind", "payload", "end"),
    [
        ("app_text", {"text": "x"}, "failed"),  # of no agent: breaks before the call
        ("library", {}, "unknown"),  # breaks after it
    ],
)
def test_a_row_on_which_our_own_code_breaks_is_tried_a_few_times(
    office: System, sandbox: Town, monkeypatch: pytest.MonkeyPatch, kind: str, payload: dict[str, Any], end: str
) -> None:
    def broken(*_: Any) -> None:
        raise KeyError("a mistake of ours")

    monkeypatch.setattr("bot.sync.profiles.take_library", broken)
    row_id, states = put_out(office, kind, payload), []
    other = put_out(office, "departments", {"x": 1})
    for _ in range(CRASH_TRIES + 3):
        states.append(handlers.deliver(office, row_id))
        sandbox.control.move_clock(700)
    assert states == ["waiting"] * (CRASH_TRIES - 1) + [end] + [None] * 3
    with office.store.read() as session:
        row = session.get_one(Outbox, row_id)
        assert (row.error or "").startswith(CRASHED)
    assert handlers.deliver(office, other) == "sent"


def test_one_crash_after_long_trouble_is_not_the_end(
    office: System, sandbox: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    row_id = put_out(office, "library", {})
    sandbox.control.fault("externalcontact/get_corp_tag_list", times=6, errcode=45033)
    for _ in range(6):
        assert handlers.deliver(office, row_id) == "waiting"
        sandbox.control.move_clock(700)
    with monkeypatch.context() as patch:
        patch.setattr("bot.sync.profiles.take_library", lambda *_: 1 / 0)
        assert handlers.deliver(office, row_id) == "waiting"
    sandbox.control.move_clock(700)
    assert handlers.deliver(office, row_id) == "sent"


# -- the archive -----------------------------------------------------------------------------------------


class Archived:
    """An archive whose getchatdata answers this; everything behind it is the product's own."""

    def __init__(self, system: System, rows: list[Any]) -> None:
        self.plain, self.rows = SandboxArchive(system.archive_client), rows

    def pull(self, seq: int, limit: int = 1000) -> Any:
        return read_rows(json.loads(json.dumps({"errcode": 0, "chatdata": self.rows})), seq)[:limit]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.plain, name)


SEALED = {"encrypt_random_key": "AAAA", "encrypt_chat_msg": "A" * 40}
ROWS: dict[str, dict[str, Any]] = {
    "NUL in the msgid": {"msgid": "a\x00b"},
    "lone surrogate in the msgid": {"msgid": "a\ud800"},
    "msgid without an end": {"msgid": "x" * 5000},
    "no msgid": {"msgid": None},
    "version beyond an integer": {"publickey_ver": 2**40},
    "version below 0": {"publickey_ver": -(2**40)},
    "version a word": {"publickey_ver": "three"},
    "NUL in the key": {"encrypt_random_key": "A\x00"},
    "NUL in the cipher text": {"encrypt_chat_msg": "\x00\ud800" * 20},
    "no texts": {"encrypt_random_key": 5, "encrypt_chat_msg": None},
    "seq a text": {"seq": "5"},
    "large seq": {"seq": 2**62},
}


@pytest.mark.parametrize("name", ROWS)
def test_an_odd_row_of_the_archive_is_put_aside_and_the_stream_goes_on(system: System, name: str) -> None:
    system.__dict__["archive"] = Archived(
        system, [{"seq": 5, "msgid": "m5", "publickey_ver": 1, **SEALED, **ROWS[name]}]
    )
    for _ in range(2):
        done = pull_archive(system)
        if done.rows:
            break
    followed = 0 if name == "large seq" else 1  # one that jumps beyond reason is put aside without going there
    assert (done.rows, done.quarantined) == (followed, followed)
    assert pull_archive(system).rows == 0
    assert replay_quarantine(system) == (0, 1)
    with system.store.read() as session:
        assert session.scalars(select(Quarantine)).one().reason
        assert session.scalars(select(Message)).all() == []


# -- events ----------------------------------------------------------------------------------------------

HEAD = "<ToUserName>c</ToUserName><FromUserName>{sender}</FromUserName><CreateTime>{at}</CreateTime>"
LONG, NESTED = "x" * 3000, "<Item>1</Item><Item><A>2</A></Item>"
CONTACT = "<MsgType>event</MsgType><Event>change_external_contact</Event><ChangeType>{change}</ChangeType>"
ROOM = "<MsgType>event</MsgType><Event>change_external_chat</Event><ChangeType>update</ChangeType>"
STAFF = "<MsgType>event</MsgType><Event>change_contact</Event><ChangeType>update_user</ChangeType>"
CARD = "<MsgType>event</MsgType><Event>template_card_event</Event>"
EVENTS: dict[str, str] = {
    **{
        f"{change} with {what}": CONTACT.format(change=change) + fields
        for change in (
            "add_external_contact",
            "edit_external_contact",
            "del_external_contact",
            "del_follow_user",
            "transfer_fail",
            "msg_audit_approved",
            "add_half_external_contact",
        )
        for what, fields in {
            "ids too long": f"<UserID>{LONG}</UserID><ExternalUserID>{LONG}</ExternalUserID>",
            "a nested id": f"<UserID>{NESTED}</UserID><ExternalUserID>wm1</ExternalUserID>",
            "two ids": "<UserID>a</UserID><UserID>b</UserID><ExternalUserID>wm1</ExternalUserID>",
            "long fields": f"<UserID>a</UserID><ExternalUserID>wm1</ExternalUserID><State>{LONG}</State>"
            f"<WelcomeCode>{LONG}</WelcomeCode><Source>{LONG}</Source><FailReason>{LONG}</FailReason>",
        }.items()
    },
    "a group's id too long": f"{ROOM}<ChatId>{LONG}</ChatId><UpdateDetail>del_member</UpdateDetail>",
    "members too long": f"{ROOM}<ChatId>wr1</ChatId><UpdateDetail>del_member</UpdateDetail>"
    f"<MemChangeList><Item>{LONG}</Item><Item></Item></MemChangeList>",
    "numbers beyond all": f"{ROOM}<ChatId>wr1</ChatId><JoinScene>{'9' * 40}</JoinScene>",
    "a tag of nothing": "<MsgType>event</MsgType><Event>change_external_tag</Event><ChangeType>delete</ChangeType>",
    "a member too long": f"{STAFF}<UserID>{LONG}</UserID><NewUserID>{LONG}</NewUserID>",
    "a new userid too long": f"{STAFF}<UserID>{AGENT}</UserID><NewUserID>{LONG}</NewUserID>",
    "a card of nobody's": f"{CARD}<TaskId>task_9e9</TaskId>"
    f"<EventKey>sent:{'9' * 30}</EventKey><ResponseCode>{LONG}</ResponseCode>",
    "a card with wild options": f"{CARD}<TaskId>task_1</TaskId>"
    f"<EventKey>{LONG}</EventKey><SelectedItems><SelectedItem>x</SelectedItem></SelectedItems>",
    "a long text": f"<MsgType>text</MsgType><Content>{'好' * 20_000}</Content>",
    "a nested text": "<MsgType>text</MsgType><Content><A>1</A></Content>",
    "a command to a customer of a number beyond all": f"<MsgType>text</MsgType><Content>完成 {'9' * 40}</Content>",
}


@pytest.mark.parametrize("sender", ["sys", AGENT, "x" * 3000])
def test_odd_events_are_handled_or_kept_and_never_fail(office: System, sandbox: Town, sender: str) -> None:
    before = picture(office)
    at = int((clock.now() - timedelta(seconds=30)).timestamp())
    with office.store.write() as session:
        for number, (name, rest) in enumerate(EVENTS.items()):
            raw = f"<xml>{HEAD.format(sender=sender, at=at)}{rest}</xml>"
            session.add(
                CallbackEvent(digest=f"{number:040}", name=name[:64], change_type="", raw_xml=raw, attempts=0,
                              created_at=clock.now(), received_at=clock.now())
            )  # fmt: skip
    for _ in range(event_work.EVENT_TRIES):
        jobs.handle_events()
    with office.store.read() as session:
        rows = session.scalars(select(CallbackEvent)).all()
        assert [
            (row.name, row.outcome[:90] if row.outcome else "")
            for row in rows
            if (row.outcome or "failed").startswith("failed")
        ] == []
    sandbox.control.move_clock(60)
    send_all(office)
    with office.store.read() as session:
        assert [row.error for row in session.scalars(select(Outbox)) if (row.error or "").startswith(CRASHED)] == []
    after = picture(office)
    assert [one for one in before["follows"] if one not in after["follows"]] == []
    assert [one for one in before["members"] if one not in after["members"]] == []
