"""What the reader of times asks of a calendar: its zone, its working days and hours, its festivals."""

from __future__ import annotations

from datetime import date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo


class Workdays(Protocol):
    """The workspace's calendar as far as due times need it."""

    zone: ZoneInfo

    def is_workday(self, day: date) -> bool:
        """Say whether people work on this local day."""

    def is_business_day(self, day: date) -> bool:
        """Say whether this local day is a 工作日 as people speak of one, whoever works at weekends as well."""

    def hours_of(self, day: date) -> tuple[datetime, datetime]:
        """When the work of this day begins and ends."""

    def festival(self, day: date) -> str | None:
        """The festival for which this day is free by law, in Chinese."""
