"""Runs a sandbox for a test, calls it as Tici does, and opens its callbacks with wechatpy, an independent check."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import xmltodict
from wechatpy.enterprise.crypto import WeChatCrypto
from werkzeug.serving import make_server

from bot.commands.sandbox import QuietRequestHandler
from bot.sandbox.app import create_sandbox
from bot.sandbox.control import SandboxControl
from bot.sandbox.corp import prepare

Json = dict[str, Any]

PATIENCE = 60.0  # seconds for what comes at once


@dataclass
class Received:
    """One callback as it came over the wire."""

    path: str
    query: dict[str, str]
    body: bytes


class Receiver:
    """Answers callbacks with `answers` in turn (status, body), then always with the last; `delay`: seconds before."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answers: list[tuple[int, bytes]] = [(200, b"")]
        self.delay = 0.0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                parts = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.received.append(Received(parts.path, query, body))
                status, text = outer.answers.pop(0) if len(outer.answers) > 1 else outer.answers[0]
                time.sleep(outer.delay)
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(text)))
                    self.end_headers()
                    self.wfile.write(text)
                except OSError:
                    pass

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"


class Wecom:
    """A running sandbox. `call` is the API, `control` acts as people, `callbacks` is what was sent to Tici."""

    def __init__(self, folder: Path, receiver: Receiver) -> None:
        self.folder, self.receiver = folder, receiver

    def __enter__(self) -> Wecom:
        url = self.receiver.url
        self.app = create_sandbox(self.folder, f"{url}/app", f"{url}/archive")
        self.server = make_server("127.0.0.1", 0, self.app, threaded=True, request_handler=QuietRequestHandler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.environment = prepare(self.folder, self.server.server_port)
        self.control = SandboxControl(self.url)
        self.control.switches(notify_gap=0.2, retry_gap=0.05)
        self.tokens: dict[str, str] = {}
        self.answered: dict[str, str] = {}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
        self.app.extensions["courier"].stop()
        self.app.extensions["sandbox"].ledger.close()

    def token(self, secret: str = "APP") -> str:
        if secret not in self.tokens:
            query = {
                "corpid": self.environment["WECOM_CORP_ID"],
                "corpsecret": self.environment[f"WECOM_{secret}_SECRET"],
            }
            self.tokens[secret] = self.raw("gettoken", query=query)[1]["access_token"]
        return self.tokens[secret]

    def call(self, path: str, body: Any = None, secret: str = "APP", **query: str) -> Json:
        """One API call with the token of that secret; `body` None is a GET."""
        status, reply = self.raw(path, body, {"access_token": self.token(secret), **query})
        assert status == 200
        return dict(reply)

    def archive(self, path: str, body: Any = None, **query: str) -> Json:
        return self.call(path, body, "ARCHIVE", **query)

    def raw(
        self, path: str, body: Any = None, query: dict[str, str] | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """(status, JSON or text) of any address below /cgi-bin/."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        address = f"{self.url}/cgi-bin/{path}?{urlencode(query or {})}"
        request = urllib.request.Request(address, data=data, headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as response:
                status, text = response.status, response.read()
                self.answered = dict(response.headers)
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text

    def page(self, path: str, form: dict[str, str] | None = None, **headers: str) -> tuple[int, str, dict[str, str]]:
        data = urlencode(form).encode() if form is not None else None
        request = urllib.request.Request(self.url + path, data=data, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as response:
                return response.status, response.read().decode(), dict(response.headers)
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(), dict(error.headers)

    def open(self, received: Received) -> Json:
        """The plain XML of a callback, opened by wechatpy with the Token and key of that address."""
        name = "WECOM_CALLBACK" if received.path == "/app" else "WECOM_ARCHIVE_CALLBACK"
        env = self.environment
        crypto = WeChatCrypto(env[f"{name}_TOKEN"], env[f"{name}_AES_KEY"], env["WECOM_CORP_ID"])
        query = received.query
        plain = crypto.decrypt_message(received.body, query["msg_signature"], query["timestamp"], query["nonce"])
        return dict(xmltodict.parse(plain)["xml"])

    def callbacks(self, event: str, count: int = 1, seconds: float = PATIENCE) -> list[Json]:
        """The first `count` callbacks of this event; fails if they do not come in time."""
        end = time.monotonic() + seconds
        while True:
            opened = [self.open(received) for received in list(self.receiver.received)]
            found = [fields for fields in opened if fields.get("Event", fields["MsgType"]) == event]
            if len(found) >= count:
                return found
            assert time.monotonic() < end, f"{len(found)} of {count} {event} came"
            time.sleep(0.02)

    def effect(self, kind: str, **wanted: Any) -> Json:
        """The first effect of this kind with these fields; waits for it."""
        return self.control.wait_for(
            kind, seconds=PATIENCE, accept=lambda e: all(e.get(k) == v for k, v in wanted.items())
        )


def text_message(to: str = "LinXiaoyu", content: str = "有客户在等你", **more: Any) -> Json:
    return {"touser": to, "msgtype": "text", "agentid": 1000002, "text": {"content": content}, **more}


def card_message(task_id: str = "task_1", to: str = "LinXiaoyu", **card: Any) -> Json:
    """An interactive card with two buttons."""
    return {
        "touser": to,
        "msgtype": "template_card",
        "agentid": 1000002,
        "template_card": {
            "card_type": "button_interaction",
            "main_title": {"title": "该回复客户了", "desc": "现在"},
            "quote_area": {"type": 0, "title": "建议", "quote_text": "您好,课程分三档"},
            "task_id": task_id,
            "button_list": [
                {"text": "已发送", "style": 1, "key": "done"},
                {"text": "稍后", "style": 2, "key": "later"},
            ],
            **card,
        },
    }
