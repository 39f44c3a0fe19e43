"""What the buttons of the stage editor do to a draft: add, move and take out stages, add and take out timed moves."""

from __future__ import annotations

from collections.abc import Sequence

from bot.platform.config.toml_tables import Values

_STAGE: Values = {"name": "", "on": []}
_MOVE: Values = {"from": "", "after": "", "to": ""}


def act(values: Values, do: Sequence[str]) -> tuple[Values, str]:
    """The draft after a button was pressed, and what the keyboard is on then: up:1, down:1, stage:1 or move:0.

    do: ("stage", "add"), ("stage", "up", "2"), ("stage", "down", "2"), ("stage", "drop", "2"), ("move", "add"),
    ("move", "drop", "1"); numbers count from 0. What makes no sense changes nothing.
    """
    what, which, number = (*do, "", "", "")[:3]
    stages, moves = list(values["stages"]), list(values["moves"])
    place = int(number) if number.isdecimal() and len(number) < 4 else -1
    focus = ""
    if what == "stage" and which == "add":
        stages.append({**_STAGE})
        focus = f"stage:{len(stages) - 1}"
    elif what == "stage" and 0 <= place < len(stages):
        focus = _on_stage(stages, which, place)
    elif what == "move" and which == "add":
        moves.append({**_MOVE})
        focus = f"move:{len(moves) - 1}"
    elif what == "move" and which == "drop" and 0 <= place < len(moves):
        del moves[place]
        focus = f"move:{min(place, len(moves) - 1)}" if moves else "moves"
    return {**values, "stages": stages, "moves": moves}, focus


def _on_stage(stages: list[Values], which: str, place: int) -> str:
    if which == "drop" and len(stages) > 1:
        del stages[place]
        return f"stage:{min(place, len(stages) - 1)}"
    target = place + {"up": -1, "down": 1}.get(which, 0)
    if target == place or not 0 <= target < len(stages):
        return f"stage:{place}"
    stages[place], stages[target] = stages[target], stages[place]
    if which == "up" and target == 0:  # its button is gone at the top
        which = "down"
    elif which == "down" and target == len(stages) - 1:
        which = "up"
    return f"{which}:{target}"
