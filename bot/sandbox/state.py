"""Sandbox: its corp, ledger, addresses, switches and log of effects in one value."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.platform import clock
from bot.sandbox.corp import Corp, key_versions, load_corp
from bot.sandbox.ledger import Ledger
from bot.sandbox.sealing import CallbackSeal

Json = dict[str, Any]

SWITCHES: Json = {
    "notify_gap": 1.0,  # seconds between two msgaudit_notify; the real WeCom leaves about 15
    "retry_gap": 1.0,  # seconds before a callback that failed is sent again
    "callback_timeout": 5.0,  # seconds WeCom waits for the answer
    "duplicate_callbacks": 0,  # extra copies of every callback
    "lose_callbacks": 0,  # how many of the next callbacks are never sent; -1: all
    "reorder_callbacks": 0,  # this many callbacks are held back, then sent in reverse order
    "stale_seconds": 0,  # callbacks carry a CreateTime and timestamp this far in the past
    "welcome_codes": True,  # False: the console already set a welcome, so no WelcomeCode comes
    "refuse_ip": False,  # 60020 on every call (301042 on the archive): the IP is not trusted
    "ban_after": 30,  # wrong secrets within an hour after which the source is refused
    "token_seconds": 7200,
    "clock_seconds": 0,  # the Date header of every answer is this far ahead
    "partial_marks": 0,  # this many of the next mark_tag calls answer ok but apply the first tag only
    "mark_seconds": 0.0,  # duration of a mark_tag; another one for the same customer meanwhile gets 45035
    "lower_userids": False,  # lists of customers name members in lower case, as WeCom may
    "limits": True,  # False: no frequency limits
    "person_times": 200_000,  # messages x receivers a day (accounts x 200); the excess is dropped silently
    "response_too_large": 0,  # getchatdata answers 301058 above this limit; 0: never
}


@dataclass
class Sandbox:
    """Everything a request needs. The time is always asked from `now`, so that it can be moved forward."""

    folder: Path
    corp: Corp
    ledger: Ledger
    callback_url: str | None = None
    archive_callback_url: str | None = None
    board_url: str | None = None
    wake: threading.Event = field(default_factory=threading.Event)
    busy_customers: set[str] = field(default_factory=set)
    _public_keys: dict[int, rsa.RSAPublicKey] = field(default_factory=dict)

    def now(self) -> float:
        """Seconds since 1970 by the product's clock."""
        return clock.now().timestamp()

    def switch(self, name: str) -> Any:
        return self.ledger.setting(f"switch:{name}", SWITCHES[name])

    def set_switch(self, name: str, value: Any) -> None:
        self.ledger.set_setting(f"switch:{name}", value)

    def spend(self, name: str) -> bool:
        """Reduce a counting switch by one; True until it was 0 (-1 never ends)."""
        with self.ledger.transaction():
            left = self.switch(name)
            if left > 0:
                self.set_switch(name, left - 1)
            return bool(left)

    def note(self, kind: str, /, **data: Any) -> None:
        """Append one effect to the log."""
        self.ledger.run(
            "INSERT INTO effects (at, kind, data) VALUES (?, ?, ?)",
            clock.now().isoformat(timespec="milliseconds"),
            kind,
            json.dumps(data, ensure_ascii=True),
        )

    def seal_for(self, target: str) -> CallbackSeal:
        """The seal of a callback URL: `app` or `archive`, which has its own Token and key."""
        corp = self.corp
        if target == "archive":
            return CallbackSeal(corp.corp_id, corp.archive_callback_token, corp.archive_callback_aes_key)
        return CallbackSeal(corp.corp_id, corp.callback_token, corp.callback_aes_key)

    def url_of(self, target: str) -> str | None:
        return self.archive_callback_url if target == "archive" else self.callback_url

    def public_key(self) -> tuple[int, rsa.RSAPublicKey]:
        """publickey_ver in force and its key: the newest, published or withheld."""
        paths = key_versions(self.folder) | key_versions(self.folder, withheld=True)
        version = max(paths)
        if version not in self._public_keys:
            private = serialization.load_pem_private_key(paths[version].read_bytes(), password=None)
            if not isinstance(private, rsa.RSAPrivateKey):
                raise TypeError(f"{paths[version]} holds no RSA key")
            self._public_keys[version] = private.public_key()
        return version, self._public_keys[version]


def open_sandbox(
    folder: Path,
    callback_url: str | None,
    archive_callback_url: str | None = None,
    board_url: str | None = None,
) -> Sandbox:
    """Open (or make) the sandbox of this folder. Without a URL of its own the archive's events use the app's."""
    corp = load_corp(folder)
    return Sandbox(
        folder=folder,
        corp=corp,
        ledger=Ledger(folder / "sandbox.db"),
        callback_url=callback_url or None,
        archive_callback_url=archive_callback_url or callback_url or None,
        board_url=board_url or None,
    )
