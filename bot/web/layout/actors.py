"""Names of those who act in ledgers and logs: people by name, the machine's own parts in words."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from bot.platform.models import Agent
from bot.web.layout.languages import translate

MACHINE = {  # what is stored where nobody acted
    "system": "系统",
    "rule": "规则",
    "wecom": "企业微信",
    "archive": "会话存档",
    "reconcile": "与企业微信核对",
}
_CLI = "cli:"


def actor_names(session: Session, actors: Iterable[str]) -> dict[str, str]:
    """What each actor as stored is called on a page; one query."""
    wanted = {actor for actor in actors if actor}
    keys = {actor.casefold() for actor in wanted if actor not in MACHINE}
    known = select(Agent.key, Agent.name).where(Agent.key.in_(keys))
    names: dict[str, str] = {key: name or "" for key, name in session.execute(known)} if keys else {}
    return {actor: names.get(actor.casefold()) or _in_words(actor) for actor in wanted}


def actors_called(session: Session, called: str) -> list[str]:
    """The actors as stored that go by this name on a page, or are stored like this."""
    agents = session.scalars(select(Agent.userid).where(or_(Agent.name == called, Agent.key == called.casefold())))
    machine = [stored for stored, text in MACHINE.items() if called in (text, translate(text))]
    return [called, *agents.all(), *machine]


def _in_words(actor: str) -> str:
    if actor in MACHINE:
        return translate(MACHINE[actor])
    if actor.startswith(_CLI):
        return translate("命令行 {user}", user=actor.removeprefix(_CLI))
    return actor  # a local account's name, or a member whose name WeCom has not told yet
