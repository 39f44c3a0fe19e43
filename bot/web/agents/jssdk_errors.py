"""Errors of WeCom's JS-SDK in words: what happened and who can mend it."""

from __future__ import annotations

import re

# By what the message holds, the more telling first; errMsg is "name:fail reason", error codes come as numbers in it.
WORDS = (
    ("no permission", "企业微信不允许：请管理员确认您在应用的可见范围、有客户联系权限，应用在「可调用接口的应用」里"),
    ("without context of external contact", "请从和客户的聊天里打开侧边栏，再点发送"),
    (
        "permission denied",
        "企业微信不允许：请管理员确认您在应用的可见范围、有客户联系权限，应用在「可调用接口的应用」里",
    ),
    ("invalid imgurl", "小程序的封面图片打不开，请先复制文字发送，再告诉管理员"),
    ("invalid signature", "页面签名不对，请管理员核对企业 ID、应用和可信域名"),
    ("invalid url domain", "这个网址不是应用的可信域名，请管理员在企业微信后台设置"),
    ("not exist", "企业微信版本太低，请升级后再试"),
    ("40093", "页面签名不对，请管理员核对企业 ID、应用和可信域名"),
    ("42012", "页面签名过期了，请关掉侧边栏再打开"),
    ("80001", "这个网址不是应用的可信域名，请管理员在企业微信后台设置"),
    ("40007", "图片或文件在企业微信里过期了，会自动重新上传，请过一会儿再试"),
    ("45009", "企业微信调用太频繁，请过一分钟再试"),
    ("timeout", "企业微信没有回应，请关掉侧边栏再打开"),
)
UNKNOWN = "企业微信没有接受，请点复制，粘贴到聊天里发送"
ALL = frozenset({words for _, words in WORDS} | {UNKNOWN})
CANCELLED = re.compile(r":\s*cancel\b")


def in_words(message: str) -> str:
    """The Chinese (to be translated) for an errMsg of the JS-SDK; empty where the agent cancelled."""
    lowered = message.casefold()
    if CANCELLED.search(lowered):
        return ""
    return next((words for mark, words in WORDS if mark in lowered), UNKNOWN)
