"""Diagnoses of a config or a set-up in English: every wording is translated, and no Chinese is left in one."""

from __future__ import annotations

import ast
import re

import pytest

from bot.platform.config.parsing import ConfigError
from bot.platform.config.settings import parse_settings
from bot.platform.stored_sentences import STORED_WORDINGS, as_translatable
from bot.sops.enrolment import why_begun
from bot.web.layout.languages import catalogue
from bot.wecom.errors import REMEDIES, WeComError
from sop.playbook import Sop
from taggers.translatable import Translatable, chained
from tests.support.english import DIAGNOSING, HAN, NO_TEXTS, ROOT, chinese_left, in_english, said_in, texts_in

RULE = '[[rules]]\nid = "a"\ntag = "Price"\nany = ["price"]\n'
STEP = '[[sops]]\nid = "s"\non = "@added"\n[[sops.steps]]\nsay = "Hello"\n'
STAGES = '[[pipelines]]\nname = "Course"\nstages = [{ name = "New", on = ["@added"] }, { name = "Price" }]\n'

DATA = re.compile("[价格长]|到期日|生日")  # what the configs below name in Chinese, and what every config may

BROKEN = {
    "syntax": 'name = “x”', "value": "name = x", "list": 'any = "a", "b"', "comma": 'any = ["a" "b"]',
    "bracket": '[workspace\nname = "x"', "brackets": '[[rules]\nid = "a"', "key": '价 = "x"', "equals": 'name "x"',
    "quote": 'name = "x', "twice": 'name = "x"\nname = "y"', "table twice": "[workspace]\n[workspace]",
    "backslash": r'regex = "\d"', "dots": ".".join("a" * 60) + " = 1", "deep": "a = " + "[" * 2000,
    "digits": "a = " + "1" * 5000, "unknown key": '[workspace]\nwork_hour = "x"', "unknown": '[workspace]\nzz = "x"',
    "single": '[rules]\nid = "a"', "double": '[[workspace]]\nname = "x"', "choice": RULE + 'match = "whole"',
    "duration": RULE + 'expires = "14 moons"', "no list": RULE.replace('["price"]', '"price"'),
    "id": RULE.replace('"a"', '"a b"'), "same id": RULE + RULE, "number": RULE + 'times = "x"',
    "least": RULE + "times = 0", "no within": RULE + "times = 2", "empty": RULE.replace('"price"', '""'),
    "missing": '[[rules]]\nid = "a"', "no truth": RULE + 'sound = "x"', "nothing": '[[rules]]\nid = "a"\ntag = "T"',
    "blank": RULE.replace('"price"', '" "'), "set": RULE.replace('"price"', '"@x"'),
    "none": RULE + 'none = ["price"]',
    "sound": RULE + "sound = true", "regex": RULE + "regex = '(?=a)'", "all": RULE + "regex = 'a*'",
    "large": RULE + "regex = '(a{1000}){1000}'", "both": RULE + 'on = ["@added"]',
    "trigger": '[[rules]]\nid = "a"\ntag = "T"\non = ["@x"]',
    "night": '[[rules]]\nid = "a"\ntag = "T"\non = ["@night:9-9"]',
    "deed": '[[rules]]\nid = "a"\ntag = "T"\non = ["@added"]\n[rules.examples]\nhit = ["x"]',
    "word": '[text]\nwords = ["a;b"]', "hit": RULE + '[rules.examples]\nhit = ["nothing of it"]',
    "miss": RULE + '[rules.examples]\nmiss = ["what price"]',
    "denied": RULE.replace('"price"', '"价格"') + '[rules.examples]\nhit = ["?"]',
    "circle": '[[synonyms]]\nname = "a"\nwords = ["@b"]\n[[synonyms]]\nname = "b"\nwords = ["@a"]',
    "same set": '[[synonyms]]\nname = "a"\nwords = ["x"]\n[[synonyms]]\nname = "a"\nwords = ["y"]',
    "two groups": '[[tags]]\ngroup = "a"\nnames = ["x"]\n[[tags]]\ngroup = "b"\nnames = ["x"]',
    "hours": RULE + 'when = { hours = "9-18" }', "reply": RULE + 'reply = "{customer.nam}"',
    "placeholder": RULE + 'reply = "{zzzzz}"', "brace": RULE + 'reply = "{"',
    "zone": '[workspace]\ntimezone = "Moon"', "folder": '[workspace]\nmaterials = "../x"',
    "work hours": '[workspace]\nwork_hours = "9"', "quiet": '[workspace]\nquiet_hours = "00:00-23:59"',
    "day": "[workspace]\nholidays = [2026-01-01]\nextra_workdays = [2026-01-01]",
    "date": '[workspace]\nholidays = ["x"]',
    "unreachable": STAGES, "same stage": STAGES.replace('"Price"', '"New"'),
    "won and lost": STAGES.replace('"Price"', '"Price", on = [], won = true, lost = true'),
    "no stage": STAGES.replace('"Price"', '"Price", on = [], only_from = ["Nowhere"]'),
    "no tag": STAGES.replace('"Price"', '"Price", on = ["Nothing"]'),
    "no event": STAGES.replace('"Price"', '"Price", on = ["@ad"]'),
    "taken": STAGES.replace('"Price"', '"Price", on = ["@added"]'), "same pipeline": STAGES + STAGES,
    "move": STAGES + '[[pipelines.moves]]\nfrom = "New"\nto = "New"\nafter = "0d"',
    "two moves": STAGES + '[[pipelines.moves]]\nfrom = "New"\nto = "Price"\nafter = "1d"\n' * 2,
    "sop": STEP + STEP, "no start": STEP.replace('on = "@added"\n', ""), "on": STEP.replace("@added", "whenever"),
    "event": STEP.replace("@added", "@aded"), "silence": STEP.replace("@added", "silence:x"),
    "no silence": STEP.replace("@added", "silence:0d"), "on date": STEP.replace("@added", "date:???"),
    "every": STEP.replace("@added", "every:moon"), "answer": STEP.replace("@added", "reply:?"),
    "itself": STEP.replace("@added", "reply:s/9"), "field": STEP.replace("@added", "date:wedding"),
    "stop": STEP.replace('on = "@added"', 'on = "@added"\nstop = ["never"]'),
    "cap": STEP.replace('on = "@added"', 'on = "@added"\ncap = "3/month"'), "clock": STEP + 'at = "25:00"',
    "night step": STEP + 'at = "03:00"', "two times": STEP + 'after = "1d"\non_date = 2026-01-01',
    "same tag": RULE + STEP + 'on_reply = "Price"\non_silence = "Price"', "window": STEP + 'reply_window = "1s"',
    "order": STEP + 'after = "2d"\n[[sops.steps]]\nafter = "1d"\nsay = "x"',
    "dated": STEP + 'on_date = 2026-02-02\n[[sops.steps]]\non_date = 2026-01-01\nsay = "x"',
    "no words": STEP.replace('"Hello"', '" "'), "link": STEP + 'attach = [{ kind = "link" }]',
    "extra": STEP + 'attach = [{ kind = "file", file = "a.pdf", url = "http://x" }]',
    "url": STEP + 'attach = [{ kind = "link", title = "x", url = "nowhere" }]',
    "name": STEP + 'attach = [{ kind = "file", file = "../a.pdf" }]',
    "picture": STEP + 'attach = [{ kind = "image", file = "a.gif" }]',
    "long": STEP + 'attach = [{ kind = "link", url = "http://x", title = "' + "长" * 50 + '" }]',
    "mass": STEP.replace('on = "@added"', 'on = "@added"\nchannel = "group-send"') + "anytime = true",
    "yearly": '[[fields]]\nname = "size"\nyearly = true', "meaning": '[[fields]]\nname = "name"',
    "completion": "[completion]\nexact = 0.5\nedited = 0.9", "share": "[completion]\nexact = 7",
}  # fmt: skip


@pytest.mark.parametrize("kind", BROKEN)
def test_a_config_problem_leaves_no_chinese_behind(kind: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_settings(BROKEN[kind])
    for problem in caught.value.problems:
        for said in (problem.message, str(problem)):
            assert not HAN.search(DATA.sub("", chinese_left(said))), in_english(said)


def test_the_code_of_wecom_is_said_in_english() -> None:
    for errcode in (None, 60020, 42020, 9999999, *REMEDIES):
        assert chinese_left(str(WeComError(errcode, "errmsg", api="gettoken"))) == ""


@pytest.mark.parametrize("kept", STORED_WORDINGS)
def test_a_kept_sentence_is_taken_apart_again(kept: str) -> None:
    said = Translatable(kept, **dict.fromkeys(re.findall(r"{(\w+)}", kept), "7"))
    again = as_translatable(str.__str__(said))
    assert again == said
    assert chinese_left(again) == ""


def test_a_reason_with_values_in_values_is_said_in_english() -> None:
    assert in_english(as_translatable("假期顺延（春节）")) == "holiday (Spring Festival)"
    assert in_english(as_translatable("超出频次（每天最多 2 次）")) == "too often (2 a day at most)"
    assert (
        in_english(as_translatable("命中 price → cost、fee；非否定；疑问句"))
        == "Hit price → cost, fee; not denied; question"
    )
    assert as_translatable("王小明：好的") == "王小明：好的"


@pytest.mark.parametrize(
    "cause", ["move:7", "event", "silence", "tag:5", "date", "reply", "no-reply", "order", "refund", "told", "hand"]
)
def test_why_a_follow_up_was_begun_is_said_in_english(cause: str) -> None:
    step = {"after": "1d", "say": "hello"}
    sop = Sop.model_validate({"id": "nurture", "title": "Price", "stage": "Trial", "steps": [step]})
    said = in_english(as_translatable(why_begun(sop, cause)))
    assert said.startswith("Price: ")
    assert not HAN.search(said)


def test_a_kept_sentence_may_hold_anything() -> None:
    for text in ("；" * 5000, "命中 " + "、" * 5000, "a；" * 3000, "「" * 5000, "企业微信 " * 3000):
        assert as_translatable(text) == text
        assert in_english(as_translatable(text))
    many = chained([f"第 {n} 版" for n in range(3000)])
    assert in_english(many).count("; ") == 2999


@pytest.mark.parametrize("module", DIAGNOSING)
def test_every_text_of_a_diagnosing_module_has_its_english(module: str) -> None:
    texts = set(texts_in(ast.parse((ROOT / module).read_text(encoding="utf-8")))) - NO_TEXTS
    assert texts - catalogue("en").keys() == set()


def test_what_is_said_is_in_the_catalogue_and_its_values_are_no_bare_chinese() -> None:
    for room in ("bot", "sop", "taggers"):
        for path in (ROOT / room).rglob("*.py"):
            for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Translatable":
                    wording = call.args[0]
                    if isinstance(wording, ast.Constant) and HAN.search(str(wording.value)):
                        assert wording.value in catalogue("en"), path
                    for value in call.keywords:
                        assert not (set(texts_in(value.value)) - said_in(value.value)), f"{path.name}:{call.lineno}"


def test_no_diagnosis_is_glued_together() -> None:
    for module in DIAGNOSING:
        for node in ast.walk(ast.parse((ROOT / module).read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                assert not any(
                    isinstance(part, ast.Constant) and HAN.search(str(part.value)) for part in node.values
                ), f"{module}:{node.lineno}"
