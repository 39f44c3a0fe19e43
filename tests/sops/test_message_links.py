"""Links in welcomes and mass messages are tracked: opened ones are shown to the rules, and lead where they should."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.platform import clock
from bot.platform.message_links import MassLink, WelcomeLink, mass_link_url, welcome_link_url
from bot.platform.models import Customer, GroupSend, MessageLinkOpening, Tagging
from bot.privacy.dependent_rows import dependent_rows_of
from bot.sops.message_links import observe_message_openings, tracked_in_mass, tracked_in_welcome
from tests.support.rows import Rows
from tests.support.site import CONFIG, Site, open_site

OURS, LATER = "https://example.com/guide", "https://example.com/new-guide"
WELCOME = """
[welcome]
say = "您好"
attach = [{{ kind = "link", title = "新人指南", url = "{url}" }}]

[[rules]]
id = "read-guide"
tag = "看过指南"
on = ["link:opened:新人指南"]

[[tags]]
group = "兴趣"
names = ["看过指南"]
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path, CONFIG + WELCOME.format(url=OURS)) as site:
        assert site.system.settings.version  # a worker has read it
        yield site


@pytest.fixture
def people(site: Site) -> list[int]:
    with site.store.write() as session:
        rows = Rows(session, clock.now())
        agent = rows.agent()
        return [rows.customer(name, agent=agent).id for name in ("甲", "乙")]


def path_of(url: str, site: Site) -> str:
    return url.removeprefix(site.system.environment.base_url)


def tags(site: Site) -> list[tuple[int, str]]:
    with site.system.work() as work:
        observe_message_openings(work)
    with site.store.read() as session:
        found = session.execute(select(Tagging.customer_id, Tagging.tag).order_by(Tagging.customer_id))
        return [(customer, tag) for customer, tag in found]


def welcome(site: Site, customer: int) -> str:
    settings = site.system.settings
    assert settings.tables.welcome is not None
    attach = [item.model_dump(exclude_none=True) for item in settings.tables.welcome.attach]
    (item,) = tracked_in_welcome(site.system, attach, customer, settings.version)
    assert (item["title"], OURS in item["url"]) == ("新人指南", False)
    return path_of(item["url"], site)


def test_an_opened_welcome_link_tags_who_opened_it(site: Site, people: list[int]) -> None:
    client = site.app.test_client()
    answer = client.get(welcome(site, people[1]))
    assert (answer.status_code, answer.headers["Location"], answer.headers["Cache-Control"]) == (
        302,
        OURS,
        "no-store",
    )
    assert tags(site) == [(people[1], "看过指南")]
    with site.system.work() as work:
        assert observe_message_openings(work) == 0  # seen once


def test_a_preview_is_no_opening(site: Site, people: list[int]) -> None:
    assert site.app.test_client().head(welcome(site, people[0])).status_code == 302
    assert tags(site) == []


def test_an_old_link_leads_where_it_led(site: Site, people: list[int]) -> None:
    path = welcome(site, people[0])
    site.system.environment.config.write_text(CONFIG + WELCOME.format(url=LATER), encoding="utf-8")
    site.system.keeper.look_again()
    assert LATER in site.system.settings.source
    assert site.app.test_client().get(path).headers["Location"] == OURS


def test_a_mass_message_counts_and_names_nobody_unless_there_is_one(site: Site, people: list[int]) -> None:
    now, attach = (
        clock.now(),
        [{"kind": "image", "file": "a.png"}, {"kind": "link", "title": "新人指南", "url": OURS}],
    )
    with site.store.write() as session:
        rows = Rows(session, now)
        agent = rows.agent()
        sends = [GroupSend(agent_id=agent.id, sop_id="s", step=0, text="t", attach=attach, state="done",
                           created_at=now, expires_at=now) for _ in range(2)]  # fmt: skip
        session.add_all(sends)
        session.flush()
        for group, whose in ((sends[0], people), (sends[1], people[:1])):
            for customer in whose:
                rows.task(session.get_one(Customer, customer), agent, "t", group_send_id=group.id)
        ids = [group.id for group in sends]
    client = site.app.test_client()
    for number in ids:
        picture, link = tracked_in_mass(site.system, attach, number)
        assert (picture, link["url"] != OURS) == (attach[0], True)
        assert client.get(path_of(link["url"], site)).headers["Location"] == OURS
        assert tags(site) == ([] if number == ids[0] else [(people[0], "看过指南")])
    with site.store.read() as session:
        counted = session.scalars(select(MessageLinkOpening.group_send_id).order_by(MessageLinkOpening.id)).all()
    assert counted == ids
    shown = site.app.test_cli_runner().invoke(args=["sop", "sends"], env={"COLUMNS": "200"}).output
    assert "打开" in shown


def test_what_is_not_ours_is_not_found(site: Site, people: list[int]) -> None:
    key, client = site.key, site.app.test_client()
    version = site.system.settings.version
    for url in (
        "/w/x", "/g/x", welcome_link_url("", WelcomeLink(people[0], version, 7), key),
        welcome_link_url("", WelcomeLink(people[0], "nobody", 0), key), mass_link_url("", MassLink(99, 0), key),
        welcome_link_url("", WelcomeLink(people[0], version, 0), b"another key"),
    ):  # fmt: skip
        assert client.get(url).status_code == 404, url
    assert client.get(welcome_link_url("", WelcomeLink(10**6, version, 0), key)).status_code == 302  # erased since
    assert tags(site) == []


def test_whoever_is_erased_takes_their_openings_along(site: Site, people: list[int]) -> None:
    site.app.test_client().get(welcome(site, people[0]))
    with site.store.read() as session:
        dependent = dependent_rows_of(session, Customer, [people[0]])
    assert "message_link_opening" in {table.name for table in dependent}
