"""The archive's keys change in mid-stream, a key file is broken, the native library cannot be loaded: nothing is
lost, nothing is blamed on the messages, and a person is told once."""

from __future__ import annotations

import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from sqlalchemy import select

from bot.app import create_app
from bot.commands.archive_keys import FITS, try_keys
from bot.intake.pull import ALARM, PAUSE_SECONDS, POISON_TRIES, pull
from bot.intake.quarantine import replay_quarantine
from bot.platform import clock
from bot.platform.database.alarms import alarms
from bot.platform.models import ArchiveCursor, Customer, Message, Quarantine, StageMove
from bot.system import System
from bot.web.customers.conversation_rows import read_conversation
from bot.wecom.keyring import KeyRing
from bot.wecom.native import NativeArchive
from tests.faults.world import ANNE, BEN, World
from tests.support.parts import AGENT, ASK


def shown(world: World, who: str, page: int = 3) -> list[str]:
    """What the conversation page shows, oldest first, turned page by page."""
    with world.system.store.read() as session:
        customer = session.scalars(select(Customer).where(Customer.external_userid == who)).one()
        pages: list[list[str]] = []
        before: int | None = None
        while True:
            talk = read_conversation(session, customer.id, "", page, before)
            pages.insert(0, ["".join(piece.text for piece in bubble.pieces) for bubble in talk.bubbles])
            before = talk.earlier
            if before is None:
                return [text for one in pages for text in one]


def test_three_versions_in_one_stream_and_the_second_key_comes_late(world: World) -> None:
    """Rows of versions 1, 2 and 3 in one batch, all said in one and the same millisecond."""
    at = int(clock.now().timestamp() * 1000)
    said: list[str] = []

    def say(*words: str) -> None:
        world.control.archive([{"from": ANNE, "to": AGENT, "text": text, "at": at} for text in words])
        said.extend(words)

    say("一之一", "一之二")
    world.control.rotate_key(withheld=True)
    say("二之一", ASK, "二之三")
    world.control.rotate_key()
    say("三之一", "三之二")
    done = pull(world.system)
    assert (done.rows, done.quarantined) == (7, 3)
    assert shown(world, ANNE) == [text for text in said if text in ("一之一", "一之二", "三之一", "三之二")]
    with world.system.store.read() as session:
        assert set(session.scalars(select(Quarantine.publickey_ver))) == {2}
        assert session.scalars(select(ArchiveCursor.seq)).one() == 7
        assert [move.to_stage for move in session.scalars(select(StageMove))] == ["新线索"]
    world.control.publish_keys()
    assert replay_quarantine(world.system) == (3, 0)
    assert shown(world, ANNE) == said
    with world.system.store.read() as session:
        freed = session.scalars(select(Message).order_by(Message.id)).all()[-3:]
        assert [message.text for message in freed] == ["二之一", ASK, "二之三"]
        assert all(one.seq < other.seq for one, other in pairwise(freed))
        assert [move.to_stage for move in session.scalars(select(StageMove).order_by(StageMove.id))] == [
            "新线索",
            "考虑价格",
        ]


def names(world: World) -> list[str]:
    with world.system.store.read() as session:
        return [alarm.name for alarm in alarms(session)]


def native(world: World, library: Path | None) -> System:
    """The same system, whose archive is the native library at this path."""
    access = world.system.environment.needs_wecom()
    path = str(library) if library else None
    environment = replace(world.system.environment, wecom=replace(access, archive="native", finance_sdk=path))
    system = System(environment)
    for name in ("store", "queue"):
        system.__dict__[name] = getattr(world.system, name)
    return system


def test_a_library_that_is_missing_is_told_once_and_costs_no_message(lite_world: World, tmp_path: Path) -> None:
    world = lite_world
    world.talk((ANNE, "第一句"))
    for library in (None, tmp_path / "absent.so", Path(__file__)):
        system = native(world, library)
        for _ in range(10):
            assert pull(system).rows == 0
        with system.store.read() as session:
            (alarm,) = alarms(session)
            cursor = session.scalars(select(ArchiveCursor)).first()
        assert (alarm.name, "WECOM_FINANCE_SDK" in alarm.text) == (ALARM, True)
        assert cursor is None or cursor.attempts == 0
        if isinstance(system.__dict__.get("archive"), NativeArchive):
            system.archive.close()  # type: ignore[attr-defined]
        world.control.move_clock(PAUSE_SECONDS + 1)
    assert pull(world.system).rows == 1
    assert names(world) == []


def test_a_broken_key_file_stops_the_pull_and_spoils_no_message(lite_world: World) -> None:
    world = lite_world
    world.talk((ANNE, "第一句"), (BEN, "第二句"))
    folder = world.system.environment.needs_wecom().private_keys
    good = folder / "private_key_v1.pem"
    aside = folder / "aside"
    shutil.copy(good, aside)
    good.write_text("-----BEGIN PRIVATE KEY-----\nhalf a file")
    world.system.__dict__.pop("keyring", None)
    for _ in range(3 * POISON_TRIES):
        assert pull(world.system).rows == 0
        world.control.move_clock(PAUSE_SECONDS + 1)
    shutil.move(aside, good)
    done = pull(world.system)
    assert (done.rows, done.quarantined) == (2, 0)


def test_a_key_is_told_to_fit_to_be_wrong_or_to_be_missing(lite_world: World) -> None:
    world = lite_world
    world.talk((ANNE, "第一版"))
    world.control.rotate_key()
    world.talk((ANNE, "第二版"), (BEN, "第二版"))
    world.control.rotate_key(withheld=True)
    world.talk((ANNE, "第三版"))
    pull(world.system)
    ring = world.system.keyring
    rows = world.system.archive.pull(0)
    told = try_keys(KeyRing({1: ring.keys[1], 2: ring.keys[1]}), rows)
    assert told[1] == {FITS: 1}
    assert [("不是一对" in reason, count) for reason, count in told[2].items()] == [(True, 2)]
    assert [("缺少第 3 版" in reason, count) for reason, count in told[3].items()] == [(True, 1)]
    app = create_app()
    app.extensions["tici"] = world.system
    shown = app.test_cli_runner().invoke(args=["keys", "check"])
    assert shown.exit_code == 1, shown.output
    assert [line.count(FITS) for line in shown.output.splitlines() if " v" in line] == [1, 1, 0]
    world.control.publish_keys()
    assert app.test_cli_runner().invoke(args=["keys", "check"]).exit_code == 0
