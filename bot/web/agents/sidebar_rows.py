"""Rows of the sidebar: who the customer is, their stages, what to say, and the message that is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from bot.agents.own_follow_ups import ended_of, open_of
from bot.agents.own_wordings import own_book
from bot.agents.past_answers import PastAnswers
from bot.agents.promises import promises_about
from bot.agents.questions import questions_of
from bot.agents.revisits import untold_of
from bot.agents.suggestions import Suggestion, suggest
from bot.agents.task_answers import may_take_back
from bot.customers.state import CustomerState, load_customer
from bot.platform.models import (
    Agent,
    Customer,
    Follow,
    GroupChat,
    GroupMember,
    OpenQuestion,
    OwnFollowUp,
    Promise,
    SopTask,
    Tagging,
)
from bot.platform.signed_links import link_url, picture_url
from bot.platform.work import Work
from bot.sops.material_uploads import attachment_bodies
from bot.web.customers.impression_rows import ImpressionsView, read_view
from bot.web.customers.score_rows import LedgerView, read_ledgers
from sop.pipeline import Pipeline

_TAGS = 30
_MEMBERS = 200
_ANSWERED = 3
_LATELY = timedelta(hours=12)
_VISITED = timedelta(days=7)


@dataclass(frozen=True)
class PipelinePosition:
    """A pipeline and the customer's stage in it (None: in none); serial: of their last move there."""

    pipeline: Pipeline
    stage: str | None
    serial: int


@dataclass(frozen=True)
class Panel:
    """What is shown of one customer to the agent who follows them."""

    state: CustomerState
    follow: Follow
    places: tuple[PipelinePosition, ...]
    tags: tuple[Tagging, ...]
    offers: tuple[Suggestion, ...]
    promises: Sequence[Promise]
    questions: Sequence[OpenQuestion]
    impressions: ImpressionsView
    ledgers: Sequence[LedgerView] = ()
    own: tuple[OwnFollowUp, ...] = ()
    own_ended: tuple[OwnFollowUp, ...] = ()  # lately: to be taken up again
    answered: tuple[SopTask, ...] = ()  # put off or declined, which can be taken back
    visited: OwnFollowUp | None = None  # a revisit of which nobody said what came of it

    @property
    def customer(self) -> Customer:
        return self.state.customer


@dataclass(frozen=True)
class LinkSigner:
    """What links in messages are made with: our own address and the signing key."""

    base_url: str
    key: bytes


def followed(session: Session, agent_id: int, external_userid: str) -> Follow | None:
    """The agent's own follow of this customer; None where there is none (any more)."""
    query = (
        select(Follow)
        .join(Follow.customer)
        .options(joinedload(Follow.customer))
        .where(Customer.external_userid == external_userid, Follow.agent_id == agent_id, Follow.ended_at.is_(None))
    )
    return session.scalar(query)


def read_panel(work: Work, follow: Follow, past: PastAnswers | None = None) -> Panel:
    """The panel of a followed customer."""
    state = load_customer(work.session, follow.customer)
    tags = sorted(state.carried.values(), key=lambda tag: (tag.tagged_at, tag.id), reverse=True)[:_TAGS]
    places = []
    for pipeline in work.settings.pipelines:
        placement = state.placements.get(pipeline.name)
        places.append(
            PipelinePosition(pipeline, placement.stage if placement else None, placement.serial if placement else 0)
        )
    stages = set(state.stages.values())
    return Panel(
        state=state,
        follow=follow,
        places=tuple(places),
        tags=tuple(tag for tag in tags if tag.tag not in stages),
        offers=tuple(suggest(work, state, follow.agent, past, own_book(work, follow.agent))),
        own=tuple(open_of(work.session, follow.agent_id, follow.customer_id)),
        own_ended=tuple(ended_of(work.session, follow.agent_id, follow.customer_id, work.now - _LATELY)),
        answered=_answered(work, state, follow),
        ledgers=read_ledgers(work, state, ""),
        visited=untold_of(work.session, follow.agent_id, follow.customer_id, work.now - _VISITED),
        impressions=read_view(work.session, follow.customer_id, follow.agent.userid),
        promises=promises_about(work.session, follow.customer_id, work.now),
        questions=questions_of(work.session, follow.customer_id, work.now),
    )


def _answered(work: Work, state: CustomerState, follow: Follow) -> tuple[SopTask, ...]:
    """The agent's steps with this customer that they put off or called unfit, as long as that can be taken back."""
    declined = select(SopTask).where(
        SopTask.customer_id == follow.customer_id, SopTask.agent_id == follow.agent_id, SopTask.state == "cancelled",
        SopTask.rejected_because.is_not(None), SopTask.expires_at > work.now,
    )  # fmt: skip
    mine = [task for task in state.open_tasks if task.agent_id == follow.agent_id]
    rows = [*mine, *work.session.scalars(declined.order_by(SopTask.id.desc()).limit(_ANSWERED))]
    return tuple(task for task in rows if may_take_back(task, work.now))[:_ANSWERED]


def message_of(
    session: Session, signer: LinkSigner, offer: Suggestion, part: str, now: datetime
) -> dict[str, Any] | None:
    """What sendChatMessage is to be given: the text ("text"), or the attachment of that index.

    None where there is no such part, or WeCom does not have its file now.
    """
    if part == "text":
        return {"msgtype": "text", "enterChat": True, "text": {"content": offer.text}}
    task = offer.task
    if part not in map(str, range(len(offer.attach))):
        return None
    index = int(part)
    item: dict[str, Any] = dict(offer.attach[index])
    if item["kind"] == "link":
        url = link_url(signer.base_url, task.ref, index, signer.key) if task is not None else item["url"]
        news = {
            "link": url,
            "title": item["title"],
            "desc": item.get("desc") or "",
            "imgUrl": item.get("picurl") or "",
        }
        return {"msgtype": "news", "enterChat": True, "news": news}
    if item["kind"] == "miniprogram" and task is not None:
        cover = picture_url(signer.base_url, task.ref, index, signer.key)
        page = {"appid": item["appid"], "title": item["title"], "imgUrl": cover, "page": _html(item["page"])}
        return {"msgtype": "miniprogram", "enterChat": True, "miniprogram": page}
    bodies, _missing = attachment_bodies(session, [item], now)
    if not bodies:
        return None
    kind = str(item["kind"])
    return {"msgtype": kind, "enterChat": True, kind: {"mediaid": bodies[0][kind]["media_id"]}}


def _html(page: str) -> str:
    """WeChat finds a mini-program's page only by a path that ends in .html."""
    path, mark, query = page.partition("?")
    return (path if path.endswith(".html") else f"{path}.html") + mark + query


@dataclass(frozen=True)
class SidebarGroup:
    """A group chat: the agent's own customers in it, and how many of its customers are other agents'."""

    group: GroupChat
    mine: tuple[Customer, ...]
    others: int


def read_sidebar_group(session: Session, agent: Agent, chat_id: str) -> SidebarGroup | None:
    """A group chat of which the agent is a member or the owner; None else."""
    group = session.scalar(select(GroupChat).where(GroupChat.chat_id == chat_id))
    if group is None:
        return None
    there = select(GroupMember).where(GroupMember.group_id == group.id, GroupMember.left_at.is_(None))
    seated = session.scalar(there.where(GroupMember.person == agent.key, GroupMember.kind == "agent").limit(1))
    if seated is None and group.owner.casefold() != agent.key:
        return None
    people = there.where(GroupMember.kind == "customer").order_by(GroupMember.id).limit(_MEMBERS)
    ids = [member.person for member in session.scalars(people)]
    query = (
        select(Customer)
        .join(Follow, Follow.customer_id == Customer.id)
        .where(Customer.external_userid.in_(ids), Follow.agent_id == agent.id, Follow.ended_at.is_(None))
        .order_by(Customer.last_word_at.desc(), Customer.id)
    )
    mine = tuple(session.scalars(query))
    return SidebarGroup(group, mine, len(ids) - len(mine))
