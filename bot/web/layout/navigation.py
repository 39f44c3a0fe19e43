"""Navigation: the sections a visitor may open, and the checks that every form passes."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import Flask, abort, current_app, request
from flask_wtf.csrf import CSRFProtect
from werkzeug.exceptions import Forbidden

from bot.web.auth.visitor import ADMIN, AGENT, AUDITOR, EVERYBODY, LEADER, ROLES, visitor_or_none
from bot.web.layout.requests import current_system


@dataclass(frozen=True)
class Section:
    """An entry of the navigation; shown to its roles, lit when the request's blueprint is among `blueprints`."""

    endpoint: str
    blueprints: tuple[str, ...]
    name: str
    icon: str
    roles: tuple[str, ...]


SECTIONS = (
    Section(
        "board.show",
        ("board", "customers", "deeds", "handover", "imports", "placing", "quality", "segments"),
        "看板",
        "layout-board",
        EVERYBODY,
    ),
    Section("tasks.show", ("tasks",), "任务", "checklist", ROLES),
    Section("groups.show", ("groups",), "群聊", "users-group", ROLES),
    Section("rules.show", ("rules", "conduct"), "规则", "tags", (ADMIN, LEADER, AUDITOR)),
    Section("sops.show", ("sops", "pipelines"), "SOP", "route", (ADMIN, LEADER, AUDITOR, AGENT)),
    Section("wordings.show", ("wordings", "own_wordings"), "话术", "message-circle", ROLES),
    Section("reports.show", ("reports",), "报表", "chart-bar", (ADMIN, LEADER, AUDITOR)),
    Section("admin.show", ("admin", "doctor", "settings"), "设置", "settings", (ADMIN, AUDITOR)),
)


class ForeignOriginError(Forbidden):
    """Another site's page asked a browser of ours to change something."""


def prepare(app: Flask) -> None:
    """Guard every form against forgery and give templates `sections`."""
    app.before_request(_refuse_foreigners)
    app.before_request(_refuse_nul)
    app.config.update(
        WTF_CSRF_SSL_STRICT=False, WTF_CSRF_TIME_LIMIT=None
    )  # _refuse_foreigners checks the origin; a token lasts as long as its session
    protection = CSRFProtect(app)
    app.extensions["tici-csrf"] = protection
    app.context_processor(lambda: {"sections": sections(), "known_pages": app.view_functions})


def sections() -> list[tuple[Section, bool]]:
    """The sections for this visitor, each with whether it is the current one."""
    who = visitor_or_none()
    if who is None:
        return []
    there = [
        section
        for section in SECTIONS
        if section.endpoint in current_app.view_functions and who.role in section.roles
    ]
    return [(section, request.blueprint in section.blueprints) for section in there]


def _refuse_foreigners() -> None:
    """Refuse changes whose Origin is another site; programs (WeCom among them) send no Origin and pass."""
    origin = request.headers.get("Origin")
    if origin is None or request.method in ("GET", "HEAD", "OPTIONS"):
        return
    system = current_system()
    if _host_of(origin) not in (request.host, urlsplit(system.environment.base_url).netloc):
        raise ForeignOriginError


def _host_of(address: str) -> str | None:
    try:
        return urlsplit(address).netloc
    except ValueError:  # "http://["
        return None


def _refuse_nul() -> None:
    """Refuse NUL characters, which PostgreSQL does not store: here once for all pages."""
    if "\0" in request.path:
        abort(404)
    if request.blueprint == "callback":  # reads its body itself
        return
    if any("\0" in text for given in (request.args, request.form) for _name, text in given.items(multi=True)):
        abort(400)
