"""The material library: what a file is told by its content, its size, its name."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from bot.sops.material_library import MaterialRefusedError, safe_stem, sniff, store_upload

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40


def test_macros_are_refused_and_documents_known_by_what_is_inside() -> None:
    def packed(*names: str) -> io.BytesIO:
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as archive:
            for name in names:
                archive.writestr(name, "x")
        made.seek(0)
        return made

    assert sniff(packed("[Content_Types].xml", "word/document.xml")) == "docx"
    assert sniff(packed("[Content_Types].xml", "xl/workbook.xml")) == "xlsx"
    assert sniff(packed("a.txt")) == "zip"
    with pytest.raises(MaterialRefusedError, match="宏"):
        sniff(packed("[Content_Types].xml", "xl/vbaProject.bin"))


def test_sizes_are_capped_while_they_come_in(tmp_path: Path) -> None:
    with pytest.raises(MaterialRefusedError, match="最多 10 MB"):
        store_upload(tmp_path, "big.png", io.BytesIO(PNG + b"0" * (10 * 1024 * 1024)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "stem"),
    [
        ("价目表.pdf", "价目表"), ("../../x.png", "x"), ("..\\..\\y.png", "y"), ("....", "素材"),
        ("a b\u202egnp.exe", "a-b-gnp"),
        ("。。。.png", "素材"), ("甲" * 300 + ".png", "甲" * 60), ("\x00\n.png", "素材"),
    ],
)  # fmt: skip
def test_of_a_given_name_only_letters_survive(given: str, stem: str) -> None:
    assert safe_stem(given) == stem
