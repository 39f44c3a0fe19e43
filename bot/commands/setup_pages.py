"""Runs Tici's pages while the guided installation asks, so that WeCom's console can check their addresses."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from bot.commands.demo.stack import answers
from bot.platform.environment import ROOT

_SECONDS = 60.0


@dataclass
class SetupPages:
    """The web process of the installation; none where one that is not ours answers on the port already."""

    process: subprocess.Popen[bytes] | None = None

    def show(self, values: Mapping[str, str]) -> None:
        """Have the pages run with these variables; returns when they answer."""
        self.end()
        url = urlsplit(values.get("TICI_BASE_URL", ""))
        port = url.port if url.scheme == "http" and url.port else 8000
        if answers(f"http://127.0.0.1:{port}/healthz"):
            return  # tici-web runs: whoever runs it restarts it
        command = [sys.executable, "-m", "gunicorn", "--worker-class", "gthread", "--threads", "8",
                   "--bind", f"127.0.0.1:{port}", "--no-control-socket", "wsgi:app"]  # fmt: skip
        self.process = subprocess.Popen(  # noqa: S603 - our own command
            command, cwd=ROOT, env={**os.environ, **values}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        ends = time.monotonic() + _SECONDS
        while (
            time.monotonic() < ends
            and self.process.poll() is None
            and not answers(f"http://127.0.0.1:{port}/healthz")
        ):
            time.sleep(0.2)

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)
        self.process = None


@contextmanager
def setup_pages() -> Iterator[SetupPages]:
    """The pages, ended at the end."""
    pages = SetupPages()
    try:
        yield pages
    finally:
        pages.end()
