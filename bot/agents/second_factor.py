"""Second factor: a code from an app (TOTP) beside the password of a local account; recovery codes if it is lost."""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime

from pyotp import TOTP, random_base32
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.agents.accounts import AccountError
from bot.platform.database.audit_log import record
from bot.platform.encryption import keys_of
from bot.platform.models import Account, SecondFactor

RECOVERY_CODES = 10
_STEP = 30  # seconds for which a code is shown
_NEAR = (-1, 0, 1)  # steps by which the phone's clock may be off
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


def is_on(session: Session, account_id: int | None) -> bool:
    """Whether a code is asked for when this account signs in."""
    found = session.get(SecondFactor, account_id) if account_id is not None else None
    return found is not None and found.confirmed_at is not None


def begin(session: Session, account: Account) -> str:
    """A new secret for an app, not yet in force; returns the address that the app reads as a QR code.

    Raises AccountError where one is in force, or the account has no password.
    """
    if account.password is None:
        raise AccountError("员工用企业微信登录，不用验证码")
    if is_on(session, account.id):
        raise AccountError("验证码已经开启了。要换手机，请先关闭再重新开启")
    found = session.get(SecondFactor, account.id)
    if found is None:
        found = SecondFactor(account_id=account.id, secret=random_base32())
        session.add(found)
    return TOTP(found.secret).provisioning_uri(name=account.name or "", issuer_name="Tici")


def confirm(session: Session, account: Account, code: str, now: datetime) -> list[str] | None:
    """Put the secret in force once the app shows the right code; returns the recovery codes, once. None: wrong."""
    found = _locked(session, account.id)
    if found is None or found.confirmed_at is not None or not _is_shown(found, code, now):
        return None
    plain = [_recovery_code() for _ in range(RECOVERY_CODES)]
    found.confirmed_at, found.codes = now, [_hash(session, account.id, one) for one in plain]
    record(session, account.name or "", "account.factor-on", f"account:{account.id}", now, name=account.name)
    return plain


def code_is_right(session: Session, account: Account, code: str, now: datetime) -> bool:
    """Whether a code of the app, or a recovery code, is right; either is worth something once."""
    found = _locked(session, account.id)
    if found is None or found.confirmed_at is None:
        return False
    if _is_shown(found, code, now):
        return True
    given = _hash(session, account.id, code)
    left = [one for one in found.codes if not hmac.compare_digest(one, given)]
    if len(left) == len(found.codes):
        return False
    found.codes = left
    record(session, account.name or "", "account.recovery-code", f"account:{account.id}", now, left=len(left))
    return True


def codes_left(session: Session, account_id: int) -> int:
    """How many recovery codes were not used yet."""
    found = session.get(SecondFactor, account_id)
    return len(found.codes) if found is not None else 0


def remove(session: Session, account: Account, by: str, now: datetime) -> None:
    """Ask for no code any more; raises AccountError where none was asked for."""
    found = session.get(SecondFactor, account.id)
    if found is None:
        raise AccountError("这个账号没有开启验证码")
    session.delete(found)
    record(session, by, "account.factor-off", f"account:{account.id}", now, name=account.name)


def _locked(session: Session, account_id: int) -> SecondFactor | None:
    """The row, for whoever comes first: of two who send one code at the same time only one gets in."""
    return session.scalar(select(SecondFactor).where(SecondFactor.account_id == account_id).with_for_update())


def _is_shown(found: SecondFactor, code: str, now: datetime) -> bool:
    """Whether the app shows this code now, and it was not used before."""
    given, present = "".join(code.split()), int(now.timestamp()) // _STEP
    steps = [step for step in (present + near for near in _NEAR) if step > found.last_step]
    app = TOTP(found.secret)
    right = [step for step in steps if hmac.compare_digest(app.at(step * _STEP).encode(), given.encode())]
    if right:
        found.last_step = max(right)
    return bool(right)


def _recovery_code() -> str:
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(2))


def _hash(session: Session, account_id: int, code: str) -> str:
    given = "".join(code.split()).replace("-", "").casefold()
    return keys_of(session.get_bind().dialect).digest("recovery code", f"{account_id}:{given}").hex()
