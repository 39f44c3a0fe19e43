"""Measures how fast a long archive is read: decrypted, and decrypted, judged and stored, beside RSA alone."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.commands.bench.ingest_stages import Costs, measure_stages
from bot.commands.bench.lag import QUESTION, SMALL_TALK
from bot.commands.bench.scratch_systems import Surroundings, scratch_system
from bot.intake.decrypt import open_rows
from bot.intake.pull import BATCH, pull
from bot.platform import clock
from bot.platform.garbage import look_seldom
from bot.system import System
from bot.wecom.archive import LARGEST_PULL, ArchiveSource, SandboxArchive, SealedRow
from bot.wecom.keyring import KeyRing

ROUNDS = 3
CUSTOMERS, AGENTS = 500, 30
ASKERS = 10  # one message in so many is a question that a rule may hit
ANSWERED = 3  # one message in so many is the agent's, with whom each customer stays
Sealer = Callable[[str, str], str]
"""Seals a message's JSON under a random key's characters."""


@dataclass(frozen=True)
class Speed:
    """Messages a second, medians of the rounds. whole: from the archive to the commit, rules and all. costs: of a run
    in one process alone, which other work on the machine disturbs less."""

    messages: int
    rsa_alone: float
    opened: float
    whole: float
    costs: Costs

    @property
    def opened_share(self) -> float:
        return self.opened / self.rsa_alone

    @property
    def whole_share(self) -> float:
        return self.whole / self.rsa_alone


class InMemoryArchive(SandboxArchive):
    """An archive in memory, sealed as the sandbox's."""

    def __init__(self, rows: Sequence[SealedRow]) -> None:
        self._rows = rows

    def pull(self, seq: int, limit: int = LARGEST_PULL) -> list[SealedRow]:
        """See ArchiveSource; row n has seq n + 1."""
        return list(self._rows[seq : seq + limit])


@dataclass(frozen=True)
class ArchiveKind:
    """How the archive that is read comes to be: what serves its rows, and how their messages are sealed."""

    open: Callable[[list[SealedRow]], ArchiveSource]
    seal: Sealer


def make_rows(count: int, seal: Sealer) -> tuple[KeyRing, list[SealedRow]]:
    """So many messages under one key pair; takes about 0.1 ms each."""
    key = generate_private_key(65537, 2048)
    now = int(clock.now().timestamp() * 1000) - count
    rows = [_row(key, number, now + number, seal) for number in range(count)]
    return KeyRing({1: key}), rows


def _row(key: RSAPrivateKey, number: int, at: int, seal: Sealer) -> SealedRow:
    secret = base64.b64encode(os.urandom(66)).decode()
    msgid = f"bench{number}_external"
    text = QUESTION if number % ASKERS == 0 else SMALL_TALK[number % len(SMALL_TALK)]
    customer, agent = f"wmBENCH{number % CUSTOMERS:025}", f"bench{number % CUSTOMERS % AGENTS}"
    answers = number // CUSTOMERS % ANSWERED == ANSWERED - 1
    people = {"from": agent, "tolist": [customer]} if answers else {"from": customer, "tolist": [agent]}
    head = {"msgid": msgid, "action": "send", "roomid": "", "msgtime": at, "msgtype": "text"}
    message = json.dumps({**head, **people, "text": {"content": text}}, ensure_ascii=False)
    wrapped = base64.b64encode(key.public_key().encrypt(secret.encode(), PKCS1v15())).decode()
    return SealedRow(number + 1, msgid, 1, wrapped, seal(secret, message))


def seal_as_sandbox(secret: str, message: str) -> str:
    """What SandboxArchive opens."""
    nonce = os.urandom(12)
    cipher = AESGCM(hashlib.sha256(secret.encode()).digest())
    return base64.b64encode(nonce + cipher.encrypt(nonce, message.encode(), None)).decode()


def measure(
    surroundings: Surroundings,
    count: int,
    progress: Callable[[], None] = lambda: None,
    kind: ArchiveKind | None = None,
) -> Speed:
    """Interleaved rounds, each in a new database; `progress` is called 3 * ROUNDS times.

    Raises RuntimeError where a message did not arrive.
    """
    kind = kind or ArchiveKind(InMemoryArchive, seal_as_sandbox)
    ring, rows = make_rows(count, kind.seal)
    archive = kind.open(rows)
    times: list[tuple[float, float, float]] = []
    for turn in range(ROUNDS):
        with _reading(surroundings, str(turn), ring, archive) as own:
            times.append(_round(own, rows, progress))
    rsa, opened, whole = (round(count / statistics.median(column), 1) for column in zip(*times, strict=True))
    with _reading(surroundings, "alone", ring, archive) as alone:
        costs = measure_stages(alone, rows)
    return Speed(count, rsa, opened, whole, costs)


def _round(own: System, rows: Sequence[SealedRow], progress: Callable[[], None]) -> tuple[float, float, float]:
    took = []
    for work in (_unwrap, _open, _ingest):
        began = time.perf_counter()
        if (done := work(own, rows)) != len(rows):
            raise RuntimeError(f"{work.__name__}: {done} of {len(rows)}")
        took.append(time.perf_counter() - began)
        progress()
    return took[0], took[1], took[2]


@contextmanager
def _reading(place: Surroundings, name: str, ring: KeyRing, archive: ArchiveSource) -> Iterator[System]:
    with scratch_system(place, name) as own:
        own.__dict__.update(keyring=ring, archive=archive)
        look_seldom()  # as a worker does
        yield own


def _batches(rows: Sequence[SealedRow]) -> list[Sequence[SealedRow]]:
    return [rows[at : at + BATCH] for at in range(0, len(rows), BATCH)]


def _unwrap(system: System, rows: Sequence[SealedRow]) -> int:
    return sum(isinstance(key, str) for batch in _batches(rows) for key in system.keyring.unwrap_many(batch))


def _open(system: System, rows: Sequence[SealedRow]) -> int:
    return sum(len(open_rows(system, batch)[0]) for batch in _batches(rows))


def _ingest(system: System, rows: Sequence[SealedRow]) -> int:
    stored = 0
    while done := pull(system):
        stored += done.rows - done.quarantined
        if not done.more:
            return stored
    return stored
