"""Encrypts as WeCom does: callbacks (signature and AES-CBC) and archived messages (RSA and AES-GCM)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

CALLBACK_BLOCK_BITS = 32 * 8


class SealBrokenError(ValueError):
    """A passive reply has a wrong signature, padding or corp id."""


@dataclass(frozen=True)
class CallbackSeal:
    """The Token and EncodingAESKey of one callback URL."""

    corp_id: str
    token: str
    aes_key: str

    def sign(self, timestamp: str, nonce: str, cipher_text: str) -> str:
        parts = sorted([self.token, timestamp, nonce, cipher_text])
        return hashlib.sha1("".join(parts).encode()).hexdigest()  # noqa: S324 - WeCom's choice

    def encrypt(self, plain: str) -> str:
        """base64 of AES-256-CBC over 16 random bytes, length, plain and corp id, padded to 32 bytes."""
        message = plain.encode()
        block = secrets.token_bytes(16) + len(message).to_bytes(4, "big") + message + self.corp_id.encode()
        padder = padding.PKCS7(CALLBACK_BLOCK_BITS).padder()
        encryptor = self._cipher().encryptor()
        sealed = encryptor.update(padder.update(block) + padder.finalize()) + encryptor.finalize()
        return base64.b64encode(sealed).decode()

    def decrypt(self, cipher_text: str) -> str:
        decryptor = self._cipher().decryptor()
        unpadder = padding.PKCS7(CALLBACK_BLOCK_BITS).unpadder()
        try:
            padded = decryptor.update(base64.b64decode(cipher_text)) + decryptor.finalize()
            block = unpadder.update(padded) + unpadder.finalize()
            length = int.from_bytes(block[16:20], "big")
            message, receiver = block[20 : 20 + length], block[20 + length :]
            if receiver.decode() != self.corp_id:
                raise SealBrokenError("the reply is for another corp")
            return message.decode()
        except SealBrokenError:
            raise
        except ValueError as error:
            raise SealBrokenError(str(error)) from error

    def verify(self, signature: str, timestamp: str, nonce: str, cipher_text: str) -> bool:
        return hmac.compare_digest(self.sign(timestamp, nonce, cipher_text), signature)

    def _cipher(self) -> Cipher[modes.CBC]:
        key = base64.b64decode(self.aes_key + "=")
        return Cipher(algorithms.AES(key), modes.CBC(key[:16]))


def seal_message(message: dict[str, Any], public_key: rsa.RSAPublicKey) -> tuple[str, str]:
    """(encrypt_random_key, encrypt_chat_msg) of one archived message.

    The random key is 88 printable characters, as seen in the wild. Tencent's own cipher is not public; the
    sandbox's is base64(nonce of 12 bytes || AES-256-GCM(key = sha256(random key), plain JSON)).
    """
    random_key = base64.b64encode(secrets.token_bytes(64))
    wrapped = public_key.encrypt(random_key, PKCS1v15())
    nonce = secrets.token_bytes(12)
    plain = json.dumps(message, ensure_ascii=False).encode("utf-8", "surrogatepass")
    sealed = nonce + AESGCM(hashlib.sha256(random_key).digest()).encrypt(nonce, plain, None)
    return base64.b64encode(wrapped).decode(), base64.b64encode(sealed).decode()


def seal_media(content: bytes, key: bytes) -> bytes:
    """The archive's media as it travels: AES-128-ECB with PKCS#7, key from field 3 of the sdkfileid."""
    padder = padding.PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305 - Tencent's choice
    return encryptor.update(padder.update(content) + padder.finalize()) + encryptor.finalize()


def pack_sdkfileid(file_id: str, auth_key: str, key_hex: str) -> str:
    """base64 of the protobuf {1: file id, 2: auth key, 3: 32 hex digits}."""
    fields = [(1, file_id), (2, auth_key), (3, key_hex)]
    packed = b"".join(bytes([number << 3 | 2]) + varint(len(text)) + text.encode() for number, text in fields)
    return base64.b64encode(packed).decode()


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])
