"""The kinds of app messages: what each must hold, and how it arrives."""

from __future__ import annotations

import re
from collections.abc import Callable

from bot.sandbox.api.cards import check_card, wants_callback
from bot.sandbox.replies import RefusalError
from bot.sandbox.state import Json, Sandbox

LONGEST_TEXT = 2048
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def cut(text: str, most: int) -> str:
    """The longest beginning of a text that fits into so many bytes."""
    return text.encode("utf-8", "replace")[:most].decode("utf-8", "ignore")


def text_body(_sandbox: Sandbox, body: Json) -> Json:
    content = body.get("content")
    if not isinstance(content, str) or not content:
        raise RefusalError(44004)
    return {"content": cut(content, LONGEST_TEXT)}


def markdown_body(_sandbox: Sandbox, body: Json) -> Json:
    content = body.get("content")
    if not isinstance(content, str) or not content:
        raise RefusalError(44004)
    if len(content.encode()) > LONGEST_TEXT:
        raise RefusalError(45002, "markdown.content")
    return {"content": content}


def textcard_body(_sandbox: Sandbox, body: Json) -> Json:
    for name, most in (("title", 128), ("description", 512), ("url", 2048)):
        value = body.get(name)
        if not isinstance(value, str) or not value:
            raise RefusalError(40063, f"textcard.{name}")
        size = len(value.encode()) if name == "url" else len(value)
        if size > most:
            raise RefusalError(45002, f"textcard.{name}")
    if not SCHEME.match(body["url"]):
        raise RefusalError(40058, "textcard.url has no scheme")
    if len(body.get("btntxt") or "") > 4:
        raise RefusalError(45002, "textcard.btntxt")
    return {"btntxt": "详情", **body}


def media_body(sandbox: Sandbox, body: Json) -> Json:
    media_id = body.get("media_id")
    row = sandbox.ledger.one("SELECT filename FROM media WHERE media_id = ?", str(media_id))
    if row is None:
        raise RefusalError(40007)
    return {**body, "filename": row["filename"]}


def news_body(_sandbox: Sandbox, body: Json) -> Json:
    articles = body.get("articles")
    if not isinstance(articles, list) or not 1 <= len(articles) <= 8:
        raise RefusalError(40058, "news.articles")
    if any(not isinstance(item, dict) or not item.get("title") for item in articles):
        raise RefusalError(40063, "news.articles.title")
    return body


def card_body(sandbox: Sandbox, body: Json) -> Json:
    card = check_card(body)
    if wants_callback(card) and not sandbox.callback_url:
        raise RefusalError(43012)
    task_id = card.get("task_id")
    if task_id and sandbox.ledger.one("SELECT 1 FROM app_messages WHERE task_id = ?", task_id):
        raise RefusalError(42014, "task_id was used before")
    return card


KINDS: dict[str, Callable[[Sandbox, Json], Json]] = {
    "text": text_body,
    "markdown": markdown_body,
    "textcard": textcard_body,
    "image": media_body,
    "voice": media_body,
    "video": media_body,
    "file": media_body,
    "news": news_body,
    "template_card": card_body,
}
