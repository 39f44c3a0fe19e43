"""Shared wording of the doctor's WeCom checks: places in its console, and its answers in words."""

from __future__ import annotations

from bot.ops.doctor.finding import BAD, OK, Answer, Finding
from taggers.translatable import Translatable

REFUSED_ADDRESS = (60020, 301042, 10009)  # IP not trusted: by the app's API, the archive's API, the archive library
CONSOLE = Translatable("管理后台 → 应用管理 → 自建应用")
ARCHIVE = Translatable("管理后台 → 安全与管理 → 管理工具 → 会话内容存档")


def judge_token(answer: Answer, mend: str) -> Finding:
    if answer.error is None:
        return Finding(OK, "能换到 access_token")
    if answer.errcode in REFUSED_ADDRESS:  # the check of the address reports it
        return Finding(OK, "没有被拒绝")
    return Finding(BAD, said(answer), mend)


def said(answer: Answer) -> str:
    assert answer.error is not None
    code = (
        Translatable("没有读得懂的回答")
        if answer.error.errcode is None
        else Translatable("错误码 {errcode}", errcode=answer.error.errcode)
    )
    return Translatable("{code}：{advice}", code=code, advice=answer.error.remedy.advice)


def seen_address(answer: Answer) -> str:
    """The address that WeCom saw, taken from its errmsg."""
    _, mark, rest = (answer.error.errmsg if answer.error else "").partition("from ip: ")
    return Translatable("：{address}", address=rest.split(",")[0].strip()) if mark else ""
