"""What a heap of work does: a worker's memory, how long cards wait behind it, how quickly callbacks are answered.

python -m tests.chaos.pressure --messages 50000 --database sqlite
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from urllib.parse import urlencode

import click
from sqlalchemy import func, select

from bot.platform import clock
from bot.platform.models import Customer, Message, Outbox, SopTask
from bot.sandbox.callbacks import to_xml
from bot.sandbox.corp import ARCHIVE_APP_ID, load_corp
from bot.sandbox.sealing import CallbackSeal
from tests.chaos.__main__ import database, settle
from tests.chaos.city import City
from tests.support.parts import ASK

CHATTY = "wmCHATTY00000000000000000000000"
PACE = 0.05  # seconds between two callbacks


def memory(pid: int, what: str = "VmRSS") -> float:
    """Of a process, in MB; VmHWM is the most it ever had."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return round(next(int(line.split()[1]) for line in lines if line.startswith(what)) / 1024, 1)


class Caller:
    """Posts signed archive notices one after the other and keeps how long each answer took, in ms, by status."""

    def __init__(self, city: City) -> None:
        corp = load_corp(city.folder / "sandbox")
        self._port, self._corp_id = city.web_port, corp.corp_id
        self._seal = CallbackSeal(corp.corp_id, corp.archive_callback_token, corp.archive_callback_aes_key)
        self.took: list[float] = []
        self.statuses: set[int] = set()
        self._stop = Event()
        self._thread = Thread(target=self._run, daemon=True)

    def __enter__(self) -> Caller:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def call(self) -> None:
        stamp = str(int(clock.now().timestamp()))
        inner = to_xml([("ToUserName", self._corp_id), ("FromUserName", "sys"), ("CreateTime", int(stamp)),
                        ("MsgType", "event"), ("Event", "msgaudit_notify"), ("AgentID", ARCHIVE_APP_ID)])  # fmt: skip
        sealed = self._seal.encrypt(inner)
        query = urlencode({"msg_signature": self._seal.sign(stamp, "n", sealed), "timestamp": stamp, "nonce": "n"})
        body = to_xml([("ToUserName", self._corp_id), ("AgentID", str(ARCHIVE_APP_ID)), ("Encrypt", sealed)])
        begun = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        connection.request("POST", f"/wecom/archive?{query}", body.encode(), {"Content-Type": "text/xml"})
        self.statuses.add(connection.getresponse().status)
        connection.close()
        self.took.append((time.perf_counter() - begun) * 1000)

    def _run(self) -> None:
        while not self._stop.wait(PACE):
            self.call()

    def report(self) -> dict[str, object]:
        ordered = sorted(self.took)
        place = {"p50": 0.5, "p99": 0.99, "most": 1.0}
        spread = {name: round(ordered[min(len(ordered) - 1, int(len(ordered) * p))], 1) for name, p in place.items()}
        return {"calls": len(ordered), "statuses": sorted(self.statuses), **spread}


def count(city: City, model: type[Message] = Message) -> int:
    with city.system.store.read() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def until(done: Callable[[], bool], seconds: float = 900) -> None:
    ends = time.monotonic() + seconds
    while not done():
        if time.monotonic() > ends:
            raise click.ClickException("took too long")
        time.sleep(0.2)


def waits(city: City) -> list[float]:
    """Seconds from storing a question to its card on the phone."""
    with city.system.store.read() as session:
        rows = (
            select(Message.stored_at, Outbox.done_at)
            .join(Customer, Customer.id == Message.customer_id)
            .join(SopTask, (SopTask.customer_id == Customer.id) & (SopTask.step == 0))
            .join(Outbox, (Outbox.task_id == SopTask.id) & (Outbox.kind == "card"))
            .where(Message.role == "customer", Customer.external_userid != CHATTY, Outbox.done_at.is_not(None))
        )
        return sorted((done - stored).total_seconds() for stored, done in session.execute(rows) if done)


@click.command()
@click.option("--messages", default=50_000, show_default=True)
@click.option("--database", "kind", type=click.Choice(("sqlite", "postgresql")), default="sqlite", show_default=True)
def main(messages: int, kind: str) -> None:
    with tempfile.TemporaryDirectory(prefix="tici-pressure-") as made, database(kind, Path(made)) as (url, server):
        with City(Path(made), url, server, 1, 1) as city:
            click.echo(json.dumps(measure(city, messages), ensure_ascii=False, indent=1))


def measure(city: City, messages: int) -> dict[str, object]:
    """One worker: a little first, then a heap; callbacks all the while, at last with a frozen queue."""
    chat = {"from": CHATTY, "to": "Agent000", "text": "今天天气真好"}
    city.control.archive([chat] * 1000)
    until(lambda: count(city) >= 1000)
    settle(city)
    pid = city.pid_of("worker-1")
    assert pid is not None
    small = memory(pid)
    os.kill(pid, signal.SIGSTOP)
    heap = [chat if n % 1000 else {"from": f"wmASKS{n:025}", "to": f"Agent{n % 60:03}", "text": ASK}
            for n in range(messages)]  # fmt: skip
    city.control.archive(heap)
    os.kill(pid, signal.SIGCONT)
    begun = time.monotonic()
    with Caller(city) as caller:
        until(lambda: count(city) >= 1000 + messages)
    stored = time.monotonic() - begun
    settle(city)
    waited = waits(city)
    valkey = city.pid_of("valkey")
    assert valkey is not None
    frozen = Caller(city)
    os.kill(valkey, signal.SIGSTOP)
    try:
        for _ in range(100):
            frozen.call()
    finally:
        os.kill(valkey, signal.SIGCONT)
    return {
        "messages": messages, "load": os.getloadavg()[0], "seconds": round(stored, 1),
        "messages_per_second": round(messages / stored, 1),
        "worker_mb_before": small, "worker_mb_most": memory(pid, "VmHWM"),
        "cards": len(waited), "stored_to_card_p50": round(waited[len(waited) // 2], 2),
        "stored_to_card_most": round(waited[-1], 2), "callback_ms": caller.report(),
        "callback_ms_queue_frozen": frozen.report(),
    }  # fmt: skip


if __name__ == "__main__":
    main()
