"""Before an upgrade: whether this release can take over the database, what it would change, and the way back."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from bot.ops.backup import BackupSummary, back_up
from bot.ops.doctor import host
from bot.ops.doctor.finding import BAD, OK, WARN, Finding, Probe
from bot.platform.config.parsing import ConfigError
from bot.platform.config.settings import load_settings
from bot.platform.database import schema
from bot.platform.database.store import get_status
from bot.platform.encryption import DataKeyError
from bot.system import System

_FRESH = timedelta(days=1)  # how old the last backup may be
_ALIVE = timedelta(minutes=1)
BACKUPS = "tici-*.zip"


@dataclass(frozen=True)
class Readiness:
    """One thing looked at before an upgrade."""

    title: str
    finding: Finding


def readiness(system: System, backups: Path, now: datetime) -> Iterator[Readiness]:
    """Everything that would stop an upgrade or make it hard to undo; nothing is changed."""
    yield Readiness("config.toml", _config(system))
    database = host.database(Probe(system, now))
    yield Readiness("数据库", database)
    if database.level == BAD:
        return
    yield Readiness("要改的", _changes(system))
    yield Readiness("加密密钥", _keys(system))
    yield Readiness("磁盘", _room(system))
    yield Readiness("备份", _backup(backups, now))
    yield Readiness("进程", _processes(system, now))


def before_upgrade(
    system: System, backups: Path, now: datetime, progress: Callable[[str, int], object]
) -> BackupSummary:
    """The backup by which one can go back: the database as the release before left it."""
    backups.mkdir(mode=0o700, parents=True, exist_ok=True)
    revision = schema.current_revision(system.store.engine)
    path = backups / f"tici-{now:%Y%m%dT%H%M%SZ}-before-{revision}.zip"
    return back_up(system, path, now, keys=False, on_progress=progress)


def is_running(system: System, now: datetime) -> bool:
    """Whether a scheduler has been at work within the last minute."""
    try:
        with system.store.read() as session:
            status = get_status(session, "scheduler")
    except SQLAlchemyError:
        return False  # an empty database
    return status is not None and now - status.at < _ALIVE


def keep_newest(folder: Path, keep: int) -> list[Path]:
    """Delete all but so many of the newest backups of a folder; returns what was deleted."""
    old = sorted(folder.glob(BACKUPS), key=lambda path: path.stat().st_mtime, reverse=True)[keep:]
    for path in old:
        path.unlink()
    return old


def _config(system: System) -> Finding:
    path = system.environment.config
    try:
        return Finding(OK, f"版本 {load_settings(path).version}")
    except ConfigError as error:
        told = f"{path.name} 有 {len(error.problems)} 处错误：{error.problems[0]}"
        return Finding(BAD, told, "运行 flask check 看全部")


def _changes(system: System) -> Finding:
    found, head = schema.current_revision(system.store.engine), schema.head_revision()
    if found == head:
        return Finding(OK, f"数据库已是版本 {head}，不用改")
    steps = schema.steps_from(found)
    if steps is None:
        mend = "程序比数据库旧：换回数据库所属的那一版程序，或从升级前的备份恢复"
        return Finding(BAD, f"这一版程序不认识数据库的版本 {found}", mend)
    return Finding(OK, f"从 {found or '—'} 到 {head}，共 {len(steps)} 步")


def _keys(system: System) -> Finding:
    try:
        system.store.verify(again=True)
    except DataKeyError as error:
        return Finding(BAD, str(error), "放回原来的 data.keys 再升级")
    except SQLAlchemyError:
        return Finding(OK, "数据库还是空的")
    return Finding(OK, "与数据库的一致")


def _room(system: System) -> Finding:
    """SQLite is copied in parts while it changes, and the backup lies beside it."""
    url = make_url(system.environment.database_url)
    path = Path(url.database or "") if url.get_backend_name() == "sqlite" else None
    size = path.stat().st_size if path is not None and path.exists() else 0
    free = shutil.disk_usage(system.environment.var).free
    told = f"还剩 {free / 1024**3:.1f} GB"
    mend = f"至少要有数据库的两倍：{2 * size / 1024**3:.1f} GB"
    return Finding(BAD, told, mend) if free < 2 * size else Finding(OK, told)


def _backup(folder: Path, now: datetime) -> Finding:
    newest = max((path.stat().st_mtime for path in folder.glob(BACKUPS)), default=None)
    mend = f"运行 flask backup --folder {folder}；flask upgrade 自己也会先备份一份"
    if newest is None:
        return Finding(WARN, f"{folder} 里还没有备份", mend)
    age = now - datetime.fromtimestamp(newest, UTC)
    told = f"最近一份是 {max(0, int(age.total_seconds() // 3600))} 小时前的"
    return Finding(OK, told) if age < _FRESH else Finding(WARN, told, mend)


def _processes(system: System, now: datetime) -> Finding:
    if is_running(system, now):
        return Finding(WARN, "Tici 还在运行", "升级前停掉网页、worker 与 scheduler")
    return Finding(OK, "都停了")
