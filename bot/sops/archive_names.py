"""Names in an archive: which of them lead out of the folder it is unpacked into, or run when somebody opens them."""

from __future__ import annotations

import re
import unicodedata

_ENDINGS = """
apk app appimage bat chm cmd com command cpl deb desktop dll dmg exe gadget hta inf ins iso jar jnlp js jse lnk
mobileconfig msc msi msix msp pif pkg ps1 ps1xml psm1 py pyw reg rpm scf scr sct service sh sys url vb vbe vbs
vbscript vhd vhdx website ws wsc wsf wsh xbap xll xlam xlsm dotm docm pptm ppam
"""
_RUNS = frozenset(_ENDINGS.split())
_DRIVE = re.compile(r"[A-Za-z]:")


def leads_away(name: str) -> bool:
    """Whether unpacking this name would write elsewhere: it goes up, begins at the top, or cannot be shown."""
    plain = _plain(name)
    if plain != name and any(unicodedata.category(char) in ("Cc", "Cf") for char in name):
        return True
    return plain.startswith("/") or bool(_DRIVE.match(plain)) or ".." in (part.strip() for part in plain.split("/"))


def runs(name: str) -> bool:
    """Whether opening what is called so starts a program. Windows drops dots and spaces at the end of a name."""
    last = _plain(name).rstrip("/").rpartition("/")[2].rstrip(" .")
    return last.rpartition(".")[2].lower() in _RUNS and "." in last


def _plain(name: str) -> str:
    shown = "".join(char for char in name if unicodedata.category(char) not in ("Cc", "Cf"))
    return unicodedata.normalize("NFKC", shown).replace("\\", "/")
