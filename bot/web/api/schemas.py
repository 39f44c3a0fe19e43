"""Schemas of the API: what is taken is checked by them, and the OpenAPI document is made of them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from bot.customers.order_given import EventGiven, Given, OneLine, OrderGiven, ProductGiven

MOST = 200  # of one request
Result = Literal["new", "changed", "same", "stale", "refused"]


_ONE_NAMED: dict[str, Any] = {
    "oneOf": [
        {"required": [name], "properties": {name: {"minLength": 1}}}
        for name in ("external_userid", "unionid", "phone")
    ]
}


class CustomerKey(Given):
    """Who it is, by exactly one of these."""

    model_config = ConfigDict(json_schema_extra=_ONE_NAMED)  # the document says what `_one` checks

    external_userid: OneLine = Field(default="", max_length=64, description="As WeCom has it: wm… or wo….")
    unionid: OneLine = Field(default="", max_length=64, description="The WeChat user's, as WeCom tells it.")
    phone: OneLine = Field(default="", max_length=32, description="A number that an agent noted in WeCom.")

    @model_validator(mode="after")
    def _one(self) -> CustomerKey:
        if [bool(self.external_userid), bool(self.unionid), bool(self.phone)].count(True) != 1:
            raise ValueError("name the customer by exactly one of external_userid, unionid and phone")
        return self


class OrderItem(OrderGiven):
    """An order and whose it is."""

    customer: CustomerKey


class EventItem(EventGiven):
    """An event and whose it is."""

    customer: CustomerKey


class CustomerItem(Given):
    """What is known of a customer: fields by their names in the config ("" clears one), tags to give."""

    customer: CustomerKey
    fields: dict[Annotated[str, Field(max_length=30)], Annotated[str, Field(max_length=200)]] = Field(
        default_factory=dict, max_length=50
    )
    tags: list[Annotated[OneLine, Field(min_length=1, max_length=30)]] = Field(default_factory=list, max_length=20)


class OrderBatch(Given):
    """Orders. quiet: they are stored and counted, but move no card and start or stop no SOP."""

    orders: list[OrderItem] = Field(min_length=1, max_length=MOST)
    quiet: bool = False


class ProductBatch(Given):
    """Products of the token's source."""

    products: list[ProductGiven] = Field(min_length=1, max_length=MOST)


class EventBatch(Given):
    """Events. quiet: as of orders."""

    events: list[EventItem] = Field(min_length=1, max_length=MOST)
    quiet: bool = False


class CustomerBatch(Given):
    """What is known of customers."""

    customers: list[CustomerItem] = Field(min_length=1, max_length=MOST)


class Outcome(Given):
    """What became of one item, in the order in which they were sent. why: of one that was refused."""

    at: int = Field(description="The item's place in the request, from 0.")
    result: Result
    why: str = ""


class Outcomes(Given):
    """What became of all of them."""

    results: list[Outcome]
    refused: int


class Fault(Given):
    """One thing that is wrong: where (a JSON pointer), what, and how to mend it."""

    pointer: str
    detail: str


class ProblemDetails(Given):
    """A problem as RFC 9457 has it."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[Fault] = Field(default_factory=list)


class OrderShown(OrderGiven):
    """An order as it is known."""

    external_userid: str


class OrderPage(Given):
    """Orders of the token's source, by their ids; next: what to give as `after` for those that follow."""

    orders: list[OrderShown]
    next: str | None


class ProductPage(Given):
    """Products of the token's source."""

    products: list[ProductGiven]
    next: str | None


class EventShown(EventGiven):
    """An event as it is known."""

    external_userid: str


class EventPage(Given):
    """Events of the token's source."""

    events: list[EventShown]
    next: str | None


class CustomerShown(Given):
    """A customer of whom the token's source told, and how many orders of theirs it told of."""

    external_userid: str
    unionid: str | None
    orders: int


class CustomerPage(Given):
    """Customers of whom the token's source told."""

    customers: list[CustomerShown]
    next: str | None
