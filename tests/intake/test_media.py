"""Files of conversations: fetched on demand, resumed after a kill, kept once, sealed, handed over safely."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import signal
from dataclasses import replace
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import select
from werkzeug import Request, Response

from bot.intake.media.files import WAIT_SECONDS, files_of, forget_media, keep_media, request_media
from bot.intake.media.storage import FolderStorage, MissingFileError, S3Storage, open_storage
from bot.intake.media.store import DownloadBusyError, FileRequest, MediaStore, open_media_store, sniff
from bot.intake.pull import pull
from bot.platform import clock
from bot.platform.encryption import DataKeyError, DataKeys, new_line
from bot.platform.models import MediaFile, Message, Outbox
from bot.platform.work import Work
from bot.system import System
from bot.wecom.errors import UnreadableMessageError, WeComError
from bot.wecom.media import CHUNK, MediaChunk
from bot.worker.handlers import deliver
from tests.support.parts import AGENT, CONFIG, Town

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
SIZES = [0, 1, 15, 16, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 7]
MOST = 100 * 1024 * 1024


@pytest.fixture
def keys(tmp_path: Path) -> DataKeys:
    return DataKeys(f"{new_line()}\nhash {base64.urlsafe_b64encode(bytes(32)).decode()}")


@pytest.fixture
def shelf(tmp_path: Path, keys: DataKeys) -> MediaStore:
    return MediaStore(FolderStorage(tmp_path / "media"), tmp_path / "media/parts", keys)


class Lent:
    """A file as GetMediaData gives it: by chunks, each naming the next; counts how often it is asked."""

    def __init__(self, content: bytes, chunk: int = CHUNK) -> None:
        self.content, self.chunk, self.asked = content, chunk, 0

    def __call__(self, sdkfileid: str, index: str) -> MediaChunk:
        self.asked += 1
        start = int(index or 0)
        end = start + self.chunk
        return MediaChunk(self.content[start:end], str(end), end >= len(self.content))


def contents(size: int) -> bytes:
    return hashlib.shake_128(str(size).encode()).digest(size) if size else b""


@pytest.mark.parametrize("size", SIZES)
def test_every_size_comes_back_as_it_was(shelf: MediaStore, tmp_path: Path, size: int) -> None:
    plain = contents(size)
    fetched = shelf.fetch(Lent(plain), FileRequest("id", "a", hashlib.md5(plain).hexdigest().upper(), MOST))
    assert (fetched.done, fetched.size) == (True, size)
    assert b"".join(shelf.read(fetched.content)) == plain
    lying = (tmp_path / "media" / fetched.content[:2] / fetched.content[2:4] / fetched.content).read_bytes()
    assert size < 15 or plain not in lying
    assert list((tmp_path / "media/parts").iterdir()) == []


def test_the_same_content_is_kept_once(shelf: MediaStore) -> None:
    one = shelf.fetch(Lent(PIXEL), FileRequest("id", "a", "", MOST))
    two = shelf.fetch(Lent(PIXEL, chunk=7), FileRequest("another", "b", "", MOST))
    assert one.content == two.content
    assert list(shelf.contents()) == [one.content]
    assert (one.sniffed, sniff(b"<html><script>"), sniff("文字".encode()), sniff(b"")) == (
        "image/png", "text/html", "", ""
    )  # fmt: skip
    shelf.remove(one.content)
    shelf.remove(one.content)
    with pytest.raises(MissingFileError):
        shelf.read(one.content)


def test_what_took_too_long_goes_on_next_time(shelf: MediaStore) -> None:
    lent, rounds = Lent(contents(3500), chunk=1000), 0
    while not (fetched := shelf.fetch(lent, FileRequest("id", "a", "", MOST), seconds=-1.0)).done:
        rounds += 1
        assert fetched.size == rounds * 1000
    assert (rounds, lent.asked) == (3, 4)
    assert b"".join(shelf.read(fetched.content)) == lent.content


def _die_at(folder: Path, text: str, chunks: int) -> None:
    keys = DataKeys(text)
    store = MediaStore(FolderStorage(folder), folder / "parts", keys)
    lent = Lent(contents(5000), chunk=1000)

    def ask(sdkfileid: str, index: str) -> MediaChunk:
        if lent.asked == chunks:
            os.kill(os.getpid(), signal.SIGKILL)
        return lent(sdkfileid, index)

    store.fetch(ask, FileRequest("id", "a", "", MOST))


@pytest.mark.parametrize("torn", [False, True], ids=["between chunks", "within a write"])
def test_a_killed_download_goes_on(shelf: MediaStore, tmp_path: Path, keys: DataKeys, torn: bool) -> None:
    child = get_context("fork").Process(target=_die_at, args=(tmp_path / "media", keys.text, 3))
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    part = tmp_path / "media/parts/a.part"
    if torn:  # the fourth chunk had been written in part, and was not noted
        with part.open("ab") as file:
            file.write(b"\0\0\1\0half a frame")
    lent = Lent(contents(5000), chunk=1000)
    fetched = shelf.fetch(lent, FileRequest("id", "a", hashlib.md5(lent.content).hexdigest(), MOST))
    assert (fetched.done, lent.asked) == (True, 2)
    assert b"".join(shelf.read(fetched.content)) == lent.content


def test_what_is_refused(shelf: MediaStore) -> None:
    with pytest.raises(UnreadableMessageError, match="文件大于"):
        shelf.fetch(Lent(contents(5000), chunk=1000), FileRequest("id", "a", "", 4000))
    with pytest.raises(UnreadableMessageError, match="does not advance"):
        shelf.fetch(lambda *_: MediaChunk(b"x", "", False), FileRequest("id", "b", "", MOST))
    with pytest.raises(WeComError, match="md5") as error:
        shelf.fetch(Lent(PIXEL), FileRequest("id", "c", "0" * 32, MOST))
    assert (error.value.tries, error.value.permanent) == (3, False)
    assert list(shelf.contents()) == []


def test_one_process_fetches_a_file_at_a_time(shelf: MediaStore) -> None:
    def ask(sdkfileid: str, index: str) -> MediaChunk:
        with pytest.raises(DownloadBusyError):
            shelf.fetch(Lent(PIXEL), FileRequest("id", "a", "", MOST))
        return MediaChunk(PIXEL, "", True)

    assert shelf.fetch(ask, FileRequest("id", "a", "", MOST)).done


def test_a_content_that_was_touched_or_cut_is_not_handed_over(shelf: MediaStore, tmp_path: Path) -> None:
    fetched = shelf.fetch(Lent(contents(3000), chunk=1000), FileRequest("id", "a", "", MOST))
    path = tmp_path / "media" / fetched.content[:2] / fetched.content[2:4] / fetched.content
    whole = path.read_bytes()
    frame = len(whole) // 3
    for bad in (whole[:-1] + bytes([whole[-1] ^ 1]), whole[: 2 * frame], whole[frame : 2 * frame] + whole):
        path.write_bytes(bad)
        with pytest.raises(DataKeyError):
            list(shelf.read(fetched.content))


def test_resealing_takes_the_new_key(tmp_path: Path) -> None:
    file = tmp_path / "data.keys"
    file.write_text(f"{new_line()}\nhash {base64.urlsafe_b64encode(bytes(32)).decode()}\n")
    keys = DataKeys(file.read_text(), file)
    store = MediaStore(FolderStorage(tmp_path / "media"), tmp_path / "media/parts", keys)
    fetched = store.fetch(Lent(contents(3000), chunk=1000), FileRequest("id", "a", "", MOST))
    old = file.read_text().splitlines()[0]
    keys.add_key()
    assert store.is_stale(fetched.content)
    store.reseal(fetched.content)
    assert not store.is_stale(fetched.content)
    rest = DataKeys(file.read_text().replace(old + "\n", ""))
    later = MediaStore(FolderStorage(tmp_path / "media"), tmp_path / "media/parts", rest)
    assert b"".join(later.read(fetched.content)) == contents(3000)


class Bucket:
    """The few verbs of S3 that a bucket place speaks, in memory, to those who sign."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def __call__(self, request: Request) -> Response:
        if "Credential=KEYID/" not in request.headers.get("Authorization", ""):
            return Response("<Error><Code>AccessDenied</Code></Error>", 403, content_type="application/xml")
        name = request.path.removeprefix("/bucket").lstrip("/")
        if request.method == "PUT":
            self.objects[name] = request.get_data()
            return Response("", headers={"ETag": '"1"'})
        if request.method == "DELETE":
            self.objects.pop(name, None)
            return Response(status=204)
        if not name:
            listed = "".join(f"<Contents><Key>{key}</Key><Size>1</Size></Contents>" for key in sorted(self.objects))
            answer = f"<Name>bucket</Name><IsTruncated>false</IsTruncated>{listed}"
            return Response(f"<ListBucketResult>{answer}</ListBucketResult>", content_type="application/xml")
        if name not in self.objects:
            return Response("<Error><Code>NoSuchKey</Code></Error>", 404, content_type="application/xml")
        headers = {"ETag": '"1"', "Last-Modified": "Mon, 05 Jan 2026 02:00:00 GMT"}
        return Response(self.objects[name], headers=headers)


def test_a_bucket_holds_sealed_contents(httpserver: HTTPServer, tmp_path: Path, keys: DataKeys) -> None:
    bucket = Bucket()
    httpserver.expect_request(re.compile("/bucket.*")).respond_with_handler(bucket)
    place = open_storage(f"s3+http://KEYID:SECRET@127.0.0.1:{httpserver.port}/bucket/tici", tmp_path)
    assert isinstance(place, S3Storage)
    store = MediaStore(place, tmp_path / "parts", keys)
    plain = contents(CHUNK + 5)
    fetched = store.fetch(Lent(plain), FileRequest("id", "a", "", MOST))
    assert list(bucket.objects) == [f"tici/{fetched.content}"]
    assert plain[:64] not in bucket.objects[f"tici/{fetched.content}"]
    assert b"".join(store.read(fetched.content)) == plain
    assert store.has(fetched.content)
    assert list(store.contents()) == [fetched.content]
    store.remove(fetched.content)
    assert not store.has(fetched.content)
    with pytest.raises(MissingFileError):
        store.read(fetched.content)


# -- with WeCom and the database ---------------------------------------------------------------------------


@pytest.fixture
def talk(system: System, sandbox: Town) -> Any:
    who = sandbox.control.add_customer(AGENT, "李女士", welcome=False)["external_userid"]

    def send(kind: str, content: bytes, **more: Any) -> int:
        body = {"content_base64": base64.b64encode(content).decode(), **more}
        msgid = sandbox.control.send(who, AGENT, kind, **body)["msgid"]
        pull(system)
        with system.store.read() as session:
            return session.scalars(select(Message.id).where(Message.msgid == msgid)).one()

    return send


def work(system: System) -> list[str | None]:
    """Deliver downloads until none waits."""
    done: list[str | None] = []
    for _ in range(20):
        with system.store.read() as session:
            waiting = select(Outbox.id).where(Outbox.kind == "media", Outbox.state == "waiting")
            ids = session.scalars(waiting.where(Outbox.not_before <= clock.now())).all()
        if not ids:
            return done
        done += [deliver(system, row_id) for row_id in ids]
    raise AssertionError("there is always more to fetch")


def ask(system: System, message_id: int) -> None:
    with system.work() as work:
        request_media(work, message_id)


def files(system: System, message_id: int) -> list[MediaFile]:
    with system.store.read() as session:
        return files_of(session, [message_id])[message_id]


def test_a_file_is_fetched_when_somebody_asks(system: System, talk: Any) -> None:
    plain = contents(CHUNK + 99)
    message_id = talk("file", plain, filename="资料.txt")
    assert [f.state for f in files(system, message_id)] == ["noted"]
    assert work(system) == []
    ask(system, message_id)
    ask(system, message_id)  # twice is once
    assert work(system) == ["sent"]
    (file,) = files(system, message_id)
    assert (file.state, file.size, file.name, file.why) == ("kept", len(plain), "资料.txt", "")
    assert b"".join(open_media_store(system).read(str(file.content_hash))) == plain
    ask(system, message_id)
    assert work(system) == []


def test_a_large_one_takes_several_outbox_rows(system: System, talk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = contents(3 * CHUNK + 1)
    message_id = talk("file", plain, filename="a.bin")
    ask(system, message_id)
    monkeypatch.setattr(MediaStore.fetch, "__defaults__", (-1.0,))  # every chunk takes too long
    assert work(system) == ["sent"] * 4
    (file,) = files(system, message_id)
    assert (file.state, file.size, file.attempts) == ("kept", len(plain), 4)


def test_same_file_and_same_content_are_stored_once(system: System, talk: Any) -> None:
    first, second = talk("image", PIXEL), talk("image", PIXEL)
    for message_id in (first, second):
        ask(system, message_id)
    work(system)
    one, two = files(system, first)[0], files(system, second)[0]
    assert (one.content_hash, one.sniffed) == (two.content_hash, "image/png")
    assert len(list(open_media_store(system).contents())) == 1
    with system.store.write() as session:
        assert forget_media(session, [first]) == []  # the other message still speaks of it
        assert forget_media(session, [second]) == [one.content_hash]


def test_what_is_too_large_or_gone_says_so(system: System, sandbox: Town, talk: Any, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(CONFIG + "\n[media]\nmax_mb = 1\n", encoding="utf-8")
    system.__dict__.pop("keeper", None)
    large, small = talk("file", contents(1024 * 1024 + 1), filename="a"), talk("file", b"abc", filename="b")
    ask(system, large)
    work(system)
    assert [(f.state, f.fetched) for f in files(system, large)] == [("refused", 0)]
    sandbox.control.fault("message/getchatmediadata", errcode=301048)
    ask(system, small)
    assert work(system) == ["failed"]
    assert [(f.state, "保存期" in f.why) for f in files(system, small)] == [("lost", True)]


def test_files_wait_for_room_on_the_disk_and_come_by_themselves(system: System, talk: Any) -> None:
    picture = talk("image", PIXEL)
    ask(system, picture)
    whole = system.environment
    system.environment = replace(whole, least_free_megabytes=10**9)
    for _ in range(8):
        assert work(system) == ["waiting"]
        clock.move_forward(timedelta(seconds=WAIT_SECONDS + 1))
    assert [(f.state, f.attempts) for f in files(system, picture)] == [("asked", 0)]
    system.environment = replace(whole, least_free_megabytes=0)
    work(system)
    assert files(system, picture)[0].state == "kept"


def test_kinds_to_keep_come_by_themselves(system: System, talk: Any, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(CONFIG + '\n[media]\nkeep = ["image"]\n', encoding="utf-8")
    system.__dict__.pop("keeper", None)
    picture, voice = talk("image", PIXEL), talk("voice", b"#!AMR\n" + bytes(32))
    work(system)
    assert [files(system, m)[0].state for m in (picture, voice)] == ["kept", "noted"]
    (tmp_path / "config.toml").write_text(CONFIG + '\n[media]\nkeep = ["all"]\n', encoding="utf-8")
    system.__dict__.pop("keeper", None)
    settings, now = system.settings, clock.now()
    with system.store.write() as session:  # the night after the setting was changed
        assert keep_media(Work(session, settings, now + timedelta(days=6))) == 0  # WeCom has it no more
        assert keep_media(Work(session, settings, now)) == 1
    work(system)
    assert files(system, voice)[0].state == "kept"
