"""Measures how fast callbacks are answered: stored and acknowledged, beside a bare Flask and beside opening them."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from flask import Flask, Response, request
from sqlalchemy import func, select

from bot import web
from bot.commands.bench.pace import Pace, Way, measure_paces
from bot.commands.bench.scratch_systems import CORP, Surroundings, scratch_system
from bot.platform import clock
from bot.platform.environment import CallbackSecrets
from bot.platform.models import CallbackEvent
from bot.system import System
from bot.wecom.callback import CallbackKeys, open_callback, seal, sign

ROUNDS = 3
BOUND = "bare"
_ADDRESS = "/wecom/callback"


@dataclass(frozen=True)
class Posted:
    """One callback as WeCom posts it."""

    query: dict[str, str]
    body: bytes


def measure(place: Surroundings, count: int, advance: Callable[[], object] = lambda: None) -> dict[str, Pace]:
    """bare: a Flask that reads the body and answers; unsealed: verified, decrypted and read; answered: the real one.

    `advance` is called 3 * ROUNDS times.
    """
    aes_key = base64.b64encode(secrets.token_bytes(32)).decode()[:43]
    given = CallbackSecrets(secrets.token_hex(8), aes_key)
    keys = CallbackKeys(given.token, given.aes_key, CORP)
    with scratch_system(place, "callback", given) as system:
        app = _web(system)
        bare, stored = _asking(_bare(), keys, count), _asking(app, keys, count)
        ways = {BOUND: bare, "unsealed": _opening(keys, count), "answered": stored}
        try:  # requests made inside a command's context would share it
            with ThreadPoolExecutor(1) as apart:
                paces = apart.submit(measure_paces, ways, count, ROUNDS, advance).result()
        finally:
            app.extensions["tici-streams"].stop()
        _check_stored(system, count * ROUNDS)
    return paces


def _check_stored(system: System, wanted: int) -> None:
    with system.store.read() as session:
        stored = session.scalar(select(func.count()).select_from(CallbackEvent))
    if stored != wanted:
        raise RuntimeError(f"{stored} of {wanted} callbacks were stored")


def _web(system: System) -> Flask:
    app = Flask("bot.web")
    app.config.update(SECRET_KEY=system.signing_key)
    app.extensions["tici"] = system
    web.register(app)
    return app


def _bare() -> Flask:
    app = Flask("bare")

    @app.post(_ADDRESS)
    def answer() -> Response:
        request.get_data(cache=False)
        return Response()

    return app


def _asking(app: Flask, keys: CallbackKeys, count: int) -> Way:
    def prepare(nth: int) -> Callable[[], int]:
        posts, client = make_posts(keys, count), app.test_client()

        def ask() -> int:
            answers = (client.post(_ADDRESS, query_string=one.query, data=one.body) for one in posts)
            return sum(answer.status_code == 200 for answer in answers)

        return ask

    return prepare


def _opening(keys: CallbackKeys, count: int) -> Way:
    def prepare(nth: int) -> Callable[[], int]:
        posts, now = make_posts(keys, count), clock.now()
        return lambda: len([open_callback(keys, one.query, one.body, now) for one in posts])

    return prepare


def make_posts(keys: CallbackKeys, count: int) -> list[Posted]:
    """So many events, each of another customer."""
    return [_post(keys, f"wm{secrets.token_hex(15)}") for _ in range(count)]


def _post(keys: CallbackKeys, customer: str) -> Posted:
    now = str(int(clock.now().timestamp()))
    event = (
        f"<xml><ToUserName>{CORP}</ToUserName><FromUserName>sys</FromUserName><CreateTime>{now}</CreateTime>"
        "<MsgType>event</MsgType><Event>change_external_contact</Event><ChangeType>edit_external_contact</ChangeType>"
        f"<UserID>Bench</UserID><ExternalUserID>{customer}</ExternalUserID></xml>"
    )
    sealed, nonce = seal(keys, event.encode()), secrets.token_hex(8)
    query = {"msg_signature": sign(keys, now, nonce, sealed), "timestamp": now, "nonce": nonce}
    return Posted(query, f"<xml><ToUserName>{CORP}</ToUserName><Encrypt>{sealed}</Encrypt></xml>".encode())
