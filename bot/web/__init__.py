"""Everything a browser or WeCom asks of us over HTTP."""

from __future__ import annotations

from flask import Flask

from bot.intake import callback
from bot.system import System
from bot.web.admin import doctor, logs, reports
from bot.web.agents import day_list as day
from bot.web.agents import sidebar, task, tasks
from bot.web.auth import access, sessions, signin
from bot.web.auth import signin_limits as limits
from bot.web.board import moves
from bot.web.board import pages as board
from bot.web.customers import actions as deeds
from bot.web.customers import feedback, groups, media
from bot.web.customers import page as customer
from bot.web.layout import compression as compressing
from bot.web.layout import errors, headers, languages
from bot.web.layout import navigation as frame
from bot.web.layout import preferences as looks
from bot.web.layout import template_filters as showing
from bot.web.public import domain_proof as ownership
from bot.web.public import health
from bot.web.public import tracked_links as opening
from bot.web.rules import config_file as rules_file
from bot.web.rules import materials, rules, sops, studies
from bot.web.rules import rule_edit as rules_edit

assert all((rules_edit, rules_file, studies))  # importing them adds their addresses to those of the rules


def register(app: Flask) -> None:
    """Give the app its pages, the callback, the answers to machines, and the headers all of them carry."""
    system: System = app.extensions["tici"]
    secure = system.environment.base_url.startswith("https://")
    sessions.prepare(app, secure=secure)
    headers.prepare(app, demo=system.environment.demo, secure=secure)
    compressing.prepare(app)
    languages.prepare(app)
    showing.prepare(app)
    access.prepare(app)
    materials.prepare(app)
    frame.prepare(app)
    looks.prepare(app)
    errors.prepare(app)
    signin.prepare(app)
    callback.prepare(app, system)
    board.prepare(app, system)
    for pages in (
        health.pages,
        ownership.pages,
        signin.pages,
        looks.pages,
        logs.pages,
        board.pages,
        board.live,
        moves.pages,
        customer.pages,
        deeds.pages,
        reports.pages,
        doctor.pages,
        groups.pages,
        media.pages,
        rules.pages,
        feedback.pages,
        sops.pages,
        task.pages,
        tasks.pages,
        sidebar.pages,
        day.pages,
        opening.pages,
    ):
        app.register_blueprint(pages)
    app.extensions["tici-csrf"].exempt(task.pages)  # see there
    limits.prepare(app, system)
