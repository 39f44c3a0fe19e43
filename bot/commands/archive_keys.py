"""`flask keys check`: which of the archive's private keys fits what WeCom sends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import click
from flask.cli import with_appcontext
from sqlalchemy import select

from bot.commands.terminal import Table, console, fail, migrated_system
from bot.platform.environment import SurroundingsError
from bot.platform.models import ArchiveCursor, Quarantine
from bot.system import System
from bot.wecom.archive import SealedRow
from bot.wecom.errors import WeComError
from bot.wecom.keyring import KeyRing, KeyRingError

FITS = "配得上"
SAMPLE = 200  # rows tried from each place in the archive and from quarantine


@click.command("check", help="核对存档私钥：拿存档里和隔离区里的消息试一试，每一版私钥配不配得上。")
@with_appcontext
def check_keys() -> None:
    system = migrated_system()
    try:
        ring = system.keyring
        tried = try_keys(ring, {row.seq: row for row in _seen(system)}.values())
    except (SurroundingsError, ValueError, WeComError) as error:
        fail(str(error))
    table = Table("版本", "试了几条", "结果")
    for version in sorted({*ring.versions, *tried}):
        outcomes = tried.get(version, Counter())
        table.add_row(f"v{version}", str(outcomes.total()), "；".join(outcomes) or "试的消息里没有用这一版的")
    console.print(table)
    raise SystemExit(1 if any(set(outcomes) != {FITS} for outcomes in tried.values()) else 0)


def try_keys(ring: KeyRing, rows: Iterable[SealedRow]) -> dict[int, Counter[str]]:
    """By publickey_ver, how many rows ended how: FITS, or what is wrong in words."""
    tried: dict[int, Counter[str]] = {}
    for row in rows:
        outcome = ring.tried(row)
        told = outcome.reason if isinstance(outcome, KeyRingError) else FITS
        tried.setdefault(row.publickey_ver, Counter())[told] += 1
    return tried


def _seen(system: System) -> Iterable[SealedRow]:
    """What waits in quarantine, and of the archive what is oldest, what was read last and what comes next."""
    with system.store.read() as session:
        held = session.scalars(select(Quarantine.sealed).where(Quarantine.released_at.is_(None)).limit(SAMPLE)).all()
        cursor = session.scalar(select(ArchiveCursor.seq)) or 0
    yield from (SealedRow(**sealed) for sealed in held)
    for seq in (0, max(cursor - SAMPLE, 0), cursor):
        yield from system.archive.pull(seq, SAMPLE)
