"""Kinds of events: the typed, frozen values that authentic callbacks are read into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from bot.wecom.callback import Fields


@dataclass(frozen=True)
class ArchiveNotify:
    """New messages are in the archive, to be pulled."""

    app_id: int | None


@dataclass(frozen=True)
class CustomerChange:
    """A follow (agent x customer) changed.

    change: add | add_half | edit | del | del_follow_user | transfer_fail | msg_audit_approved, as WeCom has
    them without "_external_contact". del: the agent removed the customer; del_follow_user: the customer
    removed the agent; transfer_fail: userid is the agent who would have taken over.
    """

    change: str
    userid: str
    external_userid: str
    state: str
    welcome_code: str
    source: str
    fail_reason: str


@dataclass(frozen=True)
class ChatChange:
    """A customer group changed; its details are up to date some seconds later and must be read again."""

    change: str
    chat_id: str
    detail: str
    join_scene: int | None
    quit_scene: int | None
    count: int | None
    members: tuple[str, ...]
    version_before: str
    version: str


@dataclass(frozen=True)
class StaffChange:
    """The directory changed (sent to apps that may read it). change: create_user | update_user | delete_user |
    create_party | update_party | delete_party. new_userid: the member's userid was changed to it."""

    change: str
    userid: str
    new_userid: str
    department: int | None


@dataclass(frozen=True)
class TagLibraryChange:
    """The corp's tag library changed. `tag_type`: tag | tag_group | "" (shuffle)."""

    change: str
    tag_id: str
    tag_type: str
    strategy_id: str


@dataclass(frozen=True)
class CardClick:
    """An agent pressed a button (or, with `menu`, a menu entry) of a template card.

    selected: the chosen options of each question. response_code: updates the card, once.
    """

    userid: str
    key: str
    task_id: str
    card_type: str
    response_code: str
    selected: tuple[tuple[str, tuple[str, ...]], ...]
    menu: bool
    app_id: int | None


@dataclass(frozen=True)
class AppText:
    """An agent wrote to the app."""

    userid: str
    content: str
    msgid: str
    app_id: int | None


@dataclass(frozen=True)
class AppMedia:
    """An agent sent the app something else: image, voice, video, location, link."""

    userid: str
    kind: str
    msgid: str
    app_id: int | None
    fields: Fields


@dataclass(frozen=True)
class AppEntered:
    """An agent opened the app."""

    userid: str
    app_id: int | None


@dataclass(frozen=True)
class AppMenu:
    """An agent used the app's menu; kind: click (`key` is ours) or view (`key` is a URL)."""

    userid: str
    kind: str
    key: str
    app_id: int | None


@dataclass(frozen=True)
class AppMember:
    """A member entered (subscribe) or left (unsubscribe) the app's visible range."""

    userid: str
    change: str
    app_id: int | None


@dataclass(frozen=True)
class AppAlert:
    """A warning about the app itself (inactive_alert, low_active, ...)."""

    name: str
    effective_at: str
    app_id: int | None


@dataclass(frozen=True)
class Unknown:
    """An authentic event that is not in the table or lacks a field it needs; kept as received."""

    name: str
    change_type: str
    fields: Fields
    missing: tuple[str, ...] = ()


Event: TypeAlias = (
    ArchiveNotify | CustomerChange | ChatChange | StaffChange | TagLibraryChange | CardClick | AppText
    | AppMedia | AppEntered | AppMenu | AppMember | AppAlert | Unknown
)  # fmt: skip
