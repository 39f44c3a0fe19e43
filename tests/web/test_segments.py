"""Segments: written into config.toml beside what stands there, counted by the list's own conditions, compared."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from bot.customers.selection import KINDS, Condition, where
from bot.platform import clock
from bot.platform.config.parsing import ConfigError
from bot.platform.config.segment_table import NUMBERS, PLAIN, TEXTS
from bot.platform.config.segment_text import put_segment, remove_segment
from bot.platform.config.settings import parse_settings
from bot.platform.models import Tagging
from tests.support.rows import Rows
from tests.support.site import CONFIG, Site, open_site

TEXT = """# ours
[[tags]]
group = "意向"  # kept
names = ["高意向"]

[[segments]]
name = "安静的"
where = [{ silent = 3 }]

# behind
[budget]
customer = "1/day"
"""


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with open_site(tmp_path_factory.mktemp("segments"), CONFIG) as site:
        with site.store.write() as session:
            rows, now = Rows(session, clock.now()), clock.now()
            for n in range(10):
                customer = rows.customer(f"客户{n}", conversion=n)
                if n < 4:
                    session.add(
                        Tagging(customer_id=customer.id, tag="已付款", by="human", version="v", tagged_at=now)
                    )
        yield site


def test_a_segment_is_put_beside_what_stands_there_and_goes_again() -> None:
    pairs = [("tag", "高意向"), ("no-segment", "安静的"), ("waiting", "1"), ("silent", "2")]
    text = put_segment(TEXT, "要回的", pairs)
    segments = tomllib.loads(text)["segments"]
    assert segments[1] == {
        "name": "要回的",
        "where": [{"tag": "高意向"}, {"no-segment": "安静的"}, {"waiting": True}, {"silent": 2}],
    }
    assert dict(enumerate(parse_settings(text, examples=False).segments["要回的"].pairs)) == dict(enumerate(pairs))
    assert "要回的" not in remove_segment(text, "要回的")
    changed = put_segment(text, "安静的", [("silent", "9")])
    assert "# ours" in changed
    assert "# kept" in changed
    assert "# behind" in changed
    assert [one["name"] for one in tomllib.loads(changed)["segments"]] == ["安静的", "要回的"]
    with pytest.raises(ConfigError, match="前面没有叫「安静的」的分群"):
        parse_settings(remove_segment(text, "安静的"), examples=False)


@pytest.mark.parametrize(
    "where", ['{ nonsense = "x" }', '{ silent = "x" }', '{ segment = "后面的" }', "{ silent = -1 }"]
)
def test_conditions_that_mean_nothing_are_refused(where: str) -> None:
    with pytest.raises(ConfigError, match=r"segments\[1\].where"):
        parse_settings(f'[[segments]]\nname = "a"\nwhere = [{where}]\n', examples=False)


def test_what_a_segment_may_ask_the_list_may_ask() -> None:
    assert KINDS.keys() - {"q", "agent"} == NUMBERS | PLAIN | TEXTS
    kinds = {name: kind.control for name, kind in KINDS.items()}
    assert {name for name in NUMBERS | PLAIN | TEXTS if kinds[name] == "number"} == NUMBERS
    assert {name for name in NUMBERS | PLAIN | TEXTS if kinds[name] == "nothing"} == PLAIN


def test_what_the_list_asks_is_saved_counted_and_compared(site: Site) -> None:
    admin = site.signed_in()
    for name, asked in (("付过款", "tag=已付款"), ("有意向", "score=2&q=客户")):
        page = admin.get(f"/customers/segments/new?{asked}").text
        stamp = re.search(r'name="stamp" value="([^"]*)"', page)
        assert stamp
        saved = admin.post(f"/customers/segments/new?{asked}", data={"name": name, "stamp": stamp[1]})
        assert saved.status_code == 302, saved.text
    page = admin.get("/customers/segments?with=付过款&with=有意向").text
    assert "只在前一个 2 位，两个都在 2 位，只在后一个 6 位" in page
    assert "客户" not in site.system.environment.config.read_text("utf-8").partition("有意向")[2]
    found = re.search(r'id="found"[^>]*>符合 (\d+) 位', admin.get("/customers?segment=付过款&no-segment=有意向").text)
    assert found
    assert found[1] == "2"
    gone = admin.post("/customers/segments/remove", data={"name": "付过款"})
    assert gone.status_code == 302
    assert "付过款" not in admin.get("/customers/segments").text


def test_an_unknown_segment_holds_nobody() -> None:
    test = str(where([Condition("segment", "没有")], clock.now())[0].compile(compile_kwargs={"literal_binds": True}))
    assert test in ("false", "0 = 1")


def save(admin: FlaskClient, name: str, asked: str) -> None:
    page = admin.get(f"/customers/segments/new?{asked}").text
    assert (
        admin.post(f"/customers/segments/new?{asked}", data={"name": name, "stamp": stamp(page)}).status_code == 302
    )


def stamp(page: str) -> str:
    found = re.search(r'name="stamp" value="([^"]*)"', page)
    assert found
    return found[1]


def found_in(page: str) -> int:
    found = re.search(r'id="found"[^>]*>符合 (\d+) 位', page)
    assert found
    return int(found[1])


def test_a_segment_is_changed_in_a_form(site: Site) -> None:
    admin = site.signed_in()
    save(admin, "有意向", "score=2&no-tag=已付款")
    page = admin.get("/customers/segments/edit?was=有意向").text
    assert 'name="score" value="2"' in page
    assert '<option value="已付款" selected>' in page
    empty = {"was": "有意向", "name": "有意向", "stamp": stamp(page), "score": "", "no-tag": ""}
    refused = admin.post("/customers/segments/edit", data=empty)
    assert refused.status_code == 422
    assert "至少有一个条件" in refused.text
    changed = {**empty, "name": "很有意向", "score": "5", "q": "客户1", "waiting": ""}
    assert admin.post("/customers/segments/edit", data=changed).status_code == 302
    (segment,) = site.system.settings.tables.segments
    assert (segment.name, segment.pairs) == ("很有意向", (("score", "5"),))
    assert found_in(admin.get("/customers?segment=很有意向").text) == 5
    assert admin.get("/customers/segments/edit?was=有意向").status_code == 404
    assert site.signed_in("leader").get("/customers/segments/edit?was=很有意向").status_code == 404


def test_a_name_that_another_segment_uses_is_kept(site: Site) -> None:
    admin = site.signed_in()
    save(admin, "付过款", "tag=已付款")
    save(admin, "没付的", "no-segment=付过款")
    page = admin.get("/customers/segments/edit?was=付过款").text
    renamed = {"was": "付过款", "name": "付了", "stamp": stamp(page), "tag": "已付款"}
    answer = admin.post("/customers/segments/edit", data=renamed)
    assert "前面没有叫「付过款」的分群" in answer.text
    assert set(site.system.settings.segments) == {"付过款", "没付的"}


def test_a_frozen_list_stays_as_it_was_and_shows_everywhere(site: Site) -> None:
    admin = site.signed_in()
    save(admin, "付过款", "tag=已付款")
    for _ in range(2):
        assert admin.post("/customers/segments/freeze", data={"name": "付过款"}).status_code == 302
    frozen = [one.name for one in site.system.settings.tables.segments if one.frozen]
    assert len(frozen) == 2
    with site.store.write() as session:
        session.query(Tagging).delete()
    assert found_in(admin.get("/customers?segment=付过款").text) == 0
    for name in frozen:
        assert found_in(admin.get(f"/customers?segment={name}").text) == 4
        assert admin.post("/customers/segments/freeze", data={"name": name}).status_code == 404
    page = admin.get("/customers/segments").text
    assert page.count("定格</span>") == 2


def test_the_board_is_cut_by_a_segment(site: Site) -> None:
    admin = site.signed_in()
    save(admin, "付过款", "tag=已付款")
    everybody, cut = admin.get("/board").text, admin.get("/board?segment=付过款").text
    names = [f"客户{n}<" for n in range(10)]
    assert [name in everybody for name in names] == [True] * 10
    assert [name in cut for name in names] == [n < 4 for n in range(10)]
    assert not any(name in admin.get("/board?segment=没有的").text for name in names)
