"""The form of one answer of the knowledge base: every key of [[answers]] as a field, read back for the file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from werkzeug.datastructures import MultiDict

from bot.platform.config.parsing import ConfigProblem
from bot.platform.config.toml_tables import Values
from bot.web.rules.form_values import day_of, line_of, lines_of
from bot.web.rules.rule_form import FormField
from sop.attachments import PICTURES

FIELDS = (
    FormField("ask", "lines", "客户会怎么问", "一行一句；写两三句用词不同的最有用。"),
    FormField("say", "long", "怎样回答", "可以用 {customer.name|您}、{agent.name}、{company}。"),
    FormField("category", "text", "分类", "话术里按它筛选。"),
    FormField("attach", "attach", "附件", "从素材库选，或写「标题 https://…」；去掉勾就不带。"),
    FormField("tags", "lines", "只给带这些标签的客户", "一行一个，有一个就行；不填就给所有客户。"),
    FormField("stages", "lines", "只给在这些阶段的客户", "一行一个，有一个就行。"),
    FormField("products", "lines", "三天内提到过才推荐", "一行一个产品或词。"),
    FormField("since", "text", "从哪天起有效", "写作 2026-03-01；不填就一直有效。"),
    FormField("until", "text", "到哪天为止", "那一天还有效。"),
    FormField("retired", "yes", "停用：留着，但不再推荐"),
)
_LISTS, _DAYS = ("ask", "tags", "stages", "products"), ("since", "until")
_LINK = re.compile(r"^(?P<title>.*?)\s*(?P<url>https?://\S+)$")
_LONGEST_TEXT = 4_000


def read_answer(form: MultiDict[str, str], old: Values) -> Values:
    """The answer as the form has it, without what is empty; what the form does not show stays as in `old`."""
    values: Values = {"id": line_of(form, "id", 64), "category": line_of(form, "category")}
    values |= {name: lines_of(form, name) for name in _LISTS}
    values["say"] = form.get("say", "").replace("\r\n", "\n").strip()[:_LONGEST_TEXT]
    values["attach"] = read_attachments(form, old.get("attach", ()))
    values |= {name: day_of(line_of(form, name)) for name in _DAYS}
    values["retired"] = form.get("retired") == "1"
    given = {name: value for name, value in values.items() if value not in ("", [], False) or name in ("ask", "say")}
    shown = {"id", *(field.name for field in FIELDS)}
    return {name: value for name, value in old.items() if name in given or name not in shown} | given


def show_answer(field: FormField, values: Values) -> Any:
    """A field's text; of attachments a list of them, a line each."""
    value = values.get(field.name)
    if field.kind == "attach":
        return attachment_lines(value or ())
    if field.kind == "lines":
        return "\n".join(map(str, value or ()))
    return value if field.kind == "yes" else str(value if value is not None else "")


def problems_by_field(
    problems: Iterable[ConfigProblem], index: int
) -> tuple[dict[str, list[str]], list[ConfigProblem]]:
    """Problems of the index-th answer by their field, and all others."""
    mine: dict[str, list[str]] = {}
    others: list[ConfigProblem] = []
    start, known = f"answers[{index + 1}]", {field.name for field in FIELDS}
    for problem in problems:
        inside = problem.where.removeprefix(start) if problem.where.startswith(start) else None
        if inside is None or inside[:1] not in ("", "."):
            others.append(problem)
            continue
        name = inside.removeprefix(".").partition(".")[0].partition("[")[0]
        mine.setdefault(name if name in known else "say", []).append(problem.message)
    return mine, others


def read_attachments(form: MultiDict[str, str], old: Sequence[Values]) -> list[Values]:
    """The attachments of a form: those still ticked, those chosen, and a link; each once."""
    lines = [line.strip() for value in form.getlist("attach") for line in value[:_LONGEST_TEXT].splitlines()]
    return [_attachment(line, old) for line in dict.fromkeys(filter(None, lines))]


def attachment_lines(attach: Iterable[Values]) -> list[str]:
    """Each attachment as a form has it."""
    return [_line(one) for one in attach]


def _attachment(line: str, old: Sequence[Values]) -> Values:
    """An attachment of a line; one that was there before keeps what a line does not say."""
    kept = next((one for one in old if _line(one) == line), None)
    if kept is not None:
        return kept
    if (link := _LINK.match(line)) is not None:
        return {"kind": "link", "title": link["title"] or link["url"][:64], "url": link["url"]}
    picture = line.rpartition(".")[2].lower() in PICTURES
    return {"kind": "image" if picture else "file", "file": line}


def _line(one: Values) -> str:
    return f"{one.get('title', '')} {one['url']}".strip() if one.get("url") else str(one.get("file", ""))
