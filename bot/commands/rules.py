"""`flask rules`: checks and tests rules, and explains what they find in a sentence."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from flask.cli import with_appcontext

from bot.commands.rule_options import CONFIG, JSON, as_list, lines_of, load, show
from bot.commands.terminal import (
    Table,
    console,
    errors,
)
from taggers.utterance import Utterance


@click.group("rules", help="规则：检查、测试、解释、评测、覆盖、挖掘、回测。")
def rules() -> None: ...


@rules.command("check", help="检查配置：所有错误一次列出，带行号、列号与改法；每条规则的例句都要通过。")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@with_appcontext
def check(path: Path | None) -> None:
    settings = load(path)
    examples = sum(len(rule.examples.hit) + len(rule.examples.miss) for rule in settings.tables.rules)
    console.print(
        f"没有问题（版本 {settings.version}）：{len(settings.tables.rules)} 条规则，{examples} 个例句全部通过",
        style="green",
    )


@rules.command("test", help='例句之外再测一份句子文件（JSON Lines：{"text": "…", "tags": ["应有的标签"]}）。')
@click.argument("sentences", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@CONFIG
@JSON
@with_appcontext
def test(sentences: Path | None, path: Path | None, as_json: bool) -> None:
    settings = load(path)
    wrong: list[dict[str, Any]] = []
    count = 0
    for number, line in lines_of(sentences) if sentences else ():
        count += 1
        text, wanted = str(line.get("text", "")), set(map(str, as_list(line.get("tags"))))
        got = {hit.tag for hit in settings.book.judge(Utterance.typed(text)) if not hit.shadow}
        if got != wanted:
            why = [f"{one.rule_id}：{one.reason}" for one in settings.book.explain(text) if one.tag in got ^ wanted]
            wrong.append(
                {
                    "line": number,
                    "text": text,
                    "missing": sorted(wanted - got),
                    "extra": sorted(got - wanted),
                    "why": why,
                }
            )
    if as_json:
        show({"sentences": count, "wrong": wrong})
    else:
        for one in wrong:
            errors.print(
                f"第 {one['line']} 行「{one['text']}」 少了 {one['missing'] or '—'}，多了 {one['extra'] or '—'}",
                style="red", markup=False,
            )  # fmt: skip
            for why in one["why"]:
                errors.print(f"    {why}", markup=False)
        console.print(f"例句全部通过；句子文件 {count} 句，{len(wrong)} 句不对", style="red" if wrong else "green")
    raise SystemExit(1 if wrong else 0)


@rules.command("explain", help="一句话会命中哪些规则、为什么；差一点命中的也说明原因。")
@click.argument("text")
@click.option("--agent", is_flag=True, help="这句话是员工说的")
@CONFIG
@JSON
@with_appcontext
def explain(text: str, agent: bool, path: Path | None, as_json: bool) -> None:
    settings = load(path, examples=False)
    found = settings.book.explain(Utterance.typed(text, sender="agent" if agent else "customer"))
    if as_json:
        show([{**asdict(one), "spans": [span._asdict() for span in one.spans]} for one in found])
        return
    if not found:
        console.print("没有规则的关键词出现在这句话里")
        return
    table = Table("规则", "标签", "命中", "原因", title=text, title_justify="left")
    for one in found:
        table.add_row(one.rule_id, one.tag, "✓" if one.hit else "—", one.reason, style="green" if one.hit else None)
    console.print(table, markup=False)
