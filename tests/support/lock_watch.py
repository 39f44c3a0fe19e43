"""Watch over write transactions: notes whatever is waited for while one is open in this thread.

Files, sockets, processes, locks of files, sleeping and a second write transaction all report to Python's audit hooks;
what happens inside the database itself does not, and is no business of this watch.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from traceback import extract_stack
from typing import Any

import pytest
from sqlalchemy.orm import Session

from bot.platform.database.store import Store

_WAITS = {"open", "socket.connect", "socket.getaddrinfo", "subprocess.Popen", "fcntl.flock", "fcntl.lockf",
          "time.sleep", "shutil.copyfile", "os.listdir", "os.scandir"}  # fmt: skip
_CODE = (".py", ".pyc", ".so")  # a module that is imported late is no wait for somebody else
_HERE = str(Path(__file__).resolve().parents[2])
_inside = threading.local()
_found: list[str] = []
_allowed: list[str] = []


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in _WAITS or not getattr(_inside, "depth", 0) or getattr(_inside, "noting", False):
        return
    what = str(arguments[0]) if arguments else ""
    if event == "open" and (what.endswith(_CODE) or what.startswith("/proc/") or any(a in what for a in _allowed)):
        return
    if event == "socket.connect" and len(arguments) > 1:
        what = str(arguments[1])
    _note(f"{event} {what}")


def _note(what: str) -> None:
    _inside.noting = True
    try:
        frames = [f"{frame.filename.removeprefix(_HERE)}:{frame.lineno}" for frame in extract_stack()
                  if frame.filename.startswith(f"{_HERE}/bot") or "lock_watch" in frame.filename]  # fmt: skip
        _found.append(f"{what}  <- {' < '.join(reversed([one for one in frames if 'lock_watch' not in one][-6:]))}")
    finally:
        _inside.noting = False


sys.addaudithook(_hook)  # there is no taking it away again; outside of a watched transaction it does nothing


@contextmanager
def watching(monkeypatch: pytest.MonkeyPatch, *allowed: str) -> Iterator[list[str]]:
    """Watch every write transaction of this process; yields what was waited for inside one, as it is found.

    allowed: parts of the paths of files that may be read all the same.
    """
    plain = Store.write

    @contextmanager
    def watched(self: Store) -> Iterator[Session]:
        if getattr(_inside, "depth", 0):
            _note("a second write transaction")
        with plain(self) as session:
            _inside.depth = getattr(_inside, "depth", 0) + 1
            try:
                yield session
            finally:
                _inside.depth -= 1

    _found.clear()
    _allowed[:] = allowed
    with monkeypatch.context() as patched:
        patched.setattr(Store, "write", watched)
        yield _found


Watching = AbstractContextManager[list[str]]
