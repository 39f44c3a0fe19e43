"""Faults: what each planned fault does to the city; each returns what undoes it, None, or False if it must wait."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from bot.platform.queue import connect_redis
from tests.chaos.city import City
from tests.support.parts import CONFIG


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
    path.write_text(CONFIG, encoding="utf-8")


def _later(seconds: float) -> Callable[[City], Any]:
    return lambda city: city.shift_clock(seconds)


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
    "config-cut": _config(CONFIG[: CONFIG.index("课程转化")]),
    "config-gone": _config(None),
}  # fmt: skip
