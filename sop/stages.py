"""Stage moves: whether a tag, an event, a person or the clock moves a customer's card, or why not."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sop.business import is_business
from sop.guards import Facts, held_until, still_asked, why_guarded
from sop.pipeline import Pipeline, Stage, TimedMove
from sop.translatable import Translatable

Actor = Literal["rule", "human", "timer", "wecom"]
Cause = Literal["tag", "event", "timer", "drag", "wecom", "api", "undo"]
Hand = Literal["drag", "wecom", "api"]
_LATELY = timedelta(days=1)  # a card brought back later than this has been where it was

_PEOPLE: frozenset[Actor] = frozenset({"human", "wecom"})
_CAUSE_OF_ACTOR: dict[Actor, Cause] = {"human": "drag", "wecom": "wecom", "timer": "timer"}


@dataclass(frozen=True, slots=True)
class Move:
    """A card goes from one stage to another; `from_` is None for a customer who stood nowhere yet."""

    from_: str | None
    to: str
    trigger: str
    cause: Cause


@dataclass(frozen=True, slots=True)
class MoveRefusal:
    """A trigger named a stage, but the card stays; `why` is for people.

    to: the stage named. returns: the customer is counted as lost, and a tag would lead them on along the road.
    """

    why: str
    to: str = ""
    returns: bool = False


def decide_move(
    pipeline: Pipeline,
    current: str | None,
    triggers: Sequence[str],
    actor: Actor,
    *,
    before: str | None = None,
    facts: Facts | None = None,
) -> Move | MoveRefusal | None:
    """Say what the triggers (tag names, "@events", "order:…") do to a card that stands at `current`.

    Of several stages the lost one comes first, then the furthest along the road, then those beside it. People
    (human: a drag, wecom: a tag changed on the phone) may also name the stage itself and go anywhere.
    `before` is the stage in which the card stood before the one beside the road: a word ("@spoke") that moves
    a sleeping card nowhere else brings it back there. Guards that need `facts` are not asked without them.
    None: the triggers have nothing to do with this pipeline, or the card is there already.
    """
    named = [(s, t) for s, t in _named(pipeline, triggers, actor) if s.name != current]
    named.sort(key=lambda pair: _rank(pipeline, pair[0]), reverse=True)
    refusals: list[MoveRefusal] = []
    here = pipeline.stage(current)
    for stage, trigger in (*named, *_waking(pipeline, current, triggers, before)):
        why = None if actor in _PEOPLE else _why_not(pipeline, current, stage, before, facts)
        if why is None:
            return Move(current, stage.name, trigger, _cause(trigger, actor))
        lost = here is not None and here.lost and not stage.lost
        refusals.append(MoveRefusal(why, stage.name, lost and not stage.beside and not trigger.startswith("@")))
    return refusals[0] if refusals else None


def may_concern(pipeline: Pipeline, current: str | None, triggers: Sequence[str], actor: Actor) -> bool:
    """Whether decide_move could give anything but None; where it could not, nothing need be gathered for it."""
    here = pipeline.stage(current)
    if here is not None and here.asleep and "@spoke" in triggers:
        return True
    if actor in _PEOPLE:
        return any(stage.name != current for stage, _ in _named(pipeline, triggers, actor))
    return any(stage.name != current for trigger in triggers for stage in pipeline.entries.get(trigger, ()))


def move_to(
    pipeline: Pipeline, current: str | None, to: str, cause: Hand, unknown: Collection[str] = ()
) -> Move | MoveRefusal:
    """Decide a move by a person who names the stage: any stage is allowed but the one where the card is.

    unknown: the fields without a value; a stage that needs one of them is closed (a tag set on the phone stands).
    """
    stage = pipeline.stage(to)
    if stage is None:
        names = [Translatable("「{name}」", name=stage.name) for stage in pipeline.stages]
        return MoveRefusal(
            Translatable("「{name}」里没有阶段「{to}」，可选{names}", name=pipeline.name, to=to, names=names)
        )
    if to == current:
        return MoveRefusal(Translatable("客户已经在「{to}」", to=to))
    why = None if cause == "wecom" else still_asked(stage, unknown)
    return Move(current, to, to, cause) if why is None else MoveRefusal(why, to)


def undo(pipeline: Pipeline, current: str | None, from_: str | None, to: str) -> Move | MoveRefusal:
    """Say how the move `from_` -> `to` is taken back: by one that leads back, since the ledger forgets nothing."""
    if current != to:
        return MoveRefusal(Translatable("之后客户又移到了「{current}」，请先撤销后面的移动", current=current))
    if from_ is None:
        return MoveRefusal("这是客户进入流程的第一步，没有更早的阶段可退")
    if pipeline.stage(from_) is None:
        return MoveRefusal(Translatable("配置里已没有阶段「{stage}」，退不回去", stage=from_))
    return Move(current, from_, "undo", "undo")


def takes_back(came_from: str | None, moved_at: datetime, to: str, now: datetime) -> bool:
    """Whether a person who moves a card `to` takes back its latest move, made at `moved_at` from `came_from`."""
    return to == came_from and now - moved_at <= _LATELY


def due_timed_move(
    pipeline: Pipeline,
    current: str | None,
    entered_at: datetime,
    last_customer_word_at: datetime | None,
    now: datetime,
    *,
    facts: Facts | None = None,
) -> Move | None:
    """Give the timed move that is due: the customer has been silent in their stage for `after`.

    Silence counts from the later of entering the stage and the customer's last word. When several are due
    (after an outage) the one that should have come first is given.
    """
    found = _next_timed(pipeline, current)
    if found is None or now < _silent_since(entered_at, last_customer_word_at) + found.after:
        return None
    if facts is not None and held_until(pipeline, facts) > now:
        return None
    return Move(found.from_, found.to, f"silence:{_words(found)}", "timer")


def next_timed_move_at(
    pipeline: Pipeline, current: str | None, entered_at: datetime, last_customer_word_at: datetime | None
) -> datetime | None:
    """Say when due_timed_move will next give something if the customer stays silent."""
    found = _next_timed(pipeline, current)
    return None if found is None else _silent_since(entered_at, last_customer_word_at) + found.after


def _named(pipeline: Pipeline, triggers: Sequence[str], actor: Actor) -> Iterator[tuple[Stage, str]]:
    for trigger in triggers:
        for stage in pipeline.stages:
            if trigger in stage.entered_by or (actor in _PEOPLE and trigger == stage.name):
                yield stage, trigger


def _waking(
    pipeline: Pipeline, current: str | None, triggers: Sequence[str], before: str | None
) -> Iterator[tuple[Stage, str]]:
    here = pipeline.stage(current)
    if here is None or not here.asleep or "@spoke" not in triggers:
        return
    for stage in pipeline.stages:
        if "@woken" in stage.entered_by:
            yield stage, "@woken"
    back = pipeline.stage(before)
    if back is not None and back is not here:
        yield back, "@woken"


def _rank(pipeline: Pipeline, stage: Stage) -> tuple[bool, bool, int]:
    return stage.lost, not stage.beside, pipeline.stages.index(stage)


def _why_not(
    pipeline: Pipeline, current: str | None, to: Stage, before: str | None, facts: Facts | None
) -> str | None:
    """What keeps a rule or the clock from moving the card; None when nothing does."""
    here = pipeline.stage(current)
    if to.lost:
        return None
    guarded = None if facts is None else why_guarded(pipeline, here, to, facts)
    return guarded if here is None else guarded or _why_not_from(pipeline, here, to, before)


def _why_not_from(pipeline: Pipeline, here: Stage, to: Stage, before: str | None) -> str | None:
    origin = pipeline.stage(before) if here.asleep else here
    if to.only_from and origin is not None and origin is not to and origin.name not in to.only_from:
        allowed = [Translatable("「{name}」", name=name) for name in to.only_from]
        return Translatable(
            "「{name}」只接受从{allowed}进入，客户在「{here}」", name=to.name, allowed=allowed, here=origin.name
        )
    if pipeline.back == "anyone":
        return None
    if here.lost:
        return Translatable("客户已在「{name}」，要请人确认后再移到「{to}」", name=here.name, to=to.name)
    road = pipeline.stage(before) if here.beside else here
    if road is None or road.beside or to.beside:
        return None
    if pipeline.stages.index(to) < pipeline.stages.index(road):
        return Translatable(
            "「{name}」在「{road}」之前，规则不能把客户往回移，请人工移动", name=to.name, road=road.name
        )
    return None


def _cause(trigger: str, actor: Actor) -> Cause:
    return _CAUSE_OF_ACTOR.get(actor) or ("event" if trigger.startswith("@") or is_business(trigger) else "tag")


def _next_timed(pipeline: Pipeline, current: str | None) -> TimedMove | None:
    return min((m for m in pipeline.moves if m.from_ == current), key=lambda m: m.after, default=None)


def _silent_since(entered_at: datetime, last_customer_word_at: datetime | None) -> datetime:
    return max(entered_at, last_customer_word_at or entered_at)


def _words(move: TimedMove) -> str:
    return f"{move.after.days}d" if move.after.seconds == 0 else f"{int(move.after.total_seconds())}s"
