"""Regular expressions of admins: RE2 only, so linear in time, and the literal without which they cannot match."""

from __future__ import annotations

import re2

from taggers.fold import TABLE

MEMORY = 1 << 20
MOST_STEPS = 1_000
"""RE2's program size: what bounds the time a character costs once the expression outgrows its memory."""


def compile_expression(pattern: str) -> re2._Regexp:
    """Compile an expression without case, in simplified characters; raises re2.error."""
    options = re2.Options()
    options.max_mem = MEMORY
    options.case_sensitive = False
    options.log_errors = False
    return re2.compile(_simplify(pattern), options)


def _simplify(pattern: str) -> str:
    """Write Han characters as the folded texts have them, one for one."""
    return "".join(TABLE.get(ord(char), char) if _is_han(char) else char for char in pattern)


def _is_han(char: str) -> bool:
    return "\u3400" <= char <= "\u9fff"


def required(pattern: str) -> str:
    """Give the longest run of Han characters that every match must hold, or "" where none is certain.

    Only what stands outside groups, classes and alternatives, and is not optional, counts.
    """
    runs, run, depth, place = [""], "", 0, 0
    pattern = _simplify(pattern)
    while place < len(pattern):
        char, after = pattern[place], pattern[place + 1 : place + 2]
        place += 1
        if char == "\\":
            place += 1
        elif char == "[":
            closing = pattern.find("]", place + 1)
            place = closing + 1 if closing >= 0 else len(pattern)
        elif char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
        elif char == "|" and depth == 0:
            return ""
        elif _is_han(char) and depth == 0 and after not in ("?", "*", "{"):
            run += char
            continue
        if depth == 0 or char == "(":
            runs.append(run)
            run = ""
    return max([*runs, run], key=len)
