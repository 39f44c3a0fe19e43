"""Ten thousand app messages by several workers at once: WeCom, which drops a member's 31st within a minute without a
word, drops none.

`make test` sends 120 of them. All: SENDS=10000 .venv/bin/python -m pytest tests/sops/test_sends.py -k sqlite -s
"""

from __future__ import annotations

import os
import time
from multiprocessing import get_context
from pathlib import Path

import pytest

from bot.platform.database.store import Store
from bot.system import System
from tests.support.parts import Town, variables
from tests.support.sending import Message, arrivals, most_in_a_minute, send

SENDS = int(os.environ.get("SENDS", "120"))
WORKERS, STEP = 3, 20
EACH = 40 if SENDS < 1000 else 250


@pytest.mark.timeout(120 if SENDS < 1000 else 3600)
def test_no_member_gets_more_than_wecom_shows_in_any_minute(
    system: System, store: Store, valkey: str, sandbox: Town, tmp_path: Path
) -> None:
    given = variables(tmp_path, sandbox, TICI_DATABASE_URL=store.url, TICI_REDIS_URL=valkey)
    team = [f"Agent{n:03}" for n in range(SENDS // EACH)]
    for userid in team:
        sandbox.control.member(userid)
    # Each member is written to by all workers at once.
    left: list[Message] = [(userid, number) for number in range(EACH) for userid in team]
    begun, moved = time.monotonic(), 0
    with get_context("spawn").Pool(WORKERS) as workers:
        while left:
            shares = [left[n::WORKERS] for n in range(WORKERS)]
            left = [
                message for rest in workers.starmap(send, [(given, share) for share in shares]) for message in rest
            ]
            sandbox.control.move_clock(STEP)
            moved += STEP
            assert moved < 100 * EACH, "it does not come to an end"
    seen = arrivals(sandbox)
    assert {userid: len(times) for userid, times in seen.items()} == dict.fromkeys(team, EACH)
    assert sandbox.control.effects(0, "message_dropped") == []
    worst = max(map(most_in_a_minute, seen.values()))
    print(f"{SENDS} sends by {WORKERS} workers in {time.monotonic() - begun:.0f} s: at most {worst} a minute")  # noqa: T201
    assert 20 <= worst <= 30, "the limit was reached, and kept"
