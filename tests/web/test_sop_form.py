"""The form of an SOP: what the file says comes back as it was written, and what buttons do to a draft."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict

from bot.platform.config.parsing import ConfigProblem
from bot.web.rules.form_values import show_length
from bot.web.rules.sop_acts import act
from bot.web.rules.sop_form import first_wrong, problems_by_field, read_sop, settled, show_time
from bot.web.rules.sop_start import read_start, show_start, start_missing

SOPS = [
    sop
    for path in sorted(Path("bot/platform/config/playbooks").glob("*.toml"))
    for sop in tomllib.loads(path.read_text(encoding="utf-8"))["sops"]
]
SOPS.append({
    "id": "kept", "on": "segment:付过款", "audience": {"segments": ["甲"], "not_segments": ["乙", "丙"]},
    "steps": [{"say": "您好"}],
})  # fmt: skip
SOPS.append({"id": "told", "on": "order:*", "stop": ["opted-out", "order:甲", "tag:乙"], "steps": [{"say": "您好"}]})


START = ("kind", "name", "length", "days", "when", "step", "raw")
CHECKED = ("reply", "moved", "won", "lost", "left")


def filled(values: dict[str, Any]) -> MultiDict[str, str]:
    """The form as a browser sends it when nothing was touched."""
    start = show_start(values)
    stop = values.get("stop", ["reply", "left", "lost"])
    audience = values.get("audience", {})
    cap, per = values.get("cap", "1/day").split("/")
    again = values.get("again", "always")
    pairs = [
        ("id", values["id"]), ("title", values.get("title", "")),
        *((f"start.{name}", getattr(start, name)) for name in START),
        *(("stop", one) for one in stop if one in CHECKED),
        ("stop.tags", "\r\n".join(one.removeprefix("tag:") for one in stop if one not in CHECKED)),
        ("owner", values.get("owner", "follow")), ("channel", values.get("channel", "card")),
        ("cap.times", cap), ("cap.per", per), ("priority", str(values.get("priority", 5))),
        ("again.kind", again if again in ("always", "never") else "after"), ("again.length", show_length(again)),
    ]  # fmt: skip
    if audience == "group":
        pairs.append(("groups", "1"))
    else:
        pairs += [("audience.tags", "\n".join(audience.get("tags", ())))]
        for part in ("stages", "segments", "not_segments"):
            pairs += [(f"audience.{part}", name) for name in audience.get(part, ())]
    for key, step in enumerate(values["steps"]):
        time = show_time(step)
        pairs += [("step", str(key)), (f"{key}.mode", time.mode), (f"{key}.after", time.after)]
        pairs += [(f"{key}.day", time.day), (f"{key}.at", time.at), (f"{key}.date", time.date)]
        pairs += [(f"{key}.anytime", "1")] if step.get("anytime") else []
        say = step["say"] if isinstance(step["say"], list) else [step["say"]]
        pairs += [(f"{key}.say", text.replace("\n", "\r\n")) for text in say]
        for number, one in enumerate(step.get("attach", ())):
            pairs.append((f"{key}.attach", str(number)))
            pairs += [(f"{key}.{number}.{name}", text) for name, text in one.items()]
        pairs += [(f"{key}.{name}", show_length(step.get(name))) for name in ("valid_for", "reply_window")]
        pairs += [(f"{key}.{name}", step.get(name, "")) for name in ("on_reply", "on_silence")]
    return MultiDict(pairs)


@pytest.mark.parametrize("values", SOPS, ids=lambda sop: sop["id"])
def test_an_untouched_form_changes_nothing(values: dict[str, Any]) -> None:
    with Flask(__name__).test_request_context():
        assert settled(read_sop(filled(values)), values) == values


@pytest.mark.parametrize(
    "on",
    ["@added", "tag:高意向", "silence:3d", "date:birthday", "date:expiry-7d", "date:到期日+2d", "date:2026-06-01",
     "every:fri", "every:15", "every:last", "reply:a", "no-reply:a/2", "order:2999课", "event:完成试听", "nonsense"],
)  # fmt: skip
def test_what_starts_it_survives_the_form(on: str) -> None:
    start = show_start({"on": on})
    fields = {
        f"start.{name}": getattr(start, name) for name in ("kind", "name", "length", "days", "when", "step", "raw")
    }
    assert read_start(fields) == {"on": on}


@pytest.mark.parametrize("kind", ["stage", "event", "tag", "silence", "date", "day", "every", "reply", "no-reply"])
def test_a_kind_that_was_just_chosen_stays_and_asks_for_the_rest(kind: str) -> None:
    values = read_start({"start.kind": kind})
    assert show_start(values).kind == kind
    assert start_missing(values)


def test_a_time_in_words_and_by_day_is_written_short() -> None:
    form = MultiDict(
        [("start.kind", "stage"), ("start.name", "新线索"), ("step", "a"), ("a.mode", "after"), ("a.after", "半小时"),
         ("a.say", "一"), ("a.reply_window", "两天"), ("step", "b"), ("b.mode", "day"), ("b.day", "2"),
         ("b.at", "10:00"), ("b.say", "二"), ("b.say", ""), ("again.kind", "after"), ("again.length", "30天")]
    )  # fmt: skip
    made = settled(read_sop(form), {})
    assert made["steps"] == [
        {"after": "30m", "say": "一", "reply_window": "2d"},
        {"after": "1d", "at": "10:00", "say": "二"},
    ]
    assert made["again"] == "30d"


def test_steps_stand_in_the_order_of_their_time() -> None:
    steps = [{"after": "3d", "say": ["late"], "attach": []}, {"after": "1d", "say": ["early"], "attach": []}]
    made = settled({"id": "a", "stage": "x", "steps": steps}, {})
    assert [step["say"] for step in made["steps"]] == ["early", "late"]


STEPS: list[dict[str, Any]] = [
    {"after": "0m", "say": ["a"], "attach": []},
    {"after": "1d", "at": "10:00", "say": ["b", "c"], "attach": [{"kind": "link"}]},
]


@pytest.mark.parametrize(
    ("do", "says", "focus"),
    [
        ("step:down:0", [["b", "c"], ["a"]], 1),
        ("step:up:1", [["b", "c"], ["a"]], 0),
        ("step:up:0", [["a"], ["b", "c"]], 0),
        ("step:drop:0", [["b", "c"]], 0),
        ("step:add", [["a"], ["b", "c"], [""]], 2),
        ("say:add:0", [["a", ""], ["b", "c"]], 0),
        ("say:drop:1:0", [["a"], ["c"]], 1),
        ("say:drop:0:0", [["a"], ["b", "c"]], 0),
        ("say:drop:9:0", [["a"], ["b", "c"]], None),
        ("nonsense", [["a"], ["b", "c"]], None),
        ("", [["a"], ["b", "c"]], None),
    ],
)
def test_buttons_change_the_draft(do: str, says: list[list[str]], focus: int | None) -> None:
    made, looked_at = act(STEPS, do.split(":"))
    assert [step["say"] for step in made] == says
    assert looked_at == focus
    assert STEPS[0]["say"] == ["a"]


def test_words_move_and_times_stay() -> None:
    made, _ = act(STEPS, ["step", "down", "0"])
    assert [(step["after"], step.get("at")) for step in made] == [("0m", None), ("1d", "10:00")]
    dragged, _ = act([STEPS[1], STEPS[0]], ["order"])
    assert dragged == made
    added, _ = act(STEPS, ["step", "add"])
    assert (added[2]["after"], added[2]["at"]) == ("2d", "10:00")


def test_attachments_come_and_go() -> None:
    made, _ = act(STEPS, ["attach", "image", "0"])
    assert made[0]["attach"] == [{"kind": "image"}]
    made, _ = act(STEPS, ["attach", "drop", "1", "0"])
    assert made[1]["attach"] == []


def test_problems_find_their_field() -> None:
    wheres = [
        "sops[2].steps[3].say[2]",
        "sops[2].on",
        "sops[2]",
        "sops[2].steps[1].after",
        "sops[20].steps[1].say",
        "",
    ]
    wrong, others = problems_by_field([ConfigProblem("c", 1, 1, where, where) for where in wheres], 1)
    assert set(wrong) == {"2.say", "start", "0.time"}
    assert [one.where for one in others] == ["sops[20].steps[1].say", ""]
    assert first_wrong(wrong, 3) == "start"
    assert first_wrong({"2.say": [], "0.time": []}, 3) == "0.time"
