"""Fields of customers from a table: wholly or not at all, every slip named with its line."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from bot.customers.fields import FieldRefusedError, Writer, import_fields, write_field
from bot.platform.database.store import Store
from bot.platform.models import Customer, CustomerField
from tests.support.engine import Engine, engine

CONFIG = '[[fields]]\nname = "school"\ntitle = "学校"\n'


@pytest.fixture
def world(store: Store) -> Engine:
    return engine(store, CONFIG, "2026-05-17T10:00")


def facts(world: Engine) -> dict[tuple[str, str], str]:
    with world.store.read() as session:
        query = select(Customer.external_userid, CustomerField.name, CustomerField.value).join(
            Customer, Customer.id == CustomerField.customer_id
        )
        return {(who, name): value for who, name, value in session.execute(query)}


def writer(world: Engine) -> Writer:
    return Writer.of(world.settings, "boss", world.now)


def load(world: Engine, table: str | bytes) -> int:
    raw = table if isinstance(table, bytes) else table.encode()
    with world.store.write() as session:
        return import_fields(session, world.settings.fields, raw, writer(world))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_table_is_taken(world: Engine, encoding: str) -> None:
    first, second = world.customer(school="旧学校"), world.customer()
    table = f'external_userid,生日,school\r\n{first},1990/5/20,\r\n\r\n{second},,"实验,小学"\r\n'
    assert load(world, table.encode(encoding)) == 2
    assert facts(world) == {
        (first, "birthday"): "1990-05-20", (first, "school"): "旧学校", (second, "school"): "实验,小学",
    }  # fmt: skip


def test_one_slip_and_nothing_is_taken(world: Engine) -> None:
    who, other = world.customer(), world.customer()
    table = f"external_userid,birthday,学校\n{who},1990-05-20,=1+1\n{other},5月,好\nwmNobody,,a\n{who},,b\n{other}\n"
    with pytest.raises(FieldRefusedError) as refused:
        load(world, table)
    assert refused.value.problems == [
        "第 2 行：学校：以 '=' 开头，像是表格公式，请去掉这个符号",
        "第 3 行：生日：「5月」不是日期，写作 1990-05-20",
        "第 4 行：没有客户 wmNobody",
        f"第 5 行：客户 {who} 在第 2 行已经有了",
        "第 6 行：有 1 列，标题有 3 列",
    ]
    assert facts(world) == {}


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (b"", "第一列的标题应是 external_userid"),
        (b"birthday,external_userid\n", "第一列的标题应是 external_userid"),
        (b"external_userid\nwm1\n", "至少还要有一列字段"),
        ("external_userid,生曰\n".encode(), "没有字段「生曰」"),
        (b"external_userid,birthday,birthday\n", "出现了不止一次"),
        (b'external_userid,birthday\nwm1,"1990\n', "不是正确的 CSV"),
        (b"external_userid,birthday\n\xff\xff,\x81\n", "不是 UTF-8 也不是 GBK"),
    ],
)
def test_a_table_that_is_none(world: Engine, table: bytes, says: str) -> None:
    with pytest.raises(FieldRefusedError, match=says):
        load(world, table)


def test_one_field_is_set_changed_and_cleared(world: Engine) -> None:
    who = world.customer()
    for text in ("1990-5-20", "1991年1月2日", ""):
        with world.store.write() as session:
            kept = write_field(session, world.settings.fields, who, "生日", text, writer(world))
        assert facts(world) == ({(who, "birthday"): kept} if kept else {})


@pytest.mark.parametrize(
    ("who", "name", "text", "says"),
    [
        ("wm0", "birthday", "1990-05-20", "没有客户"),
        ("", "wedding", "x", "没有字段"),
        ("", "birthday", "明天", "不是日期"),
    ],
)
def test_a_field_that_cannot_be_set(world: Engine, who: str, name: str, text: str, says: str) -> None:
    known = world.customer()
    with world.store.write() as session, pytest.raises(FieldRefusedError, match=says):
        write_field(session, world.settings.fields, who or known, name, text, writer(world))
