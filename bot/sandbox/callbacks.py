"""Callbacks to Tici: stored first, then signed, encrypted, sent and, if need be, sent again."""

from __future__ import annotations

import http.client
import secrets
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode, urlsplit

from bot.sandbox.corp import APP_ID, ARCHIVE_APP_ID
from bot.sandbox.passive import take_reply
from bot.sandbox.state import Sandbox

ATTEMPTS = 4  # the first and three retries
SENDERS = 4
IDLE = 0.5

Value = str | int | Sequence["tuple[str, Value]"]
Fields = list[tuple[str, Value]]


def to_xml(fields: Sequence[tuple[str, Value]], root: str = "xml") -> str:
    """WeCom's XML: numbers bare, texts in CDATA, lists of pairs nested (a name may occur several times)."""
    return f"<{root}>{''.join(element(name, value) for name, value in fields)}</{root}>"


def element(name: str, value: Value) -> str:
    if isinstance(value, int):
        return f"<{name}>{value}</{name}>"
    if isinstance(value, str):
        return f"<{name}>{cdata(value)}</{name}>"
    return to_xml(value, root=name)


def cdata(text: str) -> str:
    printable = "".join(c for c in text if c in "\t\n\r" or (c >= " " and not "\ud800" <= c <= "\udfff"))
    return f"<![CDATA[{printable.replace(']]>', ']]]]><![CDATA[>')}]]>"


def raise_event(sandbox: Sandbox, event: str, fields: Fields, sender: str = "sys", target: str = "app") -> int:
    """Store an event for delivery; returns its id."""
    head = header(sandbox, sender, "event")
    return enqueue(sandbox, target, event, to_xml([*head, ("Event", event), *fields]))


def raise_text(sandbox: Sandbox, fields: Fields, sender: str) -> int:
    """Store a text that a member sent to the app for delivery; returns its id."""
    return enqueue(sandbox, "app", "text", to_xml([*header(sandbox, sender, "text"), *fields]))


def header(sandbox: Sandbox, sender: str, kind: str) -> Fields:
    """The fields with which every callback begins."""
    return [
        ("ToUserName", sandbox.corp.corp_id),
        ("FromUserName", sender),
        ("CreateTime", int(sandbox.now() - sandbox.switch("stale_seconds"))),
        ("MsgType", kind),
    ]


def enqueue(sandbox: Sandbox, target: str, event: str, xml: str) -> int:
    """Store one plain XML (and the copies the switch asks for) for delivery; returns the id of the last."""
    number = 0
    for _ in range(1 + sandbox.switch("duplicate_callbacks")):
        number = sandbox.ledger.add(
            "INSERT INTO callbacks (target, event, xml, created_at) VALUES (?, ?, ?, ?)",
            target,
            event,
            xml,
            sandbox.now(),
        )
    sandbox.wake.set()
    return number


def request_archive_notify(sandbox: Sandbox) -> None:
    """Have one msgaudit_notify sent for new messages in the archive, however many they are."""
    sandbox.ledger.set_setting("notify_owed", True)
    sandbox.wake.set()


class Courier:
    """Background threads that deliver the waiting callbacks of the ledger. A restart goes on where they stopped."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._stop = threading.Event()
        self._not_before: dict[int, float] = {}
        self._on_the_way: set[int] = set()
        self._lock = threading.Lock()
        self._notified = -1e9
        self._pool = ThreadPoolExecutor(SENDERS, thread_name_prefix="courier")
        self._thread = threading.Thread(target=self._work, name="courier", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self.sandbox.wake.set()
        self._thread.join(timeout=10)
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _work(self) -> None:
        while not self._stop.is_set():
            pause = self._round()
            self.sandbox.wake.wait(pause)
            self.sandbox.wake.clear()

    def _round(self) -> float:
        """Send all that is due; returns the seconds until something may be due again."""
        pause = min(IDLE, self._notify())
        waiting = self.sandbox.ledger.rows("SELECT id FROM callbacks WHERE state = 'waiting' ORDER BY id LIMIT 500")
        numbers = self._held_back([row["id"] for row in waiting])
        now = time.monotonic()
        for number in numbers:
            due = self._not_before.get(number, now)
            if due > now:
                pause = min(pause, due - now)
                continue
            with self._lock:
                if number in self._on_the_way:
                    continue
                self._on_the_way.add(number)
            self._pool.submit(self._send, number)
        return max(pause, 0.005)

    def _notify(self) -> float:
        """Send msgaudit_notify if one is requested and the gap is over; returns the seconds until it may be sent."""
        ledger = self.sandbox.ledger
        if not ledger.setting("notify_owed", False):
            return IDLE
        left = self._notified + self.sandbox.switch("notify_gap") - time.monotonic()
        if left > 0:
            return float(left)
        self._notified = time.monotonic()
        ledger.set_setting("notify_owed", False)
        raise_event(self.sandbox, "msgaudit_notify", [("AgentID", ARCHIVE_APP_ID)], target="archive")
        return IDLE

    def _held_back(self, numbers: list[int]) -> list[int]:
        """Under the reorder switch nothing is sent before that many are waiting; then the last goes first."""
        batch = self.sandbox.switch("reorder_callbacks")
        if not batch or not numbers or any(number in self._not_before for number in numbers):
            return numbers
        return numbers[::-1] if len(numbers) >= batch else []

    def _send(self, number: int) -> None:
        try:
            deliver(self.sandbox, number)
            with self._lock:
                self._not_before[number] = time.monotonic() + self.sandbox.switch("retry_gap")
                if self.sandbox.ledger.scalar("SELECT state FROM callbacks WHERE id = ?", number) != "waiting":
                    self._not_before.pop(number, None)
        finally:
            with self._lock:
                self._on_the_way.discard(number)
            self.sandbox.wake.set()


def deliver(sandbox: Sandbox, number: int) -> None:
    """Make one attempt to send a callback; its outcome goes into the ledger and the log of effects."""
    row = sandbox.ledger.one("SELECT * FROM callbacks WHERE id = ?", number)
    if row is None:
        return
    attempt = row["attempts"] + 1
    url = sandbox.url_of(row["target"])
    if url is None or (attempt == 1 and sandbox.spend("lose_callbacks")):
        state, outcome = "lost", "no address" if url is None else "lost by the switch"
    else:
        outcome = post(sandbox, row["target"], url, row["xml"])
        state = "delivered" if outcome == "ok" else "failed" if attempt >= ATTEMPTS else "waiting"
    with sandbox.ledger.transaction():
        sandbox.ledger.run("UPDATE callbacks SET attempts = ?, state = ? WHERE id = ?", attempt, state, number)
        sandbox.note("callback", callback=number, event=row["event"], attempt=attempt, state=state, outcome=outcome)


def post(sandbox: Sandbox, target: str, url: str, xml: str) -> str:
    """Post a callback; `ok` for 200 with an empty body or a valid passive reply, else what came instead."""
    seal = sandbox.seal_for(target)
    cipher_text = seal.encrypt(xml)
    timestamp = str(int(sandbox.now() - sandbox.switch("stale_seconds")))
    nonce = str(secrets.randbelow(10**10))
    signature = seal.sign(timestamp, nonce, cipher_text)
    query = urlencode({"msg_signature": signature, "timestamp": timestamp, "nonce": nonce})
    body = to_xml(
        [
            ("ToUserName", sandbox.corp.corp_id),
            ("AgentID", str(ARCHIVE_APP_ID if target == "archive" else APP_ID)),
            ("Encrypt", cipher_text),
        ]
    )
    try:
        status, answer = send(f"{url}{'&' if urlsplit(url).query else '?'}{query}", body, sandbox)
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    if status != 200:
        return f"HTTP {status}"
    return take_reply(sandbox, seal, answer)


def send(url: str, body: str, sandbox: Sandbox) -> tuple[int, bytes]:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=sandbox.switch("callback_timeout"))
    try:
        connection.request("POST", f"{parts.path or '/'}?{parts.query}", body.encode(), {"Content-Type": "text/xml"})
        response = connection.getresponse()
        return response.status, response.read(65_536)
    finally:
        connection.close()
