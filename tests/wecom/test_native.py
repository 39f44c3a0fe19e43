"""NativeArchive and its child process, with a library of the same ABI compiled here."""

from __future__ import annotations

import gc
import io
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from stat import S_ISFIFO
from typing import Any

import pytest

from bot.wecom.errors import UnreadableMessageError, WeComError
from bot.wecom.finance_process import ChildDiedError
from bot.wecom.media import download
from bot.wecom.native import ArchiveAccess, NativeArchive

SOURCE = Path(__file__).with_name("finance_stub.c")
KEY = "k3y-of-printable-characters"


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stand-in, compiled; skipped where no C compiler is."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")
    built = tmp_path_factory.mktemp("sdk") / "libstub.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-Wall", "-o", str(built), str(SOURCE)], check=True)
    return built


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the stand-in reads what it answers."""
    monkeypatch.setenv("FINANCE_STUB", str(tmp_path))
    return tmp_path


@pytest.fixture
def archive(library: Path, files: Path) -> Iterator[NativeArchive]:
    archive = NativeArchive(library, ArchiveAccess("ww1", "s3cret", timeout=1))
    yield archive
    archive.close()


def seal(text: str, key: str = KEY) -> str:
    plain, mask = b"OK:" + text.encode(), key.encode()
    return bytes(byte ^ mask[at % len(mask)] for at, byte in enumerate(plain)).hex()


def stock(files: Path, count: int) -> None:
    row = {"publickey_ver": 1, "encrypt_random_key": "AAAA", "encrypt_chat_msg": seal("x")}
    lines = [f"{seq}\t{json.dumps({'seq': seq, 'msgid': f'm{seq}', **row})}" for seq in range(1, count + 1)]
    (files / "rows").write_text("\n".join(lines))


def child(archive: NativeArchive) -> Any:
    assert archive._child is not None
    return archive._child


def test_rows_come_through(archive: NativeArchive, files: Path) -> None:
    stock(files, 2500)
    pulled: list[int] = []
    while rows := archive.pull(pulled[-1] if pulled else 0):
        pulled += [row.seq for row in rows]
    assert pulled == list(range(1, 2501))
    assert archive.pull(0, 1)[0].msgid == "m1"


def test_too_large_answers_are_halved(archive: NativeArchive, files: Path) -> None:
    stock(files, 500)
    (files / "too_large").write_text("100")
    assert [row.seq for row in archive.pull(0)] == list(range(1, 501))


def test_a_dead_token_costs_a_new_handle(archive: NativeArchive, files: Path) -> None:
    stock(files, 9)
    (files / "dies_after").write_text("2")
    for _ in range(5):
        assert len(archive.pull(0)) == 9
    (files / "dies_after").write_text("0")
    with pytest.raises(WeComError) as caught:
        archive.pull(0)
    assert caught.value.errcode == 42001


@pytest.mark.parametrize(("rc", "trait"), [(10001, "retry_after"), (10009, "pause"), (10000, "permanent")])
def test_return_codes_have_remedies(archive: NativeArchive, files: Path, rc: int, trait: str) -> None:
    (files / "rc").write_text(str(rc))
    for call in (lambda: archive.pull(0), lambda: archive.media("f")):
        with pytest.raises(WeComError) as caught:
            call()
        assert caught.value.errcode == rc
        assert getattr(caught.value, trait)


@pytest.mark.parametrize("answer", ["<html>502</html>", "", "[]", '{"errcode": 301053, "errmsg": "x"}', "[" * 99999])
def test_whatever_the_server_said(archive: NativeArchive, files: Path, answer: str) -> None:
    (files / "answer").write_text(answer)
    with pytest.raises(WeComError):
        archive.pull(0)


def test_messages_are_decrypted(archive: NativeArchive) -> None:
    text = '{"msgid": "m", "text": "多少钱"}'
    assert archive.decrypt(KEY, seal(text)).decode() == text
    large = "字" * 300_000
    assert archive.decrypt(KEY, seal(large)).decode() == large
    with pytest.raises(UnreadableMessageError, match="10008"):
        archive.decrypt("another key", seal(text))
    for odd in ("", "short", "中" * 20):
        with pytest.raises(UnreadableMessageError):
            archive.decrypt(KEY, odd)
    assert archive.decrypt(KEY, seal(text)).decode() == text


def test_an_abort_is_survived_and_only_its_row_is_lost(archive: NativeArchive) -> None:
    assert archive.decrypt(KEY, seal("before"))
    first = child(archive).pid
    with pytest.raises(UnreadableMessageError, match="3 times"):
        archive.decrypt(KEY, "CRASH" + "0" * 20)
    assert archive.decrypt(KEY, seal("after")) == b"after"
    assert child(archive).pid != first
    assert not alive(first)


def test_many_are_decrypted_at_once_and_each_bad_row_falls_alone(archive: NativeArchive, files: Path) -> None:
    rows = [(KEY, seal(f"第{n}句" + "长" * (n % 7) * 400)) for n in range(700)]
    bad = {
        0: ((KEY, "CRASH" + "0" * 20), "3 times"),
        255: ((KEY, "CRASH" + "0" * 20), "3 times"),
        256: ((KEY, "CRASH" + "0" * 20), "3 times"),
        300: (("another key", rows[300][1]), "10008"),
        301: ((KEY, "short"), "too short"),
        302: ((KEY, ""), "too short"),
        699: ((KEY, "中" * 20), "10008"),
    }
    for at, (row, _) in bad.items():
        rows[at] = row
    found = archive.decrypt_many(rows)
    assert len(found) == 700
    for at, plain in enumerate(found):
        if at in bad:
            assert isinstance(plain, UnreadableMessageError)
            assert bad[at][1] in plain.reason
        else:
            assert plain == (f"第{at}句" + "长" * (at % 7) * 400).encode()
    assert (files / "deaths").read_text() == "x" * 9
    assert archive.decrypt_many([]) == []


def test_a_batch_larger_than_the_pipes_is_decrypted(archive: NativeArchive) -> None:
    large = "字" * 500_000
    rows = [(KEY, seal(large)), (KEY, seal("小的一句")), (KEY, seal(large)), (KEY, seal("小的一句"))]
    assert archive.decrypt_many(rows) == [large.encode(), "小的一句".encode()] * 2


def test_answers_too_large_to_hold_are_halved(archive: NativeArchive, files: Path) -> None:
    stock(files, 300)
    (files / "huge").write_text("100")
    assert [row.seq for row in archive.pull(0)] == list(range(1, 301))
    (files / "huge").write_text("0")
    with pytest.raises(WeComError) as caught:
        archive.pull(0)
    assert caught.value.errcode == 301058


def test_a_library_that_leaks_is_begun_anew(
    archive: NativeArchive, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stock(files, 3)
    assert len(archive.pull(0, 3)) == 3
    first = child(archive).pid
    assert len(archive.pull(0, 3)) == 3
    assert child(archive).pid == first
    monkeypatch.setattr("bot.wecom.native._LARGEST_KIB", 200 * 1024)
    (files / "leak").write_text("201")
    assert len(archive.pull(0, 3)) == 3
    assert archive._child is None
    assert not alive(first)
    assert len(archive.pull(0, 3)) == 3


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def gone(pid: int) -> None:
    """Wait for the end of a process that need not be our child."""
    ends = time.monotonic() + 30
    while alive(pid) and stat(pid) != "Z":
        assert time.monotonic() < ends, f"{pid} lives on"
        time.sleep(0.02)


def stat(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "Z"


def test_a_frozen_child_is_ended(archive: NativeArchive) -> None:
    """Frozen it takes no more of a request than a pipe holds."""
    assert archive.decrypt(KEY, seal("before"))
    frozen = child(archive).pid
    os.kill(frozen, signal.SIGSTOP)
    with pytest.raises(ChildDiedError, match="in time"):
        archive._call(0.3, "media", sdkfileid="x" * 1_000_000)
    assert not alive(frozen)
    assert archive.decrypt(KEY, seal("after")) == b"after"


def test_a_child_that_hangs_ends_with_its_owner(library: Path, files: Path) -> None:
    """The owner is killed while the library never returns."""
    program = (
        "import sys, threading, time\n"
        "from bot.wecom.native import ArchiveAccess, NativeArchive\n"
        "archive = NativeArchive(sys.argv[1], ArchiveAccess('ww1', 's', timeout=600))\n"
        "archive.decrypt(sys.argv[2], sys.argv[3])\n"
        "print(archive._child.pid, flush=True)\n"
        "archive.pull(0)\n"
    )
    (files / "hang").write_text("1")
    owner = subprocess.Popen(
        [sys.executable, "-c", program, str(library), KEY, seal("a long enough one")],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert owner.stdout is not None
    orphan = int(owner.stdout.readline())
    time.sleep(0.1)
    assert alive(orphan)
    owner.kill()
    owner.wait()
    owner.stdout.close()
    gone(orphan)


def test_an_archive_that_nobody_closed_leaves_nothing_behind(library: Path, files: Path) -> None:
    archive = NativeArchive(library, ArchiveAccess("ww1", "s3cret"))
    assert archive.decrypt(KEY, seal("a long enough one"))
    pid, pipes = child(archive).pid, open_files()
    del archive
    gc.collect()
    assert not alive(pid)
    assert len(open_files()) <= len(pipes) - 2


def open_files() -> set[str]:
    return set(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else {"", " "}


def test_a_killed_child_costs_nothing(archive: NativeArchive, files: Path) -> None:
    stock(files, 3)
    archive.pull(0)
    os.kill(child(archive).pid, signal.SIGKILL)
    child(archive)._process.wait()
    assert archive.decrypt(KEY, seal("after")) == b"after"
    os.kill(child(archive).pid, signal.SIGKILL)
    child(archive)._process.wait()
    with pytest.raises(WeComError) as caught:
        archive.pull(0)
    assert (caught.value.errcode, caught.value.retry_after, caught.value.unsure) == (None, 5, False)
    assert len(archive.pull(0)) == 3


def test_a_hanging_library_is_ended(library: Path, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stock(files, 1)
    archive = NativeArchive(library, ArchiveAccess("ww1", "s3cret", timeout=0))
    (files / "hang").write_text("1")
    with monkeypatch.context() as impatient:
        impatient.setattr("bot.wecom.native._GRACE_SECONDS", 0.3)
        impatient.setattr("bot.wecom.native._DECRYPT_SECONDS", 0.3)
        with pytest.raises(WeComError, match="in time"):
            archive.pull(0)
        with pytest.raises(UnreadableMessageError):
            archive.decrypt(KEY, "HANG" + "0" * 20)
    (files / "hang").unlink()
    assert len(archive.pull(0)) == 1
    archive.close()


CHUNK = 512 * 1024


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK])
def test_media_of_awkward_sizes(archive: NativeArchive, files: Path, size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    (files / "some-file").write_bytes(content[:size])
    into = io.BytesIO()
    assert download(archive.media, "some-file", into) == size
    assert into.getvalue() == content[:size]
    with pytest.raises(WeComError) as caught:
        archive.media("absent")
    assert caught.value.permanent


def test_what_cannot_be_loaded_is_named(tmp_path: Path) -> None:
    junk = tmp_path / "junk.so"
    junk.write_bytes(b"not a library")
    for path in (junk, tmp_path / "absent.so"):
        with pytest.raises(WeComError, match="WECOM_FINANCE_SDK") as caught:
            NativeArchive(path, ArchiveAccess("ww1", "s3cret")).pull(0)
        assert caught.value.pause


def test_a_library_that_aborts_while_it_loads(tmp_path: Path) -> None:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")
    source, built = tmp_path / "bad.c", tmp_path / "bad.so"
    source.write_text("#include <stdlib.h>\n__attribute__((constructor)) static void load(void) { abort(); }\n")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(built), str(source)], check=True)
    archive = NativeArchive(built, ArchiveAccess("ww1", "s3cret"))
    for _ in range(2):
        with pytest.raises(WeComError, match="WECOM_FINANCE_SDK") as caught:
            archive.decrypt(KEY, seal("long enough"))
        assert caught.value.pause


def test_empty_credentials_are_refused_by_init(library: Path, files: Path) -> None:
    with pytest.raises(WeComError) as caught:
        NativeArchive(library, ArchiveAccess("", "")).pull(0)
    assert caught.value.errcode == 10000


def test_the_child_gets_no_secret_of_ours(
    archive: NativeArchive, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stock(files, 1)
    monkeypatch.setenv("WECOM_APP_SECRET", "app-s3cret")
    archive.pull(0)
    seen = Path(f"/proc/{child(archive).pid}")
    if not seen.exists():
        pytest.skip("no /proc")
    for name in ("environ", "cmdline"):
        assert b"s3cret" not in (seen / name).read_bytes()
    assert "s3cret" not in repr(ArchiveAccess("ww1", "s3cret"))


def _in_a_fork(archive: NativeArchive, pipes: tuple[int, ...], say: Callable[[Any], None]) -> None:
    held = [fd for fd in pipes if is_pipe(fd)]
    said = archive.decrypt(KEY, seal("fork")).decode()
    own = child(archive).pid
    archive.close()
    gc.collect()
    say((held, said, own))


def is_pipe(fd: int) -> bool:
    try:
        return S_ISFIFO(os.fstat(fd).st_mode)
    except OSError:
        return False


def test_a_fork_gets_a_child_of_its_own(archive: NativeArchive) -> None:
    assert archive.decrypt(KEY, seal("parent")) == b"parent"
    mine, pipes = child(archive).pid, (child(archive)._to, child(archive)._from)
    context = multiprocessing.get_context("fork")
    hearing, telling = context.Pipe(duplex=False)
    let_go = threading.Event()
    holding = threading.Thread(target=hold, args=(archive, let_go))
    holding.start()
    process = context.Process(target=_in_a_fork, args=(archive, pipes, telling.send))
    process.start()
    heard = hearing.poll(30)
    let_go.set()
    holding.join()
    if not heard:
        process.kill()
    process.join()
    assert heard, "the fork waits for a lock that nobody will open"
    held, said, own = hearing.recv()
    hearing.close()
    telling.close()
    assert (held, said, process.exitcode) == ([], "fork", 0)
    assert own != mine
    assert not alive(own)
    assert child(archive).pid == mine
    assert archive.decrypt(KEY, seal("parent")) == b"parent"


def hold(archive: NativeArchive, until: threading.Event) -> None:
    """Hold the lock in another thread of the parent while it forks."""
    with archive._lock:
        until.wait(60)
