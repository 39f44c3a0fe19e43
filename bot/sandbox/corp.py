"""Creates the sandbox's corp once: ids, secrets, callback keys and the archive's RSA key pairs."""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import string
from dataclasses import asdict, dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

APP_ID = 1000002
ARCHIVE_APP_ID = 2000004
KEY_FILE = re.compile(r"private_key_v(\d+)\.pem")
ALPHANUMERICS = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Corp:
    """Credentials of the sandbox's corp, in the form of a real console's."""

    corp_id: str
    app_secret: str
    archive_secret: str
    contacts_secret: str
    callback_token: str
    callback_aes_key: str
    archive_callback_token: str
    archive_callback_aes_key: str

    def secret_kinds(self) -> dict[str, str]:
        """Secret -> the rights it gives; there is one token per (corp, secret)."""
        return {self.app_secret: "app", self.archive_secret: "archive", self.contacts_secret: "contacts"}


def prepare(folder: Path, port: int | None = None) -> dict[str, str]:
    """Create the corp in `folder` unless it exists, and return the environment variables that Tici needs for it.

    `WECOM_API_URL` (ending in /cgi-bin) is included only when the port is known.
    """
    corp = load_corp(folder)
    environment = {
        "WECOM_CORP_ID": corp.corp_id,
        "WECOM_APP_ID": str(APP_ID),
        "WECOM_APP_SECRET": corp.app_secret,
        "WECOM_CALLBACK_TOKEN": corp.callback_token,
        "WECOM_CALLBACK_AES_KEY": corp.callback_aes_key,
        "WECOM_ARCHIVE_SECRET": corp.archive_secret,
        "WECOM_ARCHIVE_CALLBACK_TOKEN": corp.archive_callback_token,
        "WECOM_ARCHIVE_CALLBACK_AES_KEY": corp.archive_callback_aes_key,
        "WECOM_PRIVATE_KEYS": str(keys_folder(folder)),
        "WECOM_ARCHIVE": "sandbox",
    }
    if port is not None:
        environment["WECOM_API_URL"] = f"http://127.0.0.1:{port}/cgi-bin"
    return environment


def load_corp(folder: Path, corp_id: str = "") -> Corp:
    """The corp of this folder, created at the first call (with this id, if one is given)."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "corp.json"
    if not path.exists():
        write_private(path, json.dumps(asdict(make_corp(corp_id)), indent=1).encode())
    if not key_versions(folder):
        add_key(folder)
    return Corp(**json.loads(path.read_text()))


def make_corp(corp_id: str = "") -> Corp:
    return Corp(
        corp_id=corp_id or "ww" + secrets.token_hex(8),
        app_secret=secrets.token_urlsafe(32),
        archive_secret=secrets.token_urlsafe(32),
        contacts_secret=secrets.token_urlsafe(32),
        callback_token=letters(24),
        callback_aes_key=make_aes_key(),
        archive_callback_token=letters(24),
        archive_callback_aes_key=make_aes_key(),
    )


def letters(count: int) -> str:
    return "".join(secrets.choice(ALPHANUMERICS) for _ in range(count))


def make_aes_key() -> str:
    """43 alphanumerics that, with one `=`, are canonical base64 of 32 bytes."""
    while True:
        key = base64.b64encode(secrets.token_bytes(32)).decode().rstrip("=")
        if key.isalnum():
            return key


def keys_folder(folder: Path) -> Path:
    return folder / "keys"


def key_versions(folder: Path, withheld: bool = False) -> dict[int, Path]:
    """publickey_ver -> its PEM; `withheld` ones are in force here but were not given to Tici."""
    home = folder / "withheld" if withheld else keys_folder(folder)
    found = {int(match[1]): path for path in home.glob("*.pem") if (match := KEY_FILE.fullmatch(path.name))}
    return dict(sorted(found.items()))


def add_key(folder: Path, withheld: bool = False) -> int:
    """Set a new key in the console: publickey_ver rises by one. Returns the new version."""
    version = max([0, *key_versions(folder), *key_versions(folder, withheld=True)]) + 1
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    home = folder / "withheld" if withheld else keys_folder(folder)
    home.mkdir(mode=0o700, exist_ok=True)
    write_private(home / f"private_key_v{version}.pem", pem)
    return version


def publish_keys(folder: Path) -> list[int]:
    """Give Tici the withheld keys, like an admin who finds the missing file."""
    withheld = key_versions(folder, withheld=True)
    for path in withheld.values():
        path.rename(keys_folder(folder) / path.name)
    return list(withheld)


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read, atomically."""
    draft = path.with_name(path.name + ".draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    draft.replace(path)
