"""Error pages: what happened, in plain words, and what to do about it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Flask, Response, render_template, request, url_for
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DatabaseError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from bot.platform.config.settings import ConfigError
from bot.platform.log import get_logger
from bot.platform.signed_links import BadLinkError
from bot.platform.surroundings import is_damaged_file
from bot.web.layout.languages import translate
from bot.web.layout.navigation import ForeignOriginError
from bot.wecom.errors import BotError

BOARD, SIGN_IN, LIBRARY = "board.home", "signin.show", "sops.library"
_log = get_logger(__name__)


@dataclass(frozen=True)
class ErrorPage:
    """An error page: its status, a title and what to do (Chinese, to be translated)."""

    status: int
    title: str
    advice: str
    command: str = ""
    way: str = BOARD  # the page on which to go on from here; "" for none
    undo: str = ""  # the address that takes back what ended it
    mends_config: bool = False  # leads to the config file, its history and every room


BY_STATUS = {
    401: ErrorPage(401, "请先登录", "登录已过期或还没有登录。请重新登录后再试。", way=SIGN_IN),
    400: ErrorPage(400, "请求不完整", "这个地址缺了点什么。请返回上一页，再点一次原来的链接。"),
    403: ErrorPage(403, "不能看这一页", "您没有查看的权限。如果您觉得应该有，请联系管理员。"),
    404: ErrorPage(404, "没有这一页", "地址可能写错了，或者内容已被删除。请返回看板重新查找。"),
    405: ErrorPage(405, "不能这样打开", "这个地址不接受这种请求。请返回上一页。"),
    410: ErrorPage(
        410, "这条任务已不在您这里", "任务可能已交给其他同事或被删除。请以企业微信里最新的提醒为准。", way=""
    ),
    409: ErrorPage(409, "别人刚改过", "这一页打开以后，内容已被别人改动。请刷新后再试。"),
    413: ErrorPage(413, "内容太大", "一次最多 1 MB。请减少内容后再试。"),
    429: ErrorPage(429, "试得太多了", "为了安全，请过 15 分钟再试；也可以用企业微信登录。", way=SIGN_IN),
    500: ErrorPage(500, "出错了", "问题已经记进日志。请稍后再试；反复出现时请联系管理员查看日志。"),
    503: ErrorPage(503, "暂时不可用", "服务正在恢复，请过一会儿再试。", way=""),
}
TOO_LARGE_FILE = ErrorPage(413, "文件太大", "图片最多 10 MB，其余最多 20 MB。请压缩后再上传。", way=LIBRARY)
STALE = ErrorPage(400, "页面放得太久了", "为了安全，这次操作没有执行。请刷新页面，再做一次。")
FOREIGN = ErrorPage(403, "这个请求不是从提词的页面发出的", "为了安全，这次操作没有执行。请从提词的页面里再做一次。")
LINK_EXPIRED = ErrorPage(
    410, "链接已过期", "为了保护客户资料，链接过一段时间就会失效。请打开企业微信里最新的提醒。", way=""
)
LINK_UNKNOWN = ErrorPage(
    404, "链接不对", "这个链接不完整或被改动过。请从企业微信里的卡片重新打开，不要手工复制一半。", way=""
)
TASK_OVER = ErrorPage(
    410,
    "这一步已经结束",
    "它已经处理、取消或过期，链接随之失效，没有改动任何东西。要看这位客户，请登录提词，或打开企业微信里的聊天。",
    way="",
)
BOARD_EXPIRED = ErrorPage(410, "看板链接已过期", "请在服务器上重新生成一个看板链接：", "flask board-link", way="")
BOARD_UNKNOWN = ErrorPage(
    404, "看板链接不对", "链接不完整或被改动过。请在服务器上重新生成一个：", "flask board-link", way=""
)
CONFIG = ErrorPage(
    503,
    "配置有错误",
    "config.toml 现在不能用，而且没有旧的可用版本。下面的命令会指出每一处错误：",
    "flask check",
    way="",
    mends_config=True,
)
DATABASE = ErrorPage(
    503, "数据库暂时不可用", "请稍后再试。如果刚刚安装或升级过，请先运行：", "flask db upgrade", way=""
)

ALL_PAGES = (
    *BY_STATUS.values(), TOO_LARGE_FILE, STALE, FOREIGN, LINK_EXPIRED, LINK_UNKNOWN, TASK_OVER, BOARD_EXPIRED,
    BOARD_UNKNOWN, CONFIG, DATABASE,
)  # fmt: skip


class TaskOverError(BotError):
    """A link to a task that has ended: nothing is shown or changed by it any more.

    undo: where its agent ended it and may still take that back, the address that does.
    """

    def __init__(self, task_id: int, undo: str = "") -> None:
        super().__init__(task_id)
        self.undo = undo


def prepare(app: Flask) -> None:
    """Show the right page for every error; WeCom's own addresses get an empty body."""
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(CSRFError, lambda _error: _page(STALE))
    app.register_error_handler(ForeignOriginError, lambda _error: _page(FOREIGN))
    app.register_error_handler(BadLinkError, _link)
    app.register_error_handler(TaskOverError, lambda error: _page(replace(TASK_OVER, undo=error.undo)))
    app.register_error_handler(ConfigError, lambda _error: _page(CONFIG))
    for unreachable in (OperationalError, InterfaceError, PoolTimeout):
        app.register_error_handler(unreachable, _database)
    app.register_error_handler(DatabaseError, _damaged_or_ours)


def _damaged_or_ours(error: DatabaseError) -> Response:
    """A damaged file is told like one that is away; anything else is a fault of ours."""
    if is_damaged_file(error):
        return _database(error)
    raise error


def _http(error: HTTPException) -> Response | HTTPException:
    status = error.code or 500
    if status < 400:
        return error
    if status == 413 and request.endpoint == "sops.upload":
        return _page(TOO_LARGE_FILE)
    known = BY_STATUS.get(status) or BY_STATUS[500 if status >= 500 else 400]
    return _page(known, status)


def _link(error: BadLinkError) -> Response:
    if request.path.startswith("/t/"):
        return _page(LINK_EXPIRED if error.expired else LINK_UNKNOWN)
    return _page(BOARD_EXPIRED if error.expired else BOARD_UNKNOWN)


def _database(error: Exception) -> Response:
    _log.error("database unreachable", path=request.path, error=type(error).__name__)
    return _page(DATABASE)


def _page(page: ErrorPage, status: int | None = None) -> Response:
    status = status or page.status
    if request.path.startswith("/wecom/"):
        return Response(status=status)
    if request.path.startswith("/api/"):
        told = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": page.title}
        return Response(json.dumps(told), status, content_type="application/problem+json")
    if request.headers.get("HX-Request"):
        return _toast(page, status)
    return Response(render_template("error.html", error_page=page, status=status), status)


def _toast(page: ErrorPage, status: int) -> Response:
    """The answer to a script that fetched a piece of a page: a notice on that page; a stranger is sent to sign in."""
    said = {"toast": {"text": f"{translate(page.title)}：{translate(page.advice)}", "bad": True}}
    answer = Response(translate(page.title), status, headers={"HX-Trigger": json.dumps(said), "HX-Reswap": "none"})
    if status == 401:
        answer.headers["HX-Redirect"] = url_for("signin.show", next=_asking_page() or None)
    return answer


def _asking_page() -> str:
    try:
        there = urlsplit(request.headers.get("HX-Current-URL", ""))
    except ValueError:
        return ""
    return f"{there.path}?{there.query}" if there.query else there.path
