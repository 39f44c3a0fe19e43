"""Confidence intervals of rates seen as k out of n."""

from __future__ import annotations

from math import sqrt

_Z = 1.959963984540054  # 95 %


def wilson(k: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a rate seen as k out of n (Wilson's score interval); (0, 1) where n is 0."""
    if n == 0:
        return 0.0, 1.0
    p, z2 = k / n, _Z * _Z
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z / (1 + z2 / n) * sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)
