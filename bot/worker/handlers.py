"""Handlers: the outbox handler of each kind of row."""

from __future__ import annotations

from bot.agents.app_messages import SendAppText, UpdateCard
from bot.agents.conduct import TO_AGENT as CONDUCT_AGENT
from bot.agents.conduct_notices import KIND as CONDUCT
from bot.agents.conduct_notices import TellAgentOfConduct, TellOfConduct
from bot.agents.daily_list import SendDayList
from bot.agents.group_waiting import KIND as GROUP_WAITING
from bot.agents.group_waiting import RemindGroupOwner
from bot.agents.handover_brief import KIND as HANDOVER
from bot.agents.handover_brief import SendHandover
from bot.agents.members import ReadDepartments, ReadMember
from bot.agents.overdue import RemindOverdue
from bot.agents.own_reminders import KIND as OWN_FOLLOW_UP
from bot.agents.own_reminders import RemindOfOwn
from bot.agents.promises import RemindPromise
from bot.agents.prompts_to_readers import SendDigestToReader, SendPromptCardToReader
from bot.agents.waiting import RemindWaiting
from bot.agents.weekly import KIND as WEEK
from bot.agents.weekly import SendWeek
from bot.customers.group_chats import ReadGroup
from bot.customers.mark_tag import MarkTag
from bot.customers.stage_renaming import KIND as STAGE_TAG
from bot.customers.stage_renaming import RenameStageTag
from bot.delivery.handler import OutboxHandler
from bot.delivery.outbox import Delivery
from bot.delivery.webhooks import KIND as WEBHOOK
from bot.delivery.webhooks import SendWebhook
from bot.intake.media.files import FetchMedia
from bot.ops.alarms import TellAlarm
from bot.ops.log_digest import SendDigest
from bot.privacy.erasure import Forget
from bot.sops.group_send_handlers import CancelGroupSend, MakeGroupSend, PollGroupSend, RemindGroupSend
from bot.sops.group_sops import SendGroupPrompt
from bot.sops.material_uploads import UploadMaterial
from bot.sops.returning import KIND as RETURNING
from bot.sops.welcome import SendWelcome
from bot.sync.consent import CheckConsent
from bot.sync.profiles import ReadProfile, ReadTagLibrary
from bot.system import System

HANDLERS: dict[str, OutboxHandler] = {
    "forget": Forget(),
    "card": SendPromptCardToReader(),
    "digest": SendDigestToReader(),
    "day_list": SendDayList(),
    "nudge": RemindOverdue(),
    "waiting": RemindWaiting(),
    "waiting_leader": RemindWaiting(),
    GROUP_WAITING: RemindGroupOwner(),
    HANDOVER: SendHandover(),
    OWN_FOLLOW_UP: RemindOfOwn(),
    "promise": RemindPromise(),
    "promise_leader": RemindPromise(),
    CONDUCT: TellOfConduct(),
    CONDUCT_AGENT: TellAgentOfConduct(),
    "card_change": UpdateCard(),
    "mark_tag": MarkTag(),
    STAGE_TAG: RenameStageTag(),
    "welcome": SendWelcome(),
    "profile": ReadProfile(),
    "library": ReadTagLibrary(),
    "member": ReadMember(),
    "departments": ReadDepartments(),
    "app_text": SendAppText(),
    RETURNING: SendAppText(),
    WEEK: SendWeek(),
    "alarm": TellAlarm(),
    "log_digest": SendDigest(),
    "material": UploadMaterial(),
    "group_send": MakeGroupSend(),
    "group_poll": PollGroupSend(),
    "group_cancel": CancelGroupSend(),
    "group_remind": RemindGroupSend(),
    "group_chat": ReadGroup(),
    "group_prompt": SendGroupPrompt(),
    "media": FetchMedia(),
    "consent": CheckConsent(),
    WEBHOOK: SendWebhook(),
}


def deliver(system: System, row_id: int) -> str | None:
    """Deliver one outbox row; see Delivery.deliver."""
    return Delivery(system, HANDLERS).deliver(row_id)
