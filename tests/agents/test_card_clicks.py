"""What agents press on cards: sent, later, not fitting; each once, and the card follows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.agents.card_clicks import take_click
from bot.platform.database.store import Store
from bot.platform.models import CallbackEvent, Outbox, SopTask
from bot.platform.work import Work
from bot.wecom.event_kinds import CardClick
from tests.support.watch import AGENT, FRIDAY, Watch, watch_with_card


@pytest.fixture
def watch(store: Store) -> Watch:
    return watch_with_card(store)


def press(watch: Watch, key: str, **selected: str) -> tuple[SopTask, list[dict[str, object]]]:
    """Press a button; gives the task and what the card was then told."""
    chosen = tuple((question, (option,)) for question, option in selected.items())
    with watch.store.write() as session:
        task = session.scalars(select(SopTask)).one()
        event = CardClick(
            AGENT, key.format(task.ref), f"task_{task.ref}", "button_interaction", "code", chosen, False, 1
        )
        row = CallbackEvent(digest=key, name="template_card_event", raw_xml="", created_at=watch.now,
                            received_at=watch.now)  # fmt: skip
        session.add(row)
        session.flush()
        take_click(Work(session, watch.settings, watch.now), event, row)
        session.flush()
        changes = session.scalars(select(Outbox).where(Outbox.kind == "card_change").order_by(Outbox.id))
        return task, [change.payload for change in changes]


def test_pressed_sent(watch: Watch) -> None:
    task, changes = press(watch, "sent:{}")
    assert (task.state, task.outcome) == ("completed", "ticked")
    assert changes[0]["settled"] == "已发送"


def test_later_asks_when_and_puts_off(watch: Watch) -> None:
    task, changes = press(watch, "later:{}")
    assert task.state == "delivered"
    assert "choice" in changes[0]
    task, changes = press(watch, "delay:{}", when="1h")
    assert (task.state, task.due_at) == ("planned", FRIDAY + timedelta(hours=1))
    assert "已推迟到" in str(changes[1]["settled"])


def test_unfit_asks_why_and_is_counted(watch: Watch) -> None:
    press(watch, "unfit:{}")
    task, _ = press(watch, "reject:{}", why="wording")
    assert (task.state, task.rejected_because) == ("cancelled", "wording")
    assert task.ended_because == "员工认为不合适：话术不合适"


def test_a_button_of_a_settled_task_only_brings_the_card_up_to_date(watch: Watch) -> None:
    press(watch, "sent:{}")
    task, changes = press(watch, "later:{}")
    assert task.state == "completed"
    assert changes[1]["settled"] == "已发送"


@pytest.mark.parametrize(
    ("key", "chosen"), [("sent:{}", {}), ("delay:{}", {"when": "2h"}), ("reject:{}", {"why": "other"})]
)
def test_the_other_card_about_it_is_closed_and_the_one_pressed_only_once(
    watch: Watch, key: str, chosen: dict[str, str]
) -> None:
    """A reminder has buttons as well: whichever is pressed, none is left that still asks."""
    with watch.store.write() as session:
        task = session.scalars(select(SopTask)).one()
        for kind, name in (("card", f"task_{task.ref}"), ("nudge", "nudge_1")):
            session.add(
                Outbox(
                    kind=kind, key=f"test:{kind}", state="sent", task_id=task.id, agent_id=task.agent_id,
                    payload={"userid": AGENT, "card": {"task_id": name}}, result={"response_code": f"of {kind}"},
                    created_at=watch.now, not_before=watch.now, done_at=watch.now,
                )
            )  # fmt: skip
    _, changes = press(watch, key, **chosen)
    assert sorted(str(change["response_code"]) for change in changes) == ["code", "of nudge"]
