"""Reconciliation of customers: compares WeCom with the board; finds, reports and repairs what no event told of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.agents.handover import ASSIGNED, inherit, taken_from
from bot.customers.identity import find_agents, find_customers, start_follow, take_contact, take_follow_info
from bot.customers.phone_tags import marked_names
from bot.customers.refused_tags import note_made, note_refused
from bot.customers.stages import Cause, mark_again, move_by
from bot.customers.state import CustomerState, load_customer, load_customers
from bot.customers.tag_library import (
    StageTags,
    library_rows,
    library_tags,
    make_stage_tags,
    marked_tags,
    save_tags,
    take_library,
)
from bot.customers.tombstones import still_erased
from bot.platform import clock
from bot.platform.database.store import set_status
from bot.platform.models import Agent, Customer, Follow, Outbox
from bot.platform.work import Work
from bot.sops.follow_up import CustomerEvent, follow_up
from bot.sops.prompts import note_if_before_restore
from bot.sync.drift import Drift, Reconciliation
from bot.sync.phone_groups import compare_groups
from bot.sync.profiles import LIBRARY, LONG_AGO, ask_profile
from bot.sync.tag_drift import note_group, note_stage, note_tags, repair, who_of
from bot.sync.tag_snapshot import TagSnapshot
from bot.sync.tag_sync import compare_stages, read_back
from bot.wecom.errors import WeComError
from bot.wecom.plain import instant, list_of, mapping, objects, texts, wecom_id
from sop.tag_sync import MarkedTags, Policy

if TYPE_CHECKING:
    from bot.system import System

AT_ONCE = 20  # agents per call; WeCom takes 100
PAGE = 100  # contacts per page, WeCom's maximum
GREETED_UNTIL = timedelta(hours=12)  # a contact younger than this is treated as if its lost event had come
JUST_ADDED = timedelta(minutes=2)  # a contact younger than this may be missing from a list read earlier


def start_comparison(
    system: System, policy: Policy | None, now: datetime, *, dry_run: bool = False
) -> Reconciliation:
    """Begin a run: read the tag library, and create the stage tags that are missing."""
    settings = system.settings
    run = Reconciliation(policy or settings.tables.sync.policy, f"{int(now.timestamp() * 1000)}", dry_run)
    groups = system.wecom.corp_tags()
    with system.store.write() as session:
        kept = marked_tags(settings)
        found = take_library(session, groups, kept)
        set_status(session, LIBRARY, {"drift": found[:50]}, now)
        run.drift += [Drift("library", what, "按标签 id 跟随" if "改名" in what else "重建") for what in found]
        known = {marked.name: library_tags(session, marked) for marked in kept}
    run.library = {row["tag_id"]: row for row in library_rows(groups)}
    for marked in kept:
        lacking = [name for name in marked.names if name not in known[marked.name].ids]
        if not lacking:
            continue
        what = f"标签组「{marked.name}」里没有{'、'.join(f'「{name}」' for name in lacking)}"
        run.drift.append(Drift("library", what, "新建", pipeline=marked.name))
        if not dry_run:
            _make_tags(system, run, marked, known[marked.name])
    return run


def _make_tags(system: System, run: Reconciliation, marked: MarkedTags, known: StageTags) -> None:
    """Make the tags that WeCom lacks; where it refuses that, all else is compared all the same."""
    try:
        rows, _ = make_stage_tags(system.wecom, marked.name, marked.names, known)
    except WeComError as error:
        if not error.permanent or error.pause:
            raise
        with system.store.write() as session:
            note_refused(session, marked.name, error, clock.now())
        run.drift.append(Drift("library", f"标签组「{marked.name}」里有标签建不出来：{error}", "请清理不用的标签"))
        return
    run.library |= {row["tag_id"]: row for row in rows}
    with system.store.write() as session:
        save_tags(session, rows)
        note_made(session, marked.name, clock.now())


def agents_to_compare(system: System) -> list[str]:
    """The userids of all who may have customers, in a fixed order."""
    return sorted(system.wecom.follow_users(), key=str.casefold)


def compare_agents(system: System, run: Reconciliation, userids: Sequence[str]) -> list[int]:
    """Compare all customers of up to 100 agents; returns the outbox rows that repair."""
    asked_at = clock.now()  # not of any transaction: who is added after this moment may be missing from the list
    listed, unlicensed, fresh = set[tuple[str, str]](), set[str](), list[Outbox]()
    question = {"userid_list": list(userids), "limit": PAGE}
    for page in system.wecom.pages("post", "externalcontact/batch/get_by_user", question):
        failed = mapping(page.get("fail_info"))
        unlicensed |= {userid.casefold() for userid in texts(failed.get("unlicensed_userid_list"))}
        found = objects(list_of(page, "external_contact_list", "externalcontact/batch/get_by_user"))
        items = [item for item in found if _key(item) and _external(item)]
        listed |= {(_key(item), _external(item)) for item in items}
        with system.work() as work:
            _compare_page(work, run, items)
            fresh += work.leaving
        run.follows += len(items)
    asked = [userid for userid in userids if userid.casefold() not in unlicensed]
    with system.work() as work:
        _find_ended(work, run, asked, listed, asked_at)
        fresh += work.leaving
    run.agents += len(userids)
    ids = [row.id for row in fresh]
    run.rows += ids
    return ids


def _compare_page(work: Work, run: Reconciliation, items: Sequence[Mapping[str, Any]]) -> None:
    wanted = {_external(item) for item in items}
    customers = work.session.scalars(select(Customer).where(Customer.external_userid.in_(wanted))).all()
    states = {state.customer.external_userid: state for state in load_customers(work.session, customers).values()}
    under_way = _under_way(work.session, [customer.id for customer in customers])
    for item in items:
        state = states.get(_external(item))
        follow = _active(state, item)
        if state is None or follow is None:
            if not _has_left(state, item):
                run.count("customers", new=1)
                _take_in(work, run, item)
            continue
        if not run.dry_run:
            contact = take_contact(state.customer, mapping(item.get("external_contact")))
            run.count("customers", changed=int(take_follow_info(follow, _info(item)) or contact))
        snapshot = TagSnapshot(follow, _tags(run, item), run.policy)
        for compared in compare_stages(work, state, snapshot):
            if (follow.customer_id, follow.agent_id, compared.pipeline.name) not in under_way:
                note_stage(work, run, state, follow, compared)
        for group in compare_groups(work, state, snapshot):
            if (follow.customer_id, follow.agent_id, group.marked.name) not in under_way:
                note_group(work, run, state, follow, group)
        note_tags(work, run, state, snapshot)


def _take_in(work: Work, run: Reconciliation, item: Mapping[str, Any]) -> None:
    """Take in a contact that no event told of: the customer comes on the board without a welcome."""
    info, contact = _info(item), mapping(item.get("external_contact"))
    name, userid = str(contact.get("name") or "")[:128], wecom_id(info.get("userid"))
    who = {"customer": name, "external_userid": _external(item), "userid": userid}
    if still_erased(work.session, [_external(item)]):
        return
    run.drift.append(Drift("new", "企业微信里有这位客户，我们没有", "补上，不发欢迎语", **who))
    if run.dry_run:
        return
    customer = find_customers(work.session, [_external(item)], work.now)[_external(item)]
    customer.name = customer.name or name
    agent = find_agents(work.session, [userid], work.now)[userid.casefold()]
    channel = str(info.get("state") or "")[:64] or None
    follow, _ = start_follow(work.session, agent, customer, _created_at(item), channel)
    take_contact(customer, contact)
    take_follow_info(follow, info)
    customer.channel = customer.channel or channel
    work.session.flush()
    state = load_customer(work.session, customer)
    giver = taken_from(state, follow.added_at)
    if giver is not None and giver is not follow:
        inherit(work, state, giver, follow, "reading")
    policy: Policy = "newest" if run.policy == "ours" and not state.placements else run.policy
    read_back(work, state, TagSnapshot(follow, _tags(run, item), policy))
    for name in marked_names(work.settings, state, follow):
        mark_again(work, follow, name)
    _begin(work, run, state, follow)
    if not agent.name:
        ask_profile(work, state, agent, f"found:{run.stamp}:{agent.id}")
    work.session.flush()


def _begin(work: Work, run: Reconciliation, state: CustomerState, follow: Follow) -> None:
    """Place the customer on the board; a newcomer starts what the lost event would have started, but no welcome."""
    newcomer = len(state.follows) == 1 and follow.add_way != ASSIGNED and work.now - follow.added_at <= GREETED_UNTIL
    if run.greets and newcomer:
        note_if_before_restore(work.session, state, follow.added_at)
        cause = f"found:{follow.id}:{int(follow.added_at.timestamp())}"
        happened = CustomerEvent(cause, events=["@added"], agent=follow.agent, who="reconcile")
        follow_up(work, state, happened)
    else:
        move_by(work, state, ["@added"], Cause("reconcile"))


def _find_ended(
    work: Work, run: Reconciliation, userids: Sequence[str], listed: set[tuple[str, str]], asked_at: datetime
) -> None:
    """End follows that WeCom no longer lists, by a reading of each such customer, which confirms it first."""
    keys = {userid.casefold() for userid in userids}
    ours = (
        select(Follow)
        .join(Agent, Agent.id == Follow.agent_id)
        .where(Agent.key.in_(keys), Follow.ended_at.is_(None), Follow.added_at < asked_at - JUST_ADDED)
    )
    for follow in work.session.scalars(ours):
        if (follow.agent.key, follow.customer.external_userid) in listed:
            continue
        state = load_customer(work.session, follow.customer)
        run.count("customers", gone=1)
        run.drift.append(Drift("ended", "企业微信里已不是这位员工的客户", "结束跟进关系", **who_of(state, follow)))
        row = repair(work, run, state, follow.agent)
        if row is not None:
            row.payload = {**row.payload, "gone": sorted({*row.payload.get("gone", []), follow.agent.key})}
    work.session.flush()


def _under_way(session: Session, customer_ids: Iterable[int]) -> set[tuple[int | None, int | None, str]]:
    """(customer, agent, pipeline) of the marks still to be made; a difference there is not drift."""
    rows = select(Outbox.customer_id, Outbox.agent_id, Outbox.payload).where(
        Outbox.kind == "mark_tag",
        Outbox.state.in_(("waiting", "sending")),
        Outbox.customer_id.in_(list(customer_ids)),
    )
    return {(customer, agent, payload["pipeline"]) for customer, agent, payload in session.execute(rows)}


def _active(state: CustomerState | None, item: Mapping[str, Any]) -> Follow | None:
    follows = state.active_follows if state is not None else []
    return next((follow for follow in follows if follow.agent.key == _key(item)), None)


def _has_left(state: CustomerState | None, item: Mapping[str, Any]) -> bool:
    """Whether the contact has ended: WeCom still lists customers who deleted the agent, with the old date."""
    follows = state.follows if state is not None else []
    mine = next((follow for follow in follows if follow.agent.key == _key(item)), None)
    return mine is not None and mine.ended_at is not None and _created_at(item) <= mine.ended_at


def _tags(run: Reconciliation, item: Mapping[str, Any]) -> list[dict[str, Any]]:
    ids = texts(_info(item).get("tag_id"))
    named = [(tag_id, run.library.get(tag_id, {})) for tag_id in ids]
    return [{"tag_id": i, "tag_name": row.get("name"), "group_name": row.get("group_name")} for i, row in named]


def _key(item: Mapping[str, Any]) -> str:
    return wecom_id(_info(item).get("userid")).casefold()


def _info(item: Mapping[str, Any]) -> Mapping[str, Any]:
    return mapping(item.get("follow_info"))


def _external(item: Mapping[str, Any]) -> str:
    return wecom_id(mapping(item.get("external_contact")).get("external_userid"))


def _created_at(item: Mapping[str, Any]) -> datetime:
    return instant(_info(item).get("createtime")) or LONG_AGO


def portions_of(userids: Sequence[str], size: int = AT_ONCE) -> Iterable[Sequence[str]]:
    """Cut the agents into portions for compare_agents."""
    return (userids[start : start + size] for start in range(0, len(userids), size))
