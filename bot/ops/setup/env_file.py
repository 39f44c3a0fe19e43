"""The file of the environment: read as the shell and systemd read it, and changed one variable at a time."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from bot.platform.secret_files import replace

_SET = re.compile(r"\s*(#\s*)?(?:export\s+)?([A-Z][A-Z0-9_]*)=(.*)")
_PLAIN = re.compile(r"[\w./:@,+-]*", re.ASCII)


def read_values(path: Path) -> dict[str, str]:
    """The variables that are in force in a file; nothing where there is no file."""
    values = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        found = _SET.fullmatch(line)
        if found and not found[1]:
            values[found[2]] = _unquoted(found[3].strip())
    return values


def write_value(path: Path, name: str, value: str) -> None:
    """Set one variable: in its own line, even if that was a remark, else at the end. Readable by its owner only."""
    line = f"{name}={_quoted(value)}"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    places = [number for number, old in enumerate(lines) if (found := _SET.fullmatch(old)) and found[2] == name]
    if places:
        lines[places[-1]] = line
    else:
        lines.append(line)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = ("\n".join(lines) + "\n").encode()
    try:
        replace(path, content)
    except PermissionError:  # the file is ours, its folder (/etc) is not
        path.write_bytes(content)


def _quoted(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else f"'{value}'" if "'" not in value else f'"{value}"'


def _unquoted(text: str) -> str:
    try:
        return "".join(shlex.split(text, posix=True)) if text[:1] in "'\"" else text
    except ValueError:
        return text
