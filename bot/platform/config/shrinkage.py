"""Shrinkage of a config: tells a file that was cut or emptied from one that somebody edited."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import takewhile

from bot.platform.config.settings import Settings
from bot.platform.config.tables import Tables
from taggers.translatable import Translatable, sentence

_CONFIRM = "若确实要这样改，请在网页「规则 → 配置文件」里保存，或运行 flask check --accept"
_COUNTED: tuple[tuple[str, Callable[[Tables], Sequence[object]]], ...] = (
    ("规则", lambda tables: tables.rules),
    ("流程", lambda tables: tables.pipelines),
    ("流程里的阶段", lambda tables: [stage for line in tables.pipelines for stage in line.stages]),
    ("SOP", lambda tables: tables.sops),
    ("SOP 步骤", lambda tables: [step for sop in tables.sops for step in sop.steps]),
    ("标签组", lambda tables: tables.tags),
    ("客户字段", lambda tables: tables.fields),
)


def shrinkage(before: Settings, after: Settings) -> Translatable | None:
    """Why `after` looks like a damaged copy of `before`, with how to confirm it; None where it does not."""
    if before.tables == after.tables:
        return None  # only comments and line ends differ
    if not after.source.strip():
        return Translatable("文件是空的，没有采用；{how}", how=sentence(_CONFIRM))
    for name, of in _COUNTED:
        had, has = len(of(before.tables)), len(of(after.tables))
        if had and not has:
            return Translatable(
                "文件里的{name}全没了（原有 {had} 个），没有采用；{how}",
                name=sentence(name),
                had=had,
                how=sentence(_CONFIRM),
            )
        if has * 2 < had:
            return Translatable(
                "文件里的{name}一下少了一半以上（{had} → {has}），没有采用；{how}",
                name=sentence(name),
                had=had,
                has=has,
                how=sentence(_CONFIRM),
            )
    return _cut(before.source, after.source)


def _cut(before: str, after: str) -> Translatable | None:
    lines = after.rstrip().count("\n") + 1
    if _is_part(before.strip(), after.strip()) or _ends_early(_lines(before), _lines(after)):
        return Translatable(
            "文件像是被截断了（只有 {n} 行，后面或前面的内容不见了），没有采用；{how}",
            n=lines,
            how=sentence(_CONFIRM),
        )
    return None


def _is_part(before: str, after: str) -> bool:
    return len(after) < len(before) and (before.startswith(after) or before.endswith(after))


def _ends_early(old: list[str], new: list[str]) -> bool:
    """Whether an edited text, its last line maybe half, stops where the old one went on, and lacks the rest."""
    places = [at for at, line in enumerate(old) if line.startswith(new[-1])]
    if not places:
        return False
    place = max(places, key=lambda at: (_agreeing(old[:at], new[:-1]), at))
    lost = old[place + 1 if old[place] == new[-1] else place :]
    own = set(lost) - set(old[:place])  # lines such as "[[sops.steps]]" stand everywhere
    return bool(lost) and len(own & set(new)) * 2 <= len(own)


def _agreeing(old: list[str], new: list[str]) -> int:
    """How many lines at the ends of both are equal."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(reversed(old), reversed(new), strict=False)))


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
