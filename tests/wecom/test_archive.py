"""The archive: rows, keys, decryption and media, against a WeCom on loopback."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from hypothesis import given
from hypothesis import strategies as st

from bot.wecom.archive import SandboxArchive, SealedRow, gather, read_rows
from bot.wecom.errors import UnreadableMessageError, WeComError
from bot.wecom.keyring import KeyRing, MissingKeyError, WrongKeyError, new_key
from bot.wecom.media import CHUNK, MediaChunk, download
from bot.wecom.messages import read_message
from tests.wecom.conftest import Company

KEYS = {version: rsa.generate_private_key(65537, 2048) for version in (1, 2)}


def pem(key: Any, password: bytes | None = None) -> bytes:
    protection: Any = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    text: bytes = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection)
    return text


RING = KeyRing.from_pems({version: pem(key) for version, key in KEYS.items()})


def row(key: bytes, version: int = 1, sealed_by: int | None = None, seq: int = 1) -> SealedRow:
    public = KEYS[sealed_by or version].public_key()
    return SealedRow(seq, f"m{seq}", version, base64.b64encode(public.encrypt(key, PKCS1v15())).decode(), "x" * 40)


# -- keys ------------------------------------------------------------------------------------------------


def test_keys_are_chosen_by_version() -> None:
    assert RING.unwrap(row(b"k" * 88)) == "k" * 88
    assert RING.unwrap(row(b"j" * 88, 2)) == "j" * 88
    assert RING.versions == (1, 2)


def test_a_wrong_key_is_told_from_random_bytes() -> None:
    """OpenSSL answers a wrong key with random bytes; none of 40 may pass for a key."""
    for _ in range(40):
        with pytest.raises(WrongKeyError) as caught:
            RING.unwrap(row(b"k" * 88, version=1, sealed_by=2))
        assert caught.value.version == 1
    for junk in (b"\x00" * 88, "密钥".encode() * 20, b"a\nb" * 30, b"k", b"k" * 15):
        with pytest.raises(WrongKeyError):
            RING.unwrap(row(junk))


@pytest.mark.parametrize("field", ["", "not base64!", "AAAA", "A" * 344, "中文"])
def test_malformed_sealed_keys(field: str) -> None:
    with pytest.raises(WrongKeyError):
        RING.unwrap(SealedRow(1, "m", 1, field, "x"))


def test_a_missing_version_names_the_file_to_add() -> None:
    with pytest.raises(MissingKeyError, match=r"private_key_v7\.pem"):
        RING.unwrap(SealedRow(1, "m", 7, "AAAA", "x"))


def test_many_rows_keep_their_order_and_their_problems() -> None:
    rows = [row(b"k%015d" % seq, 1 + seq % 2, seq=seq) for seq in range(100)]
    rows[10] = SealedRow(10, "m", 9, "", "")
    for cores in (1, 2, None):
        opened = RING.unwrap_many(rows, cores)
        assert [key for at, key in enumerate(opened) if at != 10] == [
            f"k{seq:015}" for seq in range(100) if seq != 10
        ]
        assert isinstance(opened[10], MissingKeyError)
    assert RING.unwrap_many([]) == []


def test_a_process_that_died_is_replaced_and_no_row_is_lost() -> None:
    ring = KeyRing(dict(KEYS))
    rows = [row(b"k%015d" % seq, 1 + seq % 2, seq=seq) for seq in range(200)]
    expected = [f"k{seq:015}" for seq in range(200)]
    assert ring.unwrap_many(rows, 2) == expected
    processes = ring._rsa.of(ring.keys, 2)
    assert processes is not None
    first = processes.pids
    for pid in first:
        os.kill(pid, signal.SIGKILL)
    assert ring.unwrap_many(rows, 2) == expected
    assert set(processes.pids).isdisjoint(first)
    processes.end()


def test_where_no_process_can_be_started_threads_do_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    ring = KeyRing(dict(KEYS))
    rows = [row(b"k%015d" % seq, 1 + seq % 2, seq=seq) for seq in range(100)]
    assert ring.unwrap_many(rows, 2) == [f"k{seq:015}" for seq in range(100)]
    assert ring._rsa.of(ring.keys, 2) is None


def test_keys_are_loaded_from_a_folder(tmp_path: Path) -> None:
    for version, key in KEYS.items():
        (tmp_path / f"private_key_v{version}.pem").write_bytes(pem(key))
    (tmp_path / "notes.txt").write_text("x")
    assert KeyRing.load(tmp_path).versions == (1, 2)
    assert KeyRing.load(tmp_path / "absent").versions == ()
    (tmp_path / "private_key_v3.pem").write_text("junk")
    (tmp_path / "private_key_v4.pem").write_bytes(pem(KEYS[1], b"secret"))
    (tmp_path / "private_key_v5.pem").write_bytes(pem(ec.generate_private_key(ec.SECP256R1())))
    with pytest.raises(ValueError, match=r"v3\.pem[\s\S]*v4\.pem[\s\S]*v5\.pem"):
        KeyRing.load(tmp_path)


def test_a_key_added_or_replaced_later_is_found(tmp_path: Path) -> None:
    loaded, sealed = KeyRing.load(tmp_path), row(b"k" * 88)
    with pytest.raises(MissingKeyError):
        loaded.unwrap(sealed)
    file = tmp_path / "private_key_v1.pem"
    file.write_text("half-written")
    with pytest.raises(MissingKeyError):
        loaded.unwrap(sealed)
    file.write_bytes(pem(KEYS[2]))
    os.utime(file, ns=(1, 1))
    with pytest.raises(WrongKeyError):
        loaded.unwrap(sealed)
    file.write_bytes(pem(KEYS[1]))
    os.utime(file, ns=(2, 2))
    assert loaded.unwrap(sealed) == "k" * 88


def test_a_new_key_is_the_next_version_and_private(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    assert new_key(folder)[0] == 1
    version, public = new_key(folder)
    assert (version, KeyRing.load(folder).versions) == (2, (1, 2))
    assert (folder / "private_key_v2.pem").stat().st_mode & 0o777 == 0o600
    theirs = serialization.load_pem_public_key(public.encode())
    assert isinstance(theirs, rsa.RSAPublicKey)
    field = base64.b64encode(theirs.encrypt(b"random" * 9, PKCS1v15())).decode()
    assert KeyRing.load(folder).unwrap(SealedRow(1, "m", 2, field, "")) == "random" * 9


# -- rows ------------------------------------------------------------------------------------------------


def test_recorded_answers(recorded: Path) -> None:
    answers = json.loads((recorded / "getchatdata.json").read_text())
    rows = read_rows(answers["ok"], 195)
    assert [(r.seq, r.publickey_ver) for r in rows] == [(196, 3), (197, 3), (198, 3)]
    assert rows[0].msgid == "ae23b94ccaf714337e4_1767578460_external"
    assert [r.seq for r in read_rows(answers["ok"], 197)] == [198]
    assert read_rows(answers["nothing_new"], 0) == []
    expected = {"ip_refused": "pause", "not_enabled": "pause", "token_expired": "refresh"}
    for name, trait in expected.items():
        with pytest.raises(WeComError) as caught:
            read_rows(answers[name], 0)
        assert getattr(caught.value, trait)


@pytest.mark.parametrize(
    "answer", [None, [], "x", 5, {"chatdata": {"a": 1}}, {"chatdata": [{}]}, {"chatdata": [{"seq": True}]}]
)
def test_unreadable_answers(answer: object) -> None:
    with pytest.raises(WeComError):
        read_rows(answer, 0)


def test_a_row_without_its_key_is_kept() -> None:
    rows = read_rows({"chatdata": [{"seq": "7", "msgid": 5, "publickey_ver": "2"}, {"seq": 3}, None][:2]}, 0)
    assert [(r.seq, r.publickey_ver, r.encrypt_random_key) for r in rows] == [(3, 0, ""), (7, 2, "")]


_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda v: st.one_of(st.lists(v), st.dictionaries(st.sampled_from(["seq", "msgid", "publickey_ver"]), v)),
    max_leaves=6,
)


@given(st.fixed_dictionaries({}, optional={"errcode": _JSON, "chatdata": _JSON}))
def test_fuzzed_answers(answer: dict[str, Any]) -> None:
    try:
        rows = read_rows(answer, 0)
    except WeComError:
        return
    assert [r.seq for r in rows] == sorted(r.seq for r in rows)


def test_what_is_too_large_is_halved_and_still_whole() -> None:
    asked: list[int] = []

    def ask(seq: int, size: int) -> list[SealedRow]:
        asked.append(size)
        if size > 100:
            raise WeComError(301058, "too large")
        return [SealedRow(n, "m", 1, "", "") for n in range(seq + 1, min(seq + size, 950) + 1)]

    assert [r.seq for r in gather(0, 1000, ask)] == list(range(1, 951))
    assert asked[:4] == [1000, 500, 250, 125]
    assert max(asked[4:]) == 62
    assert [r.seq for r in gather(0, 70, ask)] == list(range(1, 71))


def test_one_row_that_is_too_large_is_an_error() -> None:
    def ask(seq: int, size: int) -> list[SealedRow]:
        raise WeComError(301058, "too large")

    with pytest.raises(WeComError):
        gather(0, 1000, ask)


# -- the sandbox's archive -------------------------------------------------------------------------------


def archive(company: Company) -> SandboxArchive:
    return SandboxArchive(company.archive_client())


def ring(company: Company) -> KeyRing:
    return KeyRing.load(Path(company.environment["WECOM_PRIVATE_KEYS"]))


def test_messages_come_out_as_they_went_in(company: Company) -> None:
    agent = company.client().follow_users()[0]
    customer = company.control.add_customer(agent, "王海棠")["external_userid"]
    start = max((r.seq for r in archive(company).pull(0)), default=0)
    texts = ["你们的课多少钱?", "三档", "「引号」\n----"]
    for text in texts:
        company.control.say(customer, agent, text)
    rows, keys = archive(company).pull(start), ring(company)
    messages = [read_message(archive(company).decrypt(keys.unwrap(r), r.encrypt_chat_msg)) for r in rows]
    assert [m.text for m in messages] == texts
    assert {(m.sender, m.sender_party, m.recipients) for m in messages} == {(customer, "customer", (agent,))}
    assert all(m.external for m in messages)
    assert archive(company).pull(rows[-1].seq) == []
    assert [r.seq for r in archive(company).pull(start, 1)] == [rows[0].seq]


def test_a_rotated_key_is_missing_until_it_is_added(company: Company) -> None:
    agent = company.client().follow_users()[0]
    customer = company.control.add_customer(agent, "王海棠")["external_userid"]
    version = company.control.rotate_key(withheld=True)
    company.control.say(customer, agent, "换钥匙之后")
    last = archive(company).pull(0)[-1]
    with pytest.raises(MissingKeyError):
        ring(company).unwrap(last)
    assert company.control.publish_keys() == [version]
    opened = archive(company).decrypt(ring(company).unwrap(last), last.encrypt_chat_msg)
    assert read_message(opened).text == "换钥匙之后"


def test_archive_errors(company: Company) -> None:
    company.control.fault("message/getchatdata", errcode=301053)
    with pytest.raises(WeComError) as caught:
        archive(company).pull(0)
    assert (caught.value.errcode, caught.value.pause) == (301053, True)
    company.control.fault("message/getchatdata", errcode=301058)
    archive(company).pull(0, 100)
    assert [call["body"]["limit"] for call in company.calls("message/getchatdata")] == [1000, 100, 50]


@pytest.mark.parametrize("sealed", ["", "AAAA", "!" * 40, "A" * 64, "中" * 20])
def test_cipher_texts_that_are_none(company: Company, sealed: str) -> None:
    with pytest.raises(UnreadableMessageError):
        archive(company).decrypt("k" * 88, sealed)


# -- media -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 15, 16, 17, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_media_of_awkward_sizes(company: Company, size: int) -> None:
    content = hashlib.sha256(str(size).encode()).digest() * (size // 32 + 1)
    content = content[:size]
    agent = company.client().follow_users()[0]
    customer = company.control.add_customer(agent, "王海棠")["external_userid"]
    company.control.send(customer, agent, "file", content_base64=base64.b64encode(content).decode(), filename="a.pdf")
    last = archive(company).pull(0)[-1]
    ref = read_message(archive(company).decrypt(ring(company).unwrap(last), last.encrypt_chat_msg)).media[0]
    into = io.BytesIO()
    assert download(archive(company).media, ref.sdkfileid, into, ref.md5) == size
    assert into.getvalue() == content


def test_media_whose_md5_differs_is_refused() -> None:
    with pytest.raises(UnreadableMessageError, match="md5"):
        download(lambda _, __: MediaChunk(b"x", "", True), "f", io.BytesIO(), md5="0" * 32)
    with pytest.raises(UnreadableMessageError, match="advance"):
        download(lambda _, __: MediaChunk(b"x", "same", False), "f", io.BytesIO(), index="same")


def test_a_download_is_resumed() -> None:
    chunks = {"": MediaChunk(b"ab", "1", False), "1": MediaChunk(b"cd", "2", False), "2": MediaChunk(b"", "", True)}
    into = io.BytesIO(b"ab")
    into.seek(0, io.SEEK_END)
    assert download(lambda _, index: chunks[index], "f", into, index="1") == 2
    assert into.getvalue() == b"abcd"


@pytest.mark.parametrize("sdkfileid", ["", "AAAA", "!", "CgFh", base64.b64encode(b"\xff" * 30).decode()])
def test_malformed_sdkfileids(company: Company, sdkfileid: str) -> None:
    with pytest.raises(UnreadableMessageError):
        archive(company).media(sdkfileid)
