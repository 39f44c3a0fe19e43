"""The tables: people, what they said, what was noticed, where they stand, what follows, what must leave."""

from __future__ import annotations

from bot.models.columns import Json, Key, Model, UtcDateTime
from bot.models.house import (
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
from bot.models.leaving import Allowance, ApiTally, Breaker, Outbox
from bot.models.lifecycle import CorpTag, Evidence, Feedback, Placement, StageMove, Tagging
from bot.models.people import Account, Agent, Customer, CustomerField, Department, Follow, Note
from bot.models.privacy import Consent, SearchToken, Tombstone
from bot.models.sops import GroupSend, Material, SopEnrolment, SopTask
from bot.models.talks import (
    ArchiveCursor,
    ArchiveGap,
    CallbackEvent,
    GroupChat,
    GroupMember,
    LinkOpening,
    MediaFile,
    Message,
    Quarantine,
)

__all__ = [
    "Account",
    "Agent",
    "Alarm",
    "Allowance",
    "ApiTally",
    "ArchiveCursor",
    "ArchiveGap",
    "AuditEntry",
    "Breaker",
    "CallbackEvent",
    "ConfigChange",
    "ConfigVersion",
    "Consent",
    "CorpTag",
    "Customer",
    "CustomerField",
    "Department",
    "Evidence",
    "Feedback",
    "Follow",
    "GroupChat",
    "GroupMember",
    "GroupSend",
    "Json",
    "Key",
    "Lease",
    "LinkOpening",
    "Material",
    "MediaFile",
    "Message",
    "Model",
    "Note",
    "Outbox",
    "Placement",
    "Quarantine",
    "Report",
    "SearchToken",
    "SopEnrolment",
    "SopTask",
    "SpentState",
    "StageMove",
    "Status",
    "Study",
    "Tagging",
    "Tombstone",
    "UtcDateTime",
    "ViewEntry",
]
