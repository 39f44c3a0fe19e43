"""Decrypt: archive rows into messages; what cannot be opened is kept with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.intake.messages import Arrived
from bot.wecom.archive import SealedRow
from bot.wecom.errors import UnreadableMessageError
from bot.wecom.keyring import KeyRingError
from bot.wecom.messages import read_message

if TYPE_CHECKING:
    from bot.system import System


@dataclass(frozen=True)
class Unopened:
    """A row that could not be read, and why."""

    row: SealedRow
    reason: str


def open_rows(system: System, rows: Sequence[SealedRow]) -> tuple[list[Arrived], list[Unopened]]:
    """Decrypt and read rows; each that cannot be is returned with its reason, and stops no other."""
    keys = system.keyring.unwrap_many(rows)
    sealed = [
        (key, row.encrypt_chat_msg) for row, key in zip(rows, keys, strict=True) if not isinstance(key, KeyRingError)
    ]
    plain = iter(system.archive.decrypt_many(sealed))
    opened: list[Arrived] = []
    unopened: list[Unopened] = []
    for row, key in zip(rows, keys, strict=True):
        found = key if isinstance(key, KeyRingError) else next(plain)
        try:
            if isinstance(found, KeyRingError | UnreadableMessageError):
                raise found
            opened.append(Arrived(row.seq, read_message(found, msgid=row.msgid)))
        except (KeyRingError, UnreadableMessageError) as error:
            unopened.append(Unopened(row, error.reason))
    return opened, unopened
