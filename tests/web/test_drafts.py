"""Drafts: what leaves is masked, what comes back is a draft or nothing, within time and budget; off by default."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from bot.platform import clock
from bot.platform.config.parsing import ConfigError
from bot.platform.config.settings import parse_settings
from taggers.masked_turns import masked_turns
from tests.support.rows import Rows
from tests.support.site import CONFIG, Site, open_site

MINE = "wmMINE0000000000000000000000000"
CANARIES = ("李丽华", "秋水伊人", "13912345678", "SO20260304", "example.com", "林晓雨", "张女士", "me@mail.cn")
KEY = "sk-tici-canary-0123456789"


@contextmanager
def endpoint(said: str, delay: float = 0) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """An endpoint on loopback that writes `said`; with all that it was asked."""
    asked: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked.append({"key": self.headers.get("Authorization"), **json.loads(body)})
            time.sleep(delay)
            answer = json.dumps({"choices": [{"message": {"content": said}}]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/chat/completions", asked
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def drafting(folder: Path, url: str, further: str = "") -> Iterator[Site]:
    table = f'[drafts]\nurl = "{url}"\nmodel = "small"\n{further}\n'
    given = {"TICI_WEBHOOK_NETWORKS": "127.0.0.0/8", "TICI_DRAFT_KEY": KEY}
    with open_site(folder, CONFIG + table, given) as site:
        with site.store.write() as session:
            rows = Rows(session, clock.now())
            agent = rows.agent("林晓雨")
            agent.key, agent.userid = "wang", "Wang"
            rows.customer("秋水伊人", None, agent)
            customer = rows.customer("李丽华", None, agent)
            customer.external_userid = MINE
            rows.message(customer, "我是李丽华，林晓雨老师在吗", ago=timedelta(minutes=9))
            rows.message(customer, "在的，秋水伊人也报了", agent, ago=timedelta(minutes=8))
            rows.message(customer, "张女士介绍我来的", ago=timedelta(minutes=7))
            rows.message(customer, "电话13912345678，单号SO20260304", ago=timedelta(minutes=6))
            rows.message(customer, "看 https://example.com/u?id=1 或 me@mail.cn 可以吗", ago=timedelta(minutes=5))
        yield site


def ask(site: Site) -> Any:
    return site.signed_in("agent", "Wang").post("/sidebar/draft", data={"external_userid": MINE})


def test_what_leaves_is_masked_and_what_comes_back_is_a_draft(tmp_path: Path) -> None:
    with endpoint("{customer.name}您好，我帮您问一下，马上回您") as (url, asked), drafting(tmp_path, url) as site:
        client = site.signed_in("agent", "Wang")
        page = client.post("/sidebar/draft", data={"external_userid": MINE})
        assert "李丽华您好，我帮您问一下，马上回您" in page.text
        assert "机器写的" in page.text
        assert asked[0]["key"] == f"Bearer {KEY}"
        told = json.dumps(asked[0]["messages"], ensure_ascii=False)
        assert [canary for canary in CANARIES if canary in told] == []
        assert "可以吗" in told
        assert "写个草稿" in client.get("/sidebar").text
        form = {"external_userid": MINE, "key": "draft", "part": "text"}
        assert client.post("/sidebar/send", data=form).status_code == 409, "never as it is by itself"
        sent = json.loads(client.post("/sidebar/send", data={**form, "words": "我改过了"}).text)
        assert sent["message"]["text"] == {"content": "我改过了"}
        assert KEY not in page.text + client.get("/sidebar").text


@pytest.mark.parametrize(
    "said", ["", "现在只要2980元", "秋水伊人也报了", "打13912345678", "{customer.nam}好", "{", "〔客户〕您好"]
)
def test_a_draft_that_promises_or_tells_is_not_shown(tmp_path: Path, said: str) -> None:
    with endpoint(said) as (url, _), drafting(tmp_path, url) as site:
        answer = ask(site)
        assert answer.status_code == 409
        assert "不能用" in json.loads(answer.headers["HX-Trigger"])["toast"]["text"]


def test_time_and_budget_end(tmp_path: Path) -> None:
    with endpoint("好的您稍等", delay=2) as (url, asked), drafting(tmp_path, url, "seconds = 1\nper_day = 1") as site:
        client = site.signed_in("agent", "Wang")
        told = [
            json.loads(client.post("/sidebar/draft", data={"external_userid": MINE}).headers["HX-Trigger"])["toast"]
            for _ in range(2)
        ]
        assert ["没有回答" in told[0]["text"], "用完" in told[1]["text"]] == [True, True]
        assert len(asked) == 1


def test_it_is_off_and_an_inside_address_is_not_called(tmp_path: Path) -> None:
    with open_site(tmp_path, CONFIG) as site:
        assert site.signed_in("agent", "Wang").post("/sidebar/draft").status_code == 404
        assert "写个草稿" not in site.signed_in("agent", "Zhao").get("/sidebar").text
    with pytest.raises(ConfigError):
        parse_settings(CONFIG + '[drafts]\nurl = "https://a.cn/v1"\n')


def test_a_text_that_names_another_is_left_out_whole() -> None:
    turns = [("customer", "王小美让我问"), ("agent", "好的赵老师在")]
    assert masked_turns(turns, {"赵"}, set(), {"王小美"}.__contains__) == [
        ("customer", "〔略〕"), ("agent", "好的〔客户〕老师在"),
    ]  # fmt: skip
