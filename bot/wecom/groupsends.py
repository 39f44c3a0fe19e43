"""Mass messages (企业群发): created here, confirmed by members on their phones, polled, reminded of, cancelled."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.wecom.api import WeComClient
from bot.wecom.errors import WeComError
from bot.wecom.plain import clean, instant, items, mapping, small_number, wecom_id, whole_number

UNSENT = 0
_CONFIRMED = 2
_CANCELLED_ALREADY = 41093
_SOME_TIME = datetime(1970, 1, 1, tzinfo=UTC)  # confirmed, and WeCom does not say when
_LEEWAY = timedelta(minutes=2)  # between our clock and WeCom's


@dataclass(frozen=True)
class CreatedGroupSend:
    """A mass message that WeCom has; `refused`: external_userids that it left out from the start."""

    msgid: str
    refused: tuple[str, ...] = ()


@dataclass(frozen=True)
class GroupSendProgress:
    """One member's share of a mass message.

    confirmed_at: None until the member confirmed. results: (external_userid, status, unix time) of the customers who
    are no longer unsent. targets: all external_userids in the share.
    """

    confirmed_at: datetime | None
    results: tuple[tuple[str, int, int], ...]
    targets: tuple[str, ...]


@dataclass(frozen=True)
class Draft:
    """A mass message of one member, to at most 10,000 customers."""

    sender: str
    customers: Sequence[str]
    text: str
    attachments: Sequence[Mapping[str, Any]] = ()


def create(client: WeComClient, draft: Draft) -> CreatedGroupSend:
    """Create a mass message, which the member must confirm and can drop no customer from."""
    body = {
        "chat_type": "single",
        "external_userid": list(draft.customers),
        "sender": draft.sender,
        "text": {"content": draft.text},
        "attachments": list(draft.attachments),
    }
    answer = client.external_contact.add_msg_template(body)
    msgid = clean(answer.get("msgid"))
    if not msgid:
        raise WeComError(None, "add_msg_template answered without a msgid", api="externalcontact/add_msg_template")
    return CreatedGroupSend(msgid, tuple(clean(person) for person in items(answer.get("fail_list"))))


def find_created(
    client: WeComClient, draft: Draft, between: tuple[datetime, datetime], known: Collection[str] = ()
) -> list[CreatedGroupSend]:
    """Mass messages created by the API in this time that can only be this draft's: same text, same member, no other
    customers. `known`: msgids that belong to others."""
    since, until = (int(at.timestamp()) for at in (between[0] - _LEEWAY, between[1]))
    question = {"chat_type": "single", "start_time": since, "end_time": max(until, since + 1), "filter_type": 0,
                "limit": 100}  # fmt: skip
    found = []
    for page in client.pages("post", "externalcontact/get_groupmsg_list_v2", question):
        for row in map(mapping, items(page.get("group_msg_list"))):
            msgid, words = clean(row.get("msgid")), clean(mapping(row.get("text")).get("content"))
            if words.strip() != clean(draft.text).strip() or msgid in known or not msgid:
                continue
            if [member.casefold() for member, _ in _members(client, msgid)] != [draft.sender.casefold()]:
                continue
            targets = progress(client, msgid, draft.sender).targets
            if targets and set(targets) <= set(draft.customers):
                refused = tuple(person for person in draft.customers if person not in set(targets))
                found.append(CreatedGroupSend(msgid, refused))
    return found


def progress(client: WeComClient, msgid: str, sender: str) -> GroupSendProgress:
    """The state of a member's share; WeComError 41063 while a new mass message is still being dispatched."""
    confirmed_at = next(
        (at for member, at in _members(client, msgid) if member.casefold() == sender.casefold()), None
    )
    results, targets = [], []
    question = {"msgid": msgid, "userid": sender, "limit": 1000}
    for page in client.pages("post", "externalcontact/get_groupmsg_send_result", question):
        for row in map(mapping, items(page.get("send_list"))):
            person, status = wecom_id(row.get("external_userid")), small_number(row.get("status"))
            targets.append(person)
            if status != UNSENT:
                at = instant(row.get("send_time"))
                results.append((person, status, int(at.timestamp()) if at else 0))
    return GroupSendProgress(confirmed_at, tuple(results), tuple(targets))


def remind(client: WeComClient, msgid: str) -> None:
    """Remind the member of an unconfirmed mass message; WeCom allows three times in 24 hours."""
    client.post("externalcontact/remind_groupmsg_send", data={"msgid": msgid})


def cancel(client: WeComClient, msgid: str) -> None:
    """Cancel an unconfirmed mass message; cancelling it again is no error."""
    try:
        client.post("externalcontact/cancel_groupmsg_send", data={"msgid": msgid})
    except WeComError as error:
        if error.errcode != _CANCELLED_ALREADY:
            raise


def _members(client: WeComClient, msgid: str) -> Iterator[tuple[str, datetime | None]]:
    """Each member who has the message, and when they confirmed it."""
    for page in client.pages("post", "externalcontact/get_groupmsg_task", {"msgid": msgid, "limit": 1000}):
        for row in map(mapping, items(page.get("task_list"))):
            at = instant(row.get("send_time")) or _SOME_TIME
            yield wecom_id(row.get("userid")), at if whole_number(row.get("status")) == _CONFIRMED else None
