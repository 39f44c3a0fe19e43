"""Matrix: activity (stickiness) against conversion (value), each cell with a name and a treatment of its own.

Formula: a ledger is high from the threshold of the config on. High activity alone: KOC (worth their reach); high
conversion alone: 成交 (worth their money); both: 双高; neither: 培育. Source: the house's articles (two ledgers).
Suspicion of a peer is no cell but a flag of its own, with its reasons: a tag or one of our people that says so,
or much activity over a long time without any conversion or order.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from taggers.models.impression import PEER
from taggers.models.records import Known, paid_orders
from taggers.models.terms import Cell, MatrixTerms, PeerTerms
from taggers.translatable import Translatable

NAMES = {
    (True, False): Translatable("KOC"), (False, True): Translatable("成交"),
    (True, True): Translatable("双高"), (False, False): Translatable("培育"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Standing:
    """A customer's cell, by its name, what is done there (None: nothing of its own), and why."""

    name: str
    cell: Cell | None
    why: str


def cell_of(activity: int, conversion: int, terms: MatrixTerms) -> Standing:
    """The cell that two balances lead to."""
    high = activity >= terms.activity, conversion >= terms.conversion
    words = "high" if high[0] else "low", "high" if high[1] else "low"
    cell = next((one for one in terms.cells if (one.activity, one.conversion) == words), None)
    why = Translatable(
        "活跃 {activity}（{least_activity} 起算高），意向 {conversion}（{least_conversion} 起算高）",
        activity=activity, least_activity=terms.activity,
        conversion=conversion, least_conversion=terms.conversion,
    )  # fmt: skip
    return Standing(cell.name if cell and cell.name else NAMES[high], cell, why)


def cells_by_name(terms: MatrixTerms) -> dict[str, Cell | None]:
    """The four cells by their names, with what is done there."""
    least = terms.activity, terms.conversion
    corners = [(a, c) for a in (least[0], least[0] - 1) for c in (least[1], least[1] - 1)]
    return {one.name: one.cell for one in (cell_of(*corner, terms) for corner in corners)}


def suspicions(known: Known, terms: PeerTerms, since: datetime, now: datetime) -> tuple[str, ...]:
    """Why this may be a peer or competitor who looks in; empty for no suspicion. since: when they were met."""
    carried = {one.tag for one in known.carried}
    found: list[str] = [Translatable("带着标签「{name}」", name=tag) for tag in terms.tags if tag in carried]
    if known.felt == PEER:
        found.append(Translatable("同事觉得像是同行"))
    lively = terms.activity is not None and known.activity >= terms.activity
    if lively and now - since >= terms.after and known.conversion <= 0 and not paid_orders(known.orders, now):
        found.append(
            Translatable("{days} 天里活跃 {n} 分，却没有一点意向，也没有下过单",
                         days=(now - since).days, n=known.activity)
        )  # fmt: skip
    return tuple(found)
