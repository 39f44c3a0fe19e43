"""Imported orders: what each line of a table of orders says of whom, or what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from typing import Any

from pydantic import ValidationError
from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from bot.customers.fields import FieldRefusedError
from bot.customers.imported_lines import Line
from bot.customers.imported_people import ImportPlan, KnownPeople, Trouble
from bot.customers.order_given import OrderGiven
from sop.order_columns import ORDER, missing_columns, read_amount, read_moment, read_quantity, read_status
from taggers.translatable import Translatable

_NAMES = {
    "key": "哪一列认客户：企业微信的客户编号、unionid、手机号或备注",
    "own_id": "哪一列是订单号",
    "amount": "哪一列是金额",
    "ordered_at": "哪一列是下单时间",
}
_CALLED = {"changed_at": "updated_at", "amount_fen": "amount"}


def plan_orders(
    session: Session, table: tuple[Sequence[str], Sequence[Line]], targets: Sequence[str],
    seen: tuple[ColumnElement[bool], tzinfo],
) -> ImportPlan:  # fmt: skip
    """The orders of each customer. targets: by column (sop.order_columns); seen: whom the reader may see, and the
    zone of moments that name none. A line with anything wrong gives nothing. Raises FieldRefusedError."""
    missing = missing_columns(targets)
    if missing:
        raise FieldRefusedError([Translatable("请选{what}", what=Translatable(_NAMES[name])) for name in missing])
    headings, lines = table
    plan, first = ImportPlan(), dict[str, int]()
    people = KnownPeople(session, headings, targets, seen[0])
    for line in lines:
        given, wrong = _given(line, headings, targets, seen[1])
        troubles, found = [*people.troubles(line), *wrong], people.of(line)
        own_id = str(given.get("id", ""))
        if not troubles and own_id in first:
            said = Translatable("订单号在第 {n} 行已经有了", n=first[own_id])
            troubles.append(Trouble(line.number, headings[targets.index(f"{ORDER}own_id")], said))
        if troubles:
            plan.troubles += troubles
        else:
            first[own_id] = line.number
            plan.given.setdefault(found[0], {"orders": []})["orders"].append(given)
    return plan


def count_orders(plan: ImportPlan) -> int:
    """How many orders a plan gives."""
    return sum(len(one["orders"]) for one in plan.given.values())


def _given(
    line: Line, headings: Sequence[str], targets: Sequence[str], zone: tzinfo
) -> tuple[dict[str, Any], list[Trouble]]:
    """The order in a line as JSON can keep it, and what is wrong with its cells."""
    values: dict[str, Any] = {}
    columns: dict[str, str] = {}
    troubles = []
    for at, target in enumerate(targets):
        name, cell = target.removeprefix(ORDER), line.cell(at)
        if not target.startswith(ORDER):
            continue
        columns.setdefault(_CALLED.get(name, name), headings[at])
        try:
            if cell:
                values[_CALLED.get(name, name)] = _READERS.get(name, _text)(cell, zone)
        except ValueError as error:
            troubles.append(Trouble(line.number, headings[at], str(error)))
    if troubles:
        return {}, troubles
    try:
        return OrderGiven(**values).model_dump(mode="json", by_alias=True), []
    except ValidationError as error:
        return {}, [_trouble(line, columns, problem) for problem in error.errors()]


def _trouble(line: Line, columns: Mapping[str, str], problem: Mapping[str, Any]) -> Trouble:
    """columns: by what it holds, the heading of the column."""
    name = "own_id" if problem["loc"][0] == "id" else str(problem["loc"][0])
    why = "空着" if problem["type"] == "missing" else "太长，或者不是这一列该有的内容"
    return Trouble(line.number, columns.get(name, ""), why)


def _text(cell: str, _zone: tzinfo) -> Any:
    return cell.lstrip("'")


_READERS: Mapping[str, Callable[[str, tzinfo], Any]] = {
    "amount": lambda cell, _: read_amount(cell),
    "amount_fen": lambda cell, _: read_amount(cell, fen=True),
    "status": lambda cell, _: read_status(cell),
    "quantity": lambda cell, _: read_quantity(cell),
    "currency": lambda cell, _: cell.upper(),
    "ordered_at": read_moment,
    "paid_at": read_moment,
    "changed_at": read_moment,
}
