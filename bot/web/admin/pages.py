"""The settings pages: system health, versions of the config, quarantined messages, people and their roles."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable

from flask import Blueprint, Response, abort, render_template, request
from sqlalchemy.orm import Session

from bot.agents import accounts
from bot.agents.accounts import ROLES, AccountError
from bot.ops.first_day import first_day
from bot.platform.database.audit_log import record
from bot.platform.models import Account, Agent
from bot.web.admin.rows import (
    PAGE,
    read_account_row,
    read_agents,
    read_local_accounts,
    read_quarantine,
    read_system_health,
    read_version,
    read_versions,
)
from bot.web.auth.access import needs, refuse_unless
from bot.web.auth.visitor import ADMIN, AUDITOR, visitor
from bot.web.layout.answers import done, refused
from bot.web.layout.languages import translate
from bot.web.layout.requests import LARGEST_ID, current_system, number_argument
from bot.web.layout.template_filters import request_now

pages = Blueprint("admin", __name__)
pages.before_request(needs(ADMIN, AUDITOR))
_DEEPEST = 100_000  # rows that ?skip= may pass over: OFFSET reads all of them
ACCOUNT_ACTIONS: dict[str, Callable[..., None]] = {
    "disable": accounts.disable,
    "enable": accounts.enable,
    "sign-out": accounts.end_sessions,
}
DONE = {"role": "角色已更改", "disable": "已停用", "enable": "已启用", "sign-out": "已在所有设备上退出"}
REPLAY_ASKED = "正在重新读取，请过一会儿刷新"
QUEUE_SILENT = "队列没有应答。消息没有丢；请检查 Redis 后再试"


@pages.get("/admin")
def show() -> str:
    """The health of the system, what a person must mend, and what the first day still asks for."""
    with current_system().store.read() as session:
        steps = first_day(current_system(), session)
    health = read_system_health(current_system(), request_now())
    return render_template("admin.html", health=health, first_day=steps)


@pages.get("/admin/config")
def versions() -> str:
    """Every config.toml that was ever in force."""
    skip = min(number_argument("skip"), _DEEPEST)
    keeper = current_system().settings  # read first: noticing an edited file is a transaction of its own
    with current_system().store.read() as session:
        rows = read_versions(session, skip)
    return render_template(
        "admin_versions.html", rows=rows[:PAGE], more=len(rows) > PAGE, skip=skip, size=PAGE, now=keeper.version
    )


@pages.get("/admin/config/<version>")
def version(version: str) -> str:
    """What one version changed of the one before it."""
    with current_system().store.read() as session:
        found = read_version(session, version) if "\0" not in version else None
    if found is None:
        abort(404)
    this, before = found
    old = before.text.splitlines() if before else []
    lines = list(difflib.unified_diff(old, this.text.splitlines(), lineterm="", n=3))[2:]
    return render_template("admin_version.html", this=this, before=before, lines=lines)


@pages.get("/admin/quarantine")
def quarantine() -> str:
    """Archive rows that could not be read, and why."""
    with current_system().store.read() as session:
        rows = read_quarantine(session, number_argument("after"))
    return render_template("admin_quarantine.html", rows=rows[:PAGE], more=len(rows) > PAGE)


@pages.post("/admin/quarantine/replay")
def replay() -> Response:
    """Ask a worker to read all of them again: a key was added, or a release can read more."""
    refuse_unless(ADMIN)
    system = current_system()
    with system.store.write() as session:
        record(session, visitor().actor, "quarantine.replay", "quarantine", request_now())
    heard = system.queue.enqueue_once("replay_quarantine")
    return done(translate(REPLAY_ASKED)) if heard else refused(translate(QUEUE_SILENT), 503)


@pages.get("/admin/people")
def people() -> str:
    """Who may sign in, and as what; `after` loads further agents as one scrolls."""
    words, after = request.args.get("q", "").strip()[:64].replace("\0", ""), number_argument("after")
    with current_system().store.read() as session:
        found = read_agents(session, words, after)
        local = [] if after else read_local_accounts(session, words)
    page = "admin_people_rows.html" if after else "admin_people.html"
    return render_template(page, people=local + found[:PAGE], more=len(found) > PAGE, q=words, roles=ROLES)


@pages.post(f"/admin/people/<any(account, agent):kind>/<int(max={LARGEST_ID}):row_id>/<action>")
def change_person(kind: str, row_id: int, action: str) -> Response:
    """Change a role, disable or enable an account, or end its sessions; answers with the person's new row."""
    refuse_unless(ADMIN)
    if action not in DONE:
        abort(404)
    said, bad = translate(DONE[action]), False
    with current_system().store.write() as session:
        try:
            _change(session, kind, row_id, action)
        except AccountError as problem:
            said, bad = translate(str(problem)), True
        person = read_account_row(session, kind, row_id)
        html = render_template("admin_people_rows.html", people=[person], more=False, q="", roles=ROLES)
    told = json.dumps({"toast": {"text": said, "bad": bad}})
    return Response(html, headers={"HX-Trigger": told})


def _change(session: Session, kind: str, row_id: int, action: str) -> None:
    by, now = visitor().actor, request_now()
    if kind == "agent":
        agent = session.get(Agent, row_id)
        if agent is None:
            abort(404)
        account = accounts.account_of(session, agent, now)
    else:
        found = session.get(Account, row_id)
        if found is None or found.agent_id is not None:
            abort(404)
        account = found
    if action == "role":
        accounts.choose_role(session, account, request.form.get("role", ""), by, now)
    else:
        ACCOUNT_ACTIONS[action](session, account, by, now)
    session.flush()
