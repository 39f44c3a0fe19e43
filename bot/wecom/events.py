"""Reads the event in an authentic callback: one table from Event and ChangeType to a typed, frozen value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.wecom.callback import Callback
from bot.wecom.event_kinds import (
    AppAlert,
    AppEntered,
    AppMedia,
    AppMember,
    AppMenu,
    AppText,
    ArchiveNotify,
    CardClick,
    ChatChange,
    CustomerChange,
    Event,
    StaffChange,
    TagLibraryChange,
    Unknown,
)
from bot.wecom.plain import LONGEST_ID, wecom_id


@dataclass(frozen=True)
class _FieldSpec:
    """How an attribute is read: its XML name, whether it is required, and its reader."""

    name: str
    needed: bool = False
    read: Callable[[Any], object] = str


@dataclass(frozen=True)
class _EventSpec:
    """A row of the table: the class to build, its fixed attributes, the attributes read from the XML."""

    build: Callable[..., Event]
    fixed: Mapping[str, object] = field(default_factory=dict)
    attributes: Mapping[str, _FieldSpec] = field(default_factory=dict)

    def __call__(self, callback: Callback) -> Event:
        values = {at: a.read(callback.fields.get(a.name, "")) for at, a in self.attributes.items()}
        missing = [a.name for at, a in self.attributes.items() if a.needed and not values[at]]
        if missing:
            return Unknown(callback.name, callback.change_type, callback.fields, tuple(missing))
        return self.build(**self.fixed, **values)


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""


def _id(value: object) -> str:
    """A single id of WeCom's; "" where it is too long, occurs several times or is nested."""
    return wecom_id(_string(value))


def _word(value: object) -> str:
    """A short text, cut at the length of an id."""
    return _string(value)[:LONGEST_ID]


def _number(value: object) -> int | None:
    text = _string(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _several(value: object, name: str) -> tuple[Any, ...]:
    """The children called `name`, always as a tuple: in XML a list of one looks like a single value."""
    inner = value.get(name, ()) if isinstance(value, Mapping) else ()
    return inner if isinstance(inner, tuple) else (inner,)


def _members(value: object) -> tuple[str, ...]:
    return tuple(found for item in _several(value, "Item") if (found := _id(item)))


def _selected(value: object) -> tuple[tuple[str, tuple[str, ...]], ...]:
    chosen = (item for item in _several(value, "SelectedItem") if isinstance(item, Mapping))
    return tuple(
        (_string(item.get("QuestionKey")), tuple(map(_string, _several(item.get("OptionIds"), "OptionId"))))
        for item in chosen
    )


def _optional(**names: str) -> dict[str, _FieldSpec]:
    return {attribute: _FieldSpec(name, read=_string) for attribute, name in names.items()}


def _needed(**names: str) -> dict[str, _FieldSpec]:
    return {attribute: _FieldSpec(name, needed=True, read=_id) for attribute, name in names.items()}


_APP = {"app_id": _FieldSpec("AgentID", read=_number)}
_BY = _needed(userid="FromUserName")


def _customer(change: str) -> _EventSpec:
    needed = _needed(userid="UserID", external_userid="ExternalUserID")
    words = {"state": "State", "source": "Source", "fail_reason": "FailReason"}
    extra = {attribute: _FieldSpec(name, read=_word) for attribute, name in words.items()}
    return _EventSpec(CustomerChange, {"change": change}, needed | extra | _optional(welcome_code="WelcomeCode"))


def _chat(change: str) -> _EventSpec:
    texts = _optional(detail="UpdateDetail", version_before="LastMemVer", version="CurMemVer")
    numbers = {"join_scene": "JoinScene", "quit_scene": "QuitScene", "count": "MemChangeCnt"}
    read = {attribute: _FieldSpec(name, read=_number) for attribute, name in numbers.items()}
    members = {"members": _FieldSpec("MemChangeList", read=_members)}
    return _EventSpec(ChatChange, {"change": change}, _needed(chat_id="ChatId") | texts | read | members)


def _tag(change: str) -> _EventSpec:
    return _EventSpec(
        TagLibraryChange, {"change": change}, _optional(tag_id="Id", tag_type="TagType", strategy_id="StrategyId")
    )


def _staff(change: str) -> _EventSpec:
    ids = {"userid": _FieldSpec("UserID", read=_id), "new_userid": _FieldSpec("NewUserID", read=_id)}
    return _EventSpec(StaffChange, {"change": change}, ids | {"department": _FieldSpec("Id", read=_number)})


def _card(menu: bool) -> _EventSpec:
    texts = _optional(key="EventKey", card_type="CardType", response_code="ResponseCode")
    chosen = {"selected": _FieldSpec("SelectedItems", read=_selected)}
    task = {"task_id": _FieldSpec("TaskId", needed=True, read=_string)}
    return _EventSpec(CardClick, {"menu": menu}, _BY | task | texts | chosen | _APP)


def _media(callback: Callback) -> Event:
    get = callback.fields.get
    return AppMedia(
        _string(get("FromUserName")),
        callback.kind,
        _string(get("MsgId")),
        _number(get("AgentID")),
        callback.fields,
    )


_ALERTS = (
    "inactive_alert", "low_active_alert", "close_inactive_agent",
    "reopen_inactive_agent", "low_active", "active_restored",
)  # fmt: skip

# Keys: "MsgType:" for messages, else Event, with "/ChangeType" where WeCom has one.
READINGS: dict[str, Callable[[Callback], Event]] = {
    "msgaudit_notify": _EventSpec(ArchiveNotify, {}, _APP),
    "change_external_contact/add_external_contact": _customer("add"),
    "change_external_contact/add_half_external_contact": _customer("add_half"),
    "change_external_contact/edit_external_contact": _customer("edit"),
    "change_external_contact/del_external_contact": _customer("del"),
    "change_external_contact/del_follow_user": _customer("del_follow_user"),
    "change_external_contact/transfer_fail": _customer("transfer_fail"),
    "change_external_contact/msg_audit_approved": _customer("msg_audit_approved"),
    **{f"change_external_chat/{change}": _chat(change) for change in ("create", "update", "dismiss")},
    **{f"change_external_tag/{change}": _tag(change) for change in ("create", "update", "delete", "shuffle")},
    **{
        f"change_contact/{change}_{what}": _staff(f"{change}_{what}")
        for change in ("create", "update", "delete")
        for what in ("user", "party")
    },
    "template_card_event": _card(menu=False),
    "template_card_menu_event": _card(menu=True),
    **{
        kind: _EventSpec(AppMenu, {"kind": kind}, _BY | _optional(key="EventKey") | _APP)
        for kind in ("click", "view")
    },
    "enter_agent": _EventSpec(AppEntered, {}, _BY | _APP),
    **{change: _EventSpec(AppMember, {"change": change}, _BY | _APP) for change in ("subscribe", "unsubscribe")},
    **{name: _EventSpec(AppAlert, {"name": name}, _optional(effective_at="EffectTime") | _APP) for name in _ALERTS},
    "text:": _EventSpec(AppText, {}, _BY | _optional(content="Content", msgid="MsgId") | _APP),
    **{f"{kind}:": _media for kind in ("image", "voice", "video", "location", "link")},
}


def read_event(callback: Callback) -> Event:
    """The event in a callback; Unknown where the table does not have it. Never raises."""
    name = callback.name if callback.kind == "event" else f"{callback.kind}:"
    key = f"{name}/{callback.change_type}" if callback.change_type else name
    reading = READINGS.get(key)
    if reading is None:
        return Unknown(callback.name, callback.change_type, callback.fields)
    return reading(callback)
