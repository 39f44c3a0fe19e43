"""WeCom's ownership files are served by their names, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.site import Site


@pytest.fixture
def folder(site: Site) -> Path:
    """The folder of ownership files, with what must not get out beside it."""
    folder = site.system.environment.verify_files
    folder.mkdir(parents=True)
    (folder / "WW_verify_AbC123.txt").write_text("AbC123")
    (folder / "secret.txt").write_text("no")
    (folder.parent / "WW_verify_up.txt").write_text("no")
    (folder / "WW_verify_link.txt").symlink_to(folder / "secret.txt")
    (folder / "WW_verify_large.txt").write_bytes(b"x" * 5000)
    return folder


@pytest.mark.usefixtures("folder")
def test_the_file_is_at_the_root_for_everybody(site: Site) -> None:
    answer = site.app.test_client().get("/WW_verify_AbC123.txt")
    assert (answer.status_code, answer.text, answer.mimetype) == (200, "AbC123", "text/plain")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "path",
    ["/WW_verify_other.txt", "/secret.txt", "/WW_verify_../secret.txt", "/WW_verify_..%2FWW_verify_up.txt",
     "/WW_verify_link.txt", "/WW_verify_large.txt", "/WW_verify_.txt", "/x/WW_verify_AbC123.txt",
     "/WW_verify_AbC123.txt%00", "/WW_verify_%E4%B8%AD.txt"],
)  # fmt: skip
def test_nothing_else_is(site: Site, path: str) -> None:
    assert site.app.test_client().get(path).status_code == 404
