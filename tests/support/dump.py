"""All rows of a database as values that do not depend on ids or on the order in which rows came."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.platform.database import key_check
from bot.platform.models import (
    Agent,
    Customer,
    Follow,
    GroupChat,
    Message,
    Model,
    SopEnrolment,
    SopTask,
)

_NAMED = {
    "customer_id": Customer, "agent_id": Agent, "sent_by_id": Agent, "message_id": Message,
    "kept_message_id": Message, "answer_message_id": Message, "group_id": GroupChat,
    "enrolment_id": SopEnrolment, "task_id": SopTask, "follow_id": Follow,
}  # fmt: skip
_IN_KEYS = {"mark": Follow, "card": SopTask, "profile": Customer, "window": SopTask}


def dump(session: Session) -> dict[str, list[str]]:
    """By table: its rows, sorted, with what they point to by name."""
    names = _names(session)
    found: dict[str, list[str]] = {}
    for mapper in Model.registry.mappers:
        rows = session.scalars(select(mapper.class_)).all()
        columns = [c.key for c in mapper.column_attrs if c.key not in ("id", "version", "ref")]  # refs are random
        told = [
            row for row in rows if getattr(row, "name", None) != key_check.STATUS
        ]  # made at random for each database
        plain = [{name: getattr(row, name) for name in columns} for row in told]
        if plain:
            found[mapper.class_.__name__] = sorted(repr(_shown(row, names)) for row in plain)
    return found


def differences(left: Mapping[str, list[str]], right: Mapping[str, list[str]]) -> list[str]:
    """The rows that only one of the two has."""
    told = []
    for table in sorted({*left, *right}):
        mine, theirs = Counter(left.get(table, ())), Counter(right.get(table, ()))
        told += [f"- {table} {row}" for row in (mine - theirs)] + [f"+ {table} {row}" for row in (theirs - mine)]
    return told


def _names(session: Session) -> dict[Any, dict[int, str]]:
    names: dict[Any, dict[int, str]] = {
        Customer: {c.id: c.external_userid for c in session.scalars(select(Customer))},
        Agent: {a.id: a.key for a in session.scalars(select(Agent))},
        Message: {m.id: m.msgid for m in session.scalars(select(Message))},
        GroupChat: {g.id: g.chat_id for g in session.scalars(select(GroupChat))},
    }
    for follow in session.scalars(select(Follow)):
        names.setdefault(Follow, {})[follow.id] = f"{names[Agent][follow.agent_id]}-{follow.customer_id}"
    for one in session.scalars(select(SopEnrolment)):
        whose = names[Customer][one.customer_id]
        names.setdefault(SopEnrolment, {})[one.id] = f"{whose}/{one.sop_id}/{one.cause}"
    for task in session.scalars(select(SopTask)):
        names.setdefault(SopTask, {})[task.id] = f"{names[SopEnrolment][task.enrolment_id]}/{task.step}"
    names[Follow] = {
        f.id: f"{names[Agent][f.agent_id]}-{names[Customer][f.customer_id]}" for f in session.scalars(select(Follow))
    }
    return names


def _shown(row: dict[str, Any], names: Mapping[Any, Mapping[int, str]]) -> dict[str, Any]:
    shown = {name: _value(name, value, names) for name, value in row.items()}
    for field in ("key", "occasion"):
        if isinstance(row.get(field), str):
            shown[field] = _key(row[field], names)
    return shown


def _value(name: str, value: Any, names: Mapping[Any, Mapping[int, str]]) -> Any:
    if name in _NAMED and value is not None:
        return names[_NAMED[name]][value]
    if isinstance(value, dict):
        return {key: _value(key, inner, names) for key, inner in sorted(value.items())}
    if name == "task_ids":
        return sorted(names[SopTask][key] for key in value)
    return value


def _key(key: str, names: Mapping[Any, Mapping[int, str]]) -> str:
    kind, _, rest = key.partition(":")
    number = re.match(r"\d+", rest)
    if kind in ("digest", "card_close"):  # named by tasks in the order of their ids, and by the row of the card
        return kind
    if kind not in _IN_KEYS or number is None:
        return key
    rest = names[_IN_KEYS[kind]][int(number[0])] + rest[number.end() :]
    met = re.fullmatch(r"(.*:met:)(\d+)", rest)
    return f"{kind}:{met[1]}{names[Agent][int(met[2])]}" if met else f"{kind}:{rest}"
