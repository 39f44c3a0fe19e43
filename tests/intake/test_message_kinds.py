"""Every recorded kind of message is stored, shown and judged, or deliberately not; no variant stops the stream."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from bot.platform.config.settings import parse_settings
from bot.platform.database.store import Store
from bot.platform.models import Customer, Evidence, GroupChat, MediaFile, Message
from bot.wecom.errors import UnreadableMessageError
from bot.wecom.messages import read_message
from tests.support.archived import CHEN, LIN, ROOM, WANG, ZHAO, Archived
from tests.support.site import Site, open_site

_NUMBERS = count(1)
INTERNAL = "wrTEST0AAinternalgroup000000000E"
TALK, GROUP, COLLEAGUES, NOBODY = "customer", "group", "colleagues", "nobody"
# msgtype -> where a person sees it, whether rules read its words. In the order of the recorded file; a kind that
# comes several times stands several times.
EXPECTED = [
    ("text", TALK, True), ("text", TALK, True), ("text", TALK, True), ("text", GROUP, True), ("text", GROUP, True),
    ("image", TALK, False), ("text", GROUP, True), ("revoke", GROUP, False), ("agree", TALK, False),
    ("disagree", TALK, False), ("voice", TALK, False), ("video", TALK, False), ("card", TALK, False),
    ("card", TALK, False), ("location", TALK, True), ("emotion", TALK, False), ("emotion", TALK, False),
    ("file", TALK, True), ("link", TALK, True), ("weapp", TALK, True), ("weapp", TALK, True),
    ("chatrecord", TALK, True),
    # Colleagues among themselves: kept, but no customer's page is the place for it.
    ("todo", COLLEAGUES, False), ("vote", GROUP, True), ("vote", GROUP, True), ("collect", GROUP, True),
    ("redpacket", GROUP, True), ("external_redpacket", GROUP, True), ("meeting", COLLEAGUES, False),
    ("meeting", COLLEAGUES, False), ("meeting_notification", COLLEAGUES, False), ("docmsg", COLLEAGUES, False),
    ("markdown", GROUP, False), ("news", GROUP, False), ("calendar", COLLEAGUES, False), ("mixed", GROUP, True),
    ("meeting_voice_call", TALK, False), ("voip_doc_share", TALK, True), ("sphfeed", TALK, True),
    ("voiptext", TALK, False), ("qydiskfile", COLLEAGUES, False), ("solitaire", GROUP, True),
    ("note", COLLEAGUES, False), ("switch", NOBODY, False), ("future_type_2027", TALK, False),
]  # fmt: skip


@dataclass(frozen=True)
class Recorded:
    """The recorded messages; kept out of what a failing example prints."""

    lines: list[bytes] = field(repr=False)


@pytest.fixture
def recorded(shared: Path) -> Recorded:
    return Recorded((shared / "wecom/fixtures/archive_messages.jsonl").read_bytes().splitlines())


@pytest.fixture
def site(database_url: str, tmp_path: Path) -> Any:
    with open_site(tmp_path, extra={"TICI_DATABASE_URL": database_url}) as site:
        yield site


def test_each_kind_is_stored_and_shown_where_it_belongs(site: Site, recorded: Recorded) -> None:
    assert len(recorded.lines) == len(EXPECTED)
    # What the customers say about consent is told by another test; here all is to be shown.
    archived = Archived(site.store, parse_settings('[privacy]\nunagreed = "store"\n', examples=False))
    for plain in recorded.lines:
        archived.arrive(plain)
    assert len(archived.rows(Message)) == len(recorded.lines)
    client = site.signed_in("admin")
    with site.store.read() as session:
        talks = {c.id: client.get(f"/c/{c.id}").text for c in session.scalars(select(Customer))}
        rooms = {g.chat_id: client.get(f"/groups/{g.id}").text for g in session.scalars(select(GroupChat))}
    assert set(rooms) == {ROOM, INTERNAL}
    for plain, (kind, where, _read) in zip(recorded.lines, EXPECTED, strict=True):
        source = read_message(plain)
        row = archived.message(source.msgid)
        assert (row.kind, json.loads(row.raw)) == (kind, json.loads(plain))
        text = re.sub(r"\s+", " ", (row.text or row.line)).strip()
        shown = {TALK: talks.get(row.customer_id or 0, ""), GROUP: rooms.get(row.roomid, "")}.get(where)
        assert (row.customer_id is not None, row.roomid != "") == (
            where == TALK or (where == GROUP and source.sender in (WANG, ZHAO)),
            where == GROUP,
        ), kind
        if shown is not None:
            assert flat(text) in flat(shown), kind
    assert "暂不支持的消息" in talks[archived.message(read_message(recorded.lines[-1]).msgid).customer_id or 0]


def last_word(text: str) -> str:
    """The end of a text, without cutting a number or a Latin word in two: a part of one is no word."""
    found = re.search(r"(?:[0-9A-Za-z]+|[^0-9A-Za-z]{1,4})$", text.strip())
    return found[0] if found else text.strip()


def test_the_rules_read_every_kind_that_has_words(store: Store, recorded: Recorded) -> None:
    words = sorted({last_word(source.parts[-1].text) for source in map(read_message, recorded.lines) if source.parts})
    scopes = '["typed", "quote", "forwarded", "link", "notice", "mixed", "file"]'
    rule = f'[[rules]]\nid = "all"\ntag = "读到"\nany = {json.dumps(words, ensure_ascii=False)}\nmatch = "text"\n'
    config = f'{rule}from = "both"\nscope = {scopes}\nnegated = "match"\n'
    archived = Archived(store, parse_settings(config, examples=False))
    heard: dict[str, set[bool]] = {}
    for plain, (kind, where, read) in zip(recorded.lines, EXPECTED, strict=True):
        message = json.loads(plain)
        # As if a customer had said it in a chat of two: which kinds have words does not depend on who uses them.
        if where != NOBODY and kind not in ("agree", "disagree", "revoke"):
            message |= {"from": WANG, "tolist": [LIN], "roomid": ""}
        archived.arrive(json.dumps(message).encode())
        hits = archived.rows(Evidence, Evidence.message_id == archived.message(message["msgid"]).id)
        heard.setdefault(kind, set()).add(bool(hits))
        if where in (TALK, GROUP) and kind not in ("markdown", "news"):
            assert bool(hits) == read, kind
    silent = {kind for kind, found in heard.items() if found == {False}}
    assert silent == {
        "image", "voice", "video", "emotion", "card", "voiptext", "meeting_voice_call",  # no words in them
        "agree", "disagree", "revoke", "switch",  # notices about the talk, not of it
        "future_type_2027",  # kept and shown, read by nobody
    }  # fmt: skip


def test_agree_and_disagree_answer_nothing(store: Store) -> None:
    archived = Archived(store)
    archived.say("多少钱")
    spoke = archived.rows(Customer)[0].last_word_at
    archived.send("agree", {"userid": WANG}, at=5)
    assert archived.rows(Customer)[0].last_word_at == spoke


def test_a_call_of_several_is_about_the_one_outsider(store: Store) -> None:
    archived = Archived(store)
    one = archived.send("meeting_voice_call", {"endtime": 1}, 0, tolist=[CHEN, WANG], **{"from": LIN})
    two = archived.send("meeting_voice_call", {"endtime": 1}, 0, tolist=[ZHAO, WANG], **{"from": LIN})
    assert archived.message(one).customer_id == archived.rows(Customer, Customer.external_userid == WANG)[0].id
    assert archived.message(two).customer_id is None


def test_files_are_noted_once_wherever_they_lie(store: Store, recorded: Recorded) -> None:
    archived = Archived(store)
    for plain in (*recorded.lines, *recorded.lines):
        archived.arrive(plain)
    files = archived.rows(MediaFile)
    by_kind = {file.kind: file for file in files}
    assert len(files) == len({(f.message_id, f.position) for f in files}) == 14
    assert by_kind["file"].name.endswith(".pdf") or by_kind["file"].name.endswith(".docx")
    assert {file.state for file in files} == {"noted"}
    assert archived.rows(MediaFile, MediaFile.kind == "voice")[0].seconds == 12


WILD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(2**63, 2**80), st.floats(), st.text(max_size=6),
    st.sampled_from(["\x00", "\ud800", "wm" + "x" * 100, "多少钱" * 50_000]),
    st.lists(st.text(max_size=3), max_size=3),
    st.just(json.loads("[" * 60 + "]" * 60)), st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
)  # fmt: skip


@st.composite
def mutations(draw: st.DrawFn) -> Callable[[Any], Any]:
    """What is done to a message: fields missing, added, of another type, huge; some deep inside."""
    deep, choice, wild = draw(st.integers(0, 2)), draw(st.integers(0, 30)), draw(WILD)
    what = draw(st.sampled_from(["drop", "change", "add"]))

    def mutate(value: Any, level: int = 0) -> Any:
        if isinstance(value, dict) and value:
            if level == deep:
                name = sorted(value)[choice % len(value)]
                rest = {key: item for key, item in value.items() if key != name}
                added = {"drop": {}, "change": {name: wild}, "add": {name: value[name], "extra": wild}}[what]
                return rest | added
            return {key: mutate(item, level + 1) for key, item in value.items()}
        return [mutate(item, level + 1) for item in value] if isinstance(value, list) else value

    return mutate


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), numbers=st.lists(st.integers(0, 44), min_size=1, max_size=5))
def test_no_variant_stops_the_stream(
    data: st.DataObject, numbers: list[int], store: Store, recorded: Recorded
) -> None:
    archived, plains = Archived(store, _STORING), {}
    for number in numbers:
        original = json.loads(recorded.lines[number]) | {"msgid": f"fuzzed{next(_NUMBERS)}_external"}
        plain = json.dumps(data.draw(mutations())(original)).encode()
        try:
            plains[read_message(plain).msgid] = plain
        except UnreadableMessageError:  # that no message can be made of it is another test's
            continue
    archived.arrive(*plains.values())
    for msgid, plain in plains.items():
        if msgid.startswith("fuzzed"):  # else it may be one of another example
            assert archived.message(msgid).raw == plain.decode("utf-8", "replace").replace("\x00", "")


_STORING = parse_settings('[privacy]\nunagreed = "store"\n', examples=False)


def flat(text: str) -> str:
    """Without what HTML adds, for comparing words."""
    text = re.sub(r"<(mark|/mark)[^>]*>", "", text)
    for entity, char in (
        ("&#34;", '"'),
        ("&quot;", '"'),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ):
        text = text.replace(entity, char)
    return re.sub(r"\s+", "", text)
