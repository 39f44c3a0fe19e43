"""Faults: what each planned fault does to the city; each returns what undoes it, None, or False if it must wait."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from rq import Queue
from rq.serializers import JSONSerializer
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from bot.ops.backup import back_up
from bot.ops.restore import restore
from bot.platform import clock
from bot.platform.encryption import new_keys_text
from bot.platform.environment import ROOT
from bot.platform.models import Customer, Outbox, SopEnrolment, SopTask
from bot.platform.queue import connect_redis
from bot.privacy.erasure import NobodyToEraseError, erase
from tests.chaos.city import City
from tests.chaos.talks import CHAOS_CONFIG


def _kill(name: str) -> Callable[[City], Any]:
    def act(city: City) -> Any:
        if name == "database":
            return None if city.crash_database() else False
        slots = [slot for slot in city.slots if slot.startswith(name)] or [name]
        turn = city.killed_so_far
        city.killed_so_far += 1
        return None if city.signal(slots[turn % len(slots)], signal.SIGKILL) else False

    return act


def _freeze(name: str) -> Callable[[City], Any]:
    def act(city: City) -> Any:
        target = next((slot for slot in city.slots if slot.startswith(name)), name)
        pid = city.pid_of(target)
        if pid is None or not city.signal(target, signal.SIGSTOP):
            return False
        return partial(_go_on, pid)

    return act


def _go_on(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


def _redis(command: str, *values: Any, undo: tuple[Any, ...] = ()) -> Callable[[City], Any]:
    def act(city: City) -> Any:
        def say(*words: Any) -> bool:
            with suppress(Exception):
                with connect_redis(city.system.redis_url) as connection:
                    connection.execute_command(*words)
                return True
            return False

        if not say(command, *values):
            return False
        return partial(say, *undo) if undo else None

    return act


def _wecom(path: str = "*", times: int = -1, **how: Any) -> Callable[[City], Any]:
    def act(city: City) -> Any:
        city.insist(partial(city.control.fault, path, times, **how))
        return partial(city.insist, city.control.clear_faults) if times < 0 else None

    return act


def _switch(**values: Any) -> Callable[[City], Any]:
    def act(city: City) -> Any:
        city.insist(partial(city.control.switches, **values))
        calm = {name: 0 for name in values if name not in ("lose_callbacks", "partial_marks")}
        return partial(city.insist, partial(city.control.switches, **calm)) if calm else None

    return act


def _replay(city: City) -> Any:
    newest = city.insist(lambda: city.control.effects(0, "callback", limit=10_000))
    for effect in (newest or [])[-5:]:
        city.insist(partial(city.control.post, "repeat-callback", {"callback": effect["callback"], "copies": 3}))


def _config(words: str | None) -> Callable[[City], Any]:
    def act(city: City) -> Any:
        path = city.folder / "config.toml"
        if words is None:
            path.unlink(missing_ok=True)
        else:
            path.write_text(words, encoding="utf-8")
        return partial(_write, path)

    return act


def _write(path: Path) -> None:
    path.write_text(CHAOS_CONFIG, encoding="utf-8")


def _later(seconds: float) -> Callable[[City], Any]:
    return lambda city: city.shift_clock(seconds)


def _erase(city: City) -> Any:
    """One of those who talk is to be forgotten, in the middle of their talk."""
    with city.system.store.read() as session:
        known = session.scalars(select(Customer.external_userid).order_by(Customer.id)).all()
    left = [who for who in known if "CHAOS" in who and who not in city.erased]
    if not left:
        return False
    who = left[len(left) // 2]
    city.erased.add(who)
    with suppress(SQLAlchemyError, NobodyToEraseError):  # asked for is done: a worker goes on with it
        erase(city.system, who, "chaos", clock.now())
    return None


def _back_up(city: City) -> Any:
    """A backup now, and later it is put back, while messages go on coming."""
    path = city.folder / f"{len(city.before_restore)}.backup"
    try:
        back_up(city.system, path, clock.now(), keys=False, on_progress=lambda *_: None)
    except (OSError, SQLAlchemyError):
        return False
    return partial(_put_back, city, path)


def _put_back(city: City, path: Path) -> None:
    city.restored = True
    city.stop()
    cards = select(SopTask.ref, Outbox.key, Customer.external_userid, SopEnrolment.sop_id, SopTask.step)
    cards = cards.join(SopTask, SopTask.id == Outbox.task_id).join(Customer, Customer.id == SopTask.customer_id)
    cards = cards.join(SopEnrolment, SopEnrolment.id == SopTask.enrolment_id).where(Outbox.kind == "card")
    with city.system.store.read() as session:
        for ref, key, who, sop, step in session.execute(cards):
            city.before_restore["_".join(["task", ref, *key.split(":")[2:]])] = (who, sop, step)
    restore(city.system, path, clock.now(), replace=True, on_progress=lambda *_: None)
    city.mend()


def _wrong_key(city: City) -> Any:
    """A worker with other data keys is started on the same database; it must end by itself."""
    keys = ",".join(line for line in new_keys_text().splitlines() if not line.startswith("#"))
    with (city.folder / "stranger.log").open("ab") as log:
        stranger = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "flask", "--app", str(ROOT / "wsgi.py"), "worker"],
            cwd=ROOT, env={**os.environ, **city.variables, "TICI_DATA_KEYS": keys}, stdout=log, stderr=log,
        )  # fmt: skip
    city.strangers.append(stranger)


def _poison(city: City) -> Any:
    """Somebody writes into Redis: calls that are none of ours, keys of another kind, marks without an end."""
    marker = city.folder / "poisoned"
    with suppress(Exception):
        with connect_redis(city.system.redis_url) as redis:
            queue = Queue("default", connection=redis, serializer=JSONSerializer)
            queue.enqueue("os.system", f"touch {marker}")
            queue.enqueue("bot.worker.jobs.handle_event", 1, 1)
            queue.enqueue("subprocess.run", [["touch", str(marker)]])
            redis.rpush("rq:queue:high", "no-such-job")
            redis.set("tici:once:pull", "x")
        return None
    return False


FAULTS: dict[str, Callable[[City], Any]] = {
    **{f"kill-{name}": _kill(name) for name in
       ("worker", "scheduler", "web", "web-child", "valkey", "sandbox", "database")},
    "worker-frozen": _freeze("worker"),
    "scheduler-frozen": _freeze("scheduler"),
    "web-frozen": _freeze("web-child"),
    "valkey-frozen": _freeze("valkey"),
    "valkey-flushed": _redis("FLUSHALL"),
    "valkey-full": _redis("CONFIG", "SET", "maxmemory", "1", undo=("CONFIG", "SET", "maxmemory", "0")),
    "database-locked": lambda city: city.lock_database(),
    "disk-full": lambda city: city.fill_disk(),
    "wecom-500": _wecom(status=500),
    "wecom-silent": _wecom(delay=6.0),
    "wecom-busy": _wecom(errcode=-1),
    "wecom-limit": _wecom("externalcontact/*", 1, errcode=45009),
    "wecom-answers-lost": _wecom("message/send", 5, status=500, after=True),
    "wecom-tokens-dead": lambda city: city.insist(city.control.kill_tokens) and None,
    "wecom-partial": _switch(partial_marks=5),
    "callbacks-doubled": _switch(duplicate_callbacks=5),
    "callbacks-reordered": _switch(reorder_callbacks=3),
    "callbacks-lost": _switch(lose_callbacks=10),
    "callbacks-replayed": _replay,
    "clock-five-minutes-on": _later(300),
    "clock-five-minutes-back": _later(-300),
    "clock-a-day-on": _later(86_400),
    "config-broken": _config("不是 TOML"),
    "config-cut": _config(CHAOS_CONFIG[: CHAOS_CONFIG.index("课程转化")]),
    "config-gone": _config(None),
    "customer-erased": _erase,
    "backup-restored": _back_up,
    "wrong-key-started": _wrong_key,
    "redis-poisoned": _poison,
}  # fmt: skip
