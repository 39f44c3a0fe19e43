"""Attachments as config.toml gives them: what each kind needs, how long it may be, which files it may name."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from sop.attachments import Attachment

LINK = {"kind": "link", "title": "目录", "url": "https://example.com/a"}
MINI = {"kind": "miniprogram", "title": "报名", "appid": "wx1234567890abcdef", "page": "pages/join", "pic": "a.png"}


@pytest.mark.parametrize(
    ("given", "material"),
    [
        (LINK, None),
        (LINK | {"desc": "一句话", "picurl": "https://example.com/a.png"}, None),
        (MINI, ("a.png", "image")),
        ({"kind": "image", "file": "图/海报.JPG"}, ("图/海报.JPG", "image")),
        ({"kind": "file", "file": "价目表.pdf"}, ("价目表.pdf", "file")),
        ({"kind": "file", "file": "a.txt", "title": "说明"}, ("a.txt", "file")),
        (LINK | {"title": "长" * 42}, None),
    ],
)
def test_good_attachments(given: dict[str, Any], material: tuple[str, str] | None) -> None:
    assert Attachment.model_validate(given).material == material


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"kind": "link", "title": "目录"}, "link 附件还缺 url"),
        ({"kind": "miniprogram", "title": "报名"}, "还缺 appid、page、pic"),
        ({"kind": "image"}, "image 附件还缺 file"),
        ({"kind": "image", "file": "a.png", "url": "https://example.com"}, "image 附件没有 url，可写的有 file"),
        (LINK | {"title": "长" * 43}, "129 字节，企业微信最多 128"),
        (LINK | {"desc": "长" * 171}, "513 字节，企业微信最多 512"),
        (MINI | {"title": "长" * 22}, "66 字节，企业微信最多 64"),
        ({"kind": "image", "file": "海报.gif"}, "不是图片，企业微信只收 jpg、jpeg、png"),
        (MINI | {"pic": "a.webp"}, "不是图片"),
        ({"kind": "file", "file": "../config.toml"}, "不是素材库里的文件名"),
        ({"kind": "file", "file": "/etc/passwd"}, "不是素材库里的文件名"),
        ({"kind": "file", "file": "a\\b.pdf"}, "不是素材库里的文件名"),
        ({"kind": "file", "file": "a\n.pdf"}, "不是素材库里的文件名"),
        ({"kind": "voice", "file": "a.amr"}, "literal_error|Input should be"),
        (MINI | {"appid": "1234"}, "appid"),
        (LINK | {"url": "javascript:alert(1)"}, "url"),
        (LINK | {"picurl": "ftp://a/b"}, "picurl"),
    ],
)
def test_bad_attachments_say_what_is_wrong(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Attachment.model_validate(given)
