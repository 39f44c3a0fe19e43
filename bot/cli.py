"""Command line: adds Tici's commands to `flask`: `demo`, `worker`, `scheduler`, `init`, `check`, `status`, ...

A command's module is loaded when the command is asked for: most are run by hand or by a timer, where the start is
what one waits for.
"""

from __future__ import annotations

from importlib import import_module

import click
from flask import Flask
from flask.cli import AppGroup

from bot.commands.input_checks import guard

# What is typed, and where it is: module and name there. A group's own commands from further modules stand below.
_COMMANDS = {
    "admin": "bot.commands.admin:admin_group",
    "audit": "bot.commands.audit:audit_group",
    "backup": "bot.commands.backup:backup_group",
    "bench": "bot.commands.bench.command:bench",
    "board-link": "bot.commands.status:board_link",
    "check": "bot.commands.config:check",
    "customer": "bot.commands.customer:customer",
    "db": "bot.commands.database:db",
    "demo": "bot.commands.demo.command:demo_command",
    "doctor": "bot.commands.doctor:doctor",
    "given-up": "bot.commands.given_up:given_up",
    "init": "bot.commands.config:init",
    "keys": "bot.commands.archive_key_pairs:keys",
    "orders": "bot.commands.orders:orders",
    "privacy": "bot.commands.privacy:privacy",
    "promises": "bot.commands.heard:promises",
    "quarantine": "bot.commands.database:quarantine",
    "questions": "bot.commands.heard:questions",
    "queue": "bot.commands.processes:queue",
    "replay": "bot.commands.demo.command:replay_command",
    "restore": "bot.commands.backup:restore_command",
    "rules": "bot.commands.rules:rules",
    "sandbox": "bot.commands.sandbox:sandbox",
    "scheduler": "bot.commands.processes:run_scheduler",
    "seed": "bot.commands.bench.seed_command:seed_command",
    "setup": "bot.commands.setup:setup_command",
    "sop": "bot.commands.sop:sop",
    "status": "bot.commands.status:show_status",
    "suggest": "bot.commands.suggest:suggest",
    "upgrade": "bot.commands.upgrade:upgrade",
    "wecom": "bot.commands.wecom:wecom",
    "worker": "bot.commands.processes:run_worker",
}
_PARTS = {
    "audit": ("bot.commands.privacy:audit_log",),
    "bench": (
        "bot.commands.bench.growth_command:bench_growth",
        "bot.commands.bench.ingest_command:bench_ingest",
        "bot.commands.bench.models_command:bench_models",
        "bot.commands.bench.pace_commands:bench_callback",
        "bot.commands.bench.pace_commands:bench_deliver",
        "bot.commands.bench.pace_commands:bench_due",
        "bot.commands.bench.suggest:bench_suggest",
    ),
    "customer": ("bot.commands.privacy:export_customer", "bot.commands.privacy:erase_customer"),
    "keys": (
        "bot.commands.archive_keys:check_keys",
        "bot.commands.keys:data_line",
        "bot.commands.keys:rotate_keys",
    ),
    "rules": (
        "bot.commands.rule_studies:backtest",
        "bot.commands.rule_studies:coverage",
        "bot.commands.rule_studies:evaluate_rules",
        "bot.commands.rule_studies:mine_rules",
    ),
    "sop": ("bot.commands.sends:sends",),
}
# Those who answer pages themselves, two of Flask's own among them. All others leave the pages' modules unread.
WITH_PAGES = frozenset({"bench", "routes", "run", "shell"})


class CommandTable(AppGroup):
    """The commands of the table; each is loaded the first time that it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_COMMANDS})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _COMMANDS and cmd_name not in self.commands:
            self.add_command(_whole(cmd_name))
        return super().get_command(ctx, cmd_name)


def register(app: Flask) -> None:
    """Give the app its commands beside Flask's own."""
    app.cli = CommandTable(app.name)


def _whole(name: str) -> click.Command:
    """A command with the parts that its group has elsewhere, guarded against odd arguments."""
    command = _loaded(_COMMANDS[name])
    if isinstance(command, click.Group):
        for part in _PARTS.get(name, ()):
            command.add_command(_loaded(part))
    guard(command)
    return command


def _loaded(where: str) -> click.Command:
    module, _, name = where.partition(":")
    command: click.Command = getattr(import_module(module), name)
    return command
