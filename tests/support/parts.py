"""Parts that tests combine: a small config, a sandbox on loopback, an environment of the test's own."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

from flask import Flask
from werkzeug.serving import make_server

from bot.commands.sandbox import QuietRequestHandler
from bot.platform.encryption import DataKeys, new_keys_text
from bot.sandbox.app import create_sandbox
from bot.sandbox.control import SandboxControl
from bot.sandbox.corp import add_key, key_versions, keys_folder, prepare, write_private

KEYS = DataKeys(new_keys_text())
AGENT, COLLEAGUE = "LinXiaoyu", "ChenGuoan"
ASK = "请问多少钱"
FIRST_STEP = "课程分三档，先看看目录，再决定学哪一档，不着急。"
CONFIG = f"""
[workspace]
name = "测试学堂"
workdays = "everyday"

[welcome]
say = "{{customer.name|您}}好，我是{{agent.name}}"

[[tags]]
group = "互动"
exclusive = true
names = ["已回复", "未回复"]

[[rules]]
id = "ask-price"
tag = "考虑价格"
any = ["多少钱"]
match = "text"

[[pipelines]]
name = "课程转化"
stages = [{{ name = "新线索", on = ["@added"] }}, {{ name = "考虑价格" }}, {{ name = "成交", on = [], won = true }}]

[[sops]]
id = "hello"
on = "@added"

  [[sops.steps]]
  after = "0m"
  anytime = true
  say = "打个招呼，问问平时喜欢拍什么。"

[[sops]]
id = "price"
stage = "考虑价格"
stop = ["reply", "moved"]

  [[sops.steps]]
  after = "0m"
  anytime = true
  say = "{FIRST_STEP}"
  reply_window = "24h"
  on_reply = "已回复"
  on_silence = "未回复"

  [[sops.steps]]
  after = "1d"
  anytime = true
  say = "第二天再问一句，目录看得怎么样了。"
"""


@dataclass(frozen=True)
class Town:
    """A sandbox on loopback: its remote control, its port, and the environment variables that connect Tici to it."""

    control: SandboxControl
    port: int
    variables: dict[str, str]


@contextmanager
def listening() -> Iterator[socket.socket]:
    """A listening socket: its port cannot be taken by another process meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen(128)
        yield held


@contextmanager
def served(app: Flask, on: socket.socket | None = None) -> Iterator[int]:
    """Serve an app on loopback from a thread, on a free port or a listening socket; yields the port."""
    port, fd = (0, None) if on is None else (on.getsockname()[1], on.fileno())
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=QuietRequestHandler, fd=fd)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def open_town(folder: Path, callbacks_to: str = "http://127.0.0.1:1") -> Iterator[Town]:
    """A sandbox whose state lies in `folder` and whose callbacks go to this address."""
    if not keys_folder(folder).exists():
        keys_folder(folder).mkdir(mode=0o700, parents=True)
        write_private(keys_folder(folder) / "private_key_v1.pem", _first_key())
    app = create_sandbox(folder, f"{callbacks_to}/wecom/callback", f"{callbacks_to}/wecom/archive")
    with served(app) as port:
        control = SandboxControl(f"http://127.0.0.1:{port}")
        control.switches(notify_gap=0.05, retry_gap=0.1)
        yield Town(control, port, prepare(folder, port))
        app.extensions["courier"].stop()
    app.extensions["sandbox"].ledger.close()


@cache
def _first_key() -> bytes:
    """The first archive key of every sandbox of a test run: making one takes longer than many a test."""
    with TemporaryDirectory(prefix="tici-key-") as folder:
        version = add_key(Path(folder))
        return key_versions(Path(folder))[version].read_bytes()


def variables(folder: Path, town: Town | None = None, **more: str) -> dict[str, str]:
    """The environment of a system whose files lie in `folder`; writes the small config unless one is there."""
    config = folder / "config.toml"
    if not config.exists():
        config.write_text(CONFIG, encoding="utf-8")
    return {
        "TICI_VAR": str(folder),
        "TICI_CONFIG": str(config),
        "TICI_CLOCK_FILE": str(folder / "clock"),
        "TICI_SECRET_KEY": "a key of the tests",
        "TICI_DATA_KEYS": KEYS.text,
        **(town.variables if town else {}),
        **more,
    }
