"""Report on tags: how often each was given, by whom, and day by day."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.analytics.table import ReportScope, ReportTable, share
from bot.platform.config.settings import Settings
from bot.platform.models import Tagging

DRAWN = 8  # more lines cannot be told apart in a chart


def tables(session: Session, settings: Settings, scope: ReportScope) -> list[ReportTable]:
    """Make the table of tags and that of their days."""
    query = select(Tagging.tag, Tagging.by, Tagging.tagged_at, Tagging.removed_at).where(
        scope.holds(Tagging.tagged_at), scope.customers(Tagging.customer_id)
    )
    given: Counter[str] = Counter()
    by_rule: Counter[str] = Counter()
    gone: Counter[str] = Counter()
    days: Counter[tuple[str, date]] = Counter()
    for tag, by, tagged_at, removed_at in session.execute(query.execution_options(yield_per=5000)):
        given[tag] += 1
        by_rule[tag] += by == "rule"
        gone[tag] += removed_at is not None
        days[tag, tagged_at.astimezone(settings.zone).date()] += 1
    return [_by_tag(given, by_rule, gone), _by_day(given, days, settings, scope)]


def _by_tag(given: Counter[str], by_rule: Counter[str], gone: Counter[str]) -> ReportTable:
    total = given.total()
    rows: list[list[Any]] = [
        [tag, count, share(count, total), by_rule[tag], count - by_rule[tag], count - gone[tag]]
        for tag, count in given.most_common()
    ]
    return ReportTable(
        name="tags",
        title="各标签",
        says="这段时间里打上的 {n} 个标签；「仍在」是其中到现在没有去掉的。",
        columns=[
            ("标签", "text"), ("打上", "number"), ("占全部", "share"), ("由规则", "number"),
            ("由人或企业微信", "number"), ("仍在", "number"),
        ],
        rows=rows,
        chart={"kind": "bars", "columns": [1], "most": 20},
        values={"n": total},
    )  # fmt: skip


def _by_day(
    given: Counter[str], days: Counter[tuple[str, date]], settings: Settings, scope: ReportScope
) -> ReportTable:
    names = [tag for tag, _count in given.most_common(DRAWN)]
    first, last = (at.astimezone(settings.zone).date() for at in (scope.since, scope.until))
    every = [first + timedelta(days=nth) for nth in range((last - first).days + 1)]
    rows: list[list[Any]] = [[day.isoformat(), *(days[name, day] for name in names)] for day in every]
    return ReportTable(
        name="days",
        title="逐日",
        says="打得最多的 {n} 个标签每天打上多少次（按工作区的时区）。",
        columns=[("日期", "text"), *((name, "number") for name in names)],
        rows=rows,
        chart={"kind": "lines", "columns": list(range(1, len(names) + 1))},
        values={"n": len(names)},
    )
