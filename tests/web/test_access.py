"""Access: every address x every role x one's own or another's customer; what one may not see answers 404."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pytest
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import select

from bot.platform.models import Account, Agent
from tests.support.access_matrix import ANYBODY, ROWS, Row, furnish
from tests.support.site import CONFIG, Site, open_site

SOP = """
[[answers]]
id = "hello"
ask = ["多少钱"]
say = "问我就好"

[[sops]]
id = "hello"
on = "@added"

  [[sops.steps]]
  after = "0m"
  say = "您好"
"""
OWN, OTHER = [2], [9]
WHO = {  # name in the matrix -> role, userid, departments
    "admin": ("admin", None, []),
    "auditor": ("auditor", None, []),
    "leader": ("leader", "OwnLeader", OWN),
    "other leader": ("leader", "OtherLeader", OTHER),
    "agent": ("agent", "Owner", OWN),
    "other agent": ("agent", "Colleague", OWN),
}
USUAL = frozenset({200, 204, 301, 302, 303, 304, 400, 409, 413, 415, 422})


@dataclass
class Crowd:
    """A site and a browser for everybody who might look."""

    site: Site
    known: dict[str, FlaskClient] = field(default_factory=dict)

    def sitting(self, who: str) -> FlaskClient:
        """A browser that stays as long as nobody signs it out."""
        if who not in self.known:
            self.known[who] = self.browser(who)
        return self.known[who]

    def browser(self, who: str) -> FlaskClient:
        """A fresh browser; the one that sat there is signed out."""
        self.known.pop(who, None)
        if who == "stranger":
            return self._with_token(self.site.app.test_client())
        if who == "watcher":
            return self._with_token(self.site.watcher())
        role, userid, departments = WHO[who]
        if userid is None:
            return self.site.signed_in(role)
        with self.site.store.write() as session:
            agent = session.scalar(select(Agent).where(Agent.key == userid.casefold()))
            known = session.scalar(select(Account).where(Account.agent_id == agent.id)) if agent else None
            if known is not None:
                session.delete(known)
        return self.site.signed_in(role, userid, departments)

    @cached_property
    def things(self) -> dict[str, Any]:
        """What nobody changes."""
        return furnish(self.site, self.owner, "owner")

    @cached_property
    def owner(self) -> int:
        self.sitting("agent")
        with self.site.store.read() as session:
            return session.scalars(select(Agent.id).where(Agent.key == "owner")).one()

    def _with_token(self, client: FlaskClient) -> FlaskClient:
        with client.session_transaction() as kept:
            kept["csrf_token"] = "seed"
        made = URLSafeTimedSerializer(self.site.key, salt="wtf-csrf-token").dumps("seed")
        client.environ_base["HTTP_X_CSRFTOKEN"] = str(made)
        return client


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowd]:
    """One site for all rows; each row brings what it needs."""
    folder = tmp_path_factory.mktemp("crowd")
    (folder / "materials").mkdir()
    (folder / "materials" / "leaflet.pdf").write_bytes(b"%PDF-1.4")
    with open_site(folder, CONFIG + SOP) as site:
        yield Crowd(site)


def test_every_address_of_the_app_has_a_row(crowd: Crowd) -> None:
    there = {
        (rule.endpoint, method)
        for rule in crowd.site.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    rows = {(key[0], key[1]) for key in ROWS}
    assert there - rows == set(), "add a row to tests/support/access_matrix.py"
    assert rows - there == set(), "these addresses are no more"


@pytest.mark.parametrize("key", ROWS, ids=" ".join)
def test_only_who_may_gets_in(crowd: Crowd, key: tuple[str, ...]) -> None:
    row, wrong = ROWS[key], []
    for who in ("stranger", "watcher", *WHO):
        got, wanted = ask(crowd, key, who), expected(row, who)
        if got not in wanted:
            wrong.append(f"{who}: {got}, not one of {sorted(wanted)}")
    assert not wrong, "; ".join(wrong)


def expected(row: Row, who: str) -> frozenset[int]:
    """The statuses that are right for this visitor."""
    if row.open_to == ANYBODY:
        return USUAL | set(row.also)
    if who == "stranger":
        return frozenset(row.stranger)
    role = WHO[who][0] if who in WHO else who
    beside = row.owned and who.startswith("other ")
    return frozenset({404}) if role not in row.open_to or beside else USUAL | set(row.also)


def ask(crowd: Crowd, key: tuple[str, ...], who: str) -> int:
    """The status this visitor gets; being sent to sign in is no success of someone who has signed in."""
    row, method = ROWS[key], key[1]
    changes = method == "POST" and expected(row, who) != {404} and (row.owned or row.open_to == ANYBODY)
    things = furnish(crowd.site, crowd.owner, "owner") if changes else crowd.things
    client = crowd.browser(who) if key[0].startswith(("signin.", "preferences.")) else crowd.sitting(who)
    form = {name: value.format(**things) for name, value in row.form.items()} if method == "POST" else None
    with client.open(row.path.format(**things), method=method, data=form) as answer:
        to_sign_in = answer.status_code == 302 and answer.headers["Location"].startswith("/sign-in?next")
        return 401 if to_sign_in and who != "stranger" else answer.status_code


def test_addresses_that_no_row_could_have_are_not_found(crowd: Crowd) -> None:
    client = crowd.browser("admin")
    for path in ("/c/99999999999999999999", "/c/0",
                  "/c/-1", "/c/x", "/tasks/99999999999999999999", "/admin/config/%00",
                 "/media/0", "/groups/0", "/rules/r/%00", "/sops/s/none", "/nowhere"):  # fmt: skip
        assert client.get(path).status_code == 404, path
    for path in ("/admin/log?before=99999999999999999999&day=x&actor=%01", "/admin/people?after=-1&q=%25",
                 "/admin/config?skip=99999999999", "/admin/views?customer=abc&day=0001-01-01",
                 "/admin/views?day=9999-12-31", "/admin/quarantine?after=1e9"):  # fmt: skip
        assert client.get(path).status_code == 200, path
