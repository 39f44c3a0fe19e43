"""Errors: the base of all our exceptions, those of WeCom, and the table of errcodes with their remedies."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.wecom.translatable import Translatable

_SECRET = re.compile(r"""(?i)\b(corpsecret|access_token|secret|ticket|code)(["']?\s*[=:]\s*["']?)[^&\s'",}]+""")
_BREAKS = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\ud800-\udfff]+")


class BotError(Exception):
    """The base of every exception that this product defines."""


class BadCallbackError(BotError):
    """A callback is refused. `status` is the HTTP status to answer: 400, 403 or 413."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


class StaleCallbackError(BadCallbackError):
    """A callback is authentic and too old: somebody sends a recorded one again."""


class UnreadableMessageError(BotError):
    """An archived message cannot be understood at all; the caller keeps it raw, in quarantine."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Remedy:
    """How a failed call is to be treated.

    permanent: the same call never succeeds. retry_after: seconds to wait before the next try. tries: how
    often to try at most (None: the caller's own limit). refresh: the access token is dead, fetch another. pause: stop
    calling this API and raise an alarm, a person must mend something first. unsure: the call may have had its effect.
    """

    advice: str = ""
    permanent: bool = False
    retry_after: float | None = None
    tries: int | None = None
    refresh: bool = False
    pause: bool = False
    unsure: bool = False


def _again(seconds: float, advice: str, tries: int | None = None) -> Remedy:
    return Remedy(Translatable(advice), retry_after=seconds, tries=tries)


def _mend(advice: str) -> Remedy:
    return Remedy(Translatable(advice), pause=True)


def _never(advice: str) -> Remedy:
    return Remedy(Translatable(advice), permanent=True)


_TOKEN = Remedy(Translatable("access_token 已失效，已自动换新"), refresh=True, retry_after=5)
UNKNOWN = _again(60, "未收录的错误码，稍后再试；反复出现时请查企业微信错误码文档")
UNREACHABLE = _again(5, "连不上企业微信，请检查网络、DNS 与防火墙")
REFUSED = _mend("地址或代理不对：核对 WECOM_API_URL 与网络代理")
UNANSWERED = Remedy(Translatable("请求已发出但没有收到完整应答，结果未知"), retry_after=5, unsure=True)

REMEDIES: dict[int, Remedy] = {
    # Refresh once.
    40014: _TOKEN,
    42001: _TOKEN,
    # Busy: back off.
    -1: _again(1, "企业微信繁忙", tries=3),
    45033: _again(2, "同一接口并发过多"),
    45035: _again(1, "同一客户正被同时修改，请逐个进行"),
    41063: _again(5, "群发任务还在分发"),
    41096: _again(1, "另一个应用正在发送欢迎语"),
    45009: _again(60, "调用次数超过上限，等窗口过去"),
    301058: _again(0, "一次拉取过多，减半再拉"),
    # A person must mend it.
    40001: _mend("Secret 不对：核对 WECOM_APP_SECRET / WECOM_ARCHIVE_SECRET；反复重试会被封 IP"),
    40013: _mend("企业 ID 不对：核对 WECOM_CORP_ID"),
    40056: _mend("agentid 不对：核对 WECOM_APP_ID"),
    41001: _mend("请求没有带 access_token"),
    41004: _mend("请求没有带 Secret：设置 WECOM_APP_SECRET"),
    43012: _mend("应用没有设置接收消息的回调 URL，不能发送可交互卡片"),
    48002: _mend("应用不在「客户联系 → 可调用接口的应用」里，或用错了 Secret"),
    48006: _mend("应用没有调用该接口的权限"),
    48009: _mend("应用没有调用该接口的权限"),
    50001: _mend("回调域名与应用的可信域名不一致"),
    50003: _mend("应用被停用，请在管理后台启用"),
    60020: _mend("本机 IP 不在企业可信 IP 里：管理后台 → 应用 → 企业可信IP，添加约一分钟后生效"),
    301002: _mend("agentid 与 Secret 不是同一个应用"),
    301042: _mend("会话内容存档：本机 IP 不在可信 IP 里"),
    301052: _mend("会话内容存档服务已到期"),
    301053: _mend("没有开通会话内容存档"),
    40093: _mend("JS-SDK 签名不对"),
    42012: _mend("JS-SDK ticket 已失效"),
    80001: _mend("页面域名不是应用的可信域名"),
    701008: _mend("没有可用的接口许可账号"),
    # This very call never succeeds.
    40003: _never("userid 不存在"),
    40007: _never("media_id 无效或已过期（三天）"),
    40029: _never("code 无效或已使用"),
    42003: _never("code 已过期"),
    42022: _never("code 已使用"),
    40035: _never("参数不对"),
    40058: _never("参数不对"),
    40063: _never("参数为空"),
    40068: _never("标签不存在"),
    40096: _never("external_userid 不存在"),
    40098: _never("成员尚未实名认证"),
    40099: _never("成员的客户数已到上限"),
    40126: _never("企业标签数已到上限"),
    41046: _never("群发任务 msgid 不存在"),
    41047: _never("群发任务 msgid 不存在"),
    41048: _never("没有可发送的客户"),
    41050: _never("欢迎语 code 无效或已过 20 秒"),
    41051: _never("欢迎语已发送过，或双方已经开始聊天"),
    41053: _never("客户尚未同意会话存档"),
    41054: _never("成员尚未激活"),
    41093: _never("群发任务已经取消"),
    41094: _never("群发任务提醒得太频繁"),
    42052: _never("已超过可撤回的时间"),
    45002: _never("内容超过长度上限"),
    # One member out of the app's range must not stop the others: only this call is given up.
    60011: _never("成员或客户不在应用可见范围内：管理后台 → 应用 → 可见范围"),
    60111: _never("userid 不存在"),
    81013: _never("没有一个有效的接收人：检查应用可见范围与成员是否已激活"),
    81017: _never("可见成员过多，请带上筛选条件"),
    84014: _never("user_ticket 无效"),
    84015: _never("user_ticket 已过期"),
    84061: _never("成员与客户没有好友关系"),
    90500: _never("群主没有离职"),
    90501: _never("不是客户群"),
    90502: _never("群主已离职"),
    301048: _never("存档数据已过保存期"),
    301059: _never("不是内部群，请改用客户群接口"),
    301060: _never("一次查询的条数超过上限"),
    # Return codes of the native archive library, which share no number with WeCom's errcodes.
    10000: _never("SDK：参数不对"),
    10001: _again(30, "SDK：网络不通，或企业 ID、存档 Secret、可信 IP 有误（SDK 不区分）"),
    10002: _again(5, "SDK：应答无法解析", tries=3),
    10003: _again(5, "SDK：系统错误", tries=3),
    10004: _never("SDK：密钥有误"),
    10005: _never("SDK：sdkfileid 不对"),
    10006: _never("SDK：解密失败"),
    10007: _never("SDK：密钥有误"),
    10008: _never("SDK：密钥与密文不符（私钥版本不对？）"),
    10009: _mend("SDK：本机 IP 不在会话存档的可信 IP 里"),
    10010: _never("SDK：数据已过保存期"),
    10011: _mend("SDK：TLS 证书有误，检查代理"),
}
ADVICE = frozenset(one.advice for one in (*REMEDIES.values(), _TOKEN, UNKNOWN, UNREACHABLE, REFUSED, UNANSWERED))
_CARD_FIELDS = range(42014, 42052)


def remedy(errcode: int | None) -> Remedy:
    """The remedy for an errcode; None stands for a call without a readable answer."""
    if errcode is None:
        return UNANSWERED
    if errcode in _CARD_FIELDS:
        return REMEDIES.get(errcode, _never("卡片字段不符合要求"))
    return REMEDIES.get(errcode, UNKNOWN)


def without_secrets(text: object) -> str:
    """The text as one line of at most 300 characters, with secrets, tokens and codes replaced."""
    return _BREAKS.sub(" ", _SECRET.sub(r"\1\2***", str(text)))[:300]


class WeComError(BotError):
    """A call to WeCom failed. errcode is WeCom's own, or None where no readable answer came."""

    def __init__(self, errcode: int | None, errmsg: object, how: Remedy | None = None, api: str = "") -> None:
        how = how or remedy(errcode)
        self.errcode, self.errmsg, self.api, self.remedy = errcode, without_secrets(errmsg), api, how
        self.permanent, self.retry_after, self.tries = how.permanent, how.retry_after, how.tries
        self.refresh, self.pause, self.unsure = how.refresh, how.pause, how.unsure
        code = Translatable("无应答") if errcode is None else errcode
        super().__init__(
            Translatable(
                "企业微信 {api} 出错（{code}）：{advice}；原文：{errmsg}",
                api=api or Translatable("接口"),
                code=code,
                advice=how.advice,
                errmsg=self.errmsg,
            )
        )

    def __reduce__(self) -> tuple[type[WeComError], tuple[object, ...]]:
        """Pickling keeps all fields: exceptions cross process boundaries."""
        return type(self), (self.errcode, self.errmsg, self.remedy, self.api)


class CallHeldError(WeComError):
    """A call was not made: a limit of WeCom's is used up, or calls like it fail at present.

    retry_after says when to try again; it does not count as one of the caller's tries.
    """
