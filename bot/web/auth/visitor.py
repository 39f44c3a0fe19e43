"""Visitor: who looks at a page, with which role."""

from __future__ import annotations

from dataclasses import dataclass

from flask import abort
from flask_login import current_user

ADMIN, LEADER, AGENT, AUDITOR = "admin", "leader", "agent", "auditor"
WATCHER = "watcher"  # came by a board link: looks, and changes nothing
ROLES = (ADMIN, LEADER, AGENT, AUDITOR)
EVERYBODY = (*ROLES, WATCHER)
WORKING = (ADMIN, LEADER, AGENT)  # may change what they see


@dataclass(frozen=True)
class Visitor:
    """The person who is signed in. departments: of a leader, those whose agents' customers they see, as well as those
    of every department below."""

    account_id: int | None
    name: str
    role: str
    serial: int = 0
    agent_id: int | None = None
    userid: str = ""
    departments: tuple[int, ...] = ()

    is_authenticated = is_active = True  # what Flask-Login asks of whoever is signed in
    is_anonymous = False

    def get_id(self) -> str:
        return f"{self.account_id}:{self.serial}"

    @property
    def actor(self) -> str:
        """The name in ledgers and logs: the userid, else the local name."""
        return self.userid or self.name

    @property
    def may_change(self) -> bool:
        return self.role in WORKING


def visitor() -> Visitor:
    """The visitor; call it only behind `needs`."""
    found = visitor_or_none()
    if found is None:
        abort(401)
    return found


def visitor_or_none() -> Visitor | None:
    """The visitor, or None for a stranger."""
    found = current_user._get_current_object()
    return found if isinstance(found, Visitor) else None
