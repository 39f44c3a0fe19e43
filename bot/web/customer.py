"""One customer: the conversation with its evidence, and everything that is known and planned about him."""

from __future__ import annotations

from flask import Blueprint, current_app, render_template, request

from bot.system import System
from bot.web import board
from bot.web.access import EVERYBODY, customer_or_404, needs
from bot.web.customer_rows import read_customer

LARGEST_ID = 2**63 - 1

pages = Blueprint("customer", __name__)
pages.before_request(needs(*EVERYBODY))


@pages.get(f"/c/<int(max={LARGEST_ID}):customer_id>")
def show(customer_id: int) -> str:
    """The whole page."""
    before = request.args.get("before", type=message_id)
    with _system().store.read() as rows:
        view = read_customer(rows, customer_or_404(rows, customer_id), before)
        return render_template("customer.html", view=view, back=board.back())


def message_id(text: str) -> int:
    """A row's number; raises ValueError."""
    number = int(text)
    if not 0 < number <= LARGEST_ID:
        raise ValueError("no row has such an id")
    return number


def _system() -> System:
    system: System = current_app.extensions["tici"]
    return system
