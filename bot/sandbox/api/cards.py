"""The rules of template cards: what each card_type must and may hold."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from bot.sandbox.replies import RefusalError
from bot.sandbox.state import Json

INTERACTIVE = ("button_interaction", "vote_interaction", "multiple_interaction")
TASK_ID = re.compile(r"[0-9A-Za-z_@-]{1,128}")


def check_card(card: Any, fresh: bool = True) -> Json:
    """Check a card as WeCom does; the refusal names the field. `fresh`: a new card, not an update."""
    if not isinstance(card, dict):
        raise RefusalError(40063, "template_card")
    kind = card.get("card_type")
    if kind not in RULES:
        raise RefusalError(42014, "card_type")
    check_common(card, kind, fresh)
    RULES[kind](card)
    return card


def check_common(card: Json, kind: str, fresh: bool) -> None:
    title = part(card, "main_title")
    short(title, "title", 36, "main_title.title")
    short(title, "desc", 44, "main_title.desc")
    short(card, "sub_title_text", 160, "sub_title_text")
    quote = part(card, "quote_area")
    one_of(quote, "type", (0, 1, 2), "quote_area.type")
    one_of(part(card, "source"), "desc_color", (0, 1, 2, 3), "source.desc_color")
    for row in several(card, "horizontal_content_list", 6):
        need(row, "keyname", "horizontal_content_list.keyname")
        one_of(row, "type", (0, 1, 2, 3), "horizontal_content_list.type")
        needed_by_type(row, {1: "url", 2: "media_id", 3: "userid"}, "horizontal_content_list")
    for jump in several(card, "jump_list", 3):
        need(jump, "title", "jump_list.title")
        needed_by_type(jump, {1: "url", 2: "appid"}, "jump_list")
    menu = part(card, "action_menu")
    for action in several(menu, "action_list", 3) if menu else []:
        need(action, "text", "action_menu.action_list.text")
        need(action, "key", "action_menu.action_list.key")
    if kind in INTERACTIVE and not title.get("title"):
        raise RefusalError(42014, "main_title.title")
    task_id = card.get("task_id")
    if fresh and (kind in INTERACTIVE or menu) and task_id is None:
        raise RefusalError(42014, "task_id")
    if task_id is not None and not (isinstance(task_id, str) and TASK_ID.fullmatch(task_id)):
        raise RefusalError(42014, "task_id")


def check_text_notice(card: Json) -> None:
    if not part(card, "main_title").get("title") and not card.get("sub_title_text"):
        raise RefusalError(42014, "main_title.title or sub_title_text")
    check_card_action(card)


def check_news_notice(card: Json) -> None:
    image = part(card, "card_image")
    if not image and not part(card, "image_text_area"):
        raise RefusalError(42014, "card_image or image_text_area")
    ratio = image.get("aspect_ratio", 1.3)
    if not isinstance(ratio, int | float) or not 1.3 <= ratio <= 2.25:
        raise RefusalError(42014, "card_image.aspect_ratio")
    for row in several(card, "vertical_content_list", 4):
        need(row, "title", "vertical_content_list.title")
    check_card_action(card)


def check_buttons(card: Json) -> None:
    buttons = several(card, "button_list", 6)
    if not buttons:
        raise RefusalError(42014, "button_list")
    for button in buttons:
        need(button, "text", "button_list.text")
        short(button, "text", 10, "button_list.text")
        one_of(button, "style", (1, 2, 3, 4), "button_list.style")
        url = button.get("type", 0) == 1
        need(button, "url" if url else "key", "button_list.url" if url else "button_list.key")
        if len(str(button.get("key", "")).encode()) > 1024:
            raise RefusalError(45002, "button_list.key")
    selection = part(card, "button_selection")
    if selection:
        check_selection(selection, 10, "button_selection")


def check_vote(card: Json) -> None:
    checkbox = part(card, "checkbox")
    check_selection(checkbox, 20, "checkbox")
    one_of(checkbox, "mode", (0, 1), "checkbox.mode")
    check_submit(card)


def check_multiple(card: Json) -> None:
    selections = several(card, "select_list", 3)
    if not selections:
        raise RefusalError(42014, "select_list")
    for selection in selections:
        check_selection(selection, 10, "select_list")
    check_submit(card)


def check_card_action(card: Json) -> None:
    action = part(card, "card_action")
    if action.get("type") not in (1, 2):
        raise RefusalError(42014, "card_action.type")
    needed_by_type(action, {1: "url", 2: "appid"}, "card_action")


def check_selection(selection: Json, most: int, name: str) -> None:
    need(selection, "question_key", f"{name}.question_key")
    options = several(selection, "option_list", most)
    if not options:
        raise RefusalError(42014, f"{name}.option_list")
    for option in options:
        need(option, "id", f"{name}.option_list.id")
        need(option, "text", f"{name}.option_list.text")


def check_submit(card: Json) -> None:
    submit = part(card, "submit_button")
    need(submit, "text", "submit_button.text")
    need(submit, "key", "submit_button.key")


def part(owner: Json, name: str) -> Json:
    value = owner.get(name) or {}
    if not isinstance(value, dict):
        raise RefusalError(42014, name)
    return value


def several(owner: Json, name: str, most: int) -> list[Json]:
    value = owner.get(name) or []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise RefusalError(42014, name)
    if len(value) > most:
        raise RefusalError(42014, f"{name} holds more than {most}")
    return value


def need(owner: Json, name: str, label: str) -> None:
    if not isinstance(owner.get(name), str) or not owner[name]:
        raise RefusalError(42014, label)


def short(owner: Json, name: str, most: int, label: str) -> None:
    value = owner.get(name, "")
    if not isinstance(value, str):
        raise RefusalError(42014, label)
    if len(value) > most:
        raise RefusalError(45002, f"{label} holds more than {most} characters")


def one_of(owner: Json, name: str, allowed: tuple[int, ...], label: str) -> None:
    if name in owner and owner[name] not in allowed:
        raise RefusalError(42014, label)


def needed_by_type(owner: Json, by_type: dict[int, str], label: str) -> None:
    name = by_type.get(owner.get("type", 0))
    if name and not owner.get(name):
        raise RefusalError(42014, f"{label}.{name}")


RULES: dict[str, Callable[[Json], None]] = {
    "text_notice": check_text_notice,
    "news_notice": check_news_notice,
    "button_interaction": check_buttons,
    "vote_interaction": check_vote,
    "multiple_interaction": check_multiple,
}


def wants_callback(card: Json) -> bool:
    """Whether a tap on this card must reach a callback URL."""
    buttons = card.get("button_list") or []
    by_button = any(button.get("type", 0) == 0 for button in buttons)
    return bool(by_button or card.get("submit_button") or card.get("action_menu"))
