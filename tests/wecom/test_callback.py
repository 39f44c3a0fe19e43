"""Callbacks: what is authentic is read, everything else is refused with the right status."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wechatpy.crypto.base import WeChatCipher

from bot.wecom.callback import BadCallbackError, CallbackKeys, open_callback, seal, sign, verify_url
from bot.wecom.sealing import unseal
from tests.wecom.sealed import AES_KEY, CORP, KEYS, NOW, TOKEN, arguments, encrypt, envelope, posted

EVENT = (
    "<xml><ToUserName><![CDATA[wwtestcorp00000001]]></ToUserName><FromUserName><![CDATA[sys]]></FromUserName>"
    "<CreateTime>1767578400</CreateTime><MsgType><![CDATA[event]]></MsgType>"
    "<Event><![CDATA[msgaudit_notify]]></Event><AgentID>2000004</AgentID></xml>"
)


def refused(args: dict[str, str], body: bytes, **options: Any) -> int:
    with pytest.raises(BadCallbackError) as caught:
        open_callback(KEYS, args, body, NOW, **options)
    return caught.value.status


def test_url_check_answers_the_recorded_vector(recorded: Path) -> None:
    vector = json.loads((recorded / "crypto_vectors.json").read_text())
    keys = CallbackKeys(vector["token"], vector["encoding_aes_key"], vector["receiveid"])
    get = vector["get"]
    args = {
        "msg_signature": get["msg_signature"],
        "timestamp": vector["timestamp"],
        "nonce": vector["nonce"],
        "echostr": get["echostr"],
    }
    assert verify_url(keys, args) == get["echostr_plain"].encode()
    assert verify_url(keys, args | {"echostr": get["echostr"].replace("+", " ")}) == get["echostr_plain"].encode()
    with pytest.raises(BadCallbackError) as caught:
        verify_url(keys, args | {"msg_signature": "0" * 40})
    assert caught.value.status == 403


def test_post_and_reply_vectors(recorded: Path) -> None:
    vector = json.loads((recorded / "crypto_vectors.json").read_text())
    post, reply = vector["post"], vector["reply"]
    args = {
        "msg_signature": post["msg_signature"], "timestamp": vector["timestamp"], "nonce": vector["nonce"]
    }  # fmt: skip
    callback = open_callback(KEYS, args, post["body"].encode(), NOW, window=None)
    assert (callback.name, callback.raw_xml) == ("msgaudit_notify", post["xml_plain"])
    assert unseal(KEYS, reply["encrypt"]).decode() == reply["xml_plain"]
    assert sign(KEYS, vector["timestamp"], vector["nonce"], reply["encrypt"]) == reply["msg_signature"]


def test_what_we_seal_wechatpy_opens() -> None:
    from wechatpy.enterprise.crypto import PrpCrypto, WeChatCrypto

    for text in ("", "a", "收到" * 100, "x" * 12):
        crypto = PrpCrypto(WeChatCrypto(TOKEN, AES_KEY, CORP).key)
        assert crypto.decrypt(seal(KEYS, text.encode()), CORP) == text


def test_an_authentic_post_is_read() -> None:
    callback = open_callback(KEYS, *posted(EVENT), NOW)
    assert callback.name == "msgaudit_notify"
    assert callback.fields["AgentID"] == "2000004"
    assert callback.created_at.isoformat() == "2026-01-05T02:00:00+00:00"
    assert callback.digest == open_callback(KEYS, *posted(EVENT), NOW).digest


def test_the_json_twin_is_read() -> None:
    sealed = encrypt(EVENT)
    body = json.dumps({"tousername": CORP, "agentid": "2000004", "encrypt": sealed}).encode()
    assert open_callback(KEYS, arguments(sealed), body, NOW).name == "msgaudit_notify"
    twice = f'{{"encrypt":"{sealed}","encrypt":"{sealed}"}}'.encode()
    assert refused(arguments(sealed), twice) == 400


SEALED = encrypt(EVENT)
ENVELOPES = {
    "empty body": (b"", 400),
    "not XML": (b"hello", 400),
    "not UTF-8": (b"\xff\xfe<\x00x\x00m\x00l\x00/\x00>\x00", 400),
    "other root": (envelope(SEALED).replace(b"xml>", b"yml>"), 400),
    "no Encrypt": (b"<xml><ToUserName>x</ToUserName></xml>", 400),
    "empty Encrypt": (b"<xml><Encrypt></Encrypt></xml>", 400),
    "double Encrypt": (f"<xml><Encrypt>{SEALED}</Encrypt><Encrypt>{SEALED}</Encrypt></xml>".encode(), 400),
    "nested Encrypt": (f"<xml><Encrypt><a>{SEALED}</a></Encrypt></xml>".encode(), 400),
    "buried Encrypt": (f"<xml><a><Encrypt>{SEALED}</Encrypt></a></xml>".encode(), 400),
    "doctype": (b"<!DOCTYPE xml []>" + envelope(SEALED), 400),
    "entity": (b'<!DOCTYPE x [<!ENTITY a "b">]><xml><Encrypt>&a;</Encrypt></xml>', 400),
    "Chinese Encrypt": ("<xml><Encrypt>密文</Encrypt></xml>".encode(), 400),
    "64 KB and one": (envelope(SEALED).ljust(64 * 1024 + 1), 413),
    "deep JSON": (b'{"encrypt":' * 5000, 400),
    "deep XML": (b"<xml>" * 9000, 400),
    "JSON list": (b"[1]", 400),
    "JSON number": (b'{"encrypt": 1}', 400),
    "another cipher text": (envelope(encrypt(EVENT)), 403),
}


@pytest.mark.parametrize("name", ENVELOPES)
def test_bad_envelopes(name: str) -> None:
    body, status = ENVELOPES[name]
    assert refused(arguments(SEALED), body) == status


def resealed(plain: bytes) -> tuple[dict[str, str], bytes]:
    """An authentic signature over whatever bytes are inside."""
    sealed = base64.b64encode(plain).decode()
    return arguments(sealed), envelope(sealed)


def test_bad_sealed_blocks() -> None:
    cipher: WeChatCipher = KEYS.cipher
    whole = base64.b64decode(SEALED)
    assert refused(*resealed(whole[:-16])) == 400
    assert refused(*resealed(whole[:-1])) == 400
    assert refused(*resealed(cipher.encrypt(bytes(32)))) == 400
    assert refused(*resealed(cipher.encrypt(b"x" * 31 + b"\x21"))) == 400
    assert refused(*resealed(cipher.encrypt(b"x" * 30 + b"\x01\x02"))) == 400
    assert refused(*resealed(cipher.encrypt(b"\x20" * 32))) == 400
    event = EVENT.encode() + b"\n" * 5
    uneven = b"r" * 16 + len(event).to_bytes(4, "big") + event + CORP.encode()
    size = 32 - len(uneven) % 32
    assert open_callback(KEYS, *resealed(cipher.encrypt(uneven + bytes([size]) * size)), NOW).name
    assert refused(*resealed(cipher.encrypt(uneven + b"\x00" * (size - 1) + bytes([size])))) == 400
    long = b"r" * 16 + b"\xff\xff\xff\xff" + b"x" * 11
    assert refused(*resealed(cipher.encrypt(long + b"\x01"))) == 400
    sealed = "not*base64"
    assert refused(arguments(sealed), envelope(sealed)) == 400


def test_the_key_of_another_app_is_refused() -> None:
    other = CallbackKeys(TOKEN, "B" * 43, CORP)
    args, body = posted(EVENT)
    with pytest.raises(BadCallbackError) as caught:
        open_callback(other, args, body, NOW)
    assert caught.value.status == 400


def test_another_corp_and_stale_times_are_refused() -> None:
    assert refused(*posted(EVENT, corp="wwsomebodyelse")) == 403
    assert refused(*posted(EVENT.replace("1767578400", "1767570000"))) == 403
    assert refused(*posted(EVENT.replace("1767578400", "1767590000"))) == 403
    assert refused(*posted(EVENT), window=timedelta(seconds=5)) == 403
    assert refused(*posted(EVENT.replace("1767578400", "9" * 30))) == 400
    assert refused(*posted(EVENT.replace("1767578400", "soon"))) == 400


@pytest.mark.parametrize(
    "inner",
    [
        *("", "text", "<xml/>", "<xml><a/></xml>", "<a/>", "<xml><MsgType/></xml>", "<!DOCTYPE a><xml/>"),
        "<xml>" + "<a>" * 20 + "</a>" * 20 + "<MsgType>event</MsgType></xml>",
    ],
)
def test_bad_inner_xml(inner: str) -> None:
    assert refused(*posted(inner)) == 400


@pytest.mark.parametrize("name", ["msg_signature", "timestamp", "nonce"])
@pytest.mark.parametrize("value", [None, "", "中", "x" * 300, "\ud800"])
def test_bad_arguments(name: str, value: str | None) -> None:
    args, body = posted(EVENT)
    args = {k: v for k, v in args.items() if k != name} | ({} if value is None else {name: value})
    assert refused(args, body) == 400


def test_wrong_signature_is_403() -> None:
    args, body = posted(EVENT)
    assert refused(args | {"msg_signature": args["msg_signature"].upper()}, body) == 403
    assert refused(args | {"nonce": "n1"}, body) == 403


def test_malformed_keys_are_refused_at_load() -> None:
    for token, aes in [("", AES_KEY), (TOKEN, "short"), (TOKEN, "!" * 43), (TOKEN, AES_KEY + "=")]:
        with pytest.raises(ValueError, match=r"Token|EncodingAESKey"):
            CallbackKeys(token, aes, CORP)
    assert TOKEN not in repr(KEYS)
    assert AES_KEY not in repr(KEYS)


def survives(args: dict[str, str], body: bytes) -> bool:
    """Whether it is read; if not it is refused with a status, and any other exception fails the test."""
    with suppress(BadCallbackError):
        open_callback(KEYS, args, body, NOW)
        return True
    return False


PIECES = [
    *("<xml>", "</xml>", "<Encrypt>", "</Encrypt>", "<![CDATA[", "]]>", "<MsgType>", "</MsgType>", "event"),
    *("<CreateTime>", "</CreateTime>", "1767578400", "&amp;", "&#0;", "&x;", "<!--", "-->", "<?xml?>"),
    *("<?xml version='1.0' encoding='utf-16'?>", "<!DOCTYPE a>", "{", '"encrypt":', '"', "}", "\x00", "中"),
]
XMLISH = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.binary(max_size=300), XMLISH.map(str.encode)))
def test_fuzzed_bodies(body: bytes) -> None:
    survives(arguments(SEALED), body)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=160), st.binary(max_size=160).map(lambda b: b.ljust(-len(b) % 32 + len(b)))))
def test_fuzzed_blocks_under_an_authentic_signature(plain: bytes) -> None:
    survives(*resealed(plain))
    survives(*resealed(KEYS.cipher.encrypt(plain.ljust(-len(plain) % 16 + len(plain), b"\x20"))))


@settings(max_examples=400, deadline=None)
@given(st.one_of(XMLISH, st.text(max_size=200)))
def test_fuzzed_messages_under_an_authentic_seal(inner: str) -> None:
    sealed = seal(KEYS, inner.encode("utf-8", "surrogatepass"))
    survives(arguments(sealed), envelope(sealed))


def dice(seed: int) -> Iterator[int]:
    """Endless numbers that depend on the seed alone."""
    for turn in count():
        yield from hashlib.sha256(f"{seed}/{turn}".encode()).digest()


def spoilt(whole: bytes, seed: int) -> bytes:
    """`whole` with some bytes changed, cut out, doubled or swapped for pieces of XML."""
    roll, spoilt = dice(seed), bytearray(whole)
    for _ in range(next(roll) % 4 + 1):
        at = (next(roll) << 8 | next(roll)) % (len(spoilt) or 1)
        match next(roll) % 4:
            case 0:
                spoilt[at : at + 1] = bytes([next(roll)])
            case 1:
                del spoilt[at : at + next(roll)]
            case 2:
                spoilt[at:at] = PIECES[next(roll) % len(PIECES)].encode()
            case _:
                spoilt[at:at] = spoilt[at : at + next(roll)]
    return bytes(spoilt)


def test_ten_thousand_spoilt_posts() -> None:
    """Half of them break the envelope, half the message under an authentic seal."""
    whole, inner, read = envelope(SEALED), EVENT.encode(), 0
    for seed in range(5_000):
        read += survives(arguments(SEALED), spoilt(whole, seed))
        sealed = seal(KEYS, spoilt(inner, seed))
        read += survives(arguments(sealed), envelope(sealed))
    assert 100 < read < 5_000  # neither all refused (then nothing was reached) nor most read


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(["msg_signature", "timestamp", "nonce", "echostr"]), st.text(max_size=250)))
def test_fuzzed_url_checks(args: dict[str, str]) -> None:
    with pytest.raises(BadCallbackError):
        verify_url(KEYS, args)
