"""Questions of the guided installation, in the order in which WeCom's console lets them be answered."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.ops.setup import answers
from bot.ops.setup.answers import Check

_LETTERS = string.ascii_letters + string.digits


def new_token() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(24))


def new_aes_key() -> str:
    """43 letters and digits that, with one "=", are base64 of 32 bytes: the last carries two bits only."""
    return "".join(secrets.choice(_LETTERS) for _ in range(42)) + secrets.choice("AEIMQUYcgkosw048")


@dataclass(frozen=True)
class Question:
    """One thing to ask. name: the variable it fills, in small letters what is no variable.

    where: where in the console it stands. optional: an empty answer passes over it (`gate`: over its whole part).
    make: makes the value here, to be copied into the console. live: doctor checks that tell whether it is right.
    """

    name: str
    title: str
    where: str
    check: Check | None = None
    optional: bool = False
    gate: bool = False
    make: Callable[[], str] | None = None
    live: tuple[str, ...] = ()


@dataclass(frozen=True)
class Part:
    """What is asked together; `then`: what to do in the console after it, before the live checks of `live`."""

    title: str
    questions: tuple[Question, ...]
    then: str = ""
    live: tuple[str, ...] = field(default=())


_APP = "管理后台 → 应用管理 → 自建 → 您的应用"
_DOMAIN = f"{_APP} → 网页授权及 JS-SDK → 设置可信域名 → 下载 WW_verify_….txt"
_ARCHIVE = "管理后台 → 安全与管理 → 管理工具 → 会话内容存档"

PARTS = (
    Part(
        "服务器",
        (
            Question(
                "TICI_BASE_URL",
                "员工手机能打开的网址",
                "您备案过的域名，例如 https://tici.abc.com；证书用 certbot 配好",
                answers.base_url,
            ),
            Question(
                "TICI_DATABASE_URL",
                "数据库（回车用自带的 SQLite）",
                "多台机器时用 PostgreSQL：postgresql://用户:密码@主机/库名",
                answers.database_url,
                optional=True,
                live=("database",),
            ),
        ),
    ),
    Part(
        "应用",
        (
            Question("WECOM_CORP_ID", "企业 ID", "管理后台 → 我的企业 → 企业信息 → 最下面", answers.corp_id),
            Question(
                "WECOM_APP_ID", "应用的 AgentId", f"{_APP} → AgentId（还没有应用就先「创建应用」）", answers.app_id
            ),
            Question(
                "WECOM_APP_SECRET",
                "应用的 Secret",
                f"{_APP} → Secret → 查看（发到管理员的企业微信里）",
                answers.app_secret,
                live=("network", "clock", "corp-id", "app-secret"),
            ),
        ),
    ),
    Part(
        "接收消息",
        (
            Question(
                "WECOM_CALLBACK_TOKEN", "Token", f"{_APP} → 接收消息 → 设置 API 接收", answers.token, make=new_token
            ),
            Question(
                "WECOM_CALLBACK_AES_KEY",
                "EncodingAESKey",
                f"{_APP} → 接收消息 → 设置 API 接收",
                answers.aes_key,
                make=new_aes_key,
            ),
        ),
        then="在「设置 API 接收」里填：URL {base}/wecom/callback，以及上面的 Token 和 EncodingAESKey，"
        "勾选「外部联系人变更回调」，保存",
        live=("public-url", "callback"),
    ),
    Part(
        "可信域名与可信 IP",
        (
            Question(
                "proof_file",
                "可信域名的验证文件（回车跳过）",
                _DOMAIN,
                answers.proof_file,
                optional=True,
                live=("trusted-domain",),
            ),
        ),
        then="在「企业可信 IP」里加上这台服务器的公网 IP，等一分钟",
        live=("app-ip", "app-enabled", "app-id"),
    ),
    Part(
        "客户联系",
        (),
        then="管理后台 → 客户与上下游 → 客户联系 → 权限配置：选好使用范围，并在「可调用接口的应用」里勾上您的应用",
        live=("contact-right", "contact-members"),
    ),
    Part(
        "会话内容存档",
        (
            Question(
                "WECOM_ARCHIVE_SECRET",
                "会话内容存档的 Secret（回车：以后再接）",
                f"{_ARCHIVE} → Secret → 查看",
                answers.archive_secret,
                optional=True,
                gate=True,
                live=("archive-secret",),
            ),
            Question(
                "key_version",
                "后台显示的公钥版本",
                f"{_ARCHIVE} → 消息加密公钥 → 设置，贴上上面的公钥",
                answers.key_version,
            ),
            Question(
                "WECOM_FINANCE_SDK",
                "SDK 的完整路径",
                "企业微信官网下载 SDK（Linux），解开后的 libWeWorkFinanceSdk_C.so",
                answers.library,
                live=("sdk",),
            ),
            Question(
                "WECOM_ARCHIVE_CALLBACK_TOKEN", "Token", f"{_ARCHIVE} → 接收事件服务器", answers.token, make=new_token
            ),
            Question(
                "WECOM_ARCHIVE_CALLBACK_AES_KEY",
                "EncodingAESKey",
                f"{_ARCHIVE} → 接收事件服务器",
                answers.aes_key,
                make=new_aes_key,
            ),
        ),
        then="在「会话内容存档」里：选好存档的员工；可信 IP 加上这台服务器；接收事件服务器填 {base}/wecom/archive "
        "和上面两项，保存。然后用自己的微信给一位员工说一句话",
        live=(
            "archive-ip",
            "archive-open",
            "seats",
            "archive-read",
            "private-keys",
            "archive-callback",
            "one-message",
        ),
    ),
)
