"""Rows of the settings pages: system health, versions of the config, quarantined messages, people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import redis
from sqlalchemy import Row, func, or_, select
from sqlalchemy.orm import Session

from bot.agents.accounts import role_by_wecom, role_of
from bot.delivery.pauses import PAUSE
from bot.intake.archive_lag import archive_lag, gaps
from bot.intake.pull import TROUBLE
from bot.ops.given_up import read_given_up
from bot.platform.config.reload import STATUS
from bot.platform.database.alarms import alarms
from bot.platform.database.store import get_status
from bot.platform.models import (
    Account,
    Agent,
    Alarm,
    ArchiveCursor,
    ArchiveGap,
    Breaker,
    CallbackEvent,
    ConfigVersion,
    Outbox,
    Quarantine,
    Status,
)
from bot.platform.queue import JobQueue, connect_redis
from bot.platform.stored_sentences import as_translatable
from bot.system import System
from taggers.translatable import Translatable

PAGE = 50
SCHEDULER_SILENT = timedelta(seconds=60)
PULLED_LATE, PULLED_TOO_LATE = timedelta(minutes=5), timedelta(hours=1)


@dataclass(frozen=True)
class SystemHealth:
    """The system's health at a moment. levels: ok | warn | bad. queue: waiting jobs, None where Redis is away."""

    database: str
    corp_id: str | None
    has_callback: bool
    has_archive: bool
    version: str | None
    problems: Sequence[str]
    seq: int | None
    pulled_at: datetime | None
    pulled_level: str
    lag: timedelta | None
    trouble: str
    gaps: Sequence[ArchiveGap]
    quarantined: int
    waiting: int
    failed: int
    last_error: str
    events: int
    given_up: int
    pauses: Sequence[str]
    scheduler_at: datetime | None
    scheduler_runs: bool
    queue: int | None
    alarms: Sequence[Alarm]


def read_system_health(system: System, now: datetime) -> SystemHealth:
    """Figures that cost little however large the database is: everything here has an index, or few rows."""
    access = system.environment.wecom
    queue = _queue_depth(system)
    with system.store.read() as session:
        config, trouble, scheduler = (get_status(session, name) for name in (STATUS, TROUBLE, "scheduler"))
        cursor = session.scalars(select(ArchiveCursor).limit(1)).first()
        pulled_at = cursor.pulled_at if cursor else None
        failed = _count(session, Outbox, Outbox.state.in_(("failed", "unknown")))
        return SystemHealth(
            database=session.get_bind().dialect.name,
            corp_id=access.corp_id if access else None,
            has_callback=access is not None and access.has_callback,
            has_archive=access is not None and access.has_archive,
            version=config.value["version"] if config else None,
            problems=_known(system, config.value["problems"]) if config else [],
            seq=cursor.seq if cursor else None,
            pulled_at=pulled_at,
            pulled_level=_pulled_level(pulled_at, now),
            lag=archive_lag(session, now),
            trouble=trouble.value["why"] if trouble else "",
            gaps=gaps(session)[:5],
            quarantined=_count(session, Quarantine, Quarantine.released_at.is_(None)),
            waiting=_count(session, Outbox, Outbox.state.in_(("waiting", "sending")), Outbox.not_before <= now),
            failed=failed,
            last_error=_last_error(session) if failed else "",
            events=_count(session, CallbackEvent, CallbackEvent.handled_at.is_(None)),
            given_up=read_given_up(session).can_retry,
            pauses=_pauses(session, now),
            scheduler_at=scheduler.at if scheduler else None,
            scheduler_runs=scheduler is not None and now - scheduler.at <= SCHEDULER_SILENT,
            queue=queue,
            alarms=alarms(session),
        )


def _known(system: System, problems: Sequence[str]) -> list[str]:
    """Problems that some process stored as text; those this process found too as its own, which can be translated."""
    ours = {str(one): str(one) for one in system.keeper.problems}
    return [ours.get(one, one) for one in problems]


def _pulled_level(pulled_at: datetime | None, now: datetime) -> str:
    if pulled_at is None or now - pulled_at >= PULLED_TOO_LATE:
        return "bad"
    return "ok" if now - pulled_at < PULLED_LATE else "warn"


def _count(session: Session, model: type, *conditions: object) -> int:
    return session.scalar(select(func.count()).select_from(model).where(*conditions)) or 0  # type: ignore[arg-type]


def _last_error(session: Session) -> str:
    newest = select(Outbox.error).where(Outbox.state.in_(("failed", "unknown"))).order_by(Outbox.not_before.desc())
    return session.scalar(newest.limit(1)) or ""


def _pauses(session: Session, now: datetime) -> list[str]:
    """Calls to WeCom that are paused at present, and why."""
    rows = session.scalars(select(Status).where(Status.name.startswith(PAUSE)).order_by(Status.name))
    paused = [row.value["why"] for row in rows if datetime.fromisoformat(row.value["until"]) > now]
    broken = select(Breaker).where(Breaker.until > now).order_by(Breaker.name)
    return paused + [
        Translatable("{name}：{why}", name=row.name, why=as_translatable(row.why)) for row in session.scalars(broken)
    ]


def _queue_depth(system: System) -> int | None:
    url = system.known_redis_url
    if url is None:
        return None
    connection = connect_redis(url)
    try:
        return sum(JobQueue(connection).depth().values())
    except redis.RedisError:
        return None
    finally:
        connection.close()


# -- versions of the config --------------------------------------------------------------------------------


def read_versions(session: Session, skip: int) -> Sequence[Row[str, datetime]]:
    """The newest first, without their texts; one more than a page where there are more."""
    newest = select(ConfigVersion.version, ConfigVersion.loaded_at).order_by(
        ConfigVersion.loaded_at.desc(), ConfigVersion.version
    )
    return session.execute(newest.offset(skip).limit(PAGE + 1)).all()


def read_version(session: Session, version: str) -> tuple[ConfigVersion, ConfigVersion | None] | None:
    """A version and the one that was in force before it."""
    found = session.get(ConfigVersion, version)
    if found is None:
        return None
    before = select(ConfigVersion).where(ConfigVersion.loaded_at < found.loaded_at)
    return found, session.scalars(before.order_by(ConfigVersion.loaded_at.desc()).limit(1)).first()


# -- what could not be read --------------------------------------------------------------------------------


def read_quarantine(session: Session, after: int) -> Sequence[Quarantine]:
    """Archive rows put aside, in the archive's order from beyond this seq; one more than a page."""
    held = select(Quarantine).where(Quarantine.released_at.is_(None), Quarantine.seq > after)
    return session.scalars(held.order_by(Quarantine.seq).limit(PAGE + 1)).all()


# -- people ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AccountRow:
    """Someone who may sign in: a local account, or an agent, who gets an account at their first sign-in."""

    kind: str  # account | agent
    id: int
    name: str
    userid: str
    role: str
    chosen_by: str
    signed_in_at: datetime | None
    account_id: int | None
    disabled: bool
    left: bool


def read_local_accounts(session: Session, words: str) -> list[AccountRow]:
    """The local accounts, all of them: there are few."""
    accounts = select(Account).where(Account.agent_id.is_(None)).order_by(Account.id)
    if words:
        accounts = accounts.where(Account.name.icontains(words, autoescape=True))
    return [_local_row(account) for account in session.scalars(accounts)]


def read_agents(session: Session, words: str, after: int) -> list[AccountRow]:
    """Agents with their accounts from beyond this id; one more than a page."""
    rows = select(Agent, Account).join(Account, Account.agent_id == Agent.id, isouter=True).where(Agent.id > after)
    if words:
        named = Agent.name.icontains(words, autoescape=True), Agent.key.contains(words.casefold(), autoescape=True)
        rows = rows.where(or_(*named))
    found = session.execute(rows.order_by(Agent.id).limit(PAGE + 1)).unique().all()
    return [_agent_row(agent, account) for agent, account in found]


def read_account_row(session: Session, kind: str, row_id: int) -> AccountRow | None:
    """One person's row, read again after a change."""
    if kind == "agent":
        agent = session.get(Agent, row_id)
        account = session.scalar(select(Account).where(Account.agent_id == row_id))
        return _agent_row(agent, account) if agent else None
    found = session.get(Account, row_id)
    return _local_row(found) if found else None


def _agent_row(agent: Agent, account: Account | None) -> AccountRow:
    return AccountRow(
        kind="agent",
        id=agent.id,
        name=agent.shown_name,
        userid=agent.userid,
        role=role_of(account) if account else role_by_wecom(agent),
        chosen_by=account.role_by if account else "",
        signed_in_at=account.signed_in_at if account else None,
        account_id=account.id if account else None,
        disabled=account is not None and account.disabled_at is not None,
        left=agent.left_at is not None,
    )


def _local_row(account: Account) -> AccountRow:
    return AccountRow(
        kind="account",
        id=account.id,
        name=account.name or "",
        userid="",
        role=account.role,
        chosen_by=account.role_by,
        signed_in_at=account.signed_in_at,
        account_id=account.id,
        disabled=account.disabled_at is not None,
        left=False,
    )
