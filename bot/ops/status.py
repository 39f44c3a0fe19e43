"""Status (`flask status`): the state of the system as lines of a short table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import redis
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.delivery.pauses import PAUSE
from bot.intake.archive_lag import gaps
from bot.intake.pull import TROUBLE
from bot.ops.given_up import ADVICE, read_given_up
from bot.ops.holidays import HOLIDAYS_MENDED, unknown_holidays, unknown_year_in_force
from bot.platform.config.reload import STATUS
from bot.platform.database import schema
from bot.platform.database.alarms import alarms
from bot.platform.database.store import get_status
from bot.platform.models import ArchiveCursor, CallbackEvent, Customer, Message, Outbox, Quarantine, SopTask, Status
from bot.platform.queue import JobQueue, connect_redis
from bot.system import System

_STATES = {
    "planned": "计划中",
    "queued": "待发卡片",
    "delivered": "已提醒",
    "completed": "已发送",
    "replied": "已回复",
    "expired": "过期",
    "cancelled": "取消",
    "failed": "失败",
    "unknown": "不明",
}


@dataclass(frozen=True)
class StatusLine:
    """One line of the table. level: ok, warn or bad, or fact where nothing is judged; advice: what to do about it."""

    what: str
    value: str
    level: str = "ok"
    advice: str = ""


def system_status(system: System, now: datetime) -> list[StatusLine]:
    """Collect the lines; reads only and starts nothing."""
    revision, head = schema.current_revision(system.store.engine), schema.head_revision()
    if revision != head:
        return [
            StatusLine(
                "数据库",
                f"{f'版本 {revision}' if revision else '还是空的'}，需要版本 {head}",
                "bad",
                "运行 flask db upgrade",
            )
        ]
    with system.store.read() as session:
        return [
            StatusLine("数据库", f"{system.store.engine.dialect.name}，版本 {head}"),
            *_access(system),
            *_config(session),
            *_holidays(session, now),
            *_archive(system, session, now),
            *_work(session, now),
            *_given_up(session),
            *_sync(session),
            *_pause(session, now),
            *_alarms(session, now),
            _scheduler(session, now),
            _queue(system),
        ]


def _access(system: System) -> list[StatusLine]:
    """WeCom access as this process's environment has it; other processes may have other variables."""
    access = system.environment.wecom
    if access is None:
        advice = "设置 WECOM_CORP_ID 等环境变量，见 docs/wecom.zh-CN.md"
        return [StatusLine("企业微信", "这个终端里没有接入信息", "warn", advice)]
    if access.has_archive and access.archive == "native" and not access.finance_sdk:
        advice = "下载会话存档 SDK，把 libWeWorkFinanceSdk_C.so 的路径写进 WECOM_FINANCE_SDK"
        return [StatusLine("企业微信", f"{access.corp_id}，读不了会话存档", "bad", advice)]
    if not access.has_callback:
        advice = "设置 WECOM_CALLBACK_TOKEN 与 WECOM_CALLBACK_AES_KEY，见 docs/wecom.zh-CN.md 第 3 步"
        return [StatusLine("企业微信", f"{access.corp_id}，还收不到回调", "warn", advice)]
    return [StatusLine("企业微信", access.corp_id)]


def _config(session: Session) -> list[StatusLine]:
    status = get_status(session, STATUS)
    if status is None:
        return [StatusLine("配置", "还没有进程读过", "warn", "启动 worker 后再看")]
    problems = status.value["problems"]
    if not problems:
        return [StatusLine("配置", f"版本 {status.value['version']}")]
    head = StatusLine(
        "配置", f"文件有 {len(problems)} 处错误，仍按版本 {status.value['version']} 运行", "bad", "按下列提示修改"
    )
    return [head, *(StatusLine("", problem, "bad") for problem in problems[:5])]


def _holidays(session: Session, now: datetime) -> list[StatusLine]:
    year = unknown_year_in_force(session, now)
    return [] if year is None else [StatusLine("节假日", unknown_holidays(year), "warn", HOLIDAYS_MENDED)]


def _archive(system: System, session: Session, now: datetime) -> list[StatusLine]:
    access = system.environment.wecom
    cursor = session.scalars(select(ArchiveCursor)).first()
    stored = session.scalar(select(func.count()).select_from(Message)) or 0
    lines = [
        StatusLine(
            "客户 / 消息", f"{session.scalar(select(func.count()).select_from(Customer)) or 0} / {stored}", "fact"
        )
    ]
    if access is not None and not access.has_archive:
        advice = "设置 WECOM_ARCHIVE_SECRET，见 docs/wecom.zh-CN.md 第 6 步；在这之前听不到客户说话"
        return [*lines, StatusLine("会话存档", "还没有接入", "warn", advice)]
    if cursor is None or cursor.pulled_at is None:
        return [
            *lines,
            *_trouble(session),
            StatusLine("会话存档", "还没有拉取过", "warn", "检查 worker 与 scheduler 是否在运行"),
        ]
    age = (now - cursor.pulled_at).total_seconds()
    level = "ok" if age < 300 else "warn" if age < 3600 else "bad"
    advice = "" if level == "ok" else "存档只保留 5 天：尽快检查 worker、网络与 WECOM_ARCHIVE_SECRET"
    lines.append(StatusLine("会话存档", f"seq {cursor.seq}，{_ago(age)}前拉取", level, advice))
    lines += _trouble(session)
    lines += _lost(session)
    held = session.scalar(select(func.count()).select_from(Quarantine).where(Quarantine.released_at.is_(None))) or 0
    if held:
        reason = session.scalar(select(Quarantine.reason).where(Quarantine.released_at.is_(None)).limit(1))
        lines.append(StatusLine("隔离区", f"{held} 条读不出", "bad", f"{reason}；处理后运行 flask quarantine replay"))
    return lines


def _lost(session: Session) -> list[StatusLine]:
    """Gaps in the archive: what WeCom had deleted before it was read."""
    advice = "企业微信只保存几天，丢掉的取不回来；请让 worker 与 scheduler 一直运行"
    return [
        StatusLine(
            "存档缺口",
            f"seq {gap.after_seq} 之后{f'到 {gap.before_seq} 之前' if gap.before_seq else ''}",
            "warn",
            advice,
        )
        for gap in gaps(session)[:5]
    ]


def _trouble(session: Session) -> list[StatusLine]:
    status = get_status(session, TROUBLE)
    return [StatusLine("会话存档", "上次没有读成", "bad", status.value["why"])] if status is not None else []


def _work(session: Session, now: datetime) -> list[StatusLine]:
    waiting = select(func.count()).where(Outbox.state.in_(("waiting", "sending")), Outbox.not_before <= now)
    failed = select(func.count()).where(Outbox.state.in_(("failed", "unknown")))
    events = select(func.count()).where(CallbackEvent.handled_at.is_(None))
    counted = select(SopTask.state, func.count()).group_by(SopTask.state)
    tasks = dict(session.execute(counted).all())
    said = "，".join(f"{_STATES.get(state, state)} {count}" for state, count in tasks.items()) or "还没有"
    lost = session.scalar(failed) or 0
    error = session.scalar(select(Outbox.error).where(Outbox.state == "failed").order_by(Outbox.id.desc()).limit(1))
    return [
        StatusLine("SOP 任务", said, "fact"),
        StatusLine("待送出 / 待处理事件", f"{session.scalar(waiting) or 0} / {session.scalar(events) or 0}"),
        StatusLine("送不出", str(lost), "warn" if lost else "ok", f"最近：{error}" if lost and error else ""),
    ]


def _given_up(session: Session) -> list[StatusLine]:
    """What nobody will do any more unless somebody says so."""
    found = read_given_up(session)
    if not found.can_retry:
        return []
    why = f"；最近：{found.why}" if found.why else ""
    told = f"{found.events} 个事件、{found.calls} 个调用试了几次都不成{why}"
    return [StatusLine("没处理成", told, "bad", ADVICE)]


def _sync(session: Session) -> list[StatusLine]:
    """The last comparison with WeCom, and where its tag library differs from the config."""
    lines = []
    compared, library = get_status(session, "reconcile"), get_status(session, "tag_library")
    if compared is not None and compared.value["follows"]:
        found = compared.value["drift"]
        lines.append(
            StatusLine("核对企业微信", f"{compared.value['day']}：{compared.value['follows']} 位客户，{found} 处不同")
        )
    drift = library.value["drift"] if library is not None else []
    advice = "改回原名，或运行 flask wecom reconcile"
    return lines + [StatusLine("企业微信标签库", what, "warn", advice) for what in drift]


def _pause(session: Session, now: datetime) -> list[StatusLine]:
    paused = select(Status).where(Status.name.startswith(PAUSE)).order_by(Status.name)
    return [
        StatusLine("企业微信调用", f"已暂停{row.name.removeprefix(PAUSE)}", "bad", row.value["why"])
        for row in session.scalars(paused)
        if datetime.fromisoformat(row.value["until"]) > now
    ]


def _alarms(session: Session, now: datetime) -> list[StatusLine]:
    return [
        StatusLine("告警", f"{_ago((now - alarm.raised_at).total_seconds())}前起", "bad", alarm.text)
        for alarm in alarms(session)
    ]


def _scheduler(session: Session, now: datetime) -> StatusLine:
    status = get_status(session, "scheduler")
    age = (now - status.at).total_seconds() if status else None
    if age is None or age > 60:
        return StatusLine(
            "调度器", "没有在运行" if age is None else f"{_ago(age)}前停了", "bad", "运行 flask scheduler"
        )
    return StatusLine("调度器", "运行中")


def _queue(system: System) -> StatusLine:
    url = system.known_redis_url
    if url is None:
        return StatusLine("队列", "内置 Valkey 没有运行", "warn", "启动 worker 时会自动启动")
    try:
        depth = JobQueue(connect_redis(url)).depth()
    except redis.RedisError as error:
        return StatusLine(
            "队列", f"连不上（{type(error).__name__}）", "bad", "检查 TICI_REDIS_URL；消息不会丢，恢复后自动继续"
        )
    return StatusLine("队列", f"{sum(depth.values())} 个待办")


def _ago(seconds: float) -> str:
    seconds = max(seconds, 0)  # a demo whose clock was moved is ahead of this process
    if seconds < 120:
        return f"{seconds:.0f} 秒"
    return f"{seconds / 60:.0f} 分钟" if seconds < 7200 else f"{seconds / 3600:.0f} 小时"
