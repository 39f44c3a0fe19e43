"""Doctor checks of our own addresses: that they are reachable, and that WeCom's callbacks come through."""

from __future__ import annotations

import secrets
from datetime import timedelta

from sqlalchemy import func, select

from bot.ops.doctor.finding import BAD, OK, WARN, Finding, Probe
from bot.ops.doctor.words import ARCHIVE, CONSOLE
from bot.platform.environment import CallbackSecrets
from bot.platform.models import CallbackEvent, Message
from bot.wecom.callback import CallbackKeys, seal, sign
from taggers.translatable import Translatable

_QUIET = timedelta(days=2)
_LOOPBACK = ("http://127.0.0.1", "http://localhost", "http://[::1]")


def public_url(probe: Probe) -> Finding:
    base = probe.system.environment.base_url
    answer = probe.fetch("/healthz")
    if answer is None:
        mend = "核对 TICI_BASE_URL、域名解析、反向代理和防火墙；本机也要能访问这个地址"
        return Finding(BAD, Translatable("打不开 {base}", base=base), mend)
    if answer.status_code != 200:
        return Finding(
            BAD,
            Translatable("{base}/healthz 回答 HTTP {status_code}", base=base, status_code=answer.status_code),
            "反向代理没有指向 Tici 的网页进程",
        )
    demo = probe.system.environment.demo
    if base.startswith(_LOOPBACK) and not demo:
        return Finding(
            BAD,
            Translatable("{base} 只有本机能访问，企业微信回调不到", base=base),
            "把 TICI_BASE_URL 改成公网的 https 地址",
        )
    if base.startswith("http://") and not demo:
        return Finding(WARN, Translatable("{base} 没有加密", base=base), "给域名配上证书，改用 https")
    return Finding(OK, base)


def callback(probe: Probe) -> Finding:
    mend = Translatable(
        "{console} → 您的应用 → 接收消息 → 设置 API 接收：Token 与 EncodingAESKey 要和 WECOM_CALLBACK_* 一致",
        console=CONSOLE,
    )
    return _round_trip(probe, "/wecom/callback", probe.access.callback, mend)


def archive_callback(probe: Probe) -> Finding:
    mend = Translatable(
        "{archive} → 接收事件服务器：Token 与 EncodingAESKey 要和 WECOM_ARCHIVE_CALLBACK_* 一致", archive=ARCHIVE
    )
    return _round_trip(probe, "/wecom/archive", probe.access.archive_callback, mend)


def _round_trip(probe: Probe, path: str, given: CallbackSecrets, mend: str) -> Finding:
    """Do what WeCom's console does when the URL is saved: send an encrypted echo, which must come back in plain."""
    missing = [name for name, value in (("Token", given.token), ("EncodingAESKey", given.aes_key)) if not value]
    if missing:
        return Finding(BAD, Translatable("还没有设置 {names}", names=missing), mend)
    try:
        keys = CallbackKeys(given.token, given.aes_key, probe.access.corp_id)
    except ValueError as error:
        return Finding(BAD, str(error), mend)
    echo, stamp, nonce = secrets.token_hex(8), str(int(probe.now.timestamp())), secrets.token_hex(8)
    sealed = seal(keys, echo.encode())
    query = {"msg_signature": sign(keys, stamp, nonce, sealed), "timestamp": stamp, "nonce": nonce, "echostr": sealed}
    answer = probe.fetch(path, **query)
    if answer is None:
        return Finding(BAD, Translatable("{path} 没有回答", path=path), "检查反向代理的超时和网页进程的日志")
    if answer.status_code == 200 and answer.text == echo:
        return Finding(OK, "发出去的原样回来了")
    if answer.status_code == 403:
        return Finding(
            BAD,
            "网页进程的 Token 或 EncodingAESKey 与这里的不同",
            Translatable("两边用同一份环境变量后重启。{mend}", mend=mend),
        )
    return Finding(
        BAD,
        Translatable("{path} 回答 HTTP {status_code}", path=path, status_code=answer.status_code),
        "反向代理是否改写了地址或参数？",
    )


def events(probe: Probe) -> Finding:
    with probe.system.store.read() as session:
        newest = session.scalar(select(func.max(CallbackEvent.received_at)))
        added = session.scalar(
            select(CallbackEvent.id).where(CallbackEvent.name == "change_external_contact").limit(1)
        )
        talk = session.scalar(select(Message.stored_at).order_by(Message.id.desc()).limit(1))
    mend = Translatable("{console} → 您的应用 → 接收消息：填好 URL，并勾选「外部联系人变更回调」", console=CONSOLE)
    if newest is None and talk is not None:
        return Finding(WARN, "有消息，却从没收到过客户变更的回调", mend)
    if newest is not None and added is None and probe.now - newest > _QUIET:
        return Finding(WARN, "没有收到过客户变更的回调", mend)
    return Finding(OK, "还没有客户，也还没有回调" if newest is None else "收到过")


def trusted_domain(probe: Probe) -> Finding:
    if probe.system.environment.demo:
        return Finding(OK, "演示里不验证域名")
    files = list(probe.system.environment.verify_files.glob("WW_verify_*.txt"))
    if not files:
        mend = Translatable(
            "{console} → 您的应用 → 网页授权及JS-SDK → 设置可信域名："
            "下载 WW_verify_*.txt，放进 var/verify/，再点验证",
            console=CONSOLE,
        )
        return Finding(WARN, "没有域名归属文件，登录和侧边栏可能打不开", mend)
    answer = probe.fetch(f"/{files[0].name}")
    if answer is None or answer.status_code != 200:
        return Finding(BAD, Translatable("{name} 打不开", name=files[0].name), "反向代理要把根路径也转给 Tici")
    return Finding(OK, files[0].name)
