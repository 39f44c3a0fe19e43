"""A local account that asks for a code beside its password: how it is turned on, asked for, used once and reset."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
import time_machine
from flask.testing import FlaskClient
from pyotp import TOTP
from sqlalchemy import LargeBinary, select, type_coerce
from werkzeug.test import TestResponse

from bot.platform import clock
from bot.platform.models import AuditEntry, SecondFactor
from tests.support.site import Site
from tests.web.test_proof import fields
from tests.web.test_signin import GOOD, account, browser, enter, token

LATER = timedelta(minutes=11)


def sent(client: FlaskClient, path: str, **form: str) -> TestResponse:
    return client.post(path, data={"csrf_token": token(client, "/me"), **form})


def code(secret: str, steps: int = 0) -> str:
    """What the app shows now, or some half minutes later."""
    return TOTP(secret).at(int(clock.now().timestamp()) + 30 * steps)


@pytest.fixture
def root(site: Site) -> tuple[FlaskClient, str, list[str]]:
    """The browser of an account that has just turned the code on, the app's secret, the recovery codes."""
    account(site)
    client = browser(site)
    assert enter(client).headers["Location"] == "/board"
    page = sent(client, "/me/code/begin").text
    assert "<svg" in page
    secret = re.findall(r"<code>([A-Z2-7]{32})</code>", page)[0]
    wrong = sent(client, "/me/code/confirm", code="000000")
    assert (wrong.status_code, secret in wrong.text) == (422, True), "the same secret, to be tried again"
    assert enter(browser(site)).headers["Location"] == "/board", "not in force before it was confirmed"
    done = sent(client, "/me/code/confirm", code=code(secret, -1))
    codes = re.findall(r"<li><code>([a-z0-9-]{11})</code>", done.text)
    assert len(codes) == len(set(codes)) == 10
    return client, secret, codes


def second(client: FlaskClient, given: str) -> TestResponse:
    """The second step of signing in."""
    page = client.get("/sign-in/code").text
    return client.post("/sign-in/code", data={"csrf_token": page.split('name="csrf_token" value="')[1].split('"')[0],
                                              "code": given})  # fmt: skip


def test_the_password_alone_opens_nothing_and_each_code_opens_once(
    site: Site, root: tuple[FlaskClient, str, list[str]]
) -> None:
    _, secret, codes = root
    client = browser(site)
    assert enter(client, onwards="/tasks").headers["Location"] == "/sign-in/code"
    assert client.get("/board").status_code == 302, "half signed in is not signed in"
    assert second(client, "123456").status_code == 401
    shown = code(secret)
    assert second(client, f" {shown[:3]} {shown[3:]} ").headers["Location"] == "/tasks"
    assert client.get("/board").status_code == 200
    again = browser(site)
    enter(again)
    assert second(again, shown).status_code == 401, "a code that somebody looked at is worth nothing"
    assert second(again, codes[3].upper()).status_code == 302
    third = browser(site)
    enter(third)
    assert second(third, codes[3]).status_code == 401
    with site.store.read() as session:
        actions = session.scalars(select(AuditEntry.action)).all()
        assert (actions.count("account.factor-on"), actions.count("account.recovery-code")) == (1, 1)


def test_codes_that_are_tried_out_are_limited_and_the_step_ends(
    site: Site, root: tuple[FlaskClient, str, list[str]]
) -> None:
    client = browser(site)
    assert second_without_password(client).status_code == 400
    enter(client)
    tried = [second(client, f"{n:06}").status_code for n in range(11)]
    assert tried == [401] * 10 + [429]
    other = browser(site)
    enter(other)
    with time_machine.travel(clock.now() + timedelta(minutes=6), tick=False):
        assert other.get("/sign-in/code").headers["Location"] == "/sign-in?stay=1"


def second_without_password(client: FlaskClient) -> TestResponse:
    return client.post("/sign-in/code", data={"csrf_token": token(client), "code": "123456"})


def test_the_secret_lies_sealed_and_recovery_codes_as_hashes(
    site: Site, root: tuple[FlaskClient, str, list[str]]
) -> None:
    _, secret, codes = root
    raw = select(*(type_coerce(column, LargeBinary) for column in (SecondFactor.secret, SecondFactor.codes)))
    with site.store.read() as session:
        stored = b"".join(session.execute(raw).one())
        kept = session.scalars(select(SecondFactor.codes)).one()
    assert secret.encode() not in stored
    assert not any(one in str(kept) for one in codes)


def test_confirming_once_more_asks_for_the_code_as_well(site: Site, root: tuple[FlaskClient, str, list[str]]) -> None:
    client, secret, _ = root
    with time_machine.travel(clock.now() + LATER, tick=False):
        page = client.get(client.get("/admin/log.csv").headers["Location"])
        assert "confirm_code" in page.text
        only = client.post("/confirm", data={**fields(page), "confirm_password": GOOD})
        assert only.status_code == 401
        both = {**fields(page), "confirm_password": GOOD, "confirm_code": code(secret)}
        assert 'href="/admin/log.csv"' in unescape(client.post("/confirm", data=both).text)
        assert sent(client, "/me/code/remove").status_code == 302
    assert enter(browser(site)).headers["Location"] == "/board"


def test_an_admin_resets_it_on_the_server(site: Site, root: tuple[FlaskClient, str, list[str]]) -> None:
    run = site.app.test_cli_runner()
    assert "不再要验证码" in run.invoke(args=["admin", "reset-code", "root"]).output
    assert enter(browser(site)).headers["Location"] == "/board"
    assert "没有开启验证码" in run.invoke(args=["admin", "reset-code", "root"]).output


def test_who_signs_in_with_wecom_has_none(site: Site) -> None:
    assert site.signed_in("agent", "Somebody").get("/me/code").status_code == 404
