"""Environment: addresses and secrets from environment variables, or from the files NAME_FILE variables point to."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bot.wecom.errors import BotError

_PASSWORD = re.compile(r"://[^:/@]*:([^@]+)@")
ROOT = Path(__file__).resolve().parents[2]


class SurroundingsError(BotError):
    """Something in the environment is missing or malformed; the text says what and how to mend it."""


@dataclass(frozen=True)
class CallbackSecrets:
    """Token and EncodingAESKey of one callback URL, as typed into the WeCom console."""

    token: str = field(repr=False)
    aes_key: str = field(repr=False)


@dataclass(frozen=True)
class WeComAccess:
    """Ids and secrets of one corp's WeCom. `api_url` ends in /cgi-bin/.

    Callbacks and the archive are set up while Tici already runs: until then their values are empty.
    """

    corp_id: str
    app_id: int
    app_secret: str = field(repr=False)
    callback: CallbackSecrets
    archive_secret: str = field(repr=False)
    archive_callback: CallbackSecrets
    api_url: str
    archive: str
    private_keys: Path
    finance_sdk: str | None
    archive_proxy: str = ""  # of the archive library alone: http://host:port or socks5://host:port
    archive_proxy_password: str = field(default="", repr=False)  # user:password
    accounts: int | None = None  # the company's account limit; WeCom allows 200 messages a day for each

    @property
    def has_callback(self) -> bool:
        """Whether what WeCom tells of customers, cards and members can be opened."""
        return bool(self.callback.token and self.callback.aes_key)

    @property
    def has_archive(self) -> bool:
        """Whether the archive was set up; without it Tici hears nobody, and does what rests on events alone."""
        return bool(self.archive_secret)

    def needs_archive(self) -> WeComAccess:
        """Itself, or SurroundingsError saying what to set."""
        if not self.has_archive:
            raise SurroundingsError(
                "还没有接入会话存档：照 docs/wecom.zh-CN.md 的「会话内容存档」一节设置 WECOM_ARCHIVE_SECRET"
                " / the archive is not set up yet, see docs/wecom.md"
            )
        return self


@dataclass(frozen=True)
class Environment:
    """What one process was given to run with. Secrets stay out of its repr."""

    config: Path
    var: Path
    database_url: str = field(repr=False)
    redis_url: str | None = field(repr=False)
    base_url: str
    secret_key: str | None = field(repr=False)
    wecom: WeComAccess | None
    demo: bool = False
    metrics_token: str | None = field(default=None, repr=False)
    verify_files: Path = ROOT / "var" / "verify"
    data_keys: str | None = field(default=None, repr=False)
    data_keys_file: Path = ROOT / "var" / "data.keys"
    media_url: str | None = field(default=None, repr=False)
    least_free_megabytes: int = 300  # with less room on the disk, what can wait waits
    hsts_subdomains: bool = False  # browsers are to use https for all hosts below ours as well
    trusted_proxies: tuple[
        IPv4Network | IPv6Network, ...
    ] = ()  # whose X-Forwarded-For is believed; none: this machine's
    digest_webhook: str | None = field(default=None, repr=False)  # is sent where the log of actions ends, daily
    draft_key: str | None = field(default=None, repr=False)  # is shown to the endpoint that writes drafts
    webhook_networks: tuple[IPv4Network | IPv6Network, ...] = ()  # inside addresses that webhooks may call
    login_url: str | None = None  # serves the sign-in pages in place of WeCom's own hosts (the sandbox)

    @property
    def secrets(self) -> tuple[str | None, ...]:
        """Every value that no log, page or queue may ever show."""
        urls = (self.database_url, self.redis_url, self.media_url)
        passwords = [found[1] for url in urls if url and (found := _PASSWORD.search(url))]
        ours = [
            self.secret_key,
            self.metrics_token,
            self.digest_webhook,
            self.draft_key,
            *passwords,
            *map(unquote, passwords),
        ]
        if self.data_keys:
            ours += [word for word in self.data_keys.replace(",", " ").split() if len(word) > 20]
        if self.wecom is None:
            return tuple(ours)
        calls = (self.wecom.callback, self.wecom.archive_callback)
        return (*ours, self.wecom.app_secret, self.wecom.archive_secret, *_of_proxy(self.wecom),
                *(secret for call in calls for secret in (call.token, call.aes_key)))  # fmt: skip

    def needs_wecom(self) -> WeComAccess:
        """The WeCom access, or SurroundingsError naming what to set."""
        if self.wecom is None:
            raise SurroundingsError(
                "没有企业微信的接入信息：请设置 WECOM_CORP_ID 等环境变量（README「接入企业微信」），"
                "或运行 make demo 先看演示 / WeCom is not configured, see README"
            )
        return self.wecom


def _of_proxy(access: WeComAccess) -> tuple[str, ...]:
    """The credentials of the archive's proxy to hide: the whole of "user:password", and the password alone."""
    whole = access.archive_proxy_password
    return tuple(part for part in (whole, whole.partition(":")[2]) if part)


def read_environment(variables: Mapping[str, str] | None = None) -> Environment:
    """Read the environment; raises SurroundingsError naming every variable that is missing or unreadable."""
    values = os.environ if variables is None else variables
    var = Path(values.get("TICI_VAR") or ROOT / "var")
    problems: list[str] = []
    read = _Reader(values, problems)
    environment = Environment(
        config=Path(values.get("TICI_CONFIG") or ROOT / "config.toml"),
        var=var,
        database_url=read("TICI_DATABASE_URL") or f"sqlite:///{var / 'tici.db'}",
        redis_url=read("TICI_REDIS_URL"),
        base_url=(read("TICI_BASE_URL") or "http://127.0.0.1:8000").rstrip("/"),
        secret_key=read("TICI_SECRET_KEY"),
        wecom=_wecom(read, values, problems, var) if read("WECOM_CORP_ID") else None,
        demo=bool(values.get("TICI_DEMO") or values.get("TICI_CLOCK_FILE")),
        metrics_token=read("TICI_METRICS_TOKEN"),
        verify_files=Path(values.get("WECOM_VERIFY_FILES") or var / "verify"),
        media_url=read("TICI_MEDIA_URL"),
        least_free_megabytes=_megabytes(values.get("TICI_MIN_FREE_MB") or "300", problems),
        digest_webhook=read("TICI_DIGEST_WEBHOOK"),
        draft_key=read("TICI_DRAFT_KEY"),
        webhook_networks=_networks(values.get("TICI_WEBHOOK_NETWORKS") or "", problems, "TICI_WEBHOOK_NETWORKS"),
        trusted_proxies=_networks(values.get("TICI_TRUSTED_PROXIES") or "", problems),
        hsts_subdomains=values.get("TICI_HSTS_SUBDOMAINS") == "1",
        login_url=(values.get("WECOM_LOGIN_URL") or "").rstrip("/") or None,
        data_keys=values.get("TICI_DATA_KEYS"),
        data_keys_file=Path(values.get("TICI_DATA_KEYS_FILE") or var / "data.keys"),
    )
    problems += _addresses(environment)
    if environment.demo and urlsplit(environment.base_url).hostname not in _LOOPBACK:
        problems.append(
            "TICI_DEMO 和 TICI_CLOCK_FILE 只用于演示：它们让看板链接能改一切，不能与对外的 TICI_BASE_URL 一起设置 / "
            "never together with a TICI_BASE_URL that others reach"
        )
    if problems:
        raise SurroundingsError("\n".join(problems))
    return environment


def _megabytes(text: str, problems: list[str]) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 9:
        return int(text)
    problems.append(f"TICI_MIN_FREE_MB 应为 MB 的整数，例如 300，现在是 {text!r}")
    return 0


def _networks(
    text: str, problems: list[str], name: str = "TICI_TRUSTED_PROXIES"
) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(one.strip()) for one in text.split(",") if one.strip())
    except ValueError:
        problems.append(f"{name} 应为地址或网段，用逗号分开，例如 10.0.0.5,10.0.1.0/24，现在是 {text[:60]!r}")
        return ()


_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_URLS = {
    "TICI_DATABASE_URL": (("sqlite", "postgresql", "postgres"), "postgresql://用户:密码@主机/库名"),
    "TICI_REDIS_URL": (("redis", "rediss", "unix"), "redis://:密码@主机:6379/0"),
    "TICI_BASE_URL": (("http", "https"), "https://tici.example.com"),
    "TICI_DIGEST_WEBHOOK": (("https", "http"), "https://example.com/hook"),
    "WECOM_API_URL": (("http", "https"), "https://qyapi.weixin.qq.com/cgi-bin"),
    "WECOM_LOGIN_URL": (("http", "https"), "https://login.work.weixin.qq.com"),
    "WECOM_ARCHIVE_PROXY": (("http", "socks5"), "http://proxy.example.com:3128"),
}


def _addresses(environment: Environment) -> list[str]:
    """Problems with addresses of a wrong form. The values are not shown: two of them hold passwords."""
    given = {
        "TICI_DATABASE_URL": environment.database_url,
        "TICI_REDIS_URL": environment.redis_url,
        "TICI_BASE_URL": environment.base_url,
        "TICI_DIGEST_WEBHOOK": environment.digest_webhook,
        "WECOM_API_URL": environment.wecom.api_url if environment.wecom else None,
        "WECOM_LOGIN_URL": environment.login_url,
        "WECOM_ARCHIVE_PROXY": environment.wecom.archive_proxy if environment.wecom else None,
    }
    problems = []
    for name, url in given.items():
        schemes, example = _URLS[name]
        scheme, mark, rest = (url or f"{schemes[0]}://").partition("://")
        if scheme.partition("+")[0] not in schemes or not mark or (url and not rest.strip("/")):
            problems.append(f"{name} 不是可用的地址，应写作例如 {example} / {name} is not a usable address")
    return problems


def _wecom(read: _Reader, values: Mapping[str, str], problems: list[str], var: Path) -> WeComAccess:
    def need(name: str) -> str:
        value = read(name)
        if not value:
            problems.append(f"{name} 未设置（也可以用 {name}_FILE 指向一个文件）/ {name} is not set")
        return value or ""

    app_id = need("WECOM_APP_ID")
    if app_id and not app_id.isdigit():
        problems.append(f"WECOM_APP_ID 应为整数（企业微信后台的 AgentId），现在是 {app_id!r}")
    callback = CallbackSecrets(read("WECOM_CALLBACK_TOKEN") or "", read("WECOM_CALLBACK_AES_KEY") or "")
    if callback.aes_key and len(callback.aes_key) != 43:
        problems.append("WECOM_CALLBACK_AES_KEY 应正好 43 个字符（EncodingAESKey）")
    archive = values.get("WECOM_ARCHIVE", "native")
    if archive not in ("native", "sandbox"):
        problems.append(f"WECOM_ARCHIVE 只能是 native 或 sandbox，现在是 {archive!r}")
    accounts = values.get("WECOM_ACCOUNTS") or ""
    if accounts and not (accounts.isascii() and accounts.isdigit() and int(accounts) > 0):
        problems.append(f"WECOM_ACCOUNTS 应为正整数（管理后台 → 我的企业 → 已使用/上限），现在是 {accounts!r}")
        accounts = ""
    return WeComAccess(
        corp_id=need("WECOM_CORP_ID"),
        app_id=int(app_id) if app_id.isdigit() else 0,
        app_secret=need("WECOM_APP_SECRET"),
        callback=callback,
        archive_secret=read("WECOM_ARCHIVE_SECRET") or "",
        archive_callback=CallbackSecrets(
            read("WECOM_ARCHIVE_CALLBACK_TOKEN") or callback.token,
            read("WECOM_ARCHIVE_CALLBACK_AES_KEY") or callback.aes_key,
        ),
        api_url=(read("WECOM_API_URL") or "https://qyapi.weixin.qq.com/cgi-bin").rstrip("/") + "/",
        archive=archive,
        private_keys=Path(values.get("WECOM_PRIVATE_KEYS") or var / "keys"),
        finance_sdk=values.get("WECOM_FINANCE_SDK"),
        archive_proxy=read("WECOM_ARCHIVE_PROXY") or "",
        archive_proxy_password=read("WECOM_ARCHIVE_PROXY_PASSWORD") or "",
        accounts=int(accounts) if accounts else None,
    )


class _Reader:
    """Reads NAME or the file NAME_FILE points to; an unreadable file becomes a problem, not a crash."""

    def __init__(self, values: Mapping[str, str], problems: list[str]) -> None:
        self.values, self.problems = values, problems

    def __call__(self, name: str) -> str | None:
        path = self.values.get(f"{name}_FILE")
        if not path:
            return self.values.get(name) or None
        try:
            return Path(path).read_text(encoding="utf-8").strip() or None
        except (OSError, UnicodeDecodeError) as error:
            self.problems.append(f"{name}_FILE 指向的文件读不了：{path}（{type(error).__name__}）")
            return None
