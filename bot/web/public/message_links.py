"""Tracked links of welcomes and mass messages: the opening is noted, and the customer redirected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, abort, current_app, redirect, request
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from werkzeug.wrappers import Response

from bot.platform import clock
from bot.platform.log import get_logger
from bot.platform.message_links import read_mass_token, read_welcome_token
from bot.platform.models import Customer, MessageLinkOpening
from bot.sops.message_links import target_in_mass, target_in_welcome
from bot.web.layout.requests import current_system
from bot.web.public.tracked_links import MOST_NOTED

pages = Blueprint("message_links", __name__)
MOST_OF_MASS = 100_000  # all customers of a mass message have the same link
_log = get_logger(__name__)


@pages.get("/w/<token>")
def open_welcome_link(token: str) -> Response:
    """Redirect to the address that the welcome had; 404 for a link that is not ours."""
    link = read_welcome_token(token, current_app.config["SECRET_KEY"])
    with current_system().store.read() as session:
        target = target_in_welcome(session, link)
        known = session.get(Customer, link.customer_id) is not None  # whoever was erased is redirected all the same
    return _redirect(target, {"customer_id": link.customer_id} if known else None)


@pages.get("/g/<token>")
def open_mass_link(token: str) -> Response:
    """Redirect to the address that the mass message had; 404 for a link that is not ours."""
    link = read_mass_token(token, current_app.config["SECRET_KEY"])
    with current_system().store.read() as session:
        target = target_in_mass(session, link)
    return _redirect(target, {"group_send_id": link.group_send_id})


def _redirect(target: Mapping[str, Any], whose: dict[str, int] | None) -> Response:
    if not str(target.get("url", "")).startswith(("http://", "https://")):
        abort(404)
    if request.method == "GET" and whose:  # a HEAD comes from a link preview, not from a customer
        _note(str(target.get("title", "")), whose)
    answer = redirect(target["url"], 302)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _note(title: str, whose: dict[str, int]) -> None:
    """Store the opening; the customer is redirected even where the database is busy."""
    system = current_system()
    try:
        with system.store.write() as session:
            opening = MessageLinkOpening(title=title[:64], opened_at=clock.now(), **whose)
            same = [getattr(MessageLinkOpening, name) == value for name, value in whose.items()]
            known = select(func.count()).where(MessageLinkOpening.title == opening.title, *same)
            if (session.scalar(known) or 0) < (MOST_OF_MASS if "group_send_id" in whose else MOST_NOTED):
                session.add(opening)
    except IntegrityError:  # erased just now
        return
    except SQLAlchemyError as error:
        _log.warning("link opening not noted", error=type(error).__name__)
        return
    system.queue.enqueue_once("openings")
