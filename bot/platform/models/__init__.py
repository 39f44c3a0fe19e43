"""The tables of the database as SQLAlchemy models, one module for each area."""

from __future__ import annotations

from bot.platform.models.api import ApiRequest, ApiToken
from bot.platform.models.columns import Json, Key, Model, UtcDateTime
from bot.platform.models.conduct import ConductFinding
from bot.platform.models.customer_lists import BulkDeed, BulkItem, SavedView
from bot.platform.models.facts import ToldFact
from bot.platform.models.group_prompts import GroupPrompt
from bot.platform.models.handovers import Handover
from bot.platform.models.impressions import Impression
from bot.platform.models.lifecycle import CorpTag, Evidence, Feedback, Placement, StageMove, Tagging
from bot.platform.models.messages import (
    ArchiveCursor,
    ArchiveGap,
    CallbackEvent,
    GroupChat,
    GroupMember,
    LinkOpening,
    MediaFile,
    Message,
    MessageLinkOpening,
    Quarantine,
)
from bot.platform.models.operations import (
    Alarm,
    AuditEntry,
    ConfigChange,
    ConfigVersion,
    Lease,
    Report,
    SpentState,
    Status,
    Study,
    ViewEntry,
)
from bot.platform.models.orders import BusinessEvent, Order, Product
from bot.platform.models.outbox import Allowance, ApiCalls, Breaker, Outbox
from bot.platform.models.own_follow_ups import OwnFollowUp
from bot.platform.models.people import Account, Agent, Customer, CustomerField, Department, Follow, Note, SecondFactor
from bot.platform.models.portraits import Portrait
from bot.platform.models.privacy import Consent, Erasure, SearchToken, Tombstone
from bot.platform.models.promises import OpenQuestion, Promise
from bot.platform.models.scores import ScoreEntry
from bot.platform.models.segments import SegmentMember
from bot.platform.models.sops import GroupSend, Material, ShadowStart, ShadowWord, SopEnrolment, SopTask
from bot.platform.models.webhooks import Webhook, WebhookDelivery
from bot.platform.models.wordings import OwnWording, WordingOffer

__all__ = [
    "Account",
    "Agent",
    "Alarm",
    "Allowance",
    "ApiCalls",
    "ApiRequest",
    "ApiToken",
    "ArchiveCursor",
    "ArchiveGap",
    "AuditEntry",
    "Breaker",
    "BulkDeed",
    "BulkItem",
    "BusinessEvent",
    "CallbackEvent",
    "ConductFinding",
    "ConfigChange",
    "ConfigVersion",
    "Consent",
    "CorpTag",
    "Customer",
    "CustomerField",
    "Department",
    "Erasure",
    "Evidence",
    "Feedback",
    "Follow",
    "GroupChat",
    "GroupMember",
    "GroupPrompt",
    "GroupSend",
    "Handover",
    "Impression",
    "Json",
    "Key",
    "Lease",
    "LinkOpening",
    "Material",
    "MediaFile",
    "Message",
    "MessageLinkOpening",
    "Model",
    "Note",
    "OpenQuestion",
    "Order",
    "Outbox",
    "OwnFollowUp",
    "OwnWording",
    "Placement",
    "Portrait",
    "Product",
    "Promise",
    "Quarantine",
    "Report",
    "SavedView",
    "ScoreEntry",
    "SearchToken",
    "SecondFactor",
    "SegmentMember",
    "ShadowStart",
    "ShadowWord",
    "SopEnrolment",
    "SopTask",
    "SpentState",
    "StageMove",
    "Status",
    "Study",
    "Tagging",
    "ToldFact",
    "Tombstone",
    "UtcDateTime",
    "ViewEntry",
    "Webhook",
    "WebhookDelivery",
    "WordingOffer",
]

for _table in Model.metadata.tables.values():
    if _table.autoincrement_column is not None:
        _table.dialect_options["sqlite"]["autoincrement"] = True  # an id that was given never returns
