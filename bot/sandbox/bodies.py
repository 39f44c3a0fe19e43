"""Builds the bodies of archived messages from the few values that a person types or picks."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

from bot.sandbox.archive import keep_file
from bot.sandbox.state import Json, Sandbox

# A picture of one pixel, the default where none was chosen.
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


def make_body(sandbox: Sandbox, kind: str, given: Json) -> Json:
    """The body of a message of this kind; an unknown kind takes what is given as it is."""
    make = MAKERS.get(kind)
    return make(sandbox, given) if make else given


def content_of(given: Json, default: bytes) -> bytes:
    """`content_base64` of what was given, or the default."""
    text = given.get("content_base64")
    return base64.b64decode(text) if isinstance(text, str) else default


def text(_sandbox: Sandbox, given: Json) -> Json:
    return {"content": str(given.get("content", ""))}


def image(sandbox: Sandbox, given: Json) -> Json:
    content = content_of(given, PIXEL)
    return keep_file(sandbox, content) | {"filesize": len(content)}


def voice(sandbox: Sandbox, given: Json) -> Json:
    content = content_of(given, b"#!AMR\n" + bytes(32))
    return keep_file(sandbox, content) | {"voice_size": len(content), "play_length": int(given.get("seconds", 3))}


def video(sandbox: Sandbox, given: Json) -> Json:
    content = content_of(given, b"\0\0\0\x18ftypmp42" + bytes(64))
    return keep_file(sandbox, content) | {"filesize": len(content), "play_length": int(given.get("seconds", 8))}


def file(sandbox: Sandbox, given: Json) -> Json:
    content = content_of(given, "示例文件\n".encode())
    name = str(given.get("filename", "资料.txt"))
    extension = name.rpartition(".")[2] if "." in name else ""
    return keep_file(sandbox, content) | {"filename": name, "fileext": extension, "filesize": len(content)}


def emotion(sandbox: Sandbox, given: Json) -> Json:
    content = content_of(given, PIXEL)
    stored = keep_file(sandbox, content)
    return stored | {"type": int(given.get("type", 2)), "width": 1, "height": 1, "imagesize": len(content)}


def location(_sandbox: Sandbox, given: Json) -> Json:
    place = {
        "longitude": 121.47,
        "latitude": 31.23,
        "address": "上海市黄浦区人民大道",
        "title": "人民广场",
        "zoom": 15,
    }
    return place | given


def link(_sandbox: Sandbox, given: Json) -> Json:
    return {"title": "", "description": "", "link_url": "https://www.example.com/", "image_url": ""} | given


def weapp(_sandbox: Sandbox, given: Json) -> Json:
    return {"title": "", "description": "", "username": "gh_sandbox@app", "displayname": "小程序"} | given


def card(_sandbox: Sandbox, given: Json) -> Json:
    return {"corpname": "微信联系人", "userid": ""} | given


def chatrecord(sandbox: Sandbox, given: Json) -> Json:
    """`lines` are the texts of the forwarded chat."""
    now = int(sandbox.now())
    items = [
        {
            "type": "ChatRecordText",
            "msgtime": now + number,
            "content": json.dumps({"content": line}, ensure_ascii=False),
            "from_chatroom": False,
        }
        for number, line in enumerate(given.get("lines") or [])
    ]
    return {"title": given.get("title", "聊天记录"), "item": given.get("item") or items}


def mixed(sandbox: Sandbox, given: Json) -> Json:
    words = {"type": "text", "content": json.dumps({"content": given.get("content", "")}, ensure_ascii=False)}
    picture = {"type": "image", "content": json.dumps(image(sandbox, given))}
    return {"item": given.get("item") or [words, picture]}


MAKERS: dict[str, Callable[[Sandbox, Json], Json]] = {
    "text": text,
    "image": image,
    "voice": voice,
    "video": video,
    "file": file,
    "emotion": emotion,
    "location": location,
    "link": link,
    "weapp": weapp,
    "card": card,
    "chatrecord": chatrecord,
    "mixed": mixed,
}
