"""Telling terms: how much each term of a question says about the way in which it is answered."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from taggers.term_index import Floats, Numbers, TermIndex

LEAST = 0.001**0.25
_POWER, _DOUBT = 0.25, 5.0  # a term is taken for one that says nothing until so many cases speak against it
_WIDTH = 256


def telling(asked: TermIndex, answers: TermIndex, cases: NDArray[np.int64]) -> Floats:
    """By term of `asked`: how alike the answers of the cases are that have it, beyond what any two answers are.

    电话 is answered by a number whoever asks, 北京 by anything. Counted over `cases` only.
    """
    sketch = _sketch(answers, cases)
    terms, seats = asked.places(cases)
    having = np.bincount(terms, minlength=asked.terms)
    squares = (sketch * sketch).sum(1)
    own = np.bincount(terms, squares[seats], asked.terms)
    sums = _squared_sums(sketch, terms, seats, asked.terms)
    usual = float((sketch.mean(0) ** 2).sum()) if len(cases) else 0.0
    pairs = having * (having - 1) + _DOUBT * having
    alike = (sums - own + _DOUBT * usual * having) / np.maximum(pairs, 1) - usual
    return np.maximum(np.maximum(alike, 0) ** _POWER, LEAST).astype(np.float32)


def _squared_sums(sketch: Floats, terms: Numbers, seats: NDArray[np.int64], size: int) -> Floats:
    """By term, the square of the sum of the sketches of the cases that have it."""
    found = np.zeros(size, np.float32)
    order = np.argsort(terms, kind="stable")
    terms, seats = terms[order], seats[order]
    begins = np.flatnonzero(np.diff(terms, prepend=-1))
    for begin, end in pairwise((*begins.tolist(), len(terms))):  # so much faster than np.add.reduceat
        whole = sketch[seats[begin:end]].sum(0)
        found[terms[begin]] = whole @ whole
    return found


def _sketch(index: TermIndex, cases: NDArray[np.int64]) -> Floats:
    """The texts in few columns that keep about how alike they are: terms thrown together, with signs."""
    terms, seats = index.places(cases)
    mixed = (terms.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(40)
    columns = (mixed % np.uint64(_WIDTH)).astype(np.int64)
    signs = np.where(mixed // np.uint64(_WIDTH) % np.uint64(2) == 0, 1.0, -1.0)
    weights = index.weights_of(cases)
    flat = np.bincount(seats * _WIDTH + columns, weights * signs, len(cases) * _WIDTH)
    return flat.reshape(len(cases), _WIDTH).astype(np.float32)
