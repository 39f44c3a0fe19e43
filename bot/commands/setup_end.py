"""The end of the guided installation: config, database, the first admin, units or containers, and the doctor."""

from __future__ import annotations

import getpass
import shutil
from typing import TYPE_CHECKING

from sqlalchemy import select

from bot.agents import accounts
from bot.agents.passwords import generate_password
from bot.commands.terminal import console, operator
from bot.ops.doctor.examination import CHECKS
from bot.ops.setup.answers import account
from bot.ops.setup.questions import Question
from bot.platform import clock
from bot.platform.database import schema
from bot.platform.environment import ROOT, Environment, read_environment
from bot.platform.models import Account
from bot.system import System

if TYPE_CHECKING:
    from bot.commands.setup_dialog import Dialog

_ADMIN = Question("admin", "第一位管理员的登录名", "密码会生成并只显示这一次", account)
_BOOKS = ROOT / "bot" / "platform" / "config" / "playbooks"
_PROCESSES = ("redis", "redis-policy", "workers", "scheduler", "lag")  # they are started after this


def finish(dialog: Dialog) -> int:
    """Prepare what the processes need, make the first admin, say how to start; 0 where nothing is wrong."""
    if "TICI_CONFIG" not in dialog.values:
        dialog.keep("TICI_CONFIG", str(read_environment(dialog.values).var / "config.toml"))
    environment = read_environment(dialog.values)
    _prepare_config(environment)
    system = System(environment)
    schema.upgrade(system.store.engine)
    _make_admin(dialog, system)
    _offer_units(dialog)
    well = dialog.found([check.name for check in CHECKS if check.name not in _PROCESSES])
    system.store.close()
    told = dialog.say(
        "好了。启动以后，用自己的微信问员工一句「多少钱」，几秒后看 {base}/board", base=environment.base_url
    )
    console.print(f"\n{told}", highlight=False)
    return 0 if well else 2


def _prepare_config(environment: Environment) -> None:
    if not environment.config.exists():
        environment.config.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_BOOKS / "education.toml", environment.config)


def _make_admin(dialog: Dialog, system: System) -> None:
    with system.store.read() as session:
        there = session.scalar(
            select(Account.id).where(Account.role == "admin", Account.disabled_at.is_(None)).limit(1)
        )
    if there is not None:
        console.print(f"  [green]✓[/] {dialog.say('管理员')}：{dialog.say('已填')}", highlight=False)
        return
    name = dialog.answer(_ADMIN, "admin")
    password = generate_password()
    with system.store.write() as session:
        accounts.create_account(session, accounts.NewAccount(name, password, "admin"), operator(), clock.now())
    told = dialog.say("登录：{base}/sign-in，名字 {name}，密码 {password}（只显示这一次，登录后请更换）",
                      base=system.environment.base_url, name=name, password=password)  # fmt: skip
    console.print(f"  [green]✓[/] {told}", highlight=False, markup=True)


def _offer_units(dialog: Dialog) -> None:
    """Write systemd units for this folder, this user and this file; say how containers are started instead."""
    folder = read_environment(dialog.values).var / "units"
    folder.mkdir(parents=True, exist_ok=True)
    for unit in sorted((ROOT / "docs" / "deploy").glob("*.service")):
        text = unit.read_text(encoding="utf-8").replace("/srv/tici", str(ROOT))
        text = text.replace("/etc/tici.env", str(dialog.path.resolve())).replace(
            "User=tici", f"User={getpass.getuser()}"
        )
        (folder / unit.name).write_text(text, encoding="utf-8")
    told = dialog.say("systemd 的单元写在 {folder}，启动：", folder=folder)
    console.print(f"  {told}", highlight=False)
    console.print(f"    sudo cp {folder}/*.service /etc/systemd/system/ && sudo systemctl daemon-reload\n"
                  "    sudo systemctl enable --now tici-web tici@worker tici@scheduler", highlight=False)  # fmt: skip
