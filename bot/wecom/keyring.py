"""The corp's private keys by publickey_ver, and the opening of the random keys that they seal (RSA-2048)."""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from bot.wecom.archive import SealedRow
from bot.wecom.errors import BotError

_FILE = re.compile(r"private_key_v(\d{1,9})\.pem")
# Below this many rows a pool's own cost is more than it saves.
_WORTH_A_POOL = 64
_SHARE = 32


class KeyProblem(BotError):  # noqa: N818 - named for what it is
    """A row's random key cannot be opened now; the row is kept until a key is added."""

    def __init__(self, version: int, reason: str) -> None:
        super().__init__(reason)
        self.version, self.reason = version, reason

    def __reduce__(self) -> tuple[type[KeyProblem], tuple[object, ...]]:
        return type(self), (self.version,)


class MissingKey(KeyProblem):
    """No private key of this version is at hand."""

    def __init__(self, version: int) -> None:
        super().__init__(
            version, f"缺少第 {version} 版私钥：把它存为 private_key_v{version}.pem 放进 WECOM_PRIVATE_KEYS"
        )


class WrongKey(KeyProblem):
    """The private key of this version does not fit: another key was set in the console."""

    def __init__(self, version: int) -> None:
        super().__init__(
            version, f"第 {version} 版私钥与后台登记的公钥不是一对：请换上正确的 private_key_v{version}.pem"
        )


Unwrapped: TypeAlias = "str | KeyProblem"


@dataclass(frozen=True)
class KeyRing:
    """Private keys by publickey_ver. Old ones must stay: old messages are sealed with them for ever."""

    keys: Mapping[int, RSAPrivateKey] = field(repr=False)

    @classmethod
    def load(cls, folder: Path) -> KeyRing:
        """All private_key_v<N>.pem of a folder. Raises ValueError naming every file that is no RSA key."""
        return cls.from_pems({int(found[1]): path.read_bytes() for path, found in _files(folder)})

    @classmethod
    def from_pems(cls, pems: Mapping[int, bytes]) -> KeyRing:
        """From PEM texts by version."""
        keys, problems = {}, []
        for version, pem in pems.items():
            try:
                key = load_pem_private_key(pem, password=None)
            except (ValueError, TypeError) as error:
                problems.append(f"private_key_v{version}.pem 不是未加密的 PEM 私钥（{type(error).__name__}）")
                continue
            if isinstance(key, RSAPrivateKey):
                keys[version] = key
            else:
                problems.append(f"private_key_v{version}.pem 不是 RSA 私钥")
        if problems:
            raise ValueError("\n".join(problems))
        return cls(keys)

    @property
    def versions(self) -> tuple[int, ...]:
        """The versions at hand, ascending."""
        return tuple(sorted(self.keys))

    def unwrap(self, row: SealedRow) -> str:
        """The random key that opens the row's message. Raises MissingKey or WrongKey."""
        key = self.keys.get(row.publickey_ver)
        if key is None:
            raise MissingKey(row.publickey_ver)
        try:
            sealed = base64.b64decode(row.encrypt_random_key, validate=True)
            text = key.decrypt(sealed, PKCS1v15()).decode("ascii")
        except (binascii.Error, ValueError):
            raise WrongKey(row.publickey_ver) from None
        # OpenSSL answers a wrong key with random bytes instead of an error (implicit rejection).
        if not text or not text.isprintable():
            raise WrongKey(row.publickey_ver)
        return text

    def tried(self, row: SealedRow) -> Unwrapped:
        """What `unwrap` returns or raises, as a value."""
        try:
            return self.unwrap(row)
        except KeyProblem as problem:
            return problem

    def unwrap_many(self, rows: Sequence[SealedRow], cores: int | None = None) -> list[Unwrapped]:
        """`tried` for each row, in order, on all cores (or so many).

        Threads, for OpenSSL lets go of the GIL: as fast as processes as long as the caller waits here. Python
        code that is busy in another thread of this process slows them down thirtyfold; keep the pull alone.
        """
        cores = cores or os.cpu_count() or 1
        if cores < 2 or len(rows) < _WORTH_A_POOL:
            return [self.tried(row) for row in rows]
        shares = [rows[at : at + _SHARE] for at in range(0, len(rows), _SHARE)]
        with ThreadPoolExecutor(cores, thread_name_prefix="rsa") as pool:
            done = pool.map(lambda share: [self.tried(row) for row in share], shares)
            return [key for share in done for key in share]


def _files(folder: Path) -> Iterable[tuple[Path, re.Match[str]]]:
    entries = sorted(folder.iterdir()) if folder.is_dir() else []
    return [(path, found) for path in entries if (found := _FILE.fullmatch(path.name))]
