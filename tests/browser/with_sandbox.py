"""The product beside a sandbox WeCom on loopback, both served by threads: a tap on a page really sends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.app import create_app
from bot.intake.pull import pull
from bot.platform import clock
from bot.platform.environment import read_environment
from bot.platform.models import Customer, SopTask
from bot.platform.signed_links import board_url
from bot.sandbox.app import create_sandbox
from bot.sandbox.control import SandboxControl
from bot.sandbox.corp import prepare
from bot.system import System, use_system
from tests.support.fresh import bring_up
from tests.support.parts import AGENT, ASK, CONFIG, KEYS, listening, served

CUSTOMER = "wmSEEDcustomer0000000000000000A1"  # Wang Haitang, whom the sandbox's first agent has


@dataclass(frozen=True)
class ProductWithSandbox:
    """A running product and its sandbox: where they listen, and how to drive them."""

    system: System
    control: SandboxControl
    web: str
    sandbox: str

    def pull(self) -> None:
        """Read what is new in the archive."""
        pull(self.system)

    def ask_price(self) -> None:
        """The customer asks, which plans the first step."""
        self.control.say(CUSTOMER, AGENT, ASK)
        self.pull()

    def tasks(self) -> list[SopTask]:
        with self.system.store.read() as session:
            mine = select(SopTask).join(Customer).where(Customer.external_userid == CUSTOMER)
            return list(session.scalars(mine.order_by(SopTask.id)))


@contextmanager
def product_with_sandbox(
    folder: Path, redis_url: str, patch: pytest.MonkeyPatch, config: str = CONFIG, demo: bool = True
) -> Iterator[ProductWithSandbox]:
    """Both, on ports of their own; in the demo the sandbox's phone shows our pages."""
    (folder / "config.toml").write_text(config, encoding="utf-8")
    with listening() as web_port, listening() as sandbox_port:
        web, box = (f"http://127.0.0.1:{port.getsockname()[1]}" for port in (web_port, sandbox_port))
        given = {
            **prepare(folder / "sandbox", sandbox_port.getsockname()[1]),
            "TICI_VAR": str(folder),
            "TICI_CONFIG": str(folder / "config.toml"),
            "TICI_BASE_URL": web,
            "WECOM_LOGIN_URL": box,
            "TICI_REDIS_URL": redis_url,
            "TICI_DATA_KEYS": KEYS.text,
            **({"TICI_CLOCK_FILE": str(folder / "clock"), "TICI_DEMO": "1"} if demo else {}),
        }
        if demo:
            patch.setenv("TICI_CLOCK_FILE", given["TICI_CLOCK_FILE"])
        system = System(read_environment(given))
        bring_up(system.store.engine)
        use_system(system)
        board = board_url(web, system.signing_key, clock.now())
        sandbox = create_sandbox(folder / "sandbox", f"{web}/wecom/callback", f"{web}/wecom/archive", board)
        with served(create_app(system), web_port), served(sandbox, sandbox_port):
            yield ProductWithSandbox(system, SandboxControl(box), web, box)
            sandbox.extensions["courier"].stop()
        sandbox.extensions["sandbox"].ledger.close()
        system.store.close()
