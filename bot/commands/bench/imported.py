"""Imports a made-up table for customers that are there, as the web does: a tag, a stage and a date for each."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from bot.agents.bulk_job import advance, ask_import, counts_of
from bot.platform import clock
from bot.platform.models import BulkDeed
from bot.system import System

TAG, DATE = "导入的", "2015-05-01"


def import_lines(system: System, customer_ids: Sequence[int]) -> float:
    """Import a line for each of these customers; the seconds that the job took. Raises RuntimeError if one failed."""
    given = _given(system)
    with system.work() as work:
        draft = {"state": "draft", "asked": len(customer_ids), "created_at": work.now, "touched_at": work.now}
        asker = {"account_id": None, "role": "admin"}
        deed = BulkDeed(kind="import", actor="bench", what={"file": "", "quiet": True}, asker=asker, **draft)
        work.session.add(deed)
        work.session.flush()
        ask_import(work, deed, dict.fromkeys(customer_ids, given))
        number = deed.id
    began = time.perf_counter()
    while advance(system, clock.now()):
        pass
    took = time.perf_counter() - began
    with system.store.read() as session:
        counts = counts_of(session, number)
    if counts != {"done": len(customer_ids)}:
        raise RuntimeError(f"of {len(customer_ids)} lines: {counts}")
    return took


def _given(system: System) -> dict[str, Any]:
    settings = system.settings
    stages = {pipeline.name: pipeline.stages[0].name for pipeline in settings.pipelines[:1]}
    dates = [name for name, field in settings.fields.items() if field.kind == "date"][:1]
    return {"tags": [TAG], "stages": stages, "fields": dict.fromkeys(dates, DATE)}
