"""What templates are given beside their rows: times in the workspace's zone, words for codes, tones."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from flask import Flask, current_app, g

from bot.agents.card_clicks import REASONS
from bot.agents.task_answers import DELAYS
from bot.platform import clock
from bot.platform.masking import mask
from bot.system import System
from bot.web.auth.visitor import visitor_or_none
from bot.web.layout import labels as words
from bot.web.layout.languages import language, translate
from bot.web.layout.times import measured, moment, span


def prepare(app: Flask) -> None:
    """Register the filters `moment` and `since`, the tests of time and the tables of words."""
    app.add_template_filter(_moment, "moment")
    app.add_template_filter(_since, "since")
    app.add_template_filter(lambda at: f"{at.astimezone(zone()):%H:%M}", "clock_time")
    app.add_template_filter(lambda seconds: measured(seconds, language()), "length_of_time")
    app.add_template_filter(_masked, "masked")
    app.add_template_test(_past, "past")
    app.add_template_filter(words.tone, "tone")
    app.add_template_filter(words.initial, "initial")
    app.add_template_filter(words.seen, "seen")
    app.add_template_filter(visible)
    app.add_template_global(words.word, "word")
    for name in ("TASK_STATES", "OUTCOMES", "TIMINGS", "CAUSES", "EVENTS", "TAGGED_BY"):
        app.jinja_env.globals[name] = getattr(words, name)
    app.jinja_env.globals.update(DELAYS=DELAYS, REASONS=REASONS)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def present() -> datetime:
    """One `now` for the whole request."""
    if "now" not in g:
        g.now = clock.now()
    now: datetime = g.now
    return now


def zone() -> ZoneInfo:
    """The workspace's time zone."""
    system: System = current_app.extensions["tici"]
    return system.settings.zone


def visible(text: str) -> str:
    """What was said; told in words where none of it can be seen."""
    return translate("（空白消息）") if text and not words.seen(text) else text


def _moment(at: datetime) -> str:
    return moment(at, present(), zone(), language())


def _since(at: datetime) -> str:
    return span(present() - at, language())


def _masked(text: str) -> str:
    """The text without phone numbers and the like for those who only look."""
    who = visitor_or_none()
    return text if who is not None and who.may_change else mask(text)


def _past(at: datetime) -> bool:
    return at < present()
