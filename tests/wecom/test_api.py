"""The client against a WeCom on loopback: tokens, errors, partial success, pages."""

from __future__ import annotations

import multiprocessing
import pickle
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from bot.wecom.api import WeComClient
from bot.wecom.cards import Button, TaskCard, button_interaction, text_notice, textcard
from bot.wecom.errors import REMEDIES, WeComError, remedy, without_secrets
from bot.wecom.tokens import TokenShelf
from tests.wecom import asking
from tests.wecom.conftest import Company

CARD = TaskCard(
    "task_1", "王海棠", "今天 10:00", "您好，给您对比一下？", "https://tici.example/t/1", "考虑价格", "问了价格"
)


def agents(company: Company) -> list[str]:
    return company.client().follow_users()


# -- tokens ----------------------------------------------------------------------------------------------


def test_one_token_for_all_clients_of_a_secret(company: Company, redis: Redis) -> None:
    one, other = company.client(redis), company.client(redis)
    one.follow_users()
    other.follow_users()
    assert len(company.calls("gettoken")) == 1
    company.archive_client(redis).post("message/getchatdata", data={"seq": 0, "limit": 1})
    assert len(company.calls("gettoken")) == 2


def test_a_dead_token_is_renewed_once_by_eight_threads(company: Company, redis: Redis) -> None:
    clients = [company.client(redis) for _ in range(8)]
    clients[0].follow_users()
    company.control.kill_tokens()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda client: client.follow_users(), clients))
    assert len({tuple(answer) for answer in answers}) == 1
    assert len(company.calls("gettoken")) == 2


def test_shelves_that_find_a_token_dead_together_fetch_once(valkey: Callable[[], Redis], redis: Redis) -> None:
    shelves = [TokenShelf("corp:app", valkey()) for _ in range(8)]
    fetched: list[int] = []

    def fetch() -> tuple[str, float]:
        fetched.append(1)
        return f"token{len(fetched)}", 7200

    with ThreadPoolExecutor(8) as pool:
        for turn in range(1, 31):
            dead = shelves[0].token(fetch) if turn > 1 else None
            fresh = set(pool.map(lambda shelf, dead=dead: shelf.renew(dead, fetch), shelves))
            assert (len(fresh), len(fetched)) == (1, turn)


def test_a_dead_token_is_renewed_once_by_several_processes(company: Company, redis: Redis) -> None:
    company.client(redis).follow_users()
    company.control.kill_tokens()
    at = redis.connection_pool.connection_kwargs
    url = f"redis://:{at['password']}@{at['host']}:{at['port']}/0"
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        assert all(pool.starmap(asking.ask, [(company.environment, url)] * 8))
    assert len(company.calls("gettoken")) == 2


def test_an_expired_token_is_renewed(company: Company, redis: Redis) -> None:
    company.control.switches(token_seconds=1)
    client = company.client(redis)
    client.follow_users()
    assert redis.pttl(redis.keys("tici:token:*")[0]) <= 1000
    company.control.fault("externalcontact/get_follow_user_list", errcode=42001)
    client.follow_users()
    codes = [call["errcode"] for call in company.calls("externalcontact/get_follow_user_list")]
    assert codes == [0, 42001, 0]


def test_a_token_that_stays_dead_is_given_up(company: Company, redis: Redis) -> None:
    company.control.fault("externalcontact/get_follow_user_list", times=-1, errcode=40014)
    with pytest.raises(WeComError) as caught:
        company.client(redis).follow_users()
    assert (caught.value.errcode, caught.value.refresh) == (40014, True)
    assert len(company.calls("externalcontact/get_follow_user_list")) == 2
    assert len(company.calls("gettoken")) == 2


def test_a_wrong_secret_is_asked_once_and_shared(company: Company, redis: Redis) -> None:
    def refused(_: int) -> WeComError:
        with pytest.raises(WeComError) as caught:
            company.client(redis, secret="not-the-secret").follow_users()
        return caught.value

    with ThreadPoolExecutor(8) as pool:
        errors = list(pool.map(refused, range(16)))
    assert {(error.errcode, error.pause) for error in errors} == {(40001, True)}
    assert len(company.calls("gettoken")) == 1


def test_without_redis_each_process_has_its_own_token(company: Company) -> None:
    gone = Redis(port=1, socket_connect_timeout=0.2, retry=Retry(NoBackoff(), 0))
    for redis in (None, gone):
        client = company.client(redis)
        assert client.follow_users() == client.follow_users()
    assert len(company.calls("gettoken")) == 2
    gone.close()


def test_redis_holds_no_secret(company: Company, redis: Redis) -> None:
    company.client(redis).follow_users()
    keys = [key.decode() for key in redis.keys("*")]  # type: ignore[union-attr]
    assert keys == [f"tici:token:{company.environment['WECOM_CORP_ID']}:app-1000002"]
    assert company.environment["WECOM_APP_SECRET"][:10] not in repr(keys) + repr(redis.get(keys[0]))


def test_a_flushed_redis_costs_one_fetch(company: Company, redis: Redis) -> None:
    client = company.client(redis)
    client.follow_users()
    redis.flushall()
    client.follow_users()
    assert len(company.calls("gettoken")) == 2


def _session_after_a_call(client: WeComClient, before: int, say: Callable[[bool], None]) -> None:
    client.follow_users()
    say(id(client._http) != before)


def test_a_fork_has_connections_of_its_own(company: Company) -> None:
    client = company.client()
    client.follow_users()
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    process = context.Process(target=_session_after_a_call, args=(client, id(client._http), queue.put))
    process.start()
    assert queue.get() is True
    process.join()


# -- errors ----------------------------------------------------------------------------------------------


def failing(company: Company, path: str, call: Callable[[WeComClient], Any], **plan: Any) -> WeComError:
    company.control.fault(path, **plan)
    with pytest.raises(WeComError) as caught:
        call(company.client())
    secret = company.environment["WECOM_APP_SECRET"]
    shown = "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
    assert secret not in shown
    assert "access_token=" not in shown
    return caught.value


def ask(client: WeComClient) -> list[str]:
    return client.follow_users()


USERS = "externalcontact/get_follow_user_list"


@pytest.mark.parametrize("errcode", [-1, 45033, 45035, 45009, 48002, 60020, 50003, 84061, 40003, 999_999])
def test_errcodes_carry_their_remedy(company: Company, errcode: int) -> None:
    error = failing(company, USERS, ask, errcode=errcode)
    how = remedy(errcode)
    assert error.errcode == errcode
    assert (error.permanent, error.pause, error.retry_after) == (how.permanent, how.pause, how.retry_after)
    assert how.permanent + how.pause + (how.retry_after is not None) == 1
    assert len(company.calls(USERS)) == 1
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_http_failures(company: Company) -> None:
    error = failing(company, USERS, ask, status=502, text="<html>")
    assert (error.errcode, error.unsure, error.retry_after, error.permanent) == (None, True, 5, False)
    error = failing(company, USERS, ask, text="<html>not JSON</html>")
    assert (error.errcode, error.unsure) == (None, True)
    error = failing(company, USERS, ask, status=404)
    assert (error.pause, error.unsure) == (True, False)
    error = failing(company, "gettoken", ask, status=500)
    assert (error.errcode, error.unsure, error.retry_after) == (None, False, 5)


def test_time_outs_and_refused_connections(company: Company) -> None:
    company.control.fault(USERS, delay=1.0)
    client = company.client(timeout=(0.5, 0.3))
    with pytest.raises(WeComError) as caught:
        client.follow_users()
    assert (caught.value.unsure, caught.value.errcode) == (True, None)
    with pytest.raises(WeComError) as caught:
        company.client(api_url="http://127.0.0.1:1/cgi-bin/").follow_users()
    assert (caught.value.unsure, caught.value.retry_after) == (False, 5)
    assert company.environment["WECOM_APP_SECRET"] not in "".join(traceback.format_exception(caught.value))


def test_every_remedy_says_what_to_do() -> None:
    for errcode, how in REMEDIES.items():
        assert how.advice, errcode
        assert how.permanent + how.pause + (how.retry_after is not None) == 1, errcode


@pytest.mark.parametrize(
    "text",
    [
        "GET /gettoken?corpid=ww1&corpsecret=s3cret&x=1",
        "{'access_token': 's3cret'}",
        '"secret" = "s3cret"',
        "code=s3cret",
    ],
)
def test_no_secret_in_texts(text: str) -> None:
    assert "s3cret" not in without_secrets(text)
    assert "errcode=40001" in without_secrets("errcode=40001\r\nx")
    assert "\n" not in without_secrets("a\r\nb")


# -- what we call ----------------------------------------------------------------------------------------


def test_cards_arrive(company: Company) -> None:
    client, agent = company.client(), agents(company)[0]
    sent = client.send_card(agent, text_notice(CARD))
    assert sent.msgid
    assert not sent.failed
    pressed = client.send_card(agent, button_interaction(replace(CARD, task_id="task_2"), [Button("已发送", "done")]))
    assert pressed.response_code
    client.update_card([agent], pressed.response_code, {"button": {"replace_name": "已完成"}})
    assert client.send_textcard(agent, textcard(CARD)).msgid
    assert client.send_text(agent, "你好").msgid
    assert [call["errcode"] for call in company.calls("message/send")] == [0, 0, 0, 0]


def test_an_equal_card_is_the_same_to_the_byte(company: Company) -> None:
    client, agent = company.client(), agents(company)[0]
    client.send_card(agent, text_notice(CARD))
    client.send_card(agent, text_notice(CARD))
    first, second = (call["body"] for call in company.calls("message/send"))
    assert first == second
    assert first["enable_duplicate_check"] == 1


def test_recipients_that_failed_are_named_as_given(company: Company) -> None:
    client, agent = company.client(), agents(company)[0]
    sent = client.send([agent, "NoSuchPerson"], {"msgtype": "text", "text": {"content": "x"}})
    assert sent.failed == {"NoSuchPerson": "invalid"}
    with pytest.raises(WeComError) as caught:
        client.send_text("NoSuchPerson", "x")
    assert (caught.value.errcode, caught.value.permanent) == (81013, True)


def test_tags_are_made_and_marked(company: Company) -> None:
    client, agent = company.client(), agents(company)[0]
    customer = company.control.add_customer(agent, "王海棠")["external_userid"]
    group = client.add_corp_tags("课程转化", ["新线索", "考虑价格"])
    ids = {tag["name"]: tag["id"] for tag in group["tag"]}
    client.mark_tag(agent, customer, add=[ids["新线索"]])
    client.mark_tag(agent, customer, add=[ids["考虑价格"]], remove=[ids["新线索"]])
    tags = [t["tag_name"] for f in client.customer(customer)["follow_user"] for t in f["tags"]]
    assert tags == ["考虑价格"]
    assert "课程转化" in [group["group_name"] for group in client.corp_tags()]
    with pytest.raises(WeComError) as caught:
        client.mark_tag(agent, "wmNobody", add=[ids["新线索"]])
    assert caught.value.permanent


def test_customers_are_listed(company: Company) -> None:
    client, agent = company.client(), agents(company)[0]
    added = {company.control.add_customer(agent, f"客户{n}")["external_userid"] for n in range(3)}
    assert added <= set(client.customers_of(agent))
    rows = list(client.customers_with_follow([agent]))
    assert added <= {row["external_contact"]["external_userid"] for row in rows}
    company.control.fault("externalcontact/list", errcode=84061)
    assert client.customers_of(agent) == []


def test_pages_are_followed_to_their_end_and_no_further(company: Company) -> None:
    agent = agents(company)[0]
    for n in range(105):
        company.control.add_customer(agent, f"客户{n}")
    rows = list(company.client().customers_with_follow([agent]))
    assert len(rows) == len({row["external_contact"]["external_userid"] for row in rows}) >= 105


def test_welcome_directory_and_login(company: Company) -> None:
    client, agent = company.client(), agents(company)[0]
    code = company.control.add_customer(agent, "新客户")["welcome_code"]
    client.send_welcome(code, "您好")
    with pytest.raises(WeComError) as caught:
        client.send_welcome(code, "您好")
    assert caught.value.permanent
    assert client.member(agent)["userid"] == agent
    assert agent in [member["userid"] for member in client.members_of(1)]
    contacts = company.control.state()
    assert contacts
    with pytest.raises(WeComError) as caught:
        client.login("no-such-code")
    assert caught.value.permanent


def test_a_lone_surrogate_is_a_permanent_error(company: Company) -> None:
    with pytest.raises(WeComError) as caught:
        company.client().send_text("a", "\ud800")
    assert caught.value.permanent
    assert not company.calls("message/send")


def test_nothing_secret_in_repr(company: Company, tmp_path: Path) -> None:
    client = company.client()
    assert company.environment["WECOM_APP_SECRET"] not in repr(client)
