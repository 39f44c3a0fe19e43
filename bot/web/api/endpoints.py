"""Endpoints of the API: orders, products, events and customers of a source, taken in batches and shown in pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask import Blueprint, Response, g, request
from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from bot.platform import clock
from bot.platform.database.audit_log import record
from bot.platform.log import get_logger
from bot.platform.work import Work
from bot.web.api import pages_shown, taking
from bot.web.api.callers import Caller, caller_with, find_caller
from bot.web.api.document import openapi_document
from bot.web.api.problems import ProblemError, answer_json, of_http, tell
from bot.web.api.requests import answered_before, find_people, keep_answer, key_of_request, page_asked, read_body
from bot.web.api.schemas import CustomerBatch, EventBatch, OrderBatch, ProductBatch
from bot.web.layout.requests import current_system

pages = Blueprint("api", __name__, url_prefix="/api/v1")
Take = Callable[[Work, Caller, Any, Sequence[int | str]], list[dict[str, Any]]]
_log = get_logger(__name__)


@pages.before_request
def _who() -> None:
    if request.endpoint != "api.document":
        g.api_caller = find_caller(current_system(), clock.now())


@pages.get("/openapi.json")
def document() -> Response:
    """What the API takes and answers; no token is asked for."""
    return answer_json(openapi_document())


@pages.post("/orders")
def post_orders() -> Response:
    return _take("orders", OrderBatch, taking.take_orders)


@pages.post("/products")
def post_products() -> Response:
    return _take("products", ProductBatch, taking.take_products)


@pages.post("/events")
def post_events() -> Response:
    return _take("events", EventBatch, taking.take_events)


@pages.post("/customers")
def post_customers() -> Response:
    return _take("customers", CustomerBatch, taking.take_customers)


@pages.get("/<any(orders, products, events, customers):what>")
def show(what: str) -> Response:
    """A page of what the token's source told."""
    caller = caller_with(f"{what}:read")
    after, limit = page_asked()
    with current_system().store.read() as session:
        found = pages_shown.PAGES[what](session, caller.source, after, limit + 1)
    rows, more = found[:limit], len(found) > limit
    return answer_json({what: rows, "next": pages_shown.last_of(what, rows[-1]) if more else None})


@pages.errorhandler(ProblemError)
def _problem(problem: ProblemError) -> Response:
    return tell(problem)


@pages.errorhandler(HTTPException)
def _http(error: HTTPException) -> Response:
    return of_http(error)


@pages.errorhandler(IntegrityError)
def _twice(_error: IntegrityError) -> Response:
    return tell(ProblemError(409, "another request stored the same at this moment: send this one again"))


@pages.errorhandler(OperationalError)
@pages.errorhandler(InterfaceError)
@pages.errorhandler(PoolTimeout)
def _away(error: Exception) -> Response:
    _log.error("database unreachable", path=request.path, error=type(error).__name__)
    return tell(ProblemError(503, "the database is away: send it again in a minute"))


def _take(what: str, model: type[BaseModel], take: Take) -> Response:
    """Take a batch in one transaction; told again under its Idempotency-Key, it is answered as it was."""
    caller, system = caller_with(f"{what}:write"), current_system()
    batch, key = read_body(model), key_of_request()
    items = getattr(batch, what)
    with system.store.read() as session:
        people = find_people(session, [item.customer for item in items if hasattr(item, "customer")])
    with system.work() as work:
        known = answered_before(work, caller, key)
        if known is not None:
            answer = answer_json(dict(known))
            answer.headers["Idempotency-Replayed"] = "true"
            return answer
        results = take(work, caller, batch, people)
        told = {"results": results, "refused": sum(one["result"] == "refused" for one in results)}
        keep_answer(work, caller, key, told)
        record(work.session, caller.actor, f"api.{what}", f"api:{caller.token_id}", work.now, count=len(items))
    return answer_json(told)
