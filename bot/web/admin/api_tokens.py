"""The page of the API: its tokens, made and revoked by admins; a token itself is shown once."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from bot.agents.api_tokens import SCOPES, TokenRefusedError, create_token, revoke_token
from bot.platform.models import ApiToken
from bot.web.admin.pages import pages
from bot.web.auth.access import refuse_unless
from bot.web.auth.visitor import ADMIN, visitor
from bot.web.layout.languages import translate
from bot.web.layout.requests import LARGEST_ID, current_system
from bot.web.layout.template_filters import request_now

_SHOWN = 200


@pages.get("/admin/api")
def tokens() -> str:
    """The tokens, those in force first."""
    return _page()


@pages.post("/admin/api")
def make_token() -> Response | str | tuple[str, int]:
    """Make a token and show it, this once."""
    refuse_unless(ADMIN)
    of = request.form.get("name", ""), request.form.get("source", "")
    try:
        with current_system().store.write() as session:
            made = create_token(session, of, request.form.getlist("scope"), visitor().actor, request_now())
    except TokenRefusedError as refused:
        return _page(problem=str(refused)), 422
    return _page(made=made)


@pages.post(f"/admin/api/<int(max={LARGEST_ID}):token_id>/revoke")
def drop_token(token_id: int) -> Response:
    """From now on the token opens nothing."""
    refuse_unless(ADMIN)
    with current_system().store.write() as session:
        done = revoke_token(session, token_id, visitor().actor, request_now())
    flash(translate("令牌已停用") if done else translate("没有这个令牌，或早已停用"))
    return redirect(url_for("admin.tokens"))


def _page(made: str = "", problem: str = "") -> str:
    with current_system().store.read() as session:
        newest = select(ApiToken).order_by(ApiToken.revoked_at.is_not(None), ApiToken.id.desc()).limit(_SHOWN)
        rows = session.scalars(newest).all()
        return render_template("admin_api.html", rows=rows, made=made, problem=problem, scopes=SCOPES)
