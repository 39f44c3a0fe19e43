"""Proof by attachments."""

from __future__ import annotations

from typing import Any

import pytest

from sop.proofs import SentContent, attachments_in

ATTACH: list[dict[str, Any]] = [
    {"kind": "link", "title": "目录", "url": "https://Example.com/list/"},
    {"kind": "image", "file": "a.png"},
    {"kind": "file", "file": "a.pdf"},
    {"kind": "miniprogram", "title": "报名", "appid": "wx12345678", "page": "p", "pic": "a.png"},
]
MD5S = {"a.png": frozenset({"11", "12"}), "a.pdf": frozenset({"22"})}


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        (SentContent(), ()),
        (SentContent(urls=frozenset({"https://example.com/list"})), (0,)),
        (SentContent(urls=frozenset({"https://example.com/list?x=1"})), ()),
        (SentContent(urls=frozenset({"https://example.com/LIST"})), ()),
        (SentContent(opened=frozenset({("7", 0)})), (0,)),
        (SentContent(opened=frozenset({("8", 0)})), ()),
        (SentContent(opened=frozenset({("mass:7", 0), ("mass:8", 1)})), (0,)),
        (SentContent(md5s=frozenset({"12"})), (1,)),
        (SentContent(md5s=frozenset({"22", "11"})), (1, 2)),
        (SentContent(md5s=frozenset({"33"})), ()),
        (SentContent(appids=frozenset({"wx12345678"})), (3,)),
        (SentContent(appids=frozenset({"wx99999999"})), ()),
        (SentContent(urls=frozenset({"http://[broken"})), ()),
    ],
)
def test_proof_by_attachment(sent: SentContent, found: tuple[int, ...]) -> None:
    assert attachments_in(sent, ["7", "mass:7"], ATTACH, MD5S) == found
