"""Every page in English: where the people and the config speak English, no Chinese is left."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest

from bot.analytics import reports
from bot.platform import clock
from bot.platform.models import Agent, Customer
from tests.support.access_matrix import ROWS
from tests.support.rows import Rows
from tests.support.site import Site, open_site

CONFIG = """
[workspace]
name = "Test school"

[[pipelines]]
name = "Course"
stages = [{ name = "New", on = ["@added"] }, { name = "Price" }, { name = "Won", on = ["Paid"], won = true }]

[[tags]]
group = "Progress"
names = ["Paid"]

[[rules]]
id = "ask-price"
tag = "Price"
any = ["price"]

[[answers]]
id = "hello"
ask = ["How much?"]
say = "Ask me"

[[sops]]
id = "hello"
on = "@added"

  [[sops.steps]]
  after = "0m"
  say = "Hello"
"""
HAN = re.compile(r"[\u4e00-\u9fff]")
SAID = re.compile(r"<[^>]+?(?:aria-label|title|placeholder|alt|data-[a-z]+)=\"([^\"]*)\"|>([^<]+)<")
LANGUAGE = "中文"  # the button that leads back
# Parts that name one customer's things; what stands in them is looked at beside real Chinese names elsewhere.
PAGES = sorted({row.path.partition("?")[0] for key, row in ROWS.items() if key[1] == "GET" and "{" not in row.path})
OF_AGENTS = {"/wordings/own": "Brown", "/wordings/own/new": "Jones"}  # which accounts without an agent do not have
NO_PAGES = re.compile(
    r"^/(static|wecom|api/|healthz|readyz|metrics|WW_|p/|sign-in/|reports/|board/|sidebar/|.*\.csv|.*\.pdf)"
)
# WeCom's console is Chinese, so its names stand in brackets; examples of Chinese keywords are Chinese by nature.
OF_THE_CONSOLE = re.compile(r"\([^()]*\)|不谈价格|别再发价格了|付了吗|报价|海报价格|多少钱|多少前|(?<=name\|)您")


@pytest.fixture(scope="module")
def english(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("english")
    (folder / "materials").mkdir()
    (folder / "materials" / "leaflet.pdf").write_bytes(b"%PDF-1.4")
    with open_site(folder, CONFIG) as site:
        with site.store.write() as session:
            rows = Rows(session, clock.now())
            agent = rows.agent("Smith")
            asking = rows.customer("Jane", None, agent, last_words="What is the price?", last_word_at=rows.now)
            rows.place(asking, "Price", "Course")
            said = rows.message(asking, "What is the price?", agent)
            rows.evidence(said, [["price", 12, 17]], "Price", "price")
            rows.tag(asking, "Price", reason="price")
            rows.task(asking, agent, "Hello", state="delivered", why="Hello")
        for name in reports.REPORTS:
            request = reports.ReportRequest(name, 30, None)
            reports.compute(site.store, site.system.settings, request, clock.now())
        yield site


def chinese_in(html: str) -> list[str]:
    """The texts and labels of a page in which Chinese is left."""
    html = re.sub(r"<textarea.*?</textarea>|<script.*?</script>", "", html, flags=re.DOTALL)
    texts = (unescape(label or text).strip() for label, text in SAID.findall(html))
    return [text for text in texts if HAN.search(OF_THE_CONSOLE.sub("", text.replace(LANGUAGE, "")))]


@pytest.mark.parametrize("path", [path for path in PAGES if not NO_PAGES.match(path)])
def test_no_chinese_is_left(english: Site, path: str) -> None:
    client: Any = english.app.test_client() if path == "/sign-in" else english.signed_in("admin", OF_AGENTS.get(path))
    client.get("/sign-in?lang=en&stay=1")
    answer = client.get(path)
    assert answer.status_code in ((404,) if path.endswith("/broken") else (200, 302)), path
    assert chinese_in(answer.text) == []


@pytest.mark.parametrize("name", reports.REPORTS)
def test_no_chinese_is_left_in_a_report(english: Site, name: str) -> None:
    client = english.signed_in("admin")
    assert chinese_in(client.get(f"/reports?report={name}&lang=en").text) == []


@pytest.mark.parametrize("path", ["/c/1", "/tasks/1", "/tasks", "/me", "/sops/s/hello/preview?customer=1", "/board"])
def test_no_chinese_is_left_where_people_are_shown(english: Site, path: str) -> None:
    client = english.signed_in("admin")
    assert chinese_in(client.get(f"{path}{'&' if '?' in path else '?'}lang=en").text) == []


def test_an_agent_reads_english_in_the_sidebar(english: Site) -> None:
    with english.store.read() as session:
        userid = session.query(Agent).filter_by(name="Smith").one().userid
        customer = session.get_one(Customer, 1).external_userid
    client = english.signed_in("agent", userid)
    assert chinese_in(client.get("/sidebar?lang=en").text) == []
    assert chinese_in(client.post("/sidebar/customer", data={"external_userid": customer}).text) == []


def test_the_walk_sees_chinese_where_there_is_some() -> None:
    assert chinese_in('<p title="说">fine</p><b>中文</b><i>看板</i>') == ["说", "看板"]
