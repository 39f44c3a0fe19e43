"""The board's filter: read from the address, and turned into conditions on placements."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Exists, Select, and_, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from bot.customers.state import OPEN_STATES
from bot.platform.models import Customer, Follow, Placement, SopTask, Tagging
from bot.web.board.orders import ORDERS, OVER, Order
from bot.web.layout.requests import LARGEST_ID

SILENCES = (1, 3, 7, 14, 30, 90)  # days
SCORES = (10, 30, 60, 100)
DUE = ("today", "over")
HOT, UNTENDED = 30, timedelta(days=3)  # an intent score, and how long our side has said nothing
LONGEST_SEARCH = 60
FEW, MANY = 5_000, 20_000
_MOST = 2**31 - 1


@dataclass(frozen=True)
class Filter:
    """What is asked for; 0 and "" ask for nothing. silent: days without a word; score: at least.

    waiting: 1 asks for those who wait for an answer. due: those with a task due "today", or one that is "over".
    segment: those in it. hot: 1 asks for those with much intent to whom nobody has written for days.
    sort: a name of ORDERS.
    """

    agent: int = 0
    tag: str = ""
    silent: int = 0
    score: int = 0
    search: str = ""
    waiting: int = 0
    due: str = ""
    hot: int = 0
    sort: str = ""
    segment: str = ""

    @property
    def is_on(self) -> bool:
        return self != Filter()

    @property
    def args(self) -> dict[str, str]:
        """As it stands in the address."""
        asked = {"agent": self.agent, "tag": self.tag, "silent": self.silent, "score": self.score}
        asked |= {"waiting": self.waiting, "due": self.due, "hot": self.hot, "sort": self.sort, "q": self.search}
        asked |= {"segment": self.segment}
        return {name: str(value) for name, value in asked.items() if value}


def read_filter(args: Mapping[str, str]) -> Filter:
    """The filter that an address asks for; values that cannot be read ask for nothing."""
    return Filter(
        agent=_number(args.get("agent", ""), LARGEST_ID),
        tag=args.get("tag", "").strip()[:30],
        silent=_number(args.get("silent", "")),
        score=_number(args.get("score", "")),
        search=args.get("q", "").strip()[:LONGEST_SEARCH],
        waiting=_number(args.get("waiting", ""), 1),
        due=_one_of(args.get("due", ""), DUE),
        hot=_number(args.get("hot", ""), 1),
        sort=_one_of(args.get("sort", ""), ORDERS),
        segment=args.get("segment", "").strip()[:30],
    )


class FilterConditions:
    """The same condition in two forms: as sets of customers (IN), and as questions about each card (EXISTS).

    Sets cost as much as the filter leaves; questions cost as much as is walked past until enough cards are found.
    """

    def __init__(
        self,
        asked: Filter,
        agents: Collection[int] | None,
        found: Select[int] | None,
        now: datetime,
        day: tuple[datetime, datetime] | None = None,
        inside: ColumnElement[bool] | None = None,
    ) -> None:
        """day: where the local day begins and ends; needed only to ask for what is due today. inside: a condition on
        customers, who is in the segment asked for."""
        self._tests: list[ColumnElement[bool]] = []
        self._sets: list[Select[int]] = []
        self._always: list[ColumnElement[bool]] = []
        self.order: Order | None = ORDERS.get(asked.sort)
        # Up to so many customers it is cheapest to rank all of them. More are soon met on a walk through the columns,
        # except silent ones: these stand far from a column's newest cards, so ranking pays for longer.
        self.worth_ranking = MANY if asked.silent else FEW
        if agents is not None:
            self._add(Follow.customer_id, and_(Follow.agent_id.in_(agents), Follow.ended_at.is_(None)))
        if asked.agent:
            self._add(Follow.customer_id, and_(Follow.agent_id == asked.agent, Follow.ended_at.is_(None)))
        if asked.tag:
            self._add(Tagging.customer_id, and_(Tagging.tag == asked.tag, Tagging.removed_at.is_(None)))
        if inside is not None:
            self._add(Customer.id, inside)
        if asked.due:
            self._add_due(asked.due, now, day or (now, now))
        if asked.hot:
            untended = or_(Customer.said_to_at.is_(None), Customer.said_to_at <= now - UNTENDED)
            self._add(Customer.id, and_(Customer.conversion >= HOT, untended))
        if asked.waiting:
            self._add(Follow.customer_id, and_(Follow.waiting_since.is_not(None), Follow.ended_at.is_(None)))
        waiting = self._sets[-1] if asked.waiting else None
        if asked.silent or asked.score:  # one set for both: one index covers both columns
            hour = now.replace(minute=0, second=0, microsecond=0)
            silent = [_silent(hour - timedelta(days=min(asked.silent, 36500)))] if asked.silent else []
            scored = [Customer.conversion > 0, Customer.conversion >= asked.score] if asked.score else []
            self._add(Customer.id, and_(*silent, *scored))
        if found is not None:
            self._always.append(Placement.customer_id.in_(found))
        self.who = [*([] if found is None else [found]), *self._sets]
        if asked.waiting and asked.sort == "waiting":  # whom this order finds waits anyhow: asking again costs most
            self.who = [one for one in self.who if one is not waiting]

    @property
    def is_everything(self) -> bool:
        return not self._sets and not self._always

    @property
    def sizes(self) -> list[Select[int]]:
        """Queries for the size of each set; none counts further than `worth_ranking`."""
        return [select(func.count()).select_from(one.limit(self.worth_ranking).subquery()) for one in self._sets]

    @property
    def as_sets(self) -> list[ColumnElement[bool]]:
        return [*(Placement.customer_id.in_(one) for one in self._sets), *self._always]

    @property
    def as_questions(self) -> list[ColumnElement[bool]]:
        return [*self._tests, *self._always]

    def _add(self, customer: InstrumentedAttribute[int], condition: ColumnElement[bool]) -> None:
        self._sets.append(select(customer).where(condition))
        asked: Exists = exists().where(customer == Placement.customer_id, condition)
        self._tests.append(asked)

    def _add_due(self, due: str, now: datetime, day: tuple[datetime, datetime]) -> None:
        """The set walks the index by state and due time, the question the one by customer."""
        at = SopTask.due_at <= now if due == "over" else and_(SopTask.due_at >= day[0], SopTask.due_at < day[1])
        self._sets.append(select(SopTask.customer_id).where(SopTask.state.in_(OPEN_STATES), at))
        mine = SopTask.customer_id == Placement.customer_id
        self._tests.append(exists().where(mine, SopTask.state.not_in(OVER), at))


def _silent(since: datetime) -> ColumnElement[bool]:
    never = and_(Customer.last_word_at.is_(None), Customer.created_at <= since)
    return or_(Customer.last_word_at <= since, never)


def _one_of(text: str, known: Collection[str]) -> str:
    return text if text in known else ""


def _number(text: str, most: int = _MOST) -> int:
    return min(int(text), most) if text.isascii() and text.isdigit() and len(text) < 20 else 0
