"""KeyRing: the corp's private RSA keys by publickey_ver, which open the random key of each archived message."""

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
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from bot.wecom.archive import SealedRow
from bot.wecom.errors import BotError
from bot.wecom.rsa_processes import SHARE, RsaProcesses
from bot.wecom.translatable import Translatable, listed

_FILE = re.compile(r"private_key_v(\d{1,9})\.pem")
# With fewer rows a pool costs more than it saves.
_WORTH_A_POOL = 64
_SHORTEST_KEY = 16  # characters; WeCom's have 88


class KeyRingError(BotError):
    """A row's random key cannot be opened; the row is kept until the right private key is added."""

    def __init__(self, version: int, reason: str) -> None:
        super().__init__(reason)
        self.version, self.reason = version, reason

    def __reduce__(self) -> tuple[type[KeyRingError], tuple[object, ...]]:
        return type(self), (self.version,)


class MissingKeyError(KeyRingError):
    """There is no private key of this version."""

    def __init__(self, version: int) -> None:
        super().__init__(
            version,
            Translatable(
                "缺少第 {version} 版私钥：把它存为 private_key_v{version}.pem 放进 WECOM_PRIVATE_KEYS",
                version=version,
            ),
        )


class WrongKeyError(KeyRingError):
    """The private key of this version does not match: another key was set in the console."""

    def __init__(self, version: int) -> None:
        super().__init__(
            version,
            Translatable(
                "第 {version} 版私钥与后台登记的公钥不是一对：请换上正确的 private_key_v{version}.pem",
                version=version,
            ),
        )


Unwrapped: TypeAlias = "str | KeyRingError"


@dataclass(frozen=True)
class KeyRing:
    """Private keys by publickey_ver. Old keys must be kept: old messages stay sealed with them."""

    keys: dict[int, RSAPrivateKey] = field(repr=False)
    folder: Path | None = None
    _read_at: dict[int, int] = field(default_factory=dict, repr=False)
    _rsa: _Processes = field(default_factory=lambda: _Processes(), repr=False, compare=False)

    @classmethod
    def load(cls, folder: Path) -> KeyRing:
        """All private_key_v<N>.pem of a folder. Raises ValueError naming every file that is no RSA key.

        A file that is added or replaced later is loaded when a row needs its version.
        """
        files = {int(found[1]): path for path, found in _files(folder)}
        ring = cls.from_pems({version: path.read_bytes() for version, path in files.items()})
        read_at = {version: path.stat().st_mtime_ns for version, path in files.items()}
        return cls(ring.keys, folder, read_at)

    @classmethod
    def from_pems(cls, pems: Mapping[int, bytes]) -> KeyRing:
        """From PEM texts by version."""
        keys, problems = {}, []
        for version, pem in pems.items():
            try:
                key = load_pem_private_key(pem, password=None)
            except (ValueError, TypeError) as error:
                problems.append(
                    Translatable(
                        "private_key_v{version}.pem 不是未加密的 PEM 私钥（{kind}）",
                        version=version,
                        kind=type(error).__name__,
                    )
                )
                continue
            if isinstance(key, RSAPrivateKey):
                keys[version] = key
            else:
                problems.append(Translatable("private_key_v{version}.pem 不是 RSA 私钥", version=version))
        if problems:
            raise ValueError(listed(problems))
        return cls(keys)

    @property
    def versions(self) -> tuple[int, ...]:
        """The versions held, ascending."""
        return tuple(sorted(self.keys))

    def unwrap(self, row: SealedRow) -> str:
        """The random key that opens the row's message. Raises MissingKeyError or WrongKeyError."""
        version = row.publickey_ver
        text = _opened(self.keys.get(version), row.encrypt_random_key)
        if text is None and self._reload(version):
            text = _opened(self.keys.get(version), row.encrypt_random_key)
        if text is None:
            raise WrongKeyError(version) if version in self.keys else MissingKeyError(version)
        return text

    def _reload(self, version: int) -> bool:
        """Load the file of this version if it was added or changed; True where it is a valid key."""
        if self.folder is None:
            return False
        path = self.folder / f"private_key_v{version}.pem"
        try:
            changed = path.stat().st_mtime_ns
            if self._read_at.get(version) == changed:
                return False
            self._read_at[version] = changed
            self.keys.update(self.from_pems({version: path.read_bytes()}).keys)
        except (OSError, ValueError):
            return False
        return True

    def tried(self, row: SealedRow) -> Unwrapped:
        """What `unwrap` returns or raises, as a value."""
        try:
            return self.unwrap(row)
        except KeyRingError as problem:
            return problem

    def unwrap_many(self, rows: Sequence[SealedRow], cores: int | None = None) -> list[Unwrapped]:
        """`tried` for each row, in order, on all cores (or so many).

        In processes of their own, which Python code that is busy here does not slow down; what they do not open, for
        whatever reason, is tried here.
        """
        cores = cores or os.cpu_count() or 1
        if cores < 2 or len(rows) < _WORTH_A_POOL:
            return [self.tried(row) for row in rows]
        if (processes := self._rsa.of(self.keys, cores)) is None:
            return self._unwrap_in_threads(rows, cores)
        texts = processes.open([(row.publickey_ver, row.encrypt_random_key) for row in rows])
        return [
            text if text is not None and _is_key(text) else self.tried(row)
            for row, text in zip(rows, texts, strict=True)
        ]

    def _unwrap_in_threads(self, rows: Sequence[SealedRow], cores: int) -> list[Unwrapped]:
        """Where no process can be started. OpenSSL releases the GIL, but whatever else is busy here slows it down."""
        shares = [rows[at : at + SHARE] for at in range(0, len(rows), SHARE)]
        with ThreadPoolExecutor(cores, thread_name_prefix="rsa") as pool:
            done = pool.map(lambda share: [self.tried(row) for row in share], shares)
            return [key for share in done for key in share]


class _Processes:
    """The RSA processes of a key ring: started when first needed, anew with other keys and after a fork."""

    def __init__(self) -> None:
        self._running: RsaProcesses | None = None
        self._keys: dict[int, RSAPrivateKey] = {}
        self._impossible = False

    def of(self, keys: Mapping[int, RSAPrivateKey], cores: int) -> RsaProcesses | None:
        """Processes with these keys; None where they cannot be started here."""
        running = self._running
        if running is not None and running.owner == os.getpid():
            if self._keys == keys and running.count == cores:
                return running
            running.end()
        self._running = None  # after a fork as well: they are its parent's children
        if not self._impossible:
            self._start(keys, cores)
        return self._running

    def _start(self, keys: Mapping[int, RSAPrivateKey], cores: int) -> None:
        try:
            self._running = RsaProcesses({version: _pem(key) for version, key in keys.items()}, cores)
            self._keys = dict(keys)
        except OSError:
            self._impossible = True


def _pem(key: RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _opened(key: RSAPrivateKey | None, field: str) -> str | None:
    """The random key in a row's field; None where this private key does not open it."""
    if key is None:
        return None
    try:
        text = key.decrypt(base64.b64decode(field, validate=True), PKCS1v15()).decode("ascii")
    except (binascii.Error, ValueError):
        return None
    # For a wrong key OpenSSL returns random bytes of any length instead of an error (implicit rejection); of
    # those one in hundreds is a printable character or two.
    return text if _is_key(text) else None


def _is_key(text: str) -> bool:
    return len(text) >= _SHORTEST_KEY and text.isprintable()


def new_key(folder: Path) -> tuple[int, str]:
    """Make the RSA-2048 key pair of the next version; the private key is stored in the folder, for its owner only.

    Returns the version and the public key as PEM, to be set in the console (where the versions must agree).
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    version = max((int(found[1]) for _, found in _files(folder)), default=0) + 1
    key = generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    handle = os.open(folder / f"private_key_v{version}.pem", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(pem)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return version, public.decode()


def _files(folder: Path) -> Iterable[tuple[Path, re.Match[str]]]:
    entries = sorted(folder.iterdir()) if folder.is_dir() else []
    return [(path, found) for path in entries if (found := _FILE.fullmatch(path.name))]
