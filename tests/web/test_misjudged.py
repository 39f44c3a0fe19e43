"""A hit that was wrong: what has followed from it is offered to be taken back, piece by piece."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from bot.platform import clock
from bot.platform.models import (
    AuditEntry,
    Customer,
    Evidence,
    Message,
    Placement,
    SopEnrolment,
    SopTask,
    StageMove,
    Tagging,
    ViewEntry,
)
from tests.support.engine import Engine
from tests.support.site import CONFIG, Site, open_site

SOPS = """
[[sops]]
id = "price"
title = "报价之后"
stage = "考虑价格"
stop = []

  [[sops.steps]]
  after = "1d"
  say = "再问一句目录看得怎么样"

[[sops]]
id = "asked"
title = "问了价"
on = "tag:考虑价格"
stop = []

  [[sops.steps]]
  after = "2d"
  say = "还有想了解的吗"

[[sops]]
id = "other"
title = "别的"
on = "tag:已开课"
stop = []

  [[sops.steps]]
  after = "2d"
  say = "谢谢您"
"""
SAID = "多少钱都不去，我的电话 13812345678"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path, config=CONFIG + SOPS) as site:
        yield site


@pytest.fixture
def evidence(site: Site) -> int:
    """A hit that has tagged, moved and started two SOPs."""
    engine = Engine(site.store, site.system.settings, clock.now())
    who = engine.customer("Wang")
    engine.happen(who, events=["@added"])
    engine.say(who, "Wang", SAID)
    engine.happen(who, "paid", tags=["已开课"], fresh=["已开课"])
    with site.store.write() as session:
        return session.scalars(select(Evidence.id)).one()


def offered(client: FlaskClient, evidence: int) -> list[str]:
    return re.findall(r"<(?:button|a) [^>]*>([^<]+)<", client.get(f"/evidence/{evidence}/mend").text)


def address(client: FlaskClient, evidence: int, part: str) -> str:
    found = re.search(rf'hx-post="([^"]*/mend/{part}[^"]*)"', client.get(f"/evidence/{evidence}/mend").text)
    assert found is not None
    return found[1]


def test_what_followed_is_offered_and_nothing_else(site: Site, evidence: int) -> None:
    admin = site.signed_in("admin")
    assert offered(admin, evidence) == [
        "去掉标签「考虑价格」", "退回「新线索」", "结束跟进「报价之后」", "结束跟进「问了价」",
        "把这句话写成反例"]  # fmt: skip
    assert "把这句话写成反例" not in offered(site.signed_in("agent", "Wang"), evidence)
    assert site.signed_in("agent", "Zhou").get(f"/evidence/{evidence}/mend").status_code == 404


def test_each_is_taken_back_once(site: Site, evidence: int) -> None:
    client = site.signed_in("agent", "Wang")
    for part in ("tag", "move"):
        path = address(client, evidence, part)
        answer = client.post(path)
        assert (answer.status_code, "customer-changed" in answer.headers["HX-Trigger"]) == (204, True), part
        assert client.post(path).status_code == 409, part
    assert offered(client, evidence) == ["结束跟进「问了价」"]  # what the move had started ended with it
    path = address(client, evidence, "sop")
    assert [client.post(path).status_code for _ in range(2)] == [204, 409]
    assert offered(client, evidence) == []
    with site.store.read() as session:
        assert session.scalars(select(Placement.stage).order_by(Placement.id)).all() == ["新线索", "在读"]
        assert session.scalars(select(Tagging.tag).where(Tagging.removed_at.is_(None))).all() == []
        open_sops = session.scalars(select(SopEnrolment.sop_id).where(SopEnrolment.ended_at.is_(None))).all()
        assert open_sops == ["other"]
        states = dict(session.execute(select(SopTask.text, SopTask.state)).all())
        assert states == {"再问一句目录看得怎么样": "cancelled", "还有想了解的吗": "cancelled", "谢谢您": "planned"}
        assert set(session.scalars(select(AuditEntry.action))) == {"tag.take", "stage.undo", "sop.stop"}


def test_a_move_that_is_not_the_latest_is_not_offered(site: Site, evidence: int) -> None:
    client = site.signed_in("admin")
    path = address(client, evidence, "move")
    with site.store.read() as session:
        customer = session.scalars(select(Customer.id)).one()
    moved = client.post(f"/c/{customer}/move", data={"pipeline": "课程转化", "to": "流失"})
    assert moved.status_code == 204
    assert "退回「新线索」" not in offered(client, evidence)
    assert client.post(path).status_code == 409
    with site.store.read() as session:
        assert session.scalars(select(StageMove.to_stage).order_by(StageMove.id)).all()[-1] == "流失"


def test_the_sentence_becomes_an_example_not_to_hit(site: Site, evidence: int) -> None:
    page = site.signed_in("admin").get(f"/rules/r/ask-price/edit?miss={evidence}").text
    assert "多少钱都不去" in page
    assert "13812345678" not in page  # the file outlives whoever said it
    with site.store.read() as session:
        assert "rule" in session.scalars(select(ViewEntry.page)).all()
    assert site.signed_in("admin").get("/rules/r/ask-price/edit?miss=99999").status_code == 404


def test_every_pair_of_buttons_of_a_hit_is_replaced(site: Site, evidence: int) -> None:
    client = site.signed_in("admin")
    with site.store.read() as session:
        customer, message = session.scalars(select(Customer.id)).one(), session.scalars(select(Message.id)).one()
    answer = client.post(f"/evidence/{evidence}/feedback", data={"word": "wrong"}).text
    assert f'hx-swap-oob="outerHTML:.feedback-{evidence}"' in answer
    assert f"/evidence/{evidence}/mend" in answer
    for page in (f"/c/{customer}", f"/c/{customer}/why/{message}", "/rules/r/ask-price"):
        text = client.get(page).text
        pair = re.search(rf'<div class="feedback feedback-{evidence}".*?</div>', text, re.DOTALL)
        assert pair is not None, page
        assert ("hx-swap-oob" in pair[0], pair[0].count('aria-pressed="true"')) == (False, 1), page
