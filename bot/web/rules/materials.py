"""The page of the material library: what is there and used where, uploads, downloads, removals."""

from __future__ import annotations

from flask import Flask, abort, redirect, render_template, request, send_file, url_for
from werkzeug.wrappers import Response

from bot.customers.imported_lines import MOST_BYTES as MOST_TABLE_BYTES
from bot.platform import clock
from bot.platform.config.materials import MOST_BYTES
from bot.platform.database.audit_log import record
from bot.sops.material_library import TAKEN, MaterialRefusedError, list_files, path_of, remove_file, store_upload
from bot.sops.material_uploads import folder_of
from bot.web.auth.access import refuse_unless
from bot.web.auth.visitor import ADMIN, LEADER, visitor, visitor_or_none
from bot.web.layout.languages import translate
from bot.web.layout.requests import current_system
from bot.web.rules.sops import pages

_ROOM = 64 * 1024  # bytes of a form beside the file
_LARGE: dict[str, tuple[tuple[str, ...], int]] = {
    "sops.upload": ((ADMIN,), max(MOST_BYTES.values())),
    "imports.upload": ((ADMIN, LEADER), MOST_TABLE_BYTES),
}
"""Addresses that take a file: who may send it, and how many bytes it has at most."""
_PICTURES = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png"}
Answer = str | tuple[str, int] | Response


@pages.get("/sops/library", endpoint="library")
def library_page() -> str:
    """Every file of the library."""
    return _page("")


@pages.post("/sops/library")
def upload() -> Answer:
    """Store one file under a name of ours."""
    refuse_unless(ADMIN)
    given = request.files.get("file")
    if given is None or not given.filename:
        return _page(translate("先选一个文件")), 422
    system, now = current_system(), clock.now()
    try:
        name = store_upload(folder_of(system), given.filename, given.stream)  # type: ignore[arg-type]
    except MaterialRefusedError as refused:
        return _page(str(refused)), 422
    with system.store.write() as session:
        record(session, visitor().actor, "material.upload", f"material:{name[:100]}", now)
    return redirect(url_for("sops.library", done=name))


@pages.post("/sops/library/remove")
def take_away() -> Answer:
    """Remove one file that nothing uses."""
    refuse_unless(ADMIN)
    name = request.form.get("name", "")
    system, now = current_system(), clock.now()
    settings, folder = system.settings, folder_of(system)
    try:
        with system.store.read() as session:
            remove_file(session, folder, name, settings)
    except MaterialRefusedError as refused:
        return _page(str(refused)), 409
    with system.store.write() as session:
        record(session, visitor().actor, "material.remove", f"material:{name[:100]}", now)
    return redirect(url_for("sops.library"))


@pages.get("/sops/library/<path:name>")
def open_file(name: str) -> Response:
    """A picture to look at, any other file to download."""
    try:
        path = path_of(folder_of(current_system()), name)
    except MaterialRefusedError:
        abort(404)
    kind = _PICTURES.get(path.suffix.lower())
    mimetype = kind or "application/octet-stream"
    return send_file(path.resolve(), mimetype=mimetype, as_attachment=kind is None, download_name=path.name)


def prepare(app: Flask) -> None:
    """Allow uploads to be large for who may upload. Registered first: the CSRF check reads the form, file and all."""
    app.before_request(_widen)


def _widen() -> None:
    roles, most = _LARGE.get(request.endpoint or "", ((), 0))
    who = visitor_or_none() if roles else None
    if who is not None and who.role in roles:
        request.max_content_length = most + _ROOM


def _page(problem: str) -> str:
    system = current_system()
    settings = system.settings
    return render_template(
        "library.html",
        files=list_files(folder_of(system), settings),
        folder=settings.workspace.materials,
        problem=problem,
        done=request.args.get("done", "")[:120],
        taken=TAKEN,
    )
