"""Callbacks of other implementations are understood by ours, and ours by theirs.

interop.json holds what npm's @wecom/crypto and PyPI's weworkapi made of our sentences, and what we made that both of
them have read (tests/wecom/interop.py writes it). Where they are installed they are asked again, live.
"""

from __future__ import annotations

import json

import pytest

from bot.wecom.callback import open_callback, reopen, verify_url
from bot.wecom.errors import BadCallbackError
from bot.wecom.sealing import unseal
from tests.wecom.interop import (
    EVERY_PADDING,
    NONCE,
    NPM,
    OURS,
    PYPI,
    SENTENCES,
    TIMESTAMP,
    VECTORS,
    Made,
    envelope,
    message,
    node,
    ours,
    weworkapi,
    weworkapi_makes,
)
from tests.wecom.sealed import CORP, KEYS, NOW

RECORDED: dict[str, list[Made]] = json.loads(VECTORS.read_text(encoding="utf-8"))


def arguments(made: Made) -> dict[str, str]:
    return {"msg_signature": made["signature"], "timestamp": TIMESTAMP, "nonce": NONCE}


def understood(made: Made) -> None:
    """As a message to the callback; as the console's check of the address only what is an echo is opened."""
    callback = open_callback(KEYS, arguments(made), envelope(made["sealed"]).encode(), NOW)
    assert (callback.name, callback.raw_xml) == ("text", made["plain"])
    assert callback.fields == reopen(made["plain"]).fields
    with pytest.raises(BadCallbackError, match="not an echo"):
        verify_url(KEYS, arguments(made) | {"echostr": made["sealed"]})
    with pytest.raises(BadCallbackError):
        open_callback(KEYS, arguments(made) | {"nonce": "other"}, envelope(made["sealed"]).encode(), NOW)


@pytest.mark.parametrize("maker", [NPM, PYPI, OURS])
def test_what_was_recorded_is_understood(maker: str) -> None:
    assert [made["plain"] for made in RECORDED[maker]] == [message(words) for words in SENTENCES]
    for made in RECORDED[maker]:
        understood(made)


def test_weworkapi_live() -> None:
    crypt = weworkapi()
    if crypt is None:
        pytest.skip("weworkapi is not installed")
    for words in EVERY_PADDING:
        understood(weworkapi_makes(crypt, message(words)))
        echo = weworkapi_makes(crypt, "5927782489442352469")
        assert verify_url(KEYS, arguments(echo) | {"echostr": echo["sealed"]}) == b"5927782489442352469"
        made = ours(message(words))
        stamps = (made["signature"], TIMESTAMP, NONCE)
        assert crypt.DecryptMsg(envelope(made["sealed"]), *stamps) == (0, made["plain"].encode())
        assert crypt.VerifyURL(*stamps, made["sealed"]) == (0, made["plain"].encode())


def test_wecom_crypto_live() -> None:
    mine = [ours(message(words)) for words in EVERY_PADDING]
    found = node([message(words) for words in EVERY_PADDING], [made["sealed"] for made in mine])
    if found is None:
        pytest.skip("node or its package @wecom/crypto is not there (npm install @wecom/crypto; NODE_PATH)")
    for made in found["made"]:
        understood(made)
    for made, opened in zip(mine, found["opened"], strict=True):
        assert opened == {"message": made["plain"], "id": CORP, "signature": made["signature"]}


def test_every_length_of_padding_was_tried() -> None:
    lengths = {(16 + 4 + len(message(words).encode()) + len(CORP)) % 32 for words in EVERY_PADDING}
    assert lengths == set(range(32))
    assert unseal(KEYS, ours("")["sealed"]) == b""
