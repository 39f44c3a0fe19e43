"""The doctor's page: every requirement of the set-up, looked at anew each time the page is opened."""

from __future__ import annotations

from flask import Blueprint, render_template

from bot.ops.doctor.examination import run_checks
from bot.ops.doctor.finding import BAD, SKIPPED, WARN
from bot.web.auth.access import needs
from bot.web.auth.visitor import ADMIN, AUDITOR
from bot.web.layout.requests import current_system
from bot.web.layout.template_filters import request_now

pages = Blueprint("doctor", __name__)
pages.before_request(needs(ADMIN, AUDITOR))


@pages.get("/admin/doctor")
def show() -> str:
    """The page; it asks for the results itself, since WeCom may take its time."""
    return render_template("doctor.html")


@pages.get("/admin/doctor/results")
def results() -> str:
    """What was found, the worst first among what was looked at."""
    found = list(run_checks(current_system(), request_now()))
    counts = {level: sum(one.level == level for _check, one in found) for level in (BAD, WARN, SKIPPED)}
    return render_template("doctor_results.html", found=found, counts=counts, at=request_now())
