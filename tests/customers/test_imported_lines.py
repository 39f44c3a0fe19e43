"""Imported lines: an Excel file reads as its CSV does; bombs, entities and broken files are refused in words."""

from __future__ import annotations

import io
from datetime import datetime
from zipfile import ZIP_DEFLATED, ZipFile

import openpyxl
import pytest

from bot.customers import imported_workbook
from bot.customers.fields import FieldRefusedError
from bot.customers.imported_lines import MOST_LINES, read_file


def workbook(*rows: list[object]) -> bytes:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()


def repacked(raw: bytes, name: str, change: tuple[bytes, bytes]) -> bytes:
    kept = io.BytesIO()
    with ZipFile(io.BytesIO(raw)) as old, ZipFile(kept, "w", ZIP_DEFLATED) as new:
        for part in old.namelist():
            text = old.read(part)
            new.writestr(part, text.replace(*change, 1) if part == name else text)
    return kept.getvalue()


def test_an_excel_file_reads_as_its_csv_does() -> None:
    first, second = datetime(2026, 11, 1, 10, 5), datetime(2026, 11, 2)
    headings: list[object] = ["订单号", "手机", "金额", "下单时间"]
    table = workbook(headings, ["A1", 13812345600, 2999.5, first], [], ["A2", 13812345601.0, 10, second])
    csv = "订单号,手机,金额,下单时间\nA1,13812345600,2999.5,2026-11-01 10:05:00\n,,,\nA2,13812345601,10,2026-11-02\n"
    assert read_file(table) == read_file(csv.encode())


def test_bombs_entities_and_broken_files_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    good = workbook(["手机"], ["1"])
    sheet = "xl/worksheets/sheet1.xml"
    entity = repacked(good, sheet, (b"<worksheet", b'<!DOCTYPE x [<!ENTITY a "aa">]><worksheet'))
    for raw in (good[:-30], b"PK\x03\x04rest", entity, repacked(good, sheet, (b"</sheetData>", b""))):
        with pytest.raises(FieldRefusedError, match="打不开"):
            read_file(raw)
    monkeypatch.setattr(imported_workbook, "MOST_UNPACKED", 2 * 1024 * 1024)
    with pytest.raises(FieldRefusedError, match="解开后"):
        read_file(repacked(good, sheet, (b"</sheetData>", b" " * 3 * 1024 * 1024 + b"</sheetData>")))


def test_a_row_far_down_is_too_many_lines() -> None:
    far = repacked(workbook(["手机"], ["1"]), "xl/worksheets/sheet1.xml", (b'<row r="2"', b'<row r="1048576"'))
    with pytest.raises(FieldRefusedError, match=f"{MOST_LINES} 行|没有内容"):
        read_file(far)
