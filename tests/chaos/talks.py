"""What is said while things break: talks of many customers, and what must come of each of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.support.parts import ASK, CONFIG, FIRST_STEP

ON_PHONES = ("互动", "话题")
# Both groups are kept on the phones; one of their tags is called like a stage.
CHAOS_CONFIG = (
    CONFIG.replace('group = "互动"\n', 'group = "互动"\nphone = true\n')
    + '\n[[tags]]\ngroup = "话题"\nphone = true\nnames = ["考虑价格"]\n'
)
LINES = 10  # of each customer
_AT_ONCE = 100  # customers who talk side by side
_CHAT = ("在吗", "好的谢谢", "今天天气真好", "收到", "孩子刚睡着", "晚点聊", "哈哈", "我在上班", "下班再看", "嗯嗯")


@dataclass(frozen=True)
class Person:
    """One customer by number: whether they are added by an event, ask for the price, are answered and answer."""

    number: int
    agents: int

    @property
    def userid(self) -> str:
        return f"wmCHAOS{self.number:025}"

    @property
    def agent(self) -> str:
        return f"Agent{self.number % self.agents:03}"

    @property
    def added(self) -> bool:
        return self.number % 10 == 0

    @property
    def asks(self) -> bool:
        return self.number % 4 == 0

    @property
    def answers(self) -> bool:
        return self.number % 8 == 0

    @property
    def stages(self) -> list[str]:
        return ["新线索", "考虑价格"] if self.asks else ["新线索"]

    @property
    def tags(self) -> list[str]:
        """The tags they must carry in the end, whatever the passing of time adds."""
        return ["考虑价格"] if self.asks else []

    def line(self, number: int) -> dict[str, str]:
        """The n-th line of their talk, as the sandbox takes it; the msgid tells it from all others."""
        ours = (number == 5 and self.answers) or number == 9
        text = _CHAT[(self.number + number) % len(_CHAT)]
        if number == 3 and self.asks:
            text = ASK
        if number == 5 and self.answers:
            text = FIRST_STEP
        sender, receiver = (self.agent, self.userid) if ours else (self.userid, self.agent)
        return {"from": sender, "to": receiver, "text": text, "msgid": f"chaos{self.number:06}{number:02}_external"}


def people(messages: int, agents: int) -> list[Person]:
    return [Person(number, agents) for number in range(max(1, messages // LINES))]


def lines(everybody: list[Person]) -> Iterator[tuple[Person, dict[str, str]]]:
    """All lines in the order in which they are said: a hundred talks side by side, then the next hundred."""
    for start in range(0, len(everybody), _AT_ONCE):
        together = everybody[start : start + _AT_ONCE]
        for number in range(LINES):
            for person in together:
                yield person, person.line(number)
