"""Upkeep on both databases: coverage, what several ask and no answer fits, contradictions; nothing of anybody."""

from __future__ import annotations

from datetime import timedelta

from bot.agents.answer_upkeep import Contradiction, Upkeep, upkeep_of
from bot.platform.config.settings import parse_settings
from bot.platform.database.store import Store
from bot.platform.models import Agent, OpenQuestion
from bot.platform.work import Work
from tests.support.archived import NOW
from tests.support.rows import Rows

SETTINGS = parse_settings(
    '[[answers]]\nid = "refund"\nask = ["退款多久到账"]\nsay = "3天内原路退回"\n', examples=False
)


def ask(rows: Rows, agent: Agent, name: str, words: str, answer: str) -> None:
    customer = rows.customer(name, None, agent)
    asked = rows.message(customer, words, ago=timedelta(hours=2))
    said = rows.message(customer, answer, agent, ago=timedelta(hours=1)) if answer else None
    row = OpenQuestion(
        customer_id=customer.id, agent_id=agent.id, message_id=asked.id, msgid=asked.msgid, asked_at=asked.sent_at,
        start=0, words=words, answer_message_id=said.id if said else None,
    )  # fmt: skip
    rows.session.add(row)


def look(store: Store) -> Upkeep:
    with store.read() as session:
        return upkeep_of(Work(session, SETTINGS, NOW))


def test_what_no_answer_fits_is_proposed_with_what_was_answered(store: Store) -> None:
    assert look(store) == Upkeep(0, 0, [], [])
    with store.write() as session:
        rows = Rows(session, NOW)
        agent = rows.agent("林晓雨")
        for name in ("欧阳春晓", "诸葛明亮"):
            ask(rows, agent, name, "教材要自己买吗", f"{name}您好，教材我们会寄给您")
        for name in ("甲甲甲", "乙乙乙"):
            ask(rows, agent, name, "退款多久到账", "一般5天到账的")
        for name in ("丙丙丙", "丁丁丁"):
            ask(rows, agent, name, "欧阳春晓的课是哪天13912345678", "")
    found = look(store)
    assert (found.asked, found.covered) == (6, 2)
    assert [(gap.phrases, gap.customers, gap.answer) for gap in found.gaps] == [
        (("教材要自己买吗",), 2, "{customer.name}您好，教材我们会寄给您")
    ]
    assert found.contradictions == [Contradiction("refund", "退款多久到账", "天", "3", "5", 2)]
