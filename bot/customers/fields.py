"""Customer fields: sets one value, or all values of a CSV table, wholly or not at all."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.customers.facts import drop_field, note_written, readable
from bot.customers.state import CustomerState
from bot.platform.config.settings import Settings
from bot.platform.models import Customer
from bot.platform.models import CustomerField as StoredField
from bot.wecom.errors import BotError
from sop.fields import KEPT_AS, find_field, read_value, unknown_field
from sop.workspace import FieldDefinition
from taggers.facts import read_written

KEY_HEADINGS = ("external_userid", "客户", "客户ID")
MOST_BYTES = 20 * 1024 * 1024
_ENCODINGS = ("utf-8-sig", "gb18030")  # the second is what Excel writes in China


class FieldRefusedError(BotError):
    """What could not be set; `problems` name everything that is wrong, with its line where there is one."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True)
class TableRow:
    """One line of a table: the customer, and the values by field."""

    line: int
    external_userid: str
    values: dict[str, str]


@dataclass(frozen=True)
class Writer:
    """Who writes fields, and when; day: the local day, from which ages and dates count."""

    name: str
    at: datetime
    day: date

    @classmethod
    def of(cls, settings: Settings, name: str, at: datetime) -> Writer:
        return cls(name, at, at.astimezone(settings.zone).date())


def write_field(
    session: Session,
    fields: Mapping[str, FieldDefinition],
    external_userid: str,
    name: str,
    text: str,
    writer: Writer,
) -> str:
    """Set one field of one customer, or clear it by an empty text; returns what is kept. Raises FieldRefusedError."""
    field, value = read_field(fields, name, text, writer.day)
    customer = session.scalar(select(Customer).where(Customer.external_userid == external_userid))
    if customer is None:
        raise FieldRefusedError([f"没有客户 {external_userid}"])
    _keep(session, customer.id, field.name, value)
    note_written(session, customer.id, field.name, value, (writer.name, writer.at))
    return value


def keep_field(session: Session, state: CustomerState, field: FieldDefinition, value: str, writer: Writer) -> None:
    """The same of a customer whose state was read, and of a value that was."""
    known = state.field_rows.get(field.name)
    if not value:
        drop_field(session, state, field.name)
    elif known is None:
        state.field_rows[field.name] = StoredField(customer_id=state.customer.id, name=field.name, value=value)
        session.add(state.field_rows[field.name])
    else:
        known.value = value
    if value:
        state.fields[field.name] = value
    note_written(session, state.customer.id, field.name, value, (writer.name, writer.at))


def read_field(fields: Mapping[str, FieldDefinition], name: str, text: str, day: date) -> tuple[FieldDefinition, str]:
    """The field that is meant, and its value in the form that is kept. Raises FieldRefusedError."""
    field = find_field(fields, name)
    if field is None:
        raise FieldRefusedError([unknown_field(list(fields.values()), name)])
    try:
        return field, read_written_value(field, text, day) if text.strip() else ""
    except ValueError as error:
        raise FieldRefusedError([f"{field.title or field.name}：{error}"]) from None


def read_written_value(field: FieldDefinition, text: str, day: date) -> str:
    """Bring what a person wrote into the form that is kept, be it as people say it (8个月) or so already."""
    said = read_written(readable(field), text, day) if field.kind in KEPT_AS else None
    return read_value(field, said or text)


def import_fields(session: Session, fields: Mapping[str, FieldDefinition], raw: bytes, writer: Writer) -> int:
    """Set the fields of all customers of a CSV table; returns how many lines.

    Raises FieldRefusedError and then sets nothing.

    First line: external_userid, then fields by name or title. An empty cell leaves the field as it is.
    """
    rows, problems = read_table(raw, fields, writer.day)
    ids = _ids(session, [row.external_userid for row in rows])
    problems += [f"第 {r.line} 行：没有客户 {r.external_userid}" for r in rows if r.external_userid not in ids]
    if problems:
        raise FieldRefusedError(sorted(problems, key=_line_of))
    for row in rows:
        for name, value in row.values.items():
            _keep(session, ids[row.external_userid], name, value)
            note_written(session, ids[row.external_userid], name, value, (writer.name, writer.at))
    return len(rows)


def read_table(raw: bytes, fields: Mapping[str, FieldDefinition], day: date) -> tuple[list[TableRow], list[str]]:
    """Read a CSV table: its rows, and everything that is wrong with it."""
    if len(raw) > MOST_BYTES:
        return [], [f"文件超过 {MOST_BYTES // 1024 // 1024} MB，请分成几份"]
    text = decoded(raw)
    if text is None:
        return [], ["文件不是 UTF-8 也不是 GBK 编码；请另存为「CSV UTF-8」"]
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        heading = next(lines, [])
        columns, problems = _columns(heading, fields)
        numbered = ((lines.line_num, cells) for cells in lines)
        return ([], problems) if problems else _rows(numbered, columns, len(heading), day)
    except csv.Error as error:
        return [], [f"第 {lines.line_num} 行：不是正确的 CSV（{error}）"]


def _columns(
    heading: Sequence[str], fields: Mapping[str, FieldDefinition]
) -> tuple[list[FieldDefinition], list[str]]:
    if not heading or heading[0].strip() not in KEY_HEADINGS:
        return [], ["第 1 行：第一列的标题应是 external_userid，后面各列是字段名，例如 external_userid,birthday"]
    found = [(title, find_field(fields, title)) for title in heading[1:]]
    problems = [f"第 1 行：{unknown_field(list(fields.values()), title)}" for title, field in found if field is None]
    columns = [field for _, field in found if field is not None]
    twice = sorted({column.name for column in columns if columns.count(column) > 1})
    problems += [f"第 1 行：字段 {name} 出现了不止一次" for name in twice]
    return columns, problems or ([] if columns else ["第 1 行：除了 external_userid，至少还要有一列字段"])


def _rows(
    lines: Iterator[tuple[int, list[str]]], columns: Sequence[FieldDefinition], width: int, day: date
) -> tuple[list[TableRow], list[str]]:
    rows: list[TableRow] = []
    problems: list[str] = []
    first: dict[str, int] = {}
    for line, cells in lines:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != width:
            problems.append(f"第 {line} 行：有 {len(cells)} 列，标题有 {width} 列")
            continue
        who = cells[0].strip()
        if who in first:
            problems.append(f"第 {line} 行：客户 {who} 在第 {first[who]} 行已经有了")
        first.setdefault(who, line)
        values, wrong = _values(columns, cells[1:], day)
        problems += [f"第 {line} 行：{words}" for words in wrong]
        rows.append(TableRow(line, who, values))
    return rows, problems


def _values(columns: Sequence[FieldDefinition], cells: Sequence[str], day: date) -> tuple[dict[str, str], list[str]]:
    values: dict[str, str] = {}
    wrong: list[str] = []
    for field, cell in zip(columns, cells, strict=True):
        if not cell.strip():
            continue
        try:
            values[field.name] = read_written_value(field, cell, day)
        except ValueError as error:
            wrong.append(f"{field.title or field.name}：{error}")
    return values, wrong


def decoded(raw: bytes) -> str | None:
    for encoding in _ENCODINGS:
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def _ids(session: Session, external_userids: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    possible = [userid for userid in external_userids if "\0" not in userid]  # PostgreSQL refuses NUL in a parameter
    for start in range(0, len(possible), 500):
        chunk = possible[start : start + 500]
        query = select(Customer.external_userid, Customer.id).where(Customer.external_userid.in_(chunk))
        found.update(dict(session.execute(query).all()))
    return found


def _keep(session: Session, customer_id: int, name: str, value: str) -> None:
    known = session.get(StoredField, (customer_id, name))
    if not value:
        if known is not None:
            session.delete(known)
    elif known is None:
        session.add(StoredField(customer_id=customer_id, name=name, value=value))
    else:
        known.value = value


def _line_of(problem: str) -> int:
    number = problem.removeprefix("第 ").partition(" ")[0]
    return int(number) if number.isdigit() else 0
