"""Routes of /control/: the sandbox's own remote control, for tests, the demo and the page."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request

from bot.platform import clock
from bot.sandbox import console, people, phone_app, rooms
from bot.sandbox.api.login import new_code
from bot.sandbox.api.tokens import kill_tokens
from bot.sandbox.archive import append_raw, skip_seqs
from bot.sandbox.bulk import post_many
from bot.sandbox.callbacks import enqueue
from bot.sandbox.company import add_departments, seed
from bot.sandbox.corp import add_key, publish_keys
from bot.sandbox.faults import Fault, add_fault, clear_faults
from bot.sandbox.people import ImpossibleError
from bot.sandbox.state import SWITCHES, Json, Sandbox
from bot.sandbox.summary import effects, state_of

control = Blueprint("control", __name__, url_prefix="/control")
Action = Callable[[Sandbox, Json], Json]


def set_switches(sandbox: Sandbox, given: Json) -> Json:
    unknown = [name for name in given if name not in SWITCHES]
    if unknown:
        raise ImpossibleError(f"没有这个开关：{'、'.join(unknown)}；有的是：{'、'.join(SWITCHES)}")
    for name, value in given.items():
        sandbox.set_switch(name, value)
    sandbox.note("switches", **given)
    sandbox.wake.set()
    return {name: sandbox.switch(name) for name in SWITCHES}


def stage_fault(sandbox: Sandbox, given: Json) -> Json:
    """Given: path (glob), times, and any of errcode, status, text, delay, after. `clear: true` removes all."""
    if given.get("clear"):
        return {"cleared": clear_faults(sandbox)}
    known = {field.name for field in fields(Fault)}
    plan = {name: value for name, value in given.items() if name in known}
    number = add_fault(sandbox, str(given.get("path", "*")), Fault(**plan), int(given.get("times", 1)))
    return {"fault": number}


def change_keys(sandbox: Sandbox, given: Json) -> Json:
    """Rotate the archive's key pair (`withheld: true`: Tici does not get the file), or `publish: true`."""
    if given.get("publish"):
        return {"published": publish_keys(sandbox.folder)}
    return {"publickey_ver": add_key(sandbox.folder, withheld=bool(given.get("withheld")))}


def move_clock(sandbox: Sandbox, given: Json) -> Json:
    """Given: seconds forward."""
    if not clock.can_move():
        raise ImpossibleError("时间不能拨动：没有设置 TICI_CLOCK_FILE")
    seconds = float(given.get("seconds", 0))
    if not 0 < seconds <= 400 * 86_400:
        raise ImpossibleError("时间只能往前拨，最多 400 天")
    present = clock.move_forward(timedelta(seconds=seconds))
    sandbox.note("clock", seconds=seconds, now=present.isoformat())
    return {"now": present.isoformat()}


def repeat_callback(sandbox: Sandbox, given: Json) -> Json:
    """Deliver a past callback, or a given XML (`xml`, `target`), again, `copies` times."""
    row = sandbox.ledger.one("SELECT * FROM callbacks WHERE id = ?", int(given.get("callback", 0)))
    if row is None and "xml" not in given:
        raise ImpossibleError("没有这个回调")
    target, event, xml = (row["target"], row["event"], row["xml"]) if row else (
        str(given.get("target", "app")), "custom", str(given["xml"]))  # fmt: skip
    numbers = [enqueue(sandbox, target, event, xml) for _ in range(int(given.get("copies", 1)))]
    return {"callbacks": numbers}


def reset(sandbox: Sandbox, given: Json) -> Json:
    """Delete all but the credentials; `empty: true` leaves the company out."""
    sandbox.ledger.empty()
    add_departments(sandbox)
    if not given.get("empty"):
        seed(sandbox)
    return {}


def archive_raw(sandbox: Sandbox, given: Json) -> Json:
    return {"seq": append_raw(sandbox, given)}


def archive_gap(sandbox: Sandbox, given: Json) -> Json:
    skip_seqs(sandbox, int(given.get("count", 1)))
    return {}


def login_code(sandbox: Sandbox, given: Json) -> Json:
    return {"code": new_code(sandbox, str(given.get("who", "")), str(given.get("scope", "snsapi_base")))}


def dead_tokens(sandbox: Sandbox, given: Json) -> Json:
    return {"killed": kill_tokens(sandbox, given.get("kind"))}


ACTIONS: dict[str, Action] = {
    "customers": people.add_customer,
    "say": people.say,
    "revoke": people.revoke,
    "consent": people.consent,
    "edit-customer": people.edit_customer,
    "part": people.part,
    "members": console.edit_member,
    "departments": console.edit_department,
    "transfer": console.settle_transfer,
    "tag-library": console.change_library,
    "press": phone_app.press,
    "app-text": phone_app.write_to_app,
    "enter-app": phone_app.enter_app,
    "menu": phone_app.click_menu,
    "confirm-group-send": phone_app.confirm_group_send,
    "rooms": rooms.create_room,
    "change-room": rooms.change_room,
    "say-in-room": rooms.say_in_room,
    "archive/raw": archive_raw,
    "archive/gap": archive_gap,
    "keys": change_keys,
    "switches": set_switches,
    "faults": stage_fault,
    "kill-tokens": dead_tokens,
    "repeat-callback": repeat_callback,
    "login-code": login_code,
    "clock": move_clock,
    "reset": reset,
}


def current_sandbox() -> Sandbox:
    sandbox: Sandbox = current_app.extensions["sandbox"]
    return sandbox


@control.errorhandler(ImpossibleError)
def tell_why(error: ImpossibleError) -> tuple[Response, int]:
    return jsonify(error=str(error)), 409


@control.errorhandler(TypeError)
@control.errorhandler(ValueError)
def tell_malformed(error: Exception) -> tuple[Response, int]:
    return jsonify(error=f"参数不对：{error}"), 400


def read_json() -> Any:
    return json.loads(request.get_data() or b"{}")


@control.post("/archive")
def archive_many() -> Response:
    items = read_json()
    if not isinstance(items, list):
        raise ImpossibleError("请求体应是一个列表")
    return jsonify(post_many(current_sandbox(), items))


@control.post("/<path:name>")
def act(name: str) -> tuple[Response, int] | Response:
    action = ACTIONS.get(name)
    if action is None:
        return jsonify(error=f"没有这个动作：{name}；有的是：{'、'.join(ACTIONS)}"), 404
    given = read_json()
    if not isinstance(given, dict):
        raise ImpossibleError("请求体应是一个 JSON 对象")
    return jsonify(action(current_sandbox(), given))


@control.get("/state")
def state() -> Response:
    return jsonify(state_of(current_sandbox()))


@control.get("/callbacks")
def list_callbacks() -> Response:
    """All stored callbacks, oldest first, delivered or not: {"callbacks": [{target, event, xml, ...}]}."""
    rows = current_sandbox().ledger.rows("SELECT * FROM callbacks ORDER BY id")
    return jsonify(callbacks=[dict(row) for row in rows])


@control.get("/effects")
def list_effects() -> Response:
    """?since=ID&kind=a,b&limit=N -> {"effects": [...oldest first], "last": the newest id of all}."""
    kinds = [kind for kind in request.args.get("kind", "").split(",") if kind]
    since, limit = int(request.args.get("since", 0)), int(request.args.get("limit", 1000))
    return jsonify(effects(current_sandbox(), since, kinds, max(1, min(limit, 10_000))))
