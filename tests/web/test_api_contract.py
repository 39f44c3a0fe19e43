"""The API keeps to its own document: requests made up from it, good and bad, are answered as it says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import update

from bot.agents.api_tokens import create_token
from bot.platform import clock
from bot.platform.models import ApiToken
from tests.support.rows import Rows
from tests.support.site import CONFIG, Site, open_site

schemathesis = pytest.importorskip("schemathesis", reason="in tests/requirements.txt; make setup-tests installs it")
openapi_checks = pytest.importorskip("schemathesis.specs.openapi.checks", reason="as schemathesis itself")
SCOPES = [f"{of}:{may}" for of in ("orders", "products", "events", "customers") for may in ("read", "write")]
# JSON Schema cannot say that a moment lies between 1990 and 2200: some of what it allows is refused, with the reason.
UNSAID = [openapi_checks.positive_data_acceptance]
PASSED_OVER = [openapi_checks.negative_data_rejection]  # parameters of no meaning, where something is only shown
TRIED = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with open_site(tmp_path_factory.mktemp("contract"), CONFIG) as site:
        with site.store.write() as session:
            Rows(session, clock.now()).customer("王").unionid = "o1"
        yield site


def token(site: Site) -> str:
    """A token of its own for each request: none waits for another's minute."""
    with site.store.write() as session:
        session.execute(update(ApiToken).values(revoked_at=clock.now()))
        return create_token(session, ("试", "contract"), SCOPES, "admin", clock.now())


@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_whatever_is_asked_is_answered_as_the_document_says(site: Site, mode: str) -> None:
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", site.app)
    operations = [found.ok() for found in schema.get_all_operations()]
    answered: dict[str, set[int]] = {}
    for operation in operations:

        @TRIED
        @given(case=operation.as_strategy(generation_mode=schemathesis.GenerationMode(mode)))
        def check(case: Any) -> None:
            headers = {"Authorization": f"Bearer {token(site)}"}
            answer = case.call_and_validate(
                headers=headers, excluded_checks=UNSAID if case.method == "POST" else UNSAID + PASSED_OVER
            )
            answered.setdefault(case.operation.label, set()).add(answer.status_code)

        check()
    assert {one.label for one in operations} >= answered.keys()
    assert set().union(*answered.values()) <= {200, 400, 401, 403, 405, 406, 413, 415, 422}
    posts = [statuses for label, statuses in answered.items() if label.startswith("POST")]
    assert len(posts) == 4
    assert any(200 in statuses for statuses in posts) == (mode == "positive")
