"""Rows of the customer list by a number of queries that does not grow with them, and the cells of its export."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.customers.order_conditions import OrderFigures, order_figures
from bot.customers.people import agent_names, carried_tags
from bot.platform.csv_cells import local_time
from bot.platform.models import Customer, CustomerField, Placement, Portrait
from bot.platform.work import Work
from sop.fields import show_value

COLUMNS = {
    "stages": "阶段", "tags": "标签", "agent": "员工", "last": "最近说话", "scores": "意向 · 活跃",
    "added": "认识于", "channel": "渠道", "words": "最近一句", "cell": "矩阵", "phase": "生命周期", "rfm": "RFM",
    "value": "每月价值", "tier": "S/A/B/C", "quadrant": "A–E", "level": "会员等级", "five_a": "5A", "mindset": "心态",
    "taste": "最关心", "felt": "印象", "target": "目标", "orders": "订单数", "spent": "付过（元）",
    "ordered": "最近下单",
}  # fmt: skip
PAINTED = (
    "cell", "phase", "rfm", "value", "tier", "quadrant", "level", "five_a", "mindset", "taste", "felt", "target",
)  # fmt: skip
"""The columns that models fill."""
BOUGHT = ("orders", "spent", "ordered")
"""The columns that orders fill."""
OF_FIELD = "field:"


@dataclass(frozen=True)
class ListRow:
    """A customer in the list. stages: of each pipeline they stand in; fields, painted: as people say
    them, by name; painted is what models say. bought: None where nothing was."""

    customer: Customer
    stages: tuple[str, ...]
    tags: tuple[str, ...]
    agent: str
    fields: dict[str, str]
    painted: dict[str, str]
    bought: OrderFigures | None


def fields_among(columns: Sequence[str]) -> tuple[str, ...]:
    """The names of customers' fields among the columns."""
    return tuple(one.removeprefix(OF_FIELD) for one in columns if one.startswith(OF_FIELD))


def rows_of(work: Work, columns: Sequence[str], people: Sequence[Customer]) -> list[ListRow]:
    """What these columns show of these people."""
    ids, names = [one.id for one in people], fields_among(columns)
    shown = set(columns)
    stages = _stages(work.session, ids) if "stages" in shown else {}
    tags = carried_tags(work.session, ids) if "tags" in shown else {}
    agents = agent_names(work.session, ids) if "agent" in shown else {}
    fields = _fields(work, ids, names) if names else {}
    painted = _painted(work.session, ids) if shown & set(PAINTED) else {}
    bought = order_figures(work.session, ids) if shown & set(BOUGHT) else {}
    return [
        ListRow(
            customer=one, stages=stages.get(one.id, ()), tags=tags.get(one.id, ()), agent=agents.get(one.id, ""),
            fields=fields.get(one.id, {}), painted=painted.get(one.id, {}),
            bought=bought.get(one.id),
        )
        for one in people
    ]  # fmt: skip


def cells_of(work: Work, columns: Sequence[str], row: ListRow) -> list[str | float]:
    """A row as a spreadsheet has it: who it is, then the columns."""
    customer, zone = row.customer, work.settings.zone
    plain: dict[str, str | float] = {
        "stages": "、".join(row.stages), "tags": "、".join(row.tags), "agent": row.agent,
        "last": local_time(customer.last_word_at, zone) if customer.last_word_at else "",
        "scores": f"{customer.conversion} · {customer.activity}", "added": local_time(customer.created_at, zone),
        "channel": customer.channel or "", "words": customer.last_words,
        **row.painted,
        **_bought(work, row),
        **{f"{OF_FIELD}{name}": value for name, value in row.fields.items()},
    }  # fmt: skip
    return [customer.external_userid, customer.name, *(plain.get(one, "") for one in columns)]


def _bought(work: Work, row: ListRow) -> dict[str, str | float]:
    if (figures := row.bought) is None:
        return {}
    last = local_time(figures.last, work.settings.zone)
    return {"orders": figures.number, "spent": figures.fen / 100, "ordered": last}


def _stages(session: Session, ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    found: dict[int, tuple[str, ...]] = {}
    here = select(Placement.customer_id, Placement.stage).where(Placement.customer_id.in_(ids))
    for customer_id, stage in session.execute(here.order_by(Placement.id)):
        found[customer_id] = (*found.get(customer_id, ()), stage)
    return found


def _fields(work: Work, ids: Sequence[int], names: Sequence[str]) -> dict[int, dict[str, str]]:
    today, known = work.now.astimezone(work.settings.zone).date(), work.settings.fields
    mine = select(CustomerField).where(CustomerField.customer_id.in_(ids), CustomerField.name.in_(names))
    found: dict[int, dict[str, str]] = {}
    for row in work.session.scalars(mine):
        if (field := known.get(row.name)) is None:
            continue
        said = show_value(field, row.value, today) if field.kind != "date" else row.value
        found.setdefault(row.customer_id, {})[row.name] = said
    return found


def _painted(session: Session, ids: Sequence[int]) -> dict[int, dict[str, str]]:
    found: dict[int, dict[str, str]] = {}
    for row in session.scalars(select(Portrait).where(Portrait.customer_id.in_(ids))):
        cell = "".join(str(grade) for grade in (row.r, row.f, row.m) if grade)
        said = {name: getattr(row, name) for name in PAINTED}
        said["value"] = f"{row.value / 100:g}" if row.value else ""
        said["quadrant"] = f"{row.was}→{row.quadrant}" if row.was != row.quadrant else row.quadrant
        found[row.customer_id] = said | {"cell_of_rfm": cell}
    return found
