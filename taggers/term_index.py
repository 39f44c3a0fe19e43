"""Term index: texts as terms with weights, and how like each of them is to another, by arrays in memory."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from itertools import count

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
        self,
        texts: Iterable[Mapping[str, float]],
        power: float,
        groups: Sequence[int] = (),
        least: int = 1,
        like: TermIndex | None = None,
    ) -> None:
        """like: take the terms and their rarity from that index; what it does not know is left out."""
        ids: defaultdict[str, int] = defaultdict(count().__next__) if like is None else like._ids
        self._ids: defaultdict[str, int] = ids
        terms, weights, lengths = _read(texts, ids, grows=like is None)
        ids.default_factory = None  # from here on what is not known is not known
        self.size = len(lengths)
        owners = np.repeat(np.arange(self.size, dtype=np.int32), lengths)
        self.rarity: Floats = _rarity(terms, len(ids), self.size, power) if like is None else like.rarity
        unheard = np.log1p((self.size + 0.5) / 0.5) ** power
        self._unheard: float = (
            _UNHEARD * float(unheard) if least == 1 else 0.0
        )  # of talks: a name, which says nothing
        if like is not None:
            self._unheard = like._unheard
        if least > 1 and like is None:
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

    def number(self, term: str) -> int:
        """The number of a term; KeyError where no text has it."""
        return self._ids[term]

    def vector(self, text: Mapping[str, float]) -> tuple[Numbers, Floats]:
        """The known terms of a text and their weights, of length 1 together with those that no text here has."""
        known = [(number, weight) for term, weight in text.items() if (number := self._ids.get(term)) is not None]
        terms = np.array([number for number, _ in known], np.int32)
        weights = np.array([weight for _, weight in known], np.float32) * self.rarity[terms]
        unheard = sum(weight * weight for term, weight in text.items() if term not in self._ids)
        length = np.float32(np.sqrt((weights * weights).sum() + unheard * self._unheard**2) or 1.0)
        return terms[weights > 0], (weights[weights > 0] / length).astype(np.float32)

    def reweighed(self, by: Floats) -> TermIndex:
        """The same texts with each term's weight times a factor."""
        other = copy(self)
        other.rarity = self.rarity * by
        owners = np.repeat(np.arange(self.size, dtype=np.int32), np.diff(self._row_starts))
        weights = self._row_weights * by[self._row_terms]
        length = np.sqrt(np.bincount(owners, weights * weights, self.size))
        length[length == 0] = 1
        other._row_weights = (weights / length[owners]).astype(np.float32)
        factors = np.repeat(by, np.diff(self._starts))
        other._weights = (self._weights * factors / length[self._owners]).astype(np.float32)
        return other

    def places(self, texts: NDArray[np.int64]) -> tuple[Numbers, NDArray[np.int64]]:
        """The terms of some texts one after the other, and of each to which of these texts it belongs."""
        at, lengths = self._spans(texts)
        return self._row_terms[at], np.repeat(np.arange(len(texts)), lengths)

    def weights_of(self, texts: NDArray[np.int64]) -> Floats:
        """The weights that belong to `places`."""
        return self._row_weights[self._spans(texts)[0]]

    def _spans(self, texts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        begins = self._row_starts[texts]
        lengths = self._row_starts[texts + 1] - begins
        skipped = np.cumsum(lengths) - lengths
        return np.arange(lengths.sum()) + np.repeat(begins - skipped, lengths), lengths

    def row(self, text: int) -> tuple[Numbers, Floats]:
        """The terms and weights of the text of that number."""
        part = slice(self._row_starts[text], self._row_starts[text + 1])
        return self._row_terms[part], self._row_weights[part]

    def likeness(self, vector: tuple[Numbers, Floats], most: int | None = None) -> Floats:
        """How like each text is to a vector. most: leave the commonest terms out once so many places were looked at,
        which finds the texts that may be like it; `exact` then says how like they are."""
        found = np.zeros(self.size, np.float32)
        for at in self.looked_up(vector, most):
            part = slice(self._starts[vector[0][at]], self._starts[vector[0][at] + 1])
            found[self._owners[part]] += vector[1][at] * self._weights[part]
        return found

    def looked_up(self, vector: tuple[Numbers, Floats], most: int | None) -> NDArray[np.int64]:
        """Which terms of a vector are looked up: all, or the rarest that have no more places together than `most`."""
        if most is None:
            return np.arange(len(vector[0]))
        counts = self.having(vector[0])
        order = np.argsort(counts, kind="stable")
        return order[: max(1, int(np.searchsorted(np.cumsum(counts[order]), most, "right")))]

    def having(self, terms: Numbers) -> NDArray[np.int64]:
        """How many texts have each of some terms."""
        return self._starts[terms + 1] - self._starts[terms]

    def exact(self, vector: tuple[Numbers, Floats], texts: NDArray[np.int64]) -> Floats:
        """How like some texts are to a vector, in their order."""
        whole = np.zeros(self.terms, np.float32)
        whole[vector[0]] = vector[1]
        at, lengths = self._spans(texts)
        shares = whole[self._row_terms[at]] * self._row_weights[at]
        owners = np.repeat(np.arange(len(texts)), lengths)
        return np.bincount(owners, shares, len(texts)).astype(np.float32)

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


def _read(
    texts: Iterable[Mapping[str, float]], ids: Mapping[str, int], *, grows: bool
) -> tuple[Numbers, Floats, Numbers]:
    """The terms of all texts as numbers, their weights, and how many each text has; one text at a time is held."""
    terms, weights, lengths = array("i"), array("f"), array("i")
    for text in texts:
        known = text if grows else {term: weight for term, weight in text.items() if term in ids}
        terms.extend(map(ids.__getitem__, known))  # not a step of Python for each of millions
        weights.extend(known.values())
        lengths.append(len(known))
    return np.array(terms, np.int32), np.array(weights, np.float32), np.array(lengths, np.int32)


def _rarity(terms: Numbers, vocabulary: int, size: int, power: float) -> Floats:
    """BM25's inverse document frequency, to a power; with a negative one what is common counts more, up to a half."""
    having = np.bincount(terms, minlength=vocabulary).astype(np.float32)
    odds = (size - having + 0.5) / (having + 0.5)
    return (np.log1p(odds if power > 0 else np.maximum(odds, 1)) ** power).astype(np.float32)


def _in_talks(terms: Numbers, talks: NDArray[np.int64], vocabulary: int) -> NDArray[np.int64]:
    """In how many talks each term is said."""
    if not len(terms):
        return np.zeros(vocabulary, np.int64)
    width = int(talks.max()) + 1
    said = np.sort(terms.astype(np.int64) * width + talks)
    first = np.ones(len(said), bool)
    first[1:] = said[1:] != said[:-1]
    return np.bincount(said[first] // width, minlength=vocabulary)
