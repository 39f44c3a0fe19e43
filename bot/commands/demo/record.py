"""Records a demo company anew: rehearses its dialogues in a folder of its own and keeps what that left."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from datetime import datetime, time
from pathlib import Path

from bot.commands.demo.recording import keep, path_of
from bot.commands.demo.rehearsal import Rehearsal
from bot.commands.demo.scenes import FOLDER, Company, read_company
from bot.commands.demo.stack import Stack
from bot.commands.demo.stage import open_stage
from bot.platform.environment import ROOT
from bot.sync.directory import take_in_staff
from bot.system import use_system

OPENS = time(10, 30)  # the agents have worked for an hour and a half, and much is due today
NOTHING_RUNS = frozenset({"sandbox", "web", "worker-1", "scheduler"})
_BOOKS = ROOT / "bot" / "platform" / "config" / "playbooks"

Progress = Callable[[datetime], object]


def copy_of_playbook(playbook: str, folder: Path) -> Path:
    """The playbook as a config of this folder's own, which may be edited; one that is there already stays."""
    copy = folder / "config.toml"
    if not copy.exists():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_BOOKS / f"{playbook}.toml", copy)
    return copy


def record(playbook: str, progress: Progress) -> Path:
    """Rehearse the company of a playbook and keep it; takes minutes. `progress` is told the time in the play."""
    company = read_company(FOLDER / f"{playbook}.txt")
    with tempfile.TemporaryDirectory(prefix="tici-record-") as made:
        folder = Path(made)
        with Stack(folder, copy_of_playbook(playbook, folder), without=NOTHING_RUNS) as stack:
            present = rehearse(stack, company, progress)
        keep(folder, path_of(playbook), present)
    return path_of(playbook)


def rehearse(stack: Stack, company: Company, progress: Progress) -> datetime:
    """Play all dialogues of a company in a new stack that runs no processes; returns the last moment."""
    use_system(stack.system)
    present = datetime.combine(company.today, OPENS, stack.system.settings.zone)
    with open_stage(stack.folder / "sandbox", stack.sandbox_port, stack.system, company) as stage:
        take_in_staff(stack.system)
        Rehearsal(stack.system, stage, company).play(present, progress)
    return present
