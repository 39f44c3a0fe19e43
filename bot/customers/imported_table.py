"""Imported table: reads a CSV file into lines, and finds whom each is about, what it says, or what is wrong."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from bot.customers.fields import FieldRefusedError, decoded, read_written_value
from bot.platform.config.settings import Settings
from bot.platform.models import Customer, Follow
from sop.import_columns import FIELD, KEY, STAGE, TAGS, plain_phone, split_tags
from taggers.translatable import Translatable

MOST_BYTES = 20 * 1024 * 1024
MOST_LINES, MOST_COLUMNS, LONGEST_CELL = 50_000, 60, 1000


@dataclass(frozen=True)
class Line:
    """A line of a file, by its number there."""

    number: int
    cells: tuple[str, ...]


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


def read_file(raw: bytes) -> tuple[tuple[str, ...], list[Line]]:
    """The headings and the lines of a CSV file. Raises FieldRefusedError saying what is wrong."""
    if len(raw) > MOST_BYTES:
        raise FieldRefusedError([Translatable("文件超过 {n} MB，请分成几份", n=MOST_BYTES // 1024 // 1024)])
    if raw.startswith(b"PK\x03\x04"):
        raise FieldRefusedError(["这是 Excel 文件；请在 Excel 里另存为「CSV UTF-8」"])
    text = decoded(raw)
    if text is None:
        raise FieldRefusedError(["文件不是 UTF-8 也不是 GBK 编码；请另存为「CSV UTF-8」"])
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        numbered = [
            Line(lines.line_num, tuple(cell.strip()[:LONGEST_CELL] for cell in cells)) for cells in _some(lines)
        ]
    except csv.Error as error:
        raise FieldRefusedError(
            [Translatable("第 {n} 行：不是正确的 CSV（{why}）", n=lines.line_num, why=str(error))]
        ) from None
    return _headed([line for line in numbered if any(line.cells)])


def _some(lines: Any) -> Iterator[list[str]]:
    for count, cells in enumerate(lines):
        if count > MOST_LINES:
            raise FieldRefusedError([Translatable("最多 {n} 行，请分成几份", n=MOST_LINES)])
        yield [cell.replace("\0", "") for cell in cells]


def _headed(lines: Sequence[Line]) -> tuple[tuple[str, ...], list[Line]]:
    if len(lines) < 2:
        raise FieldRefusedError(["文件里没有内容：第一行是标题，下面每行一位客户"])
    headings = lines[0].cells
    if len(headings) > MOST_COLUMNS:
        raise FieldRefusedError([Translatable("最多 {n} 列", n=MOST_COLUMNS)])
    return headings, list(lines[1:])


def plan_import(
    session: Session, settings: Settings, table: tuple[Sequence[str], Sequence[Line]], targets: Sequence[str],
    seen: tuple[ColumnElement[bool], date],
) -> ImportPlan:  # fmt: skip
    """What each line gives to whom. targets: by column (sop.import_columns); seen: whom the reader may see (a
    condition on Customer), and the local day. A line with anything wrong gives nothing."""
    headings, lines = table
    plan, first = ImportPlan(), dict[int, int]()
    at = next((n for n, target in enumerate(targets) if target.startswith(KEY)), None)
    if at is None:
        raise FieldRefusedError(["请选哪一列认客户：企业微信的客户编号、手机号或备注"])
    people = _people_by(session, targets[at].removeprefix(KEY), seen[0])
    for line in lines:
        troubles = [*_whom(line, at, headings[at], targets[at], people)]
        given, wrong = _given(settings, line, headings, targets, seen[1])
        troubles += wrong
        found = people.get(_key(targets[at], line, at), ())
        if not troubles and found[0] in first:
            said = Translatable("这位客户在第 {n} 行已经有了", n=first[found[0]])
            troubles.append(Trouble(line.number, headings[at], said))
        if troubles:
            plan.troubles += troubles
        else:
            first[found[0]] = line.number
            plan.given[found[0]] = given
    return plan


def _key(target: str, line: Line, at: int) -> str:
    cell = line.cells[at] if at < len(line.cells) else ""
    return plain_phone(cell) if target == f"{KEY}phone" else cell.lstrip("'")


def _whom(line: Line, at: int, heading: str, target: str, people: Mapping[str, tuple[int, ...]]) -> Iterator[Trouble]:
    key = _key(target, line, at)
    found = people.get(key, ()) if key else ()
    if not key:
        yield Trouble(line.number, heading, "空着，不知道是哪位客户")
    elif not found:
        yield Trouble(line.number, heading, Translatable("没有找到客户「{key}」", key=key[:60]))
    elif len(found) > 1:
        said = Translatable("有 {n} 位客户都是「{key}」，分不清是哪一位", n=len(found), key=key[:60])
        yield Trouble(line.number, heading, said, found[:5])


def _people_by(session: Session, key: str, seen: ColumnElement[bool]) -> dict[str, tuple[int, ...]]:
    """By key: the customers whom the reader may see. Phones and remarks are sealed, so all are opened once."""
    found: dict[str, set[int]] = defaultdict(set)
    if key == "external_userid":
        rows = session.execute(select(Customer.external_userid, Customer.id).where(seen))
        return {userid: (number,) for userid, number in rows}
    contacts = select(Follow.customer_id, Follow.remark, Follow.remark_mobiles).join(Customer).where(seen)
    for customer_id, remark, mobiles in session.execute(contacts.where(Follow.ended_at.is_(None))):
        if key == "remark":
            found[remark.strip()].add(customer_id)
        else:
            for mobile in mobiles:
                found[plain_phone(str(mobile))].add(customer_id)
    return {name: tuple(sorted(ids)) for name, ids in found.items() if name}


def _given(
    settings: Settings, line: Line, headings: Sequence[str], targets: Sequence[str], day: date
) -> tuple[dict[str, Any], list[Trouble]]:
    given: dict[str, Any] = {"tags": [], "stages": {}, "fields": {}}
    troubles = []
    for number, target in enumerate(targets):
        cell = line.cells[number] if number < len(line.cells) else ""
        if not cell or not target or target.startswith(KEY):
            continue
        try:
            _read(settings, given, target, cell, day)
        except ValueError as error:
            troubles.append(Trouble(line.number, headings[number], str(error)))
    return given, troubles


def _read(settings: Settings, given: dict[str, Any], target: str, cell: str, day: date) -> None:
    if target == TAGS:
        tags = split_tags(cell)
        unknown = [tag for tag in tags if tag not in settings.known_tags]
        if unknown:
            raise ValueError(Translatable("配置里没有标签「{tag}」", tag=unknown[0][:30]))
        given["tags"] += tags
    elif target.startswith(STAGE):
        name = target.removeprefix(STAGE)
        pipeline = next((one for one in settings.pipelines if one.name == name), None)
        if pipeline is None or pipeline.stage(cell) is None:
            raise ValueError(Translatable("「{pipeline}」里没有阶段「{stage}」", pipeline=name, stage=cell[:30]))
        given["stages"][name] = cell
    elif target.startswith(FIELD):
        name = target.removeprefix(FIELD)
        given["fields"][name] = read_written_value(settings.fields[name], cell.lstrip("'"), day)
