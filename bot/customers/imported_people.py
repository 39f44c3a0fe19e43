"""Imported people: which customer each line of a table is about, by the column that tells them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from bot.customers.fields import FieldRefusedError
from bot.customers.imported_lines import Line
from bot.platform.models import Customer, Follow
from sop.import_columns import KEY, plain_phone
from taggers.translatable import Translatable


@dataclass(frozen=True)
class Trouble:
    """What is wrong with a line; column: the heading of the cell; people: the ids of those it could be about."""

    line: int
    column: str
    why: str
    people: tuple[int, ...] = ()


@dataclass
class ImportPlan:
    """What a table comes to: what is given to each customer, and what is wrong where."""

    given: dict[int, dict[str, Any]] = field(default_factory=dict)
    troubles: list[Trouble] = field(default_factory=list)


class KnownPeople:
    """The customers whom the reader may see, by the key that one column of a table holds."""

    def __init__(
        self, session: Session, headings: Sequence[str], targets: Sequence[str], seen: ColumnElement[bool]
    ) -> None:
        """Raises FieldRefusedError where no column tells the customer."""
        at = next((n for n, target in enumerate(targets) if target.startswith(KEY)), None)
        if at is None:
            raise FieldRefusedError(["请选哪一列认客户：企业微信的客户编号、unionid、手机号或备注"])
        self.at, self.heading, self._kind = at, headings[at], targets[at].removeprefix(KEY)
        self._found = people_by(session, self._kind, seen)

    def of(self, line: Line) -> tuple[int, ...]:
        """The ids of those whom a line could be about."""
        key = self._key(line)
        return self._found.get(key, ()) if key else ()

    def troubles(self, line: Line) -> Iterator[Trouble]:
        """What is wrong where a line is about nobody, or about several."""
        key, found = self._key(line), self.of(line)
        if not key:
            yield Trouble(line.number, self.heading, "空着，不知道是哪位客户")
        elif not found:
            yield Trouble(line.number, self.heading, Translatable("没有找到客户「{key}」", key=key[:60]))
        elif len(found) > 1:
            said = Translatable("有 {n} 位客户都是「{key}」，分不清是哪一位", n=len(found), key=key[:60])
            yield Trouble(line.number, self.heading, said, found[:5])

    def _key(self, line: Line) -> str:
        cell = line.cell(self.at)
        return plain_phone(cell) if self._kind == "phone" else cell.lstrip("'")


def people_by(session: Session, key: str, seen: ColumnElement[bool]) -> Mapping[str, tuple[int, ...]]:
    """By key (sop.import_columns.KEYS): who it may be. Phones and remarks are sealed, so all are opened once."""
    found: dict[str, set[int]] = defaultdict(set)
    if key in ("external_userid", "unionid"):
        column = Customer.external_userid if key == "external_userid" else Customer.unionid
        for own, number in session.execute(select(column, Customer.id).where(seen, column.is_not(None))):
            found[str(own)].add(number)
        return _sorted(found)
    contacts = select(Follow.customer_id, Follow.remark, Follow.remark_mobiles).join(Customer).where(seen)
    for customer_id, remark, mobiles in session.execute(contacts.where(Follow.ended_at.is_(None))):
        if key == "remark":
            found[remark.strip()].add(customer_id)
        else:
            for mobile in mobiles:
                found[plain_phone(str(mobile))].add(customer_id)
    return _sorted(found)


def _sorted(found: Mapping[str, set[int]]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(sorted(ids)) for name, ids in found.items() if name}
