"""Everything a browser or WeCom asks of us over HTTP."""

from __future__ import annotations

from flask import Flask

from bot.system import System
from bot.web import (
    access,
    board,
    callback,
    customer,
    day,
    doctor,
    errors,
    feedback,
    frame,
    groups,
    headers,
    health,
    languages,
    media,
    moves,
    opening,
    ownership,
    reports,
    rules,
    rules_edit,
    rules_file,
    showing,
    signin,
    studies,
    task,
    tasks,
)


def register(app: Flask) -> None:
    """Give the app its pages, the callback, the answers to machines, and the headers all of them carry."""
    system: System = app.extensions["tici"]
    app.config["SESSION_COOKIE_NAME"] = "tici"  # the sandbox has its own on the same host
    headers.prepare(app, demo=system.environment.demo)
    languages.prepare(app)
    showing.prepare(app)
    access.prepare(app)
    frame.prepare(app)
    errors.prepare(app)
    callback.prepare(app, system)
    board.prepare(app, system)
    for pages in (
        health.pages,
        ownership.pages,
        signin.pages,
        board.pages,
        board.live,
        moves.pages,
        customer.pages,
        reports.pages,
        doctor.pages,
        groups.pages,
        media.pages,
        rules.pages,
        feedback.pages,
        task.pages,
        tasks.pages,
        day.pages,
        opening.pages,
    ):
        app.register_blueprint(pages)
    app.extensions["tici-csrf"].exempt(task.pages)  # see there
