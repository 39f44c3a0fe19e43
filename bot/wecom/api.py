"""WeComClient: wechatpy's client with our own tokens, time-outs, base URL, gateway and errors."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from redis import Redis
from wechatpy.enterprise import WeChatClient
from wechatpy.exceptions import WeChatClientException

from bot.wecom.errors import UNREACHABLE, CallHeldError, Remedy, WeComError
from bot.wecom.limits import CallGate
from bot.wecom.plain import clean, list_of, mapping, objects, texts, wecom_id
from bot.wecom.tokens import Token, TokenShelf, token_of
from bot.wecom.translatable import Translatable
from bot.wecom.wire import Wire, never_left, read_answer, refusal

API_URL = "https://qyapi.weixin.qq.com/cgi-bin/"
TIMEOUT = (3.05, 10.0)  # seconds: to connect (a little over TCP's retry after 3), to wait for each byte
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
# Seconds, WeCom's maximum: within them WeCom drops an equal message instead of sending it twice.
_DUPLICATE_WINDOW = 14_400
_MOST_PAGES = 20_000  # against endless cursors; enough for two million customers of one agent
# At DEBUG urllib3 logs whole URLs, secret and token included.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)


@dataclass(frozen=True)
class Sent:
    """A message that WeCom accepted. `failed`: userid (as given) -> "invalid" | "unlicensed"."""

    msgid: str
    response_code: str = field(default="", repr=False)
    failed: Mapping[str, str] = field(default_factory=dict)


_LATEST: ContextVar[float] = ContextVar("latest", default=float("inf"))


@contextmanager
def no_call_after(moment: float) -> Iterator[None]:
    """Within it a call that would begin after `moment` (of time.monotonic()) raises CallHeldError instead.

    A process that was frozen past its lease has been replaced: its call would undo the work of its successor.
    """
    token = _LATEST.set(moment)
    try:
        yield
    finally:
        _LATEST.reset(token)


@dataclass(frozen=True)
class Credentials:
    """One corp and one of its secrets.

    purpose: names the secret's token in Redis ("archive"); an app's is named by its id.
    """

    corp_id: str
    secret: str
    app_id: int = 0
    purpose: str = ""

    @property
    def shelf(self) -> str:
        return f"{self.corp_id}:{self.purpose or f'app-{self.app_id}'}"


class WeComClient(WeChatClient):  # type: ignore[misc]
    """A client for one corp and one secret. Every failure is a WeComError; only a dead token is retried, once.

    gateway: is asked before each call and told its outcome.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        api_url: str = API_URL,
        redis: Redis | None = None,
        timeout: tuple[float, float] = TIMEOUT,
        gateway: CallGate | None = None,
    ) -> None:
        super().__init__(credentials.corp_id, credentials.secret, timeout=timeout, auto_retry=False)
        self.API_BASE_URL = api_url.rstrip("/") + "/"
        self.app_id, self.redis, self.gateway = credentials.app_id, redis, gateway
        self.shelf = TokenShelf(credentials.shelf, redis)
        self._connect()

    def __repr__(self) -> str:
        return f"WeComClient({self.corp_id}, app_id={self.app_id})"

    # -- tokens ------------------------------------------------------------------------------------------

    @property
    def access_token(self) -> str:
        """The token in force, fetched if need be."""
        return self.shelf.token(self._fetch).value

    def fetch_access_token(self) -> dict[str, Any]:
        """Fetch a token now (wechatpy's own name for it)."""
        value, lifetime = self._fetch()
        return {"access_token": value, "expires_in": lifetime}

    def _fetch(self) -> tuple[str, float]:
        # A list: to a dict wechatpy would add the token, which does not exist yet.
        query = [("corpid", self.corp_id), ("corpsecret", self.secret)]
        try:
            answer = self._once("get", "gettoken", {"params": query})
        except WeComError as error:
            # The call that waits for this token has certainly not been made, so it may be repeated.
            raise (WeComError(None, error.errmsg, UNREACHABLE, "gettoken") if error.unsure else error) from None
        return token_of(answer, "access_token", "gettoken")

    def _connect(self) -> None:
        self._http, self._connected_in = Wire(), os.getpid()
        # The sandbox on loopback is never reached through the proxy of the environment.
        self._http.trust_env = urlsplit(self.API_BASE_URL).hostname not in _LOOPBACK

    # -- transport ---------------------------------------------------------------------------------------

    def _request(self, method: str, url_or_endpoint: str, **kwargs: Any) -> Any:
        """The method through which wechatpy makes every call."""
        token = self.shelf.token(self._fetch)
        try:
            return self._with(token, method, url_or_endpoint, kwargs)
        except WeComError as error:
            if not error.refresh:
                raise
        return self._with(self.shelf.renew(token, self._fetch), method, url_or_endpoint, kwargs)

    def _with(self, token: Token, method: str, endpoint: str, kwargs: Mapping[str, Any]) -> Any:
        params = {**kwargs.get("params", {}), "access_token": token.value}
        return self._once(method, endpoint, {**kwargs, "params": params})

    def _once(self, method: str, endpoint: str, kwargs: Mapping[str, Any]) -> Any:
        if time.monotonic() > _LATEST.get():
            raise CallHeldError(
                None, "too late", Remedy(Translatable("等得太久，轮到别的进程了"), retry_after=1), endpoint
            )
        if self.gateway is None:
            return self._ask(method, endpoint, kwargs)
        self.gateway.before(endpoint, _members(endpoint, kwargs.get("data")))
        try:
            answer = self._ask(method, endpoint, kwargs)
        except WeComError as error:
            self.gateway.after(endpoint, error)
            raise
        self.gateway.after(endpoint, None)
        return answer

    def _ask(self, method: str, endpoint: str, kwargs: Mapping[str, Any]) -> Any:
        sent = dict(kwargs)
        if self._connected_in != os.getpid():  # after a fork: two processes must not share a connection
            self._connect()
        if isinstance(sent.get("data"), dict):
            sent["headers"] = {**sent.get("headers", {}), "Content-Type": "application/json"}
        # `from None`: the original exceptions carry the request, and with it secret and token.
        try:
            answer = super()._request(method, endpoint, **sent)
        except WeChatClientException as error:
            raise refusal(error, endpoint) from None
        except requests.RequestException as error:
            how = UNREACHABLE if never_left(error) else None
            raise WeComError(None, type(error).__name__, how, endpoint) from None
        except UnicodeEncodeError:
            raise WeComError(40035, "the text holds a lone surrogate", api=endpoint) from None
        return read_answer(answer, endpoint)

    def _handle_result(self, res: requests.Response, *_: Any, **__: Any) -> requests.Response:
        """Replaces wechatpy's own, which takes every answer for an object with a numeric errcode."""
        return res

    def ask_with_headers(
        self, endpoint: str, data: dict[str, Any], headers: dict[str, str]
    ) -> tuple[object, Mapping[str, str]]:
        """The `content` of a POST's answer, and its headers, in which WeCom's media API tells the range."""
        answered: list[Mapping[str, str]] = []

        def listen(response: requests.Response, *_: Any, **__: Any) -> None:
            answered.append(response.headers)

        answer = self.post(endpoint, data=data, headers=headers, hooks={"response": listen})
        return answer.get("content", ""), answered[-1]

    # -- app messages ------------------------------------------------------------------------------------

    def send(self, userids: Sequence[str], message: Mapping[str, Any]) -> Sent:
        """Send an app message ({"msgtype": ..., ...}) to members.

        WeCom drops the same message again within four hours, so an unsure send may be repeated.
        """
        body = {**message, "enable_duplicate_check": 1, "duplicate_check_interval": _DUPLICATE_WINDOW}
        answer = self.message.send(self.app_id, list(userids), msg=body)
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
        """Send plain text (WeCom cuts it at 2,048 bytes)."""
        return self.send([userid], {"msgtype": "text", "text": {"content": content}})

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

    def pages(self, method: str, endpoint: str, question: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The answers page by page, until there is no next_cursor or one repeats."""
        cursor, seen = "", {""}
        while len(seen) <= _MOST_PAGES:
            asked = {**question, "cursor": cursor}
            page = self._request(method, endpoint, **{"params" if method == "get" else "data": asked})
            yield page
            cursor = clean(page.get("next_cursor"))
            if cursor in seen:
                return
            seen.add(cursor)
        raise WeComError(None, f"more than {_MOST_PAGES} pages", api=endpoint)


def _members(endpoint: str, body: object) -> list[str]:
    """The members a call writes to: WeCom limits messages per member."""
    named = body.get("touser") if endpoint == "message/send" and isinstance(body, Mapping) else ""
    return [userid for userid in str(named or "").split("|") if userid]


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
