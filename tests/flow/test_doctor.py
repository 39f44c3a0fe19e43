"""The doctor against a whole running system: well, it finds nothing; with one thing broken, exactly that thing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, text

from bot.ops.doctor.examination import CHECKS, run_checks
from bot.ops.doctor.finding import BAD, OK, SKIPPED, WARN, Finding
from bot.ops.doctor.host import judge_space
from bot.platform import clock
from bot.platform.encryption import new_keys_text
from bot.platform.environment import read_environment
from bot.platform.models import Consent, Customer, Quarantine, Status
from bot.platform.queue import connect_redis
from bot.platform.valkey import ensure_valkey, stop_valkey
from bot.system import System
from bot.wecom.keyring import new_key
from tests.faults.nursery import Nursery
from tests.faults.world import World, open_world
from tests.support.english import chinese_left

CALLS, READS = ("externalcontact/*", "message/send"), ("msgaudit/*", "message/getchatdata")
FOLLOW_USERS, SEATS = "externalcontact/get_follow_user_list", "msgaudit/get_permit_user_list"
Scenario = Callable[[World], AbstractContextManager[System]]


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One whole system with worker, scheduler, web and WeCom for all scenarios; each leaves it well."""
    folder = tmp_path_factory.mktemp("doctor")
    url = ensure_valkey(folder / "queue")
    with pytest.MonkeyPatch.context() as patch, Nursery() as nursery:
        with open_world(folder, f"sqlite:///{folder / 'tici.db'}", url, nursery, patch) as world:
            given = {**world.variables, "TICI_BASE_URL": f"http://127.0.0.1:{world.web_port}"}
            world.variables.update(given)
            world.start("worker")
            world.start("scheduler")
            fine = asked(world)
            world.until(lambda: not ills(fine), 60)
            yield world
    stop_valkey(folder / "queue")


def asked(world: World, **more: str) -> System:
    """The System that `flask doctor` works on in a terminal with these variables."""
    return System(read_environment({**world.variables, **more}))


def results(system: System) -> dict[str, Finding]:
    found = {check.name: finding for check, finding in run_checks(system, clock.now())}
    assert list(found) == [check.name for check in CHECKS]
    return found


def ills(system: System) -> dict[str, str]:
    """What is found wrong, by check."""
    return {name: one.level for name, one in results(system).items() if one.level in (BAD, WARN)}


@contextmanager
def variables(world: World, **more: str) -> Iterator[System]:
    system = asked(world, **more)
    yield system
    system.store.close()


@contextmanager
def answers(world: World, *paths: str, **plan: Any) -> Iterator[System]:
    """WeCom answers these calls so: errcode=..., or text=... as it has it."""
    for path in paths:
        world.control.fault(path, times=-1, **plan)
    with variables(world) as system:
        yield system
    world.control.clear_faults()


@contextmanager
def clock_off(world: World) -> Iterator[System]:
    """WeCom's clock is twenty minutes ahead of ours."""
    world.control.switches(clock_seconds=1200)
    with variables(world) as system:
        yield system
    world.control.switches(clock_seconds=0)


@contextmanager
def quarantined(world: World, version: int, reason: str = "缺少私钥") -> Iterator[System]:
    row = Quarantine(
        seq=10**9, msgid="q", publickey_ver=version, sealed={}, reason=reason, attempts=1, created_at=clock.now()
    )
    with world.system.store.write() as session:
        session.add(row)
    with variables(world) as system:
        yield system
    with world.system.store.write() as session:
        session.execute(delete(Quarantine).where(Quarantine.seq == 10**9))


@contextmanager
def unlike_the_public_key(world: World) -> Iterator[System]:
    from bot.wecom.keyring import WrongKeyError

    with quarantined(world, 1, str(WrongKeyError(1))) as system:
        yield system


@contextmanager
def other_data_keys(world: World) -> Iterator[System]:
    with world.system.store.write() as session:
        session.add(Customer(external_userid="wmSealed", name="存着的客户", created_at=clock.now()))
    with variables(world, TICI_DATA_KEYS=new_keys_text()) as system:
        yield system


@contextmanager
def refused_consent(world: World) -> Iterator[System]:
    now = clock.now()
    with world.system.store.write() as session:
        customer = Customer(external_userid="wmRefused", name="不同意的客户", created_at=now)
        session.add(customer)
        session.flush()
        consent = Consent(customer_id=customer.id, kind="agent", whom="linxiaoyu", source="poll", refused_at=now)
        session.add(consent)
    with variables(world) as system:
        yield system
    with world.system.store.write() as session:
        session.execute(delete(Consent))


@contextmanager
def evicting_redis(world: World) -> Iterator[System]:
    with connect_redis(world.variables["TICI_REDIS_URL"]) as connection:
        connection.config_set("maxmemory", 10**9)
        connection.config_set("maxmemory-policy", "allkeys-lru")
        with variables(world) as system:
            yield system
        connection.config_set("maxmemory-policy", "noeviction")
        connection.config_set("maxmemory", 0)


@contextmanager
def older_release(world: World) -> Iterator[System]:
    with world.system.store.write() as session:
        ours = session.scalar(text("SELECT version_num FROM alembic_version"))
        session.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    with variables(world) as system:
        yield system
    with world.system.store.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = :ours"), {"ours": ours})


@contextmanager
def dead_scheduler(world: World) -> Iterator[System]:
    pid = world.started[1]
    os.kill(pid, 9)
    world.nursery.wait(pid)
    world.leases_end()
    with world.system.store.write() as session:
        session.execute(delete(Status).where(Status.name == "scheduler"))
    with variables(world) as system:
        yield system
    world.started[1] = world.start("scheduler")
    world.started.pop()


@contextmanager
def dead_worker(world: World) -> Iterator[System]:
    pid = world.started[0]
    os.kill(pid, 15)
    world.nursery.wait(pid)
    with variables(world) as system:
        yield system
    world.started[0] = world.start("worker")
    world.started.pop()


@contextmanager
def wrong_library(world: World) -> Iterator[System]:
    path = world.folder / "libWeWorkFinanceSdk_C.so"
    path.write_bytes(b"\x7fELF" + bytes(14) + (40).to_bytes(2, "little"))  # 40: 32-bit ARM
    with variables(world, WECOM_ARCHIVE="native", WECOM_FINANCE_SDK=str(path)) as system:
        yield system


@contextmanager
def broken_config(world: World) -> Iterator[System]:
    path = Path(world.variables["TICI_CONFIG"])
    before = path.read_text(encoding="utf-8")
    path.write_text("[workspace\n", encoding="utf-8")
    with variables(world) as system:
        yield system
    path.write_text(before, encoding="utf-8")


@contextmanager
def other_key_folder(world: World) -> Iterator[System]:
    folder = world.folder / "no-keys"
    folder.mkdir(exist_ok=True)
    with variables(world, WECOM_PRIVATE_KEYS=str(folder)) as system:
        yield system


@contextmanager
def broken_pem(world: World) -> Iterator[System]:
    folder = world.folder / "broken-keys"
    folder.mkdir(exist_ok=True)
    new_key(folder)
    (folder / "private_key_v1.pem").write_text("-----BEGIN nothing")
    with variables(world, WECOM_PRIVATE_KEYS=str(folder)) as system:
        yield system


SCENARIOS: dict[str, tuple[Scenario, str, str]] = {
    "config broken by hand": (broken_config, "config", BAD),
    "database of another release": (older_release, "migrations", BAD),
    "other data keys": (other_data_keys, "data-keys", BAD),
    "database gone": (lambda w: variables(w, TICI_DATABASE_URL="postgresql://x@127.0.0.1:1/none"), "database", BAD),
    "queue gone": (lambda w: variables(w, TICI_REDIS_URL="redis://127.0.0.1:1/0"), "redis", BAD),
    "queue that drops jobs": (evicting_redis, "redis-policy", BAD),
    "no worker": (dead_worker, "workers", BAD),
    "no scheduler": (dead_scheduler, "scheduler", BAD),
    "no way to WeCom": (lambda w: variables(w, WECOM_API_URL="http://127.0.0.1:1/cgi-bin"), "network", BAD),
    "clock off": (clock_off, "clock", BAD),
    "wrong corp id": (lambda w: variables(w, WECOM_CORP_ID="ww0000000000000000"), "corp-id", BAD),
    "wrong app secret": (lambda w: variables(w, WECOM_APP_SECRET="wrong"), "app-secret", BAD),
    "wrong archive secret": (lambda w: variables(w, WECOM_ARCHIVE_SECRET="wrong"), "archive-secret", BAD),
    "address not trusted by the app": (
        lambda w: answers(w, *CALLS, errcode=60020), "app-ip", BAD,
    ),
    "address not trusted by the archive": (
        lambda w: answers(w, *READS, errcode=301042), "archive-ip", BAD,
    ),
    "app switched off": (lambda w: answers(w, *CALLS, errcode=50003), "app-enabled", BAD),
    "wrong agentid": (lambda w: variables(w, WECOM_APP_ID="1000099"), "app-id", BAD),
    "app not among the callers": (
        lambda w: answers(w, FOLLOW_USERS, errcode=48002), "contact-right", BAD,
    ),
    "nobody may have customers": (
        lambda w: answers(w, FOLLOW_USERS, text='{"errcode":0,"follow_user":[]}'), "contact-members", BAD),
    "archive not bought": (lambda w: answers(w, *READS, errcode=301053), "archive-open", BAD),
    "archive over": (lambda w: answers(w, *READS, errcode=301052), "archive-open", BAD),
    "no seat given": (lambda w: answers(w, SEATS, text='{"errcode":0,"ids":[]}'), "archive-open", BAD),
    "a seat forgotten": (lambda w: answers(w, SEATS, text='{"errcode":0,"ids":["LinXiaoyu"]}'), "seats", WARN),
    "library missing": (lambda w: variables(w, WECOM_ARCHIVE="native"), "sdk", BAD),
    "library of another processor": (wrong_library, "sdk", BAD),
    "archive refuses": (lambda w: answers(w, "message/getchatdata", errcode=301059), "archive-read", BAD),
    "no private key": (other_key_folder, "private-keys", BAD),
    "private key damaged": (broken_pem, "private-keys", BAD),
    "key version forgotten": (lambda w: quarantined(w, 7), "key-versions", BAD),
    "key of another pair": (unlike_the_public_key, "key-versions", BAD),
    "customer refuses": (refused_consent, "unagreed", WARN),
    "public address wrong": (lambda w: variables(w, TICI_BASE_URL="http://127.0.0.1:1"), "public-url", BAD),
    "callback token differs": (lambda w: variables(w, WECOM_CALLBACK_TOKEN="another"), "callback", BAD),
    "archive callback key differs": (
        lambda w: variables(w, WECOM_ARCHIVE_CALLBACK_AES_KEY="B" * 43), "archive-callback", BAD,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_doctor_names_exactly_what_is_broken(patient: World, name: str) -> None:
    scenario, check, level = SCENARIOS[name]
    with scenario(patient) as system:
        found = results(system)
        assert {n: one.level for n, one in found.items() if one.level in (BAD, WARN)} == {check: level}
        assert found[check].mend
        for one in found.values():
            assert [chinese_left(text) for text in (one.found, one.mend, one.waits_for)] == ["", "", ""]
        assert "检查本身出错" not in str(found[check].found), "a check that broke is no diagnosis"
        assert all(one.waits_for for one in found.values() if one.level == SKIPPED)
    well = asked(patient)
    patient.until(lambda: not ills(well), 60)
    well.store.close()


def test_a_full_disk_is_told_before_it_is_full() -> None:
    assert judge_space(10 * 1024**3, True).level == OK
    assert judge_space(1024**3, True).level == WARN
    assert judge_space(1024**2, True).level == BAD
    assert judge_space(10 * 1024**3, False).level == BAD
