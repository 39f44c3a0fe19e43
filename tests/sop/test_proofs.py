"""Proof by attachments."""

from __future__ import annotations

from typing import Any

import pytest

from sop.proofs import Sending, attachments_in

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
        (Sending(), ()),
        (Sending(urls=frozenset({"https://example.com/list"})), (0,)),
        (Sending(urls=frozenset({"https://example.com/list?x=1"})), ()),
        (Sending(urls=frozenset({"https://example.com/LIST"})), ()),
        (Sending(opened=frozenset({(7, 0)})), (0,)),
        (Sending(opened=frozenset({(8, 0)})), ()),
        (Sending(md5s=frozenset({"12"})), (1,)),
        (Sending(md5s=frozenset({"22", "11"})), (1, 2)),
        (Sending(md5s=frozenset({"33"})), ()),
        (Sending(appids=frozenset({"wx12345678"})), (3,)),
        (Sending(appids=frozenset({"wx99999999"})), ()),
        (Sending(urls=frozenset({"http://[broken"})), ()),
    ],
)
def test_proof_by_attachment(sent: Sending, found: tuple[int, ...]) -> None:
    assert attachments_in(sent, 7, ATTACH, MD5S) == found
