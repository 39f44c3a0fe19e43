"""WeComClient: the calls that we make to WeCom, as methods with plain values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.wecom.connection import Connection
from bot.wecom.errors import WeComError
from bot.wecom.plain import clean, list_of, mapping, objects, texts, wecom_id
from bot.wecom.text_parts import text_parts

# Seconds, WeCom's maximum: within them WeCom drops an equal message instead of sending it twice.
_DUPLICATE_WINDOW = 14_400


@dataclass(frozen=True)
class Sent:
    """A message that WeCom accepted. `failed`: userid (as given) -> "invalid" | "unlicensed"."""

    msgid: str
    response_code: str = field(default="", repr=False)
    failed: Mapping[str, str] = field(default_factory=dict)


class WeComClient(Connection):
    """A client for one corp and one secret; see Connection."""

    # -- app messages ------------------------------------------------------------------------------------

    def send(self, userids: Sequence[str], message: Mapping[str, Any]) -> Sent:
        """Send an app message ({"msgtype": ..., ...}) to members.

        WeCom drops the same message again within four hours, so an unsure send may be repeated.
        """
        return self._send(
            userids, {**message, "enable_duplicate_check": 1, "duplicate_check_interval": _DUPLICATE_WINDOW}
        )

    def _send(self, userids: Sequence[str], body: Mapping[str, Any]) -> Sent:
        answer = self.message.send(self.app_id, list(userids), msg=dict(body))
        msgid = clean(answer.get("msgid"))
        if not msgid:  # the outcome is unknown; if it was sent, WeCom drops the repetition
            raise WeComError(None, "answered without a msgid", api="message/send")
        return Sent(msgid, clean(answer.get("response_code")), _failed(userids, answer))

    def send_card(self, userid: str, card: Mapping[str, Any]) -> Sent:
        """Send a template card (bot.wecom.cards builds one)."""
        return self.send([userid], {"msgtype": "template_card", "template_card": dict(card)})

    def send_textcard(self, userid: str, card: Mapping[str, Any]) -> Sent:
        """Send a text card, which older clients show too."""
        return self.send([userid], {"msgtype": "textcard", "textcard": dict(card)})

    def send_text(self, userid: str, content: str) -> Sent:
        """Send plain text, as several messages where it is longer than WeCom shows; the last one's outcome."""
        sent = [self.send([userid], {"msgtype": "text", "text": {"content": part}}) for part in text_parts(content)]
        return sent[-1]

    def answer(self, userid: str, content: str) -> Sent:
        """Send plain text to somebody who asked for it, however often (WeCom cuts it at 2,048 bytes)."""
        return self._send([userid], {"msgtype": "text", "text": {"content": content}})

    def update_card(self, userids: Sequence[str], response_code: str, change: Mapping[str, Any]) -> None:
        """Change a card on the agents' phones: {"button": {"replace_name": ...}} or {"template_card": ...}."""
        body = {"userids": list(userids), "agentid": self.app_id, "response_code": response_code, **change}
        self.post("message/update_template_card", data=body)

    def recall(self, msgid: str) -> None:
        """Recall a message of the last 24 hours."""
        self.post("message/recall", data={"msgid": msgid})

    # -- customers and their tags ------------------------------------------------------------------------

    def mark_tag(
        self, userid: str, external_userid: str, add: Sequence[str] = (), remove: Sequence[str] = ()
    ) -> None:
        """Add and remove corp tags (by id) on one agent's contact."""
        self.external_contact.mark_tag(userid, external_userid, list(add), list(remove))

    def corp_tags(self) -> list[dict[str, Any]]:
        """All tag groups: [{group_id, group_name, tag: [{id, name, ...}]}]."""
        answer = self.external_contact.get_corp_tag_list()
        return objects(list_of(answer, "tag_group", "externalcontact/get_corp_tag_list"))

    def add_corp_tags(self, group_name: str, names: Sequence[str]) -> dict[str, Any]:
        """Create tags in a group, which is created as needed; returns the group with the tags' ids."""
        body = {"group_name": group_name, "tag": [{"name": name} for name in names]}
        return dict(mapping(self.post("externalcontact/add_corp_tag", data=body).get("tag_group")))

    def rename_corp_tag(self, tag_id: str, name: str) -> None:
        """Give a tag that this app made another name; its id, and who carries it, stay as they are."""
        self.post("externalcontact/edit_corp_tag", data={"id": tag_id, "name": name})

    def send_welcome(self, welcome_code: str, content: str, attachments: Sequence[Any] = ()) -> None:
        """Greet a new customer, once, within 20 seconds of the event that brought the code."""
        body: dict[str, Any] = {"welcome_code": welcome_code, "text": {"content": content}}
        self.external_contact.send_welcome_msg(body | ({"attachments": list(attachments)} if attachments else {}))

    def upload(self, kind: str, name: str, content: bytes) -> str:
        """Upload a picture ("image") or file, kept by WeCom for three days; returns the media_id."""
        media_id = clean(self.media.upload(kind, (name, content)).get("media_id"))
        if not media_id:
            raise WeComError(None, "media/upload answered without a media_id", api="media/upload")
        return media_id

    def customer(self, external_userid: str) -> dict[str, Any]:
        """{external_contact, follow_user[]} with all followers, however many pages they take."""
        whole: dict[str, Any] = {}
        for page in self.pages("get", "externalcontact/get", {"external_userid": external_userid}):
            earlier = whole.get("follow_user", [])
            more = objects(list_of(page, "follow_user", "externalcontact/get"))
            whole = {**page, "follow_user": earlier + more}
        contact = mapping(whole.get("external_contact"))
        if contact.get("external_userid") != external_userid:
            raise WeComError(None, "answered about somebody else", api="externalcontact/get")
        return whole

    def customers_of(self, userid: str) -> list[str]:
        """The external_userids of one agent; none is an empty list, not an error."""
        try:
            return _ids(self.external_contact.list(userid), "external_userid", "externalcontact/list")
        except WeComError as error:
            if error.errcode != 84061:
                raise
            return []

    def customers_with_follow(self, userids: Sequence[str]) -> Iterator[dict[str, Any]]:
        """{external_contact, follow_info} of every customer of up to 100 agents, page by page."""
        body = {"userid_list": list(userids), "limit": 100}
        for page in self.pages("post", "externalcontact/batch/get_by_user", body):
            yield from objects(list_of(page, "external_contact_list", "externalcontact/batch/get_by_user"))

    def follow_users(self) -> list[str]:
        """The userids of members who may have customers."""
        answer = self.external_contact.get_follow_user_list()
        return _ids(answer, "follow_user", "externalcontact/get_follow_user_list")

    # -- directory and login -----------------------------------------------------------------------------

    def member(self, userid: str) -> dict[str, Any]:
        """userid, name, department, ... of one member."""
        found = dict(self.user.get(userid))
        if clean(found.get("userid")).casefold() != userid.casefold():
            raise WeComError(None, "answered about somebody else", api="user/get")
        return found

    def members_of(self, department: int, deep: bool = True) -> list[dict[str, Any]]:
        """[{userid, name, department}] of a department."""
        query = {"department_id": department, "fetch_child": int(deep)}
        return objects(self.get("user/simplelist", params=query).get("userlist"))

    def member_ids(self) -> Iterator[dict[str, Any]]:
        """{userid, department} of all members (needs the contacts-sync secret)."""
        for page in self.pages("post", "user/list_id", {"limit": 10_000}):
            yield from objects(page.get("dept_user"))

    def login(self, code: str) -> dict[str, Any]:
        """Who signed in through OAuth or the QR page: {userid, user_ticket?}, or {openid, ...} for an outsider."""
        return dict(self.get("auth/getuserinfo", params={"code": code}))

    def login_detail(self, user_ticket: str) -> dict[str, Any]:
        """The profile that a member agreed to share (scope snsapi_privateinfo)."""
        return dict(self.post("auth/getuserdetail", data={"user_ticket": user_ticket}))


def _ids(answer: Mapping[str, Any], name: str, api: str) -> list[str]:
    return [one for item in list_of(answer, name, api) if (one := wecom_id(item))]


def _failed(userids: Sequence[str], answer: Mapping[str, Any]) -> dict[str, str]:
    """Userid -> reason; WeCom answers in lower case, the caller gets the userids as given."""
    given = {userid.casefold(): userid for userid in userids}
    return {
        given.get(userid.casefold(), userid): reason
        for name, reason in (("invaliduser", "invalid"), ("unlicenseduser", "unlicensed"))
        for userid in "|".join(texts(answer.get(name))).split("|")
        if userid
    }
