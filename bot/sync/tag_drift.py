"""Tag drift: notes where one agent's phone and the board differ, and has that customer read, which repairs it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select

from bot.customers.phone_plan import PER_MINUTE
from bot.customers.state import CustomerState
from bot.platform.models import Agent, Follow, Outbox
from bot.platform.work import Work
from bot.sync.drift import Drift, Reconciliation
from bot.sync.ordinary_tags import ordinary_change, remember_ordinary
from bot.sync.phone_groups import GroupComparison, remember_group
from bot.sync.profiles import ask_profile
from bot.sync.tag_snapshot import TagSnapshot
from bot.sync.tag_sync import StageComparison, remember


def note_stage(
    work: Work, run: Reconciliation, state: CustomerState, follow: Follow, compared: StageComparison
) -> None:
    decision = compared.decision
    if decision.do == "nothing":
        if not run.dry_run:
            remember(follow, compared)
        return
    repairs = {
        "mark": f"改成「{compared.ours}」" if compared.ours else "去掉",
        "move": f"卡片移到「{decision.to}」",
        "leave": "不动",
    }
    run.drift.append(
        Drift(
            "stages" if len(compared.seen) > 1 else "stage",
            decision.why,
            repairs[decision.do],
            pipeline=compared.pipeline.name,
            ours=compared.ours or "",
            theirs="、".join(compared.seen),
            **who_of(state, follow),
        )
    )
    if decision.do != "leave":
        repair(work, run, state, follow.agent)


def note_group(work: Work, run: Reconciliation, state: CustomerState, follow: Follow, group: GroupComparison) -> None:
    """Note where a group that is kept on the phones differs, and have it repaired."""
    name, decision = group.marked.name, group.decision
    if decision.agrees:
        if not run.dry_run:
            remember_group(work.settings, follow, group)
        return
    told = [f"+{tag}" for tag in decision.give] + [f"-{tag}" for tag in decision.take]
    mended = f"照手机记下：{'、'.join(told)}" if told else "照看板改手机上的标签"
    sides = {"ours": "、".join(sorted(group.view.ours)), "theirs": "、".join(sorted(group.view.seen))}
    what = f"手机上「{name}」的标签和看板不同"
    run.drift.append(Drift("tags", what, mended, pipeline=name, **sides, **who_of(state, follow)))
    known = state.customer.id in run.repairs
    row = repair(work, run, state, follow.agent)
    if row is not None and not known:
        row.not_before = run.paced_until = _next_turn(work, run)


def _next_turn(work: Work, run: Reconciliation) -> datetime:
    """When the next customer's phones are repaired.

    A group that was just switched on differs at every customer who carries one of its tags: WeCom's limits hold for
    all of them together, and for what the run before this one has put out.
    """
    if run.paced_until is None:
        waiting = (Outbox.kind == "profile", Outbox.state == "waiting", Outbox.key.like("profile:%:reconcile:%"))
        run.paced_until = work.session.scalar(select(func.max(Outbox.not_before)).where(*waiting))
    return max(run.paced_until or work.now, work.now) + timedelta(minutes=1 / PER_MINUTE)


def note_tags(work: Work, run: Reconciliation, state: CustomerState, snapshot: TagSnapshot) -> None:
    """Note ordinary tags that an agent changed without our hearing of it, and have them read."""
    follow, change = snapshot.follow, ordinary_change(work, state, snapshot)
    if not change.given and not change.taken:
        if not run.dry_run:
            remember_ordinary(work.settings, follow, change)
        return
    signs = [f"+{tag}" for tag in sorted(change.given)] + [f"-{tag}" for tag in sorted(change.taken)]
    run.drift.append(Drift("tags", f"手机上的标签变了：{'、'.join(signs)}", "照手机记下", **who_of(state, follow)))
    repair(work, run, state, follow.agent)


def repair(work: Work, run: Reconciliation, state: CustomerState, agent: Agent) -> Outbox | None:
    """Put out a reading of this customer alone, which decides and repairs; one per run, however much differs."""
    if run.dry_run:
        return None
    if state.customer.id not in run.repairs:
        why = f"reconcile:{run.stamp}"
        asked = {"mirror": True, "policy": run.policy}
        run.repairs[state.customer.id] = ask_profile(work, state, agent, why, **asked)
        work.session.flush()
    return run.repairs[state.customer.id]


def who_of(state: CustomerState, follow: Follow) -> dict[str, str]:
    name = follow.remark or state.customer.name
    return {"customer": name, "external_userid": state.customer.external_userid, "userid": follow.agent.userid}
