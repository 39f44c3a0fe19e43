"""What cards and lists quote: the customer's own words, and the names of what is attached."""

from __future__ import annotations

from sop.quotes import attached, list_line, quoted

LINK = {"kind": "link", "title": "课程目录", "url": "https://example.com/a"}
FILE = {"kind": "file", "file": "价目/价目表.pdf"}
PICTURE = {"kind": "image", "file": "海报.png"}


def test_the_customers_words_are_quoted_on_one_line_and_cut_inside_the_marks() -> None:
    assert quoted("你们的课\n多少钱？") == "「你们的课 多少钱？」"
    assert quoted("  ") == ""
    long = quoted("想" * 50)
    assert (len(long), long[0], long[-2:]) == (26, "「", "…」")


def test_what_is_attached_is_named() -> None:
    assert attached([LINK, FILE, PICTURE]) == "链接《课程目录》、文件《价目表.pdf》、图片《海报.png》"
    assert attached([]) == ""


def test_a_line_of_a_list() -> None:
    assert list_line("多少钱", "价格跟进", [LINK]) == "「多少钱」 价格跟进 附课程目录"
    assert list_line("", "价格跟进") == "价格跟进"
