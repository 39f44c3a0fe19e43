"""The quality list (高质量客户表): who is worth an agent's own time, why, what colleagues think, and revisits."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from bot.web.auth.access import needs
from bot.web.auth.visitor import ROLES, visitor
from bot.web.customers.quality_rows import PAGE, SHOWN, read_quality, read_visits
from bot.web.layout.requests import current_system
from bot.web.layout.template_filters import request_now
from taggers.models.target import FITS, NAMED

_MOST_PAGES = 1000

pages = Blueprint("quality", __name__, url_prefix="/customers/quality")
pages.before_request(needs(*ROLES))


@pages.get("")
def show() -> str:
    """A page of the list; `show` is one of SHOWN."""
    who, asked = visitor(), request.args.get("show", "")
    shown = asked if asked in SHOWN else SHOWN[0]
    page = min(max(request.args.get("page", 0, type=int), 0), _MOST_PAGES)
    with current_system().look(request_now()) as work:
        rows, total = read_quality(work, who, shown, page)
        return render_template(
            "quality.html",
            rows=rows, total=total, shown=shown, page=page, more=total > (page + 1) * PAGE,
            visits=read_visits(work.session, who, work.now), target=bool(work.settings.tables.models.target),
            wanted=(NAMED, FITS), revisit=work.settings.tables.models.quality.revisit,
        )  # fmt: skip
