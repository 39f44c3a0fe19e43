"""WeCom's calls through the real app: stored and answered at once, or refused; never a 5xx, never work done."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from bot.intake.callback import ENQUEUER
from bot.platform import clock
from bot.platform.environment import ROOT
from bot.platform.models import CallbackEvent
from bot.platform.queue import LONGEST_MARK, JobQueue, connect_redis
from bot.platform.valkey import ensure_valkey, stop_valkey
from tests.support.site import Site, open_site
from tests.wecom.sealed import CORP, arguments, encrypt, envelope

CALLBACK, ARCHIVE = "/wecom/callback", "/wecom/archive"
MALFORMED = 10_000
COPIES, WINDOWS = 10_000, 4
PATIENCE = 120  # seconds for what comes at once
DEAREST = 2  # times a good callback; it takes half of one


def xml(event: str, extra: str = "", at: int | None = None) -> str:
    at = int(clock.now().timestamp()) if at is None else at
    return (
        f"<xml><ToUserName>{CORP}</ToUserName><FromUserName>sys</FromUserName><CreateTime>{at}</CreateTime>"
        f"<MsgType>event</MsgType><Event>{event}</Event>{extra}</xml>"
    )


def post(site: Site, message: str, path: str = CALLBACK) -> int:
    sealed = encrypt(message)
    stamp = str(int(clock.now().timestamp()))
    answer = site.app.test_client().post(path, query_string=arguments(sealed, stamp), data=envelope(sealed))
    assert answer.data == b""
    return answer.status_code


def stored(site: Site) -> int:
    with site.store.read() as session:
        return session.scalar(select(func.count()).select_from(CallbackEvent)) or 0


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[str]:
    yield ensure_valkey(tmp_path)
    stop_valkey(tmp_path)


@pytest.fixture
def rung(tmp_path: Path, valkey: str) -> Iterator[Site]:
    """A site with a running queue."""
    with open_site(tmp_path, extra={"TICI_REDIS_URL": valkey}) as site:
        yield site


def checked(site: Site, echo: str, late: float = 0, path: str = CALLBACK) -> TestResponse:
    """The answer to an authentic check of the address, whose timestamp is so many seconds old."""
    sealed = encrypt(echo)
    stamp = str(int(clock.now().timestamp() - late))
    return site.app.test_client().get(path, query_string={**arguments(sealed, stamp), "echostr": sealed})


def replayed(site: Site) -> float:
    site.system.call_counts.flush(clock.now(), at_once=True)
    text = site.app.test_client().get("/metrics").text
    return float(re.findall(r"^tici_callbacks_replayed_total (\S+)$", text, re.MULTILINE)[0])


@pytest.mark.parametrize("path", [CALLBACK, ARCHIVE])
def test_a_recorded_post_is_not_decrypted_by_the_console_check(site: Site, path: str) -> None:
    """GET and POST are signed alike: the arguments and the cipher text of a POST are those of an authentic GET."""
    message = xml("change_external_contact", "<UserID>zhang</UserID><ExternalUserID>wmsecret</ExternalUserID>")
    sealed = encrypt(message)
    query = arguments(sealed, str(int(clock.now().timestamp())))
    client = site.app.test_client()
    assert client.post(path, query_string=query, data=envelope(sealed)).status_code == 200
    answer = client.get(path, query_string={**query, "echostr": sealed})
    assert (answer.status_code, answer.data) == (400, b"")


@pytest.mark.parametrize(
    "plain",
    [
        "<xml/>", " <xml><a>1</a></xml>", "<a", "1>", '{"tousername":"x"}', "[1]", "有一句话", "a b", "a\nb", "a\tb",
        "\x00", "1" * 65, "1" * 5000, "&lt;xml&gt;", '"', "a=1&b=2",
    ],
)  # fmt: skip
def test_only_a_short_word_is_echoed(site: Site, plain: str) -> None:
    answer = checked(site, plain)
    assert (answer.status_code, answer.data) == (400, b"")


@pytest.mark.parametrize("plain", ["1", "5927782489442352469", "1" * 64, "aB3_-=+/", "f" * 16])
def test_whatever_wecom_may_send_as_an_echo_is_answered(site: Site, plain: str) -> None:
    assert checked(site, plain).data == plain.encode()


@pytest.mark.parametrize("late", [601, 3600, 10**9, -601])
def test_an_old_console_check_is_refused_and_counted(site: Site, late: float) -> None:
    answer = checked(site, "5927782489442352469", late)
    assert (answer.status_code, answer.data) == (403, b"")
    assert replayed(site) == 1
    assert checked(site, "5927782489442352469", 300).status_code == 200


def test_a_replayed_post_is_refused_and_counted_and_a_retry_is_not(site: Site) -> None:
    """WeCom's own retry carries the same XML under a fresh timestamp; a replay is byte for byte what it was."""
    now = int(clock.now().timestamp())
    sealed = encrypt(xml("enter_agent", at=now))
    client = site.app.test_client()

    def send(stamp: int, cipher: str = sealed) -> int:
        query = arguments(cipher, str(stamp))
        return client.post(CALLBACK, query_string=query, data=envelope(cipher)).status_code

    assert [send(now - 601), send(now + 900), send(0)] == [403, 403, 403]
    assert (stored(site), replayed(site)) == (0, 3)
    assert [send(now - 30), send(now, encrypt(xml("enter_agent", at=now)))] == [200, 200]  # the try and its retry
    assert (stored(site), replayed(site)) == (1, 3)
    assert send(now, encrypt(xml("enter_agent", at=now - 601))) == 403  # an old event under a fresh seal
    assert (stored(site), replayed(site)) == (1, 4)


def test_a_forged_old_callback_is_not_counted(site: Site) -> None:
    """Only what is authentic is a replay: anybody can send rubbish."""
    assert site.app.test_client().post(CALLBACK, query_string=arguments("x", "1"), data=b"<xml/>").status_code == 400
    sealed = encrypt(xml("enter_agent"))
    query = {**arguments(sealed, "1"), "nonce": "another"}
    assert site.app.test_client().post(CALLBACK, query_string=query, data=envelope(sealed)).status_code == 403
    assert replayed(site) == 0


@pytest.mark.parametrize("path", [CALLBACK, ARCHIVE])
def test_console_check_is_answered_with_the_echo_byte_for_byte(site: Site, path: str) -> None:
    answer = checked(site, "5927782489442352469", path=path)
    assert (answer.status_code, answer.data) == (200, b"5927782489442352469")


def test_a_forged_console_check_is_refused(site: Site) -> None:
    sealed = encrypt("1")
    given = {**arguments(sealed), "echostr": sealed, "nonce": "another"}
    answer = site.app.test_client().get(CALLBACK, query_string=given)
    assert (answer.status_code, answer.data) == (403, b"")


def test_an_event_is_stored_whole_and_its_handling_enqueued(rung: Site) -> None:
    message = xml("change_external_contact", "<ChangeType>add_external_contact</ChangeType><UserID>zhang</UserID>")
    assert post(rung, message) == 200
    with rung.store.read() as session:
        row = session.scalars(select(CallbackEvent)).one()
    assert (row.name, row.change_type, row.raw_xml) == ("change_external_contact", "add_external_contact", message)
    assert row.handled_at is None
    assert row.attempts == 0
    assert waiting(rung)["high"] == 1


def test_an_unknown_event_is_stored_and_a_repeated_one_only_once(site: Site) -> None:
    message = xml("something_new_" + "x" * 80)
    assert [post(site, message) for _ in range(3)] == [200, 200, 200]
    assert stored(site) == 1


def test_10000_copies_of_an_archive_notice_ring_once_in_a_window_and_store_nothing(rung: Site) -> None:
    client = rung.app.test_client()
    stamp = str(int(clock.now().timestamp()))
    sealed = encrypt(xml("msgaudit_notify", "<AgentID>2000004</AgentID>"))
    query, body = arguments(sealed, stamp), envelope(sealed)
    mark, seen = "tici:bell:pull", set()
    with connect_redis(queue_of(rung)) as redis:
        for window in range(1, WINDOWS + 1):  # each ends when the test says so: sending may take as long as it likes
            seen.add(client.post(ARCHIVE, query_string=query, data=body).status_code)
            assert waiting(rung)["default"] == window
            assert redis.expire(mark, LONGEST_MARK), "the mark is gone"
            for _ in range(COPIES // WINDOWS - 1):
                seen.add(client.post(ARCHIVE, query_string=query, data=body).status_code)
            assert waiting(rung)["default"] == window
            redis.delete(mark)
    assert seen == {200}
    assert stored(rung) == 0


@pytest.mark.parametrize(("event", "path"), [("enter_agent", CALLBACK), ("msgaudit_notify", ARCHIVE)])
def test_a_frozen_redis_does_not_hold_up_the_answer(tmp_path: Path, valkey: str, event: str, path: str) -> None:
    """The answer is there while the enqueuer still waits for Redis, which here it does for a minute."""
    pid = json.loads((tmp_path / "valkey" / "server.json").read_text())["pid"]
    with open_site(tmp_path, extra={"TICI_REDIS_URL": f"{valkey}?socket_timeout=60"}) as rung:
        enqueuer = rung.app.extensions[ENQUEUER]
        os.kill(pid, signal.SIGSTOP)
        try:
            assert post(rung, xml(event), path) == 200
            assert not enqueuer.wait_until_idle(0), "the answer waited for Redis"
        finally:
            os.kill(pid, signal.SIGCONT)
        assert stored(rung) == (path == CALLBACK)
        assert enqueuer.wait_until_idle(PATIENCE)
        assert sum(waiting(rung).values()) == 1


def test_without_any_queue_events_are_stored_and_none_is_started(site: Site, tmp_path: Path) -> None:
    assert post(site, xml("enter_agent")) == 200
    assert site.app.extensions[ENQUEUER].wait_until_idle(PATIENCE)
    assert stored(site) == 1
    assert not (tmp_path / "valkey").exists()


def test_a_locked_database_asks_wecom_to_come_again(site: Site, tmp_path: Path) -> None:
    with site.store.engine.connect() as pooled:
        pooled.exec_driver_sql("PRAGMA busy_timeout=50")  # else 5 s
    with closing(sqlite3.connect(tmp_path / "tici.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert post(site, xml("enter_agent")) == 503
    assert post(site, xml("enter_agent")) == 200
    assert stored(site) == 1


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"data": b""}, 400),
        ({"data": b"<xml>" + b"a" * 70_000}, 413),
        ({"data": b"a" * 2_000_000}, 413),
        ({"query_string": {}}, 400),
        ({"query_string": {"msg_signature": "0" * 40, "timestamp": "1", "nonce": "n"}}, 403),
    ],
)
def test_what_is_not_wecoms_is_refused_with_an_empty_body(site: Site, change: dict[str, Any], status: int) -> None:
    sealed = encrypt(xml("enter_agent"))
    given = {"query_string": arguments(sealed), "data": envelope(sealed), **change}
    answer = site.app.test_client().post(CALLBACK, **given)
    assert (answer.status_code, answer.data) == (status, b"")


def test_a_stale_event_is_refused(site: Site) -> None:
    assert post(site, xml("enter_agent", at=1_700_000_000)) == 403
    assert stored(site) == 0


@pytest.mark.parametrize(("times", "status"), [(1, 400), (100_000, 413)])
def test_a_refusal_is_logged_without_the_body(site: Site, times: int, status: int) -> None:
    with capture_logs() as logs:
        answer = site.app.test_client().post(CALLBACK, query_string={}, data=b"<xml>secret words</xml>" * times)
    assert answer.status_code == status
    assert [(line["event"], line["status"]) for line in logs] == [("callback refused", status)]
    assert "secret words" not in str(logs)


def test_without_wecom_there_is_no_callback(tmp_path: Path) -> None:
    with open_site(tmp_path, extra={"WECOM_CORP_ID": ""}) as site:
        assert post(site, xml("enter_agent")) == 404


def test_10000_malformed_bodies_get_no_5xx_and_cost_little_more_than_good_ones(site: Site) -> None:
    client = site.app.test_client()
    seen: dict[int, int] = {}
    spent: dict[str, list[float]] = {"malformed": [], "good": []}
    good = signed(encrypt(xml("enter_agent")), str(int(clock.now().timestamp())))

    def ask(kind: str, given: tuple[dict[str, str], bytes], path: str) -> int:
        begun = time.thread_time()  # of this thread alone
        status = client.post(path, query_string=given[0], data=given[1]).status_code
        spent[kind].append(time.thread_time() - begun)
        return status

    assert ask("good", good, CALLBACK) == 200
    for number in range(MALFORMED):
        status = ask("malformed", malformed(number), (CALLBACK, ARCHIVE)[number % 2])
        seen[status] = seen.get(status, 0) + 1
        if number % 10 == 0:
            assert ask("good", good, CALLBACK) == 200
    assert set(seen) <= {200, 400, 403, 413}, seen
    assert seen[400] > 3000
    assert seen[403] > 500
    assert seen.get(200, 0) + 1 == stored(site)  # a change outside the seal does no harm
    slow, usual = (sorted(spent[kind])[len(spent[kind]) * 99 // 100] for kind in ("malformed", "good"))
    assert slow <= DEAREST * usual


def test_no_collection_of_rubbish_holds_up_an_answer(tmp_path: Path) -> None:
    """A full one over all that is loaded takes 0.13 s of a processor, and fell upon whichever call came then."""
    look = "import gc; import wsgi; print(len(gc.get_objects()), gc.get_freeze_count())"
    environment = {**os.environ, "TICI_VAR": str(tmp_path), "TICI_DATABASE_URL": f"sqlite:///{tmp_path / 'tici.db'}"}
    command = [sys.executable, "-W", "ignore", "-c", look]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=True)
    looked_through, left_alone = map(int, done.stdout.split())
    assert left_alone > 100_000, "all that is loaded"
    assert looked_through < left_alone / 20


def malformed(number: int) -> tuple[dict[str, str], bytes]:
    """The number-th malformed request: a good one spoilt in one of eight ways, by chance of its own hash."""
    chance = hashlib.sha512(str(number).encode()).digest()
    stamp = str(int(clock.now().timestamp()))
    return SPOILERS[number % len(SPOILERS)](chance, stamp)


def signed(sealed: str, stamp: str) -> tuple[dict[str, str], bytes]:
    return arguments(sealed, stamp), envelope(sealed)


def noise(chance: bytes, stamp: str) -> tuple[dict[str, str], bytes]:
    return arguments("x", stamp), chance * (chance[0] + 1)


def truncated(chance: bytes, stamp: str) -> tuple[dict[str, str], bytes]:
    query, body = signed(encrypt(xml("enter_agent")), stamp)
    return query, body[: chance[0] * len(body) // 256]


def flipped(chance: bytes, stamp: str) -> tuple[dict[str, str], bytes]:
    query, body = signed(encrypt(xml("enter_agent", f"<A>{chance.hex()}</A>")), stamp)
    at = int.from_bytes(chance[:4], "big") % len(body)
    return query, body[:at] + bytes([body[at] ^ (1 << chance[4] % 8)]) + body[at + 1 :]


def not_sealed(chance: bytes, stamp: str) -> tuple[dict[str, str], bytes]:
    """A good signature over what is no sealed message."""
    return signed(chance.hex()[: chance[0] % 128] + "=" * (chance[1] % 3), stamp)


def spoilt_inside(chance: bytes, stamp: str) -> tuple[dict[str, str], bytes]:
    """A good signature and a good seal over a message that is not one."""
    whole = xml("enter_agent")
    inside = (
        "",
        chance.hex(),
        whole[: chance[1] * len(whole) // 256],
        '<!DOCTYPE x [<!ENTITY a "aaaa">]>' + whole,
        "<xml>" + "<a>" * (9 + chance[2]) + "</a>" * (9 + chance[2]) + "</xml>",
        whole.replace("<MsgType>event</MsgType>", ""),
        whole.replace("<CreateTime>", f"<CreateTime>{chance.hex()}"),
        whole.replace("xml>", "yml>"),
    )
    return signed(encrypt(inside[chance[0] % len(inside)], ("", CORP, CORP, "wwother")[chance[3] % 4] or CORP), stamp)


def spoilt_query(chance: bytes, stamp: str) -> tuple[dict[str, str], bytes]:
    query, body = signed(encrypt(xml("enter_agent")), stamp)
    name = sorted(query)[chance[0] % 3]
    value = ("", "\x00", "中文", "9" * 5000, chance.hex())[chance[1] % 5]
    return ({**query, name: value} if value else {k: v for k, v in query.items() if k != name}), body


def json_twin(chance: bytes, stamp: str) -> tuple[dict[str, str], bytes]:
    sealed = chance.hex()
    bodies = (f'{{"encrypt":"{sealed}"}}', '{"encrypt":1}', "{", "[" * 5000, '{"encrypt":' * 300, "{}")
    return arguments(sealed, stamp), bodies[chance[0] % len(bodies)].encode()


def doubled(chance: bytes, stamp: str) -> tuple[dict[str, str], bytes]:
    sealed = encrypt(xml("enter_agent"))
    bodies = (
        f"<xml><Encrypt>{sealed}</Encrypt><Encrypt>{sealed}</Encrypt></xml>",
        f"<xml><a><Encrypt>{sealed}</Encrypt></a></xml>",
        f"<xml><Encrypt><b>{sealed}</b></Encrypt></xml>",
        f"<xml><Encrypt>{sealed}{'A' * 70_000}</Encrypt></xml>",
    )
    return arguments(sealed, stamp), bodies[chance[0] % len(bodies)].encode()


SPOILERS = (noise, truncated, flipped, not_sealed, spoilt_inside, spoilt_query, json_twin, doubled)


def queue_of(site: Site) -> str:
    url = site.system.known_redis_url
    assert url is not None
    return url


def waiting(site: Site) -> dict[str, int]:
    """Jobs in the queue, once the enqueuer has tried everything."""
    assert site.app.extensions[ENQUEUER].wait_until_idle(PATIENCE)
    return JobQueue(connect_redis(queue_of(site))).depth()
