"""Studies: backtests and rule mining over stored messages, a piece per job in the lowest queue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from bot.analytics import history
from bot.platform.config.settings import Settings, parse_settings
from bot.platform.database.group_names import StoredTalk
from bot.platform.database.store import HeldLease, release_lease, still_held, take_lease
from bot.platform.log import get_logger
from bot.platform.models import Message, Study
from bot.platform.work import Work
from bot.system import System
from taggers.backtest import Backtest, ChangedCustomer, TagComparison, backtest, merge
from taggers.mining import mine
from taggers.nobody import HIDDEN

OPEN = ("waiting", "running")
SINCE = timedelta(days=30)
PIECE_MESSAGES = 5_000  # per job, so that a worker soon looks for more urgent ones
MOST_PIECES = 500
BACKGROUND = 20_000  # newest messages against which a phrase must stand out
PROPOSALS = 20
_LEASE, _LEASE_SECONDS = "study", 120
_log = get_logger(__name__)


def ask_backtest(work: Work, draft: str, author: str) -> Study:
    """Queue a backtest of a draft (a whole config text) against the config in force."""
    return _put_in_queue(work, "backtest", author, draft)


def ask_mining(work: Work, author: str) -> Study:
    """Queue a search for rules that nobody has written yet."""
    return _put_in_queue(work, "mine", author)


def _put_in_queue(work: Work, kind: str, author: str, draft: str = "") -> Study:
    study = Study(
        kind=kind,
        author=author,
        version=work.settings.version,
        draft=draft,
        since=work.now - SINCE,
        created_at=work.now,
        touched_at=work.now,
        result={"before": work.settings.source} if kind == "backtest" else {},
    )
    work.session.add(study)
    work.session.flush()
    work.wake("study")
    return study


def cancel_study(session: Session, study_id: int, now: datetime) -> bool:
    """Cancel a study after its present piece; False where it was over already."""
    study = session.get(Study, study_id, with_for_update=True)
    if study is None or study.state not in OPEN:
        return False
    study.state, study.ended_at = "cancelled", now
    return True


def newest_study(session: Session, kind: str) -> Study | None:
    """The newest study of this kind, in any state."""
    return session.scalar(select(Study).where(Study.kind == kind).order_by(Study.id.desc()).limit(1))


def any_open(session: Session) -> bool:
    """Whether a study waits or is under way."""
    return session.scalar(select(Study.id).where(Study.state.in_(OPEN)).limit(1)) is not None


def advance(system: System, now: datetime) -> bool:
    """Do one piece of the oldest open study; True where there is more to do. One process at a time."""
    with system.store.write() as session:
        held = take_lease(session, _LEASE, system.owner, _LEASE_SECONDS)
        study = session.scalar(select(Study).where(Study.state.in_(OPEN)).order_by(Study.id).limit(1))
        if held is None:
            return False  # the process that holds it enqueues the next piece itself
        if study is None:
            release_lease(session, held)
            return False
        study.state, study.touched_at = "running", now
    try:
        outcome = _PIECE_OF[study.kind](system, study)
    except SQLAlchemyError:
        raise
    except Exception as error:
        _log.exception("study failed", study=study.id)
        outcome = {"state": "failed", "ended_at": now, "why": f"{type(error).__name__}: {error}"[:300]}
    return _record(system, held, study, outcome, now)


def _record(system: System, held: HeldLease, done: Study, outcome: Mapping[str, Any], now: datetime) -> bool:
    """Store the outcome of a piece unless the study was cancelled or another process did the piece meanwhile."""
    with system.store.write() as session:
        study = session.get(Study, done.id, with_for_update=True)
        if study is None or not still_held(session, held):
            return True
        if study.state == "running" and study.piece == done.piece:
            for name, value in outcome.items():
                setattr(study, name, value)
            study.touched_at = now
            if study.state == "running" and study.piece >= len(study.plan):
                study.state, study.ended_at = "done", now
        session.flush()
        release_lease(session, held)
        return any_open(session)


def _backtest_piece(system: System, study: Study) -> dict[str, Any]:
    if not study.plan:
        return _plan(system, study)
    first, last = study.plan[study.piece]
    before, after = _compiled(study.result["before"]), _compiled(study.draft)
    part = history.CustomerRange(system.store.url, system.store.keys, first, last, study.since, study.created_at)
    with system.store.read() as session:
        found = backtest(
            before.book,
            after.book,
            history.histories(session, part, after.zone),
            part.now,
            old_groups=before.tables.tags,
            new_groups=after.tables.tags,
        )
    known = outcome_of(study.result)
    total = found if known is None else merge([known, found])
    return {"piece": study.piece + 1, "result": {**study.result, "backtest": asdict(total)}}


def _plan(system: System, study: Study) -> dict[str, Any]:
    """Cut the customers into pieces of some thousand messages each."""
    books = [_compiled(source).book for source in (study.result["before"], study.draft)]
    ranges, count = history.ranges_for(system.store, study.since, study.created_at, books)
    groups = [[*history.IN_GROUPS] for one in ranges if (one.first, one.last) == history.IN_GROUPS]
    parts = ranges[: len(ranges) - len(groups)]
    if not ranges:
        return {"plan": [], "result": {**study.result, "backtest": asdict(Backtest(0, 0, ()))}}
    pieces = min(MOST_PIECES, max(1, count // PIECE_MESSAGES))
    with system.store.read() as session:
        plan = history.cut_customers(session, parts[0].first, parts[-1].last, pieces) if parts else []
    return {"plan": [*(list(cut) for cut in plan), *groups], "messages": count}


@lru_cache(maxsize=4)
def _compiled(source: str) -> Settings:
    return parse_settings(source, examples=False)


def outcome_of(result: Mapping[str, Any]) -> Backtest | None:
    """The stored outcome of a backtest so far."""
    found = result.get("backtest")
    if found is None:
        return None
    tags = [
        TagComparison(
            **{**one, **{name: [ChangedCustomer(**each) for each in one[name]] for name in ("gains", "losses")}}
        )
        for one in found["tags"]
    ]
    return Backtest(found["customers"], found["messages"], tuple(tags))


def _mining(system: System, study: Study) -> dict[str, Any]:
    settings = system.settings
    with system.store.read() as session:
        before = history.sayings_before(session, study.since)
        known = {text for sayings in before.values() for text in sayings}
        elsewhere = [text for text in _last_words(session) if text not in known]
    found = mine(settings.book, before, elsewhere, words=settings.tables.text.words, most=PROPOSALS)
    proposals = [
        {
            "tag": one.tag,
            "phrase": one.phrase,
            "before": one.before,
            "elsewhere": one.elsewhere,
            "g2": round(one.g2, 1),
            "match": one.rule.match,
            "hit": list(one.rule.examples.hit),
            "miss": list(one.rule.examples.miss),
        }
        for one in found
    ]
    return {"plan": [[0, 0]], "piece": 1, "messages": len(elsewhere), "result": {"proposals": proposals}}


def _last_words(session: Session) -> list[str]:
    query = (
        select(Message.text, Message.roomid)
        .where(
            Message.role == "customer",
            Message.kind == "text",
            Message.action == "send",
            Message.text != "",
            Message.unagreed.is_(False),
        )
        .order_by(Message.id.desc())
        .limit(BACKGROUND)
    )
    talk = StoredTalk(session)
    return [talk.heard(text, roomid).replace(HIDDEN, "") for text, roomid in session.execute(query).all()]


_PIECE_OF = {"backtest": _backtest_piece, "mine": _mining}
