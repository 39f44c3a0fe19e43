"""Accounts on both databases: made once, never without an admin, even where two take the role from each other."""

from __future__ import annotations

from threading import Barrier, Thread

import pytest
from sqlalchemy import select

from bot.agents import accounts
from bot.agents.accounts import AccountError
from bot.platform import clock
from bot.platform.database.store import Store
from bot.platform.models import Account, Agent

GOOD = "correct horse battery"


def make(store: Store, name: str, role: str = "admin") -> int:
    with store.write() as session:
        return accounts.create_account(session, accounts.NewAccount(name, GOOD, role), "test", clock.now()).id


def test_the_last_admin_stays(store: Store) -> None:
    first = make(store, "root")
    with store.write() as session:
        root = session.get_one(Account, first)
        with pytest.raises(AccountError, match="最后一位管理员"):
            accounts.choose_role(session, root, "agent", "x", clock.now())
        with pytest.raises(AccountError, match="最后一位管理员"):
            accounts.disable(session, root, "x", clock.now())
    make(store, "second")
    with store.write() as session:
        accounts.disable(session, session.get_one(Account, first), "x", clock.now())
        other = accounts.find_account(session, "second")
        assert other is not None
        with pytest.raises(AccountError, match="最后一位管理员"):
            accounts.choose_role(session, other, "auditor", "x", clock.now())


def test_an_admin_who_left_the_company_is_no_last_admin(store: Store) -> None:
    first = make(store, "root")
    with store.write() as session:
        member = accounts.account_of_member(session, "WangLei", clock.now())
        accounts.choose_role(session, member, "admin", "root", clock.now())
        session.scalars(select(Agent)).one().left_at = clock.now()
        session.flush()
        with pytest.raises(AccountError, match="最后一位管理员"):
            accounts.disable(session, session.get_one(Account, first), "x", clock.now())


def test_two_admins_who_shut_each_other_at_once_leave_one(store: Store) -> None:
    ids, together, outcomes = [make(store, "root"), make(store, "second")], Barrier(2), list[str]()

    def shut(account_id: int) -> None:
        together.wait(30)
        try:
            with store.write() as session:
                accounts.disable(session, session.get_one(Account, account_id), "x", clock.now())
            outcomes.append("shut")
        except AccountError:
            outcomes.append("refused")

    threads = [Thread(target=shut, args=(one,)) for one in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(outcomes) == ["refused", "shut"]


def test_a_member_is_known_in_either_case_and_has_one_account(store: Store) -> None:
    with store.write() as session:
        made = accounts.account_of_member(session, "WangLei", clock.now()).id
    with store.write() as session:
        assert accounts.account_of_member(session, "wanglei", clock.now()).id == made
        found = accounts.find_account(session, "WANGLEI")
        assert found is not None
        assert (found.id, found.role, found.serial) == (made, "agent", 1)


def test_a_name_is_taken_once_and_must_be_one(store: Store) -> None:
    make(store, "root")
    for name in ("root", " root ", "x", "", "a\nb", "x" * 41):
        with pytest.raises(AccountError):
            make(store, name)
    with pytest.raises(AccountError, match="emperor"):
        make(store, "third", "emperor")
