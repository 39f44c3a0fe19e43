"""The pages of outgoing webhooks: made and switched by admins; what was sent, and sending it again."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from bot.delivery.webhook_news import forget_who_asks
from bot.delivery.webhooks import (
    EVENTS,
    WebhookRefusedError,
    check_url,
    make_webhook,
    send_again,
    switch_webhook,
)
from bot.platform.models import Webhook, WebhookDelivery
from bot.platform.outward import AddressRefusedError, NotReachedError
from bot.web.admin.pages import pages
from bot.web.auth.access import refuse_unless
from bot.web.auth.visitor import ADMIN, visitor
from bot.web.layout.languages import translate
from bot.web.layout.requests import LARGEST_ID, current_system, number_argument

_SHOWN = 100
_PATH = f"/admin/webhooks/<int(max={LARGEST_ID}):webhook_id>"


@pages.get("/admin/webhooks")
def webhooks() -> str:
    """Who is told of what."""
    return _page()


@pages.post("/admin/webhooks")
def add_webhook() -> Response | str | tuple[str, int]:
    """Make one and show its secret, this once."""
    refuse_unless(ADMIN)
    of, system = (request.form.get("name", ""), request.form.get("url", "")), current_system()
    try:
        check_url(of[1], system.environment.webhook_networks)
        with system.work() as work:
            words = request.form.get("words") == "1"
            secret = make_webhook(work, of, request.form.getlist("event"), words, visitor().actor)
    except NotReachedError:
        return _page(problem=translate("找不到这个地址的主机名")), 422
    except (WebhookRefusedError, AddressRefusedError) as refused:
        return _page(problem=str(refused)), 422
    forget_who_asks()
    return _page(secret=secret)


@pages.post(f"{_PATH}/switch")
def switch_one(webhook_id: int) -> Response:
    """Disable it, or enable it anew."""
    refuse_unless(ADMIN)
    with current_system().work() as work:
        row = _webhook_or_404(work.session, webhook_id)
        switch_webhook(work, row, row.disabled_at is not None, visitor().actor)
    forget_who_asks()
    return redirect(url_for("admin.webhooks"))


@pages.get(_PATH)
def deliveries(webhook_id: int) -> str:
    """What was sent to one of them, the newest first."""
    before = number_argument("before")
    with current_system().store.read() as session:
        row = _webhook_or_404(session, webhook_id)
        sent = select(WebhookDelivery).where(WebhookDelivery.webhook_id == webhook_id)
        sent = sent.where(WebhookDelivery.id < before) if before else sent
        rows = session.scalars(sent.order_by(WebhookDelivery.id.desc()).limit(_SHOWN + 1)).all()
        return render_template("admin_webhook.html", webhook=row, rows=rows[:_SHOWN], more=len(rows) > _SHOWN)


@pages.post(f"{_PATH}/<int(max={LARGEST_ID}):delivery_id>/again")
def again(webhook_id: int, delivery_id: int) -> Response:
    """Send one of them once more."""
    refuse_unless(ADMIN)
    with current_system().work() as work:
        row = work.session.get(WebhookDelivery, delivery_id)
        if row is None or row.webhook_id != webhook_id:
            abort(404)
        done = send_again(work, row, visitor().actor)
    flash(translate("正在重发") if done else translate("还在发送，不用重发"))
    return redirect(url_for("admin.deliveries", webhook_id=webhook_id))


def _page(secret: str = "", problem: str = "") -> str:
    with current_system().store.read() as session:
        rows = session.scalars(select(Webhook).order_by(Webhook.id)).all()
        return render_template("admin_webhooks.html", rows=rows, secret=secret, problem=problem, events=EVENTS)


def _webhook_or_404(session: Session, webhook_id: int) -> Webhook:
    row = session.get(Webhook, webhook_id)
    if row is None:
        abort(404)
    return row
