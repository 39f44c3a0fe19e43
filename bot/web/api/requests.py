"""Requests of the API: checks their bodies, finds whom they are about, and answers a repetition the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

import orjson
from flask import request
from pydantic import BaseModel, ValidationError
from sqlalchemy import delete, select, true
from sqlalchemy.orm import Session

from bot.customers.imported_people import people_by
from bot.customers.state import CustomerState, load_customers
from bot.platform.models import ApiRequest, Customer
from bot.platform.work import Work
from bot.web.api.callers import Caller
from bot.web.api.problems import ProblemError, faults_of
from bot.web.api.schemas import CustomerKey
from sop.import_columns import plain_phone

KEPT = timedelta(days=1)
_LONGEST_KEY, _MOST = 80, 200
Batch = TypeVar("Batch", bound=BaseModel)


def read_body(model: type[Batch]) -> Batch:
    """The body by its schema. Raises ProblemError with all that is wrong."""
    if not request.is_json:
        raise ProblemError(415, "send JSON: Content-Type: application/json")
    raw = request.get_data()
    try:
        orjson.loads(raw)  # stricter than what follows: no NaN, no halves of characters
        return model.model_validate_json(raw, strict=True, by_alias=True, by_name=False)
    except orjson.JSONDecodeError as error:
        raise ProblemError(400, f"the body is no JSON: {str(error)[:200]}") from None
    except ValidationError as error:
        faults = faults_of(error.errors(include_url=False, include_input=False))
        raise ProblemError(422, "nothing was stored: the body is not as it should be", faults) from None


def find_people(session: Session, keys: Sequence[CustomerKey]) -> list[int | str]:
    """Of each key the id of its customer, or why there is none. Phones are sealed: all are opened where one is asked
    for."""
    known: dict[str, Mapping[str, tuple[int, ...]]] = {
        name: _by(session, name, keys) for name in ("external_userid", "unionid")
    }
    if any(key.phone for key in keys):
        known["phone"] = people_by(session, "phone", true())
    return [_one(key, known) for key in keys]


def states_of(work: Work, ids: Iterable[int]) -> dict[int, CustomerState]:
    """These customers, locked until the end of the transaction; those erased meanwhile are missing."""
    wanted = select(Customer).where(Customer.id.in_(sorted(set(ids)))).order_by(Customer.id).with_for_update()
    return load_customers(work.session, work.session.scalars(wanted).all())


def page_asked() -> tuple[str, int]:
    """After which id, and how many at most. Raises ProblemError."""
    limit = request.args.get("limit", "100")
    if not (limit.isascii() and limit.isdigit() and 1 <= int(limit[:9]) <= _MOST):
        raise ProblemError(400, f"limit is a number from 1 to {_MOST}", [{"pointer": "?limit", "detail": limit[:20]}])
    return request.args.get("after", "")[:64], int(limit)


def key_of_request() -> str:
    """The Idempotency-Key; empty where none was sent. Raises ProblemError."""
    key = request.headers.get("Idempotency-Key", "").strip()
    if len(key) > _LONGEST_KEY:
        raise ProblemError(400, f"Idempotency-Key has at most {_LONGEST_KEY} characters")
    return key


def answered_before(work: Work, caller: Caller, key: str) -> Mapping[str, Any] | None:
    """What was answered to the same request; ProblemError where the key was used for another."""
    work.session.execute(delete(ApiRequest).where(ApiRequest.at < work.now - KEPT))
    same = ApiRequest.token_id == caller.token_id, ApiRequest.key == key
    known = work.session.scalar(select(ApiRequest).where(*same)) if key else None
    if known is None:
        return None
    if known.digest != _digest():
        raise ProblemError(422, "this Idempotency-Key was used for another request: take a fresh one")
    return known.answer


def keep_answer(work: Work, caller: Caller, key: str, answer: Mapping[str, Any]) -> None:
    """Keep what is answered, for the same request again."""
    if key:
        row = ApiRequest(token_id=caller.token_id, key=key, digest=_digest(), at=work.now, answer=dict(answer))
        work.session.add(row)
        work.session.flush()


def _digest() -> str:
    return hashlib.sha256(request.path.encode() + b"\n" + request.get_data()).hexdigest()


def _by(session: Session, name: str, keys: Sequence[CustomerKey]) -> dict[str, tuple[int, ...]]:
    wanted = sorted({getattr(key, name) for key in keys if getattr(key, name)})
    column = Customer.external_userid if name == "external_userid" else Customer.unionid
    found: dict[str, tuple[int, ...]] = {}
    for own, number in session.execute(select(column, Customer.id).where(column.in_(wanted))):
        found[str(own)] = (*found.get(str(own), ()), number)
    return found


def _one(key: CustomerKey, known: Mapping[str, Mapping[str, tuple[int, ...]]]) -> int | str:
    kind = "external_userid" if key.external_userid else "unionid" if key.unionid else "phone"
    asked = plain_phone(key.phone) if kind == "phone" else getattr(key, kind)
    found = known[kind].get(asked, ())
    if not found:
        return f"no customer has this {kind}: send it again once WeCom has told of them"
    return found[0] if len(found) == 1 else f"{len(found)} customers have this {kind}: name external_userid"
