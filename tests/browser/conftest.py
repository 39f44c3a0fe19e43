"""A site that really listens on loopback, and the system's Chromium looking at it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from werkzeug.serving import make_server

from tests.support.sample_board import SampleBoard, fill_board
from tests.support.site import Site, open_site

# The shell without a window first: a page costs a fifth of the processor there.
BROWSERS = (Path("/usr/bin/chromium-headless-shell"), Path("/usr/bin/chromium"))
# Generous, since a busy machine is no defect: how long an expectation waits for something to appear.
expect.set_options(timeout=30_000)


@dataclass(frozen=True)
class Served:
    """A site with its story, and where it listens."""

    site: Site
    story: SampleBoard
    url: str


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A site on a free port, served by threads."""
    with open_site(tmp_path) as site:
        story = fill_board(site)
        server = make_server("127.0.0.1", 0, site.app, threaded=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield Served(site, story, f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser; where the system has none, the tests say so and are skipped."""
    order = reversed(BROWSERS) if os.environ.get("PWDEBUG") else BROWSERS  # which wants a window to show
    program = next((one for one in order if one.exists()), None)
    if program is None:
        pytest.skip("no browser: apt-get install chromium-headless-shell fonts-noto-cjk")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()
