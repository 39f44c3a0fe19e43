"""Signature and encryption of callbacks: AES-256-CBC with PKCS#7 to 32 bytes, receiveid; nothing of XML.

wechatpy supplies the signer and the cipher. Added here: comparison in constant time, checks of padding and lengths;
every flaw is a BadCallbackError.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from wechatpy.crypto.base import WeChatCipher
from wechatpy.utils import WeChatSigner

from bot.wecom.errors import BadCallbackError

_BLOCK = 32
_HEAD = 20
_AES_KEY = re.compile(r"[A-Za-z0-9+/]{43}")
_LONGEST_ARGUMENT = 200


@dataclass(frozen=True)
class CallbackKeys:
    """Token, EncodingAESKey (43 characters) and receiveid (the corp id) of one callback URL."""

    token: str = field(repr=False)
    aes_key: str = field(repr=False)
    receive_id: str

    def __post_init__(self) -> None:
        if not self.token or not self.token.isascii():
            raise ValueError("回调 Token 应为 1-32 位字母或数字（WECOM_CALLBACK_TOKEN）")
        if not _AES_KEY.fullmatch(self.aes_key):
            raise ValueError("EncodingAESKey 应正好 43 位字母或数字（WECOM_CALLBACK_AES_KEY）")

    @property
    def cipher(self) -> WeChatCipher:
        """AES-256-CBC under this key; the IV is the key's first half."""
        return WeChatCipher(base64.b64decode(self.aes_key + "="))


@dataclass(frozen=True)
class Signed:
    """The query arguments that every callback carries."""

    signature: str
    timestamp: str
    nonce: str

    @classmethod
    def read(cls, args: Mapping[str, str]) -> Signed:
        """Read them from the query; a missing, too long or non-ASCII argument is a 400."""
        return cls(*(_argument(args, name, _LONGEST_ARGUMENT) for name in ("msg_signature", "timestamp", "nonce")))

    def fits(self, keys: CallbackKeys, sealed: str) -> bool:
        """Whether the signature belongs to `sealed`, compared in constant time."""
        own = sign(keys, self.timestamp, self.nonce, sealed)
        return hmac.compare_digest(own.encode(), self.signature.encode())


def sealed_argument(args: Mapping[str, str]) -> str:
    """The echostr of a URL check."""
    return _argument(args, "echostr", 4096)


def _argument(args: Mapping[str, str], name: str, longest: int) -> str:
    value = args.get(name)
    if not isinstance(value, str) or not value or len(value) > longest or not value.isascii():
        raise BadCallbackError(400, f"query argument {name} missing or malformed")
    return value


def sign(keys: CallbackKeys, timestamp: str, nonce: str, sealed: str) -> str:
    """sha1 over the four sorted strings, lower-case hex. All must be ASCII."""
    signer = WeChatSigner()
    signer.add_data(keys.token, timestamp, nonce, sealed)
    return str(signer.signature)


def unseal(keys: CallbackKeys, sealed: str) -> bytes:
    """Decrypt a message whose signature has been checked.

    Raises BadCallbackError 400, or 403 for another corp's receiveid.
    """
    plain = _unpad(keys.cipher.decrypt(_blocks(sealed)))
    length = int.from_bytes(plain[16:_HEAD], "big")
    if len(plain) < _HEAD or length > len(plain) - _HEAD:
        raise BadCallbackError(400, "sealed block too short for its own length")
    message, receiver = plain[_HEAD : _HEAD + length], plain[_HEAD + length :]
    if not hmac.compare_digest(receiver, keys.receive_id.encode()):
        raise BadCallbackError(403, "sealed for another receiver")
    return message


def _blocks(sealed: str) -> bytes:
    try:
        cipher_text = base64.b64decode(sealed, validate=True)
    except (binascii.Error, ValueError):
        raise BadCallbackError(400, "not base64") from None
    if not cipher_text or len(cipher_text) % _BLOCK:
        raise BadCallbackError(400, "not whole blocks")
    return cipher_text


def _unpad(plain: bytes) -> bytes:
    size = plain[-1]
    if not 1 <= size <= _BLOCK or plain[-size:] != bytes([size]) * size:
        raise BadCallbackError(400, "bad padding (wrong EncodingAESKey?)")
    return plain[:-size]


def seal(keys: CallbackKeys, message: bytes) -> str:
    """Encrypt a message, as for a passive reply; the reverse of `unseal`."""
    plain = secrets.token_bytes(16) + len(message).to_bytes(4, "big") + message + keys.receive_id.encode()
    size = _BLOCK - len(plain) % _BLOCK
    return base64.b64encode(keys.cipher.encrypt(plain + bytes([size]) * size)).decode()
