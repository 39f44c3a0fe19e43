"""Callback: stores an authentic event and enqueues the job that handles it, or refuses; handles nothing itself."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, Flask, Response, current_app, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from bot.intake.enqueuer import BackgroundEnqueuer
from bot.platform import clock
from bot.platform.database.store import Store, insert_new
from bot.platform.environment import CallbackSecrets, WeComAccess
from bot.platform.log import get_logger
from bot.platform.models import CallbackEvent
from bot.system import System
from bot.wecom.callback import (
    LARGEST_BODY,
    BadCallbackError,
    Callback,
    CallbackKeys,
    StaleCallbackError,
    open_callback,
    verify_url,
)

ENQUEUER = "tici-enqueuer"
COUNTED = "callback"  # among the counts of calls: what was refused for its age
_NOTIFY = "msgaudit_notify"
_log = get_logger(__name__)
pages = Blueprint("callback", __name__)


def prepare(app: Flask, system: System) -> None:
    """Give the app its background enqueuer and the callback's addresses."""
    app.extensions[ENQUEUER] = BackgroundEnqueuer(system)
    app.register_blueprint(pages)
    app.extensions["tici-csrf"].exempt(pages)  # WeCom signs what it sends


@pages.get("/wecom/callback")
@pages.get("/wecom/archive")
def check_address() -> Response:
    """Answer the admin console's check when the URL is saved: the decrypted echo, byte for byte."""
    try:
        return Response(verify_url(_keys(), request.args, clock.now()), mimetype="text/plain")
    except BadCallbackError as refusal:
        return _refuse(refusal)


@pages.post("/wecom/callback")
@pages.post("/wecom/archive")
def receive_callback() -> Response:
    """Answer an event: 200 once it is stored, the status of the refusal, or 503 so that WeCom sends it again."""
    now = clock.now()
    try:
        callback = open_callback(_keys(), request.args, _body(), now)
    except BadCallbackError as refusal:
        return _refuse(refusal)
    if callback.name == _NOTIFY:  # says only that there is something to pull, and WeCom repeats it: nothing to store
        _enqueuer().enqueue("pull")
        return Response()
    system: System = current_app.extensions["tici"]
    try:
        _store_event(system.store, callback, now)
    except SQLAlchemyError as error:
        _log.error("callback not stored", name=callback.name, error=type(error).__name__)
        return Response(status=503)
    _enqueuer().enqueue("handle_events")
    return Response()


def _store_event(store: Store, callback: Callback, now: datetime) -> None:
    """Store it once: WeCom repeats what was not answered in 5 s, and the digest of both is the same."""
    row = {
        "digest": callback.digest,
        "name": callback.name[:64],
        "change_type": callback.change_type[:64],
        "raw_xml": callback.raw_xml,
        "created_at": callback.created_at,
        "received_at": now,
        "attempts": 0,
    }
    with store.write() as session:
        insert_new(session, CallbackEvent, [row], ["digest"])


def _body() -> bytes:
    request.max_content_length = LARGEST_BODY
    try:
        return request.get_data(cache=False)
    except HTTPException as error:  # too large, or the sender hung up half-way
        raise BadCallbackError(error.code or 400, "body not readable") from None


def _keys() -> CallbackKeys:
    access: WeComAccess | None = current_app.extensions["tici"].environment.wecom
    if access is None:
        raise BadCallbackError(404, "WeCom is not configured (WECOM_CORP_ID)")
    given: CallbackSecrets = access.archive_callback if request.path.endswith("/archive") else access.callback
    try:
        return CallbackKeys(given.token, given.aes_key, access.corp_id)
    except ValueError as error:
        raise BadCallbackError(404, str(error)) from None


def _refuse(refusal: BadCallbackError) -> Response:
    if isinstance(refusal, StaleCallbackError):
        system: System = current_app.extensions["tici"]
        system.call_counts.count(COUNTED, "replayed", clock.now())
    _log.warning(
        "callback refused",
        status=refusal.status,
        reason=refusal.reason,
        path=request.path,
        bytes=request.content_length,
        peer=request.remote_addr,
    )
    return Response(status=refusal.status)


def _enqueuer() -> BackgroundEnqueuer:
    enqueuer: BackgroundEnqueuer = current_app.extensions[ENQUEUER]
    return enqueuer
