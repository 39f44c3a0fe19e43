"""Signing in and staying in: by WeCom against the sandbox, by password, how long, how often, and from where."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import Literal
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from argon2 import PasswordHasher
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from bot.agents import accounts, passwords
from bot.agents.passwords import (
    password_matches,
)
from bot.platform import clock
from bot.platform.models import Account, Agent, AuditEntry, Department, SpentState
from bot.web.auth.signin import safe_next_path
from bot.wecom.login import SignInApp, authorize_url
from tests.support.parts import AGENT, Town
from tests.support.rows import Rows
from tests.support.site import Site, open_site

GOOD = "correct horse battery"
PHONE = "Mozilla/5.0 (iPhone) AppleWebKit/605 wxwork/4.1 MicroMessenger/7.0"
BASE = "http://127.0.0.1:8000"


@pytest.fixture
def town_site(tmp_path: Path, sandbox: Town) -> Iterator[Site]:
    """A site whose WeCom is the sandbox."""
    folder = tmp_path / "site"
    folder.mkdir()
    login = f"http://127.0.0.1:{sandbox.port}"
    with open_site(folder, extra={**sandbox.variables, "WECOM_LOGIN_URL": login}) as site:
        yield site


def account(site: Site, name: str = "root", role: str = "admin", password: str = GOOD) -> int:
    with site.store.write() as session:
        return accounts.create_account(session, accounts.NewAccount(name, password, role), "test", clock.now()).id


def browser(site: Site, **headers: str) -> FlaskClient:
    client = site.app.test_client()
    client.environ_base.update({f"HTTP_{name.upper()}": value for name, value in headers.items()})
    return client


def token(client: FlaskClient, path: str = "/sign-in?stay=1") -> str:
    html = client.get(path).text
    return html.split('name="csrf_token" value="')[1].split('"')[0]


def enter(client: FlaskClient, name: str = "root", password: str = GOOD, onwards: str = "/board") -> TestResponse:
    form = {"csrf_token": token(client), "name": name, "password": password, "next": onwards}
    return client.post("/sign-in", data=form)


def by_wecom(site: Site, client: FlaskClient, userid: str = AGENT, onwards: str = "/me") -> TestResponse:
    """Through the sandbox's page, as a browser goes."""
    sent = client.get("/sign-in/wecom", query_string={"next": onwards}).headers["Location"]
    page = requests.get(f"{sent.partition('#')[0]}&sandbox_agent={userid}", allow_redirects=False, timeout=20)
    back = urlsplit(page.headers["Location"])
    assert f"{back.scheme}://{back.netloc}" == site.system.environment.base_url
    return client.get(f"{back.path}?{back.query}")


def code_of(sandbox: Town, who: str = AGENT) -> str:
    """A code that the sandbox has given out for somebody."""
    return str(sandbox.control.post("login-code", {"who": who})["code"])


def come_back(site: Site, client: FlaskClient, code: str) -> TestResponse:
    """As if WeCom's page had led back with this code."""
    state = parse_qs(urlsplit(client.get("/sign-in/wecom").headers["Location"]).query)["state"][0]
    return client.get("/sign-in/back", query_string={"code": code, "state": state})


# -- by WeCom ----------------------------------------------------------------------------------------------


def test_an_agent_inside_wecom_is_signed_in_without_a_click_and_becomes_an_agent(town_site: Site) -> None:
    client = browser(town_site, user_agent=PHONE)
    asked = client.get("/me")
    assert "/sign-in?next=" in asked.headers["Location"]
    onwards = client.get(asked.headers["Location"]).headers["Location"]
    assert onwards == "/sign-in/wecom?next=/me"
    assert "/connect/oauth2/authorize?" in client.get(onwards).headers["Location"]
    assert by_wecom(town_site, client).headers["Location"] == "/me"
    assert "一线员工" in client.get("/me").text
    with town_site.store.read() as session:
        found = session.scalars(select(Account)).one()
        assert found.agent is not None
        assert (found.role, found.role_by, found.agent.userid) == ("agent", "", AGENT)
        assert session.scalars(select(AuditEntry.action)).all() == ["sign-in"]


def test_outside_wecom_the_page_offers_the_qr_code(town_site: Site) -> None:
    client = browser(town_site)
    page = client.get("/sign-in?next=/tasks")
    assert 'href="/sign-in/wecom?next=/tasks"' in page.text
    assert "/wwlogin/sso/login?" in client.get("/sign-in/wecom").headers["Location"]
    assert by_wecom(town_site, client).status_code == 302
    assert client.get("/me").status_code == 200


def test_who_leads_a_department_is_a_leader_until_an_admin_says_otherwise(town_site: Site) -> None:
    with town_site.store.write() as session:
        agent = Agent(key=AGENT.casefold(), userid=AGENT, created_at=clock.now(), departments=[3], leads=[3])
        session.add(agent)
    client = browser(town_site)
    by_wecom(town_site, client)
    assert "主管" in client.get("/me").text
    with town_site.store.write() as session:
        session.scalars(select(Agent)).one().leads = []
    assert "一线员工" in client.get("/me").text
    with town_site.store.write() as session:
        accounts.choose_role(session, session.scalars(select(Account)).one(), "auditor", "root", clock.now())
    by_wecom(town_site, client)
    assert "审计员" in client.get("/me").text


def test_a_state_opens_once_in_the_browser_that_began_and_for_ten_minutes(
    town_site: Site, sandbox: Town, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TICI_CLOCK_FILE", str(tmp_path / "clock"))
    client, other = browser(town_site), browser(town_site)
    sent = client.get("/sign-in/wecom").headers["Location"]
    state = parse_qs(urlsplit(sent).query)["state"][0]
    cookie = client.get_cookie("tici")
    assert cookie is not None
    sandbox_code = code_of(sandbox)
    back = f"/sign-in/back?code={sandbox_code}&state={state}"
    assert other.get(back).status_code == 400
    assert client.get(back).status_code == 302
    assert client.get(back).status_code == 400
    other.set_cookie("tici", cookie.value)  # a copy of the cookie still holds the state
    assert "已经用过了" in other.get(f"/sign-in/back?code={code_of(sandbox)}&state={state}").text
    late = parse_qs(urlsplit(client.get("/sign-in/wecom").headers["Location"]).query)["state"][0]
    clock.move_forward(timedelta(minutes=11))
    assert "10 分钟" in client.get(f"/sign-in/back?code={code_of(sandbox)}&state={late}").text
    with town_site.store.read() as session:
        assert session.scalar(select(func.count()).select_from(SpentState)) == 1


def test_an_outsider_and_a_shut_account_are_refused_kindly(town_site: Site, sandbox: Town) -> None:
    client = browser(town_site)
    refused = come_back(town_site, client, code_of(sandbox, "wmSEEDcustomer0000000000000000A1"))
    assert refused.status_code == 403
    assert "不是本企业的成员" in refused.text
    by_wecom(town_site, client)
    with town_site.store.write() as session:
        accounts.disable(session, session.scalars(select(Account)).one(), "root", clock.now())
    assert client.get("/me").status_code == 302
    refused = come_back(town_site, client, code_of(sandbox))
    assert (refused.status_code, "已停用" in refused.text) == (403, True)
    assert client.get("/me").status_code == 302


@pytest.mark.parametrize(
    ("plan", "status", "word"),
    [
        ({"errcode": 40029}, 400, "已经用过"),
        ({"errcode": 60020}, 502, "可信IP"),
        ({"errcode": -1}, 503, "企业微信繁忙"),
        ({"status": 502}, 503, "暂时联系不上"),
    ],
)
def test_a_failure_of_wecom_is_told_in_words(
    town_site: Site, sandbox: Town, plan: dict[str, int], status: int, word: str
) -> None:
    sandbox.control.fault("auth/getuserinfo", **plan)
    refused = come_back(town_site, browser(town_site), code_of(sandbox))
    assert refused.status_code == status
    assert word in refused.text


def test_a_code_that_is_missing_or_endless_is_refused(site: Site) -> None:
    client = browser(site)
    for code in ("", "x" * 513):
        assert come_back(site, client, code).status_code == 400
    assert client.get("/sign-in/back?code=x&state=invented").status_code == 400
    assert client.get("/sign-in/back").status_code == 400


def test_the_addresses_are_wecoms_own_unless_another_host_is_given() -> None:
    inside = authorize_url(SignInApp("ww1", 7), "https://t.example/sign-in/back", "abc", in_client=True)
    assert inside == (
        "https://open.weixin.qq.com/connect/oauth2/authorize?appid=ww1&agentid=7"
        "&redirect_uri=https%3A%2F%2Ft.example%2Fsign-in%2Fback&state=abc&response_type=code&scope=snsapi_base"
        "#wechat_redirect"
    )
    outside = authorize_url(SignInApp("ww1", 7), "https://t.example/b", "abc", in_client=False)
    assert outside.startswith("https://login.work.weixin.qq.com/wwlogin/sso/login?appid=ww1&agentid=7&")
    assert outside.endswith("&state=abc&login_type=CorpApp")
    assert authorize_url(SignInApp("c", 1, "http://h"), "b", "s", in_client=False).startswith("http://h/wwlogin/")


# -- by password -------------------------------------------------------------------------------------------


def test_a_local_account_enters_by_its_password_and_the_old_session_is_gone(site: Site) -> None:
    account(site)
    client = site.watcher()
    client.get("/board?lang=en")
    before = client.get_cookie("tici")
    answer = enter(client, onwards="/admin")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin")
    with client.session_transaction() as kept:
        assert "board_until" not in kept
        assert kept["lang"] == "en"
    after = client.get_cookie("tici")
    assert before is not None
    assert after is not None
    assert before.value != after.value
    assert client.get("/admin").status_code == 200
    with site.store.read() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "sign-in")).one()
        assert re.fullmatch(r"看板链接 [0-9a-f]{6} \(watcher\)", entry.detail["before"])


@pytest.mark.parametrize("name", ["root", "nobody", "", "x" * 5000])
def test_a_wrong_name_or_password_is_one_answer(site: Site, name: str) -> None:
    account(site)
    answer = enter(browser(site), name, "wrong" * 100)
    assert answer.status_code == 401
    assert "名字或密码不对" in answer.text


def test_an_unknown_name_takes_as_long_as_a_known_one(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    class Counted(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
            seen.append(str(hash))
            return super().verify(hash, password)

    monkeypatch.setattr(passwords, "_hasher", Counted(time_cost=2, memory_cost=19_456, parallelism=1))
    assert not password_matches(None, GOOD)
    assert seen[0].startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_after_ten_failures_a_name_must_wait_and_others_need_not(site: Site) -> None:
    account(site)
    account(site, "second")
    client = browser(site)
    form = {"csrf_token": token(client), "name": "root", "password": "wrong"}
    assert [client.post("/sign-in", data=form).status_code for _ in range(11)] == [401] * 10 + [429]
    refused = client.post("/sign-in", data={**form, "password": GOOD})
    assert refused.status_code == 429
    assert "15 分钟" in refused.text
    assert 'href="/sign-in?stay=1"' in refused.text
    assert enter(client, "second").status_code == 302


def test_after_thirty_failures_an_address_must_wait_and_the_proxy_tells_addresses_apart(site: Site) -> None:
    account(site)
    client = browser(site)
    form = {"csrf_token": token(client), "password": "wrong"}
    near = {"X-Forwarded-For": "1.1.1.1, 203.0.113.5"}
    codes = [client.post("/sign-in", data={**form, "name": f"n{n}"}, headers=near).status_code for n in range(31)]
    assert codes == [401] * 30 + [429]
    good = {**form, "name": "root", "password": GOOD}
    assert client.post("/sign-in", data=good, headers=near).status_code == 429
    assert client.post("/sign-in", data=good, headers={"X-Forwarded-For": "203.0.113.6"}).status_code == 302


@pytest.mark.parametrize("redis", [False, True], ids=["in this process", "in Redis"])
def test_many_tries_at_once_are_no_way_around_the_limit(tmp_path: Path, valkey: str, redis: bool) -> None:
    with open_site(tmp_path, extra={"TICI_REDIS_URL": valkey} if redis else {}) as site:
        account(site)
        client = browser(site)
        form, cookie = {"csrf_token": token(client), "name": "root", "password": "wrong"}, client.get_cookie("tici")
        assert cookie is not None
        together = Barrier(24)

        def one_try(_number: int) -> int:
            own = browser(site)
            own.set_cookie("tici", cookie.value)
            together.wait()
            return own.post("/sign-in", data=form).status_code

        with ThreadPoolExecutor(24) as pool:
            codes = sorted(pool.map(one_try, range(24)))
        assert codes == [401] * 10 + [429] * 14


def test_signing_in_rightly_uses_up_no_tries(site: Site) -> None:
    account(site)
    for _ in range(12):
        assert enter(browser(site)).status_code == 302
    client = browser(site)
    form = {"csrf_token": token(client), "name": "root", "password": "wrong"}
    assert [client.post("/sign-in", data=form).status_code for _ in range(11)] == [401] * 10 + [429]


def test_signing_out_ends_a_board_link_also_where_its_cookie_was_copied_to(site: Site) -> None:
    here, copied = site.watcher(), browser(site)
    cookie = here.get_cookie("tici")
    assert cookie is not None
    copied.set_cookie("tici", cookie.value)
    assert copied.get("/board").status_code == 200
    assert here.post("/sign-out", data={"csrf_token": token(here)}).status_code == 302
    for client in (here, copied):
        assert client.get("/board").status_code == 302
    assert site.watcher().get("/board").status_code == 200, "the link itself goes on until its end"


def test_limits_hold_and_signing_in_works_while_redis_is_away(tmp_path: Path) -> None:
    with open_site(tmp_path, extra={"TICI_REDIS_URL": "redis://:secret@127.0.0.1:1/0"}) as site:
        account(site)
        client = browser(site)
        form = {"csrf_token": token(client), "name": "root", "password": "wrong"}
        assert [client.post("/sign-in", data=form).status_code for _ in range(11)] == [401] * 10 + [429]
        account(site, "second")
        assert enter(client, "second").status_code == 302


def test_limits_are_shared_by_way_of_redis(tmp_path: Path, valkey: str) -> None:
    codes = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        with open_site(tmp_path / name, extra={"TICI_REDIS_URL": valkey}) as site:
            client = browser(site)
            form = {"csrf_token": token(client), "name": "root", "password": "wrong"}
            codes += [client.post("/sign-in", data=form).status_code for _ in range(6)]
    assert codes == [401] * 10 + [429] * 2


# -- how long ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "idle", "whole"), [("desk", 12, 7 * 24), ("phone", 7 * 24, 30 * 24)])
def test_a_session_ends_by_idleness_and_by_age(
    site: Site, kind: str, idle: int, whole: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TICI_CLOCK_FILE", str(tmp_path / "clock"))
    client = site.signed_in()
    with client.session_transaction() as kept:
        kept["kind"] = kind
    step = timedelta(hours=idle) - timedelta(minutes=1)
    for _ in range(int(timedelta(hours=whole) / step)):  # at work all the time
        clock.move_forward(step)
        assert client.get("/me").status_code == 200
    clock.move_forward(step)
    assert client.get("/me").status_code == 302
    idler = site.signed_in()
    with idler.session_transaction() as kept:
        kept["kind"] = kind
    clock.move_forward(step)
    assert idler.get("/me", headers={"HX-Request": "true"}).status_code == 200  # a page that asks by itself
    clock.move_forward(timedelta(minutes=2))
    assert idler.get("/me").status_code == 302


def test_a_cookie_without_times_opens_nothing(site: Site) -> None:
    client = site.signed_in()
    with client.session_transaction() as kept:
        del kept["since"]
    assert client.get("/me").status_code == 302


def test_signing_out_here_and_everywhere(site: Site) -> None:
    account(site)
    here, there = browser(site), browser(site)
    for client in (here, there):
        assert enter(client).status_code == 302
    form = {"csrf_token": token(here, "/me")}
    assert here.post("/sign-out", data=form).headers["Location"] == "/sign-in?stay=1"
    assert here.get("/me").status_code == 302
    assert there.get("/me").status_code == 200
    enter(here)
    assert here.post("/me/sign-out-everywhere", data={"csrf_token": token(here, "/me")}).status_code == 302
    assert there.get("/me").status_code == 302


def test_after_signing_out_inside_wecom_one_is_not_signed_in_again_at_once(site: Site) -> None:
    assert browser(site, user_agent=PHONE).get("/sign-in?stay=1").status_code == 200


def test_whoever_left_the_company_is_out_at_his_next_request(site: Site) -> None:
    client = site.signed_in("agent", "Wang")
    assert client.get("/me").status_code == 200
    with site.store.write() as session:
        session.scalars(select(Agent)).one().left_at = clock.now()
    assert client.get("/me").status_code == 302


def test_a_leader_sees_the_customers_of_departments_below_his(site: Site) -> None:
    leader = site.signed_in("leader", "Chief", [2])
    with site.store.write() as session:
        session.add_all([Department(id=1), Department(id=2, parent_id=1), Department(id=5, parent_id=2)])
        session.add_all([Department(id=9, parent_id=1)])
        rows = Rows(session, clock.now())
        below, beside = rows.agent("下级"), rows.agent("别处")
        below.departments, beside.departments = [5], [9]
        mine, theirs = rows.customer("小甲", agent=below).id, rows.customer("小乙", agent=beside).id
    assert leader.get(f"/c/{mine}").status_code == 200
    assert leader.get(f"/c/{theirs}").status_code == 404


# -- forms and cookies -------------------------------------------------------------------------------------


def test_a_form_without_its_token_or_from_another_site_changes_nothing(site: Site) -> None:
    client = site.signed_in()
    good = {"HTTP_ORIGIN": "http://localhost"}
    bare = site.app.test_client()
    assert "页面放得太久了" in bare.post("/look", data={"theme": "dark"}).text
    for origin in ("https://evil.example", "null", "http://localhost.evil.example", "http://localhost:99"):
        refused = client.post("/look", data={"theme": "dark"}, environ_overrides={"HTTP_ORIGIN": origin})
        assert (refused.status_code, "Set-Cookie" in refused.headers) == (403, False), origin
    assert client.post("/look", data={"theme": "dark"}, environ_overrides=good).status_code == 302
    assert client.post("/look", environ_overrides={"HTTP_ORIGIN": BASE}).status_code == 302


def test_a_refused_piece_of_a_page_becomes_a_notice_and_a_stranger_is_led_to_sign_in(site: Site) -> None:
    asked = {"HX-Request": "true", "HX-Current-URL": "http://localhost/board?pipeline=x"}
    stranger = site.app.test_client().get("/admin/people", headers=asked)
    assert stranger.status_code == 401
    assert stranger.headers["HX-Redirect"] == "/sign-in?next=/board?pipeline%3Dx"
    refused = site.app.test_client().post("/look", headers=asked)
    assert '"bad": true' in refused.headers["HX-Trigger"]


def test_on_https_the_cookie_is_bound_to_this_host(tmp_path: Path) -> None:
    with open_site(tmp_path, extra={"TICI_BASE_URL": "https://tici.example.com"}) as site:
        account(site)
        client = site.app.test_client()
        page = client.get("/sign-in", base_url="https://tici.example.com")
        assert page.headers["Strict-Transport-Security"] == "max-age=31536000"
        form = {"csrf_token": page.text.split('name="csrf_token" value="')[1].split('"')[0], "name": "root"}
        answer = client.post("/sign-in", data={**form, "password": GOOD}, base_url="https://tici.example.com")
        cookie = next(c for c in answer.headers.getlist("Set-Cookie") if c.startswith("__Host-tici="))
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
        assert "Domain" not in cookie


def test_https_for_hosts_below_ours_is_a_choice(tmp_path: Path) -> None:
    extra = {"TICI_BASE_URL": "https://tici.example.com", "TICI_HSTS_SUBDOMAINS": "1"}
    with open_site(tmp_path, extra=extra) as site:
        page = site.app.test_client().get("/sign-in", base_url="https://tici.example.com")
        assert page.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


def test_every_answer_carries_the_headers(site: Site) -> None:
    headers = site.app.test_client().get("/sign-in").headers
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "camera=()" in headers["Permissions-Policy"]
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert "Strict-Transport-Security" not in headers


@pytest.mark.parametrize(
    "wanted",
    ["https://evil.example", "//evil.example", "/\\evil.example", "evil", "/\t/evil.example", "/a\r\nX: y", "/\\/e",
     "http:/evil", "", None, "/[", "//[", "\\evil"],
)  # fmt: skip
def test_next_leads_nowhere_else(site: Site, wanted: str | None) -> None:
    with site.app.test_request_context():
        assert urlsplit(safe_next_path(wanted)).netloc == ""
        assert safe_next_path(wanted) in ("/", "/[")
        assert safe_next_path("/c/7?before=9") == "/c/7?before=9"


# -- preferences -------------------------------------------------------------------------------------------


def test_language_and_brightness_are_chosen_and_stay(site: Site) -> None:
    client = site.signed_in()
    assert 'media="screen and (prefers-color-scheme: dark)"' in client.get("/me").text
    assert client.post("/look", data={"theme": "dark", "lang": "en", "next": "/me"}).headers["Location"] == "/me"
    page = client.get("/me").text
    assert 'data-theme="dark"' in page
    assert 'media="screen"' in page
    assert "Sign out" in page
    client.post("/look", data={"theme": "light"})
    assert "dark.css" not in client.get("/me").text
    client.post("/look", data={"theme": "blue", "lang": "xx"})
    assert 'data-theme="light"' in client.get("/me").text


def test_static_files_travel_compressed_and_are_the_same(site: Site) -> None:
    client = site.app.test_client()
    plain = client.get("/static/frame.css", buffered=True)
    packed = client.get("/static/frame.css", headers={"Accept-Encoding": "gzip"}, buffered=True)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert int(packed.headers["Content-Length"]) == len(packed.data) < len(plain.data) / 2
    assert gzip.decompress(packed.data) == plain.data
    assert "Accept-Encoding" in plain.headers["Vary"]
    again = {"Accept-Encoding": "gzip", "If-None-Match": packed.headers["ETag"]}
    assert client.get("/static/frame.css", headers=again, buffered=True).status_code == 304
    refusing = client.get("/static/frame.css", headers={"Accept-Encoding": "gzip;q=0"}, buffered=True)
    assert "Content-Encoding" not in refusing.headers
    assert client.get("/static/nothing.css", headers={"Accept-Encoding": "gzip"}).status_code == 404
