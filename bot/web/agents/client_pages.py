"""Pages inside WeCom's client: their signatures, and what opens the chat with a task's customer there."""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from flask import Response, abort, current_app, jsonify

from bot.platform.environment import SurroundingsError
from bot.platform.log import get_logger
from bot.platform.models import SopTask
from bot.system import System
from bot.web.layout.languages import translate
from bot.web.layout.requests import current_system
from bot.web.layout.template_filters import request_now
from bot.wecom.errors import WeComError
from bot.wecom.jssdk import Tickets, is_own_page, sign_page

Signed = Response | tuple[Response, int]
_log = get_logger(__name__)


def signed_page(url: str, kind: str) -> Signed:
    """A signature of one of our own pages, for `config` or (kind "agent") `agentConfig`; 400 for others' pages."""
    system = current_system()
    if not is_own_page(url, system.environment.base_url):
        abort(400)
    try:
        tickets = _tickets(system)
        ticket = tickets.app_ticket() if kind == "agent" else tickets.corp_ticket()
    except WeComError as error:
        _log.error("no ticket for pages", errcode=error.errcode)
        return jsonify(text=translate("企业微信没有给签名，请管理员看「设置」里的连接检查")), 502
    except SurroundingsError:
        return jsonify(text=translate("还没有接入企业微信，请管理员先完成接入")), 503
    signed = sign_page(ticket, secrets.token_hex(8), int(request_now().timestamp()), url)
    return jsonify(timestamp=signed.timestamp, nonceStr=signed.nonce, signature=signed.signature)


def chat_of(task: SopTask, url: str, kind: str, path: str) -> Signed:
    """What a page asks for to open the chat with a task's customer: without `kind` whom, else its own signature.

    path: the page that may be signed, so that the right to one task signs nothing else.
    """
    access = current_system().environment.wecom
    if access is None:
        return jsonify(text=translate("还没有接入企业微信，请管理员先完成接入")), 503
    if not kind:
        return jsonify(corp=access.corp_id, app=str(access.app_id), customer=task.customer.external_userid)
    if urlsplit(url).path != path:
        abort(400)
    return signed_page(url, kind)


def _tickets(system: System) -> Tickets:
    """One Tickets per process: WeCom is asked once in two hours even where Redis is away."""
    kept = current_app.extensions.setdefault("tici-tickets", {})
    if system not in kept:
        kept[system] = Tickets(system.wecom)
    tickets: Tickets = kept[system]
    return tickets
