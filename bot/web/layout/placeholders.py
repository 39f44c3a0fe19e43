"""Placeholders of wordings as people read them: 客户称呼 in the place of {customer.name|您}."""

from __future__ import annotations

from markupsafe import Markup, escape

from bot.platform.config.parsing import ConfigError
from bot.web.layout.languages import translate
from bot.web.layout.requests import current_system
from sop.wording import places

NAMES = {
    "customer.name": "客户称呼",
    "agent.name": "员工名字",
    "stage": "所在阶段",
    "company": "企业名称",
    "group.name": "群名",
}
_OF_CUSTOMER = "customer."


def with_slots(text: str) -> Markup:
    """A wording with a small mark, in words, where something is filled in; all else as it is written."""
    mark = Markup('<span class="slot">{}</span>')
    return Markup("").join(mark.format(_told(*found)) if found else escape(words) for words, found in places(text))


def in_words(text: str) -> str:
    """The same as plain text."""
    return "".join(translate("〔{name}〕", name=_told(*found)) if found else words for words, found in places(text))


def _told(name: str, instead: str) -> str:
    shown = _name(name)
    return translate("{name}，没有就说「{instead}」", name=shown, instead=instead) if instead.strip() else shown


def _name(name: str) -> str:
    if name in NAMES:
        return translate(NAMES[name])
    try:
        field = current_system().settings.fields.get(name.removeprefix(_OF_CUSTOMER))
    except ConfigError:
        field = None
    return (field.title or field.name) if field is not None else name
