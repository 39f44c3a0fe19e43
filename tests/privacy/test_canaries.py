"""Secrets and phone numbers sent through everything turn up in no log, page, metric, queue entry or file."""

from __future__ import annotations

import json
import logging
import re
import traceback
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import requests
from rq import Queue
from rq.serializers import JSONSerializer
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from wechatpy.exceptions import WeChatClientException

from bot.app import create_app
from bot.ops.backup import back_up
from bot.ops.backup_file import opened_archive
from bot.platform import clock, log
from bot.platform.database.store import Store
from bot.platform.environment import read_environment
from bot.platform.log import get_logger, scrub, setup_logging, without_secrets
from bot.platform.queue import connect_redis
from bot.platform.queued_job import allow
from bot.system import System, use_system
from bot.wecom.errors import WeComError
from bot.worker import jobs
from bot.worker.worker import AllowedJob, run
from tests.support.parts import CONFIG, KEYS
from tests.support.rows import Rows

SECRETS = {
    "WECOM_CORP_ID": "wwcanary00000000",  # no secret, needed beside them
    "WECOM_APP_ID": "1000002",
    "WECOM_APP_SECRET": "CANARY-app-secret/with+signs=",
    "WECOM_ARCHIVE_SECRET": "CANARY-archive-secret",
    "WECOM_CALLBACK_TOKEN": "CANARYcallbackToken",
    "WECOM_CALLBACK_AES_KEY": "CANARYaesKey" + "x" * 31,
    "WECOM_ARCHIVE": "sandbox",
    "WECOM_API_URL": "http://127.0.0.1:9/cgi-bin",
    "TICI_SECRET_KEY": "CANARY session key",
    "TICI_METRICS_TOKEN": "CANARY-metrics-token",
    "TICI_DATA_KEYS": KEYS.text,
}
ACCESS_TOKEN, OAUTH_CODE, COOKIE = "CANARY-access-token", "CANARY-oauth-code", "CANARY.session.cookie"
IN_AN_ADDRESS = "CANARY-of-another-server"  # nobody told the log of this one
PHONE, SPACED, SAID, NAME = "13912345678", "１３９-1234-5678", "金丝雀说的话", "金丝雀"
CANARIES = (
    *(value for name, value in SECRETS.items() if "CANARY" in value and name != "TICI_DATA_KEYS"),
    *(line.split()[1] for line in KEYS.text.splitlines() if not line.startswith("#")),
    "canary-password", IN_AN_ADDRESS, ACCESS_TOKEN, OAUTH_CODE, COOKIE, PHONE, SPACED, SAID, NAME,
)  # fmt: skip
KEY_FILES = ("secret.key", "data.keys")


def found_in(text: str) -> list[str]:
    quoted = [quote(canary, safe="") for canary in CANARIES]
    return [canary for canary, form in zip(CANARIES, quoted, strict=True) if canary in text or form in text]


@pytest.fixture
def house(tmp_path: Path, store: Store, valkey: str) -> Iterator[System]:
    """A system all of whose secrets are canaries, with one customer whose words and name are."""
    (tmp_path / "config.toml").write_text(CONFIG, encoding="utf-8")
    given = {"TICI_VAR": str(tmp_path), "TICI_CONFIG": str(tmp_path / "config.toml"), "TICI_DATABASE_URL": store.url,
             "TICI_REDIS_URL": valkey, **SECRETS}  # fmt: skip
    system = System(read_environment(given))
    system.__dict__["store"] = store
    with store.write() as session:
        rows = Rows(session, clock.now())
        customer = rows.customer(NAME, agent=rows.agent(), last_words=f"{SAID}，{PHONE}")
        rows.message(customer, f"{SAID}，{PHONE}")
    use_system(system)
    log.hide("canary-password")  # as a part of an address, see the test of addresses
    yield system
    setup_logging()


def explode() -> None:
    """What libraries put into their exceptions, one inside the other."""
    url = f"https://qyapi.weixin.qq.com/cgi-bin/gettoken?corpid=ww&corpsecret={SECRETS['WECOM_APP_SECRET']}"
    try:
        raise requests.ConnectionError(f"HTTPSConnectionPool: Max retries exceeded with url: {url}")
    except requests.RequestException as error:
        told = f"access_token={ACCESS_TOKEN} code={OAUTH_CODE} {SECRETS['WECOM_ARCHIVE_SECRET']} {PHONE} {SPACED}"
        raise WeChatClientException(40001, told, client=None, request=None, response=None) from error


def test_what_is_logged_tells_no_secret(house: System, capfd: pytest.CaptureFixture[str]) -> None:
    create_app(house)
    logger, library = get_logger("tests"), logging.getLogger("wechatpy")
    try:
        explode()
    except WeChatClientException as error:
        logger.exception("call failed", error=error, cookie=COOKIE, given={"token": ACCESS_TOKEN, "said": [PHONE]})
        library.error("failed: %s", error, exc_info=True)
    for name, value in SECRETS.items():
        if "CANARY" in value:
            logger.warning("settings", why=f"{name} was {value}", query=f"/x?state=s&code={OAUTH_CODE}")
    logger.warning("address", url="postgresql://tici:canary-password@db/tici", headers=f"Cookie: tici={COOKIE}; a=b")
    logger.warning("elsewhere", url=f"redis://tici:{IN_AN_ADDRESS}@queue:6379/0")
    try:  # wechatpy's own exception, with the address that carries the secret
        house.wecom.corp_tags()
    except WeComError as error:
        logger.exception("WeCom out of reach", error=error, why=repr(error.__cause__ or error.__context__))
    logger.info("keys", text=KEYS.text, environment=house.environment, keys=house.store.keys)
    out, err = capfd.readouterr()
    assert "call failed" in err
    assert "40001" in err
    assert "WeCom out of reach" in err
    assert found_in(out + err) == []


def test_an_error_of_the_database_tells_no_words(house: System) -> None:
    def twice() -> None:
        with house.store.write() as session:
            for _ in range(2):
                session.execute(text("INSERT INTO lease VALUES (:said, :name, :at, 1)"), said)

    said = {"said": SAID, "name": NAME, "at": clock.now()}
    with pytest.raises(SQLAlchemyError) as failed:
        twice()
    told = "".join(traceback.format_exception(failed.value.__class__, failed.value, None))
    shown = re.sub("DETAIL:.*", "", told)  # PostgreSQL names the key in the way; none of ours is a word
    assert "INSERT INTO lease" in shown
    assert found_in(shown) == []


def test_a_traceback_that_the_queue_keeps_tells_no_secret(
    house: System, capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_app(house)
    monkeypatch.setattr(jobs, "explode", explode, raising=False)
    monkeypatch.setattr(AllowedJob, "calls", allow(explode))
    connection = connect_redis(house.redis_url)
    queue = Queue("default", connection=connection, serializer=JSONSerializer)
    queue.enqueue(f"{jobs.__name__}.explode")
    run(house, burst=True)
    assert queue.failed_job_registry.count == 1
    kept = []
    for key in connection.keys("*"):
        kind = connection.type(key)
        raw = connection.hgetall(key) if kind == b"hash" else connection.dump(key)
        kept.append(repr(raw))
        if kind == b"stream":
            kept.append(repr(connection.xrange(key)))
    results = [result.exc_string or "" for job in queue.failed_job_registry.get_job_ids()
               for result in queue.fetch_job(job).results()]  # type: ignore[union-attr]  # fmt: skip
    assert any("40001" in text for text in results)
    out, err = capfd.readouterr()
    assert found_in("".join(kept + results) + out + err) == []
    connection.close()


def test_pages_and_figures_tell_no_secret(house: System, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    app = create_app(house)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.add_url_rule("/boom", view_func=explode)  # type: ignore[arg-type]
    client = app.test_client()
    client.set_cookie("tici", COOKIE)
    pages = [
        "/healthz",
        "/readyz",
        "/metrics",
        "/boom",
        f"/login?code={OAUTH_CODE}&state=x",
        "/board?key=x",
        "/nowhere",
    ]
    shown = "".join(client.get(page).get_data(as_text=True) for page in pages)
    out, err = capfd.readouterr()
    assert "tici_" in shown
    assert found_in(shown + out + err) == []
    for path in tmp_path.rglob("*"):
        if path.is_file() and path.name not in KEY_FILES:
            text = path.read_bytes().decode("utf-8", "replace")
            assert found_in(text) == [], path


def test_a_backup_tells_no_secret(house: System, tmp_path: Path) -> None:
    """Neither its manifest nor a row of it; the keys are inside only when asked for."""
    back_up(house, tmp_path / "b.zip", clock.now(), keys=False, on_progress=lambda _name, _rows: None)
    assert found_in((tmp_path / "b.zip").read_bytes().decode("utf-8", "replace")) == []
    with opened_archive(tmp_path / "b.zip", house.store.keys) as archive:
        parts = {name: archive.read(name).decode("utf-8", "replace") for name in archive.namelist()}
    assert "manifest.json" in parts
    assert "wm" in parts["tables/customer.jsonl"]
    assert {name: found_in(text) for name, text in parts.items() if found_in(text)} == {}


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("corpsecret=abc&x=1", "corpsecret=***&x=1"),
        ("{'corpsecret': 'abc', 'x': 1}", "{'corpsecret': '***', 'x': 1}"),
        ('{"access_token":"abc"}', '{"access_token":"***"}'),
        ("redis://:abc@host/0", "redis://:***@host/0"),
        ("errcode: 40001, code=5 state: waiting", "errcode: 40001, code=*** state: waiting"),
        ("a\r\nb", "a\\r\\nb"),
    ],
)
def test_what_looks_like_a_secret_is_hidden_and_nothing_else(told: str, shown: str) -> None:
    assert scrub(told) == shown


def test_a_secret_is_hidden_in_whichever_wrapping() -> None:
    log.hide(SECRETS["WECOM_APP_SECRET"])
    for form in (SECRETS["WECOM_APP_SECRET"], quote(SECRETS["WECOM_APP_SECRET"], safe="")):
        assert form not in without_secrets(json.dumps({"x": [form]}))
