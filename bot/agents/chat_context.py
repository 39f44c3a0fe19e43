"""What an answer in the chat needs: the agent's own customers and tasks, and whom or what their words name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import contains_eager, joinedload

from bot.agents import chat_words
from bot.agents.chat_memory import ChatMemory
from bot.agents.chat_words import Item, due_of, name_of
from bot.agents.own_follow_ups import due_before
from bot.agents.promises import Owing, list_promises, promises_about
from bot.agents.reading import may_read, readable, reader_of_agent
from bot.customers.state import OPEN_STATES
from bot.platform.database.reading_log import viewed_all
from bot.platform.models import Agent, Customer, Follow, OwnFollowUp, Promise, SopTask
from bot.platform.work import Work
from sop.naming import MOST, Named, People, read_name

MOST_LISTED = 20


class ChatContext:
    """One agent who writes to the app; everything is looked up among their own customers."""

    def __init__(self, work: Work, agent: Agent) -> None:
        self.work, self.agent = work, agent
        self.memory = ChatMemory(work, agent)
        self.reader = reader_of_agent(work.session, agent.id, work.now)

    def day(self) -> Sequence[Item]:
        """What is overdue or due before the local day ends, the longest due first."""
        calendar = self.work.settings.calendar
        ends = calendar.instant(calendar.local(self.work.now).date() + timedelta(days=1), datetime.min.time())
        query = (
            select(SopTask)
            .options(joinedload(SopTask.customer))
            .where(SopTask.agent_id == self.agent.id, SopTask.state.in_(OPEN_STATES), SopTask.due_at < ends)
            .where(readable(self.reader, SopTask.customer_id))
            .order_by(SopTask.due_at, SopTask.id)
            .limit(MOST_LISTED + 1)
        )
        own = due_before(self.work.session, self.reader, self.agent.id, ends, MOST_LISTED + 1)
        owing = Owing(self.agent.id, self.work.now, ends)
        promised = list_promises(self.work.session, self.reader, owing, MOST_LISTED + 1)
        found: list[Item] = [*self.work.session.scalars(query), *own, *promised]
        return sorted(found, key=due_of)[: MOST_LISTED + 1]

    def numbered(self, number: int) -> Item | str:
        """What has that number on the list last shown, or why there is none."""
        shown = self.memory.items
        marks = shown if shown is not None else [self.memory.mark(item) for item in self.day()]
        if not 1 <= number <= len(marks):
            return f"单子上没有第 {number} 件" + (f"，共 {len(marks)} 件" if marks else "") + "。回复「今日」看单子"
        item = self.memory.item(marks[number - 1])
        if item is None or not may_read(
            self.work.session, self.reader, item.customer_id
        ):  # erased, or not theirs now
            return f"第 {number} 件已经不用做了。回复「今日」看最新的单子"
        if not self._is_open(item):
            return f"第 {number} 件（{name_of(item.customer)}）已经不用做了。回复「今日」看最新的单子"
        return item

    def _is_open(self, item: Item) -> bool:
        if isinstance(item, Promise):
            return item.agent_id == self.agent.id and item.closed_at is None
        open_states = ("open",) if isinstance(item, OwnFollowUp) else OPEN_STATES
        return item.agent_id == self.agent.id and item.state in open_states

    def item_of(self, name: str, question: dict[str, Any]) -> Item | str:
        """What an own customer of this name waits for, or what to answer instead.

        question: what is to be done with the one the agent picks where several fit.
        """
        named = read_name(name, self._people)
        if not named.fits:
            return self._which(named, {**question, "name": name})
        choice = self._to_do(named.fits[:MOST])
        if not choice:
            return f"{name} 现在没有要做的跟进"
        if len(choice) == 1:
            return choice[0]
        self.memory.show(choice, question)
        return chat_words.which_item(choice, self.work.now, self.work.settings.calendar)

    def _to_do(self, customers: Sequence[int]) -> Sequence[Item]:
        """What is prompted or due with these customers; else the next thing to come."""
        steps = (
            select(SopTask)
            .options(joinedload(SopTask.customer))
            .where(
                SopTask.agent_id == self.agent.id, SopTask.state.in_(OPEN_STATES), SopTask.customer_id.in_(customers)
            )
        )
        own = (
            select(OwnFollowUp)
            .options(joinedload(OwnFollowUp.customer))
            .where(OwnFollowUp.agent_id == self.agent.id, OwnFollowUp.state == "open")
            .where(OwnFollowUp.customer_id.in_(customers))
        )
        promised = [
            row
            for customer in customers
            for row in promises_about(self.work.session, customer, self.work.now)
            if row.agent_id == self.agent.id
        ]
        found: list[Item] = [*self.work.session.scalars(steps), *self.work.session.scalars(own), *promised]
        found.sort(key=lambda item: (due_of(item), item.id))
        prompted = [item for item in found if self._is_prompted(item)]
        return (prompted or found[:1])[:MOST_LISTED]

    def _is_prompted(self, item: Item) -> bool:
        delivered = isinstance(item, SopTask) and item.state == "delivered"
        return delivered or due_of(item) <= self.work.now

    def customer(self, words: str, question: Mapping[str, Any]) -> tuple[Follow, str] | str:
        """The own customer whose name begins the words, and what stands behind it; or what to ask back.

        question: what is to be done with the customer whom the agent picks; `rest` is added to it.
        """
        named = read_name(words, self._people)
        follow = self.follow_of(named.fits[0]) if len(named.fits) == 1 else None
        if follow is not None:
            return follow, named.rest
        return self._which(named, {**question, "rest": named.rest})

    def knows(self, words: str) -> bool:
        """Whether the words begin with the name of an own customer."""
        return bool(read_name(words, self._people).fits)

    def _which(self, named: Named, question: Mapping[str, Any]) -> str:
        found = [one for key in (named.fits or named.near) if (one := self.follow_of(key)) is not None]
        if not found:
            return chat_words.nobody(named.name)
        self.memory.ask_who([one.customer_id for one in found[:MOST]], question)
        return chat_words.which_customer(named.name, found[:MOST], near=not named.fits, more=len(found) > MOST)

    def picked(self, number: int) -> Follow | None:
        """The customer of that number, of those who were last asked about."""
        people = self.memory.people
        if not 1 <= number <= len(people):
            return None
        return self.follow_of(people[number - 1])

    def follow_of(self, customer_id: int) -> Follow | None:
        """The agent's own living contact with this customer."""
        query = (
            select(Follow)
            .join(Follow.customer)
            .options(contains_eager(Follow.customer))
            .where(Follow.agent_id == self.agent.id, Follow.ended_at.is_(None), Follow.customer_id == customer_id)
        )
        return self.work.session.scalars(query).unique().first()

    @cached_property
    def _people(self) -> People:
        rows = self.work.session.execute(
            select(Follow.customer_id, Customer.name, Follow.remark)
            .join(Customer, Customer.id == Follow.customer_id)
            .where(Follow.agent_id == self.agent.id, Follow.ended_at.is_(None))
            .order_by(Follow.id)
        )
        return People({customer_id: (name, remark) for customer_id, name, remark in rows})

    def lines(self, items: Sequence[Item]) -> list[str]:
        """What is to be done as numbered lines; that their last words were shown is noted."""
        self.read(item.customer for item in items)
        return chat_words.lines(items, self.work.now, self.work.settings.calendar)

    def read(self, customers: Iterable[Customer]) -> None:
        """Note whose last words the agent is told."""
        spoke = [customer.id for customer in customers if customer.last_words]
        viewed_all(self.work.session, self.agent.userid, spoke, "chat", self.work.now)

    def when(self, at: datetime) -> str:
        """A time as the agent reads it."""
        return chat_words.when(at, self.work.now, self.work.settings.calendar)
