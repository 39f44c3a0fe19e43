"""Why no rule found anything in a message: what the rules in force say of it, for this customer as they stand."""

from __future__ import annotations

from sqlalchemy.orm import Session

from bot.customers.state import load_customer
from bot.customers.tags import context_of
from bot.platform.config.settings import Settings
from bot.platform.models import Customer, Message
from taggers.conduct import titles_of
from taggers.hits import Explanation
from taggers.utterance import Sender, Utterance

_MOST = 8


def explain_silence(session: Session, settings: Settings, customer: Customer, message: Message) -> list[Explanation]:
    """The rules of which a keyword stands in the message, each with its reason; one that would hit today says so.

    Without those about agents' conduct, which are for leaders alone.
    """
    state = load_customer(session, customer)
    context = context_of(settings, state, message.sent_at, group=bool(message.roomid))
    sender: Sender = "agent" if message.role == "agent" else "customer"
    said = Utterance.typed(message.text, sender=sender, kind=message.kind, at=message.sent_at)
    leaders = titles_of(settings.tables.rules)
    return [one for one in settings.book.explain(said, context) if one.rule_id not in leaders][:_MOST]
