"""Doctor checks of what keeps others out: modes of files, the signing key, https and cookies."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from sqlalchemy.engine import make_url

from bot.ops.doctor.finding import BAD, OK, Finding, Probe
from bot.platform.environment import Environment
from taggers.translatable import Translatable

_OTHERS = 0o077
_MOST_FILES = 20_000  # are looked at
_SHORT_KEY, _FEW_LETTERS = 16, 8
_LOOPBACK = ("http://127.0.0.1", "http://localhost", "http://[::1]")
_ATTRIBUTES = ("Secure", "HttpOnly", "SameSite")


def private_files(probe: Probe) -> Finding:
    """Whether other users of this machine can read what Tici keeps."""
    found = list(islice(_open_to_others(probe.system.environment), 1000))
    if not found:
        return Finding(OK, "只有运行 Tici 的用户能读")
    var = probe.system.environment.var
    mend = Translatable("执行 chmod -R go= {var}，并在服务里设 UMask=0077；其余文件逐个 chmod 600", var=var)
    names = [path.name for path in found[:3]]
    seen = Translatable("这台机器上的其他用户能读 {n} 个文件，例如 {names}", n=len(found), names=names)
    return Finding(BAD, seen, mend)


def _open_to_others(environment: Environment) -> Iterator[Path]:
    """Files that others can read: below TICI_VAR unless the folder itself is shut, and those that lie elsewhere."""
    if environment.var.is_dir() and environment.var.stat().st_mode & _OTHERS:
        yield from filter(_is_open, islice(_files_below(environment.var), _MOST_FILES))
    elsewhere = [environment.data_keys_file]
    if environment.wecom is not None:
        elsewhere += sorted(environment.wecom.private_keys.glob("*.pem"))
    database = make_url(environment.database_url)
    if database.get_backend_name() == "sqlite" and database.database:
        elsewhere += [Path(database.database + end) for end in ("", "-wal", "-shm")]
    for path in elsewhere:
        if environment.var.absolute() not in path.absolute().parents and path.exists() and _is_open(path):
            yield path


def _files_below(folder: Path) -> Iterator[Path]:
    """Files that others can get at: folders that are shut to them are passed over, as is what everybody may see."""
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != "verify" and (Path(place) / name).stat().st_mode & _OTHERS]
        yield from (Path(place) / name for name in names)


def _is_open(path: Path) -> bool:
    try:
        found, enters = path.lstat().st_mode, path.parent.stat().st_mode
    except OSError:
        return False  # gone meanwhile
    group, others = bool(enters & 0o010 and found & 0o070), bool(enters & 0o001 and found & 0o007)
    return stat.S_ISREG(found) and (group or others)


def secret_key(probe: Probe) -> Finding:
    """Whether the key that signs sessions and links can be guessed."""
    key = probe.system.environment.secret_key
    if key is None:
        return Finding(OK, "由程序生成")
    mend = "换成随机的一串，例如 openssl rand -hex 32 的输出；换过以后，所有人要重新登录，旧链接失效"
    seen = Translatable("TICI_SECRET_KEY 只有 {n} 个字符", n=len(key))
    if len(key) < _SHORT_KEY:
        return Finding(BAD, seen, mend)
    if len(set(key)) < _FEW_LETTERS:
        return Finding(BAD, "TICI_SECRET_KEY 里几乎都是同样的字符，猜得出来", mend)
    return Finding(OK, "够长")


def cookies(probe: Probe) -> Finding:
    """Whether a session can be read on its way: https, and the attributes of the cookies that are really sent."""
    base = probe.system.environment.base_url
    if not base.startswith("https://"):
        if base.startswith(_LOOPBACK):
            return Finding(OK, "只在本机，没有经过网络")
        return Finding(BAD, "没有 https：登录 cookie 在路上能被读到", "给域名配上证书，并把 TICI_BASE_URL 改成 https")
    answer = probe.fetch("/sign-in")
    sent = answer.raw.headers.getlist("Set-Cookie") if answer is not None else []
    missing = sorted({name for cookie in sent for name in _ATTRIBUTES if name.lower() not in cookie.lower()})
    if missing:
        mend = "反向代理不要改写 Set-Cookie"
        return Finding(BAD, Translatable("登录 cookie 少了 {names}", names=missing), mend)
    return Finding(OK, "https，cookie 带 Secure、HttpOnly、SameSite")
