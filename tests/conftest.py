"""Parts that any test may ask for: both databases, a real queue, a WeCom on loopback, samples."""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from itertools import count, zip_longest
from multiprocessing import get_context
from pathlib import Path

import pytest
from hypothesis import settings

from bot.commands.demo.stack import Stack
from bot.platform import log
from bot.platform.database.store import Store
from bot.platform.environment import read_environment
from bot.platform.queue import connect_redis
from bot.platform.valkey import ensure_valkey, stop_valkey
from bot.system import System
from tests.support.compiled_once import share_compiled
from tests.support.fresh import bring_up
from tests.support.parts import KEYS, Town, open_town, variables
from tests.support.postgres import Postgres, running_postgres
from tests.support.site import Site, open_site
from tests.support.statement_cache import share_statements

# A busy machine is no defect; what must be quick has a test that measures it.
settings.register_profile("tici", deadline=None)
settings.load_profile("tici")
share_statements()
share_compiled()
log.setup_logging()  # as in every process: what the library does without it draws each exception with all its source

DATABASES = ("sqlite", "postgresql")
WAITING, QUICK = ("flow", "chaos", "faults", "browser"), ("taggers", "sop")  # folders of tests
# What starts a process, a browser or a server: fixtures by name, and what a test file imports to start one itself.
STARTING = frozenset(
    {"postgres", "valkey_server", "nursery", "chromium", "city", "sandbox", "receiver", "site", "server"}
)
STARTERS = (subprocess, multiprocessing, get_context, ensure_valkey, Stack)
_BESIDE = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of samples next to the checkout; tests that read it skip, and say so, where it is absent."""
    folder = Path(os.environ.get("TICI_SHARED", _BESIDE))
    if not folder.is_dir():
        pytest.skip(f"samples absent: {folder}")
    return folder


@pytest.fixture(autouse=True)
def _own_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads the developer's own settings."""
    monkeypatch.setattr(log, "_hidden", {})  # nor has another test's secrets blackened in its texts
    for name in [n for n in os.environ if n.startswith(("TICI_", "WECOM_")) and n != "TICI_SHARED"]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _own_umask() -> Iterator[None]:
    """A test that loads the server's entry, which shuts its files to others, leaves the next one as it was."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="only what starts no process, no browser and no server")


def starts_a_process(item: pytest.Item) -> bool:
    """By what a test asks for, or what its file imports to start some itself; it may move from folder to folder."""
    asks = getattr(item, "fixturenames", ())
    given = getattr(item, "callspec", None)
    known = {id(one) for one in vars(getattr(item, "module", item)).values()}
    return not (
        STARTING.isdisjoint(asks)
        and known.isdisjoint(map(id, STARTERS))
        and not (given and "postgresql" in given.params.values())
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With --quick, leave out what starts a process or is marked as long.

    Files whose tests wait for processes alternate with those that compute, so that several workers are neither all
    waiting nor all computing; the quick ones come last, so that no long one is left for the end."""
    if config.getoption("--quick"):
        left_out = [item for item in items if starts_a_process(item) or item.get_closest_marker("long")]
        items[:] = [item for item in items if item not in set(left_out)]
        config.hook.pytest_deselected(items=left_out)
    files: dict[str, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.nodeid.partition("::")[0], []).append(item)
    ranks: dict[bool | None, list[str]] = {True: [], False: [], None: []}
    for file in files:
        room = file.split("/")[1]
        ranks[None if room in QUICK else room in WAITING].append(file)
    turns = zip_longest(ranks[True], ranks[False])
    order = [file for turn in turns for file in turn if file is not None] + ranks[None]
    items[:] = [item for file in order for item in files[file]]


def pytest_collection_finish() -> None:
    """Each test's app and engine end as rubbish in rings, which Python lets lie until it is a quarter of all there
    is: a gigabyte over a whole run. What is loaded by now is therefore not counted among all there is."""
    gc.collect()
    gc.freeze()


_modules = count(1)


@pytest.fixture(autouse=True, scope="module")
def _memory_given_back() -> Iterator[None]:
    """Now and then, since looking takes 0.1 s. The C library keeps what threads gave back."""
    yield
    if next(_modules) % 8 == 0:
        gc.collect()
        with suppress(OSError, AttributeError):  # other C libraries have no such call
            ctypes.CDLL(None).malloc_trim(0)


@pytest.fixture(autouse=True, scope="session")
def _no_queue_left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An embedded queue outlives whoever rang it first, on purpose; those of tests end with the tests."""
    yield
    folder = tmp_path_factory.getbasetemp()
    for pattern in ("*/valkey/server.json", "*/*/valkey/server.json"):
        for known in folder.glob(pattern):
            stop_valkey(known.parents[1])


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server for all tests."""
    with running_postgres() as server:
        yield server


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database; what asks for it runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'tici.db'}"
        return
    with request.getfixturevalue("postgres").database() as url:
        yield url


@pytest.fixture
def store(database_url: str, tmp_path: Path) -> Iterator[Store]:
    """A database of this release."""
    store = Store(database_url, KEYS, tmp_path)
    bring_up(store.engine)
    yield store
    store.close()


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a queue server for all tests."""
    folder = tmp_path_factory.mktemp("queue")
    yield ensure_valkey(folder)
    stop_valkey(folder)


@pytest.fixture
def valkey(valkey_server: str) -> str:
    """The URL of an empty queue server."""
    with connect_redis(valkey_server) as connection:
        connection.flushall()
    return valkey_server


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Town]:
    """A WeCom on loopback, whose callbacks lead nowhere."""
    with open_town(tmp_path / "sandbox") as town:
        yield town


@pytest.fixture
def system(store: Store, valkey: str, sandbox: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> System:
    """Everything a job needs, on a database, a queue and a WeCom of the test's own; time can be moved."""
    given = variables(tmp_path, sandbox, TICI_DATABASE_URL=store.url, TICI_REDIS_URL=valkey)
    monkeypatch.setenv("TICI_CLOCK_FILE", given["TICI_CLOCK_FILE"])
    system = System(read_environment(given))
    system.__dict__["store"] = store  # one pool, closed by its own fixture
    return system


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A web application on an empty database, WeCom configured, no queue running."""
    with open_site(tmp_path) as site:
        yield site
