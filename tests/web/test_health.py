"""Health for machines: alive, ready, metrics; each answer must follow the fault that is provoked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.platform import clock
from bot.platform.models import ArchiveCursor, Outbox, Quarantine
from bot.platform.valkey import ensure_valkey, stop_valkey
from tests.support.rows import Rows
from tests.support.site import Site, open_site


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[Site]:
    """A site with everything running."""
    url = ensure_valkey(tmp_path)
    with open_site(tmp_path, extra={"TICI_REDIS_URL": url, "TICI_METRICS_TOKEN": "let-me-in"}) as site:
        yield site
    stop_valkey(tmp_path)


def ready(site: Site) -> tuple[int, dict[str, bool]]:
    answer = site.app.test_client().get("/readyz")
    given = answer.get_json()
    return answer.status_code, {name: given[name]["ok"] for name in ("database", "config", "queue")}


def metrics(site: Site, headers: dict[str, str] | None = None, peer: str = "127.0.0.1") -> tuple[int, str]:
    answer = site.app.test_client().get("/metrics", headers=headers, environ_base={"REMOTE_ADDR": peer})
    return answer.status_code, answer.text


def test_a_whole_site_is_alive_and_ready(whole: Site) -> None:
    assert whole.app.test_client().get("/healthz").text == "ok\n"
    assert ready(whole) == (200, {"database": True, "config": True, "queue": True})


def test_without_a_queue_it_is_alive_but_not_ready_and_starts_none(site: Site, tmp_path: Path) -> None:
    assert site.app.test_client().get("/healthz").status_code == 200
    assert ready(site) == (503, {"database": True, "config": True, "queue": False})
    assert not (tmp_path / "valkey").exists()


def test_a_queue_that_went_away_is_not_ready(whole: Site, tmp_path: Path) -> None:
    stop_valkey(tmp_path)
    assert ready(whole) == (503, {"database": True, "config": True, "queue": False})


def test_a_database_of_another_release_is_not_ready(whole: Site) -> None:
    with whole.store.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = 'older'"))
    assert ready(whole) == (503, {"database": False, "config": True, "queue": True})


def test_a_broken_edit_is_told_while_the_last_good_config_works_on(tmp_path: Path) -> None:
    with open_site(tmp_path) as first:
        assert first.app.test_client().get("/readyz").get_json()["config"]["problems"] == 0
    with open_site(tmp_path, config="nonsense = [") as second:  # a new process finds the broken file
        given = second.app.test_client().get("/readyz").get_json()["config"]
    assert given["ok"] is True
    assert given["problems"] == 1


def test_a_config_that_never_was_good_is_not_ready(tmp_path: Path) -> None:
    with open_site(tmp_path, config="nonsense = [") as site:
        assert ready(site)[1]["config"] is False


def test_metrics_count_what_is_in_the_database(whole: Site) -> None:
    now = clock.now()
    with whole.store.write() as session:
        rows = Rows(session, now)
        agent = rows.agent()
        customer = rows.customer(agent=agent)
        rows.message(customer, "在吗")
        rows.message(customer, "您好")
        rows.task(customer, agent, "您好", steps=3, state="delivered")
        session.add(Outbox(key="card:1", kind="card", payload={}, created_at=now, not_before=now))
        session.add(ArchiveCursor(corp_id="ww1", seq=42, pulled_at=now))
        session.add(
            Quarantine(seq=1, msgid="m", publickey_ver=1, sealed={}, reason="wrong key", created_at=now)
        )  # fmt: skip
    status, figures = metrics(whole)
    assert status == 200
    for line in (
        "tici_database_up 1.0",
        "tici_queue_up 1.0",
        "tici_messages 2.0",
        "tici_quarantine 1.0",
        'tici_outbox{state="waiting"} 1.0',
        'tici_tasks{state="delivered"} 1.0',
        'tici_tasks{state="planned"} 2.0',
        'tici_archive_cursor_seq{corp_id="ww1"} 42.0',
        'tici_queue_depth{queue="high"} 0.0',
    ):
        assert line in figures.splitlines()
    assert 'tici_archive_cursor_age_seconds{corp_id="ww1"}' in figures


def test_metrics_tell_when_the_database_does_not_answer(whole: Site) -> None:
    with whole.store.write() as session:
        session.execute(text("DROP TABLE quarantine"))
    status, figures = metrics(whole)
    assert status == 200
    assert "tici_database_up 0.0" in figures


@pytest.mark.parametrize(
    ("peer", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("10.0.0.7", {}, 403),
        ("10.0.0.7", {"Authorization": "Bearer let-me-in"}, 200),
        ("10.0.0.7", {"Authorization": "Bearer guess"}, 403),
        ("127.0.0.1", {"X-Forwarded-For": "8.8.8.8"}, 403),  # a proxy on this machine
        ("127.0.0.1", {"Forwarded": "for=8.8.8.8"}, 403),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 403),  # passed on by a proxy that nobody configured
        ("127.0.0.1", {"X-Real-IP": "8.8.8.8"}, 403),
        ("127.0.0.1", {"Via": "1.1 proxy"}, 403),
        ("10.0.0.7", {"X-Forwarded-For": "127.0.0.1"}, 403),
        ("", {}, 403),
    ],
)
def test_metrics_are_for_loopback_or_the_token(whole: Site, peer: str, headers: dict[str, str], status: int) -> None:
    assert metrics(whole, headers, peer)[0] == status


@pytest.mark.parametrize(
    ("peer", "told", "status"),
    [
        ("10.0.0.9", "127.0.0.1", 200),  # the configured proxy was asked from its own machine's loopback
        ("10.0.0.9", "127.0.0.1, 8.8.8.8", 403),  # what stands before the last may be invented
        ("10.0.0.9", "8.8.8.8, 10.0.0.9", 403),
        ("10.0.0.9", "nonsense", 403),
        ("10.0.1.9", "127.0.0.1", 403),  # not the configured one
        ("127.0.0.1", "127.0.0.1", 403),
        ("127.0.0.1", None, 200),
    ],
)
def test_metrics_believe_configured_proxies_only(tmp_path: Path, peer: str, told: str | None, status: int) -> None:
    with open_site(tmp_path, extra={"TICI_TRUSTED_PROXIES": "10.0.0.0/24"}) as site:
        assert metrics(site, {"X-Forwarded-For": told} if told else {}, peer)[0] == status
