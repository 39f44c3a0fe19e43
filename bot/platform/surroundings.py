"""Surroundings: tells a failure of keys, disk, database, queue or library from one that a message itself causes.

What fails for the surroundings' sake is tried again for as long as it takes. What fails for its own sake is tried a
few times and then set aside.
"""

from __future__ import annotations

import errno
import sqlite3

from redis.exceptions import RedisError
from sqlalchemy.exc import DatabaseError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from bot.platform.database.store import Store
from bot.platform.encryption import DamagedValueError, MissingKeyError
from bot.platform.environment import SurroundingsError
from bot.wecom.errors import WeComError

_ALWAYS = (OperationalError, InterfaceError, PoolTimeoutError, RedisError, SurroundingsError, WeComError, MemoryError)
_OF_THE_SYSTEM = frozenset(
    {
        errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.ENOMEM, errno.EMFILE, errno.ENFILE,
        errno.EAGAIN,
    }
)  # fmt: skip


def is_of_surroundings(error: BaseException, store: Store) -> bool:
    """Whether the same work may succeed once somebody has mended the machine."""
    if isinstance(error, DamagedValueError):
        return False  # one value of one person: it would stop everybody else's messages for ever
    if isinstance(error, MissingKeyError):
        return not _has_all_keys(store)
    if isinstance(error, _ALWAYS):
        return True
    if is_damaged_file(error):
        return True
    return isinstance(error, OSError) and error.errno in _OF_THE_SYSTEM


def is_damaged_file(error: BaseException) -> bool:
    """Whether SQLite finds its file damaged, or no database any more: the error is then of the base class itself."""
    return isinstance(error, DatabaseError) and type(error.orig) is sqlite3.DatabaseError


def _has_all_keys(store: Store) -> bool:
    """With all keys there, a value that names another one is damaged in just that place."""
    try:
        return store.verify(again=True)
    except MissingKeyError:
        return False
