"""Whoever is shown a customer's words leaves a reading: at every address, in the app's chat, by board links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select

from bot.platform import clock
from bot.platform.models import Customer, ViewEntry
from bot.platform.signed_links import board_url
from bot.web.auth.visitor import AGENT, AUDITOR
from tests.support.access_matrix import ROWS
from tests.support.site import CONFIG, Site, open_site
from tests.web.test_access import SOP
from tests.web.test_reading import SEARCHES, SIGNS_OUT, WORDS, Scene, set_scene

SAID = "请问多少钱"  # by the customer of the access matrix
SHOWS = {
    AGENT: {"board.show", "board.customer", "customer.talk", "tasks.show",
            "tasks.desk_only", "tasks.one", "task.show"},
    AUDITOR: {"board.show", "board.customer", "customer.talk"},
}  # fmt: skip


@pytest.fixture
def scene_site(tmp_path: Path) -> Iterator[Site]:
    (tmp_path / "materials").mkdir()
    (tmp_path / "materials" / "leaflet.pdf").write_bytes(b"%PDF-1.4")
    with open_site(tmp_path, CONFIG + SOP) as site:
        yield site


def scene_in(site: Site, role: str) -> Scene:
    scene = set_scene(site, role)
    with site.store.write() as session:
        session.get_one(Customer, scene.things["customer"]).last_words = WORDS
    return scene


def readings(scene: Scene) -> int:
    """How many there are of the customer, or of the group they speak in; then none."""
    mine = (ViewEntry.customer_id == scene.things["customer"]) | ViewEntry.customer_id.is_(None)
    with scene.site.store.write() as session:
        count = session.scalar(select(func.count()).select_from(ViewEntry).where(mine)) or 0
        session.execute(delete(ViewEntry))
    return count


def readings_kept(scene: Scene) -> int:
    """How many were added since this was last asked."""
    with scene.site.store.read() as session:
        count = session.scalar(select(func.count()).select_from(ViewEntry)) or 0
    before: int = scene.things.setdefault("kept", 0)
    scene.things["kept"] = count
    return count - before


@pytest.mark.parametrize("role", SHOWS)
def test_every_address_that_shows_words_leaves_a_reading(scene_site: Site, role: str) -> None:
    scene = scene_in(scene_site, role)
    shown, unnoted = set(), []
    for key in (*ROWS, *((path, "GET") for path in SEARCHES)):
        if key[0].startswith(SIGNS_OUT) or (key in ROWS and key[1] == "POST" and key[0] != "sidebar.customer"):
            continue
        readings(scene)
        answer = scene.ask(key)[1] if key in ROWS else scene.client.get(key[0].format(**scene.things)).text
        if WORDS in answer or SAID in answer:
            shown.add(key[0])
            if not readings(scene):
                unnoted.append(key)
    assert unnoted == []
    assert shown >= SHOWS[role]


def test_the_same_reading_is_noted_once(scene_site: Site) -> None:
    scene = scene_in(scene_site, AGENT)
    for times, key in ((1, "board.show"), (1, "customer.aside"), (0, "customer.timeline"), (0, "board.show")):
        scene.ask((key, "GET"))
        assert readings_kept(scene) == times, key


def test_what_the_chat_tells_is_a_reading(scene_site: Site) -> None:
    scene = scene_in(scene_site, AGENT)
    assert WORDS in scene.chat()
    assert readings(scene) > 0


def test_readings_by_two_board_links_are_told_apart(scene_site: Site) -> None:
    scene, now = scene_in(scene_site, AUDITOR), clock.now()
    readings(scene)
    for hours in (1, 2):
        client = scene_site.app.test_client()
        client.get(board_url("", scene_site.key, now, timedelta(hours=hours)), follow_redirects=True)
        assert WORDS in client.get("/board").text
    with scene_site.store.read() as session:
        actors = session.scalars(select(ViewEntry.actor).where(ViewEntry.page == "board")).all()
    assert len(actors) == len(set(actors)) == 2
    assert all(re.fullmatch("看板链接 [0-9a-f]{6}", actor) for actor in actors)
