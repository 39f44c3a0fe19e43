"""Doctor run (`flask doctor`): every check in order, each cause reported once.

A check that cannot be made because another failed is skipped and says so, so that the first red line is the one to
mend.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.ops.doctor import app, archive, callback, host, safety
from bot.ops.doctor.finding import BAD, SKIPPED, Finding, Probe
from bot.platform.environment import SurroundingsError
from bot.system import System
from taggers.translatable import Translatable

CheckFunction = Callable[[Probe], Finding]


@dataclass(frozen=True)
class Check:
    """One requirement. `after`: checks without whose success this one means nothing."""

    name: str
    title: str
    look: CheckFunction
    after: Sequence[str] = field(default=())


CHECKS: tuple[Check, ...] = (
    Check("config", "config.toml", host.config),
    Check("database", "数据库", host.database),
    Check("migrations", "数据库版本", host.migrations, after=("database",)),
    Check("data-keys", "加密密钥", host.data_keys, after=("migrations",)),
    Check("holidays", "节假日", host.holidays, after=("config", "data-keys")),
    Check("disk", "磁盘", host.disk),
    Check("private-files", "文件权限", safety.private_files),
    Check("secret-key", "签名密钥", safety.secret_key),
    Check("redis", "队列", host.redis_server),
    Check("redis-policy", "队列不丢任务", host.redis_policy, after=("redis",)),
    Check("workers", "worker", host.workers, after=("redis",)),
    Check("scheduler", "调度器", host.scheduler, after=("data-keys",)),
    Check("given-up", "没处理成", host.given_up, after=("data-keys",)),
    Check("access", "企业微信接入信息", app.access),
    Check("network", "能连到企业微信", app.network, after=("access",)),
    Check("clock", "时钟", app.skew, after=("network",)),
    Check("corp-id", "企业 ID", app.corp_id, after=("network",)),
    Check("app-secret", "应用 Secret", app.app_secret, after=("corp-id",)),
    Check("archive", "会话存档接入", archive.configured, after=("access",)),
    Check("archive-secret", "会话存档 Secret", archive.archive_secret, after=("corp-id", "archive")),
    Check("app-ip", "应用的企业可信 IP", app.app_ip, after=("app-secret",)),
    Check("app-enabled", "应用已启用", app.app_enabled, after=("app-ip",)),
    Check("app-id", "应用的 AgentId", app.app_id, after=("app-enabled",)),
    Check("contact-right", "客户联系 → 可调用接口的应用", app.contact_right, after=("app-enabled",)),
    Check("contact-members", "客户联系 → 使用范围", app.contact_members, after=("contact-right",)),
    Check("archive-ip", "会话存档的可信 IP", archive.archive_ip, after=("archive-secret",)),
    Check("archive-open", "会话内容存档已开通", archive.archive_open, after=("archive-ip",)),
    Check("seats", "存档席位", archive.seats, after=("archive-open", "contact-members")),
    Check("sdk", "会话存档 SDK", archive.sdk, after=("archive",)),
    Check("archive-read", "能读会话存档", archive.archive_read, after=("sdk", "archive-open", "data-keys")),
    Check("private-keys", "消息私钥", archive.private_keys, after=("archive",)),
    Check("key-versions", "私钥版本", archive.key_versions, after=("private-keys", "data-keys")),
    Check("lag", "存档进度", archive.lag, after=("workers", "scheduler", "archive-read")),
    Check("unagreed", "未同意存档的客户", archive.unagreed, after=("data-keys",)),
    Check("public-url", "公网地址", callback.public_url, after=("access",)),
    Check("cookies", "登录 cookie", safety.cookies, after=("public-url",)),
    Check("callback", "应用回调往返", callback.callback, after=("public-url", "corp-id")),
    Check(
        "archive-callback",
        "存档回调往返",
        callback.archive_callback,
        after=("public-url", "corp-id", "archive"),
    ),
    Check("events", "收到过回调", callback.events, after=("callback", "data-keys")),
    Check("trusted-domain", "可信域名", callback.trusted_domain, after=("public-url",)),
)


FURTHER = (Check("one-message", "读到并解开一条消息", archive.one_message, after=("archive-read", "private-keys")),)


def run_checks(system: System, now: datetime, only: Collection[str] = ()) -> Iterator[tuple[Check, Finding]]:
    """Yield every check in order with its finding; none raises. only: these alone, FURTHER ones among them."""
    probe, failed = Probe(system, now), set[str]()
    for check in [one for one in (*CHECKS, *FURTHER) if one.name in only] if only else CHECKS:
        waits_for = [name for name in check.after if name in failed]
        finding = Finding(SKIPPED, "", waits_for=titles(waits_for)) if waits_for else _run(check, probe)
        if finding.level in (BAD, SKIPPED) or finding.ends:
            failed.add(check.name)
        yield check, finding
    probe.close()


def titles(names: Sequence[str]) -> str:
    """The titles of these checks, for people."""
    return Translatable("{names}", names=[Translatable(check.title) for check in CHECKS if check.name in names])


def _run(check: Check, probe: Probe) -> Finding:
    try:
        return check.look(probe)
    except SurroundingsError as error:
        return Finding(BAD, str(error), "改好以后再运行一次")
    except Exception as error:  # a check that breaks must not hide the others
        return Finding(
            BAD, Translatable("检查本身出错：{kind}", kind=type(error).__name__), "请把这一行和日志发给维护者"
        )
