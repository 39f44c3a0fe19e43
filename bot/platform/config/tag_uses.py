"""Tag uses: the places of config.toml where something waits for a tag of this name."""

from __future__ import annotations

from collections.abc import Iterator

from bot.platform.config import positions
from bot.platform.config.tables import Tables
from sop.playbook import Audience

_TAG = "tag:"


def tag_uses(tables: Tables) -> Iterator[tuple[positions.Path, str]]:
    """Each tag that moves a customer, begins or stops an SOP, or is a condition of a rule, with its place."""
    for i, pipeline in enumerate(tables.pipelines):
        for j, stage in enumerate(pipeline.stages):
            yield from ((("pipelines", i, "stages", j, "on", k), name) for k, name in enumerate(stage.on or ()))
            yield from ((("pipelines", i, "stages", j, "needs", k), name) for k, name in enumerate(stage.needs))
    for i, sop in enumerate(tables.sops):
        if sop.on and sop.on.startswith(_TAG):
            yield ("sops", i, "on"), sop.on.removeprefix(_TAG)
        for k, name in enumerate(sop.stop):
            if name.startswith(_TAG):
                yield ("sops", i, "stop", k), name.removeprefix(_TAG)
        audience = sop.audience if isinstance(sop.audience, Audience) else Audience()
        yield from ((("sops", i, "audience", "tags", k), name) for k, name in enumerate(audience.tags))
    for i, rule in enumerate(tables.rules):
        for key, condition in (("when", rule.when), ("unless", rule.unless)):
            yield from ((("rules", i, key, "tags", k), name) for k, name in enumerate(condition.tags))
