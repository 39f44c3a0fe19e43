"""Welcome messages, and the checks of text and attachments they share with mass messages."""

from __future__ import annotations

from bot.sandbox.api.media import MEDIA_SECONDS
from bot.sandbox.archive import NewMessage, append, keep_file, make_msgid
from bot.sandbox.replies import Answer, Call, RefusalError, endpoint
from bot.sandbox.state import Json, Sandbox

WELCOME_SECONDS = 20
LONGEST_TEXT = 4000
MOST_ATTACHMENTS = 9
ATTACHMENTS = {
    "image": (),
    "link": ("title", "url"),
    "miniprogram": ("title", "pic_media_id", "appid", "page"),
    "video": ("media_id",),
    "file": ("media_id",),
}
BYTE_LIMITS = {("link", "title"): 128, ("link", "desc"): 512, ("link", "url"): 2048, ("miniprogram", "title"): 64}


def check_content(sandbox: Sandbox, call: Call) -> None:
    """The text and attachments that welcome messages and mass messages share."""
    body = call.body
    text = body.get("text") or {}
    content = text.get("content", "") if isinstance(text, dict) else None
    attachments = body.get("attachments") or []
    if not isinstance(content, str) or not isinstance(attachments, list):
        raise RefusalError(40058, "text or attachments")
    if not content and not attachments:
        raise RefusalError(40063, "text or attachments needed")
    if len(content.encode()) > LONGEST_TEXT:
        raise RefusalError(45002, "text.content")
    if len(attachments) > MOST_ATTACHMENTS:
        raise RefusalError(40058, f"more than {MOST_ATTACHMENTS} attachments")
    for attachment in attachments:
        check_attachment(attachment)
        check_media(sandbox, attachment[attachment["msgtype"]], call.now)


def check_attachment(attachment: Json) -> None:
    kind = attachment.get("msgtype") if isinstance(attachment, dict) else None
    if kind not in ATTACHMENTS:
        raise RefusalError(40058, "attachments.msgtype")
    body = attachment.get(kind)
    if not isinstance(body, dict) or any(not body.get(name) for name in ATTACHMENTS[kind]):
        raise RefusalError(40058, f"attachments.{kind}")
    if kind == "image" and not (body.get("media_id") or body.get("pic_url")):
        raise RefusalError(40058, "attachments.image needs media_id or pic_url")
    for (owner, name), most in BYTE_LIMITS.items():
        if owner == kind and len(str(body.get(name, "")).encode()) > most:
            raise RefusalError(45002, f"attachments.{kind}.{name}")


def check_media(sandbox: Sandbox, body: Json, now: float) -> None:
    for media_id in (body.get("media_id"), body.get("pic_media_id")):
        row = sandbox.ledger.one("SELECT created_at FROM media WHERE media_id = ?", media_id) if media_id else None
        if media_id and (row is None or now > row["created_at"] + MEDIA_SECONDS):
            raise RefusalError(40007)


@endpoint("externalcontact/send_welcome_msg")
def send_welcome_msg(sandbox: Sandbox, call: Call) -> Answer:
    """Within 20 s of the event and once; the first to come wins."""
    code = call.text("welcome_code", 41050)
    check_content(sandbox, call)
    with sandbox.ledger.transaction():
        row = sandbox.ledger.one("SELECT * FROM welcomes WHERE code = ?", code)
        if row is None or call.now > row["issued_at"] + WELCOME_SECONDS:
            raise RefusalError(41050)
        if row["used_at"] is not None:
            raise RefusalError(41051)
        sandbox.ledger.run("UPDATE welcomes SET used_at = ? WHERE code = ?", call.now, code)
        seconds = round(call.now - row["issued_at"], 3)
        sandbox.note(
            "welcome",
            userid=row["userid"],
            external_userid=row["external_userid"],
            after=seconds,
            text=call.body.get("text"),
            attachments=call.body.get("attachments"),
        )
    say_content(sandbox, row["userid"], [row["external_userid"]], call.body)
    return {}


def say_content(sandbox: Sandbox, userid: str, tolist: list[str], body: Json, roomid: str = "") -> None:
    """Text and attachments appear in the chat as the member's own messages, and in the archive."""
    now = sandbox.now()
    parts: list[tuple[str, Json]] = []
    if content := (body.get("text") or {}).get("content"):
        parts.append(("text", {"content": content}))
    parts += [archived_attachment(sandbox, item) for item in body.get("attachments") or []]
    said = [
        NewMessage(
            {
                "msgid": make_msgid(now, external=True),
                "action": "send",
                "from": userid,
                "tolist": tolist,
                "roomid": roomid,
                "msgtime": int(now * 1000) + number,
                "msgtype": kind,
                kind: part,
            }
        )
        for number, (kind, part) in enumerate(parts)
    ]
    append(sandbox, said)


def archived_attachment(sandbox: Sandbox, attachment: Json) -> tuple[str, Json]:
    kind = attachment["msgtype"]
    body = attachment[kind]
    if kind == "link":
        return "link", {
            "title": body["title"],
            "description": body.get("desc", ""),
            "link_url": body["url"],
            "image_url": body.get("picurl", ""),
        }
    if kind == "miniprogram":
        return "weapp", {
            "title": body["title"],
            "description": "",
            "username": f"{body['appid']}@app",
            "displayname": body["title"],
            "appid": body["appid"],
            "pagepath": body["page"],
        }
    row = sandbox.ledger.one("SELECT * FROM media WHERE media_id = ?", body.get("media_id", ""))
    if row is None:  # a picture by its address
        return kind, {"md5sum": "", "filesize": 0, "sdkfileid": ""}
    name, content = row["filename"], row["content"]
    more: dict[str, Json] = {
        "video": {"play_length": 1},
        "file": {"filename": name, "fileext": name.rpartition(".")[2]},
    }
    return kind, keep_file(sandbox, content) | {"filesize": len(content)} | more.get(kind, {})
