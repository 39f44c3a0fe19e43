"""Made-up talk: what a seeded customer and their agent say, so that the words justify tags and stages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.platform.config.settings import Settings
from sop.reply_clock import Said, Word, wait_of
from sop.wording import render
from taggers.rule import Rule
from taggers.spoken import customer_spoke
from taggers.utterance import Utterance

_SMALL_TALK = (
    "你好",
    "在吗",
    "好的",
    "我看看",
    "晚点回复你",
    "谢谢老师",
    "孩子今年三年级",
    "收到",
    "明天再说吧",
    "嗯嗯",
)
_ANSWERS = (
    "您好，在的。",
    "好的，您慢慢看。",
    "不客气，有问题随时找我。",
    "我把资料整理好发您。",
    "好的，明天再联系您。",
)

Line = tuple[datetime, str, bool]  # when, what, and whether our side says it


def pseudo_random(*numbers: int) -> int:
    """A number that looks drawn by chance and is always the same for the same arguments."""
    value = 0x9E3779B9
    for number in numbers:
        value = ((value ^ number) * 0x2545F491 + 0x1B873593) & 0xFFFFFFFF
        value ^= value >> 15
    return value


@dataclass(frozen=True)
class TalkPlan:
    """Whose conversation: the customer's number, since when, until when, how many messages about."""

    number: int
    began: datetime
    now: datetime
    each: int


class MadeUpTalk:
    """Makes conversations from the config's own examples: what moves a card is said when it moves, and never else."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        stages = [stage for pipeline in settings.pipelines for stage in pipeline.stages]
        leading = {name for stage in stages for name in stage.entered_by}
        customers = [rule for rule in settings.tables.rules if rule.from_ != "agent"]
        self.words = [words for words in _examples(iter(customers)) if not leading & self._tags_of(words)] or ["在吗"]
        self.entering = {
            stage.name: _examples(rule for rule in customers if rule.tag in stage.entered_by) for stage in stages
        }
        self.says = [step.say[0] for sop in settings.tables.sops for step in sop.steps] or list(_ANSWERS)
        self.spoken: dict[str, Said] = {}

    def _tags_of(self, words: str) -> set[str]:
        said = Utterance(msgid="", text=words, sender="customer", kind="text", at=datetime.min.replace(tzinfo=UTC))
        return {hit.tag for hit in self.settings.book.judge(said)}

    def conversation(
        self, plan: TalkPlan, entered: Sequence[tuple[datetime, str]], values: Mapping[str, str]
    ) -> list[Line]:
        """All that was said, oldest first. entered: when the customer came to which stages."""
        lines = [*self._small_talk(plan, values), *self._reasons(plan.number, entered)]
        return sorted(lines, key=lambda line: line[0])

    def waiting_since(self, said: Sequence[Line]) -> datetime | None:
        """Since when the customer waits for an answer, by the clock itself."""
        return wait_of(
            Word(at, str(nth), self._spoken(words, ours)) for nth, (at, words, ours) in enumerate(said)
        ).since

    def _reasons(self, number: int, entered: Sequence[tuple[datetime, str]]) -> Iterator[Line]:
        """What the customer says that brings them to each stage, a little before they are there."""
        for nth, (at, stage) in enumerate(entered):
            if pool := self.entering.get(stage):
                yield at - timedelta(seconds=2), pool[pseudo_random(number, 13, nth) % len(pool)], False

    def _small_talk(self, plan: TalkPlan, values: Mapping[str, str]) -> Iterator[Line]:
        """Talk that moves no card; the last a few minutes ago at the latest."""
        count = max(plan.each // 2 + pseudo_random(plan.number, 6) % (plan.each + 1), 1)
        pace = (plan.now - timedelta(minutes=5) - plan.began) / count
        at = plan.began
        for nth in range(count):
            draw = pseudo_random(plan.number, 7, nth)
            ours = draw % 5 >= 3
            at = at + min(pace * 0.9, timedelta(minutes=1 + draw % 47)) if ours else plan.began + pace * nth
            pool = (self.says if draw % 7 else _ANSWERS) if ours else (self.words if draw % 4 == 0 else _SMALL_TALK)
            words = pool[pseudo_random(draw, nth) % len(pool)]
            yield at, render(words, values) if ours else words, ours

    def _spoken(self, words: str, ours: bool) -> Said:
        if ours:
            return "answer"
        if words not in self.spoken:
            self.spoken[words] = customer_spoke("text", words, self.settings.closings)
        return self.spoken[words]


def _examples(rules: Iterator[Rule]) -> list[str]:
    return [saying for rule in rules for saying in rule.examples.hit]
