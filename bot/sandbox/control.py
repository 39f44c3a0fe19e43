"""SandboxControl: the client of the sandbox's remote control, for tests, the demo and replays."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

Json = dict[str, Any]


class ControlRefusedError(Exception):
    """The sandbox refused an action; the text is its reason."""


class SandboxControl:
    """Acts as the people in the sandbox, and reads what happened. `url`: such as http://127.0.0.1:8100."""

    def __init__(self, url: str, timeout: float = 60.0) -> None:
        self._host = urlsplit(url).netloc
        self._timeout = timeout

    def post(self, name: str, given: Any = None) -> Any:
        """POST /control/NAME; raises ControlRefusedError with the reason."""
        return self._call("POST", name, {} if given is None else given)

    def get(self, name: str, **query: Any) -> Any:
        return self._call("GET", f"{name}?{urlencode(query)}" if query else name)

    def _call(self, method: str, name: str, body: Any = None) -> Any:
        connection = HTTPConnection(self._host, timeout=self._timeout)
        try:
            payload = None if body is None else json.dumps(body).encode()
            connection.request(method, f"/control/{name}", payload, {"Content-Type": "application/json"})
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        if response.status >= 400:
            try:
                reason = str(json.loads(text)["error"])
            except (ValueError, KeyError, TypeError):
                reason = f"HTTP {response.status}: {text[:200]}"
            raise ControlRefusedError(reason)
        return json.loads(text)

    # people
    def add_customer(self, userid: str, name: str, **given: Any) -> Json:
        """{external_userid, userid, welcome_code}; given: external_userid, gender, type, state, half, welcome."""
        return dict(self.post("customers", {"userid": userid, "name": name, **given}))

    def say(self, sender: str, to: str, text: str) -> Json:
        """A text from a customer to an agent or back: {msgid, seq}."""
        return dict(self.post("say", {"from": sender, "to": to, "content": text}))

    def send(self, sender: str, to: str, msgtype: str, **body: Any) -> Json:
        """Any other kind: image, voice, video, file, location, link, weapp, chatrecord(lines=[..]), mixed, ..."""
        return dict(self.post("say", {"from": sender, "to": to, "msgtype": msgtype, "body": {"_": 0, **body}}))

    def revoke(self, msgid: str) -> Json:
        return dict(self.post("revoke", {"msgid": msgid}))

    def consent(self, userid: str, external_userid: str, agree: bool = True) -> Json:
        return dict(self.post("consent", {"userid": userid, "external_userid": external_userid, "agree": agree}))

    def edit_customer(self, userid: str, external_userid: str, **given: Any) -> Json:
        """On the phone: remark, description, add_tag [names], remove_tag [names], personal_tag [names]."""
        return dict(self.post("edit-customer", {"userid": userid, "external_userid": external_userid, **given}))

    def part(self, userid: str, external_userid: str, by: str = "agent") -> Json:
        """Delete each other; by: agent or customer."""
        return dict(self.post("part", {"userid": userid, "external_userid": external_userid, "by": by}))

    def press(self, userid: str, task_id: str, key: str, **selected: list[str]) -> Json:
        """Press a card's button; selected: question_key=[option ids]."""
        given = {"userid": userid, "task_id": task_id, "key": key, "selected": selected}
        return dict(self.post("press", given))

    def write_to_app(self, userid: str, text: str) -> Json:
        return dict(self.post("app-text", {"userid": userid, "content": text}))

    def member(self, userid: str, **given: Any) -> Json:
        """Add or change a member: name, position, departments, leads, leaders [userids], status, visible, ..."""
        return dict(self.post("members", {"userid": userid, **given}))

    def transfer(self, handover: str, takeover: str, external_userid: str, outcome: str = "done") -> Json:
        """End a transfer; outcome: done, customer_refused, customer_limit_exceed."""
        given = {"handover": handover, "takeover": takeover, "external_userid": external_userid, "outcome": outcome}
        return dict(self.post("transfer", given))

    def change_library(self, do: str, **given: Any) -> Json:
        """Change the tag library; do: create, update, delete (tag or tag_group, by id or name), shuffle."""
        return dict(self.post("tag-library", {"do": do, **given}))

    def confirm_group_send(self, userid: str, msgid: str) -> Json:
        return dict(self.post("confirm-group-send", {"userid": userid, "msgid": msgid}))

    # archive, switches, faults, keys, clock
    def archive(self, messages: Iterable[Json], chunk: int = 2000) -> int:
        """Post {from, to, text, at?, msgid?} messages in order; returns how many."""
        items = list(messages)
        for start in range(0, len(items), chunk):
            self.post("archive", items[start : start + chunk])
        return len(items)

    def switches(self, **values: Any) -> Json:
        return dict(self.post("switches", values))

    def fault(self, path: str, times: int = 1, **plan: Any) -> int:
        """Stage a failure: errcode=, status=, text=, delay=, after=. times=-1: until cleared."""
        return int(self.post("faults", {"path": path, "times": times, **plan})["fault"])

    def clear_faults(self) -> None:
        self.post("faults", {"clear": True})

    def kill_tokens(self, kind: str | None = None) -> int:
        return int(self.post("kill-tokens", {"kind": kind})["killed"])

    def rotate_key(self, withheld: bool = False) -> int:
        return int(self.post("keys", {"withheld": withheld})["publickey_ver"])

    def publish_keys(self) -> list[int]:
        return list(self.post("keys", {"publish": True})["published"])

    def move_clock(self, seconds: float) -> str:
        return str(self.post("clock", {"seconds": seconds})["now"])

    def reset(self, empty: bool = False) -> None:
        self.post("reset", {"empty": empty})

    # what happened
    def state(self) -> Json:
        return dict(self.get("state"))

    def effects(self, since: int = 0, *kinds: str, limit: int = 10_000) -> list[Json]:
        return list(self.get("effects", since=since, kind=",".join(kinds), limit=limit)["effects"])

    def last_effect(self) -> int:
        return int(self.get("effects", since=2**62)["last"])

    def wait_for(
        self, kind: str, since: int = 0, seconds: float = 10.0, accept: Callable[[Json], bool] = lambda _: True
    ) -> Json:
        """The first effect of this kind that is accepted; TimeoutError after so many seconds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for effect in self.effects(since, kind):
                if accept(effect):
                    return effect
            time.sleep(0.05)
        raise TimeoutError(f"no effect {kind!r} within {seconds} s")
