"""`flask seed`: a database of made-up customers, to try and time the pages at full size."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from bot.commands.bench.seeding import NotEmptyError, SeedSize, seed
from bot.commands.terminal import console, fail, migrated_system, progress_bar
from bot.platform import clock


@click.command("seed", help="在空数据库里造客户和消息，用来试页面、量速度（不要用在真数据上）。")
@click.option("--customers", default=1_000, show_default=True, type=click.IntRange(1, 1_000_000))
@click.option("--messages", default=20_000, show_default=True, type=click.IntRange(1, 20_000_000), help="大约多少条")
@click.option("--agents", default=50, show_default=True, type=click.IntRange(1, 10_000))
@with_appcontext
def seed_command(customers: int, messages: int, agents: int) -> None:
    system = migrated_system()
    with progress_bar("造客户") as progress:
        bar = progress.add_task("", total=customers)
        try:
            size = SeedSize(customers, messages, agents)
            seed(system.store, system.settings, size, clock.now(), lambda done: progress.advance(bar, done))
        except NotEmptyError:
            fail("数据库里已经有客户：造的客户不能和真的混在一起。请换一个空库（TICI_DATABASE_URL 或 TICI_VAR）")
    console.print(f"造好了 {customers} 位客户")
