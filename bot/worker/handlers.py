"""Handlers by kind: what each kind of outbox row asks of WeCom."""

from __future__ import annotations

from bot.agents.app_messages import AppText, CardChange
from bot.agents.daily_list import DayList
from bot.agents.members import ReadDepartments, ReadMember
from bot.agents.overdue import RemindOverdue
from bot.customers.group_chats import ReadGroup
from bot.customers.mark_tag import MarkTag
from bot.delivery.handler import OutboxHandler
from bot.delivery.outbox import Delivery
from bot.intake.media.files import FetchMedia
from bot.ops.alarms import TellAlarm
from bot.privacy.erasure import Forget
from bot.sops.group_send_handlers import CancelGroupSend, MakeGroupSend, PollGroupSend, RemindGroupSend
from bot.sops.material_uploads import Upload
from bot.sops.prompt_cards import Digest, Prompt
from bot.sops.welcome import Welcome
from bot.sync.consent import CheckConsent
from bot.sync.profiles import ReadProfile, ReadTagLibrary
from bot.system import System

HANDLERS: dict[str, OutboxHandler] = {
    "forget": Forget(),
    "card": Prompt(),
    "digest": Digest(),
    "day_list": DayList(),
    "nudge": RemindOverdue(),
    "card_change": CardChange(),
    "mark_tag": MarkTag(),
    "welcome": Welcome(),
    "profile": ReadProfile(),
    "library": ReadTagLibrary(),
    "member": ReadMember(),
    "departments": ReadDepartments(),
    "app_text": AppText(),
    "alarm": TellAlarm(),
    "material": Upload(),
    "group_send": MakeGroupSend(),
    "group_poll": PollGroupSend(),
    "group_cancel": CancelGroupSend(),
    "group_remind": RemindGroupSend(),
    "group_chat": ReadGroup(),
    "media": FetchMedia(),
    "consent": CheckConsent(),
}


def deliver(system: System, row_id: int) -> str | None:
    """Deliver one outbox row; see Delivery.deliver."""
    return Delivery(system, HANDLERS).deliver(row_id)
