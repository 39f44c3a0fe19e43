"""Holidays that are not known: which year's, in words, and how to mend it."""

from __future__ import annotations

import tomllib
from datetime import datetime

from sqlalchemy.orm import Session

from bot.platform.config.reload import STATUS
from bot.platform.database.store import get_status
from bot.platform.models import ConfigVersion
from sop.workcalendar import calendar_of, unknown_year
from sop.workspace import Workspace
from taggers.translatable import Translatable

HOLIDAYS_MENDED = (
    "升级 chinese-calendar（pip install -U chinesecalendar），"
    "或在 config.toml [workspace] 的 holidays 与 extra_workdays 里写上那一年的放假与补班"
)


def unknown_holidays(year: int) -> str:
    """What it means that a year's holidays are not known."""
    return Translatable("{year} 年的法定节假日还没有数据，除元旦、五一、国庆头三天外按平常的周历提醒", year=year)


def unknown_year_in_force(session: Session, now: datetime) -> int | None:
    """As `unknown_year`, for the config that the workers last took; None where there was none."""
    status = get_status(session, STATUS)
    row = session.get(ConfigVersion, status.value["version"]) if status is not None else None
    if row is None:
        return None
    workspace = Workspace.model_validate(tomllib.loads(row.text).get("workspace", {}))
    return unknown_year(workspace, calendar_of(workspace).local(now).date())
