"""Domain proof: serves the files by which WeCom verifies our domain (WW_verify_….txt), from one folder."""

from __future__ import annotations

import re

from flask import Blueprint, Response, abort

from bot.web.layout.requests import current_system

pages = Blueprint("domain_proof", __name__)
_CODE = re.compile(r"[A-Za-z0-9]{1,64}")
_LARGEST = 4096  # bytes; WeCom's files hold a few dozen


@pages.get("/WW_verify_<code>.txt")
def show(code: str) -> Response:
    """The file as the console gave it; nothing else of that folder, and no other name, is ever served."""
    system = current_system()
    path = system.environment.verify_files / f"WW_verify_{code}.txt"
    if not _CODE.fullmatch(code) or path.is_symlink() or not path.is_file() or path.stat().st_size > _LARGEST:
        abort(404)
    return Response(path.read_bytes(), mimetype="text/plain")
