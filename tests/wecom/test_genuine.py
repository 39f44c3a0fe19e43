"""Tencent's own library, where a package that carries it is installed, against a WeCom on loopback behind TLS."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bot.wecom.archive import SandboxArchive, SealedRow
from bot.wecom.errors import UnreadableMessageError, WeComError
from bot.wecom.keyring import KeyRing
from bot.wecom.media import CHUNK, download
from bot.wecom.messages import read_message
from bot.wecom.native import ArchiveAccess, NativeArchive
from tests.wecom.conftest import Company
from tests.wecom.tls_proxy import proxy_to


def _genuine() -> Path | None:
    found = find_spec("pywecomarchive")
    if found is None or found.origin is None:
        return None
    library = Path(found.origin).parent / "lib/linux/x86_64/libWeWorkFinanceSdk_C.so"
    return library if library.is_file() else None


LIBRARY = _genuine()
pytestmark = pytest.mark.skipif(LIBRARY is None, reason="no package with the genuine library (pywecomarchive)")


@pytest.fixture
def archive(company: Company, tmp_path: Path) -> Iterator[NativeArchive]:
    port = urlsplit(company.environment["WECOM_API_URL"]).port
    assert port is not None
    assert LIBRARY is not None
    env = company.environment
    with proxy_to(port, tmp_path) as (url, _):
        access = ArchiveAccess(env["WECOM_CORP_ID"], env["WECOM_ARCHIVE_SECRET"], proxy=url, timeout=5)
        archive = NativeArchive(LIBRARY, access)
        yield archive
        archive.close()


def people(company: Company) -> tuple[str, str]:
    agent = company.client().follow_users()[0]
    return agent, str(company.control.add_customer(agent, "王海棠")["external_userid"])


ROWS = 10_000


def test_ten_thousand_rows_come_through_the_genuine_library(company: Company, archive: NativeArchive) -> None:
    agent, customer = people(company)
    said = [{"from": customer, "to": agent, "text": f"第{n}句"} for n in range(ROWS)]
    for start in range(0, ROWS, 2500):
        company.control.archive(said[start : start + 2500])
    pulled: list[SealedRow] = []
    while rows := archive.pull(pulled[-1].seq if pulled else 0):
        assert len(rows) <= 1000
        pulled += rows
        if len(pulled) == 5000:
            company.control.kill_tokens("archive")
    assert len(pulled) >= ROWS
    plain = SandboxArchive(company.archive_client())
    # Compared by threes: at the seams of a thousand, and where the token died.
    for at in (0, 999, 1000, 4999, 5000, len(pulled) - 3):
        assert plain.pull(pulled[at].seq - 1, 3) == pulled[at : at + 3]
    assert [row.seq for row in pulled] == list(range(pulled[0].seq, pulled[0].seq + len(pulled)))
    assert len({row.msgid for row in pulled}) == len(pulled)
    # What our WeCom sealed it cannot open, and says so row by row.
    refused = archive.decrypt_many([("k" * 88, row.encrypt_chat_msg) for row in pulled[:600]])
    assert all(isinstance(one, UnreadableMessageError) and "10008" in one.reason for one in refused)
    assert len(refused) == 600


def test_a_token_that_dies_in_mid_stream(company: Company, archive: NativeArchive) -> None:
    agent, customer = people(company)
    company.control.archive({"from": customer, "to": agent, "text": "x"} for _ in range(20))
    first = archive.pull(0, 10)
    company.control.kill_tokens("archive")
    assert archive.pull(first[-1].seq, 10)[0].seq > first[-1].seq


def test_a_wrong_secret_is_a_network_error_to_the_library(company: Company, tmp_path: Path) -> None:
    assert LIBRARY is not None
    port = urlsplit(company.environment["WECOM_API_URL"]).port or 0
    with proxy_to(port, tmp_path) as (url, _):
        archive = NativeArchive(
            LIBRARY, ArchiveAccess(company.environment["WECOM_CORP_ID"], "wrong", proxy=url, timeout=5)
        )
        with pytest.raises(WeComError) as caught:
            archive.pull(0)
        archive.close()
    assert (caught.value.errcode, caught.value.retry_after) == (10001, 30)


def test_too_large_answers_are_halved(company: Company, archive: NativeArchive) -> None:
    agent, customer = people(company)
    company.control.archive({"from": customer, "to": agent, "text": "x"} for _ in range(90))
    company.control.switches(response_too_large=30)
    assert len(archive.pull(0, 90)) == 90


@pytest.mark.parametrize("size", [0, 1, 16, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_media_of_awkward_sizes(company: Company, archive: NativeArchive, size: int) -> None:
    content = (hashlib.sha256(str(size).encode()).digest() * (size // 32 + 1))[:size]
    agent, customer = people(company)
    company.control.send(customer, agent, "file", content_base64=base64.b64encode(content).decode(), filename="a")
    last = archive.pull(0)[-1]
    keys = KeyRing.load(Path(company.environment["WECOM_PRIVATE_KEYS"]))
    # Its cipher is not public: what our WeCom sealed, our own adapter opens.
    plain = SandboxArchive(company.archive_client()).decrypt(keys.unwrap(last), last.encrypt_chat_msg)
    ref = read_message(plain).media[0]
    into = io.BytesIO()
    assert download(archive.media, ref.sdkfileid, into, ref.md5) == size
    assert into.getvalue() == content
    resumed(archive, ref.sdkfileid, content)


def resumed(archive: NativeArchive, sdkfileid: str, content: bytes) -> None:
    """Chunk by chunk, with the library killed before each but the first."""
    got, index, finished = b"", "", False
    while not finished:
        if got:
            os.kill(archive._running().pid, signal.SIGKILL)
            with suppress(WeComError):  # the kill may be noticed by this call only
                archive.media(sdkfileid, index)
        chunk = archive.media(sdkfileid, index)
        assert len(chunk.data) <= CHUNK
        got, index, finished = got + chunk.data, chunk.next_index, chunk.finished
    assert got == content


def test_refusals_and_an_abort(archive: NativeArchive) -> None:
    for key in ("k" * 88, "", "A" * 344):
        with pytest.raises(UnreadableMessageError, match="10008"):
            archive.decrypt(key, "A" * 40)
    with pytest.raises(UnreadableMessageError, match="too short"):
        archive.decrypt("k" * 88, "A" * 12)
    first = archive._running()
    with pytest.raises(Exception, match="process is gone"):
        archive._call(10.0, "decrypt", rows=[("k" * 88, "A" * 12)])
    assert first._process.poll() is not None
    with pytest.raises(UnreadableMessageError, match="10008"):
        archive.decrypt("k" * 88, "A" * 40)
