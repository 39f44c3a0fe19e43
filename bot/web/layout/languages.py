"""The language of a page: Chinese as the code has it, or another by the catalogues translations/<language>/*.po."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po
from flask import Flask, has_request_context, request, session
from flask_babel import Babel

from bot.platform.stored_sentences import as_translatable
from taggers.translatable import fill, knows_itself

FOLDER = Path(__file__).parents[1] / "translations"
HTML_NAMES = {"zh": "zh-CN", "en": "en"}
_LOCALES = {"zh": "zh_CN", "en": "en"}
_COMMAS = {"zh": "、", "en": ", "}
_KEY = "lang"


def prepare(app: Flask) -> None:
    """Let `?lang=en` choose the language for the rest of the visit, and templates say `_("文字")`."""
    app.before_request(_remember)
    Babel(app, locale_selector=lambda: _LOCALES[language()])  # formats numbers and dates
    app.add_template_filter(translate_stored)
    app.context_processor(lambda: {"_": translate, "lang": language(), "html_lang": HTML_NAMES[language()]})


@cache
def catalogue(code: str) -> dict[str, tuple[str, ...]]:
    """Every text of one language by its Chinese; one .po file per room; raises ValueError where two of them disagree.

    A text with `msgid_plural` has two forms, for one and for any other number; every other text has one.
    """
    found: dict[str, tuple[str, ...]] = {}
    for path in sorted((FOLDER / code).glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, abort_invalid=True):
                chinese, forms = _forms(message.id)[0], _forms(message.string)
                if chinese and found.setdefault(chinese, forms) != forms:
                    raise ValueError(f"{path.name}: {chinese!r} is {found[chinese]!r} in another file")
    return found


def wording_in(code: str, chinese: str, values: Mapping[str, object]) -> str:
    """A wording in another language, in the form for the number `n` among its values; Chinese where there is none."""
    one, *others = catalogue(code).get(chinese, (chinese,))
    return (others[0] if others and str(values.get("n")) != "1" else one) or chinese


def language() -> str:
    """The code of the language chosen; Chinese unless the visitor chose another, and outside of requests."""
    chosen = session.get(_KEY) if has_request_context() else None
    return chosen if chosen in HTML_NAMES else "zh"


def translate(text: str, **values: object) -> str:
    """`text` (as written in Chinese) in the chosen language, its {names} filled; markup in values stays text.

    A sentence that was put together elsewhere (Translatable) brings its values along.
    """
    comma = _COMMAS[language()]
    if knows_itself(text) and not values:
        return fill(text.wording, text.values, _wording, comma)
    return fill(text, values, _wording, comma)


def translate_stored(text: str) -> str:
    """A sentence that the database keeps, in the chosen language."""
    return text if not text or language() == "zh" else translate(as_translatable(text))


def _forms(text: str | Iterable[str] | None) -> tuple[str, ...]:
    return (text or "",) if isinstance(text, str) or text is None else tuple(text)


def _wording(chinese: str, values: Mapping[str, object]) -> str:
    return wording_in(language(), chinese, values)


def _remember() -> None:
    wanted = request.args.get(_KEY)
    if wanted in HTML_NAMES:
        session[_KEY] = wanted
