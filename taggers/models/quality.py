"""Quality: who belongs on the list of those worth an agent's own time (高质量客户表), and by which signs.

Formula: four signs, each with its reason: a high score (activity or conversion, as the matrix calls high),
interaction (`talks` days with a talk within `window`), participation (`acts` events, opened links or orders within
it, or one of `tags`), and a good impression of our own people's. `signs` of them are needed, never the score alone;
who a colleague calls keen needs no other. Not on it: whom the target profile does not fit, whom somebody takes for a
peer or for one who only looks. Source: the house's articles (private talks and the agent's eye count).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo

from taggers.models.impression import KEEN, LIKED, LOOKING, PEER, TITLES
from taggers.models.records import Known, paid_orders, talk_days
from taggers.models.target import UNFIT, Fit
from taggers.models.target_terms import QualityTerms
from taggers.models.terms import MatrixTerms
from taggers.translatable import Translatable

SCORE, TALKS = Translatable("分数高"), Translatable("聊得多")
ACTS, FELT = Translatable("参与多"), Translatable("印象好")


@dataclass(frozen=True, slots=True)
class Quality:
    """Whether the customer is on the list; the signs that speak for it, each with its reason; why not, else ""."""

    listed: bool
    signs: tuple[tuple[str, str], ...] = ()
    against: str = ""


UNLISTED = Quality(listed=False)


@dataclass(frozen=True, slots=True)
class Beforehand:
    """What was found of the customer before: whether they are wanted, and the reasons to take them for a peer."""

    fit: Fit
    peer: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Terms:
    """What the list goes by: its own table, and the heights that the matrix calls high."""

    quality: QualityTerms
    matrix: MatrixTerms


def quality_of(known: Known, beforehand: Beforehand, terms: Terms, now: datetime, zone: tzinfo) -> Quality:
    """Weigh one customer. zone: of the days that are counted."""
    signs = tuple(_signs(known, terms, now, zone))
    against = _against(known, beforehand)
    needed = terms.quality.signs
    enough = len(signs) >= needed and any(name != SCORE for name, _ in signs)
    if not against and not (enough or known.felt == KEEN):
        against = Translatable("有 {n} 个迹象，要 {needed} 个，分数不能单独算", n=len(signs), needed=needed)
    return Quality(not against, signs, against)


def _against(known: Known, beforehand: Beforehand) -> str:
    fit, peer = beforehand.fit, beforehand.peer
    if known.felt in (LOOKING, PEER):
        return Translatable("同事觉得：{word}", word=TITLES[known.felt])
    return peer[0] if peer else fit.why if fit.kind == UNFIT else ""


def _signs(known: Known, terms: Terms, now: datetime, zone: tzinfo) -> Iterator[tuple[str, str]]:
    asked, since = terms.quality, now - terms.quality.window
    if known.activity >= terms.matrix.activity or known.conversion >= terms.matrix.conversion:
        yield SCORE, Translatable("意向 {conversion}、活跃 {activity}，只供参考",
                                  conversion=known.conversion, activity=known.activity)  # fmt: skip
    days = talk_days((at for at in known.talks if at > since), now, zone)
    if len(days) >= asked.talks:
        yield TALKS, Translatable("{days} 天里有 {n} 天聊过", days=asked.window.days, n=len(days))
    if why := _participation(known, asked, since, now):
        yield ACTS, why
    if LIKED.get(known.felt, 0) > 0:
        yield FELT, Translatable("同事觉得：{word}", word=TITLES[known.felt])


def _participation(known: Known, asked: QualityTerms, since: datetime, now: datetime) -> str:
    carried = next((one.tag for one in known.carried if one.tag in asked.tags), "")
    if carried:
        return Translatable("带着标签「{name}」", name=carried)
    acts = [one for one in known.acts if since < one.at <= now]
    orders = [one for one in paid_orders(known.orders, now) if one.paid_at > since]
    if len(acts) + len(orders) < asked.acts:
        return ""
    last = max(acts, key=lambda one: one.at).tag if acts else ""
    words = Translatable("{days} 天里 {n} 次", days=asked.window.days, n=len(acts) + len(orders))
    return Translatable("{one}；{more}", one=words, more=last) if last else words
