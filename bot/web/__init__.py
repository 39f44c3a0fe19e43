"""Everything a browser or WeCom asks of us over HTTP."""

from __future__ import annotations

from flask import Flask

from bot.system import System
from bot.web import (
    access,
    board,
    callback,
    compressing,
    customer,
    day,
    deeds,
    doctor,
    errors,
    feedback,
    frame,
    groups,
    headers,
    health,
    languages,
    limits,
    logs,
    looks,
    materials,
    media,
    moves,
    opening,
    ownership,
    reports,
    rules,
    rules_edit,
    rules_file,
    sessions,
    showing,
    sidebar,
    signin,
    sops,
    studies,
    task,
    tasks,
)

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
