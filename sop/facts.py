"""Facts: which of the values told of a customer's field stands, of those heard by rules and written by people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Told:
    """A value that was told, in the order in which it was recorded.

    by: human or rule. at: when a person wrote it, or when the customer said it. right: what a person judged of it,
    and when. withdrawn: the message it was heard in was taken back. An empty value: a person cleared the field.
    """

    value: str
    by: str
    at: datetime
    rule_id: str = ""
    right: bool | None = None
    judged_at: datetime | None = None
    withdrawn: bool = False


def standing(history: Sequence[Told]) -> Told | None:
    """Give the value that stands: a person's latest word, else what the customer said last; None where nothing does.

    A person's word is what they wrote, and what they found right. What they found wrong falls, and does not come back
    by the same rule. Once a person has cleared a field, what the customer says afterwards fills it again.
    """
    people = [one for one in history if _by_person(one)]
    latest = max(reversed(people), key=_decided_at, default=None)
    if latest is not None and latest.value:
        return latest
    since = None if latest is None else latest.at
    heard = [one for one in _believed(history) if since is None or one.at > since]
    return max(reversed(heard), key=lambda one: one.at, default=None)


def beside(history: Sequence[Told]) -> Told | None:
    """Give what the customer said differently after the person's word that stands: to be looked at by people."""
    stands = standing(history)
    if stands is None or not _by_person(stands):
        return None
    other = [one for one in _believed(history) if one.at > stands.at and one.value != stands.value]
    return max(other, key=lambda one: one.at, default=None)


def _believed(history: Sequence[Told]) -> list[Told]:
    wrong = {(one.rule_id, one.value) for one in history if one.right is False}
    return [
        one
        for one in history
        if one.by == "rule" and one.right is None and not one.withdrawn and (one.rule_id, one.value) not in wrong
    ]


def _by_person(one: Told) -> bool:
    return one.by == "human" or one.right is True


def _decided_at(one: Told) -> datetime:
    return one.judged_at or one.at
