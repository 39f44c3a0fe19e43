"""Step identity: which step of an edited SOP is which of the version before, however steps were inserted or moved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import pairwise

from rapidfuzz import fuzz

from sop.playbook import Sop, Step

_ALIKE = 60.0  # per cent: wordings less alike than this are not an edit of one another
_TIMING = {"after", "at", "on_date", "anytime"}


def match_steps(old: Sequence[Step], new: Sequence[Step]) -> dict[int, int]:
    """Give for each old step the new one it has become (both counted from 0); a step that was taken out is missing.

    First those that say the same are matched, then those that share a wording, then those whose wordings are alike.
    Of what is left between the same neighbours, which was written anew, as many as there were are matched in their
    order, or where their number has changed those due at the same time.
    """
    found = _as_many(old, new)
    for same in (_equal, _shares_a_wording):
        _match_in_order(found, old, new, same)
    _match_alike(found, old, new)
    _match_between(found, old, new)
    return found


def timing_changed(before: Step, after: Step) -> bool:
    """Whether a step is due at another time than it was."""
    return before.model_dump(include=_TIMING) != after.model_dump(include=_TIMING)


def variant_of(step: Step, variant: int, wording: str) -> int:
    """Which wording of an edited step a customer has: the one they had if it is there, else that in its place."""
    return step.say.index(wording) if wording in step.say else variant % len(step.say)


def plans_differ(old: Sop, new: Sop) -> bool:
    """Whether anything that a planned task holds is not as it was."""
    return (old.steps, old.channel, old.priority) != (new.steps, new.channel, new.priority)


def moved_expiry(expires_at_offset: timedelta, before: Step, after: Step) -> timedelta:
    """How long after its time a task is valid, where it was so long before the step was edited."""
    return expires_at_offset + (after.valid_for - before.valid_for)


def _as_many(old: Sequence[Step], new: Sequence[Step]) -> dict[int, int]:
    """Match steps that say the same, in their order, where there are as many of them as before."""
    found: dict[int, int] = {}
    for say in dict.fromkeys(step.say for step in old):
        ours = [i for i, step in enumerate(old) if step.say == say]
        theirs = [j for j, step in enumerate(new) if step.say == say]
        if len(ours) == len(theirs):
            found.update(zip(ours, theirs, strict=True))
    return found


def _equal(before: Step, after: Step) -> bool:
    return before == after


def _shares_a_wording(before: Step, after: Step) -> bool:
    return not set(before.say).isdisjoint(after.say)


def _match_in_order(
    found: dict[int, int], old: Sequence[Step], new: Sequence[Step], same: Callable[[Step, Step], bool]
) -> None:
    for i, before in enumerate(old):
        free = [j for j, after in enumerate(new) if j not in found.values() and same(before, after)]
        if i not in found and free:
            found[i] = min(free, key=lambda j: (abs(j - i), j))


def _match_alike(found: dict[int, int], old: Sequence[Step], new: Sequence[Step]) -> None:
    pairs = [
        (-_likeness(before, after), abs(i - j), i, j)
        for i, before in enumerate(old)
        for j, after in enumerate(new)
        if i not in found and j not in found.values()
    ]
    for unlike, _, i, j in sorted(pairs):
        if -unlike >= _ALIKE and i not in found and j not in found.values():
            found[i] = j


def _match_between(found: dict[int, int], old: Sequence[Step], new: Sequence[Step]) -> None:
    """Match what is left between the same two matched steps."""
    for (i, j), (next_i, next_j) in list(pairwise([(-1, -1), *sorted(found.items()), (len(old), len(new))])):
        ours, theirs = list(range(i + 1, next_i)), [n for n in range(j + 1, next_j) if n not in found.values()]
        if len(ours) == len(theirs):
            found.update(zip(ours, theirs, strict=True))
            continue
        for one in ours:
            timed = [n for n in theirs if n not in found.values() and not timing_changed(old[one], new[n])]
            if timed:
                found[one] = timed[0]


def _likeness(before: Step, after: Step) -> float:
    return max(fuzz.ratio(one, other) for one in before.say for other in after.say)
