"""Tables in and out: any bytes are taken whole or refused in words, and no cell of ours becomes a formula."""

from __future__ import annotations

import csv
import io
import os
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console
from sqlalchemy import select

from bot.commands.terminal import Table
from bot.customers.fields import FieldRefusedError, Writer, import_fields
from bot.platform import clock
from bot.platform.config.settings import parse_settings
from bot.platform.csv_cells import as_csv, safe_cell
from bot.platform.database.store import Store
from bot.platform.environment import ROOT
from bot.platform.models import Customer, CustomerField
from tests.support.rows import Rows

WHO = "wmTABLE"
HEAD = f"external_userid,birthday,备注\n{WHO},"
FIELDS = parse_settings('[[fields]]\nname = "note"\ntitle = "备注"\n').fields
known = st.sampled_from((WHO, "birthday", "1990-05-20", "", "=1+1", '"', "\x00"))
cells = known | st.text(st.characters(codec="utf-8"), max_size=30)
tables = st.lists(st.lists(cells, max_size=5), max_size=6).map(
    lambda rows: "\n".join(",".join(row) for row in rows).encode()
)
headed = (tables | st.binary(max_size=99)).map(lambda rest: HEAD.encode() + rest)
beginnings = st.sampled_from(
    ("＝", "－", "＋", "＠", "\u3000=", "\n=", "\ufeff=", "\u00a0@", " +", "\x00=", "﹢", " " * 99 + "=")
)


def imported(store: Store, raw: bytes) -> list[str] | None:
    """What is wrong with the table, in words; None where it was taken."""
    try:
        with store.write() as session:
            import_fields(session, FIELDS, raw, Writer("boss", clock.now(), clock.now().date()))
    except FieldRefusedError as refused:
        return refused.problems
    return None


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary(max_size=300) | tables | headed)
def test_any_table_of_customers_is_taken_whole_or_refused_in_words(store: Store, raw: bytes) -> None:
    with store.write() as session:
        if session.scalar(select(Customer.id)) is None:
            Rows(session, clock.now()).customer("甲").external_userid = WHO
    facts = select(CustomerField.name, CustomerField.value).order_by(CustomerField.name)
    with store.read() as session:
        before = session.execute(facts).all()
    problems = imported(store, raw)
    with store.read() as session:
        assert session.scalars(select(Customer.external_userid)).all() == [WHO]
        if problems is not None:
            assert problems
            assert all(problem.strip() for problem in problems)
            assert session.execute(facts).all() == before


def test_a_good_table_is_taken_in_each_encoding_of_a_spreadsheet(store: Store) -> None:
    with store.write() as session:
        Rows(session, clock.now()).customer("甲").external_userid = WHO
    for encoding in ("utf-8", "utf-8-sig", "gb18030"):
        assert imported(store, f"{HEAD}1990-05-20,1+1\r\n".encode(encoding)) is None
        assert "公式" in str(imported(store, f"{HEAD},=1+1\r\n".encode(encoding)))
    with store.read() as session:
        kept = dict(session.execute(select(CustomerField.name, CustomerField.value)).all())
    assert kept == {"birthday": "1990-05-20", "note": "1+1"}


@given(value=st.text(max_size=20) | st.builds(str.__add__, beginnings, st.text(max_size=5)))
def test_no_cell_is_taken_for_a_formula_whatever_stands_before_it(value: str) -> None:
    """A spreadsheet passes over blanks and signs without a shape, and may read full-width signs as narrow ones."""
    table = as_csv(("a", "b"), [(value, "end")]).removeprefix("\ufeff")
    _, (cell, end) = csv.reader(io.StringIO(table, newline=""))
    shown = "".join(sign for sign in cell if unicodedata.category(sign)[0] not in "CZ")
    assert not unicodedata.normalize("NFKC", shown[:1]).startswith(("=", "+", "-", "@"))
    assert not cell.startswith(("\t", "\r", "\n"))
    assert cell in (value, f"'{value}")
    assert end == "end"


KEPT = (
    "007", "0571", "0571,88", "00.5", "110101199003071234", "6222021234567890123", "138123456789",
    "3/4", "3-4", "1.2.3", "12/25/2026", "2026/3/4", "2026-3-4", "1e5", "12E3", "1.5e+10", "9:30",
    "09:30:15", "9:30 pm", "9 pm", "(5)", "5-", "1.50", "100.", ".5", "1 1/2", "3月4日", "2026年3月",
    "9时30分", "上午9:30", "下午 9时", "９时30分", "true", "False",
    "2026年3月4日", "mar 4", "4-Mar", "December 2026", "SEPT1", "００７", " 007 ", "３/４", "\u00a0007",
)  # fmt: skip
AS_IT_IS = (
    "多少钱", "7", "199", "1.5", "2,999", "50%", "13812345678", "2026-03-04", "2026-03-04 12:00:00",
    "iphone 15", "3/4杯", "第007号", "0", "march on me", "A1", "1e", "周三9:30见", "", "在 3/4 之前",
)  # fmt: skip


@pytest.mark.parametrize("text", KEPT)
def test_excel_makes_nothing_else_of_a_text(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", AS_IT_IS)
def test_what_survives_excel_stays_as_it_is(text: str) -> None:
    assert safe_cell(text) == text


def test_numbers_of_ours_stay_numbers() -> None:
    assert [safe_cell(value) for value in (7, 0.5, -1, 10**15, None)] == [7, 0.5, -1, 10**15, None]


def test_a_table_on_a_terminal_folds_and_loses_no_word() -> None:
    remedy = "时长写成数字加单位，例如三十分钟、两小时、七天；" * 6
    out = io.StringIO()
    table = Table("位置", "键", "问题与改法")
    table.add_row("12:3", "sops[3].steps[2].attachments[1].page", remedy)
    Console(file=out, width=60).print(table)
    text = "".join(sign for sign in out.getvalue() if sign.isalnum() or sign in "；，、[].:")
    assert "…" not in out.getvalue()
    for part in ("12:3", "sops[3]", *remedy.split("；")[0].split("，")):
        assert all(sign in text for sign in part)
    assert sum(out.getvalue().count(sign) for sign in "时长写成") >= 24


def test_no_command_draws_a_table_that_loses_words() -> None:
    """rich's own cuts words that do not fit; ours is drawn by all."""
    files = [file for file in (ROOT / "bot").rglob("*.py") if file.name != "terminal.py"]
    direct = [file.name for file in files if re.search(r"from rich(?:\.table)? import .*\bTable\b", file.read_text())]
    assert (len(files) > 100, direct) == (True, [])


@pytest.mark.parametrize("columns", [None, "60"])
def test_what_is_wrong_with_a_config_keeps_its_remedy_in_a_pipe(tmp_path: Path, columns: str | None) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[[rules]]\nid = "a"\ntag = "甲"\nany = ["多少钱"]\nexpires = "soon"\n', encoding="utf-8")
    surroundings = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    surroundings |= {"COLUMNS": columns} if columns else {}
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "bot.app", "check", str(config)],
        cwd=tmp_path, env={**surroundings, "PYTHONPATH": str(ROOT), "TICI_CONFIG": str(config)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    said = "".join(done.stderr.split()).replace("│", "").replace("┃", "")
    assert "…" not in said
    assert '"一周"' in said
