"""Imported table: what each line of a table of customers says of whom, or what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from bot.customers.fields import read_written_value
from bot.customers.imported_lines import Line
from bot.customers.imported_people import ImportPlan, KnownPeople, Trouble
from bot.platform.config.settings import Settings
from sop.import_columns import FIELD, KEY, STAGE, TAGS, split_tags
from taggers.translatable import Translatable


def plan_import(
    session: Session, settings: Settings, table: tuple[Sequence[str], Sequence[Line]], targets: Sequence[str],
    seen: tuple[ColumnElement[bool], date],
) -> ImportPlan:  # fmt: skip
    """What each line gives to whom. targets: by column (sop.import_columns); seen: whom the reader may see (a
    condition on Customer), and the local day. A line with anything wrong gives nothing. Raises FieldRefusedError."""
    headings, lines = table
    plan, first = ImportPlan(), dict[int, int]()
    people = KnownPeople(session, headings, targets, seen[0])
    for line in lines:
        given, wrong = _given(settings, line, headings, targets, seen[1])
        troubles, found = [*people.troubles(line), *wrong], people.of(line)
        if not troubles and found[0] in first:
            said = Translatable("这位客户在第 {n} 行已经有了", n=first[found[0]])
            troubles.append(Trouble(line.number, people.heading, said))
        if troubles:
            plan.troubles += troubles
        else:
            first[found[0]] = line.number
            plan.given[found[0]] = given
    return plan


def _given(
    settings: Settings, line: Line, headings: Sequence[str], targets: Sequence[str], day: date
) -> tuple[dict[str, Any], list[Trouble]]:
    given: dict[str, Any] = {"tags": [], "stages": {}, "fields": {}}
    troubles = []
    for number, target in enumerate(targets):
        cell = line.cell(number)
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
