"""Bulk deeds: what can be done to many customers at once, to each as by hand, and how each is taken back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.agents.manual_enrolment import EnrolRefusedError, enrol_by_hand
from bot.agents.manual_moves import MoveRefusedError, move_by_hand, place_by_hand, undo_move
from bot.agents.order_deed import enter_imported, take_back_imported
from bot.agents.written_facts import set_by_hand
from bot.customers.fields import FieldRefusedError
from bot.customers.state import CustomerState
from bot.customers.tags import TagSource, give_tag, take_tag
from bot.platform.database.row_ids import next_id
from bot.platform.models import SopEnrolment, StageMove
from bot.platform.work import Work
from bot.sops.follow_up import CustomerEvent, follow_up
from bot.sops.stopping import end_enrolment
from bot.wecom.errors import BotError
from sop.fields import find_field

REFUSALS = (EnrolRefusedError, MoveRefusedError, FieldRefusedError)
What = Mapping[str, Any]


class KeptError(BotError):
    """What a deed did cannot be taken back any more; the text is for people."""


@dataclass(frozen=True)
class Deed:
    """One kind of deed. do: returns what undoing needs, None where it was so already. Errors are in words.

    asks_what_it_wrote: it reads in the database what it decided just before, so that nothing may wait to be written.
    """

    do: Callable[[Work, CustomerState, What, str], dict[str, Any] | None]
    undo: Callable[[Work, CustomerState, Mapping[str, Any], str], None]
    asks_what_it_wrote: bool = False


def _tag(work: Work, state: CustomerState, what: What, who: str) -> dict[str, Any] | None:
    name, before = what["tag"], state.tags
    if not give_tag(work, state, name, TagSource("human", f"{who} 批量添加")):
        return None
    cause = f"hand:{who[:40]}:{int(work.now.timestamp() * 1000)}"
    follow_up(work, state, CustomerEvent(cause, tags=[name], fresh=[name], who=who))
    return {"tag": name, "instead": sorted(before - state.tags)}


def _undo_tag(work: Work, state: CustomerState, undo: Mapping[str, Any], who: str) -> None:
    if not take_tag(work, state, undo["tag"], f"{who} 撤销批量添加"):
        raise KeptError("标签已经不在了")
    for other in undo["instead"]:
        give_tag(work, state, other, TagSource("human", f"{who} 撤销批量添加"))


def _untag(work: Work, state: CustomerState, what: What, who: str) -> dict[str, Any] | None:
    carried = state.carried.get(what["tag"])
    if carried is None:
        return None
    undo = {"tag": carried.tag, "by": carried.by, "reason": carried.reason, "rule_id": carried.rule_id}
    undo |= {"msgid": carried.msgid, "expires": carried.expires_at.isoformat() if carried.expires_at else ""}
    take_tag(work, state, carried.tag, f"{who} 批量取消")
    return undo


def _undo_untag(work: Work, state: CustomerState, undo: Mapping[str, Any], who: str) -> None:
    expires = datetime.fromisoformat(undo["expires"]) if undo["expires"] else None
    if expires is not None and expires <= work.now:
        raise KeptError("标签这期间本来也到期了")
    source = TagSource(undo["by"], undo["reason"], undo["rule_id"], undo["msgid"], expires)
    if not give_tag(work, state, undo["tag"], source):
        raise KeptError("标签已经又有了")


def _move(work: Work, state: CustomerState, what: What, who: str) -> dict[str, Any] | None:
    placement = state.placements.get(what["pipeline"])
    if placement is not None and placement.stage == what["to_stage"]:
        return None
    return _moved(work, move_by_hand(work, state, what["pipeline"], what["to_stage"], who).row)


def _moved(work: Work, row: StageMove) -> dict[str, Any]:
    """What taking a move back needs: its number, known before the row is written with those of others."""
    row.id = row.id or next_id(work.session, StageMove)
    return {"move": row.id, "first": row.from_stage is None}


def _undo_move(work: Work, state: CustomerState, undo: Mapping[str, Any], who: str) -> None:
    if undo["first"]:
        raise KeptError("之前不在这个流程里，没有可以退回的阶段")
    undo_move(work, state, undo["move"], who)


def _enrol(work: Work, state: CustomerState, what: What, who: str) -> dict[str, Any] | None:
    if any(one.sop_id == what["sop"] for one in state.running):
        return None
    return {"enrolment": enrol_by_hand(work, state, what["sop"], who).id}


def _undo_enrol(work: Work, state: CustomerState, undo: Mapping[str, Any], who: str) -> None:
    enrolment: SopEnrolment | None = next((one for one in state.running if one.id == undo["enrolment"]), None)
    if enrolment is None:
        raise KeptError("这份跟进已经结束了")
    end_enrolment(work, enrolment, f"人工停止（{who[:40]}）")


def _field(work: Work, state: CustomerState, what: What, who: str) -> dict[str, Any] | None:
    field = find_field(work.settings.fields, what["field"])
    name = field.name if field is not None else what["field"]
    before = state.fields.get(name, "")
    kept = set_by_hand(work, state, name, what["value"], who)
    return None if kept == before else {"field": name, "before": before, "kept": kept}


def _undo_field(work: Work, state: CustomerState, undo: Mapping[str, Any], who: str) -> None:
    if state.fields.get(undo["field"], "") != undo["kept"]:
        raise KeptError("资料这期间又改过了")
    set_by_hand(work, state, undo["field"], undo["before"], who)


def _place(work: Work, state: CustomerState, what: What, who: str) -> dict[str, Any] | None:
    """Move as _move does, but start nothing: for people who came here from elsewhere, long after that stage."""
    placement = state.placements.get(what["pipeline"])
    if placement is not None and placement.stage == what["to_stage"]:
        return None
    return _moved(work, place_by_hand(work, state, what["pipeline"], what["to_stage"], who))


def _import(work: Work, state: CustomerState, what: What, who: str) -> dict[str, Any] | None:
    """Give a customer what their line of a table says. Returns each part with what undoing it needs."""
    parts: list[tuple[str, What]] = [("tag", {"tag": tag}) for tag in what["tags"]]
    move = "place" if what["quiet"] else "move"
    parts += [(move, {"pipeline": name, "to_stage": stage}) for name, stage in what["stages"].items()]
    parts += [("field", {"field": name, "value": value}) for name, value in what["fields"].items()]
    done = [(kind, DEEDS[kind].do(work, state, part, who)) for kind, part in parts]
    changed = [[kind, undo] for kind, undo in done if undo is not None]
    return {"parts": changed} if changed else None


def _undo_import(work: Work, state: CustomerState, undo: Mapping[str, Any], who: str) -> None:
    """Take back what can be; where nothing can, say why."""
    kept = []
    for kind, part in reversed(undo["parts"]):
        try:
            DEEDS[kind].undo(work, state, part, who)
        except (*REFUSALS, KeptError) as error:
            kept.append(error)
    if len(kept) == len(undo["parts"]):
        raise kept[0]


def _undo_orders(work: Work, state: CustomerState, undo: Mapping[str, Any], who: str) -> None:
    if not take_back_imported(work, state, undo, who):
        raise KeptError("订单这期间又改过了")


DEEDS = {
    "tag": Deed(_tag, _undo_tag),
    "untag": Deed(_untag, _undo_untag),
    "move": Deed(_move, _undo_move),
    "enrol": Deed(_enrol, _undo_enrol),
    "field": Deed(_field, _undo_field),
    "place": Deed(_place, _undo_move),
    "import": Deed(_import, _undo_import),
    "orders": Deed(enter_imported, _undo_orders, asks_what_it_wrote=True),
}
