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
from sop.wording import render

if TYPE_CHECKING:
    from bot.system import System

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
        attach = [attachment.model_dump(exclude_none=True) for attachment in welcome.attach]
        attach = tracked_in_welcome(system, attach, customer.id, work.settings.version)
        bodies, missing = attachment_bodies(work.session, attach, work.now)
        if missing:  # the 20 s leave no time to upload: the greeting goes without them
            _log.warning("welcome without materials", missing=missing)
        return {**row.payload, "text": render(welcome.say, values), "attachments": bodies}

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        system.wecom.send_welcome(payload["welcome_code"], payload["text"], payload["attachments"])
        return {}
