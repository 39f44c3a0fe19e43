"""A next year without holiday data: status and doctor say so from November on."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.ops.doctor.finding import Probe
from bot.ops.doctor.host import holidays
from bot.ops.status import system_status
from bot.system import System
from tests.support.parts import CONFIG

CHINA = CONFIG.replace('workdays = "everyday"', 'workdays = "china"')


@pytest.mark.parametrize(
    ("config", "now", "year"),
    [
        (CHINA, datetime(2026, 10, 31, 15, 59, tzinfo=UTC), ""),
        (CHINA, datetime(2026, 10, 31, 16, 0, tzinfo=UTC), "2027"),  # the first of November in Shanghai
        (CONFIG, datetime(2026, 11, 30, tzinfo=UTC), ""),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_november_asks_for_next_years_holidays(system: System, config: str, now: datetime, year: str) -> None:
    system.environment.config.write_text(config, encoding="utf-8")
    assert system.settings.version  # a worker has read it
    lines = [line for line in system_status(system, now) if line.what == "节假日"]
    finding = holidays(Probe(system, now))
    if not year:
        assert (lines, finding.level) == ([], "ok")
        return
    assert (lines[0].level, finding.level) == ("warn", "warn")
    assert all(year in said and "extra_workdays" in mend for said, mend in
               ((lines[0].value, lines[0].advice), (finding.found, finding.mend)))  # fmt: skip
