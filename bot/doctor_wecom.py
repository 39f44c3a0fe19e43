"""The doctor's checks of WeCom: each setting in its console, seen from outside, with the clicks that mend it."""

from __future__ import annotations

import platform
import secrets
from datetime import timedelta
from email.utils import parsedate_to_datetime
from hashlib import sha256
from pathlib import Path

from sqlalchemy import func, select

from bot.doctor_finding import BAD, OK, WARN, Answer, Finding, Probe
from bot.environment import CallbackSecrets, SurroundingsError
from bot.lagging import archive_lag
from bot.models import CallbackEvent, Consent, Message, Quarantine
from bot.retelling import retell
from bot.wecom.callback import CallbackKeys, seal, sign
from bot.wecom.errors import WeComError
from bot.wecom.keyring import KeyRing
from taggers.said import Said

_SKEW, _TOO_SKEWED = timedelta(minutes=1), timedelta(minutes=5)
_LATE, _TOO_LATE = timedelta(minutes=5), timedelta(hours=1)
_QUIET = timedelta(days=2)
_IP = (60020, 301042, 10009)
_NOBODY = (81013, 60111, 40003)  # the app is right, and the receiver is not there, as was meant
_PROCESSORS = {62: "x86_64", 183: "aarch64"}  # e_machine in the header of a Linux library
_LOOPBACK = ("http://127.0.0.1", "http://localhost", "http://[::1]")
_CONSOLE = Said("管理后台 → 应用管理 → 自建应用")
_ARCHIVE = Said("管理后台 → 安全与管理 → 管理工具 → 会话内容存档")


def access(probe: Probe) -> Finding:
    if probe.system.environment.wecom is None:
        return Finding(BAD, "这个终端里没有接入信息", "设置 WECOM_CORP_ID 等环境变量（README「接入企业微信」）")
    return Finding(OK, Said("{corp_id}，应用 {app_id}", corp_id=probe.access.corp_id, app_id=probe.access.app_id))


def network(probe: Probe) -> Finding:
    answer = probe.front_door
    mend = "检查本机能否访问外网、DNS、代理和防火墙，以及 WECOM_API_URL"
    if answer is None:
        return Finding(BAD, Said("连不上 {api_url}", api_url=probe.access.api_url), mend)
    if answer.status_code >= 300:
        return Finding(
            BAD,
            Said("{api_url} 回答 HTTP {status_code}", api_url=probe.access.api_url, status_code=answer.status_code),
            mend,
        )
    return Finding(
        OK,
        Said(
            "HTTP {status_code}，{ms} 毫秒",
            status_code=answer.status_code,
            ms=f"{answer.elapsed.total_seconds() * 1000:.0f}",
        ),
    )


def skew(probe: Probe) -> Finding:
    header = probe.front_door.headers.get("Date", "") if probe.front_door is not None else ""
    try:
        apart = abs(probe.now - parsedate_to_datetime(header))
    except (ValueError, TypeError, OverflowError):
        return Finding(WARN, "企业微信没有说时间", "请自行核对本机时间")
    told = Said("与企业微信相差 {n} 秒", n=f"{apart.total_seconds():.0f}")
    mend = "打开时间同步：timedatectl set-ntp true（差太多时回调会被拒绝、提醒会早到或晚到）"
    if apart >= _TOO_SKEWED:
        return Finding(BAD, told, mend)
    return Finding(WARN if apart >= _SKEW else OK, told, mend if apart >= _SKEW else "")


def corp_id(probe: Probe) -> Finding:
    if 40013 in (probe.app_token.errcode, probe.archive_token.errcode):
        return Finding(
            BAD,
            Said("企业微信不认识 {corp_id}", corp_id=probe.access.corp_id),
            "管理后台 → 我的企业 → 企业 ID，填进 WECOM_CORP_ID",
        )
    return Finding(OK, probe.access.corp_id)


def app_secret(probe: Probe) -> Finding:
    mend = Said(
        "{console} → 您的应用 → Secret → 查看，填进 WECOM_APP_SECRET（反复用错的 Secret 会被封 IP 一小时）",
        console=_CONSOLE,
    )
    return _token(probe.app_token, mend)


def archive_secret(probe: Probe) -> Finding:
    mend = Said(
        "{archive} → Secret → 查看，填进 WECOM_ARCHIVE_SECRET（它和应用的 Secret 不是同一个）", archive=_ARCHIVE
    )
    return _token(probe.archive_token, mend)


def _token(answer: Answer, mend: str) -> Finding:
    if answer.error is None:
        return Finding(OK, "能换到 access_token")
    if answer.errcode in _IP:  # the check of the address says it
        return Finding(OK, "没有被拒绝")
    return Finding(BAD, _said(answer), mend)


def app_ip(probe: Probe) -> Finding:
    answers = (probe.app_token, probe.follow_users, probe.message_to_nobody)
    refused = next((answer for answer in answers if answer.errcode in _IP), None)
    if refused is None:
        return Finding(OK, "没有被拒绝")
    mend = Said(
        "{console} → 您的应用 → 企业可信IP → 配置，添加本机的公网 IP（约一分钟后生效）{address}",
        console=_CONSOLE,
        address=_address(refused),
    )
    return Finding(BAD, "本机 IP 不在可信 IP 里（60020）", mend)


def app_enabled(probe: Probe) -> Finding:
    if 50003 in (probe.follow_users.errcode, probe.message_to_nobody.errcode):
        return Finding(BAD, "应用被停用（50003）", Said("{console} → 您的应用 → 启用应用", console=_CONSOLE))
    return Finding(OK, "已启用")


def app_id(probe: Probe) -> Finding:
    answer = probe.message_to_nobody
    if answer.errcode in (301002, 40056):
        mend = Said("{console} → 您的应用 → AgentId，填进 WECOM_APP_ID", console=_CONSOLE)
        return Finding(
            BAD,
            Said(
                "AgentId {app_id} 不属于这个 Secret（{errcode}）", app_id=probe.access.app_id, errcode=answer.errcode
            ),
            mend,
        )
    if answer.errcode not in (0, *_NOBODY):
        return Finding(WARN, _said(answer), "稍后再查；反复出现时看 README 的错误码表")
    return Finding(OK, str(probe.access.app_id))


def contact_right(probe: Probe) -> Finding:
    answer = probe.follow_users
    if answer.errcode in (48002, 48006, 48009):
        mend = "管理后台 → 客户与上下游 → 客户联系 → 权限配置 → 可调用接口的应用，勾选您的应用"
        return Finding(BAD, Said("应用不能调用客户联系的接口（{errcode}）", errcode=answer.errcode), mend)
    if answer.error is not None:
        return Finding(BAD, _said(answer), answer.error.remedy.advice)
    return Finding(OK, "可以调用")


def contact_members(probe: Probe) -> Finding:
    members = probe.follow_users.value
    if not members:
        mend = "管理后台 → 客户与上下游 → 客户联系 → 权限配置 → 使用范围，选上有客户的成员"
        return Finding(BAD, "没有一个成员可以使用客户联系", mend)
    return Finding(OK, Said("{n} 位成员", n=len(members)))


def archive_ip(probe: Probe) -> Finding:
    refused = next((answer for answer in (probe.archive_token, probe.seats) if answer.errcode in _IP), None)
    if refused is None:
        return Finding(OK, "没有被拒绝")
    mend = Said(
        "{archive} → 可信IP地址 → 设置，添加本机的公网 IP{address}", archive=_ARCHIVE, address=_address(refused)
    )
    return Finding(BAD, Said("本机 IP 不在存档的可信 IP 里（{errcode}）", errcode=refused.errcode), mend)


def archive_open(probe: Probe) -> Finding:
    answer = probe.seats
    if answer.errcode == 301053:
        return Finding(BAD, "没有开通会话内容存档（301053）", Said("{archive}：购买并开启", archive=_ARCHIVE))
    if answer.errcode == 301052:
        return Finding(
            BAD, "会话内容存档已到期（301052）", Said("{archive}：续费；到期后的对话不会被存档", archive=_ARCHIVE)
        )
    if answer.error is not None:
        return Finding(BAD, _said(answer), answer.error.remedy.advice)
    if not answer.value:
        return Finding(
            BAD,
            "没有给任何成员开通存档，所以存档是空的",
            Said("{archive} → 开启范围，选上要存档的成员", archive=_ARCHIVE),
        )
    return Finding(OK, Said("{n} 个席位在用", n=len(answer.value)))


def seats(probe: Probe) -> Finding:
    seated = {userid.casefold() for userid in probe.seats.value}
    without = [userid for userid in probe.follow_users.value if userid.casefold() not in seated]
    if without:
        more = Said(" 等 {n} 位", n=len(without)) if len(without) > 5 else ""
        mend = Said("{archive} → 开启范围，加上他们；他们的对话现在不会被存档", archive=_ARCHIVE)
        return Finding(WARN, Said("有客户、却没有存档席位：{names}{more}", names=without[:5], more=more), mend)
    return Finding(OK, "有客户的成员都有席位")


def sdk(probe: Probe) -> Finding:
    if probe.access.archive == "sandbox":
        return Finding(OK, "沙盒存档，不用 SDK")
    mend = "从企业微信官网下载会话存档 SDK（Linux，与本机同一种处理器），把 .so 的路径写进 WECOM_FINANCE_SDK"
    path = Path(probe.access.finance_sdk or "")
    if not probe.access.finance_sdk or not path.is_file():
        return Finding(
            BAD, Said("没有 {path}", path=path) if probe.access.finance_sdk else "没有设置 WECOM_FINANCE_SDK", mend
        )
    library = path.read_bytes()
    built_for = _PROCESSORS.get(int.from_bytes(library[18:20], "little"), "?") if library[:4] == b"\x7fELF" else ""
    if built_for != platform.machine():
        told = Said("是给 {built_for} 的", built_for=built_for) if built_for else Said("不是 Linux 的动态库")
        return Finding(
            BAD, Said("{name} {told}，本机是 {machine}", name=path.name, told=told, machine=platform.machine()), mend
        )
    size, digest = f"{len(library) / 1024**2:.1f}", sha256(library).hexdigest()[:12]
    return Finding(OK, Said("{name}，{size} MB，SHA-256 {digest}", name=path.name, size=size, digest=digest))


def archive_read(probe: Probe) -> Finding:
    try:
        probe.source.pull(2**31, 1)  # far beyond the end: nothing comes, but every gate is passed
    except (WeComError, SurroundingsError) as error:
        mend = error.remedy.advice if isinstance(error, WeComError) else "核对 WECOM_FINANCE_SDK"
        return Finding(BAD, str(error), mend)
    return Finding(OK, "能读")


def private_keys(probe: Probe) -> Finding:
    folder = probe.access.private_keys
    mend = Said("运行 flask keys new 生成一对，把公钥贴到：{archive} → 消息加密公钥 → 设置", archive=_ARCHIVE)
    try:
        ring = KeyRing.load(folder)
    except (ValueError, OSError) as error:
        return Finding(BAD, str(error), "换上未加密的 PEM 私钥（RSA 2048）")
    if not ring.versions:
        return Finding(BAD, "没有私钥", mend)
    return Finding(OK, Said("第 {versions} 版", versions=list(ring.versions)))


def key_versions(probe: Probe) -> Finding:
    held = select(Quarantine.publickey_ver, func.count()).where(Quarantine.released_at.is_(None))
    with probe.system.store.read() as session:
        waiting = dict(session.execute(held.group_by(Quarantine.publickey_ver)).all())
        reasons = session.scalars(select(Quarantine.reason).where(Quarantine.released_at.is_(None)).limit(50)).all()
    missing = [version for version in waiting if version not in KeyRing.load(probe.access.private_keys).versions]
    if missing:
        told = Said(
            "缺第 {versions} 版私钥，{n} 条消息读不出",
            versions=missing,
            n=sum(waiting[v] for v in missing),
        )
        mend = "把对应的 private_key_vN.pem 放进 WECOM_PRIVATE_KEYS，再运行 flask quarantine replay"
        return Finding(BAD, told, mend)
    wrong = next((reason for reason in reasons if "不是一对" in reason), None)
    if wrong:
        return Finding(
            BAD,
            retell(wrong),
            Said(
                "{archive} → 消息加密公钥：核对登记的公钥，换上配对的私钥后运行 flask quarantine replay",
                archive=_ARCHIVE,
            ),
        )
    if waiting:
        return Finding(
            WARN,
            Said("{n} 条消息在隔离区：{reason}", n=sum(waiting.values()), reason=retell(reasons[0])),
            "运行 flask quarantine replay",
        )
    return Finding(OK, "见过的版本都有私钥")


def lag(probe: Probe) -> Finding:
    with probe.system.store.read() as session:
        found = archive_lag(session, probe.now)
        stored = session.scalar(select(func.count()).select_from(Message))
    if found is None:
        return Finding(BAD, "还没有拉取过", "检查 worker 与 scheduler 的日志")
    told = Said("落后 {n} 分钟，已存 {stored} 条", n=f"{found.total_seconds() / 60:.0f}", stored=stored)
    mend = "企业微信只保存几天：检查 worker 的日志、网络和磁盘"
    if found >= _TOO_LATE:
        return Finding(BAD, told, mend)
    return Finding(WARN if found >= _LATE else OK, told, mend if found >= _LATE else "")


def unagreed(probe: Probe) -> Finding:
    with probe.system.store.read() as session:
        count = session.scalar(select(func.count()).select_from(Consent).where(Consent.refused_at.is_not(None))) or 0
    if count:
        mend = "这些客户的消息不会进存档；需要时请员工在对话里再次发起同意"
        return Finding(WARN, Said("{n} 位客户不同意存档", n=count), mend)
    return Finding(OK, "没有")


def public_url(probe: Probe) -> Finding:
    base = probe.system.environment.base_url
    answer = probe.fetch("/healthz")
    if answer is None:
        mend = "核对 TICI_BASE_URL、域名解析、反向代理和防火墙；本机也要能访问这个地址"
        return Finding(BAD, Said("打不开 {base}", base=base), mend)
    if answer.status_code != 200:
        return Finding(
            BAD,
            Said("{base}/healthz 回答 HTTP {status_code}", base=base, status_code=answer.status_code),
            "反向代理没有指向 Tici 的网页进程",
        )
    demo = probe.system.environment.demo
    if base.startswith(_LOOPBACK) and not demo:
        return Finding(
            BAD, Said("{base} 只有本机能访问，企业微信回调不到", base=base), "把 TICI_BASE_URL 改成公网的 https 地址"
        )
    if base.startswith("http://") and not demo:
        return Finding(WARN, Said("{base} 没有加密", base=base), "给域名配上证书，改用 https")
    return Finding(OK, base)


def callback(probe: Probe) -> Finding:
    mend = Said(
        "{console} → 您的应用 → 接收消息 → 设置 API 接收：Token 与 EncodingAESKey 要和 WECOM_CALLBACK_* 一致",
        console=_CONSOLE,
    )
    return _round_trip(probe, "/wecom/callback", probe.access.callback, mend)


def archive_callback(probe: Probe) -> Finding:
    mend = Said(
        "{archive} → 接收事件服务器：Token 与 EncodingAESKey 要和 WECOM_ARCHIVE_CALLBACK_* 一致", archive=_ARCHIVE
    )
    return _round_trip(probe, "/wecom/archive", probe.access.archive_callback, mend)


def _round_trip(probe: Probe, path: str, given: CallbackSecrets, mend: str) -> Finding:
    """What the console does when the URL is saved: an encrypted echo goes out and must come back in plain."""
    try:
        keys = CallbackKeys(given.token, given.aes_key, probe.access.corp_id)
    except ValueError as error:
        return Finding(BAD, str(error), mend)
    echo, stamp, nonce = secrets.token_hex(8), str(int(probe.now.timestamp())), secrets.token_hex(8)
    sealed = seal(keys, echo.encode())
    query = {"msg_signature": sign(keys, stamp, nonce, sealed), "timestamp": stamp, "nonce": nonce, "echostr": sealed}
    answer = probe.fetch(path, **query)
    if answer is None:
        return Finding(BAD, Said("{path} 没有回答", path=path), "检查反向代理的超时和网页进程的日志")
    if answer.status_code == 200 and answer.text == echo:
        return Finding(OK, "发出去的原样回来了")
    if answer.status_code == 403:
        return Finding(
            BAD,
            "网页进程的 Token 或 EncodingAESKey 与这里的不同",
            Said("两边用同一份环境变量后重启。{mend}", mend=mend),
        )
    return Finding(
        BAD,
        Said("{path} 回答 HTTP {status_code}", path=path, status_code=answer.status_code),
        "反向代理是否改写了地址或参数？",
    )


def events(probe: Probe) -> Finding:
    with probe.system.store.read() as session:
        newest = session.scalar(select(func.max(CallbackEvent.received_at)))
        added = session.scalar(
            select(CallbackEvent.id).where(CallbackEvent.name == "change_external_contact").limit(1)
        )
        talk = session.scalar(select(Message.stored_at).order_by(Message.id.desc()).limit(1))
    mend = Said("{console} → 您的应用 → 接收消息：填好 URL，并勾选「外部联系人变更回调」", console=_CONSOLE)
    if newest is None and talk is not None:
        return Finding(WARN, "有消息，却从没收到过客户变更的回调", mend)
    if newest is not None and added is None and probe.now - newest > _QUIET:
        return Finding(WARN, "没有收到过客户变更的回调", mend)
    return Finding(OK, "还没有客户，也还没有回调" if newest is None else "收到过")


def trusted_domain(probe: Probe) -> Finding:
    if probe.system.environment.demo:
        return Finding(OK, "演示里不验证域名")
    files = list((probe.system.environment.var / "verify").glob("WW_verify_*.txt"))
    if not files:
        mend = Said(
            "{console} → 您的应用 → 网页授权及JS-SDK → 设置可信域名："
            "下载 WW_verify_*.txt，放进 var/verify/，再点验证",
            console=_CONSOLE,
        )
        return Finding(WARN, "没有域名归属文件，登录和侧边栏可能打不开", mend)
    answer = probe.fetch(f"/{files[0].name}")
    if answer is None or answer.status_code != 200:
        return Finding(BAD, Said("{name} 打不开", name=files[0].name), "反向代理要把根路径也转给 Tici")
    return Finding(OK, files[0].name)


def _said(answer: Answer) -> str:
    assert answer.error is not None
    code = (
        Said("没有读得懂的回答")
        if answer.error.errcode is None
        else Said("错误码 {errcode}", errcode=answer.error.errcode)
    )
    return Said("{code}：{advice}", code=code, advice=answer.error.remedy.advice)


def _address(answer: Answer) -> str:
    """The address that WeCom saw, which its errmsg tells."""
    _, mark, rest = (answer.error.errmsg if answer.error else "").partition("from ip: ")
    return Said("：{address}", address=rest.split(",")[0].strip()) if mark else ""
