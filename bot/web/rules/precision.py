"""Measured precision in words: what people said of hits and starts, as a share with its interval."""

from __future__ import annotations

from sop.intervals import wilson
from taggers.translatable import Translatable


def measured(right: int, wrong: int) -> Translatable:
    """How many were judged and how many of them were right, with the 95 % interval; of none judged just that."""
    judged = right + wrong
    if not judged:
        return Translatable("还没有评过")
    low, high = (round(100 * edge) for edge in wilson(right, judged))
    return Translatable(
        "评过 {n} 条，准确率 {percent}%（95% 区间 {low}%–{high}%）",
        n=judged, percent=round(100 * right / judged), low=low, high=high,
    )  # fmt: skip
