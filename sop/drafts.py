"""Drafts: whether and where an agent may have a draft of an answer written, within which time and how often a day."""

from __future__ import annotations

from pydantic import Field, model_validator

from sop.tables import Table
from sop.translatable import Translatable


class Drafts(Table):
    """[drafts]: url of an endpoint that speaks as OpenAI's chat completions do; empty: nothing ever leaves. model: as
    the endpoint names it; seconds: how long is waited for it; per_day: how many drafts the company asks for."""

    url: str = Field(default="", max_length=500, pattern=r"^(https?://\S+)?$")
    model: str = Field(default="", max_length=100)
    seconds: int = Field(default=8, ge=1, le=30)
    per_day: int = Field(default=200, ge=1, le=100_000)

    @model_validator(mode="after")
    def _whole(self) -> Drafts:
        if self.url and not self.model:
            raise ValueError(Translatable("写了 url 就要写 model：对方叫它什么名字"))
        return self
