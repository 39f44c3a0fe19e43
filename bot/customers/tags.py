"""Tags: records what `taggers` found in a message as evidence, and gives, takes and expires customers' tags."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import select

from bot.customers.new_message import AnyMessage
from bot.customers.phone_tags import groups_of, note_tag, note_tags
from bot.customers.scores import rescore, score_hit, score_standing
from bot.customers.state import CustomerState
from bot.platform.config.settings import Settings
from bot.platform.database.among import among
from bot.platform.models import Evidence, Tagging
from bot.platform.work import Work
from bot.wecom.messages import ArchivedMessage
from sop.fields import completeness, known_names
from taggers.hits import TagHit, enough
from taggers.utterance import Context, Part, Scope, Utterance


@dataclass(frozen=True)
class Occasion:
    """What caused hits, and when: a message, or another occurrence by a unique key."""

    key: str
    at: datetime
    message_id: int | None = None
    msgid: str | None = None

    @classmethod
    def of(cls, message: AnyMessage) -> Occasion:
        return cls(message.msgid, message.sent_at, message.id, message.msgid)


def utterance_of(message: AnyMessage, source: ArchivedMessage) -> Utterance:
    """The message as the rules see it."""
    return Utterance(
        msgid=message.msgid,
        text=message.text,
        sender="agent" if message.role == "agent" else "customer",
        kind=message.kind,
        at=message.sent_at,
        parts=tuple(Part(cast(Scope, p.scope), p.text, p.offset) for p in source.parts),
    )


def judge(settings: Settings, state: CustomerState, message: AnyMessage, utterance: Utterance) -> tuple[TagHit, ...]:
    """What the rule book in force finds in this message, for this customer as they stand."""
    return settings.book.judge(
        utterance, lambda: context_of(settings, state, message.sent_at, group=bool(message.roomid))
    )


def context_of(settings: Settings, state: CustomerState, at: datetime, *, group: bool = False) -> Context:
    """What rules may ask about the customer. group: in a group chat."""
    channel, hour = state.customer.channel or "", at.astimezone(settings.zone).hour
    known = known_names(settings.fields, state.fields)
    profile = lowest_profile(settings, state.stages, known)
    return Context(state.tags, state.stages, channel, hour, known, profile, group)


def lowest_profile(settings: Settings, stages: Collection[str], known: Collection[str]) -> int:
    """How much, in percent, is known of what the pipelines in which a customer stands want; the least of them."""
    here = (pipeline for pipeline in settings.pipelines if pipeline.fields and pipeline.name in stages)
    return min((completeness(pipeline.fields, known).percent for pipeline in here), default=100)


def record_hits(work: Work, state: CustomerState, hits: Sequence[TagHit], occasion: Occasion) -> list[str]:
    """Keep the evidence of every hit and tag the customer where it is enough; returns the tags confirmed.

    A hit in the shadow is kept with `counted` 0, by which everybody knows that it was for nothing.
    """
    confirmed: list[str] = []
    for hit in hits:
        earlier = () if hit.shadow else _earlier(work, state, hit, occasion.at)
        work.session.add(_evidence(state, occasion, hit, 0 if hit.shadow else len(earlier) + 1))
        state.recent_hits.setdefault(hit.rule_id, {})[occasion.key[:128]] = occasion.at
        if hit.shadow or not enough(hit, earlier, occasion.at):
            continue
        score_hit(work, state, hit, occasion.key[:128], occasion.at)
        expires_at = occasion.at + hit.expires if hit.expires else None
        if not hit.tag:
            continue
        give_tag(work, state, hit.tag, TagSource("rule", hit.reason, hit.rule_id, occasion.msgid, expires_at))
        confirmed.append(hit.tag)
    return list(dict.fromkeys(confirmed))


@dataclass(frozen=True)
class TagSource:
    """Where a tag comes from. by: rule | human | wecom | sop; reason: the words shown beside it."""

    by: str
    reason: str = ""
    rule_id: str | None = None
    msgid: str | None = None
    expires_at: datetime | None = None


def give_tag(work: Work, state: CustomerState, tag: str, source: TagSource) -> bool:
    """Have the customer carry a tag; of an exclusive group the others go. True if they did not carry it before."""
    for other in _excluded_by(work.settings, tag):
        take_tag(work, state, other, f"同组互斥：{tag}")
    carried = state.carried.get(tag)
    if carried is not None:
        carried.revoked_at = None
        if carried.expires_at is not None:  # fresh evidence keeps it longer; without expiry it stays for good
            carried.expires_at = max(carried.expires_at, source.expires_at) if source.expires_at else None
        return False
    tagging = Tagging(
        customer_id=state.customer.id,
        tag=tag,
        by=source.by,
        rule_id=source.rule_id,
        msgid=source.msgid,
        reason=source.reason[:500],
        version=work.settings.version,
        tagged_at=work.now,
        expires_at=source.expires_at,
    )
    work.session.add(tagging)
    state.carried[tag] = tagging
    score_standing(work, state)
    note_tag(work, state.customer.id, tag)
    return True


def take_tag(work: Work, state: CustomerState, tag: str, because: str) -> bool:
    """End a tag; the row stays as history. True if they carried it."""
    tagging = state.carried.pop(tag, None)
    if tagging is None:
        return False
    tagging.removed_at, tagging.removed_because = work.now, because[:64]
    score_standing(work, state)
    work.write()  # the same tag may come again within this very transaction
    note_tag(work, state.customer.id, tag)
    return True


def expire_tags(work: Work, limit: int = 1000) -> int:
    """End the tags whose time is over; returns how many."""
    due = select(Tagging).where(Tagging.removed_at.is_(None), Tagging.expires_at <= work.now).limit(limit)
    rows = work.session.scalars(due).all()
    for tagging in rows:
        tagging.removed_at, tagging.removed_because = work.now, "到期"
    changed: dict[int, list[str]] = {}
    for tagging in rows:
        changed.setdefault(tagging.customer_id, []).extend(groups_of(work.settings, tagging.tag))
    note_tags(work, {customer: list(dict.fromkeys(groups)) for customer, groups in changed.items()})
    if rows and work.settings.awards:
        rescore(work, sorted({tagging.customer_id for tagging in rows}))
    return len(rows)


def _excluded_by(settings: Settings, tag: str) -> list[str]:
    groups = [group for group in settings.tables.tags if group.exclusive and tag in group.names]
    return [name for group in groups for name in group.names if name != tag]


def _earlier(work: Work, state: CustomerState, hit: TagHit, at: datetime) -> Sequence[datetime]:
    """When the rule hit this customer before, within its window; no more than the rule asks for."""
    if hit.times <= 1:
        return ()
    moments = _stored_hits(work, state, hit, at) | state.recent_hits.get(hit.rule_id, {})
    counted = (m for m in moments.values() if m <= at and (hit.within is None or m > at - hit.within))
    return sorted(counted, reverse=True)[: hit.times]


def _stored_hits(work: Work, state: CustomerState, hit: TagHit, at: datetime) -> dict[str, datetime]:
    """When the rule hit this customer, by occasion, as far as it may count."""
    since = min(at, work.batch.since) if work.batch else at
    known = state.fellows.once(f"hits for {since}", lambda: _read_hits(work, state, since))
    return known.get((state.customer.id, hit.rule_id), {})


def _read_hits(work: Work, state: CustomerState, since: datetime) -> dict[tuple[int, str], dict[str, datetime]]:
    """By customer and rule: the hits of rules that count which may still count, of all who are looked at together."""
    rules = {rule.id: rule.within for rule in work.settings.tables.rules if rule.times > 1}
    longest = max((within for within in rules.values() if within is not None), default=None)

    def read(ids: list[int]) -> Iterable[Any]:
        query = select(Evidence.customer_id, Evidence.rule_id, Evidence.occasion, Evidence.hit_at)
        query = query.where(among(Evidence.customer_id, ids), Evidence.rule_id.in_(rules), Evidence.counted > 0)
        return work.session.execute(query.where(Evidence.hit_at > since - longest) if longest else query)

    found: dict[tuple[int, str], dict[str, datetime]] = {}
    with work.session.no_autoflush:  # the hits of this transaction are in recent_hits
        for customer_id, rule_id, occasion, hit_at in state.fellows.ask(f"evidence for {since}", read):
            found.setdefault((customer_id, rule_id), {})[occasion] = hit_at
    return found


def _evidence(state: CustomerState, occasion: Occasion, hit: TagHit, counted: int) -> Evidence:
    return Evidence(
        customer_id=state.customer.id,
        occasion=occasion.key[:128],
        message_id=occasion.message_id,
        rule_id=hit.rule_id,
        tag=hit.tag,
        version=hit.version,
        spans=[[span.keyword, span.start, span.end] for span in hit.spans],
        reason=hit.reason[:500],
        counted=min(counted, hit.times),
        needed=hit.times,
        hit_at=occasion.at,
    )
