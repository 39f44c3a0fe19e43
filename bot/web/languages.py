"""The language of a page: Chinese as it stands in the templates, or English by the catalogue."""

from __future__ import annotations

from flask import Flask, request, session

from bot.web.english import ENGLISH

CATALOGUES: dict[str, dict[str, str]] = {"zh": {}, "en": ENGLISH}
HTML_NAMES = {"zh": "zh-CN", "en": "en"}
_KEY = "lang"


def prepare(app: Flask) -> None:
    """Let `?lang=en` choose the language for the rest of the visit, and templates say `_("文字")`."""
    app.before_request(_remember)
    app.context_processor(lambda: {"_": translate, "lang": language(), "html_lang": HTML_NAMES[language()]})


def language() -> str:
    """The code of the language chosen; Chinese unless the visitor said otherwise."""
    chosen = session.get(_KEY)
    return chosen if chosen in CATALOGUES else "zh"


def translate(text: str, **values: object) -> str:
    """`text` (as written in Chinese) in the chosen language, its {names} filled; values stay inert."""
    found = CATALOGUES[language()].get(text, text)
    return found.format(**values) if values else found


def _remember() -> None:
    wanted = request.args.get(_KEY)
    if wanted in CATALOGUES:
        session[_KEY] = wanted
