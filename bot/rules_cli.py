"""`flask rules`: rules as code: checked, explained and measured before they go live."""

from __future__ import annotations

import click


@click.group("rules", help="规则：检查、解释、评测。")
def rules() -> None: ...
