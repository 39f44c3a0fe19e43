"""Template filters and globals: times in the workspace's zone, labels for codes, tones."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from flask import Flask, g

from bot.agents.card_clicks import REASONS
from bot.platform import clock
from bot.platform.config.parsing import ConfigError
from bot.platform.masking import mask
from bot.web.auth.visitor import visitor_or_none
from bot.web.layout import labels
from bot.web.layout.languages import language, translate
from bot.web.layout.placeholders import in_words, with_slots
from bot.web.layout.requests import current_system
from bot.web.layout.times import ago, measured, moment, span
from sop.completion import bare
from sop.delays import DELAYS
from sop.quotes import attachment_names
from sop.revisits import OUTCOMES as REVISIT_OUTCOMES
from sop.working_time import worked
from sop.workspace import Workspace


def prepare(app: Flask) -> None:
    """Register the filters `moment`, `since` and `ago`, the tests of time and the tables of labels."""
    app.add_template_filter(_moment, "moment")
    app.add_template_filter(_since, "since")
    app.add_template_filter(_ago, "ago")
    app.add_template_filter(_waited, "waited")
    app.add_template_filter(lambda at: f"{at.astimezone(zone()):%H:%M}", "clock_time")
    app.add_template_filter(lambda at: f"{at.astimezone(zone()):%Y-%m-%dT%H:%M}", "input_time")
    app.add_template_filter(lambda seconds: measured(seconds, language()), "length_of_time")
    app.add_template_filter(_masked, "masked")
    app.add_template_test(_past, "past")
    app.add_template_filter(labels.tone, "tone")
    app.add_template_filter(labels.initial, "initial")
    app.add_template_filter(labels.visible_name, "visible_name")
    app.add_template_filter(visible_text)
    app.add_template_filter(bare, "letters")
    app.add_template_filter(attachment_names)
    app.add_template_filter(with_slots)
    app.add_template_filter(in_words)
    app.add_template_global(labels.label, "label")
    for name in ("TASK_STATES", "OUTCOMES", "TIMINGS", "CAUSES", "EVENTS", "TAGGED_BY"):
        app.jinja_env.globals[name] = getattr(labels, name)
    app.jinja_env.globals.update(DELAYS=DELAYS, REASONS=REASONS, REVISIT_OUTCOMES=REVISIT_OUTCOMES)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def request_now() -> datetime:
    """One `now` for the whole request."""
    if "now" not in g:
        g.now = clock.now()
    now: datetime = g.now
    return now


def zone() -> ZoneInfo:
    """The workspace's time zone; the usual one while no config was ever good, so that its pages still open."""
    try:
        return current_system().settings.zone
    except ConfigError:
        return ZoneInfo(Workspace().timezone)


def visible_text(text: str) -> str:
    """The text of a message; a note in words where nothing of it can be seen."""
    return translate("（空白消息）") if text and not labels.visible_name(text) else text


def _moment(at: datetime) -> str:
    return moment(at, request_now(), zone(), language())


def _since(at: datetime) -> str:
    return span(request_now() - at, language())


def _ago(at: datetime) -> str:
    return ago(request_now() - at, language())


def _waited(since: datetime) -> str:
    """How much working time has passed since then; all of it while no config was ever good."""
    try:
        length = worked(current_system().settings.calendar, since, request_now())
    except ConfigError:
        length = request_now() - since
    return span(max(length, timedelta(minutes=1)), language())


def _masked(text: str) -> str:
    """The text without phone numbers and the like for those who only look."""
    who = visitor_or_none()
    return text if who is not None and who.may_change else mask(text)


def _past(at: datetime) -> bool:
    return at < request_now()
