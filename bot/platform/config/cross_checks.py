"""Cross-checks: what must hold between the tables of config.toml, and what is only worth a warning."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from bot.platform.config import positions
from bot.platform.config.materials import all_attachments, check_materials
from bot.platform.config.phone_groups import check_phone_groups
from bot.platform.config.rule_fields import check_rule_fields
from bot.platform.config.segment_table import check_segment_uses, check_segments
from bot.platform.config.tables import Tables
from bot.platform.config.tag_names import undeclared_tags
from bot.platform.config.tag_uses import tag_uses
from sop.answers import check_answers
from sop.checks import check_playbook
from sop.fields import known_fields
from sop.group_sends import check_group_sends, personal_steps
from sop.reply_clock import check_waiting
from sop.wording import check_wording
from sop.workcalendar import Workcalendar
from taggers.closing import check_closings
from taggers.conduct import check_titles, check_uses
from taggers.models.terms import Around, check_models
from taggers.scores import check_scores
from taggers.translatable import Translatable

Found = list[tuple[positions.Path, str]]
_NOBODY = Translatable("[workspace] pilot 是空的：谁也不会收到提醒，手机上也不打标签；不试点就删掉这一行")
_LOOK_AHEAD = timedelta(days=60)  # warn of missing holidays of the coming year while there is time to add them


def check_tables(tables: Tables, *, examples: bool, beside: Path | None) -> Found:
    """Everything wrong between the tables, each with its place.

    examples: try the examples of closing words. beside: the folder in which the materials that attachments name lie.
    """
    found: Found = []
    known = _tags_of(tables)
    found += [(p.where, p.message) for p in check_playbook(
        tables.pipelines, tables.sops, known, tables.welcome, tables.workspace, tables.fields)]  # fmt: skip
    found += _check_replies(tables)
    found += check_rule_fields(tables.rules, known_fields(tables.fields))
    found += check_group_sends(tables.sops)
    found += check_waiting(tables.waiting, tables.pipelines)
    found += check_scores(tables.scores, known | _other_tags(tables), known_fields(tables.fields))
    found += check_segments(tables.segments)
    found += check_segment_uses(tables.segments, tables.sops)
    found += check_models(
        tables.models,
        Around(
            known | _other_tags(tables),
            {g.group for g in tables.tags},
            {s.id for s in tables.sops},
            {name: one.kind for name, one in known_fields(tables.fields).items()},
        ),
    )
    found += check_phone_groups(tables.tags, tables.pipelines)
    found += check_titles(tables.rules)
    found += check_uses(tables.rules, known | _other_tags(tables), tag_uses(tables))
    found += check_closings(tables.closings) if examples else ()
    blanks = [f"customer.{name}" for name in known_fields(tables.fields)]
    given = known | _other_tags(tables) | {stage.name for pipeline in tables.pipelines for stage in pipeline.stages}
    found += [(p.where, p.message) for p in check_answers(tables.answers, given, tables.pipelines, blanks)]
    if beside is not None:
        attachments = all_attachments(tables.sops, tables.welcome, tables.answers)
        found += check_materials(beside / tables.workspace.materials, attachments)
    return found


def _check_replies(tables: Tables) -> Found:
    blanks = [f"customer.{name}" for name in known_fields(tables.fields)]
    return [
        (("rules", i, "reply"), message)
        for i, rule in enumerate(tables.rules)
        for message in check_wording(rule.reply or "", blanks)
    ]


def warnings_of(tables: Tables, today: date | None) -> tuple[str, ...]:
    """What is worth a word though the file is good. today: the local day, for missing holidays."""
    calendar = Workcalendar(tables.workspace)
    for day in () if today is None else (today, today + _LOOK_AHEAD):
        calendar.is_workday(day)
    undeclared = undeclared_tags(tables.rules, tables.tags, tables.pipelines)
    empty = (_NOBODY,) if tables.workspace.pilot == () else ()
    return (*calendar.warnings, *empty, *personal_steps(tables.sops), *undeclared)


def _tags_of(tables: Tables) -> frozenset[str]:
    rules = {rule.tag for rule in tables.rules if rule.tag}
    return frozenset(rules | {name for group in tables.tags for name in group.names})


def _other_tags(tables: Tables) -> set[str]:
    """Tags that no rule gives: those of steps."""
    steps = [step for sop in tables.sops for step in sop.steps]
    return {tag for step in steps for tag in (step.on_reply, step.on_silence) if tag}
