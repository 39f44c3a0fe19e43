"""Trial: plays what a customer would get as if they answered at one step, or never, and says what follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sop.playbook import Sop, Step
from sop.preview import PreviewedPrompt
from sop.triggers import Trigger, starts

ANSWERED_AFTER = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a prompt comes to. tag: given for it, "" for none; begun, ended: titles of SOPs that start or stop."""

    at: datetime
    answered: bool
    tag: str = ""
    begun: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()

    @property
    def matters(self) -> bool:
        """Whether anything follows: that nobody answers is worth a line only then."""
        return self.answered or bool(self.tag or self.begun)


@dataclass(frozen=True, slots=True)
class TriedPrompt:
    """A prompt of a trial, with what it comes to where that is known."""

    prompt: PreviewedPrompt
    outcome: Outcome | None = None


def play(
    prompts: Sequence[PreviewedPrompt], sops: Mapping[str, Sop], tried: str, answered: int | None
) -> tuple[TriedPrompt, ...]:
    """Play prompts in the order of time. sops: by id. tried: the SOP's id. answered: the step of it, counted from 0,
    that the customer answers ten minutes after they got it; None: they never answer.

    An answer ends every SOP that stops by one, so that nothing more comes of it.
    """
    heard = next((one for one in prompts if one.sop_id == tried and one.step == answered), None)
    if heard is None:
        return tuple(TriedPrompt(one, _unanswered(one, sops, tried, None)) for one in prompts)
    at = heard.at + ANSWERED_AFTER
    running = dict.fromkeys(one.sop_id for one in prompts if one.sop_id in sops)
    over = [sop_id for sop_id in running if "reply" in sops[sop_id].stop]
    shown = [one for one in prompts if one.at <= at or one.sop_id not in over]
    answer = _answered(heard, sops, at, over)
    return tuple(TriedPrompt(one, answer if one is heard else _unanswered(one, sops, tried, at)) for one in shown)


def _answered(prompt: PreviewedPrompt, sops: Mapping[str, Sop], at: datetime, over: Sequence[str]) -> Outcome:
    step = sops[prompt.sop_id].steps[prompt.step]
    tag = step.on_reply if at <= prompt.at + step.reply_window else None
    begun = _begun(sops, Trigger("reply", prompt.sop_id, step=prompt.step), tag)
    return Outcome(at, True, tag or "", begun, _titles(sops, over))


def _unanswered(
    prompt: PreviewedPrompt, sops: Mapping[str, Sop], tried: str, answered_at: datetime | None
) -> Outcome | None:
    """Silence until the step's window closes; None where an answer to another step comes within it."""
    sop = sops.get(prompt.sop_id)
    if sop is None or sop.id != tried:
        return None
    step = sop.steps[prompt.step]
    closes = prompt.at + step.reply_window
    if answered_at is not None and prompt.at < answered_at <= closes:
        return None
    return _silent(sops, sop, prompt.step, step, closes)


def _silent(sops: Mapping[str, Sop], sop: Sop, number: int, step: Step, closes: datetime) -> Outcome | None:
    begun = _begun(sops, Trigger("no-reply", sop.id, step=number), step.on_silence)
    outcome = Outcome(closes, False, step.on_silence or "", begun)
    return outcome if outcome.matters else None


def _begun(sops: Mapping[str, Sop], happened: Trigger, tag: str | None) -> tuple[str, ...]:
    """The SOPs that start by what happened, or by the tag that is given for it."""
    found = [*starts(sops.values(), happened), *(starts(sops.values(), Trigger("tag", tag)) if tag else ())]
    return _titles(sops, [one.id for one in found if not one.shadow])


def _titles(sops: Mapping[str, Sop], ids: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(sops[one].title or one for one in ids))
