"""Every page looked at by axe-core, light and dark, wide and on a phone: nothing serious, nothing too wide."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import select

from bot.analytics import reports
from bot.platform import clock
from bot.platform.models import Agent, GroupChat, GroupMember
from bot.platform.signed_links import day_url, task_url
from tests.support.access_matrix import furnish
from tests.support.parts import listening, served
from tests.support.sample_board import SampleBoard, fill_board
from tests.support.site import CONFIG, Site, open_site
from tests.web.test_access import SOP

SEGMENTS = """
[[segments]]
name = "没再说话"
where = [{ silent = 3 }, { tag = "考虑价格" }, { no-order = "*" }, { waiting = true }]

[[segments]]
name = "五月里的名单"
where = [{ segment = "没再说话" }]
frozen = 2026-05-18
"""
AXE = Path(__file__).parent / "vendor" / "axe.min.js"
# A change of width or of colours needs these looked at again; the others look at what is written, once.
AGAIN = ["color-contrast", "scrollable-region-focusable", "aria-hidden-focus", "button-name", "link-name"]
LOOKS = (("light", 1440), ("dark", 1440), ("dark", 375), ("light", 375), ("light", 320))
# Colours glide from light to dark; axe-core is to see them arrived.
SETTLED = """() => Promise.all(document.getAnimations()
  .filter(one => one.effect.getComputedTiming().endTime < Infinity).map(one => one.finished.catch(() => null)))"""
# What a thumb cannot hit: controls lower than 44 px (those whose spot reaches beyond them are no matter).
SMALL = """() => [...document.querySelectorAll(
    "main :is(button, summary, select, textarea, .button, .tabs button, input:not([type=checkbox], [type=radio]))")]
  .filter(one => !one.matches(".chip, .jump, .card-menu") && one.checkVisibility())
  .map(one => [one.className, one.textContent.trim().slice(0, 20), one.getBoundingClientRect().height])
  .filter(([, , height]) => height > 0 && height < 43.5).map(String)"""
PAGES = {  # who looks, and at what
    "board": ("admin", "/board"),
    "board filtered": ("leader", "/board?silent=7"),
    "board watched": ("watcher", "/board"),
    "customer": ("admin", "/c/{asking}"),
    "handover": ("admin", "/c/{asking}/handover"),
    "customer audited": ("auditor", "/c/{asking}"),
    "customer list": ("admin", "/customers"),
    "customer list asked": ("leader", "/customers?tag=考虑价格&score=1&col=stages&col=words&col=added"),
    "bulk deeds": ("admin", "/customers/deeds"),
    "customer import": ("admin", "/customers/import"),
    "quality list": ("admin", "/customers/quality"),
    "segments": ("admin", "/customers/segments"),
    "segment to change": ("admin", "/customers/segments/edit?was=没再说话"),
    "segment to save": ("admin", "/customers/segments/new?tag=考虑价格"),
    "customer placing": ("admin", "/customers/place"),
    "tasks of an agent": ("agent", "/tasks"),
    "one task": ("agent", "/tasks/{task}"),
    "tasks of all": ("admin", "/tasks"),
    "task by its link": ("stranger", "{task_link}"),
    "task with files by its link": ("stranger", "{files_link}"),
    "day by its link": ("stranger", "{day_link}"),
    "sidebar outside": ("agent", "/sidebar"),
    "groups": ("admin", "/groups"),
    "group": ("admin", "/groups/{group}"),
    "rules": ("admin", "/rules"),
    "rule": ("admin", "/rules/r/ask-price"),
    "rule edited": ("admin", "/rules/r/ask-price/edit"),
    "rule made": ("admin", "/rules/new"),
    "conduct": ("admin", "/conduct"),
    "conduct report": ("leader", "/conduct/report"),
    "config file": ("admin", "/rules/file"),
    "config history": ("admin", "/rules/history"),
    "proposals": ("admin", "/rules/proposals"),
    "wordings": ("admin", "/wordings"),
    "wording": ("admin", "/wordings/w/step:hello:0"),
    "wordings missing": ("admin", "/wordings/gaps"),
    "own wordings": ("agent", "/wordings/own"),
    "own wording": ("agent", "/wordings/own/new"),
    "wordings proposed": ("admin", "/wordings/proposed"),
    "answer made": ("admin", "/wordings/answers/new"),
    "SOPs": ("admin", "/sops"),
    "SOP": ("admin", "/sops/s/hello"),
    "SOP edited": ("admin", "/sops/hello/edit"),
    "SOP made": ("admin", "/sops/new"),
    "SOP calendar": ("admin", "/sops/s/hello/preview"),
    "library": ("admin", "/sops/library"),
    "stages": ("admin", "/pipelines"),
    "stage renamed": ("admin", "/pipelines/rename?pipeline=课程转化&stage=考虑价格"),
    "pipeline made": ("admin", "/pipelines/new"),
    "everyday settings": ("admin", "/settings"),
    "stages edited": ("admin", "/pipelines/1/edit"),
    **{f"report {name}": ("leader", f"/reports?report={name}") for name in reports.REPORTS},
    "settings": ("admin", "/admin"),
    "people": ("admin", "/admin/people"),
    "versions": ("admin", "/admin/config"),
    "quarantine": ("admin", "/admin/quarantine"),
    "log": ("auditor", "/admin/log"),
    "views": ("auditor", "/admin/views"),
    "doctor": ("admin", "/admin/doctor"),
    "me": ("agent", "/me"),
    "sign-in": ("stranger", "/sign-in"),
    "nothing there": ("stranger", "/nowhere"),
}


class House:
    """A furnished site that listens, and a browser page for each role."""

    def __init__(self, site: Site, url: str, chromium: Browser) -> None:
        self.site, self.url, self.chromium = site, url, chromium
        self.story: SampleBoard = fill_board(site)
        self.troubles: list[str] = []
        self._pages: dict[str, Page] = {}
        self.names = self._furnish()

    def page(self, who: str) -> Page:
        """One page a role, kept; what goes wrong in it is noted."""
        if who not in self._pages:
            context = self.chromium.new_context()
            cookie = self._cookie(who)
            if cookie is not None:
                context.add_cookies([{"name": "tici", "value": cookie, "url": self.url}])
            page = context.new_page()
            page.on("console", lambda said: self._note(said.text) if said.type in ("error", "warning") else None)
            page.on("pageerror", lambda error: self._note(str(error)))
            page.on("request", lambda asked: None if asked.url.startswith(self.url) else self._note(asked.url))
            self._pages[who] = page
        return self._pages[who]

    def close(self) -> None:
        for page in self._pages.values():
            page.context.close()

    def _note(self, text: str) -> None:
        self.troubles.append(text)

    def _cookie(self, who: str) -> str | None:
        if who == "stranger":
            return None
        if who == "watcher":
            client = self.site.watcher()
        elif who == "agent":
            client = self.site.signed_in("agent", self.agent)
        else:
            client = self.site.signed_in(who, "Boss" if who == "leader" else None, [1] if who == "leader" else [])
        cookie = client.get_cookie("tici")
        assert cookie is not None
        return cookie.value

    def _furnish(self) -> dict[str, Any]:
        now, key = clock.now(), self.site.key
        with self.site.store.write() as session:
            agent = session.get_one(Agent, self.story.agent)
            agent.departments = [1]
            self.agent, owner_key = agent.userid, agent.key
        things = furnish(self.site, self.story.agent, owner_key)
        with self.site.store.write() as session:
            room = session.scalars(select(GroupChat)).first()
            assert room is not None
            session.add(GroupMember(group_id=room.id, person="wmSomebody", kind="customer"))
        system = self.site.system
        for name in reports.REPORTS:
            reports.compute(system.store, system.settings, reports.ReportRequest(name, 30, None), now)
        links = {
            "task_link": task_url("", self.story.ref, self.story.agent, key, now),
            "day_link": day_url("", self.story.agent, key, now),
        }
        return (
            things
            | {"files_link": things["task_link"]}
            | links
            | {"asking": self.story.asking, "task": self.story.task}
        )


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    (folder / "materials").mkdir()
    (folder / "materials" / "leaflet.pdf").write_bytes(b"%PDF-1.4")
    with open_site(folder, CONFIG + SOP + SEGMENTS) as site, listening() as held:
        house = House(site, f"http://127.0.0.1:{held.getsockname()[1]}", chromium)
        with served(site.app, held):
            yield house
            house.close()


@pytest.mark.parametrize("name", PAGES)
def test_it_is_accessible_and_fits(house: House, name: str) -> None:
    who, path = PAGES[name]
    page = house.page(who)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.emulate_media(color_scheme="light")
    house.troubles.clear()
    answer = page.goto(house.url + path.format(**house.names))
    assert answer is not None
    assert answer.status == (404 if name == "nothing there" else 200)
    page.wait_for_load_state("load")
    if name.startswith("report "):  # it is computed behind its page
        page.locator(".report table, .report .empty").first.wait_for(timeout=60_000)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    wrong: list[str] = []
    for number, (scheme, width) in enumerate(LOOKS):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": 900 if width > 500 else 760})
        page.evaluate(SETTLED)
        wrong += [f"{scheme} {width}: {one}" for one in findings(page, None if number == 0 else AGAIN)]
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            wrong.append(f"{width}: wider than the screen")
        if scheme == "light" and width == 375:
            wrong += [f"too low for a thumb: {one}" for one in page.evaluate(SMALL)]
    assert wrong == []
    assert [one for one in house.troubles if answer.status == 200 or "404" not in one] == []


def findings(page: Page, rules: list[str] | None) -> list[str]:
    """What axe-core calls serious or critical: the rule, and where."""
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if rules is not None:
        options["runOnly"] = {"type": "rule", "values": rules}
    found = page.evaluate("options => axe.run(document, options).then(results => results.violations)", options)
    return [
        f"{one['id']} {node['target'][0]} {node['failureSummary'][-160:]!r}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"][:3]
    ]
