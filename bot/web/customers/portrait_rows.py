"""What the models say of a customer, as their page shows it: each with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bot.customers.portraits import portrait_of
from bot.platform.models import Customer
from bot.platform.work import Work
from taggers.models.portrait import Portrait
from taggers.translatable import Translatable

RESTRICTION, SUSPICION = Translatable("限制"), Translatable("疑似同行")


@dataclass(frozen=True)
class ModelView:
    """What one model says: its title, the value, a remark beside it, and why. alarming: shown as a warning."""

    title: str
    value: str
    why: str
    beside: str = ""
    alarming: bool = False


def read_models(work: Work, customer: Customer) -> tuple[ModelView, ...]:
    """All that the models say of the customer now; seven statements."""
    said = portrait_of(work, customer)
    return (*_warnings(said), *_of_talks(said), *_of_orders(work, said))


def _warnings(said: Portrait) -> Iterator[ModelView]:
    for why in said.peer:
        yield ModelView(SUSPICION, "", why, alarming=True)
    for limit in said.limits:
        why = Translatable("带着标签「{name}」", name=limit.tag)
        yield ModelView(RESTRICTION, limit.restriction, why, alarming=True)


def _of_talks(said: Portrait) -> Iterator[ModelView]:
    cell = said.standing.cell
    budget = Translatable("主动联系最多 {rate}", rate=cell.budget) if cell and cell.budget else ""
    yield ModelView(Translatable("矩阵"), said.standing.name, said.standing.why, budget)
    yield ModelView(Translatable("生命周期"), said.phase.phase, said.phase.why)
    yield ModelView(Translatable("5A"), said.five_a.stage, said.five_a.why)
    if said.mind.name:
        yield ModelView(Translatable("心态"), said.mind.name, said.mind.why)
    if said.rfm:
        yield ModelView(Translatable("RFM"), said.rfm.group, said.rfm.why, said.rfm.cell)
    for taste in said.likes[:3]:
        share = Translatable("占 {n}%", n=round(100 * taste.share))
        yield ModelView(Translatable("关心"), taste.topic, Translatable("出现 {n} 次，越近越重", n=taste.acts), share)


def _of_orders(work: Work, said: Portrait) -> Iterator[ModelView]:
    worth, quadrant, tier = said.worth, said.quadrant, said.tier
    if worth is None or quadrant is None or tier is None:
        return
    service = Translatable("更好的服务") if worth.well_served else Translatable("小福利") if worth.perks else ""
    value = Translatable("每月 {yuan} 元", yuan=f"{worth.value / 100:g}")
    yield ModelView(Translatable("价值"), value, worth.why, service)
    if worth.level:
        points = Translatable("{n} 分：金额和次数都算，金额算得多", n=worth.points)
        yield ModelView(Translatable("会员等级"), worth.level, points)
    yield ModelView(Translatable("A–E"), quadrant.name, quadrant.why, quadrant.movement)
    if tier.name:
        playbooks: dict[str, str] = {one.name: one.playbook for one in work.settings.tables.models.tiers.playbooks}
        yield ModelView(Translatable("S/A/B/C"), tier.name, tier.why, playbooks.get(tier.name, ""))
