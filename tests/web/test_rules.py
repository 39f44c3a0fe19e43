"""The rules' pages: who sees what, editing the file itself, drafts tried, nothing lost and nothing broken saved."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, select

from bot.analytics.rule_stats import hit_counts, with_feedback
from bot.analytics.studies import advance
from bot.platform import clock
from bot.platform.config.file import read_config_text
from bot.platform.config.rule_text import find_rule, rule_blocks
from bot.platform.models import AuditEntry, ConfigChange, ConfigVersion, Evidence, Feedback, Status, Study, ViewEntry
from tests.support.rows import Rows
from tests.support.site import CONFIG, Site, open_site

COMMENTED = (
    CONFIG.replace("[[rules]]", "# 问价\n[[rules]]").replace('any = ["多少钱"]', 'any = ["多少钱"]  # 常说的')
    + """
# 别的规则
[[rules]]
id = "hello"
tag = "已开课"
any = ["你好"]
  [rules.examples]
  hit = ["你好"]
"""
)
FORM = {"was": "ask-price", "id": "ask-price", "tag": "考虑价格", "from": "customer", "any": "多少钱\n学费"}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path, COMMENTED) as site:
        yield site


def path_of(site: Site) -> Path:
    return site.system.environment.config


def stamp(site: Site) -> str:
    return read_config_text(path_of(site)).stamp


def save(site: Site, client: FlaskClient, **form: str) -> Any:
    return client.post("/rules/save", data={**FORM, "stamp": stamp(site), **form})


def hits(site: Site, count: int = 3, **values: Any) -> list[int]:
    with site.store.write() as session:
        rows = Rows(session, clock.now())
        agent = rows.agent()
        found = []
        for number in range(count):
            customer = rows.customer(f"李女士{number}", agent=agent)
            message = rows.message(customer, f"请问多少钱 13812345678 {number}", ago=timedelta(days=2))
            evidence = rows.evidence(message, [["多少钱", 2, 5]], "考虑价格", "命中 多少钱；非否定；疑问句")
            for name, value in values.items():
                setattr(evidence, name, value)
            found.append(evidence.id)
    return found


def test_the_table_says_what_each_rule_did(site: Site) -> None:
    hits(site, 2)
    hits(site, 1, hit_at=clock.now() - timedelta(days=20))
    hits(site, 1, hit_at=clock.now() - timedelta(days=40), rule_id="old-one")
    client = site.signed_in("admin")
    html = client.get("/rules").text
    row = re.search(r"<tr>.*?ask-price.*?</tr>", html, re.DOTALL)
    assert row is not None
    assert [int(one) for one in re.findall(r'data-name="\d+ 天">(\d+)<', row[0])] == [2, 3]
    assert "old-one" in html
    assert "已不在配置里" in html
    assert "hello" not in client.get("/rules?q=多少钱").text.partition("<tbody>")[2]
    assert "ask-price" not in client.get("/rules?tag=已开课").text.partition("<tbody>")[2]
    assert "没有符合的规则" in client.get("/rules?q=没有人写过的词").text


def test_the_figures_are_the_same_on_both_databases(store: Any) -> None:
    now = clock.now()
    with store.write() as session:
        rows = Rows(session, now)
        for number in range(4):
            evidence = rows.evidence(rows.message(rows.customer(), "多少钱"), [["多少钱", 0, 3]], "考虑价格", "命中")
            evidence.hit_at = now - timedelta(days=10 * number)
            session.add(
                Feedback(evidence_id=evidence.id, rule_id="ask-price", right=number > 0, author="a", given_at=now)
            )
    with store.read() as session:
        found = with_feedback(session, hit_counts(session, now))["ask-price"]
    assert (found.week, found.month, found.last_at, found.right, found.wrong) == (1, 4, now, 3, 1)
    assert found.precision == 0.75


def test_a_hit_is_shown_with_its_words_and_reading_it_is_noted(site: Site) -> None:
    hits(site)
    client = site.signed_in("admin")
    html = client.get("/rules/r/ask-price").text
    assert html.count('<mark title="命中 多少钱；非否定；疑问句">多少钱</mark>') == 3
    assert "any = [&#34;多少钱&#34;]  # 常说的" in html
    with site.store.read() as session:
        assert len(session.scalars(select(ViewEntry).where(ViewEntry.page == "rule")).all()) == 3
    assert client.get("/rules/r/nobody-knows").status_code == 404
    assert client.get("/rules/r/ask-price?before=99999999999999999999").status_code in (200, 404)


def test_further_hits_come_as_one_scrolls(site: Site) -> None:
    hits(site, 25)
    client = site.signed_in("admin")
    html = client.get("/rules/r/ask-price").text
    (more,) = re.findall(r'hx-get="(/rules/[^"]+)"', html)
    rest = client.get(more.replace("&amp;", "&")).text
    assert (html.count("hit-top"), rest.count("hit-top")) == (20, 5)


def test_who_only_looks_sees_no_telephone_numbers_and_changes_nothing(site: Site) -> None:
    (evidence, *_) = hits(site)
    auditor = site.signed_in("auditor")
    html = auditor.get("/rules/r/ask-price").text
    assert "13812345678" not in html
    assert "138****5678" in html
    assert "误判" not in html.partition('class="hits"')[2]
    for path in ("/rules/file", "/rules/history", "/rules/proposals"):
        assert auditor.get(path).status_code == 200, path
    assert "readonly" in auditor.get("/rules/file").text
    assert auditor.get("/rules/new").status_code == 404
    for path in ("/rules/save", "/rules/file", "/rules/backtests", "/rules/try", "/rules/recent", "/rules/proposals"):
        assert auditor.post(path, data=FORM).status_code == 404, path
    assert auditor.post(f"/evidence/{evidence}/feedback", data={"word": "wrong"}).status_code == 404


def test_a_leader_sees_hits_of_his_own_people_and_an_agent_no_rules_at_all(site: Site) -> None:
    hits(site)
    leader = site.signed_in("leader", userid="Nobody", departments=[7])
    assert "李女士" not in leader.get("/rules/r/ask-price").text
    for path in ("/rules/file", "/rules/history", "/rules/proposals", "/rules/new", "/rules/r/ask-price/edit"):
        assert leader.get(path).status_code == 404, path
    assert site.signed_in("agent", userid="Somebody").get("/rules").status_code == 404
    assert site.watcher().get("/rules").status_code == 404


def test_feedback_counts_once_a_person_and_can_be_taken_back(site: Site) -> None:
    (evidence, *_) = hits(site)
    client = site.signed_in("admin", userid="WuTong")
    address = f"/evidence/{evidence}/feedback"
    assert "on wrong" in client.post(address, data={"word": "wrong"}).text
    assert "on right" in client.post(address, data={"word": "right"}).text
    with site.store.read() as session:
        (row,) = session.scalars(select(Feedback))
        assert (row.right, row.rule_id, row.author) == (True, "ask-price", "WuTong")
    assert "100%" in client.get("/rules").text
    client.post(address, data={"word": ""})
    with site.store.read() as session:
        assert session.scalars(select(Feedback)).all() == []
        actions = [entry.action for entry in session.scalars(select(AuditEntry))]
    assert actions == ["feedback.give"] * 3
    assert client.post(address, data={"word": "nonsense"}).status_code == 400
    assert client.post("/evidence/999/feedback", data={"word": "right"}).status_code == 404
    stranger = site.signed_in("agent", userid="Stranger")
    assert stranger.post(address, data={"word": "wrong"}).status_code == 404


def test_a_rule_is_saved_into_the_file_with_every_comment(site: Site) -> None:
    client = site.signed_in("admin", userid="WuTong")
    before = path_of(site).read_text(encoding="utf-8")
    answer = save(site, client, times="2", within="7d", **{"examples.hit": "学费是几块"})
    assert answer.headers["Location"] == "/rules/r/ask-price?saved=1"
    after = path_of(site).read_text(encoding="utf-8")
    old, new = find_rule(before, "ask-price"), find_rule(after, "ask-price")
    assert new.values == {
        "id": "ask-price", "tag": "考虑价格", "any": ["多少钱", "学费"], "times": 2, "within": "7d",
        "examples": {"hit": ["学费是几块"]},
    }  # fmt: skip
    assert after.encode()[: new.start] == before.encode()[: old.start]
    assert after.encode()[new.end :] == before.encode()[old.end :]
    assert "# 常说的" in after
    assert site.system.settings.source == after
    page = client.get("/rules/history").text
    assert "改规则 ask-price" in page
    assert "WuTong" in page


def test_an_unchanged_form_changes_no_byte(site: Site) -> None:
    client = site.signed_in("admin")
    before = path_of(site).read_bytes()
    html = client.get("/rules/r/ask-price/edit").text
    assert "多少钱" in html
    assert save(site, client, any="多少钱").status_code == 302
    assert path_of(site).read_bytes() == before


def test_an_edit_that_fails_an_example_is_refused_at_its_field(site: Site) -> None:
    client = site.signed_in("admin")
    before = path_of(site).read_bytes()
    answer = save(site, client, **{"examples.hit": "在吗"})
    assert answer.status_code == 422
    field = re.search(r'name="examples.hit".*?</div>', answer.text, re.DOTALL)
    assert field is not None
    assert "例句「在吗」应命中 ask-price" in field[0]
    assert "学费" in answer.text  # what was typed is still there
    assert path_of(site).read_bytes() == before


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"id": "hello"}, "已被"),
        ({"id": "中文"}, "只能用英文字母"),
        ({"regex": "(?=x)"}, "regex"),
        ({"times": "很多"}, "应是整数"),
        ({"within": "soon"}, "时长写成"),
        ({"any": ""}, "ask-price"),
        ({"tag": ""}, "必须写上"),
        ({"from": "nobody"}, "只能是"),
        ({"scope": "nowhere", "any": "甲" * 65}, "太长"),
    ],
)
def test_nonsense_is_refused_in_words(site: Site, form: dict[str, str], words: str) -> None:
    before = path_of(site).read_bytes()
    answer = save(site, site.signed_in("admin"), **form)
    assert answer.status_code == 422
    assert words in answer.text
    assert path_of(site).read_bytes() == before


def test_a_new_rule_bites_on_the_next_sentence(site: Site) -> None:
    client = site.signed_in("admin")
    assert "新规则" in client.get("/rules/new").text
    answer = save(site, client, was="", id="ask-refund", any="退费", **{"examples.hit": "能退费吗"})
    assert answer.status_code == 302
    assert [block.id for block in rule_blocks(path_of(site).read_text(encoding="utf-8"))][-1] == "ask-refund"
    tried = client.post("/rules/try", data={**FORM, "sentence": "退费怎么弄"}).text
    assert "ask-refund" in tried


def test_a_rule_goes_when_it_is_removed(site: Site) -> None:
    client = site.signed_in("admin")
    answer = client.post("/rules/r/hello/delete", data={"stamp": stamp(site)})
    assert answer.headers["Location"] == "/rules?deleted=hello"
    assert [block.id for block in rule_blocks(path_of(site).read_text(encoding="utf-8"))] == ["ask-price"]
    assert client.post("/rules/r/hello/delete", data={"stamp": stamp(site)}).status_code == 404


def test_who_saves_later_sees_what_the_other_did_and_loses_nothing(site: Site) -> None:
    first, second = site.signed_in("admin", userid="WuTong"), site.signed_in("admin", userid="LinXiaoyu")
    began = stamp(site)
    assert save(site, first, any="多少钱\n学费", stamp=began).status_code == 302
    answer = save(site, second, any="多少钱\n价位", stamp=began)
    assert answer.status_code == 409
    assert "WuTong" in answer.text
    assert "价位" in answer.text
    assert re.search(r'class="gone".*?学费', answer.text, re.DOTALL)
    assert find_rule(path_of(site).read_text(encoding="utf-8"), "ask-price").values["any"] == ["多少钱", "学费"]
    fresh = re.search(r'name="stamp" value="(\w+)"', answer.text)
    assert fresh is not None
    assert save(site, second, any="多少钱\n价位", stamp=fresh[1]).status_code == 302
    assert find_rule(path_of(site).read_text(encoding="utf-8"), "ask-price").values["any"] == ["多少钱", "价位"]


def test_a_rule_that_was_removed_meanwhile_is_not_lost(site: Site) -> None:
    client = site.signed_in("admin")
    began = stamp(site)
    hello = {"was": "hello", "id": "hello", "tag": "已开课", "any": "你好\n您好"}
    assert client.post("/rules/r/hello/delete", data={"stamp": began}).status_code == 302
    answer = save(site, client, stamp=began, **hello)
    assert answer.status_code == 409
    assert "刚被别人删除或改名" in answer.text
    assert save(site, client, **{**hello, "was": ""}).status_code == 302


def test_a_large_change_needs_a_second_look(site: Site) -> None:
    with site.store.write() as session:
        rows = Rows(session, clock.now())
        customer = rows.customer()
        for number in range(30):
            rows.message(customer, f"外面天气不错 {number}")
    client = site.signed_in("admin")
    before = path_of(site).read_bytes()
    answer = save(site, client, any="多少钱\n天气")
    assert answer.status_code == 409
    assert "最近 30 条消息" in answer.text
    assert "天气" in answer.text
    assert path_of(site).read_bytes() == before
    sure = re.search(r'name="sure" value="(\w+)"', answer.text)
    assert sure is not None
    assert save(site, client, any="多少钱\n天气\n冷", sure=sure[1]).status_code == 409  # another draft than was seen
    assert save(site, client, any="多少钱\n天气", sure=sure[1]).status_code == 302


def test_a_sentence_is_tried_before_anything_is_saved(site: Site) -> None:
    client = site.signed_in("admin")
    assert "✓" in client.post("/rules/try", data={**FORM, "sentence": "学费怎么收"}).text
    assert "否定" in client.post("/rules/try", data={**FORM, "sentence": "不谈学费"}).text
    assert "没有这条规则的关键词" in client.post("/rules/try", data={**FORM, "sentence": "在吗"}).text
    assert "客户" in client.post("/rules/try", data={**FORM, "sentence": "学费", "speaker": "agent"}).text
    hostile = client.post("/rules/try", data={**FORM, "sentence": "<script>学费</script>"})
    assert "<script>" not in hostile.text
    assert "正则表达式" in client.post("/rules/try", data={**FORM, "regex": "(((", "sentence": "学费"}).text


def test_a_draft_is_tried_on_the_last_messages(site: Site) -> None:
    hits(site)
    client = site.signed_in("admin")
    found = client.post("/rules/recent", data={**FORM, "any": "学费"}).text
    assert "最近 3 条消息：原来命中 3 次，改后 0 次，多 0，少 3。" in found
    assert "没有差别" in client.post("/rules/recent", data={**FORM, "any": "多少钱"}).text
    with site.store.read() as session:
        assert session.scalars(select(ViewEntry).where(ViewEntry.page == "draft")).all()


def test_a_file_broken_by_hand_shows_its_lines_and_is_mended_as_text(site: Site) -> None:
    client = site.signed_in("admin")
    assert client.get("/rules").status_code == 200
    good = path_of(site).read_text(encoding="utf-8")
    path_of(site).write_text(good.replace('tag = "已开课"', "tag = 已开课"), encoding="utf-8")
    site.system.keeper.look_again()
    assert "仍按上一份正确的配置运行" in client.get("/rules").text
    page = client.get("/rules/file").text
    (line,) = re.findall(r'data-bad="(\d+)"', page)
    assert good.splitlines()[int(line) - 1] == 'tag = "已开课"'
    assert "tag = 已开课" in page
    refused = client.post("/rules/file", data={"text": "[[rules]]\nid = 1\n", "stamp": stamp(site)})
    assert refused.status_code == 422
    assert "第 2 行" in refused.text
    assert "没有问题" in client.post("/rules/file/check", data={"text": good}).text
    assert client.post("/rules/file", data={"text": good, "stamp": stamp(site)}).status_code == 302
    assert path_of(site).read_text(encoding="utf-8") == good
    assert "仍按上一份正确的配置运行" not in client.get("/rules").text


def test_without_any_good_config_the_file_can_still_be_mended(site: Site) -> None:
    path_of(site).write_text("nonsense", encoding="utf-8")
    client = site.signed_in("admin")
    assert client.get("/rules").status_code == 503
    assert "nonsense" in client.get("/rules/file").text
    assert client.post("/rules/file", data={"text": COMMENTED, "stamp": stamp(site)}).status_code == 302
    assert client.get("/rules").status_code == 200


def test_a_read_only_file_says_so_and_is_not_saved(site: Site) -> None:
    path_of(site).chmod(0o444)
    client = site.signed_in("admin")
    for page in ("/rules/file", "/rules/r/ask-price/edit"):
        assert "chmod u+w" in client.get(page).text
    answer = save(site, client)
    assert answer.status_code == 409
    assert "只读" in answer.text
    assert path_of(site).read_text(encoding="utf-8") == COMMENTED


def test_text_keeps_windows_line_ends_and_a_conflict_shows_both(site: Site) -> None:
    client = site.signed_in("admin")
    began = stamp(site)
    mine = COMMENTED.replace("你好", "您好")
    path_of(site).write_text(COMMENTED + "# 另一个人加的\n", encoding="utf-8")
    answer = client.post("/rules/file", data={"text": mine.replace("\n", "\r\n"), "stamp": began})
    assert answer.status_code == 409
    assert "另一个人加的" in answer.text
    assert "any = [&#34;您好&#34;]" in answer.text
    assert "\r" not in path_of(site).read_text(encoding="utf-8")
    assert client.post("/rules/file", data={"stamp": began}).status_code == 400


def test_an_old_version_comes_back(site: Site) -> None:
    client = site.signed_in("admin", userid="WuTong")
    client.get("/rules")
    save(site, client)
    with site.store.read() as session:
        first, second = session.scalars(select(ConfigChange).order_by(ConfigChange.id))
    page = client.get(f"/rules/history/{second.id}").text
    assert re.search(r'class="new".*?学费', page, re.DOTALL)
    assert "这就是现在的文件" in page
    answer = client.post(f"/rules/history/{first.id}/restore", data={"stamp": stamp(site)})
    assert answer.status_code == 302
    assert path_of(site).read_text(encoding="utf-8") == COMMENTED
    assert "恢复到版本" in client.get("/rules/history").text
    stale = client.post(f"/rules/history/{second.id}/restore", data={"stamp": "0" * 16})
    assert stale.status_code == 409
    assert client.get("/rules/history/999").status_code == 404
    assert client.post("/rules/history/999/restore").status_code == 404
    assert client.get("/rules/history?before=99999999999999999999").status_code == 200


def test_a_backtest_says_who_comes_and_goes_and_how_many_it_names(site: Site) -> None:
    with site.store.write() as session:
        rows = Rows(session, clock.now())
        for _ in range(7):
            rows.message(rows.customer(), "学费怎么算")
        rows.message(rows.customer(), "多少钱")
    client = site.signed_in("admin")
    client.post("/rules/backtests", data={**FORM, "any": "学费"})
    while advance(site.system, clock.now()):
        pass
    done = re.sub(r"<[^>]+>", "", client.get("/rules/backtests/1").text)
    assert "多出来的 7 · 列出 5 位" in done
    assert re.search(r"少掉的 1\s", done)


def test_a_backtest_is_asked_for_watched_and_cancelled(site: Site) -> None:
    hits(site)
    client = site.signed_in("admin")
    assert "等待后台开始" in client.post("/rules/backtests", data={**FORM, "any": "学费"}).text
    with site.store.read() as session:
        (study,) = session.scalars(select(Study))
    while advance(site.system, clock.now()):
        pass
    done = client.get(f"/rules/backtests/{study.id}").text
    assert "3 位客户，3 条消息" in done
    assert "−3" in done
    assert "hx-get" not in done
    assert ">少掉的 " in done
    assert ">多出来的 " not in done
    client.post("/rules/backtests", data={"text": COMMENTED})
    assert "已停止" in client.post(f"/rules/studies/{study.id + 1}/cancel").text
    assert "wrong" in client.post("/rules/backtests", data={**FORM, "regex": "((("}).text
    assert client.get("/rules/backtests/999").status_code == 404
    assert client.post("/rules/studies/999/cancel").status_code == 404


def test_a_proposal_fills_the_form(site: Site) -> None:
    with site.store.write() as session:
        rows = Rows(session, clock.now())
        for number in range(50):
            customer = rows.customer(stage=None)
            rows.message(customer, "怎么报名呢" if number < 6 else "你好呀", ago=timedelta(hours=1))
            if number < 6:
                rows.tag(customer, "已付款", by="human")
    client = site.signed_in("admin")
    assert "还没有找过" in client.get("/rules/proposals").text
    assert client.post("/rules/proposals").status_code == 302
    assert "正在找" in client.get("/rules/proposals").text
    while advance(site.system, clock.now()):
        pass
    html = client.get("/rules/proposals").text
    (link, *_) = re.findall(r'href="(/rules/new\?[^"]+)"', html)
    form = client.get(link.replace("&amp;", "&")).text
    assert 'value="mined-1"' in form
    assert 'value="已付款"' in form
    assert "报名" in form
    assert client.get("/rules/new?study=999&number=0").status_code == 404
    assert client.get("/rules/new?study=1&number=-1").status_code == 404
    client.post("/rules/proposals")
    assert client.post("/rules/studies/2/cancel").status_code == 302
    assert "没有找完就停止了" in client.get("/rules/proposals").text


def test_forgery_and_strangers_are_turned_away(site: Site) -> None:
    stranger = site.app.test_client()
    assert stranger.get("/rules").status_code == 302
    assert stranger.post("/rules/save", data=FORM).status_code in (302, 400)
    forged = site.signed_in("admin")
    forged.environ_base.pop("HTTP_X_CSRFTOKEN")
    assert save(site, forged).status_code == 400
    assert path_of(site).read_text(encoding="utf-8") == COMMENTED


def test_evidence_of_a_message_that_is_gone_is_still_shown(site: Site) -> None:
    (first, *_) = hits(site, 1)
    with site.store.write() as session:
        session.get_one(Evidence, first).message_id = None
    assert "命中 多少钱" in site.signed_in("admin").get("/rules/r/ask-price").text


@pytest.mark.parametrize(
    ("pasted", "words"),
    [
        ("学费，价格、收费；贵不贵", ["学费", "价格", "收费", "贵不贵"]),
        ("学费\t价格\t\t收费", ["学费", "价格", "收费"]),
        ("学费, 价格;收费", ["学费", "价格", "收费"]),
        ("学费\r\n价格，收费", ["学费", "价格", "收费"]),
        ('"学费","价格"', ["学费", "价格"]),
        ("“学费”、“价格”、“学费”", ["学费", "价格"]),
        ("学费｜价格", ["学费", "价格"]),
        ("学费 价格　收费", ["学费", "价格", "收费"]),
        ("学费/价格", ["学费", "价格"]),
        ("1、学费\r\n2、价格", ["学费", "价格"]),
        ("• 学费\r\n• 价格", ["学费", "价格"]),
        ("① 学费\r\n② 价格", ["学费", "价格"]),
        ("“学费”", ["学费"]),
        ("学费\u200b\r\n价格", ["学费", "价格"]),
    ],
)
def test_words_pasted_in_one_line_are_split_after_a_word_of_confirmation(
    site: Site, pasted: str, words: list[str]
) -> None:
    client, before = site.signed_in("admin"), path_of(site).read_bytes()
    asked = save(site, client, any=pasted)
    assert asked.status_code == 409
    assert path_of(site).read_bytes() == before
    assert all(f">{word}</span>" in asked.text for word in words)
    assert save(site, client, any=pasted, split="yes").status_code == 302
    assert find_rule(path_of(site).read_text(encoding="utf-8"), "ask-price").values["any"] == words


def test_words_that_hold_a_comma_of_their_own_stay_whole_where_one_says_so(site: Site) -> None:
    client = site.signed_in("admin")
    assert save(site, client, any="多少钱\n2,999\niphone 15\n24/7").status_code == 302
    assert save(site, client, any="多少钱\n你好，在吗", split="no").status_code == 302
    assert save(site, client, any="多少钱\n你好，在吗\n学费").status_code == 302  # it is known by now
    kept = find_rule(path_of(site).read_text(encoding="utf-8"), "ask-price").values["any"]
    assert kept == ["多少钱", "你好，在吗", "学费"]
    sentences = {"examples.hit": "你好，请问多少钱"}
    assert save(site, client, any="多少钱", **sentences).status_code == 302


def test_numbers_and_hours_are_read_as_people_write_them(site: Site) -> None:
    client = site.signed_in("admin")
    given = {
        "any": "多少钱",
        "times": "３次",
        "within": "2小时30分钟",
        "when.hours": "9点到18点",
        "when.profile": "80%",
    }
    assert save(site, client, **given).status_code == 302
    kept = find_rule(path_of(site).read_text(encoding="utf-8"), "ask-price").values
    assert (kept["times"], kept["when"]) == (3, {"profile": 80, "hours": "09:00-18:00"})


@pytest.mark.parametrize(
    ("tag", "rule_id"),
    [("考虑价格", "kao-lv-jia-ge"), ("VIP 客户", "vip-ke-hu"), ("续费2次", "xu-fei-2-ci"), ("★", "rule")],
)
def test_a_new_rule_without_an_id_gets_one_from_its_tag(site: Site, tag: str, rule_id: str) -> None:
    client = site.signed_in("admin")
    for wanted in (rule_id, f"{rule_id}-2"):
        answer = save(site, client, was="", id="", tag=tag, any="退费")
        assert (answer.status_code, answer.headers["Location"]) == (302, f"/rules/r/{wanted}?saved=1")


def test_the_form_warns_of_a_tag_that_is_declared_nowhere_and_completes_it(site: Site) -> None:
    client = site.signed_in("admin")
    form = client.get("/rules/r/ask-price/edit").text
    assert 'list="declared-tags"' in form
    assert '<option value="已付款">' in form
    said = client.post("/rules/tag-word", data={"tag": "考虑价恪"}).text
    assert "没有声明过" in said
    assert 'data-take="考虑价格"' in said
    assert client.post("/rules/tag-word", data={"tag": "考虑价格"}).text.strip() == ""
    assert save(site, client, was="hello", id="hello", any="你好", tag="已开科").status_code == 302
    assert "没有声明过" in client.get("/rules/r/hello?saved=1").text


def test_the_first_bad_field_of_a_refused_save_is_in_focus_even_where_it_is_folded_away(site: Site) -> None:
    answer = save(site, site.signed_in("admin"), **{"within": "soon", "near.within": "很多", "near.words": "甲\n乙"})
    assert answer.text.count("autofocus") == 1
    (focused,) = re.findall(r"<(?:input|textarea|select)[^>]*autofocus[^>]*>", answer.text)
    assert 'name="within"' in focused
    rare = save(site, site.signed_in("admin"), regex="(?=x)").text
    assert re.search(r'<details class="panel" open>.*?name="regex"[^>]*autofocus', rare, re.DOTALL)


def test_what_is_wrong_elsewhere_is_named_in_words(site: Site) -> None:
    broken = (
        COMMENTED
        + '  miss = ["你好啊"]\n\n[[sops]]\nid = "s"\nstage = "考虑价格"\n[[sops.steps]]\nsay = "{nobody}"\n'
    )
    path_of(site).write_text(broken, encoding="utf-8")
    client = site.signed_in("admin")
    pages = [save(site, client).text, client.post("/rules/try", data={**FORM, "sentence": "退费"}).text]
    pages.append(client.post("/rules/recent", data=FORM).text)
    for text in pages:
        assert "sops[1]" not in text
        assert "rules[2]" not in text
        assert "examples.miss[" not in text
        assert re.search(r'href="/rules/file#line-\d+"', text)
    assert "规则「hello」 · 必须不命中 · 第 1 个" in pages[0]
    assert "SOP「s」 · 第 1 步" in pages[0]


def test_the_way_to_the_file_its_history_and_all_rooms_is_open_whatever_the_config_says(site: Site) -> None:
    client = site.signed_in("admin")
    assert save(site, client).status_code == 302
    with site.store.write() as session:
        session.execute(delete(Status))
        session.execute(delete(ConfigVersion))
    path_of(site).write_text("nonsense", encoding="utf-8")
    site.system.keeper.__init__(site.system.keeper.path, site.system.store)  # type: ignore[misc]
    for page in ("/rules", "/board", "/sops"):
        answer = client.get(page)
        assert answer.status_code == 503, page
        for way in ("/rules/file", "/rules/history", "/admin", "/tasks"):
            assert f'href="{way}"' in answer.text, (page, way)
    history = client.get("/rules/history")
    assert history.status_code == 200
    assert 'aria-label="导航"' in history.text


def test_the_banner_about_a_broken_file_is_for_who_can_mend_it_and_leads_to_the_line(site: Site) -> None:
    assert site.system.settings.version
    path_of(site).write_text(COMMENTED + "\n[[rules]]\nnonsense = 1\n", encoding="utf-8")
    site.system.keeper.look_again()
    line = COMMENTED.count("\n") + 2
    for page in ("/rules", "/board"):
        mender = site.signed_in("admin").get(page, follow_redirects=True).text
        assert f'href="/rules/file#line-{line}"' in mender, page
        assert "data-close" in mender
        for role in ("auditor", "leader"):
            assert "data-closable" not in site.signed_in(role).get(page, follow_redirects=True).text, (role, page)


def test_a_rule_that_is_tried_is_put_to_work_by_one_click(site: Site) -> None:
    path_of(site).write_text(
        COMMENTED.replace('tag = "考虑价格"', 'tag = "考虑价格"\nshadow = true  # 先听听'), encoding="utf-8"
    )
    ids = hits(site, 3)
    with site.store.write() as session:
        for evidence_id in ids:
            session.get_one(Evidence, evidence_id).counted = 0
    admin = site.signed_in("admin")
    admin.post(f"/evidence/{ids[0]}/feedback", data={"word": "right"})
    page = admin.get("/rules/r/ask-price").text
    assert "试听中" in page
    assert "评过 1 条，准确率 100%" in page
    assert page.count("试听，没有打标签") == 3
    assert "试听</span>" in admin.get("/rules").text
    assert site.signed_in("auditor").post("/rules/r/ask-price/promote").status_code == 404
    assert admin.post("/rules/r/ask-price/promote").location.endswith("?saved=1")
    assert path_of(site).read_text(encoding="utf-8") == COMMENTED
    assert "试听中" not in admin.get("/rules/r/ask-price").text
