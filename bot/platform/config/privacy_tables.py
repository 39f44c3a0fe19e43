"""The [media] and [privacy] tables of config.toml: what is kept of conversations, and for how long."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Annotated, Literal

from pydantic import Field

from sop.tables import Clock, Table
from taggers.rule import Duration

KINDS = Literal["image", "voice", "video", "emotion", "file", "voip_doc_share", "meeting_voice_call", "all"]


class Media(Table):
    """[media]: the files in conversations, which WeCom keeps for some days only.

    `keep` lists the kinds that are fetched automatically; the others are fetched when somebody opens them. A file
    larger than `max_mb` is never fetched.
    """

    keep: tuple[KINDS, ...] = Field(default=(), max_length=10)
    max_mb: int = Field(default=100, ge=1, le=1024)


LEAST = timedelta(days=7)
"""WeCom serves its archive for five days: a message purged earlier than that would be pulled again."""

Keep = Annotated[Duration, Field(ge=LEAST)]


class Retention(Table):
    """[privacy.retention]: what is older is purged every night; a kind whose key is absent is kept for good.

    messages: messages, their files, and the text in the evidence drawn from them; media: files only; events:
    callbacks; views: who read what; outbox: the text of what was sent; quarantine: rows that were released; orders:
    orders by when they were made; business_events: what other systems told besides.
    """

    messages: Keep | None = None
    media: Keep | None = None
    events: Keep | None = timedelta(days=90)
    views: Keep | None = timedelta(days=730)
    outbox: Keep | None = timedelta(days=365)
    quarantine: Keep | None = timedelta(days=30)
    orders: Keep | None = None
    business_events: Keep | None = None


class Privacy(Table):
    """[privacy]: whose words are kept, what may be searched for, and how long each kind of data stays.

    A customer who refuses to be archived is not tagged, moved or followed up; `unagreed` says whether their messages
    are stored all the same (as proof, shown to admins only) or not at all. `revoked` says what becomes of a tag whose
    only message was revoked: mark (it stays, marked as such) or remove. `search_messages` lets pages search for words
    in messages, by keyed hashes. `purge_at`: when, once a day, the purge runs.
    """

    unagreed: Literal["skip", "store"] = "skip"
    revoked: Literal["mark", "remove"] = "mark"
    search_messages: bool = False
    purge_at: Clock = time(4, 0)
    retention: Retention = Retention()
