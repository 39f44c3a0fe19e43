"""Facts about the running system are replaced, and inserts count what went in, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.platform.database.store import Store, get_status, insert_new, set_status
from bot.platform.models import Status

NOW = datetime(2026, 3, 3, 2, 0, tzinfo=UTC)


def test_an_insert_counts_only_what_went_in(store: Store) -> None:
    rows = [{"name": name, "value": {}, "at": NOW} for name in "ab"]
    with store.write() as session:
        assert insert_new(session, Status, rows[:1], ["name"]) == 1
        assert insert_new(session, Status, rows, ["name"]) == 1
        assert insert_new(session, Status, rows, ["name"]) == 0


def test_a_fact_is_replaced(store: Store) -> None:
    for number in (1, 2):
        with store.write() as session:
            set_status(session, "x", {"n": number}, NOW)
    with store.read() as session:
        status = get_status(session, "x")
        assert status is not None
        assert status.value == {"n": 2}
