"""One search over everything: who and what is found, by every way of naming it, and nobody else's customers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.platform import clock
from bot.platform.models import CustomerField, Follow
from tests.support.rows import Rows
from tests.support.site import CONFIG, Site, open_site
from tests.web.test_access import SOP

FIELDS = """
[[fields]]
name = "tel"
title = "电话"
kind = "phone"
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path, CONFIG + SOP + FIELDS) as site:
        with site.store.write() as session:
            rows = Rows(session, clock.now())
            agent = rows.agent()
            customer = rows.customer("李女士", agent=agent)
            other = rows.customer("王先生", agent=agent)
            follow = session.scalars(select(Follow).where(Follow.customer_id == customer.id)).one()
            follow.remark, follow.remark_mobiles = "朝阳二店", ["138 1234 5678"]
            session.add(CustomerField(customer_id=other.id, name="tel", value="13900000000"))
        yield site


def found(site: Site, asked: str, role: str = "admin", userid: str | None = None) -> str:
    answer = site.signed_in(role, userid).get("/search", query_string={"q": asked})
    assert answer.status_code == 200
    return answer.text


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("李女", "李女士"),
        ("朝阳二店", "李女士"),
        ("13812345678", "李女士"),
        ("+86 138-1234-5678", "李女士"),
        ("13900000000", "王先生"),
        ("ask-price", "ask-price"),
        ("多少钱", "ask-price"),
        ("hello", "/sops/s/hello"),
        ("素材", "/sops/library"),
        ("报表", "/reports"),
    ],
)
def test_everything_is_found_by_what_it_is_called(site: Site, asked: str, name: str) -> None:
    assert name in found(site, asked)


def test_nobody_finds_what_they_may_not_open(site: Site) -> None:
    for number, asked in enumerate(("李女士", "13812345678", "13900000000", "ask-price", "新规则")):
        assert "没有找到" in found(site, asked, "agent", f"Else{number}"), asked
    assert "没有找到" in found(site, "1381234567")
    assert "写名字" in found(site, "  ")
    assert "<b>x" not in found(site, "<b>x")
