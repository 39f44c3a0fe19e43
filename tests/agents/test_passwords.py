"""Passwords: weak ones are refused with a reason, kept ones are hashed."""

from __future__ import annotations

import pytest

from bot.agents.passwords import (
    WeakPasswordError,
    check_password_rules,
    generate_password,
    hash_password,
    password_matches,
)


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "至少 12"),
        ("x" * 201, "最多 200"),
        ("aaaabbbbaaaa", "不同的字符太少"),
        ("password1234", "最常见"),
        ("ＰＡＳＳｗｏｒｄ1234", "最常见"),
        ("operations2026", "名字加几个数字"),
    ],
)
def test_a_weak_password_is_refused_with_the_reason(password: str, why: str) -> None:
    with pytest.raises(WeakPasswordError, match=why):
        check_password_rules(password, "operations")


def test_a_password_is_kept_as_argon2_and_fits_however_it_is_typed() -> None:
    kept = hash_password("Ⅷ 点半，操场边的小卖部")
    assert kept.startswith("$argon2id$")
    assert password_matches(kept, "VIII 点半，操场边的小卖部")
    assert not password_matches(kept, "VIII 点半，操场边的大卖部")
    assert not password_matches("broken", "x")
    check_password_rules(generate_password(), "root")
