"""The reply clocks over the real path of messages: late, doubled, reordered and revoked they end as if in order."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import pytest

from bot.platform.config.settings import parse_settings
from bot.platform.database.store import Store
from bot.platform.models import Follow, GroupChat
from tests.support.archived import CHEN, CONFIG, LIN, NOW, ROOM, WANG, Archived, said

SETTINGS = parse_settings(CONFIG + '\n[workspace]\nworkdays = "everyday"\n', examples=False)


def talk(roomid: str) -> list[bytes]:
    """A question, its answer, a question that is taken back, an answer that is taken back, thanks.

    In order: of all this the last question of the customer waits, since what answered it was taken back.
    """
    ours: dict[str, object] = {"from": LIN, "tolist": [WANG]}
    lines: list[tuple[str, dict[str, object]]] = [
        ("发票怎么开", {}),
        ("开好发您", ours),
        ("几点下班", {}),
        ("六点", ours),
        ("", ours | {"action": "recall", "msgtype": "revoke", "revoke": {"pre_msgid": "t3"}}),
    ]
    return [
        said(text, number, **{"msgid": f"t{number}", "roomid": roomid, **more})
        for number, (text, more) in enumerate(lines)
    ]


def of_another(plain: bytes, number: int) -> bytes:
    """The same message in another talk, and in another group."""
    text = plain.decode().replace(WANG, f"{WANG[:-4]}{number:04}").replace(ROOM, f"{ROOM[:-4]}{number:04}")
    for msgid in range(5):
        text = text.replace(f'"t{msgid}"', f'"{number}-t{msgid}"')
    return text.encode()


@pytest.mark.parametrize("roomid", ["", ROOM], ids=["single", "group"])
def test_in_every_order_doubled_and_revoked_the_clock_ends_the_same(store: Store, roomid: str) -> None:
    archived, plains = Archived(store, SETTINGS), talk(roomid)
    talks = [[of_another(one, number) for one in order] for number, order in enumerate(permutations(plains))]
    at_once, in_pieces = talks[1::2], talks[::2]
    for batch in (
        [plain for own in at_once for plain in (*own, *own)],
        [plain for own in in_pieces for plain in own[:2]],
        [plain for own in in_pieces for plain in own[1:4]],
        [plain for own in in_pieces for plain in own],
    ):
        archived.arrive(*batch)
    rows = archived.rows(GroupChat) if roomid else archived.rows(Follow)
    assert len(rows) == 120
    assert {row.waiting_since for row in rows} == {NOW + timedelta(minutes=2)}


def test_a_question_in_a_group_waits_for_any_colleague_and_for_no_customer(store: Store) -> None:
    archived = Archived(store, SETTINGS)
    other = f"{WANG[:-4]}9999"
    archived.say("几点集合", roomid=ROOM, tolist=[LIN, CHEN, other])
    archived.say("应该八点吧", at=1, roomid=ROOM, tolist=[LIN, CHEN, WANG], **{"from": other})
    archived.send("image", {"md5sum": "0" * 32, "filesize": 1, "sdkfileid": "f"}, at=2, roomid=ROOM, tolist=[LIN])
    (group,) = archived.rows(GroupChat)
    assert group.waiting_since == NOW
    archived.say("八点，东门见", at=3, roomid=ROOM, tolist=[WANG, LIN], **{"from": CHEN})
    (group,) = archived.rows(GroupChat)
    assert group.waiting_since is None
    assert [follow.waiting_since for follow in archived.rows(Follow)] == []
