"""Tables in and out: any bytes are taken whole or refused in words, and no cell of ours becomes a formula."""

from __future__ import annotations

import csv
import io
import unicodedata

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from bot.customers.fields import FieldRefusedError, import_fields
from bot.platform import clock
from bot.platform.config.settings import parse_settings
from bot.platform.csv_cells import as_csv
from bot.platform.database.store import Store
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
            import_fields(session, FIELDS, raw)
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
