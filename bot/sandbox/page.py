"""The playground page: the customer's phone, the agent's phone and the board, side by side and live."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, render_template, request
from markupsafe import Markup

from bot.platform import clock
from bot.sandbox import people, phone_app
from bot.sandbox.bridge import sidebar_address
from bot.sandbox.inbox import app_messages, group_sends, latest_prompt
from bot.sandbox.login_pages import COOKIE
from bot.sandbox.news import headlines
from bot.sandbox.people import ImpossibleError
from bot.sandbox.rendering import file_size, record_lines, web_address
from bot.sandbox.state import Json, Sandbox
from bot.sandbox.summary import last_effect
from bot.sandbox.tour import tour
from bot.sandbox.views import (
    PhoneView,
    choose,
    clock_face,
    colour,
    conversation,
    conversations,
    profile,
    seconds_until_tomorrow_ten,
    tag_panel,
    unread,
)
from bot.sandbox.views import people as everybody

page = Blueprint("page", __name__)
SAMPLES: dict[str, Json] = {
    "image": {},
    "voice": {"seconds": 6},
    "file": {"filename": "课程资料.pdf"},
    "location": {},
    "link": {"title": "孩子的数学怎么补", "description": "一篇转发的文章", "link_url": "https://www.example.com/a"},
    "chatrecord": {"title": "群聊的聊天记录", "lines": ["他们家试听要预约吗", "听说周末班快满了"]},
}


def current() -> tuple[Sandbox, PhoneView]:
    sandbox: Sandbox = current_app.extensions["sandbox"]
    asked = request.values
    return sandbox, choose(sandbox, asked.get("agent", ""), asked.get("customer", ""), asked.get("view", "chat"))


@page.app_context_processor
def tools() -> Json:
    return {
        "go": go,
        "colour": colour,
        "record_lines": record_lines,
        "file_size": file_size,
        "web_address": web_address,
        "clock_face": clock_face(),
        "can_move": clock.can_move(),
    }


def shown(sandbox: Sandbox, choice: PhoneView) -> Json:
    """The template values of the two phones."""
    return {
        "choice": choice,
        "profile": profile(sandbox, choice),
        "agent_talk": conversation(sandbox, choice, choice.userid),
        "customer_talk": conversation(sandbox, choice, choice.external_userid),
        "conversations": conversations(sandbox, choice.userid),
        "messages": app_messages(sandbox, choice.userid),
        "group_sends": group_sends(sandbox, choice.userid),
        "prompt": latest_prompt(sandbox, choice),
        "unread": unread(sandbox, choice.userid),
        "draft": draft(sandbox, choice),
        "sidebar": sidebar_address(sandbox, choice.userid),
    }


def draft(sandbox: Sandbox, choice: PhoneView) -> str:
    """The suggestion of the chosen card, to be edited and sent; choosing it marks the card as read."""
    number = request.values.get("draft", "")
    if not number.isdigit():
        return ""
    found = next((m for m in app_messages(sandbox, choice.userid) if m["id"] == int(number)), None)
    if found is None:
        return ""
    read(sandbox, choice.userid, int(number))
    return str(found["suggestion"])


def read(sandbox: Sandbox, userid: str, number: int | None = None) -> None:
    sql = "UPDATE inbox SET read_at = ? WHERE userid = ? AND read_at IS NULL AND (id = ? OR ? IS NULL)"
    sandbox.ledger.run(sql, sandbox.now(), userid, number, number)


def go(query: str) -> Markup:
    """Attributes of a link that shows other people or another view on the phones and leaves the board as it is."""
    return Markup(
        'href="/?{0}" hx-get="/?{0}" hx-target="#phones" hx-select="#phones" hx-swap="outerHTML" hx-push-url="true"'
    ).format(query)


@page.get("/")
def index() -> Response:
    sandbox, choice = current()
    if choice.view == "app":
        read(sandbox, choice.userid)
    text = render_template(
        "page.html",
        **shown(sandbox, choice),
        people=everybody(sandbox),
        board_url=web_address(sandbox.board_url),
        tag_panel=tag_panel(sandbox),
        headlines=headlines(sandbox),
        tour=tour(sandbox),
        pulse=last_effect(sandbox),
    )
    response = Response(text, content_type="text/html; charset=utf-8")
    response.set_cookie(COOKIE, choice.userid, httponly=True, samesite="Lax")
    return response


@page.get("/page/<any(customer, agent, board, news, agents, tour):name>")
def fragment(name: str) -> str:
    """One part of the page that is refreshed live."""
    sandbox, choice = current()
    if name == "board":
        return render_template("_board.html", tag_panel=tag_panel(sandbox), choice=choice)
    if name == "news":
        return render_template("_news.html", headlines=headlines(sandbox))
    if name == "tour":
        return render_template("_tour.html", tour=tour(sandbox))
    if name == "agents":
        return render_template("_agents.html", people=everybody(sandbox), choice=choice)
    if name == "agent" and choice.view == "app":
        read(sandbox, choice.userid)
    return render_template(f"_{name}_screen.html", **shown(sandbox, choice))


@page.get("/page/pulse")
def pulse() -> Response:
    sandbox: Sandbox = current_app.extensions["sandbox"]
    return jsonify(last=last_effect(sandbox), clock=clock_face())


def say(sandbox: Sandbox, form: Json) -> None:
    kind = str(form.get("msgtype") or "text")
    body = SAMPLES.get(kind, {"content": form.get("content", "")})
    people.say(sandbox, {"from": form.get("from"), "to": form.get("to"), "msgtype": kind, "body": body})


def press(sandbox: Sandbox, form: Json) -> None:
    picked = {name[2:]: request.form.getlist(name) for name in form if name.startswith("q:")}
    phone_app.press(sandbox, {**form, "selected": picked})


def edit(sandbox: Sandbox, form: Json) -> None:
    held = set(request.form.getlist("held"))
    wanted = set(request.form.getlist("tag"))
    known = {row["name"] for row in sandbox.ledger.rows("SELECT name FROM tags")}
    changes = {"add_tag": sorted(wanted - held), "remove_tag": sorted((held - wanted) & known)}
    people.edit_customer(sandbox, {**form, **changes})


def later(sandbox: Sandbox, form: Json) -> None:
    if not clock.can_move():
        raise ImpossibleError("时间不能拨动：没有设置 TICI_CLOCK_FILE")
    seconds = 3600.0 if form.get("to") == "hour" else seconds_until_tomorrow_ten()
    present = clock.move_forward(timedelta(seconds=seconds))
    sandbox.note("clock", seconds=seconds, now=present.isoformat())


def dismiss(sandbox: Sandbox, form: Json) -> None:
    read(sandbox, str(form.get("userid", "")), int(form.get("id", 0)))
    sandbox.note("read", userid=form.get("userid"))


def agree(sandbox: Sandbox, form: Json) -> None:
    people.consent(sandbox, {**form, "agree": form.get("agree") == "yes"})


DEEDS: dict[str, Callable[[Sandbox, Json], Any]] = {
    "say": say,
    "press": press,
    "edit": edit,
    "later": later,
    "read": dismiss,
    "consent": agree,
    "revoke": people.revoke,
    "part": people.part,
    "app-text": phone_app.write_to_app,
    "group-send": phone_app.confirm_group_send,
}


@page.post("/page/add-customer")
def add_customer() -> Response:
    """Add a customer, and show them on the page."""
    sandbox: Sandbox = current_app.extensions["sandbox"]
    form = request.form
    gender = {"1": 1, "2": 2}.get(form.get("gender", ""), 0)
    given = {"userid": form.get("userid", ""), "name": form.get("name", ""), "state": form.get("state", "")}
    added = people.add_customer(sandbox, {**given, "gender": gender})
    where = f"/?agent={added['userid']}&customer={added['external_userid']}"
    return Response(status=204, headers={"HX-Redirect": where})


@page.post("/page/<name>")
def do(name: str) -> Response:
    deed = DEEDS.get(name)
    if deed is None:
        return Response(status=404)
    sandbox: Sandbox = current_app.extensions["sandbox"]
    deed(sandbox, request.form.to_dict())
    return Response(status=204, headers={"HX-Trigger": "changed"})


@page.errorhandler(ImpossibleError)
def tell_why(error: ImpossibleError) -> tuple[str, int]:
    return str(error), 409
