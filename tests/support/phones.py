"""Phones: two agents who have one customer, a group of tags that is kept on both phones, and what may befall it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sqlalchemy import select, update

from bot.customers.tags import TagSource, expire_tags, give_tag, take_tag
from bot.platform import clock
from bot.platform.models import Outbox, Tagging
from bot.platform.work import Work
from bot.sync.reconcile import agents_to_compare, compare_agents, start_comparison
from sop.tag_sync import Policy
from tests.support.mirrors import CONFIG, Pair, agree
from tests.support.parts import AGENT, COLLEAGUE

GROUP = "互动"
NAMES = ("未回复", "沉默三天", "重点")
PHONE = CONFIG + f'\n[[tags]]\ngroup = "{GROUP}"\nphone = true\nnames = ["未回复", "沉默三天", "重点"]\n'
OFF = PHONE.replace("phone = true\n", "")
BY_HAND = "在企业微信里取消"


class Phones(Pair):
    """A Pair with the tags of GROUP."""

    def meet_both(self) -> Phones:
        """A customer whom both agents have, all settled."""
        self.who = ""
        self.meet()
        self.phone.add_customer(COLLEAGUE, "", external_userid=self.who, welcome=False)
        self.tell("add", COLLEAGUE)
        self.work()
        agree(self)
        return self

    def put(self, *tags: str, expires: timedelta | None = None) -> None:
        """Give tags on the board; the phones do not follow yet."""
        settings = self.settings
        with self.system.store.write() as session:
            work, state = Work(session, settings, clock.now()), self.state(session)
            for tag in tags:
                give_tag(work, state, tag, TagSource("human", expires_at=work.now + expires if expires else None))

    def give(self, *tags: str, expires: timedelta | None = None) -> None:
        self.put(*tags, expires=expires)
        self.work()

    def drop(self, tag: str) -> None:
        """Take a tag on the board; the phones do not follow yet."""
        settings = self.settings
        with self.system.store.write() as session:
            take_tag(Work(session, settings, clock.now()), self.state(session), tag, "人工")

    def take(self, tag: str) -> None:
        self.drop(tag)
        self.work()

    def expire(self) -> int:
        with self.system.store.write() as session:
            return expire_tags(Work(session, self.settings, clock.now()))

    def shown(self, userid: str = AGENT, group: str = GROUP) -> list[str]:
        return sorted(self.on_phone(userid, group=group))

    def both(self) -> list[str]:
        """What both phones show; they are the same."""
        assert self.shown() == self.shown(COLLEAGUE)
        agree(self)
        return self.shown()

    def night(self, policy: Policy | None = None) -> list[str]:
        """Compare all with WeCom; what differed in tags, in words."""
        run = start_comparison(self.system, policy, clock.now())
        compare_agents(self.system, run, agents_to_compare(self.system))
        self.work()
        return [one.what for one in run.drift if one.kind in ("tags", "library")]

    def tell_both(self) -> None:
        """WeCom tells that both agents edited something, a remark perhaps."""
        for userid in (AGENT, COLLEAGUE):
            self.tell("edit", userid)
        self.work()

    def lose_answers(self) -> None:
        """Have every call that sets tags done by WeCom and its answer lost, until nobody tries any more."""
        self.phone.fault("externalcontact/mark_tag", times=-1, status=502, after=True)
        self.give_up()
        self.phone.clear_faults()

    def give_up(self) -> None:
        """Try once what is due of tags, and then never again."""
        self.work_once()
        with self.system.store.write() as session:
            left = (Outbox.kind == "mark_tag", Outbox.state == "waiting")
            session.execute(update(Outbox).where(*left).values(state="failed"))

    def reload(self, config: Path, text: str) -> None:
        """Put another config in force."""
        config.write_text(text, encoding="utf-8")
        self.system.__dict__.pop("keeper", None)

    def taken_by_hand(self) -> set[str]:
        """The tags that passed for taken off by an agent."""
        return {row.tag for row in self.history() if (row.removed_because or "").endswith(BY_HAND)}

    def given_by_hand(self) -> set[str]:
        """The tags that passed for given by an agent."""
        return {row.tag for row in self.history() if row.by == "wecom"}

    def history(self) -> list[Tagging]:
        with self.system.store.read() as session:
            mine = Tagging.customer_id == self.state(session).customer.id
            return list(session.scalars(select(Tagging).where(mine).order_by(Tagging.id)))
