"""Portraits: asks the models about customers, and keeps what they say for lists, conditions and segments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, cast

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from bot.customers.known import any_order, read_known, topics_of
from bot.platform.config.settings import Settings
from bot.platform.database.store import get_status
from bot.platform.models import Customer, Portrait
from bot.platform.work import Work
from taggers.models.impression import TITLES
from taggers.models.portrait import Company, Moment, portray
from taggers.models.portrait import Portrait as Said
from taggers.models.rfm import BASES, Basis, Bounds, Measure
from taggers.models.rfm import place as place_by_grades
from taggers.models.tiers import place

COMPANY = "models"  # the status that keeps what all customers together give
_KEPT = tuple(column.name for column in Portrait.__table__.columns if column.name not in ("at", "treated"))


def refresh(work: Work, ids: Sequence[int]) -> int:
    """Bring these customers' portraits up to date; returns how many changed. A fixed number of statements for 500."""
    company, moments = company_of(work), read_known(work, ids)
    stored = _stored(work.session, list(moments))
    changed = []
    for one, (met_at, known) in moments.items():
        said = portray(known, work.settings.tables.models, company, Moment(work.now, work.settings.zone, met_at))
        row = _row(one, said)
        if stored.get(one) != row:
            changed.append({**row, "at": work.now, "treated": ""})
    _put(work.session, changed)
    return len(changed)


def portrait_of(work: Work, customer: Customer) -> Said:
    """What the models say of one customer now, with their reasons."""
    return portraits_of(work, [customer.id])[customer.id]


def portraits_of(work: Work, ids: Sequence[int]) -> dict[int, Said]:
    """What the models say of these customers now, with their reasons."""
    company, terms, zone = company_of(work), work.settings.tables.models, work.settings.zone
    return {
        one: portray(known, terms, company, Moment(work.now, zone, met_at))
        for one, (met_at, known) in read_known(work, ids).items()
    }


def company_of(work: Work) -> Company:
    """What all customers together give, as it was last found; nothing before the first round."""
    known = get_status(work.session, COMPANY)
    kept: dict[str, Any] = known.value if known else {}
    bounds: dict[Basis, Bounds] = {
        basis: Bounds(**{name: tuple(values) for name, values in kept["bounds"][basis].items()})
        for basis in BASES
        if kept
    }
    return Company(bounds, kept.get("top", 0), any_order(work.session), topics_of(work.settings))


def kept_company(company: Company) -> dict[str, Any]:
    """The form in which it is kept."""
    return {"bounds": {basis: asdict(one) for basis, one in company.bounds.items()}, "top": company.top}


def regrade(work: Work, ids: Sequence[int], company: Company) -> int:
    """Grade these customers' stored measures by new bounds; returns how many changed."""
    columns = (
        Portrait.customer_id, Portrait.basis, Portrait.last_at, Portrait.frequency, Portrait.money, Portrait.r,
        Portrait.f, Portrait.m, Portrait.rfm, Portrait.tier, Portrait.worth, Portrait.well,
    )  # fmt: skip
    changed = []
    for row in work.session.execute(select(*columns).where(Portrait.customer_id.in_(ids))):
        before = {"r": row.r, "f": row.f, "m": row.m, "rfm": row.rfm, "tier": row.tier}
        after = _graded(row, company, work.now) | {"tier": _tier(row, company, work.settings)}
        if after != before:
            changed.append({"customer_id": row.customer_id, **after})
    if changed:
        work.session.execute(update(Portrait), changed)
    return len(changed)


def measures(session: Session) -> tuple[list[Measure], list[int]]:
    """What was measured of all customers, and what each of them is worth in fen a month."""
    rows = session.execute(
        select(Portrait.basis, Portrait.last_at, Portrait.frequency, Portrait.money, Portrait.worth)
    ).all()
    return [one for row in rows if (one := _measure(row)) is not None], [row.worth for row in rows]


def _row(customer_id: int, said: Said) -> dict[str, Any]:
    measure, rfm, worth, quadrant, tier = said.measure, said.rfm, said.worth, said.quadrant, said.tier
    return {
        "customer_id": customer_id,
        "basis": measure.basis if measure else "", "last_at": measure.last_at if measure else None,
        "frequency": measure.frequency if measure else 0, "money": measure.money if measure else 0,
        "r": rfm.r if rfm else 0, "f": rfm.f if rfm else 0, "m": rfm.m if rfm else 0,
        "rfm": str(rfm.group if rfm else ""),
        "value": worth.value if worth else 0, "loyalty": round(worth.loyalty, 3) if worth else 0.0,
        "level": worth.level if worth else "", "phase": str(said.phase.phase),
        "quadrant": quadrant.name if quadrant else "", "was": quadrant.before if quadrant else "",
        "tier": tier.name if tier else "", "worth": tier.worth if tier else 0, "well": tier.well if tier else False,
        "five_a": str(said.five_a.stage), "mindset": str(said.mind.name),
        "taste": said.likes[0].topic if said.likes else "", "cell": str(said.standing.name), "peer": bool(said.peer),
        "felt": str(TITLES.get(said.felt, "")), "target": str(said.fit.kind), "listed": said.quality.listed,
        "signs": len(said.quality.signs),
    }  # fmt: skip


def _stored(session: Session, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    columns = [getattr(Portrait, name) for name in _KEPT]
    for start in range(0, len(ids), 500):
        rows = session.execute(select(*columns).where(Portrait.customer_id.in_(ids[start : start + 500])))
        found |= {row["customer_id"]: dict(row) for row in rows.mappings()}
    return found


def _put(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Write whole rows, over those that are there: two processes may look at one customer at once."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    fresh = dialect.insert(Portrait)
    new = {name: fresh.excluded[name] for name in (*_KEPT, "at") if name != "customer_id"}
    if rows:
        session.execute(fresh.on_conflict_do_update(index_elements=["customer_id"], set_=new), rows)


def _measure(row: Any) -> Measure | None:
    return Measure(cast(Basis, row.basis), row.last_at, row.frequency, row.money) if row.basis else None


def _graded(row: Any, company: Company, now: datetime) -> dict[str, Any]:
    measured = _measure(row)
    bounds = company.bounds.get(measured.basis) if measured else None
    if measured is None or bounds is None or not bounds.ages:
        return {"r": 0, "f": 0, "m": 0, "rfm": ""}
    r, f, m, group = place_by_grades(measured, bounds, now)
    return {"r": r, "f": f, "m": m, "rfm": str(group)}


def _tier(row: Any, company: Company, settings: Settings) -> str:
    if not row.worth or not company.sells:
        return ""
    return place(row.worth, company.top, row.well, settings.tables.models.tiers)
