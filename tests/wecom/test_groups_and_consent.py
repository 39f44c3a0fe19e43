"""Groups, consent and the choice of an archive, against the sandbox and recorded answers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from bot.platform.archive_sources import open_archive
from bot.platform.environment import SurroundingsError, read_environment
from bot.wecom import audit, groups
from bot.wecom.api import WeComClient
from bot.wecom.archive import SandboxArchive
from bot.wecom.connection import Credentials
from bot.wecom.errors import WeComError
from bot.wecom.native import NativeArchive
from tests.wecom.conftest import Company


def replayed(recorded: Path, server: HTTPServer) -> WeComClient:
    """A client for a server that answers what was recorded (the first sample of each path that worked)."""
    samples = [json.loads(line) for line in (recorded / "http_samples.jsonl").read_text().splitlines()]
    good: dict[str, dict[str, object]] = {}
    for sample in samples:
        if sample["response"].get("errcode") == 0:
            good.setdefault(sample["path"], sample["response"])

    def answer(request: Request) -> Response:
        return Response(json.dumps(good[request.path]), content_type="application/json")

    for path in good:
        server.expect_request(path).respond_with_handler(answer)
    return WeComClient(Credentials("wwtestcorp00000001", "TEST-SECRET", 1000002), api_url=server.url_for("/cgi-bin/"))


def test_recorded_answers_are_read(recorded: Path, httpserver: HTTPServer) -> None:
    client = replayed(recorded, httpserver)
    assert audit.seats(client, 1) == ["LinXiaoyu", "ChenGuoan"]
    pairs = [("LinXiaoyu", "wmTEST0AAexternalcontact000000A1"), ("LinXiaoyu", "woTEST0AAexternalcontact000000B2")]
    found = list(audit.agreements(client, pairs))
    assert [(a.external_userid[-2:], a.agreed) for a in found] == [("A1", True), ("B2", False)]
    assert found[0].changed_at is not None
    assert audit.room_agreements(client, "wr")[0].agreed
    assert audit.internal_room(client, "wr")["roomname"] == "销售一组"
    assert audit.robot_name(client, "wb") == "线索播报"
    assert list(groups.group_ids(client, ["LinXiaoyu"])) == ["wrTEST0AAgroupchat0000000000000D"]
    group = groups.group(client, "wrTEST0AAgroupchat0000000000000D")
    assert (group.name, group.owner, group.admins) == ("云南五日·4月3日", "LinXiaoyu", ("ChenGuoan",))
    assert [(m.name, m.kind, m.join_scene) for m in group.members] == [
        ("领队小雨", "agent", 1), ("王海棠", "customer", 3)
    ]  # fmt: skip
    assert group.version == "71217227bbd112ecfe3a49c482195cb4"


def test_recorded_customers_and_login(recorded: Path, httpserver: HTTPServer) -> None:
    client = replayed(recorded, httpserver)
    customer = client.customer("wmTEST0AAexternalcontact000000A1")
    assert customer["external_contact"]["name"] == "王海棠"
    assert [follow["userid"] for follow in customer["follow_user"]] == ["LinXiaoyu", "ChenGuoan"]
    assert client.login("CODE") == {
        "errcode": 0,
        "errmsg": "ok",
        "userid": "LinXiaoyu",
        "user_ticket": "TESTUSERTICKET",
    }
    assert client.login_detail("TESTUSERTICKET")["mobile"]
    assert client.send_text("ChenGuoan", "x").failed == {"ChenGuoan": "invalid"}
    assert [row["userid"] for row in client.member_ids()] == ["LinXiaoyu"]
    # A cursor that comes again ends the pages instead of asking for ever.
    assert len(list(client.customers_with_follow(["LinXiaoyu"]))) == 2


def test_many_pairs_are_asked_a_hundred_at_a_time(company: Company) -> None:
    client = company.archive_client()
    agent = company.client().follow_users()[0]
    customer = company.control.add_customer(agent, "王海棠")["external_userid"]
    company.control.consent(agent, customer, agree=True)
    found = list(audit.agreements(client, [(agent, customer)] * 150))
    assert found
    assert all(agreement.agreed for agreement in found)
    sizes = [len(call["body"]["info"]) for call in company.calls("msgaudit/check_single_agree")
             if isinstance(call["body"], dict)]  # fmt: skip
    assert sizes[-1:] == [50]
    assert agent in audit.seats(client)


def test_an_internal_group_is_not_a_customer_group(company: Company) -> None:
    with pytest.raises(WeComError):
        groups.group(company.client(), "wrNoSuchGroup")


def test_the_archive_that_the_settings_name(company: Company) -> None:
    access = read_environment({**company.environment, "TICI_BASE_URL": "http://x"}).needs_wecom()
    assert isinstance(open_archive(access, None), SandboxArchive)
    native = replace(access, archive="native", finance_sdk=None)
    with pytest.raises(SurroundingsError, match="WECOM_FINANCE_SDK"):
        open_archive(native, None)
    assert isinstance(open_archive(replace(native, finance_sdk="/lib.so"), None), NativeArchive)
