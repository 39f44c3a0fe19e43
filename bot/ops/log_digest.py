"""Log digest: sends where the audit log ends out of the house once a day, to the agents of [alarms] or a webhook."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import requests

from bot.customers.identity import find_agents
from bot.delivery.handler import OutboxHandler
from bot.platform.database.audit_digest import digest_line
from bot.platform.database.store import get_status, set_status
from bot.platform.environment import Environment
from bot.platform.models import Agent, Outbox
from bot.platform.work import About, Work
from bot.wecom.errors import UNREACHABLE, WeComError

if TYPE_CHECKING:
    from bot.system import System

KIND = "log_digest"
_WORTH_TELLING = timedelta(days=1)
_SECONDS = 10
_SAID = "操作日志今天到这里（请保存，日后可用 flask audit log --verify --digest 核对）："


def send_digest(work: Work, environment: Environment) -> int:
    """Put out the digest of the day, once; returns to how many."""
    day = work.now.astimezone(work.settings.zone).date().isoformat()
    known, wanted = get_status(work.session, KIND), work.settings.tables.alarms
    if known is not None and known.value["day"] >= day:
        return 0
    agents = list(find_agents(work.session, wanted.agents, work.now).values()) if wanted.digest else []
    places = [(str(agent.id), {"to": "agent"}, About(agent_id=agent.id)) for agent in agents]
    if environment.digest_webhook:
        places.append(("webhook", {"to": "webhook"}, About()))
    if not places:
        return 0
    set_status(work.session, KIND, {"day": day}, work.now)
    line = digest_line(work.session, work.now)
    for name, to, about in places:
        row = work.send(KIND, f"{KIND}:{day}:{name}", {**to, "text": f"{_SAID}\n{line}"}, about)
        row.deadline = work.now + _WORTH_TELLING
    return len(places)


class SendDigest(OutboxHandler):
    """Sends one digest, as a text of the app or as WeCom's group robots take it."""

    repeats_show = True

    def prepare(self, work: Work, system: System, row: Outbox) -> dict[str, Any]:
        if row.payload["to"] == "webhook" or "userid" in row.payload:
            return row.payload
        return {**row.payload, "userid": work.session.get_one(Agent, row.agent_id).userid}

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        if payload["to"] == "agent":
            return {"msgid": system.wecom.send_text(payload["userid"], payload["text"]).msgid}
        return _post(system.environment.digest_webhook, payload["text"])


def _post(address: str | None, text: str) -> dict[str, Any]:
    """Raises WeComError, without the address: it may hold a key."""
    try:
        body: Any = {"msgtype": "text", "text": {"content": text}}
        answer = requests.post(address or "", json=body, timeout=_SECONDS, allow_redirects=False)
    except requests.RequestException as error:
        raise WeComError(None, type(error).__name__, UNREACHABLE, "webhook") from None
    if not 200 <= answer.status_code < 300:
        raise WeComError(None, f"HTTP {answer.status_code}", UNREACHABLE, "webhook")
    return {"done": True}
