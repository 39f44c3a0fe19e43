"""Doctor checks of the conversation archive: secret, seats, library, keys, and how far it has been read."""

from __future__ import annotations

import platform
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

from sqlalchemy import func, select

from bot.intake.archive_lag import archive_lag
from bot.ops.doctor.finding import BAD, OK, WARN, Finding, Probe
from bot.ops.doctor.words import ARCHIVE, REFUSED_ADDRESS, judge_token, said, seen_address
from bot.platform.environment import SurroundingsError
from bot.platform.models import Consent, Message, Quarantine
from bot.platform.stored_sentences import as_translatable
from bot.wecom.errors import UnreadableMessageError, WeComError
from bot.wecom.keyring import KeyRing, KeyRingError
from taggers.translatable import Translatable

_SAMPLE = 100  # rows
_LATE, _TOO_LATE = timedelta(minutes=5), timedelta(hours=1)
_PROCESSORS = {62: "x86_64", 183: "aarch64"}  # e_machine in the header of a Linux library


def configured(probe: Probe) -> Finding:
    if probe.access.has_archive:
        return Finding(OK, "已设置")
    mend = "照 docs/wecom.zh-CN.md 第 6 步开通，把 Secret 填进 WECOM_ARCHIVE_SECRET；在这之前听不到客户说话，其余照常"
    return Finding(WARN, "还没有接入：没有设置 WECOM_ARCHIVE_SECRET", mend, ends=True)


def archive_secret(probe: Probe) -> Finding:
    mend = Translatable(
        "{archive} → Secret → 查看，填进 WECOM_ARCHIVE_SECRET（它和应用的 Secret 不是同一个）", archive=ARCHIVE
    )
    return judge_token(probe.archive_token, mend)


def archive_ip(probe: Probe) -> Finding:
    refused = next(
        (answer for answer in (probe.archive_token, probe.seats) if answer.errcode in REFUSED_ADDRESS), None
    )
    if refused is None:
        return Finding(OK, "没有被拒绝")
    mend = Translatable(
        "{archive} → 可信IP地址 → 设置，添加本机的公网 IP{address}", archive=ARCHIVE, address=seen_address(refused)
    )
    return Finding(BAD, Translatable("本机 IP 不在存档的可信 IP 里（{errcode}）", errcode=refused.errcode), mend)


def archive_open(probe: Probe) -> Finding:
    answer = probe.seats
    if answer.errcode == 301053:
        return Finding(BAD, "没有开通会话内容存档（301053）", Translatable("{archive}：购买并开启", archive=ARCHIVE))
    if answer.errcode == 301052:
        return Finding(
            BAD,
            "会话内容存档已到期（301052）",
            Translatable("{archive}：续费；到期后的对话不会被存档", archive=ARCHIVE),
        )
    if answer.error is not None:
        return Finding(BAD, said(answer), answer.error.remedy.advice)
    if not answer.value:
        return Finding(
            BAD,
            "没有给任何成员开通存档，所以存档是空的",
            Translatable("{archive} → 开启范围，选上要存档的成员", archive=ARCHIVE),
        )
    return Finding(OK, Translatable("{n} 个席位在用", n=len(answer.value)))


def seats(probe: Probe) -> Finding:
    seated = {userid.casefold() for userid in probe.seats.value}
    without = [userid for userid in probe.follow_users.value if userid.casefold() not in seated]
    if without:
        more = Translatable(" 等 {n} 位", n=len(without)) if len(without) > 5 else ""
        mend = Translatable("{archive} → 开启范围，加上他们；他们的对话现在不会被存档", archive=ARCHIVE)
        return Finding(
            WARN, Translatable("有客户、却没有存档席位：{names}{more}", names=without[:5], more=more), mend
        )
    return Finding(OK, "有客户的成员都有席位")


def sdk(probe: Probe) -> Finding:
    if probe.access.archive == "sandbox":
        return Finding(OK, "沙盒存档，不用 SDK")
    mend = "从企业微信官网下载会话存档 SDK（Linux，与本机同一种处理器），把 .so 的路径写进 WECOM_FINANCE_SDK"
    path = Path(probe.access.finance_sdk or "")
    if not probe.access.finance_sdk or not path.is_file():
        return Finding(
            BAD,
            Translatable("没有 {path}", path=path) if probe.access.finance_sdk else "没有设置 WECOM_FINANCE_SDK",
            mend,
        )
    library = path.read_bytes()
    built_for = _PROCESSORS.get(int.from_bytes(library[18:20], "little"), "?") if library[:4] == b"\x7fELF" else ""
    if built_for != platform.machine():
        told = (
            Translatable("是给 {built_for} 的", built_for=built_for)
            if built_for
            else Translatable("不是 Linux 的动态库")
        )
        return Finding(
            BAD,
            Translatable("{name} {told}，本机是 {machine}", name=path.name, told=told, machine=platform.machine()),
            mend,
        )
    size, digest = f"{len(library) / 1024**2:.1f}", sha256(library).hexdigest()[:12]
    return Finding(OK, Translatable("{name}，{size} MB，SHA-256 {digest}", name=path.name, size=size, digest=digest))


def archive_read(probe: Probe) -> Finding:
    try:
        probe.source.pull(2**31, 1)  # far beyond the end: no message comes, but every permission is checked
    except (WeComError, SurroundingsError) as error:
        mend = error.remedy.advice if isinstance(error, WeComError) else "核对 WECOM_FINANCE_SDK"
        return Finding(BAD, str(error), mend)
    return Finding(OK, "能读")


def one_message(probe: Probe) -> Finding:
    """Whether any of the first rows of the archive opens with our keys; asked by the guided installation."""
    rows = probe.source.pull(0, _SAMPLE)
    if not rows:
        return Finding(WARN, "存档里还没有消息", "用自己的微信给一位有存档席位的员工说句话，几秒后再查")
    keys = KeyRing.load(probe.access.private_keys).unwrap_many(rows)
    sealed = [(key, row.encrypt_chat_msg) for row, key in zip(rows, keys, strict=True) if isinstance(key, str)]
    opened = [text for text in probe.source.decrypt_many(sealed) if not isinstance(text, UnreadableMessageError)]
    if not opened:
        why = next((key.reason for key in keys if isinstance(key, KeyRingError)), "SDK 没有解开")
        return Finding(BAD, why, Translatable("{archive} → 消息加密公钥：核对公钥与版本", archive=ARCHIVE))
    return Finding(OK, Translatable("读到 {n} 条，解开 {opened} 条", n=len(rows), opened=len(opened)))


def private_keys(probe: Probe) -> Finding:
    folder = probe.access.private_keys
    mend = Translatable("运行 flask keys new 生成一对，把公钥贴到：{archive} → 消息加密公钥 → 设置", archive=ARCHIVE)
    try:
        ring = KeyRing.load(folder)
    except (ValueError, OSError) as error:
        return Finding(BAD, str(error), "换上未加密的 PEM 私钥（RSA 2048）")
    if not ring.versions:
        return Finding(BAD, "没有私钥", mend)
    return Finding(OK, Translatable("第 {versions} 版", versions=list(ring.versions)))


def key_versions(probe: Probe) -> Finding:
    held = select(Quarantine.publickey_ver, func.count()).where(Quarantine.released_at.is_(None))
    with probe.system.store.read() as session:
        waiting = dict(session.execute(held.group_by(Quarantine.publickey_ver)).all())
        reasons = session.scalars(select(Quarantine.reason).where(Quarantine.released_at.is_(None)).limit(50)).all()
    missing = [version for version in waiting if version not in KeyRing.load(probe.access.private_keys).versions]
    if missing:
        told = Translatable(
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
            as_translatable(wrong),
            Translatable(
                "{archive} → 消息加密公钥：核对登记的公钥，换上配对的私钥后运行 flask quarantine replay",
                archive=ARCHIVE,
            ),
        )
    if waiting:
        return Finding(
            WARN,
            Translatable("{n} 条消息在隔离区：{reason}", n=sum(waiting.values()), reason=as_translatable(reasons[0])),
            "运行 flask quarantine replay",
        )
    return Finding(OK, "见过的版本都有私钥")


def lag(probe: Probe) -> Finding:
    with probe.system.store.read() as session:
        found = archive_lag(session, probe.now)
        stored = session.scalar(select(func.count()).select_from(Message))
    if found is None:
        return Finding(BAD, "还没有拉取过", "检查 worker 与 scheduler 的日志")
    told = Translatable("落后 {n} 分钟，已存 {stored} 条", n=f"{found.total_seconds() / 60:.0f}", stored=stored)
    mend = "企业微信只保存几天：检查 worker 的日志、网络和磁盘"
    if found >= _TOO_LATE:
        return Finding(BAD, told, mend)
    return Finding(WARN if found >= _LATE else OK, told, mend if found >= _LATE else "")


def unagreed(probe: Probe) -> Finding:
    with probe.system.store.read() as session:
        count = session.scalar(select(func.count()).select_from(Consent).where(Consent.refused_at.is_not(None))) or 0
    if count:
        mend = "这些客户的消息不会进存档；需要时请员工在对话里再次发起同意"
        return Finding(WARN, Translatable("{n} 位客户不同意存档", n=count), mend)
    return Finding(OK, "没有")
