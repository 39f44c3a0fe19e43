"""Helpers for tests of the English translation: a text translated, and the Chinese that is left in it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import bot
from bot.web.layout.languages import wording_in
from taggers.translatable import fill

ROOT = Path(bot.__file__).parent.parent
HAN = re.compile(r"[\u4e00-\u9fff，。；：（）「」、]")
_TERM = re.compile(r"\([^()]*\)")  # names of WeCom's Chinese console may stand in brackets

# Modules whose every Chinese text is shown on a page (exceptions in NO_TEXTS).
DIAGNOSING = (
    "taggers/amount.py",
    "bot/ops/doctor/host.py", "bot/ops/doctor/app.py", "bot/ops/doctor/archive.py", "bot/ops/doctor/callback.py",
    "bot/ops/doctor/words.py", "bot/ops/doctor/safety.py", "bot/ops/given_up.py", "bot/ops/holidays.py",
    "bot/wecom/errors.py", "bot/wecom/keyring.py",
    "bot/platform/config/problems.py", "bot/platform/config/parsing.py",
    "bot/platform/config/settings.py", "bot/platform/config/file.py",
    "bot/platform/config/materials.py", "bot/platform/config/reading.py", "bot/platform/config/shrinkage.py",
    "bot/platform/config/quotes.py", "bot/platform/config/tag_names.py",
    "sop/checks.py", "sop/pipeline_checks.py", "sop/known_names.py", "sop/answers.py",
    "sop/attachments.py",
    "sop/group_sends.py", "sop/guards.py", "sop/enrolment.py", "taggers/compiled.py", "taggers/rulebook.py",
    "taggers/rule.py", "taggers/conduct.py", "bot/platform/stored_sentences.py",
)  # fmt: skip
# Modules of which only the refusals are shown on a page.
REFUSING = (
    "bot/ops/doctor/examination.py", "bot/wecom/native.py", "bot/wecom/sealing.py", "sop/triggers.py",
    "sop/playbook.py", "sop/tables.py", "sop/workspace.py",
    "sop/wording.py", "sop/stages.py", "sop/fields.py", "sop/workcalendar.py", "taggers/weighing.py",
    "taggers/reasons.py", "taggers/occurrence.py", "taggers/backtest.py", "bot/agents/manual_moves.py",
    "bot/agents/manual_enrolment.py", "bot/agents/misjudged.py", "bot/agents/api_tokens.py", "bot/sops/holding.py",
    "bot/delivery/webhooks.py", "bot/platform/outward.py",
    "taggers/scores.py", "bot/agents/bulk_deeds.py", "bot/agents/list_rows.py", "bot/agents/list_export.py",
    "bot/customers/imported_table.py",
    "bot/customers/imported_lines.py", "bot/customers/imported_workbook.py",
    "bot/customers/imported_people.py", "bot/customers/imported_orders.py",
    "sop/order_columns.py", "bot/customers/selection.py",
    "bot/web/customers/list_query.py", "bot/web/customers/imports.py", "bot/sops/material_library.py",
    "bot/sops/archive_contents.py", "bot/agents/second_factor.py", "bot/platform/archive_sources.py",
    "bot/ops/setup/answers.py", "bot/ops/first_day.py", "bot/commands/setup.py", "bot/commands/setup_dialog.py",
    "bot/commands/setup_end.py",
)  # fmt: skip
NO_TEXTS = {"、", "不是一对", "[“”‘’＝，：【】]", "？！，；：（）", " → "}


def in_english(text: str) -> str:
    """A text as a page shows it in English."""
    wording, values = getattr(text, "wording", text), getattr(text, "values", {})
    return fill(wording, values, partial(wording_in, "en"), ", ")


def chinese_left(text: str) -> str:
    """The English of a text if Chinese is left in it, else the empty text."""
    english = in_english(text)
    return english if HAN.search(_TERM.sub("", english)) else ""


def said_in(tree: ast.AST) -> set[str]:
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    return {text for call in calls if call.func.id == "Translatable" for text in texts_in(call)}  # type: ignore[attr-defined]


def texts_in(tree: ast.AST) -> Iterator[str]:
    """The Chinese texts below a node, without docstrings."""
    if isinstance(tree, ast.Expr) and isinstance(tree.value, ast.Constant):
        return
    if isinstance(tree, ast.Constant) and isinstance(tree.value, str) and HAN.search(tree.value):
        yield tree.value
    for child in ast.iter_child_nodes(tree):
        yield from texts_in(child)
