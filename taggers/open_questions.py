"""Open questions: what a customer asked and no answer after it touched, told with the words and a confidence.

An answer touches a question by sharing its topic, by what was asked for (a price, a time, a place, a number, yes or
no, a name, a file), or by both. A question that another one followed is closed by its topic only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal

from taggers.clause import Clauses
from taggers.closing import USUAL, Closings
from taggers.fold import read, stutters
from taggers.question import asked
from taggers.repeated import remembered
from taggers.segment import BLOCK, Segmenter
from taggers.wants_answer import LONGEST, wish_of

Expected = Literal["price", "time", "place", "phone", "number", "choice", "thing", "name", "how"]

_EXPECTS: tuple[tuple[Expected, re.Pattern[str], re.Pattern[str]], ...] = (
    ("price", re.compile(r"多少钱|几块|什么价|价格|价位|费用|收费|票价|报价|人均|门票|怎么卖|房费|房价|学费|"
        r"多少元"),
     re.compile(r"\d+(?:\.\d+)?\s*(?:元|块|rmb|折|/)|免费|不要钱|不收费|收费|"
         r"[一二三四五六七八九十百千万]+[元块]|^\D{0,12}\d{2,}")),
    ("time", re.compile(r"什么时候|啥时|几点|几号|哪天|多久|时间|多长|几天|时长|周几|星期几|营业"),
     re.compile(r"\d+\s*[:：点时号天周月]|[一二三四五六七八九十半两]+\s*(?:点|号|天|周|个月|小时|分钟)|小时|"
         r"分钟|全天|明天|今天|后天|下周|周[一二三四五六日]|月底")),
    ("place", re.compile(r"在哪|哪里|哪儿|地址|位置|怎么走|什么地方|哪个区|多远|路线|地铁|出租|上车"),
     re.compile(r"位于|地址|[路街道区镇村号楼层座省市县口站](?:$|\W|\d|东|西|南|北|内|旁|附近)|附近|对面|旁边|"
         r"地铁")),
    ("phone", re.compile(r"电话|号码|联系方式|手机|微信号|车牌"), re.compile(r"\d[\d\-]{6,}|京[a-z]|"
        r"[a-z]\w{3,}\d")),
    ("number", re.compile(r"多少|几[个位节次人分种张间]|多大|评分|分数|多高"),
     re.compile(r"\d|[一二两三四五六七八九十]+[个位节次人分种张间]")),
    ("choice", re.compile(r"吗|么[？?]?$|没有|是不是|有没有|能不能|可不可以|可以.{0,6}[吗不]|行不|好不好|是否|"
        r"能否|有无|[呢吧]$|提供|支持"),
     re.compile(r"^\W*(?:亲|您好|你好|抱歉|不好意思)?\W*(?:这家|这个|我们|它|酒店|该)?(?:都|也)?(?:是的?|有|"
         r"没有?|可以|能|不|对|嗯|行|好|会|支持|提供|包)|[没不有可能]{1}(?:提供|支持|以|行|包)|有的|有[^吗]|"
         r"没有|可以|不行|不能|提供|支持|都有|含")),
    ("thing", re.compile(r"发.{0,4}我|发一?[下份]|链接|资料|图片|照片|报价单|课程表|课表|合同|大纲|看看|二维码"),
     re.compile(r"已?发(?:您|你|了|过)|https?://|如下|给您|请查收|这是")),
    ("name", re.compile(r"推荐|物色|哪[个家些位种款]|什么|啥|谁|介绍|找一?[家个间]|有.{0,8}吗|叫啥|名字|名称|"
        r"帮我(?:找|"
        r"选|订)|想(?:找|去|吃|住|要)"),
     re.compile(r"推荐|建议|有[^吗没]|叫|名字|名称|可以(?:去|选|试|考虑|看)|您看|如果|这家|去|选|还有|分别|没有|"
         r"抱歉|符合|预订|已")),
    ("how", re.compile(r"怎么|如何|咋|流程|怎样|为什么|为啥|原因"),
     re.compile(r"先|然后|(?<![0-9一二三四五六七八九十两几半])点|打开|填|联系|需要|可以|因为|由于|步骤|直接"
         r"|[一二三1-3][、.]")),
)  # fmt: skip
_NAME = next(asks for kind, asks, _ in _EXPECTS if kind == "name")
_IDLE = """
发 发给 发我 提供 安排 预约 预订 查 查查 都有 啥 有啥 值得 选 挑 换
请问 一下 你们 我们 我想 可以 什么 怎么 哪里 哪个 哪些 多少 多少钱 几个 几点 时候
有没有 是不是 能不能 这个 那个 这家 那家 这里 那里 一个 一家 还有 需要 知道 告诉
推荐 帮我 帮忙 麻烦 谢谢 您好 你好 大概 现在 就是 或者 还是 然后 如果 的话 不是
没有 就 的 了 吗 呢 想要 想找 想 要 给我 给 我 你 您 在 是 有 能 会 也 都
很 好 好的 好吧 呀 啊 吧 那 那么 里 家 个 和 去 吃 住 到 请 帮 找 看 问 说
下 多 几 哪 谁 什 它 他 附近的 左右 以上 以下 之间 最好 一点 一些 为什么 如何
咋 怎样 一定 老师 亲 喜欢 打算 准备 希望 方便 觉得 顺便 另外 不错 行 这 对 嗯
哦 吃饭 游玩 用餐 入住 情况 东西 事情 问题
"""
_IDLE_WORDS = frozenset(_IDLE.split())
_HOLD = re.compile(
    r"^(?:好的?|嗯+|您|请|亲|这边|我|先|帮您|给您|让我)*(?:稍等|稍候|等一?下|等会|查一?下|问一?下|确认一?下|"
    r"看一?下|核实一?下)"
    r"(?:哈|哦|啊|呀|吧|您|再|给您|回复|答复)*$"
)
_FAREWELL = re.compile(r"^(?:不客气|不用谢|不谢|祝您?|再见|拜拜|欢迎|很高兴|感谢|谢谢|应该的)")
_SORRY = re.compile("抱歉|不好意思|查询?不到|没有?查到|没有找到")
_NAMES = 0.6  # whoever asks what there is may be given a bare name, which nothing tells from other words
ENOUGH, ENOUGH_LATER = 0.2, 0.75


@dataclass(frozen=True, slots=True)
class Question:
    """A question: its words as typed and where they begin, what it is about, what kind of answer it asks for."""

    words: str
    topic: frozenset[str]
    expects: frozenset[Expected]
    start: int = 0


@dataclass(frozen=True, slots=True)
class Turn:
    """A message of the talk, in its order. `kind` is the archive's."""

    by: Literal["customer", "agent"]
    text: str
    kind: str = "text"


@dataclass(frozen=True, slots=True)
class Open:
    """A question that is still open: in which turn it stands, and how near the answers after it came (0: not "
    "at all)."""

    turn: int
    question: Question
    nearest: float

    @property
    def confidence(self) -> Literal["high", "medium"]:
        """How sure it is that nothing answered it: less so where an answer came near."""
        return "medium" if self.nearest else "high"


@cache
def _segmenter() -> Segmenter:
    return Segmenter()


@remembered
def questions(text: str, closings: Closings = USUAL) -> tuple[Question, ...]:
    """The questions and requests of a customer's message, a clause each; a message that wants an answer has one."""
    wish = wish_of(text, closings)
    if not wish.waits:
        return ()
    reading, clauses, asks = wish.reading, wish.clauses, wish.asks
    if clauses is None or len(text) > LONGEST or stutters(text):  # drawn-out words are shown as they were typed
        reading = read(text)[0]
        clauses = Clauses(reading)
        asks = tuple(bounds for bounds in clauses.parts if asked(clauses, *bounds))
    alone = len(asks) == 1
    if not alone:
        asks = tuple(bounds for bounds in asks if not _reacts(clauses.text[slice(*bounds)]))
    found = [
        _question(_typed(text, span), span[0], clauses, bounds, alone=alone)
        for bounds in asks
        for span in (reading.span(*bounds),)
    ]
    telling = [one for one in found if one.expects]
    if telling or found:
        return tuple(telling or found)
    return (Question(text.strip(), _topic(clauses.text), _expected(clauses.text)),)


def _question(words: str, start: int, clauses: Clauses, bounds: tuple[int, int], *, alone: bool) -> Question:
    """A clause that asks; where it has no topic itself (推荐一个呗, 你发我吧), that of the whole message."""
    clause, whole = clauses.text[slice(*bounds)], clauses.text
    topic = _topic(clause)
    if not topic:
        return Question(words, _topic(whole), _expected(whole), start)
    expects = _expected(clause)
    if (alone or expects <= {"choice"}) and _NAME.search(whole):
        expects |= {"name"}
    return Question(words, topic, expects, start)


def _reacts(clause: str) -> bool:
    """是吗, 嗯呢, 这么多呢: a reaction, which asks nothing where something else is asked."""
    return not _topic(clause) and _expected(clause) <= {"choice"}


def _typed(text: str, span: tuple[int, int]) -> str:
    return text[span[0] : span[1]].strip()


def _topic(folded: str) -> frozenset[str]:
    words = (word for block in BLOCK.findall(folded) for word in _segmenter().words(block))
    return frozenset(word for word in words if word not in _IDLE_WORDS and (len(word) > 1 or not word.isascii()))


def _expected(folded: str) -> frozenset[Expected]:
    return frozenset(kind for kind, asks, _ in _EXPECTS if asks.search(folded))


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer's folded words, and whether they only put off or end the talk, say goodbye, or say sorry."""

    text: str
    idle: bool
    farewell: bool
    sorry: bool


@remembered
@lru_cache(maxsize=8)  # all questions that are open are held against the same answer
def _answer(text: str, closings: Closings) -> _Answer:
    folded = read(text)[0].text
    idle = _HOLD.match(folded.strip("。.!！~， ")) is not None or closings.closes(folded)
    return _Answer(folded, idle, _FAREWELL.match(folded) is not None, _SORRY.search(folded) is not None)


def touch(question: Question, answer: Turn, closings: Closings = USUAL) -> tuple[float, float]:
    """How far an answer shares the question's topic, and whether it gives what was asked for; each 0 to 1."""
    if answer.kind != "text":
        return (0.0, 1.0 if answer.kind != "emotion" and question.expects & {"thing", "name"} else 0.0)
    said = _answer(answer.text, closings)
    if said.idle:
        return 0.0, 0.0
    shared = sum(word in said.text for word in question.topic)
    topic = shared / len(question.topic) if question.topic else 0.0
    if said.farewell:
        return topic, 0.0
    gives = (topic > 0 and said.sorry) or any(
        given.search(said.text) for kind, _, given in _EXPECTS if kind in question.expects
    )
    return topic, 1.0 if gives else _NAMES * ("name" in question.expects)


def open_questions(turns: Sequence[Turn], closings: Closings = USUAL) -> tuple[Open, ...]:
    """The questions of a talk that nothing after them touched, in their order."""
    waiting: list[Open] = []
    latest = -1
    for number, turn in enumerate(turns):
        if turn.by == "customer":
            asks = questions(turn.text, closings) if turn.kind == "text" else ()
            latest = number if asks else latest
            waiting += [Open(number, question, 0.0) for question in asks]
        else:
            waiting = list(_left(waiting, turn, latest, closings))
    return tuple(waiting)


def _left(waiting: Iterable[Open], answer: Turn, latest: int, closings: Closings) -> Iterable[Open]:
    for one in waiting:
        newest = one.turn == latest
        near = nearness(one.question, answer, newest=newest, closings=closings)
        if not is_answered(near, newest=newest):
            yield Open(one.turn, one.question, max(one.nearest, near))


def nearness(question: Question, answer: Turn, *, newest: bool, closings: Closings = USUAL) -> float:
    """How near an answer comes to a question, 0 to 1; one that another question followed wants its topic."""
    topic, gives = touch(question, answer, closings)
    if newest:
        return round(max(0.6 * topic, 0.4 * gives) + 0.2 * bool(topic and gives), 2)
    return round(0.6 * topic + 0.3 * gives * (topic > 0), 2)


def is_answered(near: float, *, newest: bool) -> bool:
    """Whether what came so near is taken for the answer."""
    return near >= (ENOUGH if newest else ENOUGH_LATER)
