"""The archive: seq, keys by version, what is and is not archived, media."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.sandbox.wecom import Json, Wecom

SEED = "wmSEEDcustomer0000000000000000A1"


def pull(wecom: Wecom, seq: int = 0, limit: int = 1000) -> list[Json]:
    reply = wecom.archive("message/getchatdata", {"seq": seq, "limit": limit})
    assert reply["errcode"] == 0
    return list(reply["chatdata"])


def unseal(folder: Path, row: Json) -> Json:
    pem = (folder / "keys" / f"private_key_v{row['publickey_ver']}.pem").read_bytes()
    key = serialization.load_pem_private_key(pem, None)
    assert isinstance(key, RSAPrivateKey)
    random_key = key.decrypt(base64.b64decode(row["encrypt_random_key"]), PKCS1v15())
    assert len(random_key) == 88
    assert random_key.decode().isprintable()
    sealed = base64.b64decode(row["encrypt_chat_msg"])
    plain = AESGCM(hashlib.sha256(random_key).digest()).decrypt(sealed[:12], sealed[12:], None)
    return dict(json.loads(plain))


def test_rows_come_after_the_given_seq_in_order(wecom: Wecom) -> None:
    wecom.control.archive({"from": SEED, "to": "LinXiaoyu", "text": f"第{n}句"} for n in range(25))
    rows = pull(wecom, limit=10)
    assert [row["seq"] for row in rows] == list(range(1, 11))
    rows += pull(wecom, seq=10) + pull(wecom, seq=25)
    assert [unseal(wecom.folder, row)["text"]["content"] for row in rows] == [f"第{n}句" for n in range(25)]


def test_a_message_has_the_envelope_of_the_field(wecom: Wecom) -> None:
    wecom.control.say(SEED, "LINXIAOYU", "课多少钱?")
    message = unseal(wecom.folder, pull(wecom)[0])
    assert message["msgid"].endswith("_external")
    assert (message["action"], message["msgtype"], message["roomid"]) == ("send", "text", "")
    assert (message["from"], message["tolist"]) == (SEED, ["LinXiaoyu"])
    assert message["msgtime"] > 10**12


@pytest.mark.parametrize("limit", [0, 1001, "10", True])
def test_limits_out_of_range_are_refused(wecom: Wecom, limit: object) -> None:
    reply = wecom.archive("message/getchatdata", {"seq": 0, "limit": limit})
    assert (reply["errcode"], reply["chatdata"]) == (40058, [])


def test_seqs_may_have_gaps(wecom: Wecom) -> None:
    wecom.control.say(SEED, "LinXiaoyu", "一")
    wecom.control.post("archive/gap", {"count": 7})
    wecom.control.say(SEED, "LinXiaoyu", "二")
    assert [row["seq"] for row in pull(wecom)] == [1, 9]


def test_keys_rotate_and_old_messages_keep_theirs(wecom: Wecom) -> None:
    wecom.control.say(SEED, "LinXiaoyu", "旧")
    assert wecom.control.rotate_key() == 2
    wecom.control.say(SEED, "LinXiaoyu", "新")
    rows = pull(wecom)
    assert [row["publickey_ver"] for row in rows] == [1, 2]
    assert [unseal(wecom.folder, row)["text"]["content"] for row in rows] == ["旧", "新"]


def test_a_withheld_key_is_missing_until_it_is_published(wecom: Wecom) -> None:
    version = wecom.control.rotate_key(withheld=True)
    wecom.control.say(SEED, "LinXiaoyu", "看不懂")
    [row] = pull(wecom)
    assert row["publickey_ver"] == version
    with pytest.raises(FileNotFoundError):
        unseal(wecom.folder, row)
    assert wecom.control.publish_keys() == [version]
    assert unseal(wecom.folder, row)["text"]["content"] == "看不懂"


def test_poison_is_handed_out_as_it_was_put_in(wecom: Wecom) -> None:
    wecom.control.post("archive/raw", {"msgid": "m1", "publickey_ver": 99, "encrypt_chat_msg": "short"})
    [row] = pull(wecom)
    assert (row["msgid"], row["publickey_ver"], row["encrypt_chat_msg"]) == ("m1", 99, "short")


def test_who_disagrees_is_not_archived(wecom: Wecom) -> None:
    wecom.control.consent("LinXiaoyu", SEED, agree=False)
    assert wecom.control.say(SEED, "LinXiaoyu", "不要存我")["seq"] is None
    info = {"info": [{"userid": "LinXiaoyu", "exteranalopenid": SEED}]}
    assert wecom.archive("msgaudit/check_single_agree", info)["agreeinfo"][0]["agree_status"] == "Disagree"
    wecom.control.consent("LinXiaoyu", SEED)
    [fields] = wecom.callbacks("change_external_contact")
    assert fields["ChangeType"] == "msg_audit_approved"
    assert fields["WelcomeCode"]
    kinds = [unseal(wecom.folder, row)["msgtype"] for row in pull(wecom)]
    assert kinds == ["disagree", "agree"]


def test_members_without_a_seat_are_not_archived(wecom: Wecom) -> None:
    wecom.control.post("members", {"userid": "LinXiaoyu", "archived": 0})
    assert wecom.control.say(SEED, "LinXiaoyu", "你好")["seq"] is None
    assert "LinXiaoyu" not in wecom.archive("msgaudit/get_permit_user_list", {})["ids"]


def test_revoking_refers_to_the_first_message(wecom: Wecom) -> None:
    first = wecom.control.say("LinXiaoyu", SEED, "发错了")["msgid"]
    wecom.control.revoke(first)
    message = unseal(wecom.folder, pull(wecom)[1])
    assert (message["action"], message["msgtype"], message["revoke"]) == ("recall", "revoke", {"pre_msgid": first})


@pytest.mark.parametrize("size", [40, 512 * 1024 - 16, 512 * 1024, 1_300_000])
def test_media_come_in_slices_that_join(wecom: Wecom, size: int) -> None:
    content = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    wecom.control.send(SEED, "LinXiaoyu", "file", filename="a.pdf", content_base64=base64.b64encode(content).decode())
    body = unseal(wecom.folder, pull(wecom)[0])["file"]
    assert (body["filename"], body["fileext"], body["filesize"]) == ("a.pdf", "pdf", size)
    file_id, auth_key, key = unpack(body["sdkfileid"])
    sealed, total = b"", 1
    while len(sealed) < total:
        window = {"Range": f"bytes={len(sealed)}-{len(sealed) + 512 * 1024 - 1}"}
        asked = {"fileid": file_id, "authkey": auth_key, "version": 3}
        query = {"access_token": wecom.token("ARCHIVE")}
        reply = wecom.raw("message/getchatmediadata", asked, query, window)[1]
        before, total = len(sealed), size + 16 - size % 16
        sealed += base64.b64decode(reply["content"])
        assert wecom.answered["CONTENT-RANGE"] == f"BYTES {before}-{len(sealed) - 1}/{total}"
    decryptor = Cipher(algorithms.AES(bytes.fromhex(key)), modes.ECB()).decryptor()
    padded = decryptor.update(sealed) + decryptor.finalize()
    plain = padded[: -padded[-1]]
    assert plain == content
    assert hashlib.md5(plain).hexdigest() == body["md5sum"]


def unpack(sdkfileid: str) -> list[str]:
    packed, texts = base64.b64decode(sdkfileid), []
    while packed:
        size, head = packed[1], 2
        if size > 127:
            size, head = size & 127 | packed[2] << 7, 3
        texts.append(packed[head : head + size].decode())
        packed = packed[head + size :]
    return texts


def test_old_messages_leave_the_archive_after_five_days(wecom: Wecom) -> None:
    wecom.control.say(SEED, "LinXiaoyu", "旧")
    wecom.control.move_clock(5 * 86_400 + 60)
    wecom.control.say(SEED, "LinXiaoyu", "新")
    assert [row["seq"] for row in pull(wecom)] == [2]


def test_a_large_answer_may_be_refused(wecom: Wecom) -> None:
    wecom.control.switches(response_too_large=500)
    assert wecom.archive("message/getchatdata", {"seq": 0, "limit": 501})["errcode"] == 301058
    assert pull(wecom, limit=500) == []


def test_twice_as_many_messages_are_posted_for_twice_the_work(wecom: Wecom) -> None:
    """As many as a long replay has, each chunk in one transaction; the sandbox runs in this process."""
    posted, least = 0, {1000: math.inf, 2000: math.inf}
    for _ in range(12):
        for count, before in least.items():
            began = time.process_time()
            wecom.control.archive(
                {"from": f"wmREPLAY{n % 300}", "to": "ChenGuoan", "text": "你好"} for n in range(count)
            )
            least[count] = min(before, time.process_time() - began)
            posted += count
        if posted >= 8500 and least[2000] <= 2.5 * least[1000]:
            break
    assert least[2000] <= 2.5 * least[1000]
    assert posted >= 8500
    assert wecom.control.state()["last_seq"] == posted
    assert len(wecom.control.effects(0, "bulk")) == posted / 3000 * 2, "one transaction for at most 2,000 messages"
    reply = wecom.call("externalcontact/get", external_userid="wmREPLAY7")
    assert reply["follow_user"][0]["userid"] == "ChenGuoan"
