"""Group chats: met in the archive, read from WeCom, changed by events; each seen by those who are in it only."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import event, select

from bot.customers.group_chats import find_group, take_group
from bot.intake.pull import pull
from bot.platform import clock
from bot.platform.database.store import Store
from bot.platform.models import Agent, GroupChat, GroupMember, MediaFile, Message, Outbox, ViewEntry
from bot.system import System, use_system
from bot.wecom.groups import WeComGroup, WeComGroupMember
from bot.worker import jobs
from bot.worker.handlers import deliver
from tests.support.archived import CHEN, LIN, NOW, ROOM, WANG, ZHAO, Archived
from tests.support.parts import AGENT, COLLEAGUE, Town
from tests.support.site import Site


def people(store: Store, chat_id: str = ROOM) -> dict[str, tuple[str, str, bool]]:
    """person -> (kind, name, is there)."""
    with store.read() as session:
        query = select(GroupMember).join(GroupChat, GroupChat.id == GroupMember.group_id)
        rows = session.scalars(query.where(GroupChat.chat_id == chat_id))
        return {row.person: (row.kind, row.name, row.left_at is None) for row in rows}


def test_whoever_speaks_or_hears_in_a_room_is_in_it(store: Store) -> None:
    archived = Archived(store)
    archived.say("大家好", roomid=ROOM, tolist=[LIN, ZHAO, "wbROBOT"])
    assert people(store) == {
        WANG: ("customer", "", True), ZHAO: ("customer", "", True), "wbROBOT": ("robot", "", True),
        LIN.casefold(): ("agent", "", True),
    }  # fmt: skip
    (chat,) = archived.rows(GroupChat)
    assert chat.last_word_at == archived.rows(Message)[0].sent_at
    archived.say("再说一句", at=5, roomid=ROOM, tolist=[LIN, ZHAO])
    assert len(archived.rows(GroupMember)) == 4
    assert len(archived.rows(Outbox, Outbox.kind == "group_chat")) == 1  # asked about once


def test_a_reading_says_who_left_and_words_bring_them_back(store: Store) -> None:
    archived = Archived(store)
    archived.say("大家好", roomid=ROOM, tolist=[LIN, ZHAO])
    lin = WeComGroupMember(LIN, "agent", "领队", NOW, 1, "")
    with store.write() as session:
        found = WeComGroup(ROOM, "云南团", LIN, "八点集合", NOW, (lin,), (), "v2")
        take_group(session, found, NOW + timedelta(hours=1))
    assert people(store) == {
        LIN.casefold(): ("agent", "领队", True), WANG: ("customer", "", False), ZHAO: ("customer", "", False),
    }  # fmt: skip
    archived.say("迟到的旧消息", at=30, roomid=ROOM, tolist=[LIN])
    assert people(store)[WANG][2] is False
    archived.say("我回来了", at=90, roomid=ROOM, tolist=[LIN])
    assert people(store)[WANG][2] is True
    assert archived.rows(GroupChat)[0].name == "云南团"


def deliver_all(system: System) -> list[str | None]:
    with system.store.read() as session:
        waiting = select(Outbox.id).where(Outbox.kind == "group_chat", Outbox.state == "waiting")
        ids = session.scalars(waiting).all()
    with system.store.write() as session:
        for row in session.scalars(select(Outbox).where(Outbox.id.in_(ids))):
            row.not_before = clock.now()
    return [deliver(system, row_id) for row_id in ids]


@pytest.mark.parametrize("internal", [False, True], ids=["of customers", "of colleagues"])
def test_a_room_met_in_the_archive_is_read_from_wecom(system: System, sandbox: Town, internal: bool) -> None:
    members = [AGENT, COLLEAGUE]
    if not internal:
        members.append(sandbox.control.add_customer(AGENT, "李女士", welcome=False)["external_userid"])
    given = {"owner": AGENT, "name": "四月团", "members": members, "internal": internal}
    chat_id = sandbox.control.post("rooms", given)["chat_id"]
    sandbox.control.post("say-in-room", {"chat_id": chat_id, "from": COLLEAGUE, "content": "大家好"})
    pull(system)
    assert deliver_all(system) == ["sent"]
    with system.store.read() as session:
        chat = session.scalars(select(GroupChat)).one()
    assert (chat.name, chat.owner, chat.internal, chat.read_at is not None) == ("四月团", AGENT, internal, True)
    assert {person: kind for person, (kind, _name, _here) in people(system.store, chat_id).items()} == {
        who if who[:2] in ("wm", "wo") else who.casefold(): "customer" if who[:2] in ("wm", "wo") else "agent"
        for who in members
    }


def test_a_room_that_nobody_tells_of_stays_as_the_archive_shows_it(system: System) -> None:
    use_system(system)
    archived = Archived(system.store, system.settings, clock.now())
    archived.say("大家好", roomid="wrUNKNOWN", tolist=[LIN])
    assert deliver_all(system) == ["sent"]
    archived.say("又一句", at=1, roomid="wrUNKNOWN", tolist=[LIN])
    assert deliver_all(system) == []
    assert set(people(system.store, "wrUNKNOWN")) == {WANG, LIN.casefold()}


def test_events_change_and_dismiss_a_group(system: System, sandbox: Town) -> None:
    from tests.support.mirrors import Pair

    pair = Pair(system, sandbox.control)
    who = pair.meet()
    chat_id = sandbox.control.post("rooms", {"owner": AGENT, "name": "一团", "members": [AGENT, who]})["chat_id"]
    pair._event("change_external_chat", "create", f"<ChatId>{chat_id}</ChatId>", None)
    jobs.handle_events()
    deliver_all(system)
    assert people(system.store, chat_id)[who][2] is True
    left = (
        f"<ChatId>{chat_id}</ChatId><UpdateDetail>del_member</UpdateDetail><QuitScene>0</QuitScene>"
        f"<MemChangeList><Item>{who}</Item></MemChangeList>"
    )
    pair._event("change_external_chat", "update", left, None)
    jobs.handle_events()
    assert people(system.store, chat_id)[who][2] is False
    sandbox.control.post("change-room", {"chat_id": chat_id, "dismiss": True})
    pair._event("change_external_chat", "dismiss", f"<ChatId>{chat_id}</ChatId>", None)
    jobs.handle_events()
    assert deliver_all(system) == ["cancelled"]
    with system.store.read() as session:
        assert session.scalars(select(GroupChat)).one().dismissed_at is not None
    assert not any(here for _kind, _name, here in people(system.store, chat_id).values())


# -- pages -------------------------------------------------------------------------------------------------


@pytest.fixture
def rooms(site: Site) -> dict[str, int]:
    """Two rooms: one of Lin (department 7) with a customer and a file, one of Chen (department 8)."""
    archived = Archived(site.store)
    archived.say("林老师在吗", roomid=ROOM, tolist=[LIN])
    archived.send("image", {"sdkfileid": "x", "md5sum": "", "filesize": 5}, at=1, roomid=ROOM, tolist=[LIN])
    archived.say("陈老师在吗", at=2, roomid="wrOTHER", tolist=[CHEN], **{"from": ZHAO})
    with site.store.write() as session:
        for key, department in ((LIN, 7), (CHEN, 8)):
            session.add(Agent(key=key.casefold(), userid=key, name=key, departments=[department], created_at=NOW))
        owned = WeComGroup(ROOM, "林的群<script>", LIN, "公告", NOW, (WeComGroupMember(LIN, "agent", "", NOW, 1, ""),
                      WeComGroupMember(WANG, "customer", "<b>海棠</b>", NOW, 3, "")), (), "1")  # fmt: skip
        take_group(session, owned, NOW)
        find_group(session, "wrOTHER", NOW).name = "陈的群"
        found = session.execute(select(GroupChat.chat_id, GroupChat.id)).all()
    return {row.chat_id: row.id for row in found}


@pytest.mark.parametrize(
    ("role", "userid", "departments", "sees"),
    [
        ("admin", None, (), {ROOM, "wrOTHER"}), ("auditor", None, (), {ROOM, "wrOTHER"}),
        ("agent", LIN, (7,), {ROOM}), ("agent", CHEN, (8,), {"wrOTHER"}), ("agent", "Nobody", (7,), set()),
        ("leader", "Boss", (7,), {ROOM}), ("leader", "Chief", (7, 8), {ROOM, "wrOTHER"}),
    ],
)  # fmt: skip
def test_a_room_is_seen_by_those_in_it(
    site: Site, rooms: dict[str, int], role: str, userid: str | None, departments: tuple[int, ...], sees: set[str]
) -> None:
    client = site.signed_in(role, userid, departments)
    listed = client.get("/groups")
    assert listed.status_code == 200
    with site.store.read() as session:
        file_id = session.scalars(select(MediaFile.id)).one()
    for chat_id, row_id in rooms.items():
        assert (f'/groups/{row_id}"' in listed.text) == (chat_id in sees)
        assert client.get(f"/groups/{row_id}").status_code == (200 if chat_id in sees else 404)
    # The file lies in the first room: whoever does not see it, nor its customer, cannot even learn its state.
    assert client.get(f"/media/{file_id}/state").status_code == (200 if ROOM in sees else 404)


def test_a_page_of_a_room(site: Site, rooms: dict[str, int]) -> None:
    client = site.signed_in("admin")
    html = client.get(f"/groups/{rooms[ROOM]}").text
    assert "林老师在吗" in html
    assert "<script>" not in html.replace('<script src="', "")
    assert "&lt;b&gt;海棠&lt;/b&gt;" in html
    assert "公告" in html
    assert "/fetch" in html  # the picture is not here yet
    assert "陈老师在吗" not in html
    assert "Group" in client.get("/groups?lang=en").text
    for bad in ("/groups/0", f"/groups/{2**63 - 1}", f"/groups/{2**64}", "/groups/x"):
        assert client.get(bad).status_code == 404
    assert client.get("/groups?from=1e9").status_code == 200
    assert client.get(f"/groups/{rooms[ROOM]}?before=zz").status_code == 200
    with site.store.read() as session:
        assert [view.page for view in session.scalars(select(ViewEntry))][:1] == ["group"]


def test_strangers_see_nothing(site: Site, rooms: dict[str, int]) -> None:
    client = site.app.test_client()
    for path in ("/groups", f"/groups/{rooms[ROOM]}", "/media/1", "/media/1/state"):
        assert client.get(path).status_code in (302, 401, 403, 404)
    assert site.watcher().get(f"/groups/{rooms[ROOM]}").status_code == 404


def test_as_many_queries_whatever_the_size(site: Site, rooms: dict[str, int]) -> None:
    archived, client = Archived(site.store), site.signed_in("admin")

    def asked(path: str) -> int:
        seen: list[str] = []
        note = lambda *args: seen.append(args[2])  # noqa: E731
        event.listen(site.store.engine, "before_cursor_execute", note)
        assert client.get(path).status_code == 200
        event.remove(site.store.engine, "before_cursor_execute", note)
        return len(seen)

    client.get("/groups")
    few = asked("/groups"), asked(f"/groups/{rooms[ROOM]}")
    for number in range(30):
        archived.say("你好", at=10 + number, roomid=ROOM, tolist=[LIN, f"wmOTHER{number}"])
        archived.say("你好", at=10 + number, roomid=f"wrMORE{number}", tolist=[LIN])
    assert (asked("/groups"), asked(f"/groups/{rooms[ROOM]}")) == few
