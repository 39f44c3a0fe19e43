"""docs/wecom followed line by line in an empty directory, against the sandbox, as far as goes without root."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

import pytest

from bot.platform.environment import ROOT
from bot.platform.ports import free_port
from bot.platform.valkey import stop_valkey
from tests.support.parts import AGENT, Town, open_town

PAGES = ("docs/wecom.md", "docs/wecom.zh-CN.md")
# What only a server of one's own has. A line of the pages that begins otherwise is run.
NOT_HERE = (
    "sudo apt-get ", "sudo adduser ", "sudo git clone ", "sudo chown ", "sudo -u tici make ", "sudo certbot ",
    "sudo systemctl daemon-reload", "git -C /srv/tici pull", "make setup",
)  # fmt: skip
FINDINGS = ("flask doctor", "flask status")  # they end with 1 or 2 where something is left to do
FROM_STEP = {  # the variables that the console gives at each step
    2: ("WECOM_CORP_ID", "WECOM_APP_ID", "WECOM_APP_SECRET"),
    3: ("WECOM_CALLBACK_TOKEN", "WECOM_CALLBACK_AES_KEY"),
    6: ("WECOM_ARCHIVE_SECRET", "WECOM_ARCHIVE_CALLBACK_TOKEN", "WECOM_ARCHIVE_CALLBACK_AES_KEY"),
}


def steps(page: str) -> dict[int, list[list[str]]]:
    """The lines of every `sh` block, by the number of the step they stand under."""
    found: dict[int, list[list[str]]] = {}
    for number, body in re.findall(r"^## (\d+)\. (.*?)(?=^## |\Z)", (ROOT / page).read_text("utf-8"), re.M | re.S):
        found[int(number)] = [block.splitlines() for block in re.findall(r"```sh\n(.*?)```", body, re.S)]
    return found


def test_both_pages_say_the_same_commands() -> None:
    english, chinese = map(steps, PAGES)
    clone = next(line for line in chinese[1][0] if "git clone" in line)
    chinese[1][0][chinese[1][0].index(clone)] = next(line for line in english[1][0] if "git clone" in line)
    assert english == chinese


@dataclass
class Server:
    """A machine whose root is a folder: /srv/tici, /etc and /mnt lie in it, systemd is this class."""

    root: Path
    town: Town
    port: int
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    said: str = ""

    @property
    def home(self) -> Path:
        return self.root / "srv" / "tici"

    def here(self, text: str) -> str:
        """The same text for this machine."""
        text = re.sub(r"(?<![\w./])/(srv/tici|etc|mnt)\b", lambda found: f"{self.root}/{found[1]}", text)
        text = text.replace("https://your.domain", f"http://127.0.0.1:{self.port}")
        return text.replace("127.0.0.1:8000", f"127.0.0.1:{self.port}").replace(" -o tici -g tici", "")

    def install(self) -> None:
        """What `git clone` and `make setup` leave."""
        for name in ("bot", "sop", "taggers", "docs"):
            shutil.copytree(ROOT / name, self.home / name)
        for name in ("wsgi.py", "Makefile", "config.toml", "pyproject.toml"):
            shutil.copy(ROOT / name, self.home)
        (self.home / ".venv").symlink_to(Path(sys.prefix))
        for folder in ("etc/systemd/system", "etc/nginx/sites-available", "etc/nginx/sites-enabled", "mnt/safe"):
            (self.root / folder).mkdir(parents=True)
        for repository in (["init", "-q"], ["add", "wsgi.py"], ["commit", "-qm", "as cloned"]):
            names = ["-c", "user.name=t", "-c", "user.email=t@localhost"]
            subprocess.run(["git", "-C", self.home, *names, *repository], check=True)

    def fill(self, step: int) -> None:
        """Write into the environment file what the console gives at this step."""
        path = self.root / "etc" / "tici.env"
        text = self.here(path.read_text("utf-8"))
        for name in FROM_STEP.get(step, ()):
            assert f"#{name}=\n" in text, f"the form lacks {name}"
            text = text.replace(f"#{name}=", f"{name}={self.town.variables[name]}")
        path.write_text(text, "utf-8")

    def run(self, line: str) -> None:
        """One line of a page, as it stands there."""
        if line.startswith("sudo systemctl "):
            self.systemctl(*line.removeprefix("sudo systemctl ").replace("--now ", "").split())
        elif not line.startswith(NOT_HERE):
            begin = "cd /srv/tici && set -a && . /etc/tici.env && set +a && . .venv/bin/activate\n"
            begin = begin if (self.root / "etc" / "tici.env").exists() else "cd /srv/tici\n"
            here = self.here(begin + line.removeprefix("sudo "))
            done = subprocess.run(
                ["bash", "-e"], input=here, capture_output=True, text=True, env=self.surroundings, timeout=120
            )
            self.said = done.stdout + done.stderr
            assert done.returncode == 0 or line in FINDINGS, f"{line}\n{self.said}"

    def systemctl(self, action: str, *units: str) -> None:
        for unit in units:
            if action in ("stop", "restart"):
                self.stop(unit)
            if action != "stop":
                self.start(unit)

    def start(self, unit: str) -> None:
        """What systemd does by the unit file that was copied to it."""
        name, _, what = unit.partition("@")
        text = (self.root / "etc" / "systemd" / "system" / f"{name}{'@' if what else ''}.service").read_text("utf-8")
        given = dict(re.findall(r"^(\w+)=(.*)$", self.here(text), re.M))
        lines = Path(given["EnvironmentFile"]).read_text("utf-8").splitlines()
        variables = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
        log = (self.root / f"{unit}.log").open("ab")
        self.running[unit] = subprocess.Popen(
            given["ExecStart"].replace("%i", what).split(), cwd=given["WorkingDirectory"],
            env={**self.surroundings, **variables}, stdout=log, stderr=log,
        )  # fmt: skip
        log.close()
        if unit == "tici-web":
            self.until(self.answers, unit)

    def stop(self, unit: str) -> None:
        self.running[unit].send_signal(signal.SIGTERM)
        self.running.pop(unit).wait(60)

    def answers(self) -> bool:
        try:
            return bool(urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=2).status == 200)
        except OSError:
            return False

    def until(self, happened: object, unit: str = "tici@worker") -> None:
        ends = time.monotonic() + 90
        while not happened():  # type: ignore[operator]
            log = (self.root / f"{unit}.log").read_text("utf-8")
            assert time.monotonic() < ends, log[-3000:]
            assert self.running[unit].poll() is None, log[-3000:]
            time.sleep(0.1)

    @property
    def surroundings(self) -> dict[str, str]:
        """Nothing of ours but where the programs are, and WeCom's address: the console is not on the real one."""
        towards = {name: self.town.variables[name] for name in ("WECOM_ARCHIVE", "WECOM_API_URL")}
        return {"PATH": os.environ["PATH"], "HOME": str(self.root), "LANG": "C.UTF-8", **towards}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    port = free_port(0)
    with open_town(tmp_path / "console", f"http://127.0.0.1:{port}") as town:
        server = Server(tmp_path / "machine", town, port)
        yield server
        for unit in list(server.running):
            server.stop(unit)
        stop_valkey(server.home / "var")


@pytest.mark.timeout(900)  # some thirty commands and a dozen processes, one after the other
def test_the_page_can_be_followed_literally(server: Server, tmp_path: Path) -> None:
    server.install()
    (server.home / "WW_verify_0123456789abcdef.txt").write_text("0123456789abcdef")
    (server.root / "mnt" / "backups").mkdir()
    pages, doctor = steps(PAGES[0]), {}
    for number, blocks in pages.items():
        for block in blocks:
            for line in block:
                if number in FROM_STEP and line.startswith("sudo systemctl"):
                    server.fill(number)
                server.run(line)
                if line.startswith("sudo install"):
                    server.fill(1)
                after_line(server, line, tmp_path)
        if number in (1, 2, 3, 5, 6):
            server.run("flask doctor")
            doctor[number] = server.said
    assert "没有接入信息" in doctor[1]
    assert "没有接入信息" not in doctor[2]
    assert "只有本机能访问" in doctor[3]  # there is no domain here: the checks of callbacks wait for one
    assert "没有设置 WECOM_ARCHIVE_SECRET" in doctor[5]
    assert "没有运行" not in doctor[5]
    assert "没有设置 WECOM_ARCHIVE_SECRET" not in doctor[6]
    assert (server.root / "mnt" / "safe" / "data.keys").read_bytes() == (server.home / "var/data.keys").read_bytes()


def after_line(server: Server, line: str, tmp_path: Path) -> None:
    """What people do beside the commands: paste the public key, add an agent, ask for the price."""
    control = server.town.control
    if line == "flask keys new":
        shutil.copy(server.home / "var/keys/private_key_v1.pem", tmp_path / "console/keys/private_key_v1.pem")
    if line == "flask wecom import":
        control.add_customer(AGENT, "周敏", external_userid="wmDOCSzhoumin0000000000000000001")
        server.until(lambda: control.effects(0, "welcome") or control.effects(0, "mark_tag"))
    if line == "flask status":
        assert "还没有接入" not in server.said, server.said
