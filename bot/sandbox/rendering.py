"""Splits what people and apps wrote into styled text for the page; none of it is ever treated as markup."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass

from bot.sandbox.state import Json

ANCHOR = re.compile(r"""<a\s+href\s*=\s*["']?([^"'>\s]+)["']?\s*>(.*?)</a>""", re.IGNORECASE | re.DOTALL)
DIV = re.compile(
    r"""<div\s+class\s*=\s*["']?(gray|highlight|normal)["']?\s*>(.*?)</div>""", re.IGNORECASE | re.DOTALL
)
MARKS = re.compile(
    r"\*\*(?P<bold>.+?)\*\*|`(?P<code>[^`]+)`|\[(?P<label>[^\]]+)\]\((?P<href>[^)\s]+)\)"
    r"""|<font\s+color\s*=\s*["'](?P<color>info|comment|warning)["']\s*>(?P<tinted>.*?)</font>""",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class StyledText:
    """A run of text in one style; `href` only if it is a web address."""

    text: str
    style: str = ""
    href: str = ""


def web_address(url: object) -> str:
    """The address if a browser may follow it, else nothing."""
    return url if isinstance(url, str) and url.lower().startswith(("http://", "https://")) else ""


def text_pieces(text: str) -> list[StyledText]:
    """A text message: plain text, except for WeCom's <a href>."""
    pieces, end = [], 0
    for match in ANCHOR.finditer(text):
        pieces.append(StyledText(text[end : match.start()]))
        pieces.append(StyledText(match[2], "link", web_address(html.unescape(match[1]))))
        end = match.end()
    return [piece for piece in [*pieces, StyledText(text[end:])] if piece.text]


def textcard_pieces(description: str) -> list[StyledText]:
    """A textcard's description: <div class="gray|highlight|normal">, one line each; <br> breaks."""
    plain = re.sub(r"<br\s*/?>", "\n", description, flags=re.IGNORECASE)
    pieces, end = [], 0
    for match in DIV.finditer(plain):
        pieces.append(StyledText(plain[end : match.start()].strip()))
        pieces.append(StyledText(match[2], match[1].lower()))
        end = match.end()
    return [piece for piece in [*pieces, StyledText(plain[end:].strip())] if piece.text]


def markdown_lines(content: str) -> list[tuple[str, list[StyledText]]]:
    """(line style, pieces) of WeCom's small Markdown: headings, quotes, bold, code, links, three colours."""
    lines = []
    for line in content.splitlines():
        heading = re.match(r"#{1,6}\s+", line)
        quote = re.match(r">\s?", line)
        start = heading or quote
        style = "heading" if heading else "quote" if quote else ""
        lines.append((style, inline(line[start.end() :] if start else line)))
    return lines


def inline(line: str) -> list[StyledText]:
    pieces, end = [], 0
    for match in MARKS.finditer(line):
        pieces.append(StyledText(line[end : match.start()]))
        if match["bold"]:
            pieces.append(StyledText(match["bold"], "bold"))
        elif match["code"]:
            pieces.append(StyledText(match["code"], "code"))
        elif match["label"]:
            pieces.append(StyledText(match["label"], "link", web_address(match["href"])))
        else:
            pieces.append(StyledText(match["tinted"] or "", match["color"].lower()))
        end = match.end()
    return [piece for piece in [*pieces, StyledText(line[end:])] if piece.text]


def record_lines(body: Json) -> list[str]:
    """The first lines of a forwarded chat, as its card shows them."""
    lines = []
    for item in (body.get("item") or [])[:4]:
        try:
            content = json.loads(item.get("content", ""))
        except ValueError:
            content = {}
        text = content.get("content") if isinstance(content, dict) else None
        lines.append(text if isinstance(text, str) else f"[{str(item.get('type', ''))[10:] or '消息'}]")
    return lines


def file_size(size: object) -> str:
    if not isinstance(size, int):
        return ""
    return f"{size} B" if size < 1024 else f"{size / 1024:.1f} KB" if size < 2**20 else f"{size / 2**20:.1f} MB"
