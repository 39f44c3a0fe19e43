"""Manual moves from the board: by whom, with which effects, refused when another was faster, undone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from bot.customers.state import load_customer
from bot.platform import clock
from bot.platform.models import AuditEntry, Customer, Outbox, Placement, StageMove
from bot.sops.enrolment import Start, enrol
from tests.support.rows import Rows
from tests.support.site import CONFIG, Site, open_site

PIPELINE = "课程转化"


def toast(answer: TestResponse) -> dict[str, object]:
    found: dict[str, object] = json.loads(answer.headers["HX-Trigger"])["toast"]
    return found


def move(client: FlaskClient, customer_id: int, **values: object) -> TestResponse:
    given = {"pipeline": PIPELINE, "to": "成交", "serial": "1", **values}
    return client.post(
        f"/c/{customer_id}/move", data={key: value for key, value in given.items() if value is not None}
    )


def one(site: Site) -> int:
    """A customer of agent Wang's."""
    with site.store.write() as session:
        rows = Rows(session, clock.now())
        agent = rows.agent("王老师")
        agent.key, agent.userid = "wang", "Wang"
        return rows.customer("李女士", "新线索", agent).id


def stage(site: Site, customer_id: int) -> tuple[str, int]:
    with site.store.read() as session:
        row = session.scalars(select(Placement).filter_by(customer_id=customer_id)).one()
        return row.stage, row.serial


@pytest.fixture(params=["sqlite", "postgresql"])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """A site on each kind of database."""
    if request.param == "sqlite":
        with open_site(tmp_path) as site:
            yield site
        return
    with request.getfixturevalue("postgres").database() as url:
        with open_site(tmp_path, extra={"TICI_DATABASE_URL": url}) as site:
            yield site


def test_a_move_is_a_row_of_the_ledger_marks_wecom_and_is_recorded(both: Site) -> None:
    customer = one(both)
    answer = move(both.signed_in("agent", "Wang"), customer)
    assert answer.status_code == 204
    assert toast(answer)["text"] == "李女士 已移到「成交」"
    assert stage(both, customer) == ("成交", 2)
    with both.store.read() as session:
        row = session.scalars(select(StageMove).order_by(StageMove.id.desc())).first()
        assert row is not None
        assert (row.from_stage, row.to_stage, row.cause, row.actor) == ("新线索", "成交", "drag", "Wang")
        assert session.scalar(select(func.count()).select_from(Outbox).where(Outbox.kind == "mark_tag")) == 1
        entry = session.scalars(select(AuditEntry)).one()
        assert (entry.actor, entry.action, entry.subject) == ("Wang", "stage.move", f"customer:{customer}")
        assert entry.detail == {"pipeline": PIPELINE, "from_stage": "新线索", "to_stage": "成交"}


def test_whoever_was_slower_is_told_who_was_faster(both: Site) -> None:
    customer = one(both)
    assert move(both.signed_in("agent", "Wang"), customer).status_code == 204
    answer = move(both.signed_in(), customer, to="流失")
    assert answer.status_code == 409
    assert toast(answer)["bad"] is True
    assert "王老师 刚把这位客户移到了「成交」" in str(toast(answer)["text"])
    assert stage(both, customer) == ("成交", 2)
    with both.store.read() as session:
        assert session.scalar(select(func.count()).select_from(AuditEntry)) == 1


def test_a_move_is_taken_back_by_another_one(both: Site) -> None:
    customer, client = one(both), both.signed_in()
    undo = str(toast(move(client, customer))["undo"])
    answer = client.post(undo)
    assert (answer.status_code, toast(answer)["text"]) == (204, "李女士 已回到「新线索」")
    assert stage(both, customer) == ("新线索", 3)
    again = client.post(undo)
    assert again.status_code == 409
    assert "之后客户又移动过" in str(toast(again)["text"])


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"to": "新线索"}, "客户已经在「新线索」"),
        ({"to": "没有"}, "里没有阶段「没有」"),
        ({"to": None}, "里没有阶段"),
        ({"pipeline": "没有"}, "配置里没有流程「没有」"),
        ({"pipeline": None}, "配置里没有流程「」"),
        ({"serial": "x"}, "没有移动"),
        ({"serial": "9" * 30}, "没有移动"),
    ],
)
def test_a_move_that_cannot_be_is_refused_in_words(site: Site, values: dict[str, object], said: str) -> None:
    customer = one(site)
    answer = move(site.signed_in(), customer, **values)
    assert answer.status_code == 409
    assert said in str(toast(answer)["text"])
    assert stage(site, customer) == ("新线索", 1)


def test_only_those_who_work_with_him_may_move_a_customer(site: Site) -> None:
    customer = one(site)
    for role, userid, departments in (
        ("auditor", None, ()), ("agent", "Other", ()), ("leader", "Chief", (7,)), ("agent", None, ()),
    ):  # fmt: skip
        client = site.signed_in(role, userid, departments)
        assert move(client, customer).status_code == 404
        assert client.post(f"/c/{customer}/move/1/undo").status_code == 404
    assert stage(site, customer) == ("新线索", 1)
    assert move(site.signed_in("admin"), 10**18).status_code == 404
    assert site.signed_in("admin").post(f"/c/{customer}/move/{10**18}/undo").status_code == 409


def test_a_move_without_the_forms_token_is_refused(site: Site) -> None:
    customer, client = one(site), site.signed_in()
    del client.environ_base["HTTP_X_CSRFTOKEN"]
    assert move(client, customer).status_code == 400
    assert stage(site, customer) == ("新线索", 1)


FOLLOWED = """
[[sops]]
id = "welcome"
title = "新人介绍"
stage = "新线索"
stop = ["moved"]

  [[sops.steps]]
  after = "1d"
  say = "您好"

[[sops]]
id = "thanks"
title = "谢谢选择"
stage = "成交"

  [[sops.steps]]
  after = "1d"
  say = "谢谢"

[[sops]]
id = "regular"
title = "常来看看"
on = "@added"
stop = ["won", "lost"]

  [[sops.steps]]
  after = "30d"
  say = "最近好吗"
"""


def test_what_a_move_would_start_and_stop_is_told_before_it_is_made(tmp_path: Path) -> None:
    with open_site(tmp_path, CONFIG + FOLLOWED) as site:
        customer = one(site)
        with site.system.work() as work:
            state = load_customer(work.session, work.session.get_one(Customer, customer))
            for sop_id in ("welcome", "regular"):
                assert enrol(work, state, work.settings.sops[sop_id], Start(f"added:{sop_id}")) is not None
        client = site.signed_in("agent", "Wang")
        told = client.get(f"/c/{customer}/outlook?pipeline={PIPELINE}").get_json()
        page = client.get(f"/c/{customer}").text
        assert told == {
            "考虑价格": "会停止跟进：新人介绍",
            "成交": "会开始跟进：谢谢选择 · 会停止跟进：常来看看、新人介绍",
            "流失": "会停止跟进：常来看看、新人介绍",
        }
        assert "成交（会开始跟进：谢谢选择；会停止跟进：常来看看、新人介绍）" in page
        assert stage(site, customer) == ("新线索", 1)
        said = str(toast(move(client, customer))["text"])
        assert "开始跟进：谢谢选择" in said
        assert "停止跟进：常来看看、新人介绍" in said
        assert client.get(f"/c/{customer}/outlook?pipeline=nothing").get_json() == {}
