"""Accounts: creates, enables and disables them, sets roles and passwords; writes each change to the audit log."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.agents.passwords import check_password_rules, hash_password
from bot.customers.identity import find_agents
from bot.platform.database.audit_log import record
from bot.platform.database.store import insert_new
from bot.platform.models import Account, Agent
from bot.wecom.errors import BotError

ROLES = ("admin", "leader", "agent", "auditor")
_LONGEST_NAME = 40


class AccountError(BotError):
    """A change to an account that is refused; the text says why and what to do."""


def find_account(session: Session, name: str) -> Account | None:
    """The local account of this name, else the one of the agent with this userid."""
    local = session.scalar(select(Account).where(Account.name == name))
    agents = select(Account).join(Agent, Agent.id == Account.agent_id).where(Agent.key == name.casefold())
    return local or session.scalar(agents)


@dataclass(frozen=True)
class NewAccount:
    """A local account to be created."""

    name: str
    password: str = field(repr=False)  # no traceback and no log may show it
    role: str


def create_account(session: Session, wanted: NewAccount, by: str, now: datetime) -> Account:
    """Create a local account; raises AccountError or WeakPasswordError."""
    name = wanted.name.strip()
    if not 2 <= len(name) <= _LONGEST_NAME or not name.isprintable():
        raise AccountError(f"名字要 2 到 {_LONGEST_NAME} 个可见字符")
    check_password_rules(wanted.password, name)
    role = _valid_role(wanted.role)
    row = {
        "name": name,
        "password": hash_password(wanted.password),
        "role": role,
        "role_by": by,
        "created_at": now,
    }
    if not insert_new(session, Account, [row], ["name"]):
        raise AccountError(f"已经有名为「{name}」的账号；要改密码请用 flask admin password {name}")
    account = session.scalars(select(Account).where(Account.name == name)).one()
    record(session, by, "account.create", _subject(account), now, name=name, role=role)
    return account


def account_of_member(session: Session, userid: str, now: datetime) -> Account:
    """The account of a member whom WeCom has just authenticated; created at their first sign-in.

    Their role follows WeCom (a department's leader, else an agent) until an admin chooses one.
    """
    agent = find_agents(session, [userid], now)[userid.casefold()]
    agent.left_at = None
    account = account_of(session, agent, now)
    account.role = role_of(account)
    return account


def role_of(account: Account) -> str:
    """The role in force: what an admin chose, else what the agent is in WeCom at present."""
    if account.role_by or account.agent is None:
        return account.role
    return role_by_wecom(account.agent)


def account_of(session: Session, agent: Agent, now: datetime) -> Account:
    """An agent's account, created if they have not signed in yet."""
    row = {"agent_id": agent.id, "role": role_by_wecom(agent), "created_at": now}
    insert_new(session, Account, [row], ["agent_id"])
    return session.scalars(select(Account).where(Account.agent_id == agent.id)).one()


def choose_role(session: Session, account: Account, role: str, by: str, now: datetime) -> None:
    """Give an account a role; raises AccountError where nobody would be left to administer."""
    if _valid_role(role) == account.role and account.role_by:
        return
    if role != "admin":
        _check_other_admin(session, account)
    record(
        session, by, "account.role", _subject(account), now, name=display_name(account), was=account.role, role=role
    )
    account.role, account.role_by = role, by


def choose_password(session: Session, account: Account, password: str, by: str, now: datetime) -> None:
    """Give a local account another password, which ends its sessions; raises AccountError or WeakPasswordError."""
    if account.name is None:
        raise AccountError("员工用企业微信登录，没有密码")
    check_password_rules(password, account.name)
    account.password = hash_password(password)
    account.serial += 1
    record(session, by, "account.password", _subject(account), now, name=account.name)


def disable(session: Session, account: Account, by: str, now: datetime) -> None:
    """Disable an account and end its sessions. Raises AccountError for the last admin."""
    if account.disabled_at is not None:
        return
    _check_other_admin(session, account)
    account.disabled_at = now
    account.serial += 1
    record(session, by, "account.disable", _subject(account), now, name=display_name(account))


def enable(session: Session, account: Account, by: str, now: datetime) -> None:
    """Enable an account again; its old sessions stay ended."""
    if account.disabled_at is None:
        return
    account.disabled_at = None
    record(session, by, "account.enable", _subject(account), now, name=display_name(account))


def end_sessions(session: Session, account: Account, by: str, now: datetime) -> None:
    """Sign an account out of every browser."""
    account.serial += 1
    record(session, by, "account.sign-out", _subject(account), now, name=display_name(account))


def display_name(account: Account) -> str:
    """An account's name for people."""
    return account.name or (account.agent.shown_name if account.agent else "") or f"#{account.id}"


def role_by_wecom(agent: Agent) -> str:
    """The role of an agent until an admin chooses another."""
    return "leader" if agent.leads else "agent"


def _check_other_admin(session: Session, account: Account) -> None:
    """Raise AccountError if no other admin would be left. The rows are locked in order, so that two admins who demote
    each other at the same moment wait for one another here instead of both succeeding."""
    if account.role != "admin" or account.disabled_at is not None:
        return
    admins = (
        select(Account.id)
        .join(Agent, Agent.id == Account.agent_id, isouter=True)
        .where(Account.role == "admin", Account.disabled_at.is_(None), Agent.left_at.is_(None))
        .order_by(Account.id)
        .with_for_update(of=Account)
    )
    if not set(session.scalars(admins)) - {account.id}:
        raise AccountError("这是最后一位管理员。请先让另一位成为管理员，再做这一步")


def _valid_role(role: str) -> str:
    if role not in ROLES:
        raise AccountError(f"没有「{role}」这个角色，可选：{'、'.join(ROLES)}")
    return role


def _subject(account: Account) -> str:
    return f"account:{account.id}"
