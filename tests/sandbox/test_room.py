"""The sandbox imports nothing of the product but its clock: shared errors would cancel out."""

from __future__ import annotations

import ast
from pathlib import Path

import bot.sandbox

HOME = Path(bot.sandbox.__file__).parent


def test_the_sandbox_imports_nothing_of_the_product_but_the_clock() -> None:
    foreign = set()
    for path in HOME.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            foreign |= {name for name in names if name.split(".")[0] in ("bot", "taggers", "sop")}
    outside = {name for name in foreign if not name.startswith("bot.sandbox") and name != "bot.platform.clock"}
    assert outside == set()
    assert "bot.platform.clock" in foreign
