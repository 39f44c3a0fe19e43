"""The board's pages: a pipeline's columns with their cards, page by page, and the pieces that changed since."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cached_property, lru_cache

from flask import Blueprint, Flask, Response, abort, current_app, redirect, render_template, request, session, url_for
from markupsafe import Markup
from sqlalchemy import Select, select, union
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from bot.customers.people import shown_agents
from bot.customers.selection import Condition, where
from bot.platform.database.search_index import named, saying
from bot.system import System
from bot.web.auth.access import needs, visible_agent_ids
from bot.web.auth.board_link import take_board_link
from bot.web.auth.readings import AT_A_GLANCE, note_readings
from bot.web.auth.visitor import ADMIN, EVERYBODY, visitor, visitor_or_none
from bot.web.board.filter import SCORES, SILENCES, Filter, FilterConditions, read_filter
from bot.web.board.live import EventStreams, SharedCache, stamp_of
from bot.web.board.position import Position, read_position
from bot.web.board.presets import SORTS, offered
from bot.web.board.rows import MOST_KEPT, PAGE, BoardCard, Column, read_columns, read_more
from bot.web.layout.languages import language
from bot.web.layout.requests import current_system
from bot.web.layout.template_filters import request_now, zone
from sop.pipeline import Pipeline

_PIPELINE = "pipeline"

pages = Blueprint("board", __name__)
pages.before_request(take_board_link)
pages.before_request(needs(*EVERYBODY))
live = Blueprint("live", __name__)  # of its own: a stream cannot be redirected to sign in, and answers 204 instead


@dataclass(frozen=True)
class Fragment:
    """The content of the element `id`; `stamp` tells whether a browser has it already."""

    id: str
    html: Markup

    @cached_property
    def stamp(self) -> str:
        return f"{self.id}:{hashlib.sha1(self.html.encode(), usedforsecurity=False).hexdigest()[:16]}"


@dataclass(frozen=True)
class RenderOptions:
    """What a rendered column depends on beside its rows; the key of its cache. minute: for the ages shown."""

    language: str
    zone: str
    minute: datetime
    pipeline: str
    asked: Filter
    masks: bool
    moves: bool


@dataclass(frozen=True)
class _View:
    """The board as one visitor asks for it. shown: how many cards of a stage their browser has."""

    pipeline: Pipeline
    asked: Filter
    shown: Mapping[str, int]


def prepare(app: Flask, system: System) -> None:
    """Give the app its event streams, and the cache that open boards share."""
    app.extensions["tici-streams"] = EventStreams(system.store)
    app.extensions["tici-boards"] = SharedCache[tuple[Column, ...]]()


@pages.get("/")
def home() -> AnyResponse:
    """The start page: the board."""
    return redirect(url_for("board.show"))


@pages.get("/board")
def show() -> str:
    """The whole board of one pipeline; `?pipeline=` chooses among several, the rest of the address filters."""
    pipelines = current_system().settings.pipelines
    if not pipelines:
        return render_template("board_empty.html")
    view = _view(pipelines)
    session[_PIPELINE] = view.pipeline.name
    tags = sorted(current_system().settings.known_tags)
    with current_system().store.read() as rows:
        stamp = stamp_of(rows, _version())
        columns = _columns(rows, view, stamp)
        agents = shown_agents(rows, visible_agent_ids(rows, visitor()))
    _note(view, [card for one in columns for card in one.cards])
    return render_template(
        "board.html",
        pipelines=pipelines, view=view, asked=view.asked, columns=columns, at=stamp,
        pieces={piece.id: piece for piece in _pieces(view, columns)},
        agents=agents, tags=tags, silences=SILENCES, scores=SCORES, sorts=SORTS,
        segments=list(current_system().settings.segments), presets=offered(view.asked),
        says=current_system().settings.tables.privacy.search_messages,
    )  # fmt: skip


@pages.get("/board/changes")
def changes() -> Response:
    """Only the pieces whose stamps are not among `seen`; 204 where nothing has changed since the stamp `at`."""
    pipelines = current_system().settings.pipelines
    view = _view(pipelines) if pipelines else None
    with current_system().store.read() as rows:
        stamp = stamp_of(rows, _version())
        if request.args.get("at") == stamp:
            return Response(status=204)
        columns = _columns(rows, view, stamp) if view else ()
    if view:
        _note(view, [card for one in columns for card in one.cards])
    pieces = _pieces(view, columns) if view else []
    seen = request.args.getlist("seen")
    if {piece.id for piece in pieces} != {mark.partition(":")[0] for mark in seen}:
        return Response(headers={"HX-Refresh": "true"})  # the config has other columns now
    still = {f"cards-{n}" for n, c in enumerate(columns) if view and view.shown.get(c.stage, 0) > MOST_KEPT}
    fresh = [piece for piece in pieces if piece.stamp not in seen and piece.id not in still]
    return Response(render_template("board_changes.html", pieces=fresh, at=stamp))


@pages.get("/board/column")
def column() -> str:
    """The next cards of the column `stage`, those `after` a place."""
    view, stage = _view(current_system().settings.pipelines), request.args.get("stage", "")
    after = read_position(request.args.get("after", ""))
    if after is None:
        abort(400)
    with current_system().store.read() as rows:
        cards = read_more(rows, view.pipeline.name, stage, _wanted(rows, view), after)
    _note(view, cards[:PAGE])
    following: Position | None = cards[PAGE - 1].position if len(cards) > PAGE else None
    return render_template("board_cards.html", cards=cards[:PAGE], stage=stage, after=following, look=_look(view))


@live.get("/board/live")
def stream() -> Response:
    """Server-sent events that say that something has changed; 204 where the board must ask by itself."""
    streams: EventStreams = current_app.extensions["tici-streams"]
    if visitor_or_none() is None or not streams.take():
        return Response(status=204)
    seen = request.headers.get("Last-Event-ID") or request.args.get("at", "")
    version = _versions(current_system())
    answer = Response(streams.watch(version, seen), mimetype="text/event-stream")
    answer.headers["X-Accel-Buffering"] = "no"
    answer.call_on_close(streams.leave)
    return answer


def back() -> str:
    """The address of the board that this browser opened last."""
    return url_for("board.show", pipeline=session.get(_PIPELINE))


def _version() -> str:
    return _versions(current_system())()


def _versions(system: System) -> Callable[[], str]:
    """A function that gives the version of the config in force; it works outside of a request as well."""
    return lambda: f"{system.settings.version}.{len(system.keeper.problems)}"


def _view(pipelines: tuple[Pipeline, ...]) -> _View:
    wanted = request.args.get("pipeline")
    found = [one for one in pipelines if wanted is None or one.name == wanted]
    if not found:
        abort(404)
    return _View(found[0], read_filter(request.args), _shown(found[0]))


def _shown(pipeline: Pipeline) -> dict[str, int]:
    """How many cards the browser has of each stage: `shown=40~考虑价格`."""
    pairs = (text.partition("~") for text in request.args.getlist("shown")[:100])
    return {stage: int(n) for n, _, stage in pairs if n.isascii() and n.isdigit() and len(n) < 6 and int(n) > PAGE}


def _wanted(rows: Session, view: _View) -> FilterConditions:
    found = _found(view.asked.search) if view.asked.search else None
    now, calendar = request_now(), current_system().settings.calendar
    today = calendar.local(now).date()
    day = calendar.instant(today, time.min), calendar.instant(today + timedelta(days=1), time.min)
    name, segments = view.asked.segment, current_system().settings.segments
    inside = where([Condition("segment", name)], now, segments)[0] if name else None
    return FilterConditions(view.asked, visible_agent_ids(rows, visitor()), found, now, day, inside)


def _found(text: str) -> Select[int]:
    """The customers whose name matches, or who said it, where the config allows searching messages."""
    if not current_system().settings.tables.privacy.search_messages:
        return named(text)
    both = union(named(text), saying(text)).subquery()
    return select(both.c.customer_id)


def _columns(rows: Session, view: _View, stamp: str) -> tuple[Column, ...]:
    shared: SharedCache[tuple[Column, ...]] = current_app.extensions["tici-boards"]
    agents = visible_agent_ids(rows, visitor())
    whose = None if agents is None else frozenset(agents)
    key = (view.pipeline.name, view.asked, whose, tuple(sorted(view.shown.items())))
    return shared.get(key, stamp, lambda: read_columns(rows, view.pipeline, _wanted(rows, view), view.shown))


def _note(view: _View, cards: Sequence[BoardCard]) -> None:
    """Note whose last words the visitor reads on the board, or finds by a search."""
    page, spoke = "search" if view.asked.search else "board", [card.customer_id for card in cards if card.last_words]
    note_readings(current_system(), visitor().actor, spoke, page, request_now(), AT_A_GLANCE)


def _look(view: _View) -> RenderOptions:
    who = visitor()
    minute = request_now().replace(second=0, microsecond=0)
    return RenderOptions(
        language(), zone().key, minute, view.pipeline.name, view.asked, masks=not who.may_change, moves=who.may_change
    )


def _pieces(view: _View, columns: tuple[Column, ...]) -> list[Fragment]:
    look = _look(view)
    problems = list(current_system().keeper.problems) if visitor().role == ADMIN else []
    parts = [_piece("notice", "board_notice.html", problems=problems)]
    parts.append(_piece("bar", "board_bar.html", columns=columns))
    for number, one in enumerate(columns):
        stage = view.pipeline.stage(one.stage)
        parts += _column(number, one, look, bool(stage and "@added" in (stage.on or ())))
    return parts


def _piece(name: str, template: str, **values: object) -> Fragment:
    return Fragment(name, Markup(render_template(template, **values)))  # noqa: S704 - escaped there


@lru_cache(maxsize=512)
def _column(number: int, one: Column, look: RenderOptions, begins: bool) -> tuple[Fragment, Fragment]:
    """A column's head and cards. Polls ask for the same ones repeatedly: they are rendered once, until the rows or
    the minute change. begins: new customers enter this stage first."""
    cards = {"cards": one.cards, "stage": one.stage, "after": one.after, "look": look, "begins": begins}
    return (
        _piece(f"head-{number}", "board_head.html", column=one),
        _piece(f"cards-{number}", "board_cards.html", empty=True, **cards),
    )
