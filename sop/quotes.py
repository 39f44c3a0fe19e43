"""Quotes: a customer's own words and the names of what is attached, as cards and lists show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_KINDS = {"link": "链接", "miniprogram": "小程序", "image": "图片", "file": "文件"}


def quoted(words: str, longest: int = 24) -> str:
    """The customer's words on one line, in quotation marks; empty where they have said nothing."""
    line = " ".join(words.split())
    if not line:
        return ""
    return f"「{line if len(line) <= longest else line[: longest - 1] + '…'}」"


def attachment_names(attach: Sequence[Mapping[str, Any]]) -> list[str]:
    """What each attachment is called: its title, else its file."""
    return [_name(item) for item in attach]


def along(attach: Sequence[Mapping[str, Any]], most: int = 30) -> str:
    """What goes along with words in a chat, in brackets; empty where nothing does."""
    names = "、".join(attachment_names(attach))
    return f"（附：{names[:most]}）" if names else ""


def attached(attach: Sequence[Mapping[str, Any]]) -> str:
    """What is to be sent along, in words; empty where nothing is."""
    return "、".join(f"{_KINDS.get(str(item.get('kind')), '附件')}《{_name(item)}》" for item in attach)


def list_line(words: str, why: str, attach: Sequence[Mapping[str, Any]] = ()) -> str:
    """A prompt in a list: what the customer said last, why now, and what goes along."""
    parts = [quoted(words, 12), why, f"附{'、'.join(attachment_names(attach))}" if attach else ""]
    return " ".join(part for part in parts if part)


def _name(item: Mapping[str, Any]) -> str:
    file = str(item.get("file") or item.get("pic") or "")
    return str(item.get("title") or file.rpartition("/")[2] or item.get("url") or "附件")
