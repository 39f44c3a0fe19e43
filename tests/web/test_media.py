"""Files are served to those who may read the conversation, under names of ours, and never as a program."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.intake.media.store import FileRequest, open_media_store
from bot.platform.models import Agent, Customer, Follow, MediaFile, Outbox, ViewEntry
from bot.web.customers.media_rows import name_of
from bot.wecom.media import MediaChunk
from tests.intake.test_media import PIXEL
from tests.support.archived import CHEN, LIN, NOW, Archived
from tests.support.site import Site, open_site

PAGE = b"<html><script>alert(1)</script></html>"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'></svg>"


@pytest.fixture
def site(tmp_path: Path, valkey: str) -> Iterator[Site]:
    with open_site(tmp_path, extra={"TICI_REDIS_URL": valkey}) as site:
        yield site


def send(site: Site, kind: str, name: str, content: bytes | None) -> int:
    """A message with a file, fetched already where there is content; the file's id."""
    body = {"sdkfileid": f"id-{name}-{kind}", "md5sum": "", "filename": name}
    msgid = Archived(site.store).send(kind, body)
    with site.store.write() as session:
        file = session.scalars(select(MediaFile).order_by(MediaFile.id.desc())).first()
        assert file is not None
        assert msgid
        if content is not None:
            store = open_media_store(site.system)
            fetched = store.fetch(
                lambda *_: MediaChunk(content, "", True), FileRequest("x", file.fileid_hash, "", 10**6)
            )
            file.state, file.content_hash = "kept", fetched.content
            file.size, file.sniffed = fetched.size, fetched.sniffed
        return file.id


@pytest.mark.parametrize(
    ("kind", "name", "content", "drawn", "suffix"),
    [
        ("image", "a.exe", PIXEL, "image/png", "png"),
        ("file", "报价.html", PAGE, None, "bin"),
        ("image", "x.svg", SVG, None, "bin"),
        ("file", "页.png", PAGE, None, "png"),  # called a picture, drawn never
        ("file", "合同.docx", b"PK\x03\x04\x14\0\6\0" + bytes(40), None, "docx"),
        ("file", "../../etc/passwd", b"root", None, "bin"),
        ("file", 'a"\r\nX-Evil: 1.txt', "文字".encode(), None, "txt"),
        ("file", "空.txt", b"", None, "txt"),
    ],
)  # fmt: skip
def test_how_a_file_is_handed_over(
    site: Site, kind: str, name: str, content: bytes, drawn: str | None, suffix: str
) -> None:
    file_id, client = send(site, kind, name, content), site.signed_in("admin")
    for query in ("", "?show=1"):
        answer = client.get(f"/media/{file_id}{query}")
        assert (answer.status_code, answer.data) == (200, content)
        shown = bool(query) and drawn is not None
        assert answer.headers["Content-Type"] == (drawn if shown else "application/octet-stream")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        said = answer.headers["Content-Disposition"]
        assert said.startswith("inline" if shown else "attachment")
        assert said.endswith(f'-{file_id}.{suffix}"')
        assert said.isascii()
        assert answer.headers["Content-Length"] == str(len(content))
        assert "X-Evil" not in answer.headers
    with site.store.read() as session:
        assert [view.page for view in session.scalars(select(ViewEntry))] == ["media", "media"]


def test_who_may_have_it(site: Site) -> None:
    file_id = send(site, "image", "a.png", PIXEL)
    with site.store.write() as session:
        lin = session.scalars(select(Agent).where(Agent.key == LIN.casefold())).one()
        lin.departments = [7]
        follow = session.scalars(select(Follow)).one()
    may = [("admin", None, ()), ("auditor", None, ()), ("agent", LIN, (7,)), ("leader", "Boss", (7,))]
    may_not = [("agent", CHEN, (7,)), ("leader", "Chief", (8,))]
    for sees, people in ((200, may), (404, may_not)):
        for role, userid, departments in people:
            client = site.signed_in(role, userid, departments)
            assert client.get(f"/media/{file_id}").status_code == sees, (role, userid)
            fetch = client.post(f"/media/{file_id}/fetch")
            assert fetch.status_code in ((303, 404) if sees == 200 else (404,)), (role, userid)
    assert site.app.test_client().get(f"/media/{file_id}").status_code in (302, 401)
    with site.store.write() as session:  # the agent does not have the customer any more
        session.get_one(Follow, follow.id).ended_at = NOW
    assert site.signed_in("leader", "Boss2", (7,)).get(f"/media/{file_id}").status_code == 404


def test_a_file_is_asked_for_from_the_page(site: Site) -> None:
    file_id = send(site, "file", "资料.pdf", None)
    client = site.signed_in("admin")
    with site.store.read() as session:
        customer = session.scalars(select(Customer)).one()
    assert f"/media/{file_id}/fetch" in client.get(f"/c/{customer.id}").text
    assert client.get(f"/media/{file_id}").status_code == 404
    answer = client.post(f"/media/{file_id}/fetch", headers={"HX-Request": "true"})
    assert (answer.status_code, f"/media/{file_id}/state" in answer.text) == (200, True)
    assert client.post(f"/media/{file_id}/fetch").location == f"/c/{customer.id}"
    with site.store.read() as session:
        assert len(session.scalars(select(Outbox).where(Outbox.kind == "media")).all()) == 1
    assert "hx-get" in client.get(f"/media/{file_id}/state").text
    with site.store.write() as session:
        session.get_one(MediaFile, file_id).state = "lost"
    piece = client.get(f"/media/{file_id}/state").text
    assert "企业微信已不再保存" in piece
    assert "hx-get" not in piece


def test_only_who_works_may_ask_and_only_with_the_forms_token(site: Site) -> None:
    file_id = send(site, "file", "资料.pdf", None)
    assert site.signed_in("auditor").post(f"/media/{file_id}/fetch").status_code == 404
    client = site.signed_in("admin")
    client.environ_base.pop("HTTP_X_CSRFTOKEN")
    assert client.post(f"/media/{file_id}/fetch").status_code == 400
    assert client.get(f"/media/{file_id}/fetch").status_code == 405
    for bad in ("0", str(2**63 - 1), str(2**64), "x", "../board"):
        assert client.get(f"/media/{bad}").status_code in (302, 404)


def test_a_content_that_vanished_is_gone(site: Site) -> None:
    file_id = send(site, "image", "a.png", PIXEL)
    with site.store.read() as session:
        content = session.get_one(MediaFile, file_id).content_hash
    open_media_store(site.system).remove(str(content))
    assert site.signed_in("admin").get(f"/media/{file_id}").status_code == 410


def test_names_hold_nothing_of_the_senders_but_a_harmless_suffix() -> None:
    file = MediaFile(id=7, kind="file<script>", name="evil.scr", sniffed="")
    assert name_of(file, NOW) == "file-20260105-040000-7.bin"
