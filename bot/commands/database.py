"""`flask db` and `flask quarantine`."""

from __future__ import annotations

import click
from flask.cli import with_appcontext
from sqlalchemy.exc import OperationalError

from bot.commands.terminal import console, fail, migrated_system, system_at_hand
from bot.intake.quarantine import replay_quarantine
from bot.platform.config.parsing import ConfigError
from bot.platform.database import schema
from bot.platform.environment import SurroundingsError


@click.group("db", help="数据库：升级与查看版本。")
def db() -> None: ...


@db.command("upgrade", help="把数据库升级到这一版（可重复运行）。")
@with_appcontext
def db_upgrade() -> None:
    system = system_at_hand()
    try:
        before, after = schema.upgrade(system.store.engine)
    except OperationalError as error:
        fail(f"连不上数据库：{error.orig}\n检查 TICI_DATABASE_URL")
    grown = "" if before == after else f"（原为版本 {before}）" if before else "（新建）"
    console.print(f"数据库已是版本 {after}{grown}")


@db.command("revise", hidden=True)
@click.argument("message")
@with_appcontext
def db_revise(message: str) -> None:
    """For developers: write the next migration from the models."""
    schema.write_migration(system_at_hand().store.engine, message)


@click.group("quarantine", help="隔离区：读不出的存档消息。")
def quarantine() -> None: ...


@quarantine.command("replay", help="补上私钥或升级之后，再读一遍隔离区。")
@with_appcontext
def quarantine_replay() -> None:
    system = migrated_system()
    try:
        freed, kept = replay_quarantine(system)
    except (ConfigError, SurroundingsError, ValueError) as error:
        fail(str(error))
    console.print(f"读出 {freed} 条，仍有 {kept} 条读不出")
