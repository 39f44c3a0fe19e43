"""Message kinds of the archive, one row of a table each: text for tagging, one line for people, media."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from string import Formatter
from typing import Any, TypeAlias

from bot.wecom.plain import clean, items, mapping, read_inner, whole_number

UNSUPPORTED = "暂不支持的消息"
_LONGEST_LINE = 200
_DEEPEST = 6
_MOST_ITEMS = 500

Body: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class ContentPart:
    """A part of a message's content. `offset` is its place in the content.

    scope: typed (the sender's own words) | mixed (their words between pictures) | quote (what they reply to) |
    forwarded (a chat record) | link (titles of links, mini programs, places) | file (names) | notice (votes, to-dos,
    red packets and others whose wording is WeCom's).
    """

    scope: str
    text: str
    offset: int


@dataclass(frozen=True)
class MediaRef:
    """A file that WeCom keeps for some days. kind: the message kind it came in; size in bytes."""

    kind: str
    sdkfileid: str = field(repr=False)
    md5: str = ""
    size: int | None = None
    name: str = ""
    seconds: int | None = None


@dataclass(frozen=True)
class BodyContent:
    """What a body contains: (scope, text) pairs, the line for people, the media.

    parts, content: given where the content is more than the pairs joined; the parts then have offsets in it.
    """

    pairs: tuple[tuple[str, str], ...] = ()
    line: str = ""
    media: tuple[MediaRef, ...] = ()
    parts: tuple[ContentPart, ...] | None = None
    content: str = ""


@dataclass(frozen=True)
class MessageKind:
    """A row of the table.

    line: pieces joined by spaces; a piece is left out where one of its {fields} is empty. words: the fields read for
    tagging, under `scope`. media: whether the body may hold a sdkfileid. inside: fields that list items, each with a
    kind of its own. tell: a function, for kinds that this cannot describe.
    """

    line: tuple[str, ...]
    words: tuple[str, ...] = ()
    scope: str = "notice"
    media: bool = False
    inside: tuple[str, ...] = ()
    tell: Callable[[Body], BodyContent] | None = None


def tell(kind: str, body: Body, depth: int = 0) -> BodyContent:
    """What a message of this kind contains; an unknown kind gets a line that says so. Never raises."""
    row = KINDS.get(kind)
    if row is None:
        return BodyContent(line=f"[{UNSUPPORTED}]")
    if row.tell is not None:
        return row.tell(body)
    told = list(_inside(row, body, depth))
    pairs = [(row.scope, text) for name in row.words for text in _texts(body.get(name)) if text]
    pairs += [(row.scope, text) for inner in told for _, text in inner.pairs]
    media = (*_media(kind, body), *(ref for inner in told for ref in inner.media)) if row.media else ()
    line = " ".join([*_pieces(row.line, body), *(inner.line for inner in told[:3])])
    return BodyContent(tuple(pairs), line[:_LONGEST_LINE], media)


def _inside(row: MessageKind, body: Body, depth: int) -> Iterator[BodyContent]:
    """The items of a chat record, a mixed message or a note; they may hold further ones."""
    if depth >= _DEEPEST:
        return
    for name in row.inside:
        for item in items(body.get(name))[:_MOST_ITEMS]:
            entry = mapping(item)
            kind = clean(entry.get("type") or entry.get("msg_type")).removeprefix("ChatRecord").lower()
            content = read_inner(entry.get("content"))
            yield tell(kind, body_of(kind, content) if kind in content else content or entry, depth + 1)


def body_of(kind: str, message: Body) -> Body:
    """The body of a message: under its kind, or under one of three other names that WeCom uses."""
    for name in (kind, "redpacket", "doc", "info"):
        if isinstance(message.get(name), Mapping):
            return mapping(message[name])
    return message


def _pieces(line: tuple[str, ...], body: Body) -> Iterator[str]:
    for piece in line:
        names = [name for _, name, _, _ in Formatter().parse(piece) if name]
        values = {name: "、".join(_texts(body.get(name))) for name in names}
        if all(values.values()):
            yield " ".join(piece.format_map(values).split())


def _texts(value: object) -> list[str]:
    """A field's text, or the texts of a list of strings (voteitem, attendeename)."""
    return [text for item in items(value)[:_MOST_ITEMS] if (text := clean(item).strip())]


def _media(kind: str, body: Body) -> tuple[MediaRef, ...]:
    sdkfileid = clean(body.get("sdkfileid"))
    if not sdkfileid:
        return ()
    size = next((body[name] for name in ("filesize", "voice_size", "imagesize") if name in body), None)
    name = clean(body.get("filename"))[:255]
    return (
        MediaRef(
            kind,
            sdkfileid,
            clean(body.get("md5sum")),
            whole_number(size),
            name,
            whole_number(body.get("play_length")),
        ),
    )


# The text that the desktop and the phone client write for a reply. The last ruled line counts: the quoted message
# may itself contain a quotation.
_DESK_HEAD = '这是一条引用/回复消息：\n"'
_DESK_RULE = '"\n------\n'
_PHONE_HEAD = "「"
_PHONE_RULE = re.compile(r"」\n(?:- ?){6,40}-?\n")


def _text(body: Body) -> BodyContent:
    content = clean(body.get("content"))
    found = _quoted(content)
    if found is None:
        return BodyContent((("typed", content),), _line(content))
    (start, end), reply = found
    parts = (ContentPart("quote", content[start:end], start), ContentPart("typed", content[reply:], reply))
    pairs = tuple((part.scope, part.text) for part in parts)
    return BodyContent(pairs, _line(f"{content[reply:]} (引用：{content[start:end]})"), parts=parts, content=content)


def _quoted(content: str) -> tuple[tuple[int, int], int] | None:
    """The span of the quotation (without the name before it) and the start of the reply."""
    if content.startswith(_DESK_HEAD):
        end = content.rfind(_DESK_RULE)
        if end >= len(_DESK_HEAD):
            return (_after_name(content, len(_DESK_HEAD), end, ":\n"), end), end + len(_DESK_RULE)
    if content.startswith(_PHONE_HEAD):
        rules = list(_PHONE_RULE.finditer(content))
        if rules:
            end = rules[-1].start()
            return (_after_name(content, len(_PHONE_HEAD), end, "："), end), rules[-1].end()
    return None


def _after_name(content: str, start: int, end: int, colon: str) -> int:
    at = content.find(colon, start, end)
    return at + len(colon) if at >= 0 else start


def _line(text: str) -> str:
    return " ".join(text[: 2 * _LONGEST_LINE].split())[:_LONGEST_LINE]


def _link(label: str, *more: str, words: tuple[str, ...] = ("title", "description")) -> MessageKind:
    return MessageKind((f"[{label}]", *more), words, "link")


def _notice(label: str, *more: str, words: tuple[str, ...] = (), inside: tuple[str, ...] = ()) -> MessageKind:
    return MessageKind((f"[{label}]", *more), words, "notice", inside=inside)


KINDS: dict[str, MessageKind] = {
    "text": MessageKind((), tell=_text),
    "image": MessageKind(("[图片]",), media=True),
    "voice": MessageKind(("[语音]", "{play_length} 秒"), media=True),
    "video": MessageKind(("[视频]", "{play_length} 秒"), media=True),
    "emotion": MessageKind(("[表情]",), media=True),
    "file": MessageKind(("[文件]", "{filename}"), ("filename",), "file", media=True),
    "voip_doc_share": MessageKind(("[通话中的文件]", "{filename}"), ("filename",), "file", media=True),
    "meeting_voice_call": MessageKind(("[语音通话录音]",), media=True),
    "revoke": _notice("撤回了一条消息"),
    "agree": _notice("同意会话存档"),
    "disagree": _notice("不同意会话存档"),
    "card": _notice("名片", "{corpname}", "{userid}"),
    "location": _link("位置", "{title}", "{address}", words=("title", "address")),
    "link": _link("链接", "{title}", "{description}"),
    "weapp": _link("小程序", "{title}", "{displayname}"),
    "chatrecord": MessageKind(("[聊天记录]", "{title}"), ("title",), "forwarded", media=True, inside=("item",)),
    "mixed": MessageKind((), (), "mixed", media=True, inside=("item",)),
    "note": MessageKind(("[笔记]",), (), "mixed", media=True, inside=("items", "item")),
    "todo": _notice("待办", "{title}", "{content}", words=("title", "content")),
    "vote": _notice("投票", "{votetitle}", "{voteitem}", words=("votetitle", "voteitem")),
    "collect": _notice("填表", "{title}", words=("title",)),
    "redpacket": _notice("红包", "{wish}", words=("wish",)),
    "external_redpacket": _notice("红包", "{wish}", words=("wish",)),
    "meeting": _notice("会议", "{topic}", "{address}", words=("topic", "remarks")),
    "meeting_notification": _notice("会议通知", "{content}", words=("content",)),
    "docmsg": _link("在线文档", "{title}", words=("title",)),
    "markdown": _notice("消息", "{content}", words=("content",)),
    "news": MessageKind(("[图文]",), (), "link", inside=("item",)),
    "calendar": _notice("日程", "{title}", "{place}", words=("title", "remarks")),
    "sphfeed": _link("视频号", "{sph_name}", "{feed_desc}", words=("sph_name", "feed_desc")),
    "voiptext": _notice("通话", "{callduration} 秒"),
    "qydiskfile": MessageKind(("[微盘文件]", "{filename}"), ("filename",), "file"),
    "solitaire": _notice("接龙", "{solitaire_content}", words=("solitaire_content",)),
    "switch": _notice("切换企业日志"),
    # Items of news have no kind of their own.
    "": _link("图文", "{title}", "{description}"),
}
