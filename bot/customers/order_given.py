"""What a source tells of an order, a product or another event: the schemas by which each is checked."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import orjson
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

MOST_FEN = 10**13
_EARLIEST, _LATEST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_MOST_PROPERTIES = 4000  # bytes of JSON


def _plain(text: str) -> str:
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in text):
        raise ValueError("contains control characters")
    return text


def _possible(at: datetime) -> datetime:
    if not _EARLIEST <= at <= _LATEST:
        raise ValueError("must lie between 1990 and 2200")
    return at.astimezone(UTC)


def _small(properties: dict[str, Any]) -> dict[str, Any]:
    try:
        size = len(orjson.dumps(properties))
    except TypeError:  # a number of more than 64 bits
        raise ValueError("must hold plain JSON, with numbers of at most 64 bits") from None
    if size > _MOST_PROPERTIES:
        raise ValueError(f"must not exceed {_MOST_PROPERTIES} bytes of JSON")
    return properties


OneLine = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_plain)]
OwnId = Annotated[OneLine, Field(min_length=1, max_length=64)]
Source = Annotated[OneLine, Field(min_length=1, max_length=40)]
Moment = Annotated[AwareDatetime, AfterValidator(_possible)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class Given(BaseModel):
    """Something that a source tells; a key that is not known is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class OrderGiven(Given):
    """One version of an order. amount: of the whole order, in the currency's smallest unit (fen).

    updated_at: when the source made this version; the newest one counts. Without it the time it is taken counts.
    """

    own_id: OwnId = Field(alias="id", description="The order's id in the source system; the same id is an update.")
    product_code: OneLine = Field(default="", max_length=64)
    product_name: OneLine = Field(default="", max_length=120)
    category: OneLine = Field(default="", max_length=60)
    quantity: int = Field(default=1, ge=1, le=9_999_999)
    amount: int = Field(ge=0, le=MOST_FEN, description="In the currency's smallest unit: 299900 is 2,999.00 yuan.")
    currency: Currency = "CNY"
    status: Literal["paid", "refunded", "cancelled"] = "paid"
    ordered_at: Moment
    paid_at: Moment | None = None
    updated_at: Moment | None = None
    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=300)] = ""


class ProductGiven(Given):
    """A product. price: of one, in the currency's smallest unit."""

    code: OneLine = Field(min_length=1, max_length=64)
    name: OneLine = Field(default="", max_length=120)
    category: OneLine = Field(default="", max_length=60)
    price: int | None = Field(default=None, ge=0, le=MOST_FEN)
    updated_at: Moment | None = None


class EventGiven(Given):
    """Something else that a customer did. The same id a second time changes nothing."""

    own_id: OwnId = Field(alias="id", description="The event's id in the source system; it is taken once.")
    name: OneLine = Field(min_length=1, max_length=60, pattern="^[^@]")
    at: Moment
    properties: Annotated[dict[str, Any], AfterValidator(_small)] = Field(default_factory=dict)
