"""Whatever befalls tags on the phones: they come to agree with the board, and only agents' deeds pass for theirs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.platform import clock
from bot.platform.environment import read_environment
from bot.sandbox.control import ControlRefusedError
from bot.system import System
from bot.wecom.errors import CallHeldError
from tests.support.fresh import bring_up
from tests.support.parts import AGENT, COLLEAGUE, open_town, variables
from tests.support.phones import GROUP, OFF, PHONE, Phones

MARK = "externalcontact/mark_tag"
OURS = st.sampled_from(("未回复", "沉默三天"))  # agents never touch these
DEEDS = ("give", "take", "expire")
HAPPENINGS = (
    "work", "night", "edit", "lost", "lost answers", "refused", "half", "unanswered", "unreached", "off", "on",
    "gone", "left", "back", "deleted",
)  # fmt: skip
PLANS: dict[str, dict[str, Any]] = {
    "refused": {"errcode": 45035},
    "unanswered": {"status": 502, "after": True},
    "unreached": {"status": 502},
}
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(DEEDS), OURS),
        st.tuples(st.sampled_from(("hand on", "hand off")), st.just("重点")),
        st.tuples(st.sampled_from(HAPPENINGS), st.just("")),
    ),
    max_size=16,
)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, valkey_server: str) -> Iterator[tuple[Phones, Path]]:
    """One board and its phones for all examples; each example has a customer of its own."""
    folder: Path = tmp_path_factory.mktemp("phones")
    config = folder / "config.toml"
    config.write_text(PHONE, encoding="utf-8")
    with open_town(folder / "sandbox") as opened:
        system = System(read_environment(variables(folder, opened, TICI_REDIS_URL=valkey_server)))
        bring_up(system.store.engine)
        opened.control.switches(limits=False)
        yield Phones(system, opened.control), config
        system.store.close()


@given(steps=STEPS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_only_agents_own_deeds_pass_for_such(
    town: tuple[Phones, Path], monkeypatch: pytest.MonkeyPatch, steps: list[tuple[str, str]]
) -> None:
    pair, config = town
    monkeypatch.setenv("TICI_CLOCK_FILE", str(config.parent / "clock"))
    pair.reload(config, PHONE)
    pair.meet_both()
    for what, tag in steps:
        do(pair, config, what, tag)
    calm(pair)
    pair.reload(config, PHONE)
    come_back(pair)
    for _ in range(2):
        pair.night()
    assert pair.taken_by_hand() | pair.given_by_hand() <= {"重点"}
    assert pair.both() == sorted(pair.carried())
    known = len(pair.history())
    pair.tell_both()
    assert (len(pair.history()), pair.both()) == (known, sorted(pair.carried()))


def do(pair: Phones, config: Path, what: str, tag: str) -> None:
    if what in ("night", "edit", "back", "deleted"):  # these call WeCom themselves
        calm(pair)
    if what == "give":
        pair.put(tag, expires=timedelta(hours=1))
    elif what == "take":
        pair.drop(tag)
    elif what == "expire":
        clock.move_forward(timedelta(hours=2))
        pair.expire()
    elif what in ("hand on", "hand off") and "重点" in on_phones(pair):
        pair.edit(AGENT, [tag] if what == "hand on" else [], [tag] if what == "hand off" else [])
    elif what == "work":
        pair.work_once()
    elif what == "night":
        pair.night()
    elif what == "edit":
        pair.tell_both()
    elif what == "lost":
        pair.give_up()
    elif what == "lost answers":
        pair.lose_answers()
    elif what in ("refused", "unanswered", "unreached"):
        pair.phone.fault(MARK, **PLANS[what])
    elif what == "half":
        pair.phone.switches(partial_marks=1)
    elif what in ("off", "on"):
        pair.reload(config, OFF if what == "off" else PHONE)
    elif what in ("left", "gone"):
        part(pair, "customer" if what == "left" else "agent")
    elif what == "back":
        come_back(pair)
    elif what == "deleted":
        groups = [group["group_id"] for group in pair.system.wecom.corp_tags() if group["group_name"] == GROUP]
        if groups:
            pair.system.wecom.post("externalcontact/del_corp_tag", data={"tag_id": [], "group_id": groups})
            pair.tell_library("delete")


def on_phones(pair: Phones) -> set[str]:
    """The tags of the group that exist in WeCom; after calls that failed it is asked once it may be asked again."""
    try:
        library = pair.system.wecom.corp_tags()
    except CallHeldError as held:
        clock.move_forward(timedelta(seconds=held.retry_after or 0))
        library = pair.system.wecom.corp_tags()
    return {tag["name"] for group in library if group["group_name"] == GROUP for tag in group["tag"]}


def calm(pair: Phones) -> None:
    pair.phone.clear_faults()
    pair.phone.switches(partial_marks=0)


def part(pair: Phones, by: str) -> None:
    """The colleague and the customer part; the event arrives."""
    try:
        pair.phone.part(COLLEAGUE, pair.who, by)
    except ControlRefusedError:  # they have parted already
        return
    change = "del_follow_user" if by == "customer" else "del_external_contact"
    person = f"<UserID>{COLLEAGUE}</UserID><ExternalUserID>{pair.who}</ExternalUserID>"
    pair._event("change_external_contact", change, person, None)
    clock.move_forward(timedelta(seconds=5))


def come_back(pair: Phones) -> None:
    pair.work()
    with pair.system.store.read() as session:
        if any(follow.agent.userid == COLLEAGUE for follow in pair.state(session).active_follows):
            return
    pair.phone.add_customer(COLLEAGUE, "", external_userid=pair.who, welcome=False)
    pair.tell("add", COLLEAGUE)
    pair.work()
