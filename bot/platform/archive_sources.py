"""Opens the archive that the environment names: Tencent's library in a child process, or the sandbox over HTTP."""

from __future__ import annotations

from redis import Redis

from bot.platform.environment import SurroundingsError, WeComAccess
from bot.wecom.api import WeComClient
from bot.wecom.archive import ArchiveSource, SandboxArchive
from bot.wecom.connection import Credentials
from bot.wecom.limits import CallGate
from bot.wecom.native import ArchiveAccess, NativeArchive
from bot.wecom.tokens import Sealer


def archive_client(
    access: WeComAccess, redis: Redis | None, gateway: CallGate | None = None, sealer: Sealer | None = None
) -> WeComClient:
    """A client with the archive's own secret, for msgaudit/* and the sandbox's getchatdata.

    Raises SurroundingsError where the archive was not set up.
    """
    credentials = Credentials(access.corp_id, access.needs_archive().archive_secret, purpose="archive")
    return WeComClient(credentials, api_url=access.api_url, redis=redis, sealer=sealer, gateway=gateway)


def open_archive(
    access: WeComAccess,
    redis: Redis | None,
    gateway: CallGate | None = None,
    sealer: Sealer | None = None,
) -> ArchiveSource:
    """The archive that WECOM_ARCHIVE names.

    Raises SurroundingsError where the archive was not set up, or the native library has no path.
    """
    access.needs_archive()
    if access.archive == "sandbox":
        return SandboxArchive(archive_client(access, redis, gateway, sealer))
    if not access.finance_sdk:
        raise SurroundingsError(
            "WECOM_ARCHIVE=native 需要会话存档 SDK：从企业微信官网下载，把 libWeWorkFinanceSdk_C.so 的路径"
            "写进 WECOM_FINANCE_SDK / set WECOM_FINANCE_SDK to the path of Tencent's archive library"
        )
    proxy = (access.archive_proxy, access.archive_proxy_password)
    return NativeArchive(access.finance_sdk, ArchiveAccess(access.corp_id, access.archive_secret, *proxy))
