"""One search over everything a visitor may open: customers, rules, follow-ups and pages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from flask import Blueprint, render_template, request, url_for
from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from bot.customers.imported_people import people_by
from bot.platform.config.parsing import ConfigError
from bot.platform.config.settings import Settings
from bot.platform.database.search_index import named
from bot.platform.models import Customer, CustomerField
from bot.web.auth.access import needs, visible_customers
from bot.web.auth.visitor import ADMIN, AGENT, AUDITOR, LEADER, ROLES, visitor
from bot.web.layout.languages import translate
from bot.web.layout.navigation import SECTIONS
from bot.web.layout.requests import current_system
from sop.import_columns import plain_phone
from taggers.rule import Rule

_LONGEST, _EACH, _PHONE = 64, 6, 11
pages = Blueprint("search", __name__)
pages.before_request(needs(*ROLES))
PLACES = (  # pages beside those of the navigation: endpoint, name, who may open them
    ("customers.show", "客户列表", ROLES),
    ("rules.new", "新规则", (ADMIN,)),
    ("rules.proposals", "建议", (ADMIN, AUDITOR)),
    ("rules.file", "文件", (ADMIN, AUDITOR)),
    ("rules.history", "历史", (ADMIN, AUDITOR)),
    ("sops.new", "新跟进", (ADMIN,)),
    ("pipelines.show", "阶段", (ADMIN,)),
    ("sops.library", "素材库", (ADMIN, LEADER, AUDITOR, AGENT)),
    ("imports.show", "导入", (ADMIN, LEADER)),
    ("preferences.show", "我", ROLES),
)


@dataclass(frozen=True)
class Found:
    """Something that can be opened. person: a customer, whose name is masked as everywhere; aside: what it is."""

    url: str
    name: str
    aside: str = ""
    person: bool = False


@pages.get("/search")
def search() -> str:
    """What is called like `?q=`, by kind; a piece of page for the box that asks."""
    asked = request.args.get("q", "").strip()[:_LONGEST]
    groups: list[tuple[str, list[Found]]] = []
    if asked:
        system = current_system()
        try:
            settings: Settings | None = system.settings
        except ConfigError:
            settings = None
        with system.store.read() as session:
            people = _people(session, settings, asked)
        found = [
            (translate("客户"), people),
            (translate("规则"), list(_rules(settings, asked))),
            (translate("跟进"), list(_sops(settings, asked))),
            (translate("页面"), list(_places(asked))),
        ]
        groups = [(title, some[:_EACH]) for title, some in found if some]
    return render_template("search_found.html", asked=asked, groups=groups)


def _people(session: Session, settings: Settings | None, asked: str) -> list[Found]:
    """Customers by name, remark or company, by WeCom's id, or by a whole phone number."""
    seen = visible_customers(session, visitor())
    ways: list[ColumnElement[bool]] = [Customer.id.in_(named(asked)), Customer.external_userid == asked]
    phone = plain_phone(asked)
    if len(phone) == _PHONE and phone.isdecimal():
        ways.append(Customer.id.in_(_by_phone(session, settings, phone, seen)))
    query = select(Customer.id, Customer.name).where(seen, or_(*ways))
    query = query.order_by(Customer.last_word_at.desc(), Customer.id)
    return [
        Found(url_for("board.customer", customer_id=number), name, person=True)
        for number, name in session.execute(query.limit(_EACH))
    ]


def _by_phone(session: Session, settings: Settings | None, phone: str, seen: ColumnElement[bool]) -> set[int]:
    """Who has this number, among an agent's remarks or in a field; numbers are sealed, so all are opened."""
    found = set(people_by(session, "phone", seen).get(phone, ()))
    kept = [name for name, one in settings.fields.items() if one.kind == "phone"] if settings else []
    query = select(CustomerField.customer_id, CustomerField.value).where(CustomerField.name.in_(kept))
    return found | {number for number, value in session.execute(query) if plain_phone(value) == phone}


def _rules(settings: Settings | None, asked: str) -> Iterator[Found]:
    if settings is None or visitor().role not in (ADMIN, LEADER, AUDITOR):
        return
    for rule in settings.tables.rules:
        if _holds(asked, rule.id, rule.tag, *_words(rule)):
            yield Found(url_for("rules.rule", rule_id=rule.id), rule.id, rule.tag)


def _words(rule: Rule) -> tuple[str, ...]:
    return (*rule.any, *rule.all, *rule.on)


def _sops(settings: Settings | None, asked: str) -> Iterator[Found]:
    for sop in settings.tables.sops if settings else ():
        if _holds(asked, sop.id, sop.title or "", *(text for step in sop.steps for text in step.say)):
            yield Found(url_for("sops.sop", sop_id=sop.id), sop.title or sop.id)


def _places(asked: str) -> Iterator[Found]:
    rooms = [(one.endpoint, one.name, one.roles) for one in SECTIONS]
    for endpoint, name, roles in (*rooms, *PLACES):
        if visitor().role in roles and _holds(asked, translate(name), name):
            yield Found(url_for(endpoint), translate(name))


def _holds(asked: str, *texts: str) -> bool:
    return any(asked.casefold() in text.casefold() for text in texts)
