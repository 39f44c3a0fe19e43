"""Actions on a customer's page: tags, SOPs, fields, notes, consent, do-not-disturb, erasure. Each is recorded."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from flask import Blueprint, Response, abort, request, url_for

from bot.agents.manual_enrolment import EnrolRefusedError, enrol_by_hand, stop_by_hand
from bot.agents.promises import PromiseRefusedError, judge_promise, put_off_promise
from bot.agents.questions import QuestionSettledError, settle_question
from bot.agents.written_facts import judge_by_hand, set_by_hand
from bot.customers.consent import REFUSED, ConsentAnswer, Party, PartyKind, apply_consent, decide_consent
from bot.customers.facts import FactRefusedError
from bot.customers.fields import FieldRefusedError
from bot.customers.impressions import tell_impression
from bot.customers.state import CustomerState, load_customer
from bot.customers.tags import TagSource, give_tag, take_tag
from bot.platform import clock
from bot.platform.database import audit_log
from bot.platform.log import get_logger
from bot.platform.models import Agent, Note, OpenQuestion, Promise
from bot.platform.work import Work
from bot.privacy.erasure import ask_erasure, attempt_erasure
from bot.sops.follow_up import CustomerEvent, follow_up
from bot.sops.stopping import stop_by_agent, stop_sops
from bot.web.auth.access import customer_or_404, needs, refuse_unless
from bot.web.auth.visitor import ADMIN, LEADER, WORKING, Visitor, visitor
from bot.web.layout.answers import done, done_and_redirect, refused
from bot.web.layout.labels import legible, visible_name
from bot.web.layout.languages import translate
from bot.web.layout.requests import LARGEST_ID, current_system
from bot.wecom.errors import BotError
from taggers.models.impression import TITLES

LONGEST_NOTE = 2000
CHANGED: dict[str, Any] = {"customer-changed": {}}
_PATH = f"/c/<int(max={LARGEST_ID}):customer_id>"
_log = get_logger(__name__)
Owed = TypeVar("Owed", Promise, OpenQuestion)

pages = Blueprint("actions", __name__)
pages.before_request(needs(*WORKING))


class ActionRefusedError(BotError):
    """An action that cannot be done; the text says why."""


@dataclass
class _CustomerAction:
    """One action on one customer, within one transaction."""

    work: Work
    state: CustomerState
    who: Visitor

    def record(self, action: str, **detail: Any) -> None:
        subject = f"customer:{self.state.customer.id}"
        audit_log.record(self.work.session, self.who.actor, action, subject, self.work.now, **detail)


@contextmanager
def _acting_on(customer_id: int) -> Iterator[_CustomerAction]:
    """An action of the visitor on a customer (404 for one they may not see); committed when the block ends."""
    system = current_system()
    with system.work() as work:
        state = load_customer(work.session, customer_or_404(work.session, customer_id))
        yield _CustomerAction(work, state, visitor())


@pages.errorhandler(ActionRefusedError)
@pages.errorhandler(EnrolRefusedError)
@pages.errorhandler(FieldRefusedError)
@pages.errorhandler(FactRefusedError)
@pages.errorhandler(PromiseRefusedError)
@pages.errorhandler(QuestionSettledError)
def _refuse(error: BotError) -> Response:
    return refused(translate(str(error)), **CHANGED)


@pages.post(f"{_PATH}/tag")
def tag(customer_id: int) -> Response:
    """Give the tag `tag`, with all that follows from it."""
    name = request.form.get("tag", "")
    with _acting_on(customer_id) as action:
        if name not in action.work.settings.known_tags:
            raise ActionRefusedError(translate("没有标签「{tag}」，标签写在配置的 [[tags]] 里", tag=name[:30]))
        reason = f"{action.who.name or action.who.actor} 手工添加"
        if not give_tag(action.work, action.state, name, TagSource("human", reason)):
            raise ActionRefusedError(translate("客户已经有标签「{tag}」", tag=name))
        happened = CustomerEvent(_cause(action), tags=[name], fresh=[name], who=action.who.actor)
        follow_up(action.work, action.state, happened)
        action.record("tag.give", tag=name)
    return done(translate("已加标签「{tag}」", tag=name), **CHANGED)


@pages.post(f"{_PATH}/untag")
def untag(customer_id: int) -> Response:
    """Take the tag `tag` away."""
    name = request.form.get("tag", "")[:30]
    with _acting_on(customer_id) as action:
        because = f"{action.who.name or action.who.actor} 取消"
        if not take_tag(action.work, action.state, name, because):
            raise ActionRefusedError(translate("客户没有标签「{tag}」", tag=name))
        action.record("tag.take", tag=name)
    return done(translate("已去掉标签「{tag}」", tag=name), **CHANGED)


@pages.post(f"{_PATH}/enrol")
def enrol(customer_id: int) -> Response:
    """Put the customer on the SOP `sop`."""
    sop_id = request.form.get("sop", "")
    with _acting_on(customer_id) as action:
        enrol_by_hand(action.work, action.state, sop_id, action.who.actor)
        action.record("sop.enrol", sop=sop_id)
        title = action.work.settings.sops[sop_id].title or sop_id
    return done(translate("已开始「{sop}」", sop=title), **CHANGED)


@pages.post(f"{_PATH}/stop")
def stop(customer_id: int) -> Response:
    """Take the customer off the SOP `sop`."""
    sop_id = request.form.get("sop", "")[:64]
    with _acting_on(customer_id) as action:
        if not stop_by_hand(action.work, action.state, sop_id, action.who.actor):
            raise ActionRefusedError(translate("客户不在这份跟进里"))
        action.record("sop.stop", sop=sop_id)
    return done(translate("已停止，后面的提醒不再发出"), **CHANGED)


@pages.post(f"{_PATH}/field")
def set_field(customer_id: int) -> Response:
    """Set the field `name` to `value`; nothing clears it."""
    name, value = request.form.get("name", ""), request.form.get("value", "")
    with _acting_on(customer_id) as action:
        set_by_hand(action.work, action.state, name, value, action.who.actor)
        action.record("field.set", field=name[:30])
    return done(translate("已保存"), **CHANGED)


@pages.post(f"{_PATH}/fact/<int(max={LARGEST_ID}):fact_id>")
def judge_fact(customer_id: int, fact_id: int) -> Response:
    """Say of a value that was heard whether it is right (`word` is right | wrong)."""
    word = request.form.get("word", "")
    if word not in ("right", "wrong"):
        abort(400)
    with _acting_on(customer_id) as action:
        row = judge_by_hand(action.work, action.state, fact_id, word == "right", action.who.actor)
        action.record("field.judge", field=row.field, word=word)
    return done(translate("已确认，以后以它为准") if word == "right" else translate("已去掉，谢谢指正"), **CHANGED)


@pages.post(f"{_PATH}/promise/<int(max={LARGEST_ID}):promise_id>")
def promise(customer_id: int, promise_id: int) -> Response:
    """Answer a promise: `word` is kept | misheard, or `delay` a key of DELAYS."""
    word, delay = request.form.get("word", ""), request.form.get("delay", "")
    with _acting_on(customer_id) as action:
        row = _locked(action, Promise, promise_id)
        if delay and not word:
            put_off_promise(action.work, row, delay)
            action.record("promise.later", option=delay)
        else:
            judge_promise(action.work, row, word, action.who.actor)
            action.record("promise.judge", word=word)
    said = {"kept": translate("已记下，做到了"), "misheard": translate("已去掉，谢谢指正")}
    return done(said.get(word, translate("已推迟")), **CHANGED)


@pages.post(f"{_PATH}/question/<int(max={LARGEST_ID}):question_id>")
def question(customer_id: int, question_id: int) -> Response:
    """已解决: the question needs no answer any more."""
    with _acting_on(customer_id) as action:
        settle_question(action.work, _locked(action, OpenQuestion, question_id), action.who.actor)
        action.record("question.settle")
    return done(translate("已记下，这个问题解决了"), **CHANGED)


@pages.post(f"{_PATH}/note")
def note(customer_id: int) -> Response:
    """Write the note `text` down."""
    text = request.form.get("text", "").strip()
    with _acting_on(customer_id) as action:
        if not text or len(text) > LONGEST_NOTE:
            raise ActionRefusedError(translate("请写点什么，最多 {n} 字", n=LONGEST_NOTE))
        customer = action.state.customer.id
        action.work.session.add(
            Note(customer_id=customer, author=action.who.actor[:80], text=text, created_at=action.work.now)
        )
        action.record("note.add")
    return done(translate("已记下"), **CHANGED)


@pages.post(f"{_PATH}/note/<int(max={LARGEST_ID}):note_id>/remove")
def remove_note(customer_id: int, note_id: int) -> Response:
    """Take a note away: one's own; a leader and an admin anyone's."""
    with _acting_on(customer_id) as action:
        row = action.work.session.get(Note, note_id)
        if row is None or row.customer_id != customer_id:
            abort(404)
        if row.author != action.who.actor and action.who.role not in (ADMIN, LEADER):
            raise ActionRefusedError(translate("这是同事写的备注，只有本人和主管能删"))
        row.removed_at, row.text = row.removed_at or action.work.now, ""
        action.record("note.remove", note=note_id)
    return done(translate("已删除备注"), **CHANGED)


@pages.post(f"{_PATH}/impression")
def impression(customer_id: int) -> Response:
    """Say what the visitor thinks of the customer: `word` of four, nothing takes theirs back."""
    word = request.form.get("word", "")
    if word and word not in TITLES:
        abort(400)
    with _acting_on(customer_id) as action:
        if tell_impression(action.work, customer_id, action.who.actor[:80], word):
            action.record("impression.tell", word=word)
    return done(translate("记下了") if word else translate("不算了"), **CHANGED)


@pages.post(f"{_PATH}/peace")
def peace(customer_id: int) -> Response:
    """Set do-not-disturb (`on` is 1: running SOPs stop, none begin), or lift it."""
    on = request.form.get("on") == "1"
    with _acting_on(customer_id) as action:
        action.state.customer.opted_out_at = (action.state.customer.opted_out_at or action.work.now) if on else None
        if on:
            stop_sops(action.work, action.state, ["opted-out"])
        action.record("customer.peace", on=on)
    return done(translate("已设为请勿打扰，跟进都已停止") if on else translate("已取消请勿打扰"), **CHANGED)


@pages.post(f"{_PATH}/consent")
def consent(customer_id: int) -> Response:
    """Decide about the archive in the customer's place: `word` agreed | refused, or nothing for WeCom's own word."""
    refuse_unless(ADMIN, LEADER)
    kind, whom, word = (request.form.get(name, "") for name in ("kind", "whom", "word"))
    if kind not in ("agent", "room") or word not in ("agreed", "refused", "") or not 0 < len(whom) <= 64:
        abort(400)
    with _acting_on(customer_id) as action:
        given = cast(ConsentAnswer, word) if word else None
        decide_consent(action.work, Party(customer_id, cast(PartyKind, kind), whom), given, action.who.actor)
        if word == "refused" and kind == "agent":
            _silence_agent(action, whom)
    return done(translate("已记下客户的意愿"), **CHANGED)


@pages.post(f"{_PATH}/erase")
def erase_all(customer_id: int) -> Response:
    """Erase the customer for good; `name` must be their name as shown here.

    In a thread: every message is searched for the customer's name, which takes longer than a page may.
    """
    refuse_unless(ADMIN)
    system = current_system()
    with system.store.read() as session:
        customer = customer_or_404(session, customer_id)
        expected, external_userid = visible_name(customer.name) or translate("未命名"), customer.external_userid
    if legible(request.form.get("name", "")) != legible(expected):
        return refused(translate("名字不一致，没有删除。请照着写：{name}", name=expected[:60]))
    actor, now = visitor().actor, clock.now()
    erasure_id = ask_erasure(system, external_userid, actor, now)  # done from here on, whatever becomes of us
    threading.Thread(target=attempt_erasure, args=(system, erasure_id, now), name="erasing").start()
    said = translate("正在删除这位客户的全部资料，需要几秒到几分钟")
    return done_and_redirect(said, url_for("board.show"))


def _locked(action: _CustomerAction, model: type[Owed], row_id: int) -> Owed:
    """A row of the customer's, locked and read again: two taps at once must not both succeed."""
    row = action.work.session.get(model, row_id, with_for_update=True, populate_existing=True)
    if row is None or row.customer_id != action.state.customer.id:
        abort(404)
    return row


def _silence_agent(action: _CustomerAction, key: str) -> None:
    follow = next((follow for follow in action.state.active_follows if follow.agent.key == key), None)
    agent: Agent | None = follow.agent if follow else None
    if agent is not None:
        apply_consent(action.state, agent.id, "refused")
        stop_by_agent(action.work, action.state, agent.id, REFUSED)


def _cause(action: _CustomerAction) -> str:
    return f"hand:{action.who.actor[:40]}:{int(action.work.now.timestamp() * 1000)}"
