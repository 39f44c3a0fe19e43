"""Is a name known? If not: the problem, with the nearest name that is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rapidfuzz import fuzz, process

from sop.problems import PlaybookProblem, Where
from sop.translatable import Translatable


def check_known(where: Where, name: str, known: Iterable[str], what: str) -> Iterator[PlaybookProblem]:
    """The problem of a name that is not among the known ones; `what` is the kind of thing, with {name}."""
    names = sorted(set(known))
    if name in names:
        return
    near = process.extractOne(name, names, scorer=fuzz.ratio, score_cutoff=50)
    if near:
        hint = Translatable("是不是「{name}」？", name=near[0])
    elif len(names) <= 12:
        hint = Translatable("可用的有：{names}", names=names or Translatable("（一个也没有）"))
    else:
        hint = Translatable("请先声明它")
    yield PlaybookProblem(where, Translatable("没有{what}，{hint}", what=Translatable(what, name=name), hint=hint))
