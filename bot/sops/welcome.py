"""Welcome: sends a new customer the first words, within the 20 seconds WeCom allows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bot.customers.state import load_customer
from bot.delivery.handler import NotNeededError, OutboxHandler
from bot.platform.log import get_logger
from bot.platform.models import Agent, Customer, Outbox
from bot.platform.work import Work
from bot.sops.material_uploads import attachment_bodies
from bot.sops.message_links import tracked_in_welcome
from bot.sops.prompts import wording_values
from bot.wecom.errors import WeComError
from sop.wording import render

if TYPE_CHECKING:
    from bot.system import System

_NAME = "{agent.name}"
_log = get_logger(__name__)


class SendWelcome(OutboxHandler):
    """The greeting of a customer just added."""

    counts_as_sent = frozenset({41051})  # already greeted, by an earlier try or another app, or already chatting

    def prepare(self, work: Work, system: System, row: Outbox) -> dict[str, Any]:
        welcome = work.settings.tables.welcome
        if welcome is None:
            raise NotNeededError("配置里没有欢迎语")
        if "text" in row.payload:
            return row.payload
        customer = work.session.get_one(Customer, row.customer_id)
        agent = work.session.get_one(Agent, row.agent_id)
        values = wording_values(work.settings, load_customer(work.session, customer), agent)
        asks_name = {} if agent.name or _NAME not in welcome.say else {"name_of": agent.userid}
        if asks_name:
            values["agent.name"] = _NAME  # filled in when WeCom has told it
        attach = [attachment.model_dump(exclude_none=True) for attachment in welcome.attach]
        attach = tracked_in_welcome(system, attach, customer.id, work.settings.version)
        bodies, missing = attachment_bodies(work.session, attach, work.now)
        if missing:  # the 20 s leave no time to upload: the greeting goes without them
            _log.warning("welcome without materials", missing=missing)
        return {**row.payload, **asks_name, "text": render(welcome.say, values), "attachments": bodies}

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        userid, text = payload.get("name_of"), str(payload["text"])
        name = _name_of(system, userid) if userid else ""
        text = text.replace(_NAME, name or str(userid)) if userid else text
        system.wecom.send_welcome(payload["welcome_code"], text, payload["attachments"])
        return {"name": name}

    def record(self, work: Work, row: Outbox, result: Mapping[str, Any]) -> None:
        agent = work.session.get_one(Agent, row.agent_id)
        agent.name = agent.name or result.get("name") or agent.name


def _name_of(system: System, userid: str) -> str:
    """The name of an agent who was never read: the first thing that their customer hears must not be an id."""
    try:
        return str(system.wecom.member(userid).get("name") or "")[:64]
    except WeComError:  # the greeting has 20 s, and goes as it can
        return ""
