"""The tables of config.toml that say what is kept of conversations: [media] and [privacy]."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Annotated, Literal

from pydantic import Field

from sop.playbook import Clock, Table
from taggers.rule import Duration

KINDS = Literal["image", "voice", "video", "emotion", "file", "voip_doc_share", "meeting_voice_call", "all"]


class Media(Table):
    """[media]: the files in conversations. They lie with WeCom for some days only.

    `keep` lists the kinds that are fetched by themselves; the others wait until somebody wants to see them. A file
    larger than `max_mb` is never fetched.
    """

    keep: tuple[KINDS, ...] = Field(default=(), max_length=10)
    max_mb: int = Field(default=100, ge=1, le=1024)


LEAST = timedelta(days=7)
"""WeCom gives its archive for five days: what was purged earlier than that would be pulled again."""

Keep = Annotated[Duration, Field(ge=LEAST)]


class Retention(Table):
    """[privacy.retention]: what is older is purged every night; an absent key keeps its kind for good.

    messages: messages with their files, and the words in what they proved; media: files only; events: callbacks;
    views: who read what; outbox: the words of what was sent; quarantine: rows that were freed.
    """

    messages: Keep | None = None
    media: Keep | None = None
    events: Keep | None = timedelta(days=90)
    views: Keep | None = timedelta(days=730)
    outbox: Keep | None = timedelta(days=365)
    quarantine: Keep | None = timedelta(days=30)


class Privacy(Table):
    """[privacy]: whose words are kept, what may be searched for, and how long each kind of data stays.

    A customer who refuses to be archived is not tagged, moved or followed up; `unagreed` says whether what he says
    is stored all the same (as proof, seen by admins) or not at all. `revoked` says what becomes of a tag that only a
    message gave that was then taken back: mark (it stays, and says so) or remove. `search_messages` lets pages look
    for words in messages, by keyed hashes. `purge_at`: when, once a day, what is too old goes.
    """

    unagreed: Literal["skip", "store"] = "skip"
    revoked: Literal["mark", "remove"] = "mark"
    search_messages: bool = False
    purge_at: Clock = time(4, 0)
    retention: Retention = Retention()
