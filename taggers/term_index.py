"""Term index: texts as terms with weights, and how like each of them is to another, by arrays in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

_UNHEARD = 0.7  # of the weight of the rarest term: what one that no text has weighs in the length of a question
Floats = NDArray[np.float32]
Numbers = NDArray[np.int32]


class TermIndex:
    """Texts by their terms; likeness is the cosine of weights times rarity, 0..1.

    groups: to which talk each text belongs. A term that fewer than `least` talks have is left out: in talks such
    terms are names, numbers and addresses.
    """

    def __init__(
        self, texts: Sequence[Mapping[str, float]], power: float, groups: Sequence[int] = (), least: int = 1
    ) -> None:
        self.size = len(texts)
        self._ids: dict[str, int] = {}
        ids = self._ids
        terms = np.fromiter((ids.setdefault(t, len(ids)) for text in texts for t in text), np.int32)
        weights = np.fromiter((w for text in texts for w in text.values()), np.float32, len(terms))
        owners = np.repeat(np.arange(self.size, dtype=np.int32), [len(text) for text in texts])
        self.rarity = _rarity(terms, len(ids), self.size, power)
        unheard = np.log1p((self.size + 0.5) / 0.5) ** power
        self._unheard = _UNHEARD * float(unheard) if least == 1 else 0.0  # of talks: a name, which says nothing
        if least > 1:
            self.rarity[_in_talks(terms, np.asarray(groups, np.int64)[owners], len(ids)) < least] = 0
        weights = weights * self.rarity[terms]
        kept = weights > 0
        terms, weights, owners = terms[kept], weights[kept], owners[kept]
        length = np.sqrt(np.bincount(owners, weights * weights, self.size))
        length[length == 0] = 1
        weights = (weights / length[owners]).astype(np.float32)
        self._row_terms, self._row_weights = terms, weights
        self._row_starts = np.searchsorted(owners, np.arange(self.size + 1))
        by_term = np.argsort(terms, kind="stable")
        self._owners, self._weights = owners[by_term], weights[by_term]
        self._starts = np.searchsorted(terms[by_term], np.arange(len(ids) + 1))

    def __len__(self) -> int:
        return self.size

    @property
    def terms(self) -> int:
        """How many terms there are."""
        return len(self._ids)

    @property
    def bytes(self) -> int:
        """What the arrays take, without the terms themselves."""
        held = (self._row_terms, self._row_weights, self._owners, self._weights, self._starts, self._row_starts)
        return sum(array.nbytes for array in held)

    def vector(self, text: Mapping[str, float]) -> tuple[Numbers, Floats]:
        """The known terms of a text and their weights, of length 1 together with those that no text here has."""
        known = [(number, weight) for term, weight in text.items() if (number := self._ids.get(term)) is not None]
        terms = np.array([number for number, _ in known], np.int32)
        weights = np.array([weight for _, weight in known], np.float32) * self.rarity[terms]
        unheard = sum(weight * weight for term, weight in text.items() if term not in self._ids)
        length = float(np.sqrt((weights * weights).sum() + unheard * self._unheard**2)) or 1.0
        return terms[weights > 0], weights[weights > 0] / np.float32(length)

    def row(self, text: int) -> tuple[Numbers, Floats]:
        """The terms and weights of the text of that number."""
        part = slice(self._row_starts[text], self._row_starts[text + 1])
        return self._row_terms[part], self._row_weights[part]

    def likeness(self, vector: tuple[Numbers, Floats]) -> Floats:
        """How like each text is to a vector."""
        found = np.zeros(self.size, np.float32)
        for term, weight in zip(*vector, strict=True):
            part = slice(self._starts[term], self._starts[term + 1])
            found[self._owners[part]] += weight * self._weights[part]
        return found

    def dense(self, texts: NDArray[np.int64], columns: NDArray[np.int64]) -> Floats:
        """Some texts as a matrix of some terms."""
        place = np.full(self.terms, -1, np.int64)
        place[columns] = np.arange(len(columns))
        matrix = np.zeros((len(texts), len(columns)), np.float32)
        for number, text in enumerate(texts):
            terms, weights = self.row(int(text))
            seats = place[terms]
            matrix[number, seats[seats >= 0]] = weights[seats >= 0]
        return matrix

    def commonest(self, most: int) -> NDArray[np.int64]:
        """The terms that most texts have, of those that count."""
        counts = np.diff(self._starts)
        order = np.argsort(-counts, kind="stable")[:most]
        return order[counts[order] > 0].astype(np.int64)


def _rarity(terms: Numbers, vocabulary: int, size: int, power: float) -> Floats:
    """BM25's inverse document frequency, to a power."""
    having = np.bincount(terms, minlength=vocabulary).astype(np.float32)
    return (np.log1p((size - having + 0.5) / (having + 0.5)) ** power).astype(np.float32)


def _in_talks(terms: Numbers, talks: NDArray[np.int64], vocabulary: int) -> NDArray[np.int64]:
    """In how many talks each term is said."""
    if not len(terms):
        return np.zeros(vocabulary, np.int64)
    width = int(talks.max()) + 1
    pairs = np.unique(terms.astype(np.int64) * width + talks)
    return np.bincount(pairs // width, minlength=vocabulary)
