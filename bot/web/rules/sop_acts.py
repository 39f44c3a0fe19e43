"""What the buttons of the SOP editor do to a draft: add, move and remove steps, wordings and attachments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from bot.platform.config.toml_tables import Values
from bot.web.rules.form_values import short_length
from sop.lengths import read_length

_TIME = ("after", "at", "on_date")
_DAY = timedelta(days=1)


def act(steps: Sequence[Values], do: Sequence[str]) -> tuple[list[Values], int | None]:
    """The steps after a button was pressed, and the step that is to be looked at.

    do: ("step", "add"), ("step", "up", "2"), ("order",), ("say", "add", "2"), ("say", "drop", "2", "1"),
    ("attach", "image", "2"), ("attach", "drop", "2", "1"); numbers count from 0. What makes no sense changes nothing.
    """
    made = [{**step, "say": list(step["say"]), "attach": list(step["attach"])} for step in steps]
    what, which, *numbers = (*do, "", "")
    places = [int(number) for number in numbers if number.isdecimal() and len(number) < 4]
    if what == "order":
        return _retimed(steps, made), None
    if what == "step":
        return _act_on_steps(made, which, places[0] if places else len(made))
    if not places or places[0] >= len(made):
        return made, None
    _act_inside(made[places[0]], what, which, places[1] if len(places) > 1 else -1)
    return made, places[0]


def _act_on_steps(steps: list[Values], which: str, place: int) -> tuple[list[Values], int | None]:
    if which == "add":
        return [*steps, _next_step(steps)], len(steps)
    if place >= len(steps):
        return steps, None
    if which == "drop" and len(steps) > 1:
        return steps[:place] + steps[place + 1 :], min(place, len(steps) - 2)
    target = place + {"up": -1, "down": 1}.get(which, 0)
    if target == place or not 0 <= target < len(steps):
        return steps, place
    moved = list(steps)
    moved[place], moved[target] = moved[target], moved[place]
    return _retimed(steps, moved), target


def _retimed(before: Sequence[Values], after: Sequence[Values]) -> list[Values]:
    """The steps in their new order at the times there were, the earliest first: the words move, the times stay."""
    times = [{key: step[key] for key in _TIME if key in step} for step in before]
    dated = {"on_date" in time for time in times}
    if len(dated) > 1 or None in map(_moment, times):
        return list(after)
    times.sort(key=_moment)  # type: ignore[arg-type]
    return [
        {**time, **{key: value for key, value in step.items() if key not in _TIME}}
        for time, step in zip(times, after, strict=True)
    ]


def _moment(time: Values) -> timedelta | date | None:
    day = time.get("on_date")
    if day is not None:
        return day if isinstance(day, date) else None
    return read_length(str(time.get("after", "0m")))


def _next_step(steps: Sequence[Values]) -> Values:
    """An empty step a day after the last one, at its hour."""
    last = steps[-1] if steps else {}
    length = read_length(str(last.get("after", "0m"))) or timedelta(0)
    whole = length - length % _DAY + _DAY
    return {"after": short_length(whole), "at": last.get("at", "10:00"), "say": [""], "attach": []}


def _act_inside(step: Values, what: str, which: str, number: int) -> None:
    if what == "say" and which == "add" and len(step["say"]) < 10:
        step["say"].append("")
    elif what == "attach" and which in ("link", "image", "file", "miniprogram") and len(step["attach"]) < 9:
        step["attach"].append({"kind": which})
    elif which == "drop" and what in ("say", "attach") and 0 <= number < len(step[what]) >= (what == "say") + 1:
        del step[what][number]
