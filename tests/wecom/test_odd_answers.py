"""A WeCom, or whatever stands before it, that answers oddly: always a WeComError or a value of the right shape, in
time, with bounded memory, and with no secret told to anybody."""

from __future__ import annotations

import gzip
import io
import json
import traceback
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from bot.customers.marks import shown_tags
from bot.customers.tag_library import library_rows
from bot.wecom import audit, directory, groups, groupsends, wire
from bot.wecom.api import WeComClient
from bot.wecom.connection import Credentials
from bot.wecom.errors import UnreadableMessageError, WeComError
from bot.wecom.jssdk import Tickets
from bot.wecom.media import CHUNK, MediaChunk, ask_media, download
from tests.wecom.odd_server import ENOUGH, OddServer, drip, odd_server, reply

SECRET = "a-secret-of-the-corp"
PATIENCE = 60.0  # seconds of silence that count as no answer
HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def server() -> Iterator[OddServer]:
    with odd_server() as server:
        yield server


def client_of(server: OddServer, redis: Redis | None = None, timeout: float = 2.0) -> WeComClient:
    return WeComClient(Credentials("ww1", SECRET, 1000002), api_url=server.url, redis=redis, timeout=(1, timeout))


def refused(call: Callable[[], Any]) -> WeComError:
    with pytest.raises(WeComError) as caught:
        call()
    shown = "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
    assert SECRET not in shown
    assert "token-of-the-odd-server" not in shown
    return caught.value


ODD: dict[str, bytes] = {
    "HTML": reply(b"<html>Sign in to this network</html>", Content_Type="text/html"),
    "nothing": reply(b""),
    "no content": reply(b"", "HTTP/1.1 204 No Content"),
    "half an object": reply(b'{"errcode":0,"follow_user":["a","b'),
    "a list": reply(b'[{"errcode":0}]'),
    "null": reply(b"null"),
    "a string": reply(b'"ok"'),
    "a number": reply(b"0"),
    "no UTF-8": reply(b"\xff\xfe\x00{"),
    "too deep": reply(b'{"errcode":0,"follow_user":' + b"[" * 100_000),
    "a number of 9,999 digits": reply(b'{"errcode":0,"x":' + b"9" * 9999 + b"}"),
    "errcode a word": reply(b'{"errcode":"zero"}'),
    "errcode null": reply(b'{"errcode":null}'),
    "errcode a list": reply(b'{"errcode":[]}'),
    "errcode true": reply(b'{"errcode":true}'),
    "errcode a fraction": reply(b'{"errcode":0.5}'),
    "errcode beyond all": reply(b'{"errcode":1e999}'),
    "errcode NaN": reply(b'{"errcode":NaN}'),
    "no list in it": reply(b"{}"),
    "base_resp": reply(b'{"base_resp":5}'),
    "shorter than it says": b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + b'{"errcode":0}',
    "no reply": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "another protocol": b"220 smtp.example.com ESMTP\r\n",
    "a broken chunk": HEAD + b"zz\r\n{}\r\n",
    "chunks without an end": HEAD + b"2\r\n{}\r\n",
    "no gzip": reply(b"{}", Content_Encoding="gzip"),
    "half a gzip": reply(gzip.compress(b'{"errcode":0}' * 100)[:30], Content_Encoding="gzip"),
    "a head without an end": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500,
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_no_answer_is_an_error_of_which_nobody_knows_the_effect(server: OddServer, name: str) -> None:
    server.answer = ODD[name]
    error = refused(client_of(server, timeout=PATIENCE).follow_users)
    assert (error.errcode, error.unsure, error.permanent, error.pause) == (None, True, False, False)
    assert "Timeout" not in str(error), "told by the answer, not by waiting"


@pytest.mark.parametrize(
    ("said", "errcode"), [('"40003"', 40003), ("40003.0", 40003), ('" 45009 "', 45009), ('"-1"', -1)]
)
def test_an_errcode_of_another_type_is_understood(server: OddServer, said: str, errcode: int) -> None:
    server.answer = reply(f'{{"errcode":{said},"errmsg":["x"]}}'.encode())
    assert refused(client_of(server).follow_users).errcode == errcode
    server.answer = reply(b'\xef\xbb\xbf{"errcode":"0","follow_user":["a",5,null,{},["b"],"","' + b"x" * 65 + b'"]}')
    assert client_of(server).follow_users() == ["a", "5"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("post", [False, True])
def test_a_redirect_is_not_followed(server: OddServer, status: int, post: bool) -> None:
    with odd_server() as elsewhere:
        elsewhere.says({"errcode": 0, "follow_user": [], "msgid": "m"})
        server.answer = reply(b"", f"HTTP/1.1 {status} Moved", Location=f"{elsewhere.url}x")
        client = client_of(server)
        error = refused((lambda: client.send_text("a", "王女士的订单")) if post else client.follow_users)
        assert (error.errcode, error.pause, error.unsure) == (None, True, False)
        assert elsewhere.asked == []


def test_an_answer_that_drips_ends_in_time(server: OddServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire.Wire, "longest_call", 0.5)
    client = client_of(server)
    assert client.access_token
    for head, piece in (
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b" "),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b" "),
        (HEAD, b"1\r\n \r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n" + gzip.compress(b"x")[:10], b"\0"),
    ):
        dripped: list[bytes] = []
        server.answer = drip(head, piece, dripped=dripped)
        assert refused(client.follow_users).unsure
        assert 0 < len(dripped) < ENOUGH


def test_an_answer_without_an_end_and_one_that_unpacks_to_gigabytes_are_cut(server: OddServer) -> None:
    client = client_of(server, timeout=10)
    server.answer = drip(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b'"' + b"x" * 1_000_000, 0)
    error = refused(client.follow_users)
    assert (error.errcode, error.unsure) == (None, True)
    bomb = io.BytesIO()
    with gzip.GzipFile(fileobj=bomb, mode="wb", compresslevel=9) as packed:
        for _ in range(200):
            packed.write(bytes(1 << 20))
    server.answer = reply(bomb.getvalue(), Content_Encoding="gzip")
    assert len(bomb.getvalue()) < 300_000
    assert refused(client.follow_users).unsure


def test_an_answer_packed_twice_is_not_unpacked_at_all(server: OddServer) -> None:
    """A bomb within a bomb: unpacking even the first piece of it took 191 MB."""
    client = client_of(server, timeout=10)
    bomb = gzip.compress(gzip.compress(bytes(64 << 20), 9), 9)
    for encoding in ("gzip, gzip", "deflate, gzip", "gzip,deflate", "br", "zstd"):
        server.answer = reply(bomb, Content_Encoding=encoding)
        tracemalloc.start()
        assert refused(client.follow_users).unsure, encoding
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
        tracemalloc.stop()
    for packed in (zlib.compress(b'{"errcode":0,"follow_user":[]}'), raw_deflate(b'{"errcode":0,"follow_user":[]}')):
        server.answer = reply(packed, Content_Encoding="deflate")
        assert client.follow_users() == []


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(body) + packer.flush()


def test_large_packed_and_chunked_answers_come_through(server: OddServer) -> None:
    client = client_of(server, timeout=10)
    names = [f"user{n}" for n in range(200_000)]
    body = json.dumps({"errcode": 0, "follow_user": names}).encode()
    pieces = b"".join(
        b"%x\r\n%b\r\n" % (len(body[at : at + 9999]), body[at : at + 9999]) for at in range(0, len(body), 9999)
    )
    for answer in (reply(body), reply(gzip.compress(body), Content_Encoding="gzip"), HEAD + pieces + b"0\r\n\r\n"):
        server.answer = answer
        assert client.follow_users() == names


def test_text_that_no_database_takes_is_cleaned(server: OddServer) -> None:
    server.answer = reply(
        b'{"errcode":0,"follow_user":[],"external_contact":{"external_userid":"wm1","name":"a\\u0000b\\ud800c\\ud83d\\ude00",'
        b'"x\\u0001":["\x02d\\u007f"],"n":NaN}}'
    )
    contact = client_of(server).customer("wm1")["external_contact"]
    assert contact == {"external_userid": "wm1", "name": "abc😀", "x": ["d"], "n": None}


@pytest.mark.parametrize(
    "said",
    [
        {}, {"access_token": ""}, {"access_token": None}, {"access_token": 5}, {"access_token": "x" * 5000},
        {"access_token": "令牌"}, {"access_token": "x", "expires_in": 0}, {"access_token": "x", "expires_in": -5},
        {"access_token": "x", "expires_in": "soon"}, {"access_token": "x", "expires_in": None},
        {"access_token": "x", "expires_in": []}, [], None, "token",
    ],
)  # fmt: skip
def test_no_token_is_no_call_and_not_a_flood_of_questions(redis: Redis, said: Any) -> None:
    with odd_server() as server:
        server.token = reply(json.dumps(said).encode())
        client = client_of(server, redis)
        for _ in range(5):
            error = refused(lambda: client.send_text("a", "b"))
            assert (error.errcode, error.unsure) == (None, False), "the message has certainly not been sent"
        assert [line for line in server.asked if "gettoken" not in line] == []
        assert len(server.asked) == 1


@pytest.mark.parametrize("lifetime", [1e300, 10**12, "7200", 7200.0])
def test_a_token_lives_two_hours_at_most(redis: Redis, lifetime: Any) -> None:
    with odd_server() as server:
        server.token = reply(json.dumps({"access_token": "t", "expires_in": lifetime}).encode())
        server.says({"follow_user": ["a"]})
        if lifetime == 1e300:
            assert refused(client_of(server, redis).follow_users).unsure is False
            return
        assert client_of(server, redis).follow_users() == ["a"]
        assert 0 < redis.pttl(redis.keys("tici:token:*")[0]) <= 7200_000


def test_an_answer_about_somebody_else_or_about_nobody_is_none(server: OddServer) -> None:
    client = client_of(server)
    said: Any
    for said in ({}, {"external_contact": {"external_userid": "wmOther"}, "follow_user": []}, {"follow_user": []}):
        server.says(said)
        assert refused(lambda: client.customer("wm1")).unsure
    for said in ({}, {"userid": "another", "name": "x"}):
        server.says(said)
        assert refused(lambda: client.member("lin")).unsure
    for said in (
        {},
        {"group_chat": {}},
        {"group_chat": {"chat_id": "wrOther", "member_list": []}},
        {"group_chat": []},
    ):
        server.says(said)
        assert refused(lambda: groups.group(client, "wr1")).unsure
    server.says({})
    for call in (
        client.corp_tags, client.follow_users, lambda: client.customers_of("lin"),
        lambda: client.send_text("lin", "x"),
        lambda: list(client.customers_with_follow(["lin"])), lambda: list(groups.group_ids(client, ["lin"])),
        lambda: directory.people(client, 1), lambda: directory.departments(client), lambda: audit.seats(client),
        lambda: list(audit.agreements(client, [("lin", "wm1")])), lambda: audit.room_agreements(client, "wr1"),
        lambda: audit.internal_group(client, "wr1"), lambda: client.upload("image", "a.png", b"x" * 9),
        Tickets(client).corp_ticket, Tickets(client).app_ticket,
    ):  # fmt: skip
        refused(call)


def test_a_word_on_consent_that_we_do_not_know_changes_nothing(server: OddServer) -> None:
    rows = [{"userid": "lin", "exteranalopenid": f"wm{n}", "agree_status": s} for n, s in
            enumerate(["Agree", "", None, "Perhaps", ["Agree"], "Disagree"])]  # fmt: skip
    server.says({"agreeinfo": [*rows, None, "x", {}, {"agree_status": "Disagree"}]})
    found = list(audit.agreements(client_of(server), [("lin", "wm0")]))
    assert [(one.external_userid, one.agreed) for one in found] == [("wm0", True), ("wm5", False)]


def test_pages_without_an_end_come_to_one(server: OddServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.wecom.connection._MOST_PAGES", 5)
    turn = iter(range(1000))

    def write(asking: Any) -> None:
        asking.sendall(reply(json.dumps({"external_contact_list": [], "next_cursor": f"c{next(turn)}"}).encode()))

    server.answer = write
    assert "pages" in refused(lambda: list(client_of(server).customers_with_follow(["a"]))).errmsg


# -- any shape -------------------------------------------------------------------------------------------

WHO, WHOM, ROOM = "LinXiaoyu", "wmTEST0AAexternalcontact000000A1", "wrTEST0AAgroupchat0000000000000D"
DRAFT = groupsends.Draft(WHO, [WHOM], "x")
SINCE = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))
READERS: dict[str, Callable[[WeComClient], Any]] = {
    "externalcontact/get": lambda c: shown_tags(c.customer(WHOM), WHO),
    "externalcontact/get_corp_tag_list": lambda c: library_rows(c.corp_tags()),
    "externalcontact/add_corp_tag": lambda c: library_rows([c.add_corp_tags("g", ["n"])]),
    "externalcontact/list": lambda c: c.customers_of(WHO),
    "externalcontact/batch/get_by_user": lambda c: list(c.customers_with_follow([WHO])),
    "externalcontact/get_follow_user_list": lambda c: c.follow_users(),
    "externalcontact/groupchat/list": lambda c: list(groups.group_ids(c, [WHO])),
    "externalcontact/groupchat/get": lambda c: groups.group(c, ROOM),
    "externalcontact/get_groupmsg_list_v2": lambda c: groupsends.find_created(c, DRAFT, SINCE),
    "externalcontact/get_groupmsg_task": lambda c: groupsends.progress(c, "m", WHO),
    "externalcontact/get_groupmsg_send_result": lambda c: groupsends.progress(c, "m", WHO),
    "externalcontact/add_msg_template": lambda c: groupsends.create(c, DRAFT),
    "user/get": lambda c: directory.person(c, WHO),
    "user/list": lambda c: directory.people(c, 1),
    "user/simplelist": lambda c: c.members_of(1),
    "user/list_id": lambda c: list(c.member_ids()),
    "department/list": directory.departments,
    "auth/getuserinfo": lambda c: c.login("code"),
    "auth/getuserdetail": lambda c: c.login_detail("ticket"),
    "message/send": lambda c: c.send([WHO], {"msgtype": "text", "text": {"content": "x"}}),
    "media/upload": lambda c: c.upload("image", "a.png", b"123456"),
    "msgaudit/get_permit_user_list": audit.seats,
    "msgaudit/check_single_agree": lambda c: list(audit.agreements(c, [(WHO, WHOM)])),
    "msgaudit/check_room_agree": lambda c: audit.room_agreements(c, ROOM),
    "msgaudit/groupchat/get": lambda c: audit.internal_group(c, ROOM),
    "msgaudit/get_robot_info": lambda c: audit.robot_name(c, "wb1"),
    "get_jsapi_ticket": lambda c: Tickets(c).corp_ticket(),
}
WILD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(2**31, 2**90), st.floats(), st.text(max_size=6),
    st.sampled_from(["\x00", "\ud800", "0", "-1", "x" * 3000, {}, [], {"userid": []}, [[[]]], [None, 5, "a", {}]]),
)  # fmt: skip


@st.composite
def mutations(draw: st.DrawFn) -> Callable[[Any], Any]:
    """Something of an answer missing, of another type, doubled or added; some of it deep inside."""
    deep, choice, wild = draw(st.integers(0, 4)), draw(st.integers(0, 30)), draw(WILD)
    what = draw(st.sampled_from(["drop", "change", "add", "double"]))

    def mutate(value: Any, level: int = 0) -> Any:
        if isinstance(value, dict) and value:
            if level == deep:
                name = sorted(value)[choice % len(value)]
                rest = {key: one for key, one in value.items() if key != name}
                put = {
                    "drop": {},
                    "change": {name: wild},
                    "add": {name: value[name], "extra": wild},
                    "double": {name: [value[name]] * 2},
                }
                return rest | put[what]
            return {key: mutate(one, level + 1) for key, one in value.items()}
        if isinstance(value, list):
            return [*(mutate(one, level + 1) for one in value), *([wild] if level == deep else [])]
        return value

    return mutate


@pytest.fixture(scope="module")
def samples(recorded: Path) -> dict[str, Any]:
    """path -> what WeCom answered when it went well."""
    lines = (recorded / "http_samples.jsonl").read_text("utf-8").splitlines()
    found = ((one["path"].removeprefix("/cgi-bin/"), one["response"]) for one in map(json.loads, lines))
    return {path: body for path, body in found if isinstance(body, dict) and body.get("errcode", 0) == 0}


@pytest.mark.parametrize("path", READERS)
def test_any_shape_is_read_or_refused(server: OddServer, samples: dict[str, Any], path: str) -> None:
    sample = samples.get(path, {"errcode": 0, "userlist": [{"userid": WHO, "name": "林", "department": [1, 2]}]})
    client = client_of(server)
    assert client.access_token

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(mutations())
    def tried(mutate: Callable[[Any], Any]) -> None:
        server.says(mutate(sample))
        try:
            found = READERS[path](client)
        except WeComError:
            return
        assert "\\u0000" not in json.dumps(found, default=str)

    tried()


# -- media -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "chunk",
    [
        MediaChunk(b"", "bytes=5-9", False),  # nothing, and not the end
        MediaChunk(b"x", "", False),  # would begin anew, for ever
        MediaChunk(b"x", "here", False),  # the same place again
        MediaChunk(b"x", "y" * 5000, False),
    ],
)
def test_media_that_lead_nowhere_are_given_up(chunk: MediaChunk) -> None:
    asked: list[str] = []

    def media(sdkfileid: str, index: str) -> MediaChunk:
        asked.append(index)
        assert len(asked) < 5
        return chunk

    with pytest.raises(UnreadableMessageError, match="advance"):
        download(media, "f", io.BytesIO(), index="here")


def test_media_that_go_round_in_a_circle_end_at_the_largest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.wecom.media.LARGEST_FILE", 10_000)
    with pytest.raises(UnreadableMessageError, match="larger"):
        download(lambda _, index: MediaChunk(b"x" * 100, "b" if index == "a" else "a", False), "f", io.BytesIO())


FILE = "CgJhYhIEY0dGMxogMDAwMTAyMDMwNDA1MDYwNzA4MDkwYTBiMGMwZDBlMGY="  # fileid ab, authkey cGF3, key 00..0f


@pytest.mark.parametrize(
    ("content", "content_range"),
    [
        (5, ""), ("*", ""), ("AAA", ""), ("", ""), ("A" * 20, ""), (None, ""),  # no base64, no whole blocks
        ("A" * 64, "BYTES 16-47/96"), ("A" * 64, "BYTES 0-47/16"),  # another range; more than there is
        ("A" * 64, f"BYTES {'9' * 40}-1/1"),
    ],
)  # fmt: skip
def test_a_media_chunk_that_is_not_what_was_asked_for_is_asked_for_again(
    server: OddServer, content: Any, content_range: str
) -> None:
    headers = {"Content_Range": content_range} if content_range else {}
    server.answer = reply(json.dumps({"errcode": 0, "content": content}).encode(), **headers)
    index = f"bytes={CHUNK}-{2 * CHUNK - 1}" if "999" in content_range else ""
    assert refused(lambda: ask_media(client_of(server), FILE, index)).permanent is False
