"""Model values: what each model may say of customers by this config, to choose from in lists and segments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from bot.customers.known import topics_of
from bot.platform.config.settings import Settings
from taggers.models.five_a import STAGES
from taggers.models.impression import TITLES
from taggers.models.lifecycle import PHASES
from taggers.models.matrix import cells_by_name
from taggers.models.mindset import MINDSETS
from taggers.models.quadrant import QUADRANTS
from taggers.models.rfm import GROUPS, TALKERS
from taggers.models.target import FITS_BEST_FIRST
from taggers.models.tiers import TIERS

_VALUES: Mapping[str, Callable[[Settings], Iterable[str]]] = {
    "phase": lambda _settings: PHASES,
    "rfm": lambda _settings: (*GROUPS.values(), *TALKERS.values()),
    "quadrant": lambda _settings: QUADRANTS,
    "tier": lambda _settings: TIERS,
    "level": lambda settings: [level.name for level in settings.tables.models.worth.levels],
    "five_a": lambda _settings: STAGES,
    "mindset": lambda _settings: MINDSETS,
    "taste": topics_of,
    "felt": lambda _settings: TITLES.values(),
    "target": lambda _settings: FITS_BEST_FIRST,
    "cell": lambda settings: cells_by_name(settings.tables.models.matrix),
}


def model_values(settings: Settings, model: str) -> list[str]:
    """The values of one model; none for a name that is no model's."""
    found = _VALUES.get(model)
    return [str(one) for one in found(settings)] if found else []
