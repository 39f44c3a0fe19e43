"""Edit choice: whether an edited SOP reaches those who are on it, who begins later only, or begins anew for all."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Literal, cast

from sqlalchemy.orm import Session

from bot.platform.database.audit_log import record
from bot.platform.database.store import get_status, set_status
from sop.playbook import Sop

STATUS = "sop_plans"
"""The Status row that says which config all plans follow: {version}."""
Reaching = Literal["all", "new", "anew"]
REACHING: tuple[Reaching, ...] = ("all", "new", "anew")


def choose(session: Session, sop: Sop, reaching: Reaching, who: str, now: datetime) -> None:
    """Remember whom this version of the SOP is to reach; it holds for as long as the SOP reads like this.

    Called before the config is saved: until the SOP reads so, the choice means nothing, and from then on it holds in
    every process, after restarts and after edits of anything else.
    """
    known = get_status(session, _name(sop.id))
    if known is None and reaching == "all":
        return
    set_status(session, _name(sop.id), {"plan": plan_digest(sop), "reaching": reaching}, now)
    look_at_plans_again(session, now)  # also where the text is as it was
    record(session, who, "sop.reach", f"sop:{sop.id}", now, reaching=reaching)


def look_at_plans_again(session: Session, now: datetime) -> None:
    """Have all plans compared with the config in force once more."""
    set_status(session, STATUS, {"version": ""}, now)


def reaching_of(session: Session, sop: Sop) -> Reaching:
    """Whom this version of the SOP reaches: all who are not yet prompted, unless something else was chosen."""
    known = get_status(session, _name(sop.id))
    if known is None or known.value["plan"] != plan_digest(sop) or known.value["reaching"] not in REACHING:
        return "all"
    return cast(Reaching, known.value["reaching"])


def plan_digest(sop: Sop) -> str:
    """A short name for all of an SOP that a planned task holds."""
    held = sop.model_dump_json(include={"steps", "channel", "priority"})
    return hashlib.sha256(held.encode()).hexdigest()[:16]


def _name(sop_id: str) -> str:
    return f"sop_reach:{sop_id}"[:64]
