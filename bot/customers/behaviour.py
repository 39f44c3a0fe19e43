"""Behaviour: shows what customers do besides talking to the rules that have `on`; their tags count as words' do."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select

from bot.customers.new_message import AnyMessage
from bot.customers.state import CustomerState
from bot.customers.tags import Occasion, context_of, record_hits
from bot.platform.database.among import among
from bot.platform.models import Evidence, SopTask
from bot.platform.work import Work
from taggers.occurrence import Occurrence


def observe(work: Work, state: CustomerState, seen: Occurrence, message: AnyMessage | None = None) -> list[str]:
    """Show one occurrence to the rules; returns the tags it confirmed. The same occurrence counts once."""
    if not work.settings.book.watches(seen):
        return []
    group = message is not None and bool(message.roomid)
    hits = work.settings.book.observe(seen, context_of(work.settings, state, seen.at, group=group))
    if not hits:
        return []
    counted = _counted(work, state, seen.id[:128])
    occasion = Occasion(seen.id, seen.at, message.id if message else None, message.msgid if message else None)
    return record_hits(work, state, [h for h in hits if h.rule_id not in counted], occasion)


def _counted(work: Work, state: CustomerState, occasion: str) -> set[str]:
    """The rules for which the occasion counts already."""
    batch, now = work.batch, {rule for rule, hits in state.recent_hits.items() if occasion in hits}
    if batch is None or occasion not in batch.occasions:
        mine = select(Evidence.rule_id).where(
            Evidence.customer_id == state.customer.id, Evidence.occasion == occasion
        )
        return now | set(work.session.scalars(mine))

    def read(ids: list[int]) -> Iterable[tuple[int, str, str]]:
        seen = among(Evidence.customer_id, ids) & among(Evidence.occasion, batch.occasions)
        rows = work.session.execute(select(Evidence.customer_id, Evidence.rule_id, Evidence.occasion).where(seen))
        return ((row.customer_id, row.rule_id, row.occasion) for row in rows)

    stored = state.fellows.once("counted", lambda: set(state.fellows.ask("occasions", read)))
    return now | {rule for customer_id, rule, what in stored if (customer_id, what) == (state.customer.id, occasion)}


def observe_message(work: Work, state: CustomerState, message: AnyMessage, *, first: bool) -> list[str]:
    """The message itself as behaviour: its kind, its hour, whether it is the first ever."""
    hour = message.sent_at.astimezone(work.settings.zone).hour
    seen = Occurrence("message", message.sent_at, message.msgid, message_kind=message.kind, hour=hour, first=first)
    return observe(work, state, seen, message)


def observe_window(work: Work, state: CustomerState, task: SopTask, *, replied: bool) -> list[str]:
    """A sent step was answered within its window, or the window closed in silence."""
    at = (task.replied_at if replied else task.window_until) or work.now
    seen = Occurrence(
        "replied" if replied else "not-replied",
        at,
        f"window:{task.id}",
        sop=task.enrolment.sop_id,
        step=task.step + 1,
    )
    return observe(work, state, seen)
