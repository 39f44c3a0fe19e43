"""Pages: everything a browser or WeCom asks for over HTTP. What a page causes is done in other rooms."""

from __future__ import annotations

from flask import Flask

from bot.intake import callback
from bot.system import System
from bot.web.admin import api_tokens, doctor, given_up, logs, reports, webhooks
from bot.web.admin import pages as admin_pages
from bot.web.agents import day_list, own_follow_ups, sidebar, task, tasks
from bot.web.api import endpoints as api
from bot.web.auth import access, proof, second_factor, sessions, signin, signin_limits
from bot.web.board import moves, search
from bot.web.board import pages as board_pages
from bot.web.customers import (
    actions,
    exports,
    feedback,
    groups,
    handover,
    imports,
    list_deeds,
    list_pages,
    media,
    page,
    placing,
    quality,
    segments,
)
from bot.web.layout import compression, damage, errors, headers, languages, navigation, preferences, template_filters
from bot.web.public import domain_proof, health, message_links, tracked_links
from bot.web.rules import (
    answer_edit,
    conduct,
    config_file,
    materials,
    own_wordings,
    pipeline_names,
    pipelines,
    rule_edit,
    rules,
    setting_pages,
    shadow,
    sop_edit,
    sop_trial,
    sops,
    studies,
    wordings,
)

# These add their addresses to another module's blueprint: importing them is all it takes.
assert all(
    (
        api_tokens,
        webhooks,
        logs,
        given_up,
        config_file,
        pipeline_names,
        rule_edit,
        shadow,
        sop_trial,
        sop_edit,
        answer_edit,
        studies,
    )
)


def register(app: Flask) -> None:
    """Give the app its pages, the callback, the answers to machines, and the headers all of them carry."""
    system: System = app.extensions["tici"]
    secure = system.environment.base_url.startswith("https://")
    sessions.prepare(app, secure=secure)
    given = system.environment
    headers.prepare(app, demo=given.demo, secure=secure, subdomains=given.hsts_subdomains)
    compression.prepare(app)
    damage.prepare(app)
    languages.prepare(app)
    template_filters.prepare(app)
    access.prepare(app)
    materials.prepare(app)
    navigation.prepare(app)
    preferences.prepare(app)
    errors.prepare(app)
    signin.prepare(app)
    callback.prepare(app, system)
    board_pages.prepare(app, system)
    for pages in (
        health.pages,
        domain_proof.pages,
        signin.pages,
        proof.pages,
        second_factor.pages,
        preferences.pages,
        admin_pages.pages,
        board_pages.pages,
        board_pages.live,
        moves.pages,
        search.pages,
        page.pages,
        actions.pages,
        list_pages.pages,
        list_deeds.pages,
        imports.pages,
        exports.pages,
        placing.pages,
        quality.pages,
        handover.pages,
        segments.pages,
        reports.pages,
        doctor.pages,
        groups.pages,
        media.pages,
        rules.pages,
        feedback.pages,
        conduct.pages,
        sops.pages,
        pipelines.pages,
        setting_pages.pages,
        wordings.pages,
        own_wordings.pages,
        task.pages,
        tasks.pages,
        sidebar.pages,
        own_follow_ups.pages,
        day_list.pages,
        tracked_links.pages,
        message_links.pages,
        api.pages,
    ):
        app.register_blueprint(pages)
    app.extensions["tici-csrf"].exempt(api.pages)  # no browser brings a bearer token along by itself
    app.extensions["tici-csrf"].exempt(task.pages)  # the signed link alone gives the right to answer there
    proof.prepare(app)  # these two last: they wrap views that are registered by now
    signin_limits.prepare(app, system)
