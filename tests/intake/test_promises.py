"""What is promised and asked in single chats: kept, closed by what is said later, in any order; who is reminded."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.agents.chat import answer_agent
from bot.agents.promises import remind_promises
from bot.platform.config.settings import parse_settings
from bot.platform.database.store import Store
from bot.platform.models import Agent, OpenQuestion, Outbox, Promise
from bot.platform.work import Work
from tests.support.archived import CHEN, CONFIG, LIN, NOW, ROOM, WANG, Archived, arrive_in_every_order, said

SETTINGS = parse_settings(
    CONFIG + '\n[workspace]\nworkdays = "everyday"\nwork_hours = "09:00-21:00"\n', examples=False
)
OURS: dict[str, Any] = {"from": LIN, "tolist": [WANG]}
FILE = {"filename": "劳务合同.pdf", "sdkfileid": "id", "md5sum": "0" * 32, "filesize": 1, "fileext": "pdf"}
# NOW is noon in Shanghai on 5 January 2026.
TOMORROW_TEN = datetime(2026, 1, 6, 2, 0, tzinfo=UTC)


@pytest.fixture
def archived(store: Store) -> Archived:
    return Archived(store, SETTINGS)


def ours(text: str, at: float = 0, **changes: Any) -> bytes:
    return said(text, at, **(OURS | changes))


def open_words(archived: Archived) -> list[str]:
    return [row.words for row in archived.rows(Promise, Promise.closed_at.is_(None))]


def test_a_promise_becomes_a_task_with_its_words_and_its_time(archived: Archived) -> None:
    archived.arrive(ours("好的，明天上午十点把合同发给您"))
    (row,) = archived.rows(Promise)
    assert (row.words, row.by, row.deed, row.due_at) == ("明天上午十点把合同发给您", "agent", "send", TOMORROW_TEN)
    archived.say("我明天付款", at=1)
    mine, theirs = archived.rows(Promise)
    assert (theirs.words, theirs.by, theirs.agent_id) == ("我明天付款", "customer", mine.agent_id)


@pytest.mark.parametrize(
    "text", ["如果您方便我明天发您", "昨天发您了", "明天发不了您", "您说“明天上午给您送过去”是吧", "需要我明天发您吗"]
)
def test_what_is_no_promise_is_no_task(archived: Archived, text: str) -> None:
    archived.arrive(ours(text))
    assert archived.rows(Promise) == []


def test_a_group_a_quotation_and_a_welcome_promise_nothing(store: Store) -> None:
    welcome = '\n[welcome]\nsay = "{customer.name}您好，晚点把课程表发您看看"\n'
    archived = Archived(store, parse_settings(CONFIG + welcome, examples=False))
    archived.arrive(ours("王女士您好，晚点把课程表发您看看"))
    archived.say("我明天付款", roomid=ROOM, tolist=[LIN, CHEN])
    archived.arrive(ours("「小林：明天把合同发您」\n- - - - - - - - - - - - - - -\n收到", 1))
    assert archived.rows(Promise) == []


@pytest.mark.parametrize(
    ("promised", "later", "closed"),
    [
        ("明天把合同发您", ("file", FILE), True),
        ("明天把合同发您", ("file", FILE | {"filename": "报价单.xlsx"}), False),
        ("明天把合同发您", ("text", {"content": "合同发您了，请查收"}), True),
        ("明天把合同发您", ("text", {"content": "合同还没发，再等等"}), False),
        ("明天把合同发您", ("text", {"content": "好的"}), False),
        ("下午给您打电话", ("voiptext", {"callduration": 60, "invitetype": 1}), True),
        ("样本明天给您寄过去", ("image", {"sdkfileid": "id", "md5sum": "0" * 32, "filesize": 1}), False),
        ("样本明天给您寄过去", ("text", {"content": "单号SF1234567890123"}), True),
        ("我去问一下财务，晚点答复您", ("text", {"content": "财务说可以开专票"}), True),
    ],
)
def test_a_promise_is_closed_by_what_shows_that_it_was_kept(
    archived: Archived, promised: str, later: tuple[str, dict[str, Any]], closed: bool
) -> None:
    archived.arrive(ours(promised))
    assert len(open_words(archived)) == 1
    archived.arrive(json_of(*later, 5))
    assert (open_words(archived) == []) is closed


def test_a_customers_pledge_is_closed_by_the_customers_own_word(archived: Archived) -> None:
    archived.say("我明天付款")
    archived.arrive(ours("好的，等您", 1))
    assert open_words(archived) == ["我明天付款"]
    archived.say("付过去了", at=2)
    assert open_words(archived) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # what is decided asks no database
def test_every_order_in_batches_of_any_size_leaves_the_same_promises(archived: Archived) -> None:
    talk = [
        ours("明天把合同发您", 0),
        said("发票怎么开", 1),
        ours("发票晚点给您开好", 2),
        json_of("file", FILE, 3),
        said("我后天付款", 4),
    ]
    arrive_in_every_order(archived, talk)
    rows = archived.rows(Promise)
    assert {(row.words, row.kept_at) for row in rows} == {
        ("明天把合同发您", NOW + timedelta(minutes=3)), ("发票晚点给您开好", None), ("我后天付款", None)
    }  # fmt: skip
    assert len(rows) == 3 * 120
    asked = {(row.words, row.nearest, row.answered_at) for row in archived.rows(OpenQuestion)}
    assert len(asked) == 1


def json_of(kind: str, body: dict[str, Any], at: float) -> bytes:
    """A message of another kind from our agent."""
    message = json.loads(ours("", at, msgtype=kind)) | {kind: body}
    return json.dumps(message, ensure_ascii=False).encode()


def recall(archived: Archived, msgid: str, at: float, **who: Any) -> None:
    archived.say("", at=at, **(who | {"action": "recall", "msgtype": "revoke", "revoke": {"pre_msgid": msgid}}))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # what is decided asks no database
def test_what_is_taken_back_leaves_the_same_in_every_order(archived: Archived) -> None:
    promise, file = ours("明天把合同发您", 0), json_of("file", FILE, 1)
    asked, answer = said("发票怎么开", 2), ours("发票在小程序里点申请", 3)
    arrive_in_every_order(archived, [promise, file, _taken_back(file, 4), asked, answer])
    assert {(row.words, row.kept_at) for row in archived.rows(Promise)} == {("明天把合同发您", None)}
    assert {row.answered_at for row in archived.rows(OpenQuestion)} == {NOW + timedelta(minutes=3)}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_answer_and_a_question_taken_back_leave_the_same_in_every_order(archived: Archived) -> None:
    first, answer, second = said("发票怎么开", 0), ours("发票在小程序里点申请", 1), said("几点下班", 2)
    arrive_in_every_order(archived, [first, answer, _taken_back(answer, 3), second, _taken_back(second, 4)])
    left = {(row.words, row.answered_at, row.closed_at) for row in archived.rows(OpenQuestion)}
    assert left == {("发票怎么开", None, None), ("几点下班", None, NOW + timedelta(minutes=4))}


def _taken_back(plain: bytes, at: float) -> bytes:
    """That its sender takes a message back."""
    message = json.loads(plain)
    who = {key: message[key] for key in ("from", "tolist")}
    return said("", at, action="recall", msgtype="revoke", revoke={"pre_msgid": message["msgid"]}, **who)


def test_a_recalled_promise_falls_and_a_recalled_file_keeps_nothing(archived: Archived) -> None:
    promise = ours("明天把合同发您")
    archived.arrive(promise)
    file = archived.send("file", FILE, at=1, **OURS)
    assert open_words(archived) == []
    recall(archived, file, 2, **OURS)
    assert open_words(archived) == ["明天把合同发您"]
    recall(archived, json.loads(promise)["msgid"], 3, **OURS)
    assert open_words(archived) == []
    assert [row.withdrawn_at for row in archived.rows(Promise)] == [NOW + timedelta(minutes=3)]


def test_a_promise_said_anew_takes_the_place_of_the_first(archived: Archived) -> None:
    archived.arrive(ours("下午把合同发您"))
    archived.arrive(ours("不好意思，合同明天上午发您", 60))
    assert open_words(archived) == ["合同明天上午发您"]


def _remind(archived: Archived, at: datetime) -> list[str]:
    with archived.store.write() as session:
        remind_promises(Work(session, SETTINGS, at))
    return [row.kind for row in archived.rows(Outbox) if row.kind.startswith("promise")]


def test_the_agent_is_reminded_before_and_the_leader_after(archived: Archived) -> None:
    archived.arrive(ours("明天上午十点把合同发给您"))
    assert _remind(archived, TOMORROW_TEN - timedelta(minutes=31)) == []
    assert _remind(archived, TOMORROW_TEN - timedelta(minutes=30)) == ["promise"]
    assert _remind(archived, TOMORROW_TEN + timedelta(hours=1)) == ["promise"]
    assert _remind(archived, TOMORROW_TEN + timedelta(hours=2)) == ["promise", "promise_leader"]
    assert len(_remind(archived, TOMORROW_TEN + timedelta(days=3))) == 2, "each is told once"


def _write(archived: Archived, at: datetime, text: str) -> str:
    """What the agent is answered who writes this to the app."""
    with archived.store.write() as session:
        agent = session.query(Agent).filter_by(userid=LIN).one()
        return answer_agent(Work(session, SETTINGS, at), agent, text)


def test_what_is_kept_in_time_is_no_reminder(archived: Archived) -> None:
    archived.arrive(ours("明天上午十点把合同发给您"))
    archived.send("file", FILE, at=5, **OURS)
    assert _remind(archived, TOMORROW_TEN + timedelta(days=1)) == []


def test_an_old_archive_taken_in_late_reminds_nobody(archived: Archived) -> None:
    archived.arrive(ours("明天上午十点把合同发给您", -60 * 24 * 30))
    assert _remind(archived, NOW + timedelta(days=1)) == []


def test_an_old_archive_out_of_order_reminds_nobody(archived: Archived) -> None:
    archived.arrive(ours("在的", -60 * 24 * 30 + 5))
    archived.arrive(ours("明天上午十点把合同发给您", -60 * 24 * 30))
    assert open_words(archived) != []
    assert _remind(archived, NOW + timedelta(days=1)) == []


def test_today_names_what_is_promised_and_what_nobody_answered(archived: Archived) -> None:
    archived.arrive(ours("下午三点把合同发您"), said("发票怎么开", 1), ours("这款这周做活动哦", 2))
    with archived.store.write() as session:
        agent = session.query(Agent).filter_by(userid=LIN).one()
        told = answer_agent(Work(session, SETTINGS, NOW + timedelta(minutes=25)), agent, "今日")
    assert "今天要跟进 1 件" in told
    assert "：「下午三点把合同发您」（您答应的）" in told
    assert "「发票怎么开」" in told


def test_a_promise_is_done_put_off_and_taken_back_by_its_number(archived: Archived) -> None:
    archived.arrive(ours("下午三点把合同发您"), said("我今天晚上付款", 1))
    at = NOW + timedelta(minutes=25)
    assert "2 件" in _write(archived, at, "今日")
    assert "做到了" in _write(archived, at, "完成 1")
    assert open_words(archived) == ["我今天晚上付款"]
    assert "已经不用做了" in _write(archived, at, "完成 1")
    assert "收回了" in _write(archived, at, "撤销")
    assert len(open_words(archived)) == 2
    assert "改到" in _write(archived, at, "推迟 1 明天10点")
    (row,) = archived.rows(Promise, Promise.put_off_to.is_not(None))
    assert (row.until, row.words) == (TOMORROW_TEN, "下午三点把合同发您")
    assert row.look_at is not None
    assert "收回了" in _write(archived, at, "撤销")
    assert archived.rows(Promise, Promise.put_off_to.is_not(None)) == []


def test_a_question_is_open_until_an_answer_touches_it(archived: Archived) -> None:
    archived.say("发票怎么开")
    archived.arrive(ours("这款这周做活动哦", 1))
    (row,) = archived.rows(OpenQuestion)
    assert (row.words, row.closed_at, row.confidence) == ("发票怎么开", None, "high")
    archived.arrive(ours("开发票要先填抬头，然后在小程序里提交", 2))
    (row,) = archived.rows(OpenQuestion)
    assert row.answered_at == NOW + timedelta(minutes=2)


def test_a_time_in_an_answer_tells_nobody_how(archived: Archived) -> None:
    archived.arrive(said("你们的发票怎么开"), ours("好的，合同明天上午十点发您", 1))
    assert len(archived.rows(OpenQuestion, OpenQuestion.closed_at.is_(None))) == 1


def test_a_recalled_question_is_asked_no_more_and_a_recalled_answer_answers_nothing(archived: Archived) -> None:
    msgid = archived.say("发票怎么开")
    answer = ours("发票在小程序里点申请", 1)
    archived.arrive(answer)
    assert archived.rows(OpenQuestion, OpenQuestion.closed_at.is_(None)) == []
    recall(archived, json.loads(answer)["msgid"], 2, **OURS)
    assert len(archived.rows(OpenQuestion, OpenQuestion.closed_at.is_(None))) == 1
    recall(archived, msgid, 3)
    assert archived.rows(OpenQuestion, OpenQuestion.closed_at.is_(None)) == []
