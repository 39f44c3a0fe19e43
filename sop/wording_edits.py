"""Wording edits: how agents say a wording in their own words, like edits together, and which is worth taking over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from sop.completion import bare
from sop.intervals import wilson
from sop.wording_use import LEAST

_ALIKE = 88.0  # per cent of letters: nearer edits differ in a particle or two


@dataclass(frozen=True, slots=True)
class SentEdit:
    """A wording as an agent sent it, with slots for names. judged: it was answered, or has had its time."""

    text: str
    customer: int
    agent: str
    judged: bool
    answered: bool


@dataclass(frozen=True, slots=True)
class EditCluster:
    """Edits that are alike. text: the commonest of them; agents: who says it so, the most frequent first."""

    text: str
    agents: tuple[str, ...]
    customers: int
    sent: int
    judged: int
    answered: int

    @property
    def enough(self) -> bool:
        """Whether there are enough to speak of a share."""
        return self.judged >= LEAST

    @property
    def share(self) -> float:
        """The share answered."""
        return self.answered / self.judged if self.judged else 0.0

    @property
    def between(self) -> tuple[float, float]:
        """Its 95 % interval."""
        return wilson(self.answered, self.judged)


@dataclass(frozen=True, slots=True)
class ProposedEdit:
    """An edit that was answered more often than the wording as it is. sure: the intervals do not meet."""

    cluster: EditCluster
    share: float
    judged: int
    sure: bool


def cluster_edits(sent: Iterable[SentEdit], least_customers: int) -> list[EditCluster]:
    """Edits by likeness, the most frequent first; what was said to fewer customers is one person's and left out."""
    groups: list[tuple[str, list[SentEdit]]] = []
    exact: dict[str, list[SentEdit]] = {}
    for one in sent:
        exact.setdefault(bare(one.text), []).append(one)
    for words, same in sorted(exact.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        near = next((group for known, group in groups if fuzz.ratio(known, words) >= _ALIKE), None)
        if near is not None:
            near += same
        else:
            groups.append((words, list(same)))
    found = [_cluster(group) for _, group in groups]
    return sorted((one for one in found if one.customers >= least_customers), key=lambda one: -one.sent)


def propose(clusters: Sequence[EditCluster], answered: int, judged: int) -> ProposedEdit | None:
    """The edit that is answered most, where it is answered more often than the wording as it is (answered of judged),
    and both were sent often enough to be compared."""
    if judged < LEAST:
        return None
    share, (_, high) = answered / judged, wilson(answered, judged)
    better = [one for one in clusters if one.enough and one.share > share]
    if not better:
        return None
    best = max(better, key=lambda one: one.between[0])
    return ProposedEdit(best, share, judged, best.between[0] > high)


def _cluster(group: Sequence[SentEdit]) -> EditCluster:
    texts, agents = Counter(one.text for one in group), Counter(one.agent for one in group if one.agent)
    return EditCluster(
        text=min(texts, key=lambda text: (-texts[text], text)),
        agents=tuple(name for name, _ in agents.most_common()),
        customers=len({one.customer for one in group}),
        sent=len(group),
        judged=sum(one.judged for one in group),
        answered=sum(one.answered for one in group),
    )
