"""Builds the app messages that prompt an agent: when, to whom, what to say and why, within WeCom's limits."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

from bot.wecom.plain import clean

# Characters, by the documentation of message/send; where it names none, what phones show uncut.
LONGEST = {
    "title": 36,
    "desc": 44,
    "sub_title": 160,
    "keyname": 5,
    "value": 26,
    "quote": 300,
    "button": 10,
    "source": 13,
    "textcard_title": 128,
    "textcard_description": 512,
    "textcard_line": 100,
    "btntxt": 4,
}
_MOST_ROWS = 6
_MOST_BUTTONS = 6
_LONGEST_URL = 2048
_LONGEST_KEY = 1024
_TASK_ID = re.compile(r"[0-9A-Za-z_@-]{1,128}")


@dataclass(frozen=True)
class Button:
    """A button that calls back: `key` comes back in the click event; with `url` it opens that page instead.

    style 1 blue, 2 grey, 3 red, 4 grey text.
    """

    text: str
    key: str = ""
    style: int = 1
    url: str = ""


@dataclass(frozen=True)
class CardQuestion:
    """A selection on a card: `options` are (id, label), `selected` the id preset, `key` comes back in the click."""

    question: str
    title: str
    options: tuple[tuple[str, str], ...]
    selected: str
    submit: str
    key: str

    def as_dict(self) -> dict[str, Any]:
        """As stored in an outbox row; `choice_of` reads it back."""
        return asdict(self)


def choice_of(stored: Mapping[str, Any]) -> CardQuestion:
    """The CardQuestion that `as_dict` stored."""
    return CardQuestion(**{**stored, "options": tuple((str(key), str(text)) for key, text in stored["options"])})


@dataclass(frozen=True)
class TaskCard:
    """What an agent must know to act. task_id: unique per app, up to 128 of 0-9A-Za-z_@-; a click names it.

    said: the customer's last words, in quotation marks; attached: what is to be sent along.
    when: as text ("今天 10:00"). say: the suggested words, in full; the card cuts them, the page behind `url` (http
    or https) does not.
    """

    task_id: str
    customer: str
    when: str
    say: str
    url: str
    stage: str = ""
    why: str = ""
    heading: str = ""
    source: str = "提词"
    said: str = ""
    attached: str = ""


def list_notice(task_id: str, title: str, lines: Sequence[tuple[str, str]], url: str) -> dict[str, Any]:
    """A template_card that lists several (name, text) lines; those beyond six are only counted."""
    if not _TASK_ID.fullmatch(task_id):
        raise ValueError(f"task_id 只能用 0-9A-Za-z_@-，最长 128：{task_id!r}")
    rest = len(lines) - _MOST_ROWS
    more = {"sub_title_text": f"还有 {rest} 位，点开看全部"} if rest > 0 else {}
    return {
        "card_type": "text_notice",
        "source": {"desc": "提词", "desc_color": 0},
        "main_title": {"title": cut(title, LONGEST["title"])},
        **more,
        "horizontal_content_list": [_row(name or "客户", value or "—") for name, value in lines[:_MOST_ROWS]],
        "task_id": task_id,
        "card_action": {"type": 1, "url": _checked(url)},
    }


def cut(text: str, longest: int) -> str:
    """One clean line of at most `longest` characters; a cut one ends in an ellipsis."""
    line = " ".join(clean(text).split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def text_notice(card: TaskCard) -> dict[str, Any]:
    """A template_card of type text_notice: it opens the page and cannot call back."""
    return {"card_type": "text_notice", **_shared(card), "card_action": {"type": 1, "url": _url(card)}}


def button_interaction(card: TaskCard, buttons: Sequence[Button]) -> dict[str, Any]:
    """A template_card whose buttons call back; needs an app with a callback URL (else 43012)."""
    return {
        "card_type": "button_interaction",
        **_shared(card),
        "card_action": {"type": 1, "url": _url(card)},
        "button_list": [_button(button) for button in buttons[:_MOST_BUTTONS]],
    }


def without_buttons(card: Mapping[str, Any]) -> dict[str, Any]:
    """The same card for an app without a callback URL: it only opens the page."""
    return {**{key: value for key, value in card.items() if key != "button_list"}, "card_type": "text_notice"}


def question_card(card: TaskCard, choice: CardQuestion) -> dict[str, Any]:
    """The same card with a question: a selection and one button that submits it."""
    return {
        **button_interaction(card, [Button(choice.submit, choice.key)]),
        "button_selection": {
            "question_key": choice.question,
            "title": cut(choice.title, LONGEST["source"]),
            "option_list": [{"id": key, "text": cut(text, LONGEST["button"])} for key, text in choice.options[:10]],
            "selected_id": choice.selected,
        },
    }


def textcard(card: TaskCard) -> dict[str, Any]:
    """A textcard, for clients that do not show template cards."""
    grey = " · ".join(part for part in (card.when, card.stage) if part)
    lines = [("gray", grey), ("normal", card.why), ("highlight", card.say)]
    return {
        "title": cut(card.heading or f"联系{card.customer}", LONGEST["textcard_title"]),
        "description": _divs([(style, text) for style, text in lines if text]),
        "url": _url(card),
        "btntxt": cut("去跟进", LONGEST["btntxt"]),
    }


def _shared(card: TaskCard) -> dict[str, Any]:
    if not _TASK_ID.fullmatch(card.task_id):
        raise ValueError(f"task_id 只能用 0-9A-Za-z_@-，最长 128：{card.task_id!r}")
    rows = [
        ("客户说", card.said),
        ("时间", card.when),
        ("阶段", card.stage),
        ("原因", card.why),
        ("附带", card.attached),
    ]
    return {
        "source": {"desc": cut(card.source, LONGEST["source"]), "desc_color": 0},
        "main_title": {
            "title": cut(card.customer, LONGEST["title"]) or "客户",
            "desc": cut(card.heading, LONGEST["desc"]),
        },
        "quote_area": {"type": 0, "title": "建议这样说", "quote_text": cut(card.say, LONGEST["quote"])},
        "horizontal_content_list": [_row(name, value) for name, value in rows if value][:_MOST_ROWS],
        "task_id": card.task_id,
    }


def _row(keyname: str, value: str) -> dict[str, str]:
    return {"keyname": cut(keyname, LONGEST["keyname"]), "value": cut(value, LONGEST["value"])}


def _button(button: Button) -> dict[str, Any]:
    if len(button.key.encode()) > _LONGEST_KEY:
        raise ValueError("按钮的 key 最长 1024 字节")
    if button.url:
        return {
            "type": 1,
            "text": cut(button.text, LONGEST["button"]),
            "style": button.style,
            "url": _checked(button.url),
        }
    return {"type": 0, "text": cut(button.text, LONGEST["button"]), "style": button.style, "key": button.key}


def _url(card: TaskCard) -> str:
    return _checked(card.url)


def _checked(url: str) -> str:
    if not url.startswith(("http://", "https://")) or len(url.encode()) > _LONGEST_URL:
        raise ValueError("卡片链接应以 http:// 或 https:// 开头，最长 2048 字节")
    return url


def _divs(lines: Sequence[tuple[str, str]]) -> str:
    """The lines as divs; the last one gets the room that is left, markup and escapes counted."""
    divs, room = "", LONGEST["textcard_description"]
    for at, (style, text) in enumerate(lines):
        marks = len(f'<div class="{style}"></div>')
        longest = room - marks if at == len(lines) - 1 else min(room - marks, LONGEST["textcard_line"])
        divs += f'<div class="{style}">{_escaped(text, longest)}</div>'
        room = LONGEST["textcard_description"] - len(divs)
    return divs


def _escaped(text: str, room: int) -> str:
    """Escaped HTML of at most `room` characters, never cut inside an escape."""
    for longest in range(room, 0, -1):
        if len(said := escape(cut(text, longest), quote=False)) <= room:
            return said
    return ""
