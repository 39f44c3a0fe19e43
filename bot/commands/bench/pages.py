"""Measures the server's time for each page and the bytes of the first board, on what `flask seed` made."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from secrets import token_hex

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.agents.accounts import account_of
from bot.analytics import reports
from bot.platform import clock
from bot.platform.models import Account, Agent, ArchiveCursor, Customer, Follow, Message
from bot.system import System
from bot.wecom.errors import BotError

MOST_MS = 150.0  # the bound for the 95th percentile of every page
MOST_BYTES = 300 * 1024  # the bound for a first visit of the board, compressed, with its files
_WARM = 2
_DAYS = 30
_ASSET = re.compile(r'(?:src|href)="(/static/[^"#]+)')


@dataclass(frozen=True)
class Timing:
    """Milliseconds of one page's answers; cpu: of this process alone, whatever else the machine does."""

    page: str
    p50: float
    p95: float
    most: float
    cpu_p95: float


@dataclass(frozen=True)
class PageMeasurements:
    """One run. first_board: bytes; computing: seconds that each report takes behind its page."""

    customers: int
    messages: int
    database: str
    timings: tuple[Timing, ...]
    first_board: int
    computing: Mapping[str, float]

    @property
    def holds(self) -> bool:
        return self.first_board <= MOST_BYTES and all(timing.p95 <= MOST_MS for timing in self.timings)


@dataclass(frozen=True)
class KnownCustomers:
    """People whom the pages are asked about: those of the whole company, and those of the agent who asks."""

    everyone: tuple[tuple[int, str, str], ...]
    own: tuple[tuple[int, str, str], ...]

    def one(self, nth: int) -> tuple[int, str, str]:
        return self.everyone[nth % len(self.everyone)]

    def of_agent(self, nth: int) -> tuple[int, str, str]:
        return self.own[nth % len(self.own)]


class NotSeededError(BotError):
    """The database was not filled by `flask seed`: real people's pages are not opened for a measurement."""


Address = Callable[[KnownCustomers, int], str]


def run(app: Flask, rounds: int, advance: Callable[[], object]) -> PageMeasurements:
    """Ask for each page `rounds` times; raises NotSeededError."""
    system: System = app.extensions["tici"]
    _refuse_real_people(system)
    app.config["WTF_CSRF_ENABLED"] = False  # of this process alone
    stages = [stage.name for stage in system.settings.pipelines[0].stages]
    sop, rule = system.settings.tables.sops[0].id, system.settings.tables.rules[0].id
    with _visitors(app, system) as (clients, known):
        computing = {name: _computed(system, name) for name in reports.REPORTS}
        timings = []
        for page, (who, address) in _pages(stages, sop, rule).items():
            timings.append(_timing(page, app, clients[who], partial(address, known), rounds))
            advance()
        weight = _first_visit(clients["admin"], "/board")
    with system.store.read() as session:
        customers, messages = (session.scalar(select(func.max(model.id))) or 0 for model in (Customer, Message))
    return PageMeasurements(customers, messages, system.store.engine.dialect.name, tuple(timings), weight, computing)


def count() -> int:
    """How many pages there are to measure."""
    return len(_pages(["-"], "-", "-"))


def _pages(stages: list[str], sop: str, rule: str) -> dict[str, tuple[str, Address]]:
    """Every page: who asks, and for what at the nth time. An address that begins with + is posted."""
    return {
        "看板": ("admin", lambda known, nth: "/board"),
        "看板（主管）": ("leader", lambda known, nth: "/board"),
        "看板（员工）": ("agent", lambda known, nth: "/board"),
        "看板有变化": ("admin", lambda known, nth: "/board/changes?at=-&seen=notice:&seen=bar:"),
        "看板：没说话的人": ("admin", lambda known, nth: f"/board?silent=7&score={(10, 30)[nth % 2]}"),
        "看板：在等回复的，等得最久的在前": ("admin", lambda known, nth: "/board?waiting=1&sort=waiting"),
        "看板：等得最久的在前": ("leader", lambda known, nth: "/board?sort=waiting"),
        "看板：在等回复的（员工）": ("agent", lambda known, nth: "/board?waiting=1&sort=waiting"),
        "看板：找名字": ("admin", lambda known, nth: f"/board?q={known.one(nth)[2]}"),
        "看板：找常见的字": ("admin", lambda known, nth: f"/board?q={known.one(nth)[2][0]}"),
        "看板的下一页": (
            "admin",
            lambda known, nth: f"/board/column?stage={stages[nth % len(stages)]}&after={_long_ago(nth)}.0",
        ),
        "客户": ("admin", lambda known, nth: f"/c/{known.one(nth)[0]}"),
        "客户：时间线": ("admin", lambda known, nth: f"/c/{known.one(nth)[0]}/timeline?before=9999-01-01T00:00Z"),
        "任务": ("agent", lambda known, nth: "/tasks"),
        "任务（主管）": ("leader", lambda known, nth: "/tasks"),
        "任务（管理员）": ("admin", lambda known, nth: "/tasks"),
        "侧边栏": ("agent", lambda known, nth: f"+/sidebar/customer?external_userid={known.of_agent(nth)[1]}"),
        "规则": ("admin", lambda known, nth: "/rules"),
        "一条规则": ("admin", lambda known, nth: f"/rules/r/{rule}"),
        "SOP": ("admin", lambda known, nth: "/sops"),
        "一条 SOP": ("admin", lambda known, nth: f"/sops/s/{sop}"),
        "素材库": ("admin", lambda known, nth: "/sops/library"),
        **{f"报表：{title}": ("admin", _report(name)) for name, (title, _maker) in reports.REPORTS.items()},
        "群聊": ("admin", lambda known, nth: "/groups"),
        "设置": ("admin", lambda known, nth: "/admin"),
        "人员与角色": ("admin", lambda known, nth: "/admin/people"),
        "操作记录": ("admin", lambda known, nth: "/admin/log"),
        "查看记录": ("admin", lambda known, nth: "/admin/views"),
    }


def _report(name: str) -> Address:
    return lambda known, nth: f"/reports?report={name}&days={_DAYS}"


def _long_ago(nth: int) -> int:
    """A place in a column, as its pages name it: microseconds since 1970, some days back."""
    return (int(clock.now().timestamp()) - (nth % 60) * 86400) * 1_000_000


def _timing(page: str, app: Flask, client: FlaskClient, address: Callable[[int], str], rounds: int) -> Timing:
    spent: list[float] = []
    worked: list[float] = []
    for nth in range(-_WARM, rounds):
        app.extensions["tici-boards"] = type(
            app.extensions["tici-boards"]
        )()  # an empty cache: the full cost of a first visitor
        path = address(nth)
        began, used = time.perf_counter(), time.process_time()
        answer = _ask(client, path)
        taken, work = (time.perf_counter() - began) * 1000, (time.process_time() - used) * 1000
        if answer != 200:
            raise RuntimeError(f"{path}: {answer}")
        if nth >= 0:
            spent.append(taken)
            worked.append(work)
    return Timing(page, _share(spent, 0.5), _share(spent, 0.95), _share(spent, 1), _share(worked, 0.95))


def _ask(client: FlaskClient, path: str) -> int:
    if not path.startswith("+"):
        return client.get(path).status_code
    path, _, fields = path[1:].partition("?")
    return client.post(path, data=dict(part.split("=", 1) for part in fields.split("&"))).status_code


def _share(values: list[float], part: float) -> float:
    ordered = sorted(values)
    return round(ordered[min(int(len(ordered) * part), len(ordered) - 1)], 1)


def _first_visit(client: FlaskClient, path: str) -> int:
    """The bytes of a page and of every file of ours that it names, packed as browsers ask for it."""
    answer = client.get(path, headers={"Accept-Encoding": "gzip"})
    total = len(answer.data)
    for asset in set(_ASSET.findall(answer.text)):
        with client.get(asset.replace("&amp;", "&"), headers={"Accept-Encoding": "gzip"}) as file:
            total += len(file.data)
    return total


def _computed(system: System, name: str) -> float:
    began = time.perf_counter()
    request = reports.ReportRequest(name, _DAYS, None)
    reports.compute(system.store, system.settings, request, clock.now())
    return round(time.perf_counter() - began, 1)


def _refuse_real_people(system: System) -> None:
    with system.store.read() as session:
        if session.scalar(select(ArchiveCursor.corp_id).where(ArchiveCursor.corp_id == "seed")) is None:
            raise NotSeededError


@contextmanager
def _visitors(app: Flask, system: System) -> Iterator[tuple[dict[str, FlaskClient], KnownCustomers]]:
    """Browsers of an admin, a leader and an agent; their accounts go when it is over."""
    now = clock.now()
    with system.store.write() as session:
        agents = list(session.scalars(select(Agent).order_by(Agent.id).limit(2)))
        admin = Account(name=f"bench-{token_hex(4)}", role="admin", role_by="bench", created_at=now)
        session.add(admin)
        accounts = {"admin": admin, "agent": account_of(session, agents[0], now)}
        accounts["leader"] = account_of(session, agents[-1], now)
        for role, account in accounts.items():
            account.role, account.role_by = role, "bench"
        session.flush()
        keys = {role: account.id for role, account in accounts.items()}
        known = KnownCustomers(_some(session, None), _some(session, agents[0].id))
    try:
        yield {role: _browser(app, key, now) for role, key in keys.items()}, known
    finally:
        with system.store.write() as session:
            for key in keys.values():
                session.delete(session.get_one(Account, key))


def _some(session: Session, agent_id: int | None) -> tuple[tuple[int, str, str], ...]:
    """A hundred customers, spread over all there are."""
    last = session.scalar(select(func.max(Customer.id))) or 1
    query = select(Customer.id, Customer.external_userid, Customer.name).order_by(Customer.id).limit(100)
    if agent_id is not None:
        query = query.join(Follow, Follow.customer_id == Customer.id).where(Follow.agent_id == agent_id)
    else:
        query = query.where(Customer.id.in_(range(1, last + 1, max(last // 100, 1))))
    return tuple((row.id, row.external_userid, row.name) for row in session.execute(query))


def _browser(app: Flask, account_id: int, now: datetime) -> FlaskClient:
    client = app.test_client()
    at = int(now.timestamp())
    with client.session_transaction() as kept:
        kept.update({"_user_id": f"{account_id}:1", "since": at, "seen": at, "kind": "desk"})
    return client
