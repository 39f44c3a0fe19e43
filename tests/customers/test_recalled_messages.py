"""A message taken back stays, says so, and no longer counts as evidence for its tags."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import pytest

from bot.platform.config.settings import parse_settings
from bot.platform.database.store import Store
from bot.platform.models import (
    Customer,
    Tagging,
)
from tests.support.archived import CONFIG, Archived, said

REMOVING = parse_settings(CONFIG + '\n[privacy]\nrevoked = "remove"\n', examples=False)


@pytest.fixture
def archived(store: Store) -> Archived:
    return Archived(store)


def tags(archived: Archived) -> list[str]:
    return [t.tag for t in archived.rows(Tagging, Tagging.removed_at.is_(None))]


# Order of arrival must not matter: the messages, and the revocation of the second.
@pytest.mark.parametrize("order", list(permutations(range(3))), ids=lambda o: "".join(map(str, o)))
def test_revoking_in_any_order(archived: Archived, order: Sequence[int]) -> None:
    asked = said("多少钱", at=1, msgid="asked")
    back = said("", at=2, msgid="back", action="recall", msgtype="revoke", revoke={"pre_msgid": "asked"})
    plains = [said("你好", at=0, msgid="hello"), asked, back]
    for number in order:
        archived.arrive(plains[number])
    row = archived.message("asked")
    assert (row.text, row.revoked_at) == ("多少钱", archived.message("back").sent_at)
    assert archived.message("hello").revoked_at is None
    tagging = archived.rows(Tagging)[0]
    assert (tagging.tag, tagging.removed_at, tagging.revoked_at is not None) == ("考虑价格", None, True)


def test_a_tag_with_other_ground_stands_until_that_goes_too(archived: Archived) -> None:
    first, second = archived.say("多少钱", at=0), archived.say("到底多少钱", at=1)
    archived.send("revoke", {"pre_msgid": first}, at=2, action="recall")
    assert archived.rows(Tagging)[0].revoked_at is None
    archived.send("revoke", {"pre_msgid": second}, at=3, action="recall")
    assert archived.rows(Tagging)[0].revoked_at is not None
    archived.say("多少钱呀", at=4)  # said anew
    assert archived.rows(Tagging)[0].revoked_at is None


def test_by_setting_the_tag_goes(store: Store) -> None:
    archived = Archived(store, REMOVING)
    asked = archived.say("多少钱", at=0)
    archived.send("revoke", {"pre_msgid": asked}, at=1, action="recall")
    assert tags(archived) == []
    assert archived.rows(Tagging)[0].removed_because == "依据的消息已撤回"
    assert archived.rows(Customer)[0].last_words == "[撤回了一条消息]"
