"""Directory comparison: members, departments and groups in WeCom against ours; takes in what no event told of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import or_, select

from bot.agents.members import NO_SUCH_MEMBER, OUT_OF_SIGHT, note_left, take_departments, take_people, take_person
from bot.customers.group_chats import record_dismissed, take_group
from bot.platform.models import Agent, GroupChat
from bot.platform.work import Work
from bot.sync.drift import Drift, Reconciliation
from bot.wecom import directory, groups
from bot.wecom.directory import WeComDepartment, WeComMember
from bot.wecom.errors import WeComError
from bot.wecom.groups import WeComGroup

if TYPE_CHECKING:
    from bot.system import System

SILENT_FOR = timedelta(days=7)  # a group with words since then exists, even where our app cannot see its owner
_NOT_A_GROUP = frozenset({90501, 40050})  # not a customer group; no such chat id


def take_in_staff(system: System) -> None:
    """Take in all departments and members, so that names and leaders are known before anybody says a word."""
    compare_staff(system, Reconciliation("newest", ""))


def compare_staff(system: System, run: Reconciliation) -> None:
    """Read all departments and members that our app sees, and ask for those of ours whom it does not list."""
    departments = directory.departments(system.wecom)
    listed: dict[str, WeComMember] = {}
    for department in departments:
        listed |= {found.userid.casefold(): found for found in directory.people(system.wecom, department.id)}
    with system.store.read() as session:
        ours = select(Agent.key, Agent.userid).where(Agent.left_at.is_(None), Agent.key.not_in(listed))
        missing = dict(session.execute(ours).all())
    asked = {key: _ask(system, userid) for key, userid in missing.items()}
    with system.work() as work, work.session.begin_nested() as trial:
        _take_departments(work, run, departments)
        _take_people(work, run, list(listed.values()), asked)
        if run.dry_run:  # counting needs the same writes, so make them and take them back
            trial.rollback()


def _ask(system: System, userid: str) -> WeComMember | int | None:
    """Read a member whom no department lists: the profile, or the errcode that tells why there is none."""
    try:
        return directory.person(system.wecom, userid)
    except WeComError as error:
        if error.errcode not in (NO_SUCH_MEMBER, OUT_OF_SIGHT):
            raise
        return error.errcode


def _take_departments(work: Work, run: Reconciliation, found: Sequence[WeComDepartment]) -> None:
    fresh, changed, gone = take_departments(work.session, found, work.now)
    run.count("departments", len(fresh), len(changed), len(gone))
    for rows, what in ((fresh, "新部门"), (changed, "部门有变化"), (gone, "部门已撤销")):
        run.drift += [Drift("staff", f"{what}：{row.name or row.id}", "照企业微信记下") for row in rows]


def _take_people(
    work: Work, run: Reconciliation, listed: Sequence[WeComMember], asked: dict[str, WeComMember | int | None]
) -> None:
    session, now = work.session, work.now
    fresh, changed = take_people(session, listed, now)
    for agent in session.scalars(select(Agent).where(Agent.key.in_(list(asked)))):
        told = asked[agent.key]
        if isinstance(told, WeComMember) and take_person(session, agent, told, now):
            changed.append(agent)
        elif told == NO_SUCH_MEMBER:
            note_left(session, agent, now)
            changed.append(agent)
    left = [agent for agent in changed if agent.left_at is not None and agent.left_at >= now]
    run.count("agents", len(fresh), len(changed) - len(left), len(left))
    for agents, what in ((fresh, "新员工"), (left, "员工已离职或停用")):
        run.drift += [Drift("staff", what, "照企业微信记下", userid=agent.userid) for agent in agents]
    for agent in changed:
        if agent not in left:
            run.drift.append(Drift("staff", "员工资料变了", "照企业微信记下", userid=agent.userid))


def compare_groups(system: System, run: Reconciliation, owners: Sequence[str]) -> None:
    """Read the customer groups of these owners; one of ours that is not listed is read by itself before it ends."""
    listed = dict.fromkeys(groups.group_ids(system.wecom, owners))
    keys = {owner.casefold() for owner in owners}
    with system.store.read() as session:
        ours = select(GroupChat).where(GroupChat.dismissed_at.is_(None), GroupChat.internal.is_(False))
        known = {chat.chat_id: chat for chat in session.scalars(ours)}
    theirs = [chat_id for chat_id, chat in known.items() if chat.owner.casefold() in keys]
    for chat_id in [*listed, *(chat_id for chat_id in theirs if chat_id not in listed)]:
        _compare_group(system, run, known.get(chat_id), chat_id)


def compare_lost_groups(system: System, run: Reconciliation, owners: Sequence[str]) -> None:
    """Read the groups of ours whose owner is unknown or none of those who may have customer groups."""
    keys = {owner.casefold() for owner in owners}
    with system.look() as work:
        silent = or_(GroupChat.last_word_at.is_(None), GroupChat.last_word_at < work.now - SILENT_FOR)
        ours = select(GroupChat).where(GroupChat.dismissed_at.is_(None), GroupChat.internal.is_(False), silent)
        lost = [chat for chat in work.session.scalars(ours) if chat.owner.casefold() not in keys]
    for chat in lost:
        _compare_group(system, run, chat, chat.chat_id)


def _compare_group(system: System, run: Reconciliation, known: GroupChat | None, chat_id: str) -> None:
    try:
        found = groups.group(system.wecom, chat_id)
    except WeComError as error:
        if error.errcode not in _NOT_A_GROUP:
            raise
        if known is not None:
            _end_group(system, run, known)
        return
    if known is not None and known.read_at is not None and not _differs(known, found):
        return
    what = "企业微信里有这个群，我们没有" if known is None or known.read_at is None else "群有变化"
    run.drift.append(Drift("group", f"{what}：{found.name or chat_id}", "照企业微信记下", userid=found.owner))
    run.count("groups", int(what.endswith("没有")), int(not what.endswith("没有")), 0)
    if not run.dry_run:
        with system.work() as work:
            take_group(work.session, found, work.now)


def _end_group(system: System, run: Reconciliation, known: GroupChat) -> None:
    run.drift.append(Drift("group", f"群已解散：{known.name or known.chat_id}", "记为已解散", userid=known.owner))
    run.count("groups", 0, 0, 1)
    if not run.dry_run:
        with system.work() as work:
            record_dismissed(work.session, work.session.get_one(GroupChat, known.id), work.now)


def _differs(known: GroupChat, found: WeComGroup) -> bool:
    ours = (known.name, known.owner, known.notice, known.member_version)
    return ours != (found.name[:128], found.owner[:64], found.notice, found.version[:64])
