"""Decrypt: opens archive rows; what cannot be opened is kept with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.intake.messages import OpenedRow
from bot.wecom.archive import SealedRow
from bot.wecom.errors import UnreadableMessageError
from bot.wecom.keyring import KeyRingError
from bot.wecom.messages import read_message

if TYPE_CHECKING:
    from bot.system import System


@dataclass(frozen=True)
class UnreadableRow:
    """A row that could not be read, and why."""

    row: SealedRow
    reason: str


def open_rows(system: System, rows: Sequence[SealedRow]) -> tuple[list[OpenedRow], list[UnreadableRow]]:
    """Decrypt and read rows; one that cannot be read is returned with its reason, and stops no other."""
    keys = system.keyring.unwrap_many(rows)
    # The keys of all rows first, on all cores (RSA is the slow part), then all texts in one go.
    sealed = [
        (key, row.encrypt_chat_msg) for row, key in zip(rows, keys, strict=True) if not isinstance(key, KeyRingError)
    ]
    plain = iter(system.archive.decrypt_many(sealed))
    opened: list[OpenedRow] = []
    unopened: list[UnreadableRow] = []
    for row, key in zip(rows, keys, strict=True):
        found = key if isinstance(key, KeyRingError) else next(plain)
        try:
            if isinstance(found, KeyRingError | UnreadableMessageError):
                raise found
            opened.append(OpenedRow(row.seq, read_message(found, msgid=row.msgid)))
        except (KeyRingError, UnreadableMessageError) as error:
            unopened.append(UnreadableRow(row, error.reason))
    return opened, unopened
