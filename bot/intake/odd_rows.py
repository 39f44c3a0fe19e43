"""Odd rows of the archive: a seq that jumps beyond reason. Such a row is kept, and the cursor does not follow it."""

from __future__ import annotations

from collections.abc import Sequence

from bot.intake.decrypt import UnreadableRow
from bot.wecom.archive import SealedRow
from taggers.translatable import Translatable

# A company's seq counts its messages. No outage is as long as this many, nor has an archive begun beyond the first.
JUMP, FIRST_JUMP = 10**9, 10**12
TOO_FAR = "seq 跳得离谱（从 {after} 到 {seq}）：没有跟过去，后面的照常读取"


def sort_out(rows: Sequence[SealedRow], after: int) -> tuple[list[SealedRow], list[UnreadableRow]]:
    """The rows that the cursor may follow from `after` on, and those whose seq jumps beyond all reason.

    Whoever followed such a seq would never see what comes after the rows before it.
    """
    followed: list[SealedRow] = []
    odd: list[UnreadableRow] = []
    for row in rows:
        if row.seq - after > (JUMP if after else FIRST_JUMP):
            odd.append(UnreadableRow(row, Translatable(TOO_FAR, after=after, seq=row.seq)))
        else:
            followed.append(row)
            after = row.seq
    return followed, odd
