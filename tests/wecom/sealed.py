"""Callbacks encrypted by wechatpy itself, as an independent check of our decryption."""

from __future__ import annotations

from datetime import UTC, datetime

from wechatpy.enterprise.crypto import PrpCrypto, WeChatCrypto
from wechatpy.utils import WeChatSigner

from bot.wecom.callback import CallbackKeys

TOKEN = "TestToken2026xyz"
AES_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
CORP = "wwtestcorp00000001"
KEYS = CallbackKeys(TOKEN, AES_KEY, CORP)
NOW = datetime(2026, 1, 5, 2, 0, 10, tzinfo=UTC)


def signature(timestamp: str, nonce: str, sealed: str, token: str = TOKEN) -> str:
    signer = WeChatSigner()
    signer.add_data(token, timestamp, nonce, sealed)
    return str(signer.signature)


def arguments(sealed: str, timestamp: str = "1767578400", nonce: str = "n0") -> dict[str, str]:
    return {
        "msg_signature": signature(timestamp, nonce, sealed), "timestamp": timestamp, "nonce": nonce
    }  # fmt: skip


def encrypt(message: str, corp: str = CORP) -> str:
    crypto = WeChatCrypto(TOKEN, AES_KEY, corp)
    return PrpCrypto(crypto.key).encrypt(message, corp).decode()  # type: ignore[no-any-return]


def envelope(sealed: str) -> bytes:
    to = f"<ToUserName><![CDATA[{CORP}]]></ToUserName>"
    return f"<xml>{to}<Encrypt><![CDATA[{sealed}]]></Encrypt></xml>".encode()


def posted(message: str, corp: str = CORP) -> tuple[dict[str, str], bytes]:
    """Query and body of an authentic POST that carries `message`."""
    sealed = encrypt(message, corp)
    return arguments(sealed), envelope(sealed)
