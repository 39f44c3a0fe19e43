"""The READMEs and docs/ say what is there: every key, variable, errcode, command and path, in both languages."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from flask.cli import FlaskGroup
from pydantic import BaseModel

from bot.platform.config.problems import table_inside
from bot.platform.config.settings import load_settings
from bot.platform.config.tables import Tables
from bot.platform.environment import ROOT
from bot.wecom.errors import REMEDIES
from taggers.utterance import Utterance

LANGUAGES = (".md", ".zh-CN.md")
PAGES = sorted([*ROOT.glob("README*.md"), *ROOT.glob("docs/*.md")])
GUIDES = sorted([*PAGES, *ROOT.glob("docs/decisions/*.md"), ROOT / "CONTRIBUTING.md"])
_LINK = re.compile(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"")
_VARIABLE = re.compile(r"[\"']((?:TICI|WECOM)_[A-Z_]+)[\"']")


def page(name: str, language: str) -> str:
    return (ROOT / f"{name}{language}").read_text(encoding="utf-8")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_key_of_the_config_is_explained(language: str) -> None:
    text = page("docs/config", language)
    missing = [key for key in keys(Tables) if f"`{key}`" not in text and f".{key}`" not in text]
    assert not missing, f"docs/config{language} does not mention {missing}"


def keys(table: type[BaseModel]) -> Iterator[str]:
    """The names of all keys that hold a value, however deep."""
    for name, field in table.model_fields.items():
        inner: Any = table_inside(field.annotation)
        if isinstance(inner, type) and issubclass(inner, BaseModel) and inner.__name__ != "Hours":
            yield from keys(inner)
        else:
            yield field.alias or name


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_table_has_a_heading(language: str) -> None:
    headings = [line for line in page("docs/config", language).splitlines() if line.startswith("## ")]
    missing = [name for name in Tables.model_fields if not any(f"[{name}]" in heading for heading in headings)]
    assert not missing, f"docs/config{language} has no heading for {missing}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_environment_variable_is_explained(language: str) -> None:
    used = {found for path in (ROOT / "bot").rglob("*.py") for found in _VARIABLE.findall(path.read_text("utf-8"))}
    text = page("docs/operations", language)
    missing = sorted(name for name in used if f"`{name}`" not in text and not name.endswith("_"))
    assert not missing, f"docs/operations{language} does not mention {missing}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_errcode_is_explained(language: str) -> None:
    listed = set(map(int, re.findall(r"(?<![\d–])-?\d+", page("docs/operations", language))))
    missing = sorted(code for code in REMEDIES if code not in listed and not 42014 <= code <= 42051)
    assert not missing, f"docs/operations{language} does not mention {missing}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_command_is_in_the_pages(language: str) -> None:
    text = "".join(
        path.read_text(encoding="utf-8") for path in PAGES if path.name.endswith(".zh-CN.md") == ("zh" in language)
    )
    missing = [command for command in commands() if f"flask {command}" not in text]
    assert not missing, f"no page of {language} mentions {missing}"


def commands() -> Iterator[str]:
    """Our own commands, as they are typed after `flask`."""
    group = FlaskGroup()
    with click.Context(group) as context:  # closed, or the app's context stays for whatever test comes next
        names = set(group.list_commands(context)) - {
            "run",
            "shell",
            "routes",
            "limiter",
        }  # Flask's own and Flask-Limiter's
        assert "demo" in names, "the app cannot be imported"
        found = {name: group.get_command(context, name) for name in sorted(names)}
    for name, command in found.items():
        inner = command.commands if isinstance(command, click.Group) else {}
        shown = [sub for sub, made in inner.items() if not made.hidden]
        yield from (f"{name} {sub}" for sub in shown) if inner else (name,)


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    for found in _LINK.finditer(path.read_text(encoding="utf-8")):
        target, _, anchor = (found[1] or found[2]).partition("#")
        if target.startswith("http"):
            continue
        there = (path.parent / target) if target else path
        assert there.exists(), f"{path.name} links to {target}"
        if anchor:
            assert anchor in anchors(there), f"{path.name} links to {target}#{anchor}"


def anchors(path: Path) -> set[str]:
    """What the headings of a page are called in addresses, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_judged_sentences_are_judged_like_that(language: str) -> None:
    book = load_settings(ROOT / "config.toml").book
    told: dict[str, list[tuple[str, str, str]]] = {}
    sentence = ""
    for row in re.findall(r"^\| (.*?) \| (.*?) \| (✓|—) \| (.*) \|$", page("docs/config", language), re.MULTILINE):
        sentence = row[0].strip() or sentence
        told.setdefault(sentence, []).append(row[1:])
    assert len(told) >= 10
    for said, rows in told.items():
        weighed = book.explain(Utterance.typed(said))
        assert rows == [(x.tag, "✓" if x.hit else "—", x.reason) for x in weighed], said


def test_both_languages_have_the_same_parts() -> None:
    for name in ("README", "docs/config", "docs/wecom", "docs/operations", "docs/security", "docs/reliability"):
        shapes = [re.findall(r"^(#+|```\w*|\|---)", page(name, language), re.MULTILINE) for language in LANGUAGES]
        assert shapes[0] == shapes[1], name


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_tests_that_are_named_exist(language: str) -> None:
    named = set(re.findall(r"`(test_\w+\.py)::(test_\w+)`", page("docs/security", language)))
    assert len(named) > 40
    texts = {name: "".join(p.read_text("utf-8") for p in (ROOT / "tests").rglob(name)) for name, _ in named}
    assert [pair for pair in sorted(named) if f"def {pair[1]}(" not in texts[pair[0]]] == []


# A path of this project. Patterns (`*`, `…`) are none, nor is what only a running system has (var/).
_PATH = re.compile(
    r"(?<![\w/.])((?:bot|taggers|sop|tests|docs)/[\w./@-]*|(?:CONTRIBUTING|CHANGELOG|README)[\w.-]*\.md)(?![\w*…<{])"
)


def paths_in(text: str) -> set[str]:
    """Every path of this project that a page names."""
    return {found.rstrip(".") for found in _PATH.findall(text)}


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.name)
def test_every_path_that_is_named_exists(path: Path) -> None:
    text = path.read_text("utf-8")
    missing = sorted(named for named in paths_in(text) if not (ROOT / named).exists())
    tests = {found.name for found in (ROOT / "tests").rglob("test_*.py")}
    missing += sorted(set(re.findall(r"(?<!/)\b(test_\w+\.py)\b", text)) - tests)
    assert not missing, f"{path.name} names {missing}"


def test_the_guides_name_paths_at_all() -> None:
    named = {str(path.relative_to(ROOT)): len(paths_in(path.read_text("utf-8"))) for path in GUIDES}
    assert named["docs/architecture.md"] > 60
    assert named["CONTRIBUTING.md"] > 50
    assert named["README.md"] > 10


def test_every_room_is_in_the_guide_and_nothing_else_lies_in_bot() -> None:
    """A new file directly under bot/ needs a place in the order of pyproject.toml, and in docs/architecture.md."""
    there = {path.relative_to(ROOT / "bot").parts[0] for path in (ROOT / "bot").rglob("*.py")} - {"__init__.py"}
    rows = re.findall(r"^\| `bot/(\w+(?:\.py)?)/?` \|", page("docs/architecture", ".md"), re.MULTILINE)
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    (layers,) = [one["layers"] for one in contracts if one.get("containers") == ["bot"]]
    order = [name.strip() for row in layers for name in row.split("|")]
    assert [name.removesuffix(".py") for name in rows] == order
    assert there == set(rows)


def test_every_decision_is_in_the_list() -> None:
    records = {path.name for path in (ROOT / "docs" / "decisions").glob("0*.md")}
    assert records == set(re.findall(r"\((0[\w-]+\.md)\)", page("docs/decisions/README", ".md")))
