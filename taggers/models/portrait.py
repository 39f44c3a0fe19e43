"""Portrait: all models of one customer together, as their page explains them and as lists and segments store them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from taggers.models.five_a import FiveA, five_a_of
from taggers.models.lifecycle import Phase, phase_of
from taggers.models.matrix import Standing, cell_of, suspicions
from taggers.models.mindset import Mind, mindset_of, restrictions
from taggers.models.preference import Preference, preferences
from taggers.models.quadrant import Quadrant, quadrant_of
from taggers.models.quality import UNLISTED, Beforehand, Quality, quality_of
from taggers.models.quality import Terms as Listing
from taggers.models.records import Known
from taggers.models.rfm import Basis, Bounds, Measure, Rfm, grade, measure
from taggers.models.target import NO_TARGET, Fit, fit_of
from taggers.models.terms import Credit, Models
from taggers.models.tiers import Tier, tier_of
from taggers.models.worth import Worth, weigh_worth


@dataclass(frozen=True, slots=True)
class Company:
    """What all customers together give: the bounds of grades, the worth of the top part, whether anything is sold.

    topics: the tags that are topics of preference.
    """

    bounds: dict[Basis, Bounds] = field(default_factory=dict)
    top: int = 0
    sells: bool = False
    topics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Portrait:
    """What the models say. Those of orders are None where the business sells none; rfm where there are no bounds."""

    phase: Phase
    five_a: FiveA
    mind: Mind
    standing: Standing
    measure: Measure | None = None
    rfm: Rfm | None = None
    worth: Worth | None = None
    quadrant: Quadrant | None = None
    tier: Tier | None = None
    likes: tuple[Preference, ...] = ()
    limits: tuple[Credit, ...] = ()
    peer: tuple[str, ...] = ()
    felt: str = ""
    fit: Fit = NO_TARGET
    quality: Quality = UNLISTED


@dataclass(frozen=True, slots=True)
class Moment:
    """When a portrait is made, in which zone, and since when the customer has been known."""

    now: datetime
    zone: tzinfo
    met_at: datetime


def portray(known: Known, models: Models, company: Company, moment: Moment) -> Portrait:
    """Ask every model about one customer."""
    now, sells = moment.now, company.sells
    measured = measure(known, models.rfm, now, moment.zone)
    bounds = company.bounds.get(measured.basis) if measured else None
    taste = models.preference
    peer = suspicions(known, models.peer, moment.met_at, now)
    fit, listing = fit_of(known, models.target), Listing(models.quality, models.matrix)
    return Portrait(
        phase_of(known, models.lifecycle, now, moment.zone, sells=sells),
        five_a_of(known, models.five_a, now),
        mindset_of(known.carried, models.mindset),
        cell_of(known.activity, known.conversion, models.matrix),
        measured,
        grade(measured, bounds, now) if measured and bounds and bounds.ages else None,
        weigh_worth(known, models.worth, now) if sells else None,
        quadrant_of(known, models.quadrant, now) if sells else None,
        tier_of(known, models.tiers, company.top, now) if sells else None,
        preferences(known, company.topics, taste.half_life, now) if company.topics else (),
        restrictions(known.carried, models.credit),
        peer,
        known.felt,
        fit,
        quality_of(known, Beforehand(fit, peer), listing, now, moment.zone),
    )
