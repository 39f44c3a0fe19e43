"""Compiled once: what each test's web application would compile anew, its addresses and its templates, is shared."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule

Builder = Callable[..., tuple[str, str]]


def share_compiled() -> None:
    """From now on every application of this process takes over what an earlier one has compiled."""
    Flask.jinja_options = {"bytecode_cache": _Templates()}
    Rule._compile_builder = _sharing(Rule._compile_builder)  # type: ignore[method-assign]


class _Templates(BytecodeCache):
    """Templates as compiled code, in memory; jinja2 compares the source's digest with the template's."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


def _sharing(compile_builder: Callable[[Rule, bool], Builder]) -> Callable[..., Builder]:
    """A builder is code made from an address's pieces; which rule it serves is an argument of the call."""
    made: dict[Hashable, Builder] = {}

    def shared(rule: Any, append_unknown: bool = True) -> Builder:
        if rule.defaults:
            return compile_builder(rule, append_unknown)
        key = (tuple(rule._trace), append_unknown)
        if key not in made:
            made[key] = compile_builder(rule, append_unknown)
        return made[key]

    return shared
