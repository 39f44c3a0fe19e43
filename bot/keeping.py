"""The tables of config.toml that say what is kept of conversations: [media] and [privacy]."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sop.playbook import Table

KINDS = Literal["image", "voice", "video", "emotion", "file", "voip_doc_share", "meeting_voice_call", "all"]


class Media(Table):
    """[media]: the files in conversations. They lie with WeCom for some days only.

    `keep` lists the kinds that are fetched by themselves; the others wait until somebody wants to see them. A file
    larger than `max_mb` is never fetched.
    """

    keep: tuple[KINDS, ...] = Field(default=(), max_length=10)
    max_mb: int = Field(default=100, ge=1, le=1024)


class Privacy(Table):
    """[privacy]: whose words are kept.

    A customer who refuses to be archived is not tagged, moved or followed up; `unagreed` says whether what he says
    is stored all the same (as proof, seen by admins) or not at all. `revoked` says what becomes of a tag that only a
    message gave that was then taken back: mark (it stays, and says so) or remove.
    """

    unagreed: Literal["skip", "store"] = "skip"
    revoked: Literal["mark", "remove"] = "mark"
