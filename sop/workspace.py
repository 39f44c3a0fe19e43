"""Config tables of the company: workspace, welcome, completion, budget, overdue, fields, sync and alarms."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, Field, field_validator, model_validator

from sop.attachments import Attachment
from sop.tables import RATE, Clock, Hours, Length, Table, read_hours
from sop.translatable import Translatable

FIELD_NAME = r"^[a-z\u4e00-\u9fff][a-z0-9_\u4e00-\u9fff]{0,29}$"


class Workspace(Table):
    """[workspace]: whose company this is and when its people work.

    `workdays`: china = statutory holidays and make-up days; festivals = every day save statutory holidays
    (weekends are worked); mon-fri; everyday. `holidays` and `extra_workdays` override it day by day.
    In `quiet_hours` ("22:00-08:00") nobody is prompted at all, not even by an `anytime` step. `materials` is the
    folder of pictures and files to send along, seen from where config.toml lies.

    Where `silent_since` is given, customers who never said a word are silent too: since they were added, or since
    that day. Each SOP and rule that waits for a silence takes up at most `silent_ramp` of them a day.

    weekly_summary: whether leaders get a card with their team's figures on the first working day of a week.

    pilot: where it is given, everything is judged, and only the customers of these agents are prompted and marked.
    """

    name: str = Field(default="我的企业", max_length=60)
    timezone: str = "Asia/Shanghai"
    work_hours: Annotated[Hours, BeforeValidator(read_hours)] = Hours(start=time(9), end=time(21))
    quiet_hours: Annotated[Hours | None, BeforeValidator(read_hours)] = None
    workdays: Literal["china", "festivals", "mon-fri", "everyday"] = "china"
    holidays: tuple[date, ...] = Field(default=(), max_length=366)
    extra_workdays: tuple[date, ...] = Field(default=(), max_length=366)
    materials: str = Field(default="materials", min_length=1, max_length=200)
    silent_since: date | None = None
    silent_ramp: int = Field(default=200, ge=1, le=100_000)
    weekly_summary: bool = True
    pilot: tuple[Annotated[str, Field(min_length=1, max_length=64)], ...] | None = Field(
        default=None, max_length=1000
    )

    @field_validator("materials")
    @classmethod
    def _below(cls, folder: str) -> str:
        parts = folder.replace("\\", "/").split("/")
        if "\0" in folder or parts[0] in ("", "~") or ".." in parts or not set(parts) - {"."}:
            raise ValueError("素材文件夹要写成相对于配置文件的下级文件夹，例如 materials（不能用 .. 或绝对路径）")
        return folder

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(Translatable('没有时区 "{name}"，可写例如 "Asia/Shanghai"', name=name)) from None
        return name


class Welcome(Table):
    """[welcome]: what WeCom sends a customer within 20 seconds of being added."""

    say: str = Field(min_length=1, max_length=1300)
    attach: tuple[Attachment, ...] = Field(default=(), max_length=9)


class Completion(Table):
    """[completion]: how near an agent's text must be to the planned one (similarity 0..1) to count."""

    exact: float = Field(default=0.97, gt=0, le=1)
    edited: float = Field(default=0.6, gt=0, le=1)
    look_back: Length = timedelta(days=3)
    late_after: Length = timedelta(hours=24)

    @model_validator(mode="after")
    def _ordered(self) -> Completion:
        if self.edited > self.exact:
            raise ValueError("edited（改写）不能高于 exact（原文）")
        return self


class Budget(Table):
    """[budget]: how much reaches one customer and one agent, whatever SOP or sender it comes from.

    `customer` counts the talks we open with them: prompts sent, and agents' words not within `talk_hold` of the word
    before; for so long after a word the agent is taken to be still talking with them. An agent gets one card per
    `agent_gap`; more wait and come together. `digest_at` is when they get the list of the day. Prompts that a time of
    day (and not the customer's own moment) makes due for many at once are spread over `spread`.
    """

    customer: str = Field(default="2/day", pattern=RATE)
    talk_hold: Length = timedelta(minutes=10)
    agent_gap: Length = timedelta(minutes=30)
    digest_at: Clock = time(9)
    spread: Length = Field(default=timedelta(0), le=timedelta(hours=4))


class Overdue(Table):
    """[overdue]: what happens about a prompt that the agent does not follow; a length of 0 switches it off.

    `leaders` (userids) are told where WeCom names no direct leader of the agent.
    """

    remind_after: Length = timedelta(hours=2)
    reminders: int = Field(default=2, ge=0, le=10)
    leader_after: Length = timedelta(0)
    leaders: tuple[str, ...] = Field(default=(), max_length=20)


class FieldDefinition(Table):
    """[[fields]]: a fact about customers beyond what WeCom knows; {customer.name-of-it} in texts.

    A date may start SOPs (`on = "date:birthday-3d"`): every year where `yearly` (birthdays are), else once. A choice
    is one of `choices`. A date or month heard without its year is the next one, or the last one where it has `past`.
    """

    name: str = Field(pattern=FIELD_NAME)
    title: str = Field(default="", max_length=30)
    kind: Literal["text", "date", "month", "age", "money", "phone", "count", "choice"] = "text"
    choices: tuple[str, ...] = Field(default=(), max_length=100)
    yearly: bool = False
    past: bool = False


BIRTHDAY = FieldDefinition(name="birthday", title="生日", kind="date", yearly=True)
EXPIRY = FieldDefinition(name="expiry", title="到期日", kind="date")


class Sync(Table):
    """[sync]: who is right where the board and the tags in WeCom differ.

    newest: the later change; ours: the board; wecom: the phone. `reconcile_at` is when, once a day, everything is
    compared.
    """

    policy: Literal["newest", "ours", "wecom"] = "newest"
    reconcile_at: Clock = time(3, 30)


class Alarms(Table):
    """[alarms]: who (userids) is told by an app message of what a person must mend, once a day while it lasts.

    digest: send them once a day where the log of actions ends, signed, so that it cannot be cut or altered unseen.
    """

    agents: tuple[str, ...] = Field(default=(), max_length=20)
    digest: bool = False
