"""Exported lists: has a customer list exported as people do, and waits for the job."""

from __future__ import annotations

from flask.testing import FlaskClient

from bot.agents import bulk_job
from bot.platform import clock
from tests.support.site import Site


def export(site: Site, client: FlaskClient, asked: str) -> str:
    """Have what the list asks for exported; returns the address of its deed."""
    answer = client.post(f"/customers/export?{asked}")
    assert answer.status_code == 204, answer.headers.get("HX-Trigger")
    while bulk_job.advance(site.system, clock.now()):
        pass
    return answer.headers["HX-Redirect"]
