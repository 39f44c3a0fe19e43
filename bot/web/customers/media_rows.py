"""Rows of files in conversations: their names, whether they are stored, whether a page may show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.platform.models import MediaFile

DRAWN = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""What is shown inside a page: pictures that hold no program. Everything else is handed over as an attachment."""

# What a file is called on the way out, by what its first bytes show; never by what its sender says alone.
_SUFFIXES = {
    "image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp", "application/pdf": "pdf",
    "video/mp4": "mp4", "audio/mpeg": "mp3", "audio/amr": "amr",
}  # fmt: skip
# Kinds of documents whose first bytes are those of a plain container: there the sender's suffix may choose.
_DOCUMENTS = frozenset({
    "docx", "xlsx", "pptx", "doc", "xls", "ppt", "wps", "et", "dps", "pdf", "txt", "csv", "md", "zip", "rar", "7z",
    "amr", "mp3", "mp4", "mov", "png", "jpg", "jpeg", "gif", "webp",
})  # fmt: skip


@dataclass(frozen=True)
class FileView:
    """One file. state as stored: noted | asked | kept | lost | refused | failed."""

    id: int
    kind: str
    name: str
    size: int | None
    seconds: int | None
    state: str
    why: str
    drawn: bool

    @property
    def here(self) -> bool:
        return self.state == "kept"

    @property
    def can_be_fetched(self) -> bool:
        """Whether asking for it makes sense."""
        return self.state in ("noted", "failed")

    @property
    def measure(self) -> str:
        """Its size as people read it."""
        if self.size is None:
            return ""
        for unit, step in (("MB", 1024 * 1024), ("KB", 1024)):
            if self.size >= step:
                return f"{self.size / step:.1f} {unit}"
        return f"{self.size} B"


def file_view(file: MediaFile) -> FileView:
    """What a page shows of a file."""
    return FileView(
        id=file.id,
        kind=file.kind,
        name=file.name,
        size=file.size if file.size is not None else file.announced_size,
        seconds=file.seconds,
        state=file.state,
        why=file.why,
        drawn=file.state == "kept" and file.sniffed in DRAWN,
    )


def name_of(file: MediaFile, sent_at: datetime) -> str:
    """The name of a download: ours, with a suffix that cannot start a program."""
    said = file.name.rpartition(".")[2].lower() if "." in file.name else ""
    suffix = _SUFFIXES.get(file.sniffed) or (said if said in _DOCUMENTS else "bin")
    kind = file.kind if file.kind.isascii() and file.kind.replace("_", "").isalnum() else "file"
    return f"{kind}-{sent_at:%Y%m%d-%H%M%S}-{file.id}.{suffix}"
