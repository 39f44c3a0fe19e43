"""Stage: a sandbox and Tici's callback address in one process, so that dialogues are played without any other."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

from flask import Flask
from flask_wtf import CSRFProtect
from werkzeug.serving import make_server

from bot.commands.demo.scenes import Company
from bot.commands.sandbox import QuietRequestHandler
from bot.intake import callback
from bot.sandbox import console
from bot.sandbox.app import create_sandbox
from bot.sandbox.state import SWITCHES, Sandbox
from bot.system import System


@dataclass(frozen=True)
class Stage:
    """The sandbox that is played in."""

    sandbox: Sandbox

    def wait_for_callbacks(self, seconds: float = 30.0) -> bool:
        """Until every callback raised so far was answered; whether there was one."""
        ends, waited = time.monotonic() + seconds, False
        while time.monotonic() < ends:
            if self.sandbox.ledger.one("SELECT 1 FROM callbacks WHERE state = 'waiting' LIMIT 1") is None:
                break
            waited = True
            time.sleep(0.002)
        return waited


@contextmanager
def open_stage(folder: Path, port: int, system: System, company: Company) -> Iterator[Stage]:
    """The sandbox of `folder` on this port, with the company's own people, its callbacks received by `system`."""
    with ExitStack() as open_ones:
        address = open_ones.enter_context(_served(_receiver(system), 0))
        app = create_sandbox(folder, f"{address}/wecom/callback", f"{address}/wecom/archive", seeded=False)
        sandbox: Sandbox = app.extensions["sandbox"]
        _hire(sandbox, company)
        open_ones.enter_context(_served(app, port))
        open_ones.callback(sandbox.ledger.close)
        open_ones.callback(app.extensions["courier"].stop)
        sandbox.set_switch("notify_gap", 1e12)  # the rehearsal asks for itself, and the clock leaves late ones behind
        yield Stage(sandbox)
        sandbox.set_switch("notify_gap", SWITCHES["notify_gap"])


def _receiver(system: System) -> Flask:
    """Tici's callback address alone."""
    app = Flask("bot.intake")
    app.extensions |= {"tici": system, "tici-csrf": CSRFProtect()}
    callback.prepare(app, system)
    return app


@contextmanager
def _served(app: Flask, port: int) -> Iterator[str]:
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=QuietRequestHandler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _hire(sandbox: Sandbox, company: Company) -> None:
    """Departments and staff; a leader leads the first department and all who are in it."""
    sandbox.ledger.run("INSERT OR REPLACE INTO departments VALUES (1, 0, 1, ?)", company.name)
    for number, name in company.departments:
        sandbox.ledger.run("INSERT OR REPLACE INTO departments VALUES (?, 1, ?, ?)", number, number, name)
    first = company.departments[0][0]
    leaders = [person.userid for person in company.staff if person.leads]
    for person in company.staff:
        given = {"userid": person.userid, "name": person.name, "position": person.position, "departments": [first]}
        above = {"leads": [first]} if person.leads else {"leaders": leaders}
        console.edit_member(sandbox, {**given, **above})
