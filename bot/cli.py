"""Command line: adds Tici's commands to `flask`: `demo`, `worker`, `scheduler`, `init`, `check`, `status`, ..."""

from __future__ import annotations

from flask import Flask

from bot.commands.admin import admin_group
from bot.commands.archive_key_pairs import keys
from bot.commands.archive_keys import check_keys
from bot.commands.audit import audit_group
from bot.commands.backup import backup_group, restore_command
from bot.commands.bench.command import bench
from bot.commands.bench.growth_command import bench_growth
from bot.commands.bench.ingest_command import bench_ingest
from bot.commands.bench.models_command import bench_models
from bot.commands.bench.pace_commands import bench_callback, bench_deliver, bench_due
from bot.commands.bench.seed_command import seed_command
from bot.commands.bench.suggest import bench_suggest
from bot.commands.config import check, init
from bot.commands.customer import customer
from bot.commands.database import db, quarantine
from bot.commands.demo.command import demo_command, replay_command
from bot.commands.doctor import doctor
from bot.commands.given_up import given_up
from bot.commands.heard import promises, questions
from bot.commands.input_checks import guard
from bot.commands.keys import data_line, rotate_keys
from bot.commands.orders import orders
from bot.commands.privacy import erase_customer, export_customer, privacy
from bot.commands.processes import queue, run_scheduler, run_worker
from bot.commands.rules import rules
from bot.commands.sandbox import sandbox
from bot.commands.sends import sends
from bot.commands.setup import setup_command
from bot.commands.sop import sop
from bot.commands.status import board_link, show_status
from bot.commands.suggest import suggest
from bot.commands.upgrade import upgrade
from bot.commands.wecom import wecom


def register(app: Flask) -> None:
    """Add the commands to Flask's own."""
    sop.add_command(sends)
    for measured in (
        bench_ingest, bench_growth, bench_callback, bench_deliver, bench_due, bench_suggest, bench_models,
    ):  # fmt: skip
        bench.add_command(measured)
    keys.add_command(check_keys)
    keys.add_command(rotate_keys)
    keys.add_command(data_line)
    customer.add_command(export_customer)
    customer.add_command(erase_customer)
    for command in (privacy, demo_command, run_worker, run_scheduler, sandbox, init, check, replay_command,
                    show_status, db, board_link, quarantine, queue, keys, customer, rules, sop, bench, wecom,
                    admin_group, audit_group, seed_command, doctor, given_up, backup_group,
                    restore_command, promises, questions, suggest, orders, setup_command,
                    upgrade):  # fmt: skip
        guard(command)
        app.cli.add_command(command)
