"""Storage: keeps sealed contents in a folder of this machine, or in an S3-compatible bucket."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast
from urllib.parse import unquote, urlsplit

from bot.platform.environment import SurroundingsError
from bot.wecom.errors import BotError

if TYPE_CHECKING:
    from minio import Minio

_NAME = re.compile(r"[0-9a-f]{64}")
_EXAMPLE = "s3://密钥ID:密钥@s3.example.com/桶名/前缀"


class MissingFileError(BotError):
    """There is no such content."""


class MediaStorage(Protocol):
    """Contents by name: 64 hex digits, never a name from outside, so that none can lead out of the folder."""

    def put(self, name: str, path: Path) -> None:
        """Take a file; it may be moved away."""

    def open(self, name: str) -> BinaryIO:
        """Read a content from its beginning; raises MissingFileError."""

    def has(self, name: str) -> bool: ...

    def remove(self, name: str) -> None: ...

    def names(self) -> Iterator[str]: ...


def open_storage(url: str | None, folder: Path) -> MediaStorage:
    """The storage that TICI_MEDIA_URL names, `folder` where it is not set. Raises SurroundingsError."""
    if not url:
        return FolderStorage(folder)
    parsed = urlsplit(url)
    bucket, _, prefix = parsed.path.lstrip("/").partition("/")
    if parsed.scheme not in ("s3", "s3+http") or not parsed.hostname or not bucket:
        raise SurroundingsError(f"TICI_MEDIA_URL 应写作 {_EXAMPLE} / TICI_MEDIA_URL is not an S3 address")
    try:
        from minio import Minio
    except ImportError:
        raise SurroundingsError(
            "TICI_MEDIA_URL 用到 S3，请先安装：pip install 'tici[s3]' / install the s3 extra first"
        ) from None
    host = parsed.hostname + (f":{parsed.port}" if parsed.port else "")
    client = Minio(
        host,
        access_key=unquote(parsed.username or ""),
        secret_key=unquote(parsed.password or ""),
        secure=parsed.scheme == "s3",
        region="us-east-1" if not host.endswith(".amazonaws.com") else None,
    )
    return S3Storage(client, bucket, prefix)


class FolderStorage:
    """One file for each content, as ab/cd/abcd... below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, name: str, path: Path) -> None:
        target = self._path(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        if os.stat(path.parent).st_dev == os.stat(target.parent).st_dev:
            os.replace(path, target)
            return
        # From another disk: copy beside the target, then rename, or a kill would leave half a file under its name.
        aside = target.with_suffix(".new")
        shutil.copyfile(path, aside)
        os.replace(aside, target)

    def open(self, name: str) -> BinaryIO:
        try:
            return open(self._path(name), "rb")
        except FileNotFoundError:
            raise MissingFileError(name) from None

    def has(self, name: str) -> bool:
        return self._path(name).is_file()

    def remove(self, name: str) -> None:
        self._path(name).unlink(missing_ok=True)

    def names(self) -> Iterator[str]:
        return (path.name for path in sorted(self._folder.glob("??/??/*")) if _NAME.fullmatch(path.name))

    def _path(self, name: str) -> Path:
        return self._folder / _checked(name)[:2] / name[2:4] / name


class S3Storage:
    """One object for each content, in an S3-compatible bucket."""

    def __init__(self, client: Minio, bucket: str, prefix: str = "") -> None:
        self._client, self._bucket, self._prefix = client, bucket, f"{prefix.strip('/')}/" if prefix else ""

    def put(self, name: str, path: Path) -> None:
        self._client.fput_object(self._bucket, self._object(name), str(path))

    def open(self, name: str) -> BinaryIO:
        from minio.error import S3Error

        try:
            return cast(BinaryIO, self._client.get_object(self._bucket, self._object(name)))
        except S3Error as error:
            if error.code not in ("NoSuchKey", "NoSuchBucket"):
                raise
            raise MissingFileError(name) from None

    def has(self, name: str) -> bool:
        from minio.error import S3Error

        try:
            self._client.stat_object(self._bucket, self._object(name))
        except S3Error as error:
            if error.code not in ("NoSuchKey", "NoSuchBucket", "NoSuchObject"):
                raise
            return False
        return True

    def remove(self, name: str) -> None:
        self._client.remove_object(self._bucket, self._object(name))

    def names(self) -> Iterator[str]:
        for found in self._client.list_objects(self._bucket, prefix=self._prefix, recursive=True):
            name = str(found.object_name).rpartition("/")[2]
            if _NAME.fullmatch(name):
                yield name

    def _object(self, name: str) -> str:
        return self._prefix + _checked(name)


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("not the name of a content")
    return name
