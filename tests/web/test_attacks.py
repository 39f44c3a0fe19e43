"""Attacks on the pages: odd headers and numbers, foreign ids, copied cookies, hostile files."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from bot.agents import accounts
from bot.platform import clock
from bot.platform.config.parsing import ConfigError
from bot.platform.config.settings import parse_settings
from bot.platform.environment import SurroundingsError, read_environment
from bot.platform.signed_links import task_url
from bot.sops.material_library import MaterialRefusedError, sniff, store_upload
from tests.support.access_matrix import ROWS, furnish
from tests.support.site import CONFIG, Site, open_site
from tests.web.test_access import SOP, Crowd
from tests.web.test_signin import GOOD, account, browser, enter, token

PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 50
NAMES = (
    "q", "tag", "agent", "silent", "score", "stage", "shown", "at", "seen", "before", "after",
    "customer", "name", "study", "number", "report", "days", "actor", "action", "day", "skip", "from", "pages",
    "next", "key", "state", "code", "version", "text", "word", "form", "sop", "field", "value", "kind", "whom",
    "delay", "reason", "external_userid", "chat_id", "part", "again", "message", "group", "url", "base", "stamp",
    "sure", "was", "id", "to", "serial", "on", "any", "regex", "sentence", "speaker", "role", "lang", "theme",
    "password",
)  # fmt: skip
HOSTILE = (
    "９" * 40, "9" * 5000, "-1", "1e309", "<script>alert(1)</script>", "a\r\nX-Split: 1", "task:" + "9" * 30,
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "../../etc/passwd", "²",
)  # fmt: skip
LEADS_AWAY = {"signin.start", "tracked_links.open_link"}  # to WeCom, and to where the config says
LASTING = {"live.stream", "signin.leave", "preferences.leave_everywhere"}


@pytest.fixture
def crowd(tmp_path: Path, database_url: str) -> Iterator[Crowd]:
    (tmp_path / "materials").mkdir()
    (tmp_path / "materials" / "leaflet.pdf").write_bytes(b"%PDF-1.4")
    text = CONFIG + SOP + "\n[privacy]\nsearch_messages = true\n"
    with open_site(tmp_path, text, extra={"TICI_DATABASE_URL": database_url}) as site:
        site.app.config["PROPAGATE_EXCEPTIONS"] = False
        yield Crowd(site)


def test_hostile_words_in_every_argument_of_every_address_break_nothing(crowd: Crowd) -> None:
    things = furnish(crowd.site, crowd.owner, "owner")
    wrong = []
    for (endpoint, method, *_rest), row in ROWS.items():
        if endpoint in LASTING:
            continue
        client = crowd.sitting("agent" if endpoint.startswith("sidebar.") else "admin")
        path = row.path.format(**things)
        good = {name: value.format(**things) for name, value in row.form.items()}
        for turn in range(0, len(HOSTILE), 6):
            given = {name: HOSTILE[(turn + place) % len(HOSTILE)] for place, name in enumerate(NAMES)}
            asked: dict[str, Any] = {"query_string": given} if method == "GET" else {"data": {**given, **good}}
            with client.open(path.partition("?")[0], method=method, **asked) as answer:
                away = answer.headers.get("Location", "").startswith(("http", "//")) and endpoint not in LEADS_AWAY
                if (answer.status_code >= 500 and answer.status_code != 503) or away or "X-Split" in answer.headers:
                    wrong.append((endpoint, turn, answer.status_code))
    assert wrong == []


def test_a_filter_with_a_nul_is_refused_and_not_asked_of_the_database(crowd: Crowd) -> None:
    client = crowd.sitting("admin")
    for path in ("/board?tag=%00", "/board?q=a%00", "/rules?q=%00", "/sops/library?done=%00"):
        assert client.get(path).status_code == 400, path
    assert client.post("/sops/library/remove", data={"name": "a\0"}).status_code == 400
    assert client.get("/admin/config/%00").status_code == 404


@pytest.mark.parametrize("name", ["Origin", "HX-Current-URL", "Referer"])
def test_an_address_that_is_none_in_a_header(site: Site, name: str) -> None:
    site.app.config["PROPAGATE_EXCEPTIONS"] = False
    headers = {"HX-Request": "true", name: "http://["}
    assert site.app.test_client().get("/admin/people", headers=headers).status_code == 401
    assert site.signed_in().post("/look", headers=headers).status_code in (302, 403)


def test_no_answer_repeats_the_host_header(site: Site) -> None:
    client = site.signed_in()
    at = "http://evil.example/"
    for path in (
        "/c//1",
        "/admin//log",
        "//evil.example/board",
        "/sign-in//back",
        "/board",
        "/sign-in",
        "/admin",
        "/t//x",
    ):
        answer = client.open(base_url=at, environ_overrides={"PATH_INFO": path})
        assert "evil.example" not in answer.text + str(answer.headers), path
    there = site.app.test_client().get("/sign-in/wecom", base_url=at).headers["Location"]
    assert "redirect_uri=http%3A%2F%2F127.0.0.1%3A8000%2F" in there


def test_what_is_nested_below_ones_own_customer_must_be_his(site: Site) -> None:
    agent, other = site.signed_in("agent", "Owner"), site.signed_in("agent", "Stranger")
    whose = {}
    for userid, key in (("Owner", "owner"), ("Stranger", "stranger")):
        with site.store.read() as session:
            account_of = accounts.find_account(session, userid)
            assert account_of is not None
            agent_id = account_of.agent_id
        assert agent_id is not None
        whose[userid] = furnish(site, agent_id, key)
    mine, theirs = whose["Owner"], whose["Stranger"]
    nested = ("/c/{customer}/move/{move}/undo", "/c/{customer}/note/{note}/remove", "/c/{customer}/why/{message}")
    for path in nested:
        method = "GET" if "why" in path else "POST"
        foreign = {**theirs, "customer": mine["customer"]}
        assert agent.open(path.format(**foreign), method=method).status_code in (404, 409), path
        assert agent.open(path.format(**theirs), method=method).status_code == 404, path
        assert other.open(path.format(**theirs), method=method).status_code in (200, 204, 409), path
    form = {"external_userid": mine["userid"], "key": f"task:{theirs['task']}"}
    assert agent.post("/sidebar/send", data=form).status_code == 409
    assert agent.post("/sidebar/send", data={**form, "external_userid": theirs["userid"]}).status_code == 404
    assert agent.post(f"/sidebar/tasks/{theirs['task']}/later", data={"delay": "1h"}).status_code == 404
    assert agent.post("/sidebar/group", data={"chat_id": theirs["chat_id"]}).status_code == 404


def test_fields_nobody_asked_for_change_nothing(site: Site) -> None:
    agent = site.signed_in("agent", "Owner")
    with site.store.read() as session:
        mine = accounts.find_account(session, "Owner")
        assert mine is not None
        agent_id = mine.agent_id
    assert agent_id is not None
    things = furnish(site, agent_id, "owner")
    extra = {"text": "一句备注", "author": "root", "customer_id": "999", "role": "admin", "agent": "1", "erased": "1"}
    assert agent.post(f"/c/{things['customer']}/note", data=extra).status_code == 204
    assert "一句备注" in agent.get(f"/c/{things['customer']}/aside").text
    for path in ("/look", "/me/sign-out-everywhere"):
        agent.post(path, data=extra)
    with site.store.read() as session:
        found = accounts.find_account(session, "Owner")
        assert found is not None
        assert found.role == "agent"


# -- sessions ----------------------------------------------------------------------------------------------


def copied(site: Site, client: FlaskClient) -> FlaskClient:
    """Another browser with the same cookie."""
    cookie = client.get_cookie("tici")
    assert cookie is not None
    thief = browser(site)
    thief.set_cookie("tici", cookie.value)
    return thief


def test_a_copied_cookie_is_worth_nothing_after_signing_out(site: Site) -> None:
    account(site)
    mine, elsewhere = browser(site), browser(site)
    enter(mine)
    enter(elsewhere)
    thief = copied(site, mine)
    assert thief.get("/me").status_code == 200
    mine.post("/sign-out", data={"csrf_token": token(mine, "/me")})
    assert thief.get("/me").status_code == 302
    assert elsewhere.get("/me").status_code == 200


def test_signing_in_anew_ends_the_session_before_it(site: Site) -> None:
    account(site)
    mine = browser(site)
    enter(mine)
    thief = copied(site, mine)
    form = {"csrf_token": token(mine, "/me"), "name": "root", "password": GOOD}
    assert mine.post("/sign-in", data=form).status_code == 302
    assert (thief.get("/me").status_code, mine.get("/me").status_code) == (302, 200)


@pytest.mark.parametrize("name", ["TICI_DEMO", "TICI_CLOCK_FILE"])
def test_the_demos_freedoms_are_refused_where_others_can_reach_us(name: str) -> None:
    for url in ("https://tici.example.com", "http://10.0.0.5:8000", "http://127.0.0.1.evil.example"):
        with pytest.raises(SurroundingsError, match="TICI_DEMO"):
            read_environment({name: "1", "TICI_BASE_URL": url})
    assert read_environment({name: "1"}).demo


# -- files -------------------------------------------------------------------------------------------------


def test_pages_cannot_choose_which_folder_is_handed_out(site: Site, tmp_path: Path) -> None:
    client = site.signed_in()
    for folder in ("keys", "var", "other/place"):
        text = CONFIG.replace("[workspace]", f'[workspace]\nmaterials = "{folder}"')
        stamp = client.get("/rules/file").text.split('name="stamp" value="')[1].split('"')[0]
        answer = client.post("/rules/file", data={"text": text, "stamp": stamp})
        assert (answer.status_code, "只能在服务器上改" in answer.text) == (422, True), folder
    assert (tmp_path / "config.toml").read_text(encoding="utf-8") == CONFIG


@pytest.mark.parametrize("folder", ["/etc", "../..", "a/../../b", ".", "~/x", "\\\\server\\x", "a\\..\\..\\b"])
def test_the_library_lies_below_the_config(folder: str) -> None:
    with pytest.raises(ConfigError, match="下级文件夹"):
        parse_settings(f"[workspace]\nmaterials = '{folder}'")


def zipped(files: int = 1) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(files):
            archive.writestr(f"{number:0100}", b"")
    return out.getvalue()


def test_an_archive_of_very_many_names_is_refused_unread() -> None:
    assert sniff(io.BytesIO(zipped())) == "zip"
    with pytest.raises(MaterialRefusedError, match="太多"):
        sniff(io.BytesIO(zipped(8_000)))
    for cut in (10, 30, 60, 130):
        with pytest.raises(MaterialRefusedError):
            sniff(io.BytesIO(zipped()[:cut]))


@pytest.mark.parametrize(
    "name",
    ["../../etc/cron.d/x", "..\\\\x.txt", "/etc/x", "C:/x", "a/../../b", ".. /x", "a\u202egnp.txt", "价格.exe",
     "a/b.Scr", "x.js", "x.exe. ", "x.ＥＸＥ", "x.lnk", "x.docm"],
)  # fmt: skip
def test_an_archive_with_a_way_out_or_a_program_is_refused(name: str) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(2_100):  # what is refused may lie behind many
            archive.writestr(f"{number}.txt", b"")
        archive.writestr(name, b"x")
    out.seek(0)
    with pytest.raises(MaterialRefusedError, match="不收"):
        sniff(out)


def packed(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def linked() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        link = zipfile.ZipInfo("图.png")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return out.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        packed(**{"价目表.pdf": b"MZ\x90\0" + b"x" * 90}),
        packed(**{"说明.txt": b"#!/bin/sh\nrm -rf ~"}),
        packed(**{"图.png": b"\x7fELF\x02"}),
        packed(**{"资料.zip": packed(**{"a.exe": b"x"})}),
        packed(**{"资料.zip": packed(**{"../a.txt": b"x"})}),
        packed(**{"资料.dat": packed(b=packed(**{"a.txt": b"MZ\x90"}))}),
        packed(a=packed(b=packed(c=packed(d=b"x")))),
        linked(),
    ],
    ids=["windows", "script", "linux", "within", "way out within", "two deep", "too deep", "a link"],
)
def test_what_an_archive_does_not_call_by_its_name_is_refused(content: bytes) -> None:
    with pytest.raises(MaterialRefusedError, match=r"不收|太多"):
        sniff(io.BytesIO(content))


def test_an_archive_of_documents_and_archives_of_papers_is_taken() -> None:
    document = packed(**{"[Content_Types].xml": b"<x/>", "word/document.xml": b"<x/>"})
    assert sniff(io.BytesIO(packed(**{"合同.docx": document, "图.zip": packed(**{"a.png": b"\x89PNG"})}))) == "zip"
    assert sniff(io.BytesIO(document)) == "docx"


@pytest.mark.parametrize("name", ["价目表/2026.pdf", "a..b.png", "说明.txt", "com", "exe/图.jpg"])
def test_an_archive_of_papers_is_taken(name: str) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, b"x")
    out.seek(0)
    assert sniff(out) == "zip"


@pytest.mark.parametrize(
    "name", ["../../x.png", "..\\x.png", "a\0b.png", "\u202egnp.exe", "." * 300, "/etc/x", "<b>"]
)
def test_an_upload_stays_in_its_folder_whatever_it_is_called(tmp_path: Path, name: str) -> None:
    kept = store_upload(tmp_path / "in" / "library", name, io.BytesIO(PNG))
    assert [path.name for path in (tmp_path / "in" / "library").iterdir()] == [kept]
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [kept]
    assert kept.endswith(".png")
    assert set(kept) & set("/\\\0<>\u202e") == set()


# -- config text -------------------------------------------------------------------------------------------

BOMBS = {
    "deep arrays": "x = " + "[" * 100_000,
    "deep tables": "x = " + "{a=" * 3_000 + "1" + "}" * 3_000,
    "a key of many parts": "a." * 50_000 + "b = 1",
    "a quoted key of many parts": '" " . ' * 50_000 + "b = 1",
    "a table of many parts": "[" + "a." * 50_000 + "b]",
    "inside a table": "x = {" + "a." * 50_000 + "b = 1}",
    "a number of many digits": "x = " + "9" * 5_000,
    "a nul": "x = '\0'",
    "half a character": 'x = "\\ud800"',
    "a word without end": "a" * 900_000,
    "quotes without end": "'" * 900_001,
    "a regex of brackets": "[[rules]]\nid='a'\ntag='b'\nregex='" + "(" * 5_000 + "'",
    "a regex that multiplies": "[[rules]]\nid='a'\ntag='b'\nregex='((a{1000}){1000}){1000}'",
    "a span without end": "[[rules]]\nid='a'\ntag='b'\nany=['c']\nexpires='" + "9" * 300 + "d'",
    "a score that is none": "[[rules]]\nid='a'\ntag='b'\nany=['c']\nscore={conversion=nan}",
    "a zone that is a path": "[workspace]\ntimezone='../../etc/passwd'",
}


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS.keys())
def test_a_hostile_config_text_is_refused_with_a_line(text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_settings(text)
    assert refused.value.problems[0].line >= 1


# -- links -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", ["/t/", "/l/", "/p/", "/day/", "/board?key="])
@pytest.mark.parametrize("token", ["x" * 9000, "%00", ".", "WzEsMSwxXQ.x", "%F0%9F%98%80", "..%2f..%2f"])
def test_no_invented_link_opens_anything(site: Site, start: str, token: str) -> None:
    assert site.app.test_client().get(start + token).status_code in (400, 404)


def test_a_link_for_one_thing_opens_no_other(site: Site) -> None:
    good = task_url("", "t1", 1, site.key, clock.now()).rpartition("/")[2]
    for start in ("/l/", "/p/", "/day/", "/board?key="):
        assert site.app.test_client().get(start + good).status_code == 404
