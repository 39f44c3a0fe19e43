"""Answers of the guided installation: each is cleaned or refused with one sentence that says what it looks like.

Pure: texts in, texts out. What only WeCom can tell is asked of it afterwards (bot/ops/doctor/).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from bot.wecom.errors import BotError
from taggers.translatable import Translatable

Given = Mapping[str, str]  # what was answered before, by variable
Check = Callable[[str, Given], str]

_CORP_ID = re.compile(r"w[wx][0-9a-zA-Z]{16}")
_SECRET = re.compile(r"[0-9A-Za-z_-]{43}")
_AES = re.compile(r"[0-9A-Za-z]{43}")
_TOKEN = re.compile(r"[0-9A-Za-z]{3,32}")
_ACCOUNT = re.compile(r"[\w.@-]{2,40}")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class AnswerError(BotError):
    """An answer that cannot be right; the text says why and what to type instead."""


def cleaned(text: str) -> str:
    """Without blanks around it, full-width signs as plain ones, quotes and a NAME= that were copied along."""
    text = unicodedata.normalize("NFKC", text).replace("\u200b", "").replace("\ufeff", "").strip()
    text = re.sub(r"^(export )?(TICI|WECOM)_[A-Z_]+ ?= ?", "", text)
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1].strip()
    if not text:
        raise AnswerError("还没有填：这一项不能空着")
    return text


def base_url(text: str, given: Given) -> str:
    """The public address: https and a host name, nothing behind it. With a WeCom on this machine, any address."""
    if plays_wecom(given):
        return text.rstrip("/")
    text = text if "://" in text else f"https://{text}"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise AnswerError("这不是一个网址：应像 https://tici.example.com") from None
    if parts.scheme not in ("http", "https"):
        raise AnswerError("网址要以 https:// 开头")
    if " " in text or not host or any(ord(sign) > 126 for sign in host):
        raise AnswerError("这不是一个网址：应像 https://tici.example.com")
    if host in _LOOPBACK or host.endswith(".local"):
        raise AnswerError("这个地址只有本机能打开，员工的手机和企业微信都到不了：要填公网的域名")
    if _is_address(host):
        raise AnswerError("要填域名，不能是 IP：企业微信的可信域名只认备案过的域名")
    if "." not in host or host in ("your.domain", "example.com", "tici.example.com"):
        raise AnswerError("要填您自己的域名，这是示例里的或不完整的")
    if parts.scheme == "http":
        raise AnswerError("网址要用 https：登录、侧边栏和回调都要求加密，先给域名配好证书")
    if port not in (None, 443):
        raise AnswerError("不要带端口：企业微信的可信域名只认 443")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise AnswerError("只要域名，后面不要带路径：回调与侧边栏的路径由提词自己加")
    return f"https://{host}"


def plays_wecom(given: Given) -> bool:
    """Whether a sandbox on this machine stands in for WeCom."""
    return urlsplit(given.get("WECOM_API_URL", "")).hostname in _LOOPBACK


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def corp_id(text: str, _given: Given) -> str:
    if text.isdigit():
        raise AnswerError("这是一串数字，像 AgentId：企业 ID 以 ww 开头，在「我的企业 → 企业信息」最下面")
    if _SECRET.fullmatch(text) and len(text) == 43:
        raise AnswerError("这是 43 个字符，像 Secret：企业 ID 以 ww 开头，共 18 个字符")
    if not text.startswith(("ww", "wx")):
        raise AnswerError("企业 ID 以 ww（早期的以 wx）开头，在「我的企业 → 企业信息」最下面")
    if not _CORP_ID.fullmatch(text):
        raise AnswerError(
            Translatable("企业 ID 共 18 个字符，这里有 {n} 个或夹着别的符号：是不是没有复制全", n=len(text))
        )
    return text


def app_id(text: str, _given: Given) -> str:
    if _CORP_ID.fullmatch(text):
        raise AnswerError("这是企业 ID：AgentId 是一个七位左右的数字，在应用详情页的最上面")
    if not (text.isascii() and text.isdigit()):
        raise AnswerError("AgentId 是一个数字，例如 1000002，在应用详情页的最上面")
    if int(text) < 1_000_000 or len(text) > 9:
        raise AnswerError("自建应用的 AgentId 是 1000002 这样的七位数字：这个数不像")
    return text


def app_secret(text: str, given: Given) -> str:
    text = _secret(text)
    if text == given.get("WECOM_ARCHIVE_SECRET"):
        raise AnswerError("这是会话内容存档的 Secret：这里要应用自己的，在应用详情页「Secret → 查看」")
    return text


def archive_secret(text: str, given: Given) -> str:
    text = _secret(text)
    if text == given.get("WECOM_APP_SECRET"):
        raise AnswerError("这是应用的 Secret：会话内容存档有它自己的，在「会话内容存档 → Secret → 查看」")
    return text


def _secret(text: str) -> str:
    if set(text) <= {"*", "•", "·"}:
        raise AnswerError("复制到的是星号：点「查看」，Secret 会发到管理员的企业微信里，从那里复制")
    if _CORP_ID.fullmatch(text):
        raise AnswerError("这是企业 ID，不是 Secret：Secret 是 43 个字符")
    if text.isdigit():
        raise AnswerError("这是一串数字，像 AgentId：Secret 是 43 个字符")
    if re.search(r"\s", text):
        raise AnswerError("中间有空格或换行：Secret 是连续的 43 个字符")
    if len(text) != 43:
        raise AnswerError(Translatable("Secret 是 43 个字符，这里有 {n} 个：是不是没有复制全", n=len(text)))
    if not _SECRET.fullmatch(text):
        raise AnswerError("Secret 里只有字母、数字、- 和 _：是不是复制到了别的东西")
    return text


def token(text: str, given: Given) -> str:
    if _AES.fullmatch(text):
        raise AnswerError("这是 43 个字符，像 EncodingAESKey：两格不要填反")
    if not _TOKEN.fullmatch(text):
        raise AnswerError("Token 是 3 到 32 个字母和数字")
    if text in (given.get("WECOM_CORP_ID"), given.get("WECOM_APP_ID")):
        raise AnswerError("这是前面填过的企业 ID 或 AgentId：Token 是后台「接收消息」里的那一格")
    return text


def aes_key(text: str, given: Given) -> str:
    if text == given.get("WECOM_CALLBACK_TOKEN"):
        raise AnswerError("这是 Token：EncodingAESKey 是下面那一格，43 个字符")
    if len(text) == 44 and text.endswith("="):
        raise AnswerError("末尾多了一个等号：EncodingAESKey 正好 43 个字符，不带等号")
    if len(text) != 43:
        raise AnswerError(Translatable("EncodingAESKey 正好 43 个字符，这里有 {n} 个", n=len(text)))
    if not _AES.fullmatch(text):
        raise AnswerError("EncodingAESKey 里只有字母和数字")
    return text


def key_version(text: str, _given: Given) -> str:
    text = text.lower().removeprefix("v").removeprefix("版本").strip()
    if not (text.isascii() and text.isdigit()):
        raise AnswerError("版本是一个数字，贴上公钥并保存后，后台会显示，第一次是 1")
    if not 1 <= int(text) <= 999:
        raise AnswerError("版本从 1 开始，每换一次公钥加一：这个数不像")
    return text


def library(text: str, _given: Given) -> str:
    if text.endswith((".zip", ".tgz", ".tar.gz", ".rar")):
        raise AnswerError("这是压缩包：先解开，填里面 libWeWorkFinanceSdk_C.so 的完整路径")
    if text.endswith(".dll"):
        raise AnswerError("这是 Windows 的库：要下载 Linux 的那一个，里面是 .so")
    if text.startswith(("http://", "https://")):
        raise AnswerError("这是下载地址：先下载到服务器上，填文件的完整路径")
    if not text.startswith("/"):
        raise AnswerError("要填完整路径，以 / 开头")
    if not text.endswith(".so"):
        raise AnswerError("库的文件名以 .so 结尾，一般是 libWeWorkFinanceSdk_C.so")
    return text


def proof_file(text: str, _given: Given) -> str:
    if text.startswith(("http://", "https://")):
        raise AnswerError("这是网址：先把 WW_verify_….txt 下载到服务器上，填文件的完整路径")
    if not re.fullmatch(r"WW_verify_\w+\.txt", text.rpartition("/")[2]):
        raise AnswerError("文件名应是 WW_verify_….txt，不要改名")
    return text


def account(text: str, _given: Given) -> str:
    if not _ACCOUNT.fullmatch(text):
        raise AnswerError("名字用 2 到 40 个字母、数字或汉字，中间不要空格")
    return text


def database_url(text: str, _given: Given) -> str:
    if text.startswith("mysql"):
        raise AnswerError("不支持 MySQL：用 PostgreSQL，或空着用自带的 SQLite")
    if not text.startswith(("postgresql://", "postgres://", "sqlite:///")):
        raise AnswerError("应写作 postgresql://用户:密码@主机/库名，或空着用自带的 SQLite")
    return text
