"""Parts of a long text: WeCom cuts a text message at 2,048 bytes, so a longer one is cut at a line and continued."""

from __future__ import annotations

LONGEST_TEXT = 2048  # bytes of UTF-8
GOES_ON = "\n（未完，见下一条）"
_ROOM = LONGEST_TEXT - len(GOES_ON.encode())
_ENDS = "。！？；，、 "  # where a line that alone is too long is best divided


def text_parts(text: str) -> list[str]:
    """The text as messages that WeCom shows whole, in order; all but the last say that there is more."""
    if _size(text) <= LONGEST_TEXT:
        return [text]
    parts = [""]
    for line in (piece for whole in text.split("\n") for piece in _pieces(whole)):
        longer = f"{parts[-1]}\n{line}" if parts[-1] else line
        if _size(longer) <= _ROOM:
            parts[-1] = longer
        else:
            parts.append(line)
    return [part + GOES_ON for part in parts[:-1]] + parts[-1:]


def _pieces(line: str) -> list[str]:
    """A line, divided where it alone is too long."""
    pieces = []
    while _size(line) > _ROOM:
        most = len(line.encode()[:_ROOM].decode(errors="ignore"))
        end = max(line.rfind(mark, 0, most) for mark in _ENDS) + 1
        end = end if end > most // 2 else most
        pieces.append(line[:end])
        line = line[end:]
    return [*pieces, line]


def _size(text: str) -> int:
    return len(text.encode("utf-8", "replace"))
