"""The board: a pipeline's columns, and every two seconds what has changed of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache

from flask import Blueprint, Response, abort, current_app, redirect, render_template, request, session, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from bot.system import System
from bot.web.access import EVERYBODY, needs
from bot.web.board_rows import NEWEST, Column, read_columns
from bot.web.customer_rows import read_customer
from bot.web.guard import take_board_link
from bot.web.languages import language
from bot.web.showing import present, zone
from sop.playbook import Pipeline

LARGEST_ID = 2**63 - 1
_PIPELINE = "pipeline"

pages = Blueprint("board", __name__)
pages.before_request(take_board_link)
pages.before_request(needs(*EVERYBODY))


@dataclass(frozen=True)
class Piece:
    """A part of the board that is replaced as a whole; `stamp` tells whether a browser has it already."""

    id: str
    html: Markup

    @cached_property
    def stamp(self) -> str:
        return f"{self.id}:{hashlib.sha1(self.html.encode(), usedforsecurity=False).hexdigest()[:16]}"


@dataclass(frozen=True)
class Look:
    """All that a rendered column depends on beside its rows: language, zone, and the minute for the ages."""

    language: str
    zone: str
    minute: datetime


@pages.get("/")
def home() -> AnyResponse:
    """The board is the first page there is."""
    return redirect(url_for("board.show"))


@pages.get("/board")
def show() -> str:
    """The whole board of one pipeline; `?pipeline=` chooses among several."""
    pipelines = _system().settings.pipelines
    if not pipelines:
        return render_template("board_empty.html")
    pipeline = _chosen(pipelines)
    session[_PIPELINE] = pipeline.name
    return render_template("board.html", pipelines=pipelines, pipeline=pipeline, pieces=_pieces(pipeline))


@pages.get("/board/changes")
def changes() -> Response:
    """Only the pieces whose stamps are not among `seen`; 204 where there are none."""
    pipelines = _system().settings.pipelines
    pieces = _pieces(_chosen(pipelines)) if pipelines else []
    seen = request.args.getlist("seen")
    if {piece.id for piece in pieces} != {stamp.partition(":")[0] for stamp in seen}:
        return Response(headers={"HX-Refresh": "true"})  # the config has other columns now
    fresh = [piece for piece in pieces if piece.stamp not in seen]
    if not fresh:
        return Response(status=204)
    return Response(render_template("board_changes.html", pieces=fresh))


@pages.get(f"/c/<int(max={LARGEST_ID}):customer_id>")
def customer(customer_id: int) -> str:
    """One customer: the conversation with its evidence, the ledger of stages, tags and tasks."""
    before = request.args.get("before", type=_message_id)
    with _system().store.read() as rows:
        view = read_customer(rows, customer_id, before)
        if view is None:
            abort(404)
        return render_template("customer.html", view=view, back=_back())


def _system() -> System:
    system: System = current_app.extensions["tici"]
    return system


def _chosen(pipelines: tuple[Pipeline, ...]) -> Pipeline:
    wanted = request.args.get("pipeline")
    found = [one for one in pipelines if wanted is None or one.name == wanted]
    if not found:
        abort(404)
    return found[0]


def _message_id(text: str) -> int:
    number = int(text)
    if not 0 < number <= LARGEST_ID:
        raise ValueError("no row has such an id")
    return number


def _back() -> str:
    """The pipeline that was looked at last."""
    return url_for("board.show", pipeline=session.get(_PIPELINE))


def _pieces(pipeline: Pipeline) -> list[Piece]:
    with _system().store.read() as rows:
        columns = read_columns(rows, pipeline)
    look = Look(language(), zone().key, present().replace(second=0, microsecond=0))
    return [_notice(), _bar(columns), *(_column(number, column, look) for number, column in enumerate(columns))]


def _notice() -> Piece:
    """Says that an edited config.toml was refused and why; empty while the file is the one in force."""
    problems = [str(problem) for problem in _system().keeper.problems]
    return Piece("notice", Markup(render_template("board_notice.html", problems=problems)))  # noqa: S704 - escaped there


def _bar(columns: tuple[Column, ...]) -> Piece:
    return Piece("bar", Markup(render_template("board_bar.html", columns=columns)))  # noqa: S704 - escaped there


@lru_cache(maxsize=512)
def _column(number: int, column: Column, look: Look) -> Piece:
    """What polls ask for again and again is rendered once, until it changes or its ages do."""
    html = render_template("board_column.html", column=column, newest=NEWEST)
    return Piece(f"column-{number}", Markup(html))  # noqa: S704 - escaped there
