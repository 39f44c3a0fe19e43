"""Two independent implementations of WeCom's callbacks, asked to seal and to open: npm's @wecom/crypto and PyPI's
weworkapi. `python -m tests.wecom.interop` (with both at hand) writes what they made into interop.json anew."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from bot.wecom.callback import seal, sign
from tests.wecom.sealed import AES_KEY, CORP, KEYS, TOKEN

HERE = Path(__file__).parent
VECTORS = HERE / "interop.json"
TIMESTAMP, NONCE = "1767578400", "n0nce"
NPM, PYPI, OURS = "@wecom/crypto 1.0.1 (npm)", "weworkapi 0.1.7 (PyPI)", "ours"
Made = dict[str, str]


def message(words: str) -> str:
    """A text message of a member to the app, as the callback brings it."""
    return (
        f"<xml><ToUserName><![CDATA[{CORP}]]></ToUserName><FromUserName><![CDATA[LinXiaoyu]]></FromUserName>"
        f"<CreateTime>{TIMESTAMP}</CreateTime><MsgType><![CDATA[text]]></MsgType>"
        f"<Content><![CDATA[{words}]]></Content><MsgId>1</MsgId><AgentID>1000002</AgentID></xml>"
    )


# With the last ones every length of padding occurs.
SENTENCES = ["今日", "完成 1", "推迟 2 明天下午三点", "emoji 😀 与 \u200b 零宽", "<b>&amp;</b>", "长" * 600]
EVERY_PADDING = SENTENCES + ["x" * more for more in range(1, 33)]


def ours(plain: str) -> Made:
    """Sealed and signed by the product."""
    sealed = seal(KEYS, plain.encode())
    return {"plain": plain, "sealed": sealed, "signature": sign(KEYS, TIMESTAMP, NONCE, sealed)}


def weworkapi() -> Any:
    """Its WXBizMsgCrypt with our keys; None where it is not installed."""
    if find_spec("weworkapi") is None or find_spec("Crypto") is None:
        return None
    sys.modules.setdefault("xml.etree.cElementTree", ElementTree)  # the package asks for its name of old
    from weworkapi.WXBizMsgCrypt3 import WXBizMsgCrypt

    return WXBizMsgCrypt(TOKEN, AES_KEY, CORP)


def weworkapi_makes(crypt: Any, plain: str) -> Made:
    code, body = crypt.EncryptMsg(plain, NONCE, TIMESTAMP)
    assert code == 0
    found = ElementTree.fromstring(body)
    return {"plain": plain, "sealed": found.findtext("Encrypt", ""), "signature": found.findtext("MsgSignature", "")}


def envelope(sealed: str) -> str:
    return f"<xml><ToUserName>{CORP}</ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>"


def node(plain: list[str], sealed: list[str]) -> dict[str, Any] | None:
    """What @wecom/crypto makes of `plain` and of `sealed`; None without node or without the package.

    It is looked for in the folder where we are, and in NODE_PATH.
    """
    program = shutil.which("node")
    if program is None:
        return None
    asked = {"token": TOKEN, "aes_key": AES_KEY, "receive_id": CORP, "timestamp": TIMESTAMP, "nonce": NONCE}
    request = json.dumps({**asked, "plain": plain, "sealed": sealed})
    done = subprocess.run([program, str(HERE / "interop.mjs")], input=request, capture_output=True, text=True)
    if "MODULE_NOT_FOUND" in done.stderr:
        return None
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> None:
    """Write the vectors: what each made, and what both read in what we made."""
    mine = [ours(message(words)) for words in SENTENCES]
    crypt, npm = weworkapi(), node([message(words) for words in SENTENCES], [made["sealed"] for made in mine])
    if crypt is None or npm is None:
        raise SystemExit("npm install @wecom/crypto, pip install weworkapi pycryptodome")
    for made, opened in zip(mine, npm["opened"], strict=True):
        read = crypt.DecryptMsg(envelope(made["sealed"]), made["signature"], TIMESTAMP, NONCE)
        assert read == (0, made["plain"].encode())
        assert opened == {"message": made["plain"], "id": CORP, "signature": made["signature"]}
    vectors = {PYPI: [weworkapi_makes(crypt, message(words)) for words in SENTENCES], NPM: npm["made"], OURS: mine}
    VECTORS.write_text(json.dumps(vectors, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
