"""Doctor checks of this installation: config, database, keys, disk, queue, processes."""

from __future__ import annotations

import os
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import redis
from rq import Worker
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError

from bot.ops.doctor.finding import BAD, OK, WARN, Finding, Probe
from bot.ops.given_up import ADVICE, read_given_up
from bot.ops.holidays import HOLIDAYS_MENDED, unknown_holidays
from bot.platform.config.parsing import ConfigError
from bot.platform.config.settings import load_settings
from bot.platform.database import schema
from bot.platform.database.store import get_status
from bot.platform.encryption import MissingKeyError
from bot.platform.environment import SurroundingsError
from bot.platform.models import Customer, Message
from bot.platform.queue import WORKER_SECONDS, connect_redis
from sop.workcalendar import unknown_year
from taggers.translatable import Translatable

_OLDEST = {"sqlite": (3, 35), "postgresql": (13,)}
_LITTLE, _TOO_LITTLE = 2 * 1024**3, 300 * 1024**2
_SILENT = timedelta(minutes=1)


def config(probe: Probe) -> Finding:
    path = probe.system.environment.config
    try:
        settings = probe.system.settings
    except MissingKeyError:  # told by the check of the keys; the file alone is looked at here
        return _file_alone(path)
    except ConfigError as error:
        return Finding(
            BAD,
            Translatable(
                "{name} 有 {n} 处错误：{problem}",
                name=path.name,
                n=len(error.problems),
                problem=str(error.problems[0]),
            ),
            "运行 flask check 看全部",
        )
    problems = probe.system.keeper.problems
    if problems:
        return Finding(
            BAD,
            Translatable(
                "文件有 {n} 处错误，仍按版本 {version} 运行：{problem}",
                n=len(problems),
                version=settings.version,
                problem=str(problems[0]),
            ),
            "运行 flask check 看全部",
        )
    return Finding(OK, Translatable("版本 {version}", version=settings.version))


def _file_alone(path: Path) -> Finding:
    try:
        return Finding(OK, Translatable("版本 {version}", version=load_settings(path).version))
    except ConfigError as error:
        found = Translatable("{name} 有 {n} 处错误：{problem}", name=path.name, n=len(error.problems),
                             problem=str(error.problems[0]))  # fmt: skip
        return Finding(BAD, found, "运行 flask check 看全部")


def holidays(probe: Probe) -> Finding:
    settings = probe.system.settings
    year = unknown_year(settings.workspace, probe.now.astimezone(settings.zone).date())
    return Finding(OK, "今年的都知道") if year is None else Finding(WARN, unknown_holidays(year), HOLIDAYS_MENDED)


def database(probe: Probe) -> Finding:
    engine = probe.system.store.engine
    try:
        with engine.connect() as connection:
            version = connection.dialect.server_version_info or ()
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        mend = "检查数据库是否在运行，以及 TICI_DATABASE_URL 里的地址、账号和密码"
        return Finding(BAD, Translatable("连不上（{kind}）", kind=type(error).__name__), mend)
    name, found = engine.dialect.name, ".".join(map(str, version))
    if tuple(version) < _OLDEST[name]:
        return Finding(
            BAD,
            Translatable("{name} {found} 太旧", name=name, found=found),
            Translatable("升级到 {version} 或更新", version=".".join(map(str, _OLDEST[name]))),
        )
    return Finding(OK, f"{name} {found}")


def migrations(probe: Probe) -> Finding:
    revision, head = schema.current_revision(probe.system.store.engine), schema.head_revision()
    if revision != head:
        return Finding(
            BAD,
            Translatable("是版本 {revision}，需要版本 {head}", revision=revision, head=head)
            if revision
            else Translatable("还是空的，需要版本 {head}", head=head),
            "运行 flask db upgrade",
        )
    return Finding(OK, Translatable("版本 {head}", head=head))


def data_keys(probe: Probe) -> Finding:
    mend = "把原来的密钥放回 TICI_DATA_KEYS（或 var/data.keys）；没有它，已存的消息谁也打不开"
    try:
        with probe.system.store.read() as session:
            session.scalar(select(Customer.name).order_by(Customer.id).limit(1))
            session.scalar(select(Message.line).order_by(Message.id).limit(1))
            session.scalar(select(Message.line).order_by(Message.id.desc()).limit(1))
    except (SurroundingsError, SQLAlchemyError) as error:
        why = str(error) if isinstance(error, SurroundingsError) else str(error)[:200]
        return Finding(BAD, Translatable("打不开已存的数据：{why}", why=why), mend)
    return Finding(OK, "能打开最早和最新的数据")


def disk(probe: Probe) -> Finding:
    var = probe.system.environment.var
    folder = var if var.exists() else var.parent
    return judge_space(shutil.disk_usage(folder).free, os.access(folder, os.W_OK))


def judge_space(free: int, writable: bool) -> Finding:
    """Judge the free bytes of the disk."""
    if not writable:
        return Finding(BAD, "TICI_VAR 的目录不能写", "把目录的属主改成运行 Tici 的用户")
    left = Translatable("还剩 {size} GB", size=f"{free / 1024**3:.1f}")
    if free < _TOO_LITTLE:
        return Finding(BAD, left, "马上清理磁盘：写满以后存档会停")
    if free < _LITTLE:
        return Finding(WARN, left, "清理磁盘，或在 [privacy.retention] 里缩短保留天数")
    return Finding(OK, left)


def redis_server(probe: Probe) -> Finding:
    url = probe.system.known_redis_url
    if url is None:
        return Finding(BAD, "内置 Valkey 没有运行", "启动 flask worker，它会自动启动 Valkey")
    try:
        version = connect_redis(url).info("server")["redis_version"]
    except redis.RedisError as error:
        mend = "检查 Redis 是否在运行，以及 TICI_REDIS_URL 里的地址和密码；消息不会丢，恢复后自动继续"
        return Finding(BAD, Translatable("连不上（{kind}）", kind=type(error).__name__), mend)
    return Finding(OK, Translatable("版本 {version}", version=version))


def redis_policy(probe: Probe) -> Finding:
    info = connect_redis(probe.system.known_redis_url or "").info("memory")
    policy = info.get("maxmemory_policy", "")
    if policy != "noeviction" and info.get("maxmemory", 0):
        mend = "redis-cli CONFIG SET maxmemory-policy noeviction，并写进 redis.conf"
        return Finding(
            BAD, Translatable("maxmemory-policy 是 {policy}：内存满时任务会被悄悄丢掉", policy=policy), mend
        )
    if policy != "noeviction":
        mend = "在 redis.conf 写 maxmemory-policy noeviction，免得以后设了 maxmemory 就丢任务"
        return Finding(WARN, Translatable("maxmemory-policy 是 {policy}", policy=policy), mend)
    return Finding(OK, policy)


def workers(probe: Probe) -> Finding:
    connection = connect_redis(probe.system.known_redis_url or "")
    # Redis forgets a worker that was killed when its heartbeats have not come for a while.
    count = sum(1 for worker in Worker.all(connection=connection) if _beats(worker.last_heartbeat))
    if not count:
        return Finding(BAD, "没有 worker 在运行", "运行 flask worker（用 systemd 或容器守着它）")
    return Finding(OK, Translatable("{n} 个在运行", n=count))


def _beats(last: datetime | None) -> bool:
    """Whether a heartbeat is recent, by the machine's clock: RQ uses it, even where a demo's clock was moved."""
    return last is not None and time.time() - last.replace(tzinfo=UTC).timestamp() < WORKER_SECONDS


def scheduler(probe: Probe) -> Finding:
    with probe.system.store.read() as session:
        status = get_status(session, "scheduler")
    if status is None or abs(probe.now - status.at) > _SILENT:
        return Finding(
            BAD, "没有在运行" if status is None else "停了", "运行 flask scheduler（用 systemd 或容器守着它）"
        )
    return Finding(OK, "在运行")


def given_up(probe: Probe) -> Finding:
    with probe.system.store.read() as session:
        found = read_given_up(session)
    if not found.can_retry:
        return Finding(OK, "没有放下的事件与调用")
    told = Translatable("{events} 个事件、{calls} 个调用试了几次都不成", events=found.events, calls=found.calls)
    return Finding(BAD, told, ADVICE)
