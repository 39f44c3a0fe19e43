"""`flask worker`, `flask scheduler`, `flask queue`: the processes behind the pages."""

from __future__ import annotations

import click
from flask.cli import with_appcontext
from redis import RedisError

from bot.commands.terminal import console, fail, migrated_system, system_at_hand
from bot.platform import valkey
from bot.platform.config.parsing import ConfigError
from bot.platform.environment import SurroundingsError
from bot.worker import scheduler, worker


@click.command("worker", help="运行 worker：拉取存档、打标签、移动阶段、送出提醒。")
@click.option("--burst", is_flag=True, help="队列空了就结束")
@with_appcontext
def run_worker(burst: bool) -> None:
    system = migrated_system()
    try:
        system.environment.needs_wecom()
        worker.run(system, burst=burst)
    except (ConfigError, SurroundingsError) as error:
        fail(str(error))
    except RedisError as error:
        fail(f"连不上队列：{error}\n检查 TICI_REDIS_URL / cannot reach the queue")


@click.command("scheduler", help="运行调度器：到点的任务、计时移动、定期补漏。可以多开，只有一个在工作。")
@with_appcontext
def run_scheduler() -> None:
    system = migrated_system()
    scheduler.run(system)


@click.group("queue", help="内置队列（Valkey）。")
def queue() -> None: ...


@queue.command("stop", help="结束内置 Valkey（未送出的工作都在数据库里，不会丢）。")
@with_appcontext
def queue_stop() -> None:
    console.print("已结束" if valkey.stop_valkey(system_at_hand().environment.var) else "没有在运行")
