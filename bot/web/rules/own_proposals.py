"""What agents propose of their own wordings: an editor takes it into config.toml as it is or changed, or declines."""

from __future__ import annotations

from collections.abc import Callable

from flask import abort, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from bot.agents.own_wordings import DECLINED, TAKEN, decide, proposed, values_of, why_not_for_all
from bot.agents.own_wordings import OwnValues as Values
from bot.agents.wording_edits import names_of
from bot.platform.config.file import read_config_text
from bot.platform.config.parsing import ConfigError
from bot.platform.config.rule_text import UnknownRuleError
from bot.platform.config.settings import Settings
from bot.platform.config.wording_text import add_answer, answer_blocks
from bot.platform.database import audit_log
from bot.platform.models import OwnWording
from bot.system import System
from bot.web.auth.access import refuse_unless
from bot.web.auth.visitor import ADMIN, visitor
from bot.web.layout.languages import translate
from bot.web.layout.requests import LARGEST_ID, current_system
from bot.web.layout.template_filters import request_now
from bot.web.rules.config_saving import Draft, sure_of, try_to_save, write_notice
from bot.web.rules.rule_id import id_from
from bot.web.rules.wordings import pages
from taggers.translatable import chained

_ONE = f"/proposed/<int(max={LARGEST_ID}):own_id>"


@pages.get("/proposed")
def proposals() -> str:
    """What agents propose, each to be taken by one tap; with what in it belongs to one customer."""
    refuse_unless(ADMIN)
    system = current_system()
    with system.store.read() as session:
        rows = [(row, _why_not(session, row)) for row in proposed(session)]
        return render_template(
            "wording_proposals.html", rows=rows, notice=write_notice(system),
            problem=request.args.get("problem", "")[:200],
        )  # fmt: skip


@pages.post(f"{_ONE}/take")
def take_own(own_id: int) -> Response:
    """Write it into config.toml as it is."""
    refuse_unless(ADMIN)
    system = current_system()
    with system.store.read() as session:
        row = proposed_row(session, own_id)
        if row is None:
            abort(404)
        why, values = _why_not(session, row), values_of(row)
    problem, key = (translate(why), "") if why else _write(system, own_id, values)
    if problem:
        return redirect(url_for("wordings.proposals", problem=problem[:200]))
    return redirect(url_for("wordings.one", key=f"answer:{key}", saved=1))


@pages.post(f"{_ONE}/decline")
def decline_own(own_id: int) -> Response:
    """The company does not want it; it stays the agent's own."""
    refuse_unless(ADMIN)
    with current_system().store.write() as session:
        row = proposed_row(session, own_id)
        if row is None:
            abort(404)
        decide(row, DECLINED, visitor().actor, request_now())
        audit_log.record(session, visitor().actor, "wording.decline", f"agent:{row.agent_id}", request_now())
    return redirect(url_for("wordings.proposals"))


def proposed_row(session: Session, own_id: int | None) -> OwnWording | None:
    """The wording as long as its agent wants the company to have it; nobody else's own words are shown."""
    row = session.get(OwnWording, own_id) if own_id is not None else None
    return row if row is not None and row.proposed_at is not None and row.decided == "" else None


def note_taken(own_id: int | None, answer: str) -> Callable[[Session, Settings], None]:
    """What comes about together with the answer that was made of it."""
    actor, now = visitor().actor, request_now()

    def note(session: Session, _settings: Settings) -> None:
        row = proposed_row(session, own_id)
        if row is not None:
            decide(row, TAKEN, actor, now, answer)

    return note


def _why_not(session: Session, row: OwnWording) -> str:
    """What in it belongs to one customer of anybody's, for people; an editor answers for its prices."""
    values = Values(tuple(row.ask.split("\n")), row.say, row.category, tuple(row.attach))
    return str(why_not_for_all(values, names_of(session)[1], prices=True) or "")


def _write(system: System, own_id: int, values: dict[str, object]) -> tuple[str, str]:
    """Why it did not come into force, in words, and the id it has in the file."""
    ask = str(values["ask"][0])  # type: ignore[index]
    try:
        file = read_config_text(system.environment.config)
        key = id_from(ask, {block.id for block in answer_blocks(file.text)})
        text = add_answer(file.text, {"id": key, **values})
    except (UnknownRuleError, ConfigError) as why:
        return translate(str(why)), ""
    draft = Draft(text, file.stamp, f"加话术「{ask[:40]}」，员工提的", sure_of(text), also=note_taken(own_id, key))
    attempt = try_to_save(system, draft)
    problem = translate(attempt.reason or chained(map(str, attempt.problems[:3])))
    return problem or ("" if attempt.saved is not None else translate("配置文件刚被改过，请再点一次")), key
