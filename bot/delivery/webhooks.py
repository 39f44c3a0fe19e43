"""Webhooks: makes, switches and tells them; what is told leaves through the outbox, signed, until it is taken."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.delivery.handler import NotNeededError, OutboxHandler
from bot.platform import outward
from bot.platform.database.alarms import clear_alarm, raise_alarm
from bot.platform.database.audit_log import record
from bot.platform.models import Outbox, Webhook, WebhookDelivery
from bot.platform.outward import AddressRefusedError, Networks, NotReachedError, check_address
from bot.platform.work import Work
from bot.wecom.errors import BotError, Remedy, WeComError
from taggers.translatable import Translatable

if TYPE_CHECKING:
    from bot.system import System

KIND = "webhook"
EVENTS = ("tag", "stage", "task", "order", "waiting")
MOST = 20
MOST_FAILURES = 20  # tries in a row; then it is disabled
DISABLED = "已停用"
_AGAIN = Remedy("接收方没有收下", retry_after=5.0)


class WebhookRefusedError(BotError):
    """A webhook that cannot be made; the text is for people."""


def make_webhook(work: Work, of: tuple[str, str], events: Sequence[str], words: bool, who: str) -> str:
    """Make a webhook; returns its secret, which is shown this once. of: name and address."""
    name, url = " ".join(of[0].split()), of[1].strip()
    chosen = [event for event in EVENTS if event in events]
    if not name or len(name) > 60 or not chosen:
        raise WebhookRefusedError("请写名字（最多 60 字），并至少选一种事件")
    if (work.session.scalar(select(func.count()).select_from(Webhook)) or 0) >= MOST:
        raise WebhookRefusedError(Translatable("最多 {n} 个地址", n=MOST))
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    row = Webhook(name=name, url=url, secret=secret, events=chosen, words=words, created_by=who[:80])
    row.created_at = work.now
    work.session.add(row)
    work.session.flush()
    record(work.session, who, "webhook.make", f"webhook:{row.id}", work.now, events=chosen)
    return secret


def switch_webhook(work: Work, row: Webhook, on: bool, who: str) -> None:
    """Disable it, or enable it anew; what failed meanwhile is not sent by itself."""
    row.disabled_at, row.disabled_because, row.failures = (None if on else work.now), "", 0
    clear_alarm(work.session, _alarm_of(row), work.now)
    record(work.session, who, "webhook.on" if on else "webhook.off", f"webhook:{row.id}", work.now)


def put_out(session: Session, delivery: WebhookDelivery, now: datetime) -> Outbox:
    """Have a delivery leave: the first time, or once more."""
    row = Outbox(
        kind=KIND, key=f"{KIND}:{delivery.ref}:{delivery.rounds}", state="waiting", payload={"ref": delivery.ref},
        customer_id=delivery.customer_id, created_at=now, not_before=now,
    )  # fmt: skip
    session.add(row)
    return row


def send_again(work: Work, delivery: WebhookDelivery, who: str) -> bool:
    """Send what was sent or failed once more, under the same webhook-id; False while it is still on its way."""
    if delivery.state == "waiting":
        return False
    delivery.state, delivery.rounds, delivery.why, delivery.done_at = "waiting", delivery.rounds + 1, "", None
    work.leaving.append(put_out(work.session, delivery, work.now))
    record(work.session, who, "webhook.again", f"webhook:{delivery.webhook_id}", work.now)
    return True


def signed_headers(secret: str, ref: str, at: int, body: bytes) -> dict[str, str]:
    """The headers of Standard Webhooks (standardwebhooks.com); four lines are no reason for its library."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = hmac.new(key, f"{ref}.{at}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": ref,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
        "content-type": "application/json",
    }


class SendWebhook(OutboxHandler):
    """Posts one delivery; whatever is not answered by 2xx is tried again."""

    def prepare(self, work: Work, system: System, row: Outbox) -> dict[str, Any]:
        delivery = _delivery(work.session, row)
        webhook = work.session.get_one(Webhook, delivery.webhook_id)
        if webhook.disabled_at is not None:
            delivery.state, delivery.why, delivery.done_at = "failed", DISABLED, work.now
            raise NotNeededError(DISABLED)
        return {"ref": delivery.ref, "at": int(work.now.timestamp())}

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        with system.store.read() as session:  # address and secret are not copied into the outbox
            asked = select(WebhookDelivery, Webhook).join(Webhook, Webhook.id == WebhookDelivery.webhook_id)
            delivery, webhook = session.execute(asked.where(WebhookDelivery.ref == payload["ref"])).one()
            url, secret, told = webhook.url, webhook.secret, delivery.body
        body = json.dumps(told, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
        headers = signed_headers(secret, payload["ref"], payload["at"], body)
        try:
            status = outward.post(url, body, headers, system.environment.webhook_networks)
        except NotReachedError as error:
            raise WeComError(None, str(error), _AGAIN, KIND) from None
        except AddressRefusedError as error:
            raise WeComError(None, str(error), Remedy(str(error), permanent=True), KIND) from None
        if not 200 <= status < 300:
            raise WeComError(status, f"HTTP {status}", _AGAIN, KIND)
        return {"status": status}

    def record(self, work: Work, row: Outbox, result: Mapping[str, Any]) -> None:
        delivery = _delivery(work.session, row)
        delivery.state, delivery.status, delivery.done_at = "sent", int(result["status"]), work.now
        delivery.attempts, delivery.why = delivery.attempts + 1, ""
        work.session.get_one(Webhook, delivery.webhook_id).failures = 0

    def learn(self, work: Work, row: Outbox, error: WeComError) -> None:
        delivery = _delivery(work.session, row)
        webhook = work.session.get_one(Webhook, delivery.webhook_id, with_for_update=True)
        delivery.attempts, delivery.status = delivery.attempts + 1, error.errcode
        delivery.why = str(error.errmsg)[:200]
        webhook.failures += 1
        if webhook.failures >= MOST_FAILURES and webhook.disabled_at is None:
            webhook.disabled_at, webhook.disabled_because = work.now, delivery.why
            said = Translatable(
                "「{name}」连续 {n} 次没有收下通知，已停用；修好后在 设置 → 通知 里启用并重发",
                name=webhook.name,
                n=webhook.failures,
            )
            raise_alarm(work.session, _alarm_of(webhook), said, work.now)

    def give_up(self, work: Work, row: Outbox, state: str, why: str) -> None:
        delivery = _delivery(work.session, row)
        delivery.state, delivery.done_at = "failed", work.now
        delivery.why = delivery.why or why[:200]


def check_url(url: str, allowed: Networks) -> None:
    """Refuse an address that would never be called. Raises AddressRefusedError and NotReachedError."""
    parts = check_address(url.strip(), allowed)
    outward.resolve(str(parts.hostname), parts.port or 443, allowed)


def _delivery(session: Session, row: Outbox) -> WebhookDelivery:
    return session.scalars(select(WebhookDelivery).where(WebhookDelivery.ref == row.payload["ref"])).one()


def _alarm_of(webhook: Webhook) -> str:
    return f"webhook.{webhook.id}"
