"""Each call the product makes has a double here and a recorded sample, and fails as WeCom does: 200, empty fields."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.platform.environment import ROOT
from bot.sandbox.replies import ENDPOINTS
from tests.sandbox.wecom import Json, Wecom

# What wechatpy calls for us.
BY_WECHATPY = {
    "message.send": "message/send",
    "media.upload": "media/upload",
    "user.get": "user/get",
    "external_contact.mark_tag": "externalcontact/mark_tag",
    "external_contact.get_corp_tag_list": "externalcontact/get_corp_tag_list",
    "external_contact.send_welcome_msg": "externalcontact/send_welcome_msg",
    "external_contact.add_msg_template": "externalcontact/add_msg_template",
    "external_contact.list": "externalcontact/list",
    "external_contact.get_follow_user_list": "externalcontact/get_follow_user_list",
}
# Not among the recorded samples; checked where it says.
SAMPLED_ELSEWHERE = {
    "department/list": "test_console",
    "user/list": "test_console",
    "user/simplelist": "tests/wecom/test_api",
    "message/getchatdata": "test_archive, and the genuine library reads it (tests/wecom/test_genuine)",
    "message/getchatmediadata": "the same",
}
_VERBS = {"get": 0, "post": 0, "pages": 1, "_request": 1, "_once": 1, "ask_with_headers": 0}


def calls() -> dict[str, str]:
    """Each API path that the product's sources call -> the file that does."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / "bot").rglob("*.py")):
        if "sandbox" not in path.parts and "web" not in path.parts:
            found |= dict.fromkeys(_calls_of(ast.parse(path.read_text("utf-8"))), str(path.relative_to(ROOT)))
    return found


def _calls_of(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        at = _VERBS.get(node.func.attr)
        named = node.args[at] if at is not None and len(node.args) > at else None
        if isinstance(named, ast.Constant) and isinstance(named.value, str) and _is_path(named.value):
            yield named.value
        if isinstance(node.func.value, ast.Attribute):
            group = node.func.value.attr
            if group in {known.partition(".")[0] for known in BY_WECHATPY} and group != "user":
                yield BY_WECHATPY.get(f"{group}.{node.func.attr}", f"?{group}.{node.func.attr}")
            elif group == "user" and node.func.attr == "get" and _is_client(node.func.value.value):
                yield "user/get"


def _is_path(text: str) -> bool:
    return text == "gettoken" or ("/" in text and " " not in text and not text.startswith(("/", "http")))


def _is_client(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("self", "client")


def test_the_sources_are_read() -> None:
    found = calls()
    assert {"message/send", "externalcontact/mark_tag", "gettoken", "user/get", "department/list"} <= set(found)
    assert len(found) >= 35


def test_every_call_has_a_double() -> None:
    missing = {path: where for path, where in calls().items() if path not in ENDPOINTS}
    assert not missing, f"the sandbox does not know {missing}"


def test_every_call_has_a_recorded_sample(shared: Path) -> None:
    lines = (shared / "wecom/fixtures/http_samples.jsonl").read_text("utf-8").splitlines()
    recorded = {json.loads(line)["path"].removeprefix("/cgi-bin/") for line in lines}
    missing = set(calls()) - recorded - set(SAMPLED_ELSEWHERE)
    assert not missing, f"nobody has recorded {missing}"
    assert not set(SAMPLED_ELSEWHERE) & recorded


@pytest.mark.parametrize("errcode", [45009, -1, 60020])
def test_every_double_fails_as_wecom_does(wecom: Wecom, errcode: int) -> None:
    for path in calls():
        found = ENDPOINTS[path]
        wecom.control.fault(path, times=1, errcode=errcode)
        query = {"access_token": "x"}
        status, reply = wecom.raw(path, {} if found.method == "POST" else None, query)
        assert (status, reply["errcode"]) == (200, errcode), path
        assert {name: reply[name] for name in found.empty} == dict(found.empty), path
        assert "hint: [" in reply["errmsg"], path


def test_every_double_asks_for_a_token_of_the_right_kind(wecom: Wecom) -> None:
    for path in calls():
        found = ENDPOINTS[path]
        if not found.by:
            continue
        body: Json | None = {} if found.method == "POST" else None
        assert wecom.raw(path, body, {})[1]["errcode"] == 41001, path
        assert wecom.raw(path, body, {"access_token": "dead"})[1]["errcode"] == 40014, path
        stranger = "ARCHIVE" if "archive" not in found.by else "APP"
        assert wecom.call(path, body, stranger)["errcode"] == 48002, path
        if found.by[0] in ("app", "archive"):
            wrong: Json | None = None if found.method == "POST" else {}
            assert wecom.call(path, wrong, found.by[0].upper())["errcode"] == 40058, f"{path}: the other method"
