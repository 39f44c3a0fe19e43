"""Task refs: finds the task that a card, a signed link or a tracked link names.

A ref is a task's identity outside: no other task ever gets it, whatever is erased or restored. Tasks of before refs
have their id as their ref, so that what was sent then goes on meaning them, and nobody else.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.platform.models import SopTask

_LONGEST = 32


def find_task(session: Session, ref: str, *, lock: bool = False) -> SopTask | None:
    """The task of this ref; None where there is none (any more)."""
    if not 0 < len(ref) <= _LONGEST or not ref.isascii() or not ref.isalnum():
        return None
    query = select(SopTask).where(SopTask.ref == ref)
    return session.scalar(query.with_for_update(of=SopTask) if lock else query)


def card_name(task: SopTask) -> str:
    """WeCom's task_id of the task's present card; each prompt of a task is a card of its own."""
    return f"task_{task.ref}" + (f"_{task.prompts}" if task.prompts > 1 else "")
