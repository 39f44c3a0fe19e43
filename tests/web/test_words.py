"""Texts of the pages: both languages whole, times and marks as people read them."""

from __future__ import annotations

import ast
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, true
from sqlalchemy.orm import Session

import bot
import bot.web
from bot.agents import card_clicks, promises, questions, task_answers
from bot.analytics.conduct import conduct_tables
from bot.analytics.reports import REPORTS
from bot.analytics.stages import NONE_ON_THE_ROAD
from bot.analytics.table import ReportScope
from bot.ops.doctor.examination import CHECKS, FURTHER
from bot.ops.setup.questions import PARTS
from bot.platform.config import wordings
from bot.platform.config.settings import parse_settings
from bot.platform.models import Model
from bot.platform.pilot import UNASKED
from bot.platform.stored_sentences import STORED_WORDINGS
from bot.web.admin import given_up, log_words
from bot.web.admin import pages as admin_pages
from bot.web.agents import jssdk_errors, tasks
from bot.web.auth import proof, second_factor, signin
from bot.web.board import presets
from bot.web.customers.highlight import Mark, TextPiece, cut, marks_of
from bot.web.layout import actors, errors, labels, navigation, placeholders, preferences
from bot.web.layout.languages import catalogue
from bot.web.layout.times import moment, span
from bot.web.rules import (
    answer_form,
    conduct_rows,
    pipeline_form,
    pipeline_names,
    setting_fields,
    sop_start,
    wording_rows,
)
from bot.web.rules.rule_form import GROUPS
from bot.web.rules.sop_rows import TEXTS
from bot.wecom.errors import REMEDIES
from sop.delays import DELAYS
from taggers.reasons import WORDINGS
from tests.support.english import DIAGNOSING, HAN, REFUSING, ROOT, said_in, texts_in
from tests.support.sample_board import fill_board
from tests.support.site import CONFIG, Site

WEB = Path(bot.web.__file__).parent
SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)  # noon in Shanghai
ENGLISH = catalogue("en")


def used() -> set[str]:
    """Every text the pages put through `_`."""
    templates = "".join(path.read_text(encoding="utf-8") for path in (WEB / "templates").glob("*.html"))
    found = {text for _quote, text in re.findall(r"\b_\((['\"])(.+?)\1[,)]", templates)}
    tables = (
        labels.TASK_STATES, labels.OUTCOMES, labels.TIMINGS, labels.CAUSES, labels.TAGGED_BY, labels.ROLES,
        labels.ACTIONS,
    )  # fmt: skip
    found |= {word.text for table in tables for word in table.values()}
    found |= {section.name for section in navigation.SECTIONS} | set(preferences.THEMES.values())
    found |= {refusal.text for refusal in signin.REFUSALS} | {
        *admin_pages.DONE.values(),
        admin_pages.REPLAY_ASKED,
        admin_pages.QUEUE_SILENT,
        *proof.PROBLEMS,
        second_factor.WRONG,
        given_up.RETRIED,
        given_up.OTHER_CHANGE,
        *given_up.KINDS.values(),
        *given_up.CHANGES.values(),
    }
    code = "".join(path.read_text(encoding="utf-8") for path in WEB.rglob("*.py"))
    found |= {text for _quote, text in re.findall(r"\btranslate\((['\"])(.+?)\1[,)]", code)}
    found |= texts_of_reports() | texts_of_tasks() | {*UNASKED.values(), "试点", "试点之外", "没有找到这位员工"}
    found |= {*log_words.TEXTS, *actors.MACHINE.values()}
    found |= texts_of_rules() | {check.title for check in (*CHECKS, *FURTHER)} | texts_said() | texts_of_setup()
    return found | {text for page in errors.ALL_PAGES for text in (page.title, page.advice)}


def texts_said() -> set[str]:
    """What is said elsewhere and shown here: findings, problems of a config, refusals, reasons, kept sentences."""
    found = set(STORED_WORDINGS) | set(WORDINGS) | {remedy.advice for remedy in REMEDIES.values()}
    for path in (path for room in ("bot", "sop", "taggers") for path in (ROOT / room).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found |= {text for text in said_in(tree) if HAN.search(text)}
        if str(path.relative_to(ROOT)) in (*DIAGNOSING, *REFUSING):
            found |= set(texts_in(tree)) & ENGLISH.keys()
    return found


def texts_of_rules() -> set[str]:
    """Every text of rules and SOPs that a template takes from a table."""
    fields = [*(field for group in GROUPS for field in group.fields), *answer_form.FIELDS]
    found = {group.title for group in GROUPS} | {words for field in fields for _, words in field.choices}
    found |= {text for field in fields for text in (field.label, field.help) if text}
    found |= {*wordings.KINDS.values(), *wording_rows.STATES.values(), *placeholders.NAMES.values()}
    return found | {*TEXTS, *sop_start.TEXTS, *pipeline_form.TEXTS, *pipeline_names.TEXTS, *setting_fields.TEXTS}


def texts_of_setup() -> set[str]:
    """What the guided installation asks."""
    asked = [question for part in PARTS for question in part.questions]
    found = {text for question in asked for text in (question.title, question.where)}
    return (found | {text for part in PARTS for text in (part.title, part.then) if text}) - {
        "Token",
        "EncodingAESKey",
    }


def texts_of_tasks() -> set[str]:
    """What an agent may answer to a prompt, and how the page replies."""
    return {
        *DELAYS.values(),
        *card_clicks.REASONS.values(),
        *task_answers.REFUSALS,
        *promises.REFUSALS,
        questions.ANSWERED,
        *tasks.DONE.values(),
        *conduct_rows.STATES.values(),
        *presets.SORTS.values(),
        *presets.TITLES.values(),
        *presets.TOLD.values(),
    } | jssdk_errors.ALL


def texts_of_reports() -> set[str]:
    """What the tables of the reports say, made of an empty database."""
    found = {title for title, _maker in REPORTS.values()} | {"回退", NONE_ON_THE_ROAD}
    settings, scope = parse_settings(CONFIG), ReportScope(NOW - timedelta(days=7), NOW, None)
    engine = create_engine("sqlite://")
    Model.metadata.create_all(engine)
    with Session(engine) as session:
        made = [table for _title, maker in REPORTS.values() for table in maker(session, settings, scope)]
        for table in (*made, *conduct_tables(session, settings, true())):
            found |= {table.title, table.says, table.nothing, *(title for title, _kind in table.columns)}
    engine.dispose()
    return found


def test_every_text_has_its_english_and_no_english_is_left_over() -> None:
    assert used() - ENGLISH.keys() == set()
    assert ENGLISH.keys() - used() == set()


def test_every_action_in_the_log_has_its_label() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in Path(bot.__file__).parent.rglob("*.py"))
    call = r"\brecord\(\s*(?:[^\"()]|\([^()]*\)|f\"[^\"]*\")*?\"([a-z-]+\.[a-z-]+)\""
    recorded = set(re.findall(call, code)) | {"task.later", "task.unfit", "views.seal", "sign-in"}
    assert len(recorded) > 30
    assert recorded - labels.ACTIONS.keys() == set()


def test_placeholders_are_the_same_in_both_languages() -> None:
    for chinese, forms in ENGLISH.items():
        for english in forms:
            assert set(re.findall(r"{(\w+)}", chinese)) == set(re.findall(r"{(\w+)}", english)), chinese


def test_no_chinese_stands_in_a_template_outside_the_catalogue() -> None:
    for path in (WEB / "templates").glob("*.html"):
        bare = re.sub(r"\b_\((['\"]).+?\1|{#.*?#}|>中文<", "", path.read_text(encoding="utf-8"))
        assert HAN.search(bare) is None, path.name


@pytest.mark.parametrize(
    ("role", "path", "told"),
    [
        ("agent", "/sops", "管理员写好后"),
        ("agent", "/sops/library", "管理员上传的"),
        ("auditor", "/rules/proposals", "管理员找过之后"),
    ],
)  # fmt: skip
def test_an_empty_page_asks_nobody_for_what_he_may_not_do(site: Site, role: str, path: str, told: str) -> None:
    assert told in site.signed_in(role, "Lin" if role == "agent" else None).get(path).text
    assert told not in site.signed_in("admin").get(path).text


def test_a_visitor_may_choose_english_and_it_stays(site: Site) -> None:
    story = fill_board(site)
    client = site.watcher()
    assert '<html lang="zh-CN">' in client.get("/board").text
    assert '<html lang="en">' in client.get("/board?lang=en").text
    html = client.get(f"/c/{story.asking}").text
    assert "Stage history" in html
    assert "阶段记录" not in html
    assert '<html lang="zh-CN">' in client.get("/board?lang=zh").text
    assert client.get("/board?lang=xx").status_code == 200


def test_an_error_page_speaks_the_chosen_language(site: Site) -> None:
    assert "No such page" in site.app.test_client().get("/nowhere?lang=en").text


def test_a_value_that_looks_like_a_placeholder_stays_as_it_is(site: Site) -> None:
    from bot.web.layout.languages import translate

    with site.app.test_request_context():
        assert translate("已顺延：{why}", why="{n} {why}") == "已顺延：{n} {why}"


@pytest.mark.parametrize(
    ("at", "chinese", "english"),
    [
        (NOW, "12:00", "12:00"),
        (NOW + timedelta(hours=22), "明天 10:00", "tomorrow 10:00"),
        (NOW + timedelta(hours=13), "明天 01:00", "tomorrow 01:00"),
        (NOW - timedelta(hours=13), "昨天 23:00", "yesterday 23:00"),
        (NOW + timedelta(days=2), "后天 12:00", "Mar 3 12:00"),
        (NOW - timedelta(days=3), "2月26日 12:00", "Feb 26 12:00"),
        (NOW - timedelta(days=365), "2025年3月1日 12:00", "2025 Mar 1 12:00"),
    ],
)
def test_moments(at: datetime, chinese: str, english: str) -> None:
    assert moment(at, NOW, SHANGHAI, "zh") == chinese
    assert moment(at, NOW, SHANGHAI, "en") == english


@pytest.mark.parametrize(
    ("seconds", "chinese"),
    [
        (-5, "刚刚"),
        (59, "刚刚"),
        (60, "1 分钟"),
        (3599, "59 分钟"),
        (3600, "1 小时"),
        (86400, "1 天"),
        (9e6, "104 天"),
    ],
)
def test_spans(seconds: float, chinese: str) -> None:
    assert span(timedelta(seconds=seconds), "zh") == chinese


def test_marks_that_overlap_share_their_piece() -> None:
    assert cut("学费多少钱呢", [Mark(0, 4, "a"), Mark(2, 5, "b")]) == (
        TextPiece("学费", "a"),
        TextPiece("多少", "a\nb"),
        TextPiece("钱", "b"),
        TextPiece("呢", ""),
    )


def test_marks_come_from_the_stored_spans() -> None:
    assert marks_of([["多少钱", 2, 5]], "why") == [Mark(2, 5, "why")]


SPANS = st.lists(st.tuples(st.integers(-5, 50), st.integers(-5, 50), st.sampled_from("ab")), max_size=6)


@given(st.text(max_size=40), SPANS)
def test_no_character_is_lost_or_doubled_whatever_the_marks(text: str, spans: list[tuple[int, int, str]]) -> None:
    pieces = cut(text, [Mark(*span) for span in spans])
    assert "".join(piece.text for piece in pieces) == text
    assert all(piece.text for piece in pieces)


@pytest.mark.parametrize(
    ("name", "shown"),
    [("李女士", "李"), ("\u202eab", "a"), (" 王", "王"), ("", "?"), ("🎉", "🎉"), ("\u200b\u3164", "?")],
)
def test_the_initial_is_a_character_one_can_see(name: str, shown: str) -> None:
    assert labels.initial(name) == shown
