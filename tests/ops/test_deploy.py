"""What is shipped for running Tici: containers, units, alarm rules and dashboard name only what there is."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from bot.commands.doctor import doctor
from bot.platform import clock
from bot.platform.environment import ROOT
from bot.platform.models import ArchiveCursor
from tests.support.site import Site

DEPLOY = ROOT / "docs" / "deploy"
OF_PROMETHEUS = {"up"}
_METRIC = re.compile(r"\btici_\w+")


def metrics_there_are(site: Site) -> set[str]:
    with site.store.write() as session:
        session.add(ArchiveCursor(corp_id="ww1", seq=1, attempts=0, pulled_at=clock.now() - timedelta(minutes=1)))
    text = site.app.test_client().get("/metrics").text
    return set(re.findall(r"^# HELP (\S+)", text, re.M))


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((DEPLOY / "prometheus-alerts.yml").read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_every_metric_of_alarms_and_dashboard_exists(site: Site) -> None:
    dashboard = json.loads((DEPLOY / "grafana-dashboard.json").read_text("utf-8"))
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    asked += [rule["expr"] for rule in rules()]
    named = {name for expression in asked for name in _METRIC.findall(expression)}
    assert len(named) > 10
    assert named - metrics_there_are(site) == set()
    assert {expression for expression in asked if not _METRIC.search(expression)} <= {
        'up{job="tici"}', 'up{job="tici"} == 0',
    }  # fmt: skip


def test_every_alarm_says_what_it_is_and_what_to_do() -> None:
    for rule in rules():
        assert rule["labels"]["severity"] in ("warning", "critical"), rule
        assert {"summary", "description"} <= rule["annotations"].keys(), rule
    assert len({rule["alert"] for rule in rules()}) == len(rules())


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
    return loaded


def test_containers_are_shut_in_and_watched() -> None:
    """Read-only, without rights to gain, with a health check each; none but Caddy is reached from outside."""
    given = compose()
    services: dict[str, dict[str, Any]] = given["services"]
    assert set(services) == {"caddy", "prepare", "web", "worker", "scheduler", "backup", "db", "queue"}
    image = (ROOT / "Dockerfile").read_text("utf-8")
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert "healthcheck" in service or (name == "web" and "HEALTHCHECK" in image), name
        assert {*service.get("depends_on", {})} <= set(services), name
        volumes = {str(volume).partition(":")[0] for volume in service["volumes"]}
        assert {volume for volume in volumes if not volume.startswith(".")} <= set(given["volumes"]), name
        assert set(service["networks"]) <= set(given["networks"]), name
    assert {name for name, service in services.items() if "ports" in service} == {"caddy"}
    assert "USER 10001:10001" in image
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", image, re.M)
    assert all((ROOT / name).exists() for line in copied for name in line.split())


def test_containers_are_given_variables_that_tici_reads() -> None:
    told = set(re.findall(r"`(TICI_\w+)`", (ROOT / "docs" / "operations.md").read_text("utf-8")))
    assert set(compose()["x-tici"]["environment"]) <= told
    checks = [service.get("healthcheck", {}).get("test", []) for service in compose()["services"].values()]
    asked = {check[-1] for check in checks if "doctor" in check}
    (only,) = (option for option in doctor.params if option.name == "only")
    assert asked == {"workers", "scheduler"}
    assert isinstance(only.type, click.Choice)
    assert asked <= set(only.type.choices)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for unit in (*DEPLOY.glob("*.service"), *DEPLOY.glob("*.timer")):
        text = unit.read_text("utf-8").replace("/srv/tici/.venv/bin", "/bin").replace("/bin/gunicorn", "/bin/true")
        text = text.replace("/bin/flask", "/bin/true").replace("/srv/tici", str(tmp_path))
        (tmp_path / unit.name.replace("tici@", "tici@worker")).write_text(text, encoding="utf-8")
    for unit in sorted(tmp_path.glob("tici*")):
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, ""), unit.name
