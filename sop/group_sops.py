"""SOPs for group chats: what may start one, and what its texts may hold."""

from __future__ import annotations

from collections.abc import Iterator

from sop.playbook import Sop
from sop.problems import PlaybookProblem, Where
from sop.translatable import Translatable
from sop.triggers import GROUP_EVENTS, TriggerError, trigger_of
from sop.wording import check_wording

BLANKS = ("group.name",)


def check_group_sop(where: Where, sop: Sop) -> Iterator[PlaybookProblem]:
    """What is wrong with an SOP for groups."""
    if not _begins(sop):
        yield PlaybookProblem(
            (*where, "on" if sop.stage is None else "stage"),
            Translatable('群跟进由 on = "@made"（建了群）、"every:mon" 或 "date:2026-06-01" 之一启动'),
        )
    if sop.channel != "card":
        yield PlaybookProblem((*where, "channel"), Translatable("群跟进只提醒群主，不能写 channel"))
    for j, step in enumerate(sop.steps):
        for k, text in enumerate(step.say):
            at = (*where, "steps", j, "say", k) if len(step.say) > 1 else (*where, "steps", j, "say")
            if "{customer." in text or "{agent." in text or "{stage" in text:
                yield PlaybookProblem(at, Translatable("群里说的话不认得哪位客户：只能用 {group.name} 和 {company}"))
            else:
                yield from (PlaybookProblem(at, message) for message in check_wording(text, BLANKS))
        if step.attach:
            yield PlaybookProblem(
                (*where, "steps", j, "attach"), Translatable("群跟进只提醒群主说什么，不能带素材（attach）")
            )
        if step.on_reply is not None or step.on_silence is not None:
            yield PlaybookProblem(
                (*where, "steps", j), Translatable("群跟进的步骤不写 on_reply 和 on_silence：群里没有谁在回复它")
            )


def _begins(sop: Sop) -> bool:
    try:
        trigger = trigger_of(sop)
    except TriggerError:
        return False
    fixed = trigger.kind == "date" and trigger.day is not None
    return fixed or trigger.kind == "every" or trigger.name in GROUP_EVENTS
