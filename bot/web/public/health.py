"""Health for machines: whether the process is alive and ready, and its metrics."""

from __future__ import annotations

import hmac
from datetime import datetime
from typing import Any

import redis
from flask import Blueprint, Response, jsonify, request
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import InstrumentedAttribute, Session

from bot.intake.archive_lag import archive_lag, gaps
from bot.intake.callback import COUNTED
from bot.ops.given_up import event_given_up
from bot.platform import clock
from bot.platform.config.parsing import ConfigError
from bot.platform.database.alarms import alarms
from bot.platform.database.schema import current_revision, head_revision
from bot.platform.database.store import get_status
from bot.platform.disk import free_megabytes, must_wait
from bot.platform.encryption import DataKeyError
from bot.platform.gateway.call_counts import totals
from bot.platform.models import ArchiveCursor, CallbackEvent, Message, Outbox, Quarantine, SopTask
from bot.platform.queue import JobQueue, connect_redis
from bot.platform.queued_job import REFUSED
from bot.system import System
from bot.web.layout.requests import current_system, is_from_here

pages = Blueprint("health", __name__)


@pages.get("/healthz")
def healthz() -> Response:
    """200 while the process can answer at all; a second line where what can wait waits for room on the disk."""
    environment = current_system().environment
    if not must_wait(environment):
        return Response("ok\n", mimetype="text/plain")
    left = f"disk low: {free_megabytes(environment)} MB left, files and backtests wait\n"
    return Response(f"ok\n{left}", mimetype="text/plain")


@pages.get("/readyz")
def readyz() -> tuple[Response, int]:
    """200 when database, config and queue can be worked with, else 503; each with the reason."""
    system = current_system()
    parts = {"database": _database(system), "config": _config(system), "queue": _queue(system)}
    ready = all(part["ok"] for part in parts.values())
    return jsonify({"ready": ready, **parts}), 200 if ready else 503


@pages.get("/metrics")
def metrics() -> Response:
    """Prometheus text, to loopback or to the bearer of TICI_METRICS_TOKEN."""
    system = current_system()
    if not _may_measure(system.environment.metrics_token):
        return Response("metrics: loopback only, or send TICI_METRICS_TOKEN as a bearer token\n", 403)
    registry = CollectorRegistry()
    _count_database(registry, system, clock.now())
    _count_queue(registry, system)
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _database(system: System) -> dict[str, Any]:
    try:
        found = current_revision(system.store.engine)
    except SQLAlchemyError as error:
        return {"ok": False, "why": f"数据库连不上（{type(error).__name__}），请检查 TICI_DATABASE_URL"}
    if found != head_revision():
        return {"ok": False, "why": "数据库还没有升级，请运行 flask db upgrade", "revision": found}
    try:
        system.store.verify()
    except DataKeyError as error:
        return {"ok": False, "why": str(error)}
    return {"ok": True, "revision": found}


def _config(system: System) -> dict[str, Any]:
    try:
        settings = system.settings
    except ConfigError as error:
        return {"ok": False, "why": f"config.toml 有 {len(error.problems)} 处错误，请运行 flask check"}
    except SQLAlchemyError as error:
        return {"ok": False, "why": f"读不到配置（{type(error).__name__}）"}
    refused = len(system.keeper.problems)  # the last good version stays in force: no reason to be unready
    return {"ok": True, "version": settings.version, "problems": refused}


def _queue(system: System) -> dict[str, Any]:
    url = system.known_redis_url
    if url is None:
        return {"ok": False, "why": "没有运行中的队列，请启动 flask worker 或设置 TICI_REDIS_URL"}
    try:
        return {"ok": True, "depth": JobQueue(connect_redis(url)).depth()}
    except redis.RedisError as error:
        return {"ok": False, "why": f"队列没有应答（{type(error).__name__}），请检查 TICI_REDIS_URL"}


def _may_measure(token: str | None) -> bool:
    given = request.headers.get("Authorization", "")
    if token and hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        return True
    return is_from_here()


def _count_database(registry: CollectorRegistry, system: System, now: datetime) -> None:
    up = Gauge("tici_database_up", "1 while the database answers", registry=registry)
    try:
        with system.store.read() as session:
            _count_rows(registry, session, now)
    except SQLAlchemyError:
        up.set(0)
    else:
        up.set(1)


def _count_rows(registry: CollectorRegistry, session: Session, now: datetime) -> None:
    counted = {
        "tici_messages": ("Archived messages stored", select(func.count()).select_from(Message)),
        "tici_quarantine": (
            "Archive rows that could not be read and wait",
            select(func.count()).select_from(Quarantine).where(Quarantine.released_at.is_(None)),
        ),
        "tici_callbacks_given_up": (
            "Callbacks given up after several tries",
            select(func.count()).select_from(CallbackEvent).where(event_given_up()),
        ),
        "tici_callbacks_open": (
            "Callbacks stored and not yet handled",
            select(func.count()).select_from(CallbackEvent).where(CallbackEvent.handled_at.is_(None)),
        ),
    }
    for name, (meaning, query) in counted.items():
        Gauge(name, meaning, registry=registry).set(session.scalar(query) or 0)
    _count_by(registry, session, "tici_outbox", "Outbox rows by state", Outbox.state)
    _count_by(registry, session, "tici_tasks", "SOP tasks by state", SopTask.state)
    calls = Counter("tici_wecom_calls", "Calls to WeCom; held: not made", ["api", "errcode"], registry=registry)
    replayed = Counter("tici_callbacks_replayed", "Authentic callbacks refused for their age", registry=registry)
    for api, errcode, number in totals(session):
        replayed.inc(number) if api == COUNTED else calls.labels(api, errcode).inc(number)
    refused = get_status(session, REFUSED)
    jobs = Counter("tici_jobs_refused", "Jobs that somebody else wrote into the queue", registry=registry)
    jobs.inc(int(refused.value["count"]) if refused is not None else 0)
    wrong = Gauge("tici_alarm", "1 for each alarm that lasts", ["name"], registry=registry)
    for alarm in alarms(session):
        wrong.labels(alarm.name).set(1)
    age = Gauge("tici_archive_cursor_age_seconds", "Since the last pull", ["corp_id"], registry=registry)
    seq = Gauge("tici_archive_cursor_seq", "Largest seq stored", ["corp_id"], registry=registry)
    for cursor in session.scalars(select(ArchiveCursor)):
        seq.labels(cursor.corp_id).set(cursor.seq)
        if cursor.pulled_at is not None:
            age.labels(cursor.corp_id).set((now - cursor.pulled_at).total_seconds())
    lag = archive_lag(session, now)
    if lag is not None:
        behind = Gauge("tici_archive_lag_seconds", "How old what was not read yet may be", registry=registry)
        behind.set(lag.total_seconds())
    lost = Gauge("tici_archive_gaps", "Stretches that WeCom threw away before they were read", registry=registry)
    lost.set(len(gaps(session)))


def _count_by(
    registry: CollectorRegistry, session: Session, name: str, meaning: str, column: InstrumentedAttribute[str]
) -> None:
    gauge = Gauge(name, meaning, ["state"], registry=registry)
    for state, rows in session.execute(select(column, func.count()).group_by(column)):
        gauge.labels(state).set(rows)


def _count_queue(registry: CollectorRegistry, system: System) -> None:
    up = Gauge("tici_queue_up", "1 while the queue answers", registry=registry)
    depth = Gauge("tici_queue_depth", "Waiting jobs", ["queue"], registry=registry)
    found = _queue(system)
    up.set(1 if found["ok"] else 0)
    for name, jobs in found.get("depth", {}).items():
        depth.labels(name).set(jobs)
