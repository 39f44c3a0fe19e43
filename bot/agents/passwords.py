"""Passwords of local accounts: checks their strength, hashes them, and compares them in constant time."""

from __future__ import annotations

import secrets
import unicodedata
from functools import cache
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from bot.wecom.errors import BotError

SHORTEST, LONGEST = 12, 200
_LEAST_DIFFERENT = 5
# OWASP's second choice for argon2id: 19 MiB, two passes. Eight that are computed at once take 150 MB; more wait.
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_at_once = BoundedSemaphore(8)
_TOO_COMMON = """
123456789012 1234567890123 1234567891011 0123456789ab abcdefghijkl abcdefg12345 abc123456789 a123456789012
1q2w3e4r5t6y 1qaz2wsx3edc 1qazxsw23edc qazwsxedcrfv qwertyuiop12 qwertyuiop123 qwertyuiopas qwerty123456
password1234 password12345 password123456 passwordpassword p@ssw0rd1234 p@ssword1234 passw0rd1234 changeme1234
administrator admin1234567 admin12345678 admin@123456 admin123456789 root12345678 iloveyou1234 iloveyou5201314
woaini1314520 woaini520520 woaini123456 welcome12345 letmein12345 letmeinplease monkey123456 dragon123456
sunshine1234 football1234 superman1234 trustno1trustno1 qq123456789 wechat123456 weixin123456 wxwork123456
zhongguo1234 beijing20082008 5201314520131 1314520131452 zxcvbnm12345 asdfghjkl123 asdfghjklzxc aa1234567890
"""


class WeakPasswordError(BotError):
    """A password that is refused; the text says how to choose a better one."""


def check_password_rules(password: str, name: str) -> None:
    """Raise WeakPasswordError unless the password may be used for this account."""
    folded = _folded(password)
    if len(password) < SHORTEST:
        raise WeakPasswordError(f"密码至少 {SHORTEST} 个字符，可以用一句好记的话")
    if len(password) > LONGEST:
        raise WeakPasswordError(f"密码最多 {LONGEST} 个字符")
    if len(set(folded)) < _LEAST_DIFFERENT:
        raise WeakPasswordError("密码里不同的字符太少，请换一个")
    if folded in _TOO_COMMON.split():
        raise WeakPasswordError("这是最常见的密码之一，别人很快会猜到，请换一个")
    if _folded(name) and folded.replace(_folded(name), "").strip("0123456789!@#$%.-_") == "":
        raise WeakPasswordError("密码不能只是名字加几个数字，请换一个")


def hash_password(password: str) -> str:
    """The argon2 hash to keep."""
    return _hasher.hash(unicodedata.normalize("NFKC", password))


def password_matches(kept: str | None, password: str) -> bool:
    """Whether a password matches its hash; takes as long where there is no such account (kept is None)."""
    given = unicodedata.normalize("NFKC", password[: LONGEST + 1])
    try:
        with _at_once:
            right = _hasher.verify(kept or _nobody(), given)
    except (Argon2Error, InvalidHashError):
        return False
    return right and kept is not None


def generate_password() -> str:
    """A password nobody can guess, in five groups that can be read over the telephone."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(5))


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


@cache
def _nobody() -> str:
    return hash_password(secrets.token_hex(16))
