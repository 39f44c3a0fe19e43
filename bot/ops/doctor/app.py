"""Doctor checks of WeCom and our app in it: each setting judged from outside, with the clicks that mend it."""

from __future__ import annotations

from datetime import timedelta
from email.utils import parsedate_to_datetime

from bot.ops.doctor.finding import BAD, OK, WARN, Finding, Probe
from bot.ops.doctor.words import CONSOLE, REFUSED_ADDRESS, judge_token, said, seen_address
from taggers.translatable import Translatable

_SKEW, _TOO_SKEWED = timedelta(minutes=1), timedelta(minutes=5)
_NOBODY = (81013, 60111, 40003)  # the errcodes of a message whose receiver does not exist: the app itself is right


def access(probe: Probe) -> Finding:
    if probe.system.environment.wecom is None:
        return Finding(BAD, "这个终端里没有接入信息", "设置 WECOM_CORP_ID 等环境变量（README「接入企业微信」）")
    return Finding(
        OK, Translatable("{corp_id}，应用 {app_id}", corp_id=probe.access.corp_id, app_id=probe.access.app_id)
    )


def network(probe: Probe) -> Finding:
    answer = probe.api_answer
    mend = "检查本机能否访问外网、DNS、代理和防火墙，以及 WECOM_API_URL"
    if answer is None:
        return Finding(BAD, Translatable("连不上 {api_url}", api_url=probe.access.api_url), mend)
    if answer.status_code >= 300:
        return Finding(
            BAD,
            Translatable(
                "{api_url} 回答 HTTP {status_code}", api_url=probe.access.api_url, status_code=answer.status_code
            ),
            mend,
        )
    return Finding(
        OK,
        Translatable(
            "HTTP {status_code}，{ms} 毫秒",
            status_code=answer.status_code,
            ms=f"{answer.elapsed.total_seconds() * 1000:.0f}",
        ),
    )


def skew(probe: Probe) -> Finding:
    header = probe.api_answer.headers.get("Date", "") if probe.api_answer is not None else ""
    try:
        apart = abs(probe.now - parsedate_to_datetime(header))
    except (ValueError, TypeError, OverflowError):
        return Finding(WARN, "企业微信没有说时间", "请自行核对本机时间")
    told = Translatable("与企业微信相差 {n} 秒", n=f"{apart.total_seconds():.0f}")
    mend = "打开时间同步：timedatectl set-ntp true（差太多时回调会被拒绝、提醒会早到或晚到）"
    if apart >= _TOO_SKEWED:
        return Finding(BAD, told, mend)
    return Finding(WARN if apart >= _SKEW else OK, told, mend if apart >= _SKEW else "")


def corp_id(probe: Probe) -> Finding:
    if 40013 in (probe.app_token.errcode, probe.archive_token.errcode):
        return Finding(
            BAD,
            Translatable("企业微信不认识 {corp_id}", corp_id=probe.access.corp_id),
            "管理后台 → 我的企业 → 企业 ID，填进 WECOM_CORP_ID",
        )
    return Finding(OK, probe.access.corp_id)


def app_secret(probe: Probe) -> Finding:
    mend = Translatable(
        "{console} → 您的应用 → Secret → 查看，填进 WECOM_APP_SECRET（反复用错的 Secret 会被封 IP 一小时）",
        console=CONSOLE,
    )
    return judge_token(probe.app_token, mend)


def app_ip(probe: Probe) -> Finding:
    answers = (probe.app_token, probe.follow_users, probe.message_to_nobody)
    refused = next((answer for answer in answers if answer.errcode in REFUSED_ADDRESS), None)
    if refused is None:
        return Finding(OK, "没有被拒绝")
    mend = Translatable(
        "{console} → 您的应用 → 企业可信IP → 配置，添加本机的公网 IP（约一分钟后生效）{address}",
        console=CONSOLE,
        address=seen_address(refused),
    )
    return Finding(BAD, "本机 IP 不在可信 IP 里（60020）", mend)


def app_enabled(probe: Probe) -> Finding:
    if 50003 in (probe.follow_users.errcode, probe.message_to_nobody.errcode):
        return Finding(BAD, "应用被停用（50003）", Translatable("{console} → 您的应用 → 启用应用", console=CONSOLE))
    return Finding(OK, "已启用")


def app_id(probe: Probe) -> Finding:
    answer = probe.message_to_nobody
    if answer.errcode in (301002, 40056):
        mend = Translatable("{console} → 您的应用 → AgentId，填进 WECOM_APP_ID", console=CONSOLE)
        return Finding(
            BAD,
            Translatable(
                "AgentId {app_id} 不属于这个 Secret（{errcode}）", app_id=probe.access.app_id, errcode=answer.errcode
            ),
            mend,
        )
    if answer.errcode not in (0, *_NOBODY):
        return Finding(WARN, said(answer), "稍后再查；反复出现时看 README 的错误码表")
    return Finding(OK, str(probe.access.app_id))


def contact_right(probe: Probe) -> Finding:
    answer = probe.follow_users
    if answer.errcode in (48002, 48006, 48009):
        mend = "管理后台 → 客户与上下游 → 客户联系 → 权限配置 → 可调用接口的应用，勾选您的应用"
        return Finding(BAD, Translatable("应用不能调用客户联系的接口（{errcode}）", errcode=answer.errcode), mend)
    if answer.error is not None:
        return Finding(BAD, said(answer), answer.error.remedy.advice)
    return Finding(OK, "可以调用")


def contact_members(probe: Probe) -> Finding:
    members = probe.follow_users.value
    if not members:
        mend = "管理后台 → 客户与上下游 → 客户联系 → 权限配置 → 使用范围，选上有客户的成员"
        return Finding(BAD, "没有一个成员可以使用客户联系", mend)
    return Finding(OK, Translatable("{n} 位成员", n=len(members)))
