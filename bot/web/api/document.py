"""The OpenAPI document, made of the schemas by which requests are checked."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from bot.web.api import schemas as api

_BATCHES: dict[str, type[BaseModel]] = {
    "orders": api.OrderBatch,
    "products": api.ProductBatch,
    "events": api.EventBatch,
    "customers": api.CustomerBatch,
}
_PAGES: dict[str, type[BaseModel]] = {
    "orders": api.OrderPage,
    "products": api.ProductPage,
    "events": api.EventPage,
    "customers": api.CustomerPage,
}
_REF = "#/components/schemas/{model}"
_REFUSALS = {
    "400": "The body is no JSON, or a parameter cannot be read",
    "401": "No token, one that is not known, or one that was revoked",
    "403": "The token lacks the scope",
    "409": "Another request stored the same at this moment",
    "413": "Larger than 1 MB",
    "415": "Not JSON",
    "422": "Not by the schema, or an Idempotency-Key used for another request",
    "429": "More than 120 requests in a minute",
    "503": "The database is away",
}
_PARAMETERS = [
    {
        "name": "after", "in": "query", "required": False, "schema": {"type": "string", "maxLength": 64},
        "description": "`next` of the page before",
    },
    {
        "name": "limit", "in": "query", "required": False,
        "schema": {"type": "integer", "minimum": 1, "maximum": 200, "default": 100},
    },
]  # fmt: skip
_REPEATED = {
    "name": "Idempotency-Key", "in": "header", "required": False, "schema": {"type": "string", "maxLength": 80},
    "description": "The same key with the same body is answered as it was, for a day",
}  # fmt: skip


@cache
def openapi_document() -> dict[str, Any]:
    """OpenAPI 3.1."""
    models: list[type[BaseModel]] = [*_BATCHES.values(), *_PAGES.values(), api.Outcomes, api.ProblemDetails]
    _, schemas = models_json_schema([(model, "validation") for model in models], ref_template=_REF)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tici", "version": "1", "description": "What other systems tell Tici of customers."},
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": {f"/api/v1/{what}": _path(what) for what in _BATCHES},
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _path(what: str) -> dict[str, Any]:
    batch, page = _BATCHES[what], _PAGES[what]
    return {
        "post": {
            "operationId": f"post_{what}",
            "summary": f"Tell of {what}; scope {what}:write",
            "parameters": [_REPEATED],
            "requestBody": {"required": True, "content": _json(batch.__name__)},
            "responses": {"200": _answer("What became of each", "Outcomes"), **_problems()},
        },
        "get": {
            "operationId": f"get_{what}",
            "summary": f"The {what} of the token's source; scope {what}:read",
            "parameters": _PARAMETERS,
            "responses": {"200": _answer("A page", page.__name__), **_problems("400", "401", "403", "429", "503")},
        },
    }


def _problems(*statuses: str) -> dict[str, Any]:
    content = _json("ProblemDetails", "application/problem+json")
    return {
        status: {"description": said, "content": content}
        for status, said in _REFUSALS.items()
        if not statuses or status in statuses
    }


def _answer(said: str, model: str) -> dict[str, Any]:
    return {"description": said, "content": _json(model)}


def _json(model: str, kind: str = "application/json") -> dict[str, Any]:
    return {kind: {"schema": {"$ref": _REF.format(model=model)}}}
