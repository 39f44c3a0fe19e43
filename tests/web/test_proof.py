"""Before what cannot be undone or leaves the house people show once more who they are, and lose nothing by it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from bot.platform import clock
from bot.platform.models import Account, AuditEntry
from bot.web.auth import proof
from tests.support.access_matrix import ROWS
from tests.support.parts import Town
from tests.support.rows import Rows
from tests.support.site import CONFIG, Site, open_site
from tests.web.test_signin import GOOD, account, browser, by_wecom, enter, token

LATER = timedelta(minutes=11)
TEXT = CONFIG.replace("测试学堂", "夜校")


@pytest.fixture
def site(tmp_path: Path, sandbox: Town) -> Iterator[Site]:
    folder = tmp_path / "site"
    folder.mkdir()
    login = f"http://127.0.0.1:{sandbox.port}"
    with open_site(folder, extra={**sandbox.variables, "WECOM_LOGIN_URL": login}) as site:
        yield site


@pytest.fixture
def admin(site: Site) -> FlaskClient:
    """An admin who signed in by password, eleven minutes ago."""
    account(site)
    client = browser(site)
    with time_machine.travel(clock.now() - LATER, tick=False):
        assert enter(client).status_code == 302
    client.environ_base["HTTP_X_CSRFTOKEN"] = token(client, "/me")
    return client


def fields(page: TestResponse) -> dict[str, str]:
    """What a browser would send from the form of the question."""
    form = page.text[page.text.index('action="/confirm"') :]
    form = form[: form.index("</form>")]
    return {
        unescape(n): unescape(v) for n, v in re.findall(r'type="hidden" name="(.*?)" value="(.*?)"', form, re.DOTALL)
    }


def answer(client: FlaskClient, page: TestResponse, password: str = GOOD) -> TestResponse:
    return client.post("/confirm", data={**fields(page), "confirm_password": password})


def again(client: FlaskClient, page: TestResponse, sent: TestResponse) -> TestResponse:
    """As browsers follow a 307: the same method and body."""
    assert sent.status_code == 307
    return client.post(sent.headers["Location"], data={**fields(page), "confirm_password": GOOD})


def stamp(client: FlaskClient) -> str:
    return client.get("/rules/file").text.split('name="stamp" value="')[1].split('"')[0]


def test_a_config_is_saved_after_the_password_with_all_that_was_typed(site: Site, admin: FlaskClient) -> None:
    typed = TEXT + '\n# "<&>" \n'
    form = {"text": typed, "stamp": stamp(admin), "sure": ""}
    page = admin.post("/rules/file", data=form)
    assert (page.status_code, "请再确认一次是您" in page.text) == (403, True)
    assert site.system.environment.config.read_text() == CONFIG
    assert {name: fields(page)[name] for name in form} == form
    wrong = answer(admin, page, "wrong horse battery")
    assert (wrong.status_code, proof.WRONG in wrong.text) == (401, True)
    assert {name: fields(wrong)[name] for name in form} == form
    saved = again(admin, wrong, answer(admin, wrong))
    assert (saved.status_code, saved.headers["Location"]) == (302, "/rules/file?saved=1")
    assert site.system.environment.config.read_text() == typed
    with site.store.read() as session:
        assert "sign-in.again" in session.scalars(select(AuditEntry.action)).all()


def test_every_guarded_address_asks_and_does_nothing_until_answered(site: Site, admin: FlaskClient) -> None:
    with site.store.write() as session:
        customer = Rows(session, clock.now()).customer("李女士").id
    things = {"customer": customer, "version": "x", "change": 1}
    for endpoint in proof.GUARDED:
        ((key, row),) = [(key, row) for key, row in ROWS.items() if key[0] == endpoint][:1]
        path = re.sub(r"\{(\w+)\}", lambda found: str(things.get(found[1], 1)), row.path)
        got = admin.open(path, method=key[1], data={"text": "x", **row.form} if key[1] == "POST" else None)
        if key[1] == "GET":
            assert got.headers["Location"].startswith("/confirm?to="), endpoint
        else:
            assert (got.status_code, "confirm_to" in got.text) == (403, True), endpoint


def test_a_role_is_changed_from_the_page_that_asks_and_one_is_back_where_one_was(
    site: Site, admin: FlaskClient
) -> None:
    other = account(site, "second", "agent")
    there = {"HX-Request": "true", "HX-Current-URL": "http://localhost/admin/people?q=second"}
    page = admin.post(f"/admin/people/account/{other}/role", data={"role": "auditor"}, headers=there)
    assert (page.status_code, page.headers["HX-Retarget"], page.headers["HX-Reswap"]) == (200, "body", "innerHTML")
    with site.store.read() as session:
        assert session.get_one(Account, other).role == "agent"
    back = again(admin, page, answer(admin, page))
    assert (back.status_code, back.headers["Location"]) == (302, "/admin/people?q=second")
    assert "角色已更改" in admin.get(back.headers["Location"]).text
    with site.store.read() as session:
        assert session.get_one(Account, other).role == "auditor"


def test_a_file_is_handed_out_after_the_password(admin: FlaskClient) -> None:
    asked = admin.get("/admin/log.csv?actor=root")
    page = admin.get(asked.headers["Location"])
    done = answer(admin, page)
    assert 'href="/admin/log.csv?actor=root"' in done.text
    assert admin.get("/admin/log.csv?actor=root").mimetype == "text/csv"


def test_within_ten_minutes_nobody_is_asked_again(site: Site, admin: FlaskClient) -> None:
    page = admin.post("/rules/file", data={"text": TEXT, "stamp": stamp(admin)})
    again(admin, page, answer(admin, page))
    assert admin.get("/admin/log.csv").status_code == 200
    with time_machine.travel(clock.now() + LATER, tick=False):
        assert admin.get("/admin/log.csv").status_code == 302


def test_other_roles_are_refused_and_not_asked(site: Site) -> None:
    client = site.signed_in("agent", "Somebody")
    with client.session_transaction() as kept:
        del kept["proved"]
    assert client.post("/rules/file", data={"text": "x"}).status_code == 404
    assert client.get("/admin/log.csv").status_code == 404


def test_wrong_passwords_are_limited_and_what_was_typed_stays(site: Site, admin: FlaskClient) -> None:
    page = admin.post("/rules/file", data={"text": TEXT, "stamp": stamp(admin)})
    tried = [answer(admin, page, f"wrong horse {n}") for n in range(11)]
    assert [one.status_code for one in tried] == [401] * 10 + [429]
    assert fields(tried[-1])["text"] == TEXT
    assert answer(admin, page).status_code == 429  # the right one as well


def test_wecom_confirms_in_a_window_of_its_own_and_the_form_goes_on(site: Site) -> None:
    client = browser(site)
    with time_machine.travel(clock.now() - LATER, tick=False):
        by_wecom(site, client)
    with site.store.write() as session:
        found = session.scalars(select(Account)).one()
        found.role, found.role_by = "admin", "test"
    client.environ_base["HTTP_X_CSRFTOKEN"] = token(client, "/me")
    page = client.post("/rules/file", data={"text": TEXT, "stamp": stamp(client)})
    assert 'target="_blank"' in page.text
    assert "confirm_password" not in page.text
    back = by_wecom(site, client, onwards="/confirm/done")
    assert back.headers["Location"] == "/confirm/done"
    assert client.get("/confirm/done").status_code == 200
    assert client.post(fields(page)["confirm_to"], data=fields(page)).status_code == 302  # the old page's token holds
    assert site.system.environment.config.read_text() == TEXT


def test_somebody_elses_wecom_confirms_nothing(site: Site) -> None:
    client = browser(site)
    account(site)
    with time_machine.travel(clock.now() - LATER, tick=False):
        enter(client)
    assert by_wecom(site, client, onwards="/confirm/done").status_code == 403
    assert client.get("/admin/log.csv").status_code == 302
