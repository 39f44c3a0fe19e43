"""Own wordings: what agents write down for themselves, offered to nobody else, and proposed to the company."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from bot.platform.config.settings import Settings
from bot.platform.models import Agent, Customer, Follow, OwnWording
from bot.platform.work import Work
from bot.wecom.errors import BotError
from sop.answers import AnswerEntry, in_force
from sop.wording import check_wording
from taggers.fold import fold
from taggers.likeness import Terms
from taggers.others_in import others_in
from taggers.translatable import Translatable

if TYPE_CHECKING:
    from taggers.answer_book import AnswerBook, Fit, WordingSearch

MOST = 300
TAKEN, DECLINED = "taken", "declined"
_WHY = {
    "name": Translatable("里面有客户的名字或称呼，对别人说会弄错；换成 {customer.name|您}"),
    "link": Translatable("里面的链接像是给某一位客户的（带参数或编号）；换成不带参数的链接"),
    "number": Translatable("里面有像手机号、订单号的数字，去掉再存"),
    "price": Translatable("里面有价格：价格会变，只写在公司的话术里；去掉再存，或请管理员写"),
}


class OwnWordingRefusedError(BotError):
    """Words that are not kept; the text says to the agent why."""


@dataclass(frozen=True)
class OwnValues:
    """What an agent writes into the form of one of their own wordings."""

    ask: tuple[str, ...]
    say: str
    category: str = ""
    attach: tuple[Mapping[str, Any], ...] = ()
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True)
class OwnBook:
    """An agent's own wordings in force, by key ("own:17")."""

    entries: Mapping[str, AnswerEntry]
    terms: Terms

    def find(self, asked: str) -> list[Fit]:
        """Those that fit a question, by their keys, the best first."""
        return self._book.find(asked, self.entries) if self.entries else []

    def search(self, words: str) -> list[str]:
        """The keys of those that the words mean, the best first."""
        return self._search.find(words) if self.entries else []

    @cached_property
    def _book(self) -> AnswerBook:
        return _book(tuple((key, one.ask) for key, one in self.entries.items()), self.terms)

    @cached_property
    def _search(self) -> WordingSearch:
        from taggers.answer_book import WordingSearch

        texts = {key: (*one.ask, one.category, one.say) for key, one in self.entries.items()}
        return WordingSearch(texts, self.terms)


def own_book(work: Work, agent: Agent) -> OwnBook:
    """The agent's own wordings that are in force today; one query."""
    today = work.settings.calendar.local(work.now).date()
    entries = {key_of(row): as_entry(row) for row in own_of(work.session, agent.id)}
    return OwnBook({key: one for key, one in entries.items() if in_force(one, today)}, work.settings.likeness)


def own_of(session: Session, agent_id: int) -> Sequence[OwnWording]:
    """All of an agent's own wordings, the newest first."""
    mine = select(OwnWording).where(OwnWording.agent_id == agent_id)
    return session.scalars(mine.order_by(OwnWording.id.desc()).limit(MOST)).all()


def key_of(row: OwnWording) -> str:
    """The key by which its uses are counted."""
    return f"own:{row.id}"


def as_entry(row: OwnWording) -> AnswerEntry:
    """The wording in the form of the company's answers; it was checked when it was kept."""
    return AnswerEntry.model_validate(values_of(row) | {"id": f"own-{row.id}"})


def values_of(row: OwnWording) -> dict[str, Any]:
    """The keys of [[answers]], without those that are empty."""
    values = {
        "ask": row.ask.split("\n"), "say": row.say, "category": row.category, "attach": row.attach,
        "since": row.since, "until": row.until,
    }  # fmt: skip
    return {name: value for name, value in values.items() if value}


def keep(work: Work, agent: Agent, values: OwnValues, row: OwnWording | None = None) -> OwnWording:
    """Write a wording down, or change one. Raises OwnWordingRefusedError with what is in the way."""
    check_own(work.session, work.settings, agent, values)
    if row is None:
        count = select(func.count()).select_from(OwnWording).where(OwnWording.agent_id == agent.id)
        if (work.session.scalar(count) or 0) >= MOST:
            raise OwnWordingRefusedError(Translatable("最多记 {n} 条，先删掉不用的", n=MOST))
        row = OwnWording(agent_id=agent.id, created_at=work.now)
        work.session.add(row)
    elif row.decided == DECLINED or row.say != values.say:
        row.proposed_at, row.decided, row.decided_by, row.decided_at = None, "", "", None
    row.ask, row.say, row.category = "\n".join(values.ask), values.say, values.category
    row.attach, row.since, row.until, row.changed_at = list(values.attach), values.since, values.until, work.now
    work.session.flush()
    return row


def check_own(session: Session, settings: Settings, agent: Agent, values: OwnValues) -> None:
    """Refuse what cannot be sent, and what belongs to one customer."""
    try:
        AnswerEntry.model_validate({**vars(values), "id": "own"})
    except ValidationError as error:
        raise OwnWordingRefusedError(_said(error)) from None
    if wrong := check_wording(values.say, [f"customer.{name}" for name in settings.fields]):
        raise OwnWordingRefusedError(wrong[0])
    names = customers_of(session, agent)
    if why := why_not_for_all(values, names, prices=settings.tables.suggestions.prices):
        raise OwnWordingRefusedError(why)


def why_not_for_all(values: OwnValues, names: Collection[str], *, prices: bool) -> Translatable | None:
    """What in the words belongs to one person, for people; None where they may be said to all. names: folded."""
    texts = [values.say, values.category, *values.ask]
    texts += [str(one.get(name) or "") for one in values.attach for name in ("title", "desc", "url", "file")]
    for text in texts:
        kind = others_in(text, names.__contains__, prices=prices)
        if kind and not (kind == "number" and text in {one.get("file") for one in values.attach}):
            return _WHY[kind]
    return None


def customers_of(session: Session, agent: Agent) -> set[str]:
    """The names, folded, by which the agent knows their customers, of now and before."""
    query = select(Customer.name, Follow.remark).join(Follow, Follow.customer_id == Customer.id)
    rows = session.execute(query.where(Follow.agent_id == agent.id))
    return {fold(name) for row in rows for name in row if name and len(name) > 1}


def propose(row: OwnWording, now: datetime) -> None:
    """The agent wants the company to have it; a second tap changes nothing."""
    if row.decided != TAKEN and (row.proposed_at is None or row.decided == DECLINED):
        row.proposed_at, row.decided, row.decided_by, row.decided_at = now, "", "", None


def decide(row: OwnWording, word: str, by: str, now: datetime, answer: str = "") -> None:
    """An editor took it over as this answer, or declined it."""
    row.decided, row.decided_by, row.decided_at, row.answer = word, by[:80], now, answer


def proposed(session: Session) -> Sequence[OwnWording]:
    """What agents propose and nobody decided yet, the oldest first."""
    waiting = select(OwnWording).where(OwnWording.proposed_at.is_not(None), OwnWording.decided == "")
    query = waiting.options(joinedload(OwnWording.agent)).order_by(OwnWording.proposed_at, OwnWording.id)
    return session.scalars(query.limit(MOST)).all()


@lru_cache(maxsize=64)
def _book(questions: tuple[tuple[str, tuple[str, ...]], ...], terms: Terms) -> AnswerBook:
    from taggers.answer_book import AnswerBook

    return AnswerBook(dict(questions), terms)


_FIELDS = {
    "ask": Translatable("写上客户会怎么问，每行 2 到 200 字，最多 100 行"),
    "say": Translatable("写上怎样回答，最多 2000 字"),
    "category": Translatable("分类最多 30 字"),
    "attach": Translatable("附件最多 9 个：素材库里的图片或文件，或者「标题 https://…」"),
}


def _said(error: ValidationError) -> Translatable:
    """The first fault, for people."""
    place = next(iter(error.errors()[0]["loc"]), "")
    return _FIELDS.get(str(place)) or Translatable("最后一天比第一天还早，交换两个日期")
