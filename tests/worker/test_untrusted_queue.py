"""Whoever writes to Redis runs nothing: only listed jobs with row ids are called, tokens are sealed, work goes on."""

from __future__ import annotations

import ast
import json
import re
import threading
import zlib
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError
from rq import Callback, Queue
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.webhook import Webhook

import bot
from bot.ops.doctor import host
from bot.ops.doctor.finding import Probe
from bot.platform import clock
from bot.platform.database.alarms import alarms
from bot.platform.database.store import get_status
from bot.platform.encryption import DataKeys, new_keys_text
from bot.platform.queued_job import MODULE, REFUSED, RefusedJobError, allow, read_call
from bot.system import System, use_system
from bot.wecom.errors import WeComError
from bot.wecom.tokens import TokenShelf
from bot.worker import jobs, scheduler, worker
from bot.worker.jobs import JOBS

ROOT = Path(bot.__file__).parent


@pytest.fixture
def marked(tmp_path: Path) -> Path:
    """A file that an attack would make."""
    return tmp_path / "attacked"


@pytest.fixture
def redis(system: System) -> Redis:
    use_system(system)
    return system.queue.connection


def queue_of(redis: Redis) -> Queue:
    return Queue("default", connection=redis, serializer=JSONSerializer)


def work(system: System) -> None:
    worker.run(system, burst=True)


def refusals(system: System) -> int:
    with system.store.read() as session:
        status = get_status(session, REFUSED)
    return int(status.value["count"]) if status is not None else 0


def write_job(redis: Redis, job_id: str, fields: Any) -> None:
    """A job as an attacker writes it, past RQ."""
    redis.hset(f"rq:job:{job_id}", mapping=fields)
    redis.rpush("rq:queue:high", job_id)


def test_the_attack_that_was_seen_runs_nothing(system: System, redis: Redis, marked: Path) -> None:
    queue_of(redis).enqueue("os.system", f"touch {marked}")
    work(system)
    assert not marked.exists()
    assert refusals(system) == 1
    with system.store.read() as session:
        assert [alarm.name for alarm in alarms(session)] == ["queue.refused"]
    assert redis.keys("rq:job:*") == []


def calls(marked: Path) -> dict[str, bytes]:
    ran = f"touch {marked}"
    plain: dict[str, Any] = {
        "another function": ["os.system", None, [ran], {}],
        "a function of the worker's module that is no job": [f"{MODULE}.handle_event", None, [1, 1], {}],
        "what the module imported": [f"{MODULE}.finish_restore", None, [], {}],
        "the table of jobs": [f"{MODULE}.JOBS", None, [], {}],
        "an attribute of a job": [f"{MODULE}.pull.__globals__", None, [], {}],
        "a job in another module": ["bot.sandbox.jobs.pull", None, [], {}],
        "a job without a module": ["pull", None, [], {}],
        "a text for a row": [f"{MODULE}.deliver", None, ["1"], {}],
        "a truth for a row": [f"{MODULE}.deliver", None, [True], {}],
        "a fraction for a row": [f"{MODULE}.deliver", None, [1.0], {}],
        "a list for a row": [f"{MODULE}.deliver", None, [[1]], {}],
        "nothing for a row": [f"{MODULE}.deliver", None, [None], {}],
        "a row below one": [f"{MODULE}.deliver", None, [0], {}],
        "a negative row": [f"{MODULE}.deliver", None, [-7], {}],
        "a row beyond the database": [f"{MODULE}.deliver", None, [2**63], {}],
        "no row": [f"{MODULE}.deliver", None, [], {}],
        "two rows": [f"{MODULE}.deliver", None, [1, 2], {}],
        "a row for a job that takes none": [f"{MODULE}.pull", None, [1], {}],
        "a named argument": [f"{MODULE}.deliver", None, [], {"row_id": 1}],
        "an instance": ["system", "os", [ran], {}],
        "an instance beside a job": [f"{MODULE}.pull", "x", [], {}],
        "three parts": [f"{MODULE}.pull", None, []],
        "a mapping": {"func": "os.system"},
        "a number": 7,
        "a function that is a number": [7, None, [], {}],
        "arguments that are a mapping": [f"{MODULE}.pull", None, {}, {}],
    }
    found = {name: json.dumps(call).encode() for name, call in plain.items()}
    return {
        **found,
        "nothing": b"",
        "no JSON": b"\x80\x04\x95 pickle",
        "not UTF-8": b"\xff\xfe\x00",
        "nested without end": b"[" * 100_000,
        "a number of many digits": b"[" + b"9" * 4000 + b"]",
        "very long": json.dumps([f"{MODULE}.pull", None, [], {}, " " * 100_000]).encode(),
        "what unpacks to a gigabyte": zlib.compress(bytes(2**26)),
        "cut": zlib.compress(found["another function"])[:-9],
    }


def test_every_other_call_is_refused_and_the_worker_goes_on(system: System, redis: Redis, marked: Path) -> None:
    attacks = calls(marked)
    for number, data in enumerate(attacks.values()):
        packed = data if data[:1] == b"x" else zlib.compress(data)
        write_job(redis, f"attack-{number}", {"data": packed, "origin": "high", "status": "queued"})
        write_job(redis, f"attack-{number}-plain", {"data": data, "origin": "high", "status": "queued"})
    system.queue.enqueue_once("sweep")
    work(system)
    assert not marked.exists()
    assert refusals(system) == 2 * len(attacks)
    assert system.queue.depth() == {"high": 0, "default": 0, "low": 0}


@pytest.mark.parametrize("name", JOBS)
def test_our_own_calls_are_read(name: str) -> None:
    takes = len(jobs.JOBS[name].__annotations__) - 1  # the return value is annotated too
    call = json.dumps([f"{MODULE}.{name}", None, [2**63 - 1] * takes, {}]).encode()
    assert read_call(zlib.compress(call), JOBS) == (name, (2**63 - 1,) * takes)
    with pytest.raises(RefusedJobError):
        read_call(call, {})


def test_a_job_that_takes_anything_else_than_rows_cannot_be_listed() -> None:
    def loose(what: str) -> None: ...

    def looser(row_id) -> None: ...  # type: ignore[no-untyped-def]

    for function in (loose, looser):
        with pytest.raises(TypeError):
            allow(function)


def test_whatever_is_enqueued_somewhere_is_listed() -> None:
    asked = {periodic.job for periodic in scheduler.periodic_jobs()}
    methods = ("wake", "enqueue", "enqueue_once", "enqueue_for", "enqueue_missing", "begin")
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in methods:
                first = node.args[0] if node.args else None
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    asked.add(first.value)
    assert {"pull", "deliver", "openings"} <= asked
    assert asked - JOBS.keys() == set()


class _Hooked(BaseHTTPRequestHandler):
    hits: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        self.hits.append(self.path)
        self.send_response(200)
        self.end_headers()


@pytest.fixture
def hook() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Hooked)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


def test_a_good_job_brings_no_callback_webhook_or_dependent_along(
    system: System, redis: Redis, marked: Path, hook: str
) -> None:
    """The job itself is one of ours: what hangs on it must not run either."""
    queue = queue_of(redis)
    failing = json.dumps([f"{MODULE}.deliver", None, [404], {}]).encode()
    for kind in ("on_success", "on_failure", "on_stopped"):
        job = queue.enqueue(f"{MODULE}.due", **{kind: Callback("os.system")}, webhooks=[Webhook(hook, "finished")])
        redis.hset(job.key, "data", zlib.compress(failing))
    first = queue.enqueue(f"{MODULE}.due", webhooks=[Webhook(hook, "finished")], on_success=Callback("os.mkdir"))
    queue.enqueue("os.system", f"touch {marked}", depends_on=first)
    work(system)
    assert not marked.exists()
    assert _Hooked.hits == []
    assert re.search("mkdir|os.system", " ".join(map(str, redis.keys("*")))) is None


def test_a_job_left_behind_in_a_registry_brings_no_callback_either(
    system: System, redis: Redis, marked: Path
) -> None:
    """RQ's own housekeeping calls the failure callback of jobs whose worker it takes for dead."""
    job = Job.create(
        "os.system", [f"touch {marked}"], connection=redis, serializer=JSONSerializer,
        on_failure=Callback(f"{__name__}.attack"), origin="default", id="abandoned",
    )  # fmt: skip
    job.save()
    redis.zadd("rq:wip:default", {"abandoned:1": 1})
    work(system)
    assert ATTACKED == []


ATTACKED: list[Any] = []


def attack(*given: Any) -> None:
    ATTACKED.append(given)


def test_time_outs_and_odd_fields_of_a_job_change_nothing(system: System, redis: Redis) -> None:
    good = zlib.compress(json.dumps([f"{MODULE}.due", None, [], {}]).encode())
    odd = {
        "timeout": "-1", "result_ttl": "x", "failure_ttl": "9" * 400, "created_at": "yesterday", "retries_left": "99",
        "retry_intervals": "{", "dependency_ids": "{", "meta": b"\xff", "webhooks": "{", "status": "odd",
        "success_callback_timeout": "x", "origin": b"\xff", "description": b"\xff", "worker_name": b"\xff",
    }  # fmt: skip
    for number, (name, value) in enumerate(odd.items()):
        write_job(redis, f"odd-{number}", {"data": good, "origin": "high", name: value})
    work(system)
    assert system.queue.depth()["high"] == 0
    assert refusals(system) == 0


@pytest.mark.parametrize("key", ["rq:queue:default", "rq:queue:high", "rq:queues", "rq:workers"])
def test_keys_of_another_kind_are_cleared_away(system: System, redis: Redis, key: str) -> None:
    redis.delete(key)
    redis.set(key, "x")
    work(system)
    assert system.queue.enqueue_once("pull")
    work(system)
    assert system.queue.depth() == {"high": 0, "default": 0, "low": 0}


def test_ids_and_marks_that_are_none_of_ours_hold_nothing_back(redis: Redis, system: System) -> None:
    for odd in (b"\xff\xfe", b"deliver", b"deliver-", b"-", b"", b"deliver-x-y", b"x" * 10_000):
        redis.rpush("rq:queue:default", odd)
    assert system.queue.enqueue_missing("deliver", [1, 2])
    redis.set("tici:bell:pull", "x")  # without an end it would hold the archive back for ever
    assert system.queue.enqueue_once("pull")
    assert not system.queue.enqueue_once("pull")
    redis.set("tici:bell:due", "x", ex=10**9)
    assert system.queue.enqueue_once("due")
    redis.delete("tici:bell:sweep")
    redis.rpush("tici:bell:sweep", "a list")
    assert system.queue.enqueue_once("sweep")


def test_tokens_in_redis_are_sealed_and_one_that_was_written_there_is_not_used(
    system: System, redis: Redis, sandbox: Any
) -> None:
    system.wecom.follow_users()
    system.archive_client.post("message/getchatdata", data={"seq": 0, "limit": 1})
    tokens = [system.wecom.access_token, system.archive_client.access_token]
    keys = redis.keys("tici:token:*")
    assert len(keys) == 2
    everything = " ".join(str(redis.get(key)) for key in redis.keys("*") if redis.type(key) == b"string")
    for token in tokens:
        assert token not in everything
    for key in keys:
        redis.set(key, json.dumps(["stolen", "mark"]))
    assert system.wecom.access_token != "stolen"
    assert system.archive_client.access_token != "stolen"


@pytest.mark.parametrize(
    "written", [b"", b"x", b"[]", b"[1]", b'["a", "b", "c"]', b"7", b"\x01" + bytes(40), b"[" * 9999, b"\xff"]
)
def test_whatever_stands_where_a_token_should_is_fetched_anew(redis: Redis, written: bytes) -> None:
    keys = DataKeys(new_keys_text())
    shelf = TokenShelf("corp:app", redis, keys)
    shelf.token(lambda: ("first", 7200))
    redis.set("tici:token:corp:app", written)
    redis.set("tici:token:corp:app:refused", written)
    assert TokenShelf("corp:app", redis, keys).token(lambda: ("second", 7200)).value == "second"
    moved = redis.get("tici:token:corp:app")
    redis.set("tici:token:other:app", moved or b"")
    assert TokenShelf("other:app", redis, keys).token(lambda: ("third", 7200)).value == "third"


@pytest.mark.parametrize("guide", ["operations.md", "operations.zh-CN.md"])
def test_the_documented_user_of_redis_may_do_all_that_is_needed(
    system: System, redis: Redis, guide: str, sandbox: Any
) -> None:
    """And no more: neither other keys nor commands that manage the server."""
    text = (ROOT.parent / "docs" / guide).read_text(encoding="utf-8")
    (rights,) = re.findall(r"^ACL SETUSER tici on >\S+ (.+)$", text, re.MULTILINE)
    command: Any = redis.execute_command
    command("ACL", "SETUSER", "tici", "reset", "on", ">let-me-in-as-tici", *rights.split())
    address = system.redis_url.split("@")[1]
    limited = System(replace(system.environment, redis_url=f"redis://tici:let-me-in-as-tici@{address}"))
    limited.__dict__["store"] = system.store
    use_system(limited)
    limited.wecom.follow_users()
    assert limited.queue.enqueue_once("pull")
    limited.queue.enqueue_for("deliver", [1, 2])
    assert limited.queue.enqueue_missing("deliver", [2, 3])
    limited.queue.request_rerun("pull")
    work(limited)
    assert limited.queue.depth() == {"high": 0, "default": 0, "low": 0}
    assert host.redis_policy(Probe(limited, clock.now())).level == "ok"
    limited_command: Any = limited.queue.connection.execute_command
    for forbidden in (("CONFIG", "GET", "*"), ("SET", "other", "1"), ("FLUSHALL",), ("SHUTDOWN",), ("ACL", "LIST")):
        with pytest.raises(NoPermissionError):
            limited_command(*forbidden)
    command("ACL", "DELUSER", "tici")


def test_a_sealed_refusal_is_shared_all_the_same(redis: Redis) -> None:
    keys = DataKeys(new_keys_text())

    def refuse() -> tuple[str, float]:
        raise WeComError(40001, "invalid credential", api="gettoken")

    with pytest.raises(WeComError):
        TokenShelf("corp:app", redis, keys).token(refuse)
    with pytest.raises(WeComError, match="40001"):
        TokenShelf("corp:app", redis, keys).token(lambda: ("unasked", 7200))
