"""Measures everything that docs/performance.md tells of, and writes its tables and plots, in both languages.

.venv/bin/python docs/measured/make.py            (`make bench`; after `make setup-tests`, which brings a PostgreSQL)
.venv/bin/python docs/measured/make.py --write    only write them anew from measured.json
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT))

from bot.platform import clock  # noqa: E402
from docs.measured.plots import Bar, bars  # noqa: E402
from docs.measured.wording import WORDS  # noqa: E402

FOUND = HERE / "measured.json"
PAGES = {"en": ROOT / "docs/performance.md", "zh": ROOT / "docs/performance.zh-CN.md"}
RUNS: dict[str, list[str]] = {
    "ingest-sqlite": ["ingest", "--messages", "4000"],
    "ingest-postgresql": ["ingest", "--messages", "4000", "--database", "postgresql"],
    "growth": ["growth", "--stored", "0,10000,100000", "--rules", "100,1000,10000"],
    "callback": ["callback"],
    "due": ["due"],
    "deliver": ["deliver"],
    "ingest-workers": ["ingest", "--messages", "4000", "--workers", "1,2,4"],
}
STAGES = ("rsa", "open", "read", "gather", "decide", "apply", "commit")
Found = Mapping[str, Any]
Words = Mapping[str, str]


def main() -> None:
    """Measure what was asked for (all, or the runs that are named), then write."""
    asked = [word for word in sys.argv[1:] if word != "--write"]
    found: dict[str, Any] = json.loads(FOUND.read_text("utf-8")) if FOUND.exists() else {}
    if "--write" not in sys.argv:
        for name in asked or RUNS:
            found[name] = measured(RUNS[name])
            FOUND.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for language, page in PAGES.items():
        page.write_text(filled(page.read_text("utf-8"), found, WORDS[language]), encoding="utf-8")
    for name in ("ingest-sqlite", "ingest-postgresql"):
        if name in found:
            (HERE / f"{name}.svg").write_text(bars(stage_bars(found[name])), encoding="utf-8")
    if "growth" in found:
        (HERE / "growth.svg").write_text(bars(growth_bars(found["growth"])), encoding="utf-8")


def measured(arguments: Sequence[str]) -> dict[str, Any]:
    """Run one benchmark; with it the load of the machine before and after, since it is part of the truth."""
    before = os.getloadavg()[0]
    command = [sys.executable, "-m", "flask", "--app", str(ROOT / "wsgi.py"), "bench", *arguments, "--json"]
    answer = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True)  # noqa: S603 - our own
    told: dict[str, Any] = json.loads(answer.stdout)
    command_line = " ".join(["flask bench", *arguments])
    load = [round(before, 1), round(os.getloadavg()[0], 1)]
    return {"command": command_line, "day": clock.now().date().isoformat(), "cores": os.cpu_count(),
            "load": load, **told}  # fmt: skip


def filled(page: str, found: Found, words: Words) -> str:
    """The page with each measured part written anew; a part that was not measured stays as it is."""

    def part(match: re.Match[str]) -> str:
        name = match[1]
        if name not in found:
            return match[0]
        body = TABLES[name](found[name], words)
        return f"<!-- measured: {name} -->\n{_how(found[name], words)}\n\n{body}\n<!-- end -->"

    return re.sub(r"<!-- measured: ([a-z-]+) -->.*?<!-- end -->", part, page, flags=re.DOTALL)


def _how(run: Found, words: Words) -> str:
    loads = "–".join(map(str, run["load"]))
    return words["how"].format(command=run["command"], day=run["day"], cores=run["cores"], load=loads)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def ingest_tables(run: Found, words: Words) -> str:
    """The speeds beside their bound, the stages, and the real workers where there were any."""
    rsa = run["rsa_alone"]
    speeds = _table(
        ["", words["a second"], words["of rsa"]],
        [
            [words["rsa alone"], f"{rsa:,.0f}", ""],
            [words["opened"], f"{run['opened']:,.0f}", f"{run['opened'] / rsa:.0%}"],
            [words["whole"], f"{run['whole']:,.0f}", f"{run['whole'] / rsa:.0%}"],
        ],
    )
    spent = run["costs"]["microseconds"]
    stages = _table(
        [words[stage] for stage in STAGES] + [words["statements"], words["memory"]],
        [[f"{spent[stage]:,.0f}" for stage in STAGES]
         + [str(run["costs"]["statements"]), f"{run['costs']['peak_megabytes']:,.0f} MB"]],
    )  # fmt: skip
    parts = [speeds, words["stages"], stages]
    if run["workers"]:
        parts += [words["workers"], _workers_table(run["workers"], words)]
    return "\n\n".join(parts)


def _workers_table(runs: Sequence[Found], words: Words) -> str:
    rows = []
    for one in runs:
        share = f"{one['whole'] / one['rsa_alone']:.0%}"
        rows.append([str(one["workers"]), f"{one['whole']:,.0f}", f"{one['rsa_alone']:,.0f}", share])
    return _table([words[name] for name in ("worker", "a second", "rsa alone", "of rsa")], rows)


def growth_table(run: Found, words: Words) -> str:
    """One row a size."""
    head = [words[name] for name in ("stored", "rules", "rsa", "beside", "statements", "bytes")]
    rows = [
        [f"{one['stored']:,}", f"{one['rules']:,}", f"{one['costs']['microseconds']['rsa']:,.0f}",
         f"{one['beside_rsa']:,.0f}", str(one["costs"]["statements"]), f"{one['bytes_stored']:,}"]
        for one in run["points"]
    ]  # fmt: skip
    return _table(head, rows)


def pace_table(run: Found, words: Words) -> str:
    """Each way beside the bound."""
    bound = run["ways"][run["bound"]]["per_second"]
    rows = [
        [
            words[name],
            f"{pace['per_second']:,.0f}",
            f"{pace['per_second'] / bound:.0%}",
            f"{pace['microseconds']:,.0f}",
        ]
        for name, pace in run["ways"].items()
    ]
    return _table(["", words["a second"], words["of bound"], words["processor"]], rows)


def stage_bars(run: Found) -> list[Bar]:
    """Processor time by stage."""
    return [Bar(stage, run["costs"]["microseconds"][stage], "µs") for stage in STAGES]


def growth_bars(run: Found) -> list[Bar]:
    """What a message costs beside its RSA operation, at each size."""
    return [Bar(f"{one['stored']:,} + {one['rules']:,}", one["beside_rsa"], "µs") for one in run["points"]]


TABLES: dict[str, Callable[[Found, Words], str]] = {
    "ingest-sqlite": ingest_tables,
    "ingest-postgresql": ingest_tables,
    "ingest-workers": ingest_tables,
    "growth": growth_table,
    "callback": pace_table,
    "due": pace_table,
    "deliver": pace_table,
}

if __name__ == "__main__":
    main()
