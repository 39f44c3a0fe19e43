"""Every recorded callback becomes a typed value; what is unknown stays raw; nothing raises."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.wecom import event_kinds as e
from bot.wecom.callback import Callback, open_callback
from bot.wecom.events import READINGS, read_event
from tests.wecom.sealed import KEYS, NOW, posted

CUSTOMER = "wmTEST0AAexternalcontact000000A1"
OTHER = "woTEST0AAexternalcontact000000B2"
GROUP = "wrTEST0AAgroupchat0000000000000D"
VERSIONS = ("9c3f97c2ada667dfb5f6d03308d963e1", "71217227bbd112ecfe3a49c482195cb4")


def customer(change: str, userid: str = "LinXiaoyu", **more: str) -> e.CustomerChange:
    empty = {"state": "", "welcome_code": "", "source": "", "fail_reason": ""}
    return e.CustomerChange(change, userid, CUSTOMER, **(empty | more))


def chat(
    detail: str, members: tuple[str, ...], versions: tuple[str, str] = ("", ""), **n: int | None
) -> e.ChatChange:
    numbers = {"join_scene": 0, "quit_scene": 0, "count": len(members)} | n
    before, after = versions
    return e.ChatChange("update", GROUP, detail, members=members, version_before=before, version=after, **numbers)


TAG, TAG_GROUP = "etTEST0AAtag0000000000000000001", "etTEST0AAtaggroup0000000000000000001"
APP = 1000002
LIBRARY = ("create", "update", "delete")
MEANINGS: dict[str, e.Event] = {
    "add_external_contact": customer("add", state="store_bj_01", welcome_code="TESTWELCOMECODE0001"),
    "add_external_contact_no_welcome": customer("add"),
    "add_half_external_contact": customer(
        "add_half", state="store_bj_01", welcome_code="TESTWELCOMECODE0002"
    ),
    "edit_external_contact": customer("edit", state="store_bj_01"),
    "del_external_contact": customer("del"),
    "del_external_contact_transfer": customer("del", source="DELETE_BY_TRANSFER"),
    "del_follow_user": customer("del_follow_user"),
    "transfer_fail": customer("transfer_fail", "ChenGuoan", fail_reason="customer_refused"),
    "msg_audit_approved": customer("msg_audit_approved", welcome_code="TESTWELCOMECODE0003"),
    "chat_create": e.ChatChange("create", GROUP, "", None, None, None, (), "", ""),
    "chat_dismiss": e.ChatChange("dismiss", GROUP, "", None, None, None, (), "", ""),
    "chat_update_add_member": chat("add_member", (CUSTOMER, OTHER), VERSIONS, join_scene=3),
    "chat_update_del_member": chat(
        "del_member", (OTHER,), (VERSIONS[1], "0e1f97c2ada667dfb5f6d03308d963aa"), quit_scene=1
    ),
    "chat_update_change_name": chat("change_name", ()),
    "chat_update_change_notice": chat("change_notice", ()),
    "chat_update_change_owner": chat("change_owner", ()),
    **{f"tag_{c}_tag": e.TagLibraryChange(c, TAG, "tag", "") for c in LIBRARY},
    **{f"tag_{c}_tag_group": e.TagLibraryChange(c, TAG_GROUP, "tag_group", "") for c in LIBRARY},
    "tag_shuffle": e.TagLibraryChange("shuffle", "etTEST0AAtaggroup0000000000000001", "", ""),
    "template_card_event_button": e.CardClick(
        "LinXiaoyu", "lead_claim:20260105001", "lead_20260105001", "button_interaction",
        "TESTRESPONSECODE0001",
        (), False, APP,
    ),
    "template_card_event_select": e.CardClick(
        "LinXiaoyu", "submit_key", "lead_20260105002", "multiple_interaction",
        "TESTRESPONSECODE0002",
        (("q_reason", ("opt_price", "opt_time")),), False, APP,
    ),
    "template_card_menu_event": e.CardClick(
        "LinXiaoyu", "mute_today", "lead_20260105001", "text_notice", "TESTRESPONSECODE0003", (), True, APP
    ),
    "text": e.AppText("LinXiaoyu", "查一下客户王女士的订单", "7000000000000000001", APP),
    "click": e.AppMenu("LinXiaoyu", "click", "my_todo", APP),
    "view": e.AppMenu("LinXiaoyu", "view", "https://crm.shanhai-trip.example/h5", APP),
    "enter_agent": e.AppEntered("LinXiaoyu", APP),
    "subscribe": e.AppMember("LinXiaoyu", "subscribe", APP),
    "unsubscribe": e.AppMember("LinXiaoyu", "unsubscribe", APP),
    "msgaudit_notify": e.ArchiveNotify(2000004),
}  # fmt: skip


def test_every_recorded_callback_has_its_meaning(recorded: Path) -> None:
    files = sorted((recorded / "events").glob("*.xml"))
    assert len(files) == 34
    assert {f.stem for f in files} == {*MEANINGS, "image"}
    for file in files:
        event = read_event(open_callback(KEYS, *posted(file.read_text()), NOW))
        if file.stem == "image":
            assert isinstance(event, e.AppMedia)
            assert (event.kind, event.userid, event.fields["MediaId"]) == (
                "image",
                "LinXiaoyu",
                "TESTMEDIAID0001",
            )
        else:
            assert event == MEANINGS[file.stem], file.name


def xml(event: str, change: str = "", rest: str = "") -> Callback:
    head = "<ToUserName>w</ToUserName><FromUserName>sys</FromUserName><CreateTime>1767578400</CreateTime>"
    changed = f"<ChangeType>{change}</ChangeType>" if change else ""
    body = f"<xml>{head}<MsgType>event</MsgType><Event>{event}</Event>{changed}{rest}</xml>"
    return open_callback(KEYS, *posted(body), NOW)


def test_unknown_events_stay_raw() -> None:
    event = read_event(xml("brand_new_2027", "what", "<A>1</A><A>2</A><B><C>3</C></B>"))
    assert isinstance(event, e.Unknown)
    assert (event.name, event.change_type) == ("brand_new_2027", "what")
    assert event.fields["A"] == ("1", "2")
    assert event.fields["B"] == {"C": "3"}


def test_a_known_event_without_what_it_needs_is_unknown() -> None:
    event = read_event(xml("change_external_contact", "add_external_contact", "<UserID>a</UserID>"))
    assert isinstance(event, e.Unknown)
    assert event.missing == ("ExternalUserID",)


def test_lists_of_one_and_of_several_read_alike() -> None:
    options = "<OptionIds><OptionId>a</OptionId></OptionIds>"
    one = f"<SelectedItem><QuestionKey>q</QuestionKey>{options}</SelectedItem>"
    for items, expected in [(one, (("q", ("a",)),)), (one * 2, (("q", ("a",)),) * 2), ("", ())]:
        rest = f"<TaskId>t</TaskId><SelectedItems>{items}</SelectedItems>"
        event = read_event(xml("template_card_event", rest=rest))
        assert isinstance(event, e.CardClick)
        assert event.selected == expected


_LEAF = st.one_of(st.text(max_size=8), st.none(), st.integers())
_VALUES = st.recursive(
    st.text(max_size=8),
    lambda inner: st.one_of(st.dictionaries(st.text(max_size=4), inner), st.tuples(inner, inner)),
    max_leaves=4,
)
_NAMES = [
    "UserID",
    "ExternalUserID",
    "ChatId",
    "MemChangeList",
    "SelectedItems",
    "AgentID",
    "TaskId",
    "EventKey",
]


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([*READINGS, "other"]),
    st.dictionaries(st.sampled_from([*_NAMES, "FromUserName", "MsgId", "JoinScene", "Id"]), _VALUES),
)
def test_wrongly_typed_fields_never_raise(key: str, fields: dict[str, object]) -> None:
    name, _, change = key.partition("/")
    kind = name[:-1] if name.endswith(":") else "event"
    callback = Callback(name, change, kind, fields, "d", NOW, "")  # type: ignore[arg-type]
    read_event(callback)
