"""Whether a customer's message wants an answer: a question, a request, a trouble or a call wants one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from taggers.clause import Bounds, Clauses
from taggers.closing import Closings
from taggers.fold import Reading, read
from taggers.nobody import is_nobodys
from taggers.ordering import orders
from taggers.question import asked
from taggers.repeated import remembered
from taggers.trouble import reports_trouble
from taggers.utterance import Utterance, split_quote

LONGEST = 2_000
SILENT_KINDS = frozenset(
    ("emotion", "revoke", "disagree", "agree", "system", "vote", "todo", "calendar", "redpacket")
)
"""Kinds of messages that nobody has to answer."""

_OBJECT = "(?:我们?|俺|咱们?|偶|我家|我这边|我看看|我瞅瞅)"
_ASKS = re.compile(
    rf"(?:帮|给|替|为)(?:忙|{_OBJECT})(?!.{{0,8}}[了过](?:$|[，。!！]))(?!说了|看了)"
    rf"|(?:发|推|传|拉|拍|转|打|退|教|加|回|寄|送|告诉|联系|提醒|通知|回复|找|叫|喊|催)(?:给|一下|下|一份|份|张|"
    rf"个)?{_OBJECT}(?!.{{0,6}}[了过](?:$|"
    rf"[，。!！]))"
    r"|(?<![嫌怕不])麻烦(?!了|您了|你了|大家了|老师了|你们了|你啦|您啦|啦)|^求(?!婚|职|之)|请(?:问|教|帮|给|发|把|告|说|推|"
    r"介|您|你|尽快|安排|派|老师)|劳驾|拜托|烦请"
)
_IMPERATIVE = re.compile(
    r"^(?:那|就|先|再|你们?|您|老师|亲|能|可以|快|赶紧|尽快|记得|到时候?|顺便|把.{1,10}?|.{1,8}?)?"
    r"(?:发|来|给|推荐|介绍|看|查|改|换|约|安排|讲|说|留|报|加|登记|取消|申请|开|退|催|修|处理|解决|联系|算|出|"
    r"打印|准备|订|送)"
    r"(?:一?[个份张下些遍套间条款双件]|来|过来|(?<!看)(?<!收)到|看看|呗|吧|掉)(?![了啦咯]|的(?![吧呗])|[来去]的)"
)
_WANTS = re.compile(
    r"(?:我们?(?:家)?|俺|家里|孩子|宝宝)?(?<![不没别])(?:也|还|就|只|先)?(?:想要?|要|需要|打算|准备|得|希望|"
    r"申请|预约)(?:再|去|先|把|给.{1,4}?|在.{1,4}?)?"
    r"(?:报|买|订|约|换|改|退|了解|咨询|问|请|加|看看?(?:房|车|课|样|店|现场|一下|报价)|学|参加|取消|投诉|预约|"
    r"预订|开(?!车|会|始|心)|补(?!习)|办|租|装|续|"
    r"定(?!了)|做(?!饭|作业|好)|要|投诉|推荐|延|转(?!钱|账给)|升级|调)"
    r"|^(?:我|那我|我们)要(?!去|走|上|睡|下|回|开[会车始心]|出|忙|先|是|不|结婚|生|考虑|看看|想|吃|做饭|带|接|照顾|加班|陪|等|谢|说的|的|到|来|把)[一-龥]{2}"
    r"|^(?:我|我们)(?:要|想|准备|打算)把|^帮(?!你|您|了)[^，]{1,4}(?:挂|办|查|订|买|找|看|问|约|开|取|选|配|做|弄|报|算|退|换)(?!了|过)"
    r"|^(?:我要?)?(?:报名|预约|下单|订购|购买|退款|退费|退货|退订|投诉|咨询|转人工|人工|续费|续课|换货|保修|"
    r"报修|加急|催单?|取消)[!！。了吧~]*$|要投诉|投诉你|我要退|退钱|"
    r"催一?下|加急"
)
_SEEKS = re.compile(
    r"(?:给|帮|替).{0,4}?(?:推荐|找|选|挑|订|叫|查|物色)(?!到?了|过|好了)|(?<![姐哥弟妹妈爸友事她他们人居戚师板婆公])推荐.{0,6}[吧呗不下]?$"
    r"|(?:告诉|说|讲|报)(?:我|下|一下|给)(?!们|了)"
    r"|(?:想要?|想着|要|打算|准备|希望|还要|需要)(?:再|去|先|给.{1,4}?|预约|预订)*"
    r"(?:(?:找|选|挑|订|换)(?!到了|好了)|去一?[个家间].{0,20}(?:玩|吃|看|住|用餐|景点|餐|店))"
    r"|把.{1,20}(?:给我|告诉|发我|发给|说一?下|报一?下)|^(?:请|您|你|那|就)*(?:安排|预约|预订)(?!好了|了)"
)
_OWN_SEARCH = re.compile(
    r"(?:我|我们)(?:先|自己|再|去|来|回头|回去)+(?:给|帮|替|跟|和|找|选|看|问|查|告诉|说)|"
    r"不(?:想|要|打算|需要)|别|告诉(?:你|您)|等|再(?:来|去)?(?:找|联系|咨询|麻烦|请教|问)(?:你|您)"
)
_ASKING_HOME = re.compile(  # 我要问问家里人, 想跟老公商量: asked is somebody else
    r"(?:想|要|得|先|去|再)*(?:问|跟|和|同|与|找)(?:问|一?下)?(?:我们?)?(?:家|老[公婆爸妈伴]|爸|妈|孩子?|儿子|女儿|"
    r"朋友|同事|领导|爱人|对象|先生|太太|媳妇|父母|长辈)"
)
_CHOICE = re.compile(r"还是(?!算了|想|要|觉得|不|很|有点|喜欢|先|没|挺|那|这|老样子|得)|的(?=.的$)")
_THANKS = re.compile(
    "(?:改天|下次|有空|回头|哪天)(?:我)?请(?:你|您|大家)|(?:真的?|太|非常|十分)?(?:谢谢|感谢|多谢|多亏|有劳)(?!.{0,12}(?:帮我|给我|麻烦|请))"
)
_DIALECT = re.compile(r"有[^，]{0,6}没得$|有没得|有冇|要得不|得不得|啷个|咋个|哪样|么子|啥子|弄啥|几多钱|好多钱")
_CALL = re.compile(
    r"^(?:(?:在|在呢|人呢|老师|客服|有人|喂|哈喽|哈啰|hello|hi|嗨|您好|你好|你好呀|您好呀|师傅|医生|护士|顾问|"
    r"经理|小姐姐|亲|老师好|老师您好|你好老师|"
    r"您好老师)[!！。.~～，,]*+)++$"
)
_OWN = re.compile(
    r"^(?:那|好的?|嗯+|行|等)?(?:我们?|俺|咱)(?!要|想|需|能|可|家|这|还没|的|都等|等了|预约|申请)|我(?:先|再|"
    r"自己|去|来|回头|晚上|明天|到时)|等我|已经.{0,6}了$|"
    r"完了$|好了$"
)

_ASKING_SELF = re.compile(
    r"(?:我们?|俺|咱们?)(?:这边|家)?(?:现在|今天|明天|到时候?|到底|应该|该|要|需要|得|可以|能|还|又|再|就|都)*"
    r"(?:什么时候|啥时候?|怎么|咋|如何|几[点号]|哪[天里儿个种款些]|去哪|多久|找谁|多少|带什么|准备什么|带啥|准备啥)"
)
"""那我什么时候过去: whoever asks what they are to do themselves asks all the same."""
_COURTESY = re.compile(
    r"(?:不了)+|(?:不会|没有)?(?:怎么会|哪里哪里|哪里的话|哪里话|哪有|哪能|说什么呢|说啥呢|谢什么|谢啥|客气什么|客气啥)"
    r"(?:呢|啊|呀|嘛|哈|的)*"
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a text wants: whether an answer at all, its reading and clauses, and the clauses that ask something."""

    waits: bool
    reading: Reading
    clauses: Clauses | None = None
    asks: tuple[Bounds, ...] = ()


def wants_answer(utterance: Utterance, closings: Closings) -> bool:
    """Tell whether somebody waits for an answer to this message."""
    if utterance.kind in SILENT_KINDS:
        return False
    if utterance.kind not in ("text", "mixed"):
        return True
    if is_nobodys(utterance.text):
        return False
    return typed_wants_answer(utterance, closings)


def typed_wants_answer(utterance: Utterance, closings: Closings) -> bool:
    """The same for a message of words that somebody is known to have written."""
    parts = utterance.parts or split_quote(utterance.text)
    if any(part.scope not in ("typed", "mixed", "quote") for part in parts):
        return True
    return any(text_wants_answer(part.text, closings) for part in parts if part.scope != "quote")


def text_wants_answer(text: str, closings: Closings) -> bool:
    """The same for what was typed."""
    return wish_of(text, closings).waits


@remembered
@lru_cache(maxsize=8)  # the same message is asked about for the clock and for its questions
def wish_of(text: str, closings: Closings) -> Wish:
    """What was typed, whether it wants an answer, and which of its clauses ask."""
    reading = read(text[:LONGEST])[-1]
    folded = reading.text.strip()
    if not folded or closings.closes(folded):
        return Wish(False, reading)
    if _CALL.match(folded):
        return Wish(True, reading)
    clauses = Clauses(reading)
    whole = clauses.text
    if not clauses.parts:
        return Wish("?" in whole or "？" in whole, reading, clauses)
    asks = tuple(bounds for bounds in clauses.parts if asked(clauses, *bounds))
    waits = any(_of_another(clauses, *bounds) for bounds in asks) or any(
        _requests(whole[left:right]) for left, right in clauses.parts
    )
    return Wish(waits, reading, clauses, asks)


def _of_another(clauses: Clauses, left: int, right: int) -> bool:
    """Whether it is somebody else who is asked: what I am going to ask is a plan, 哪里哪里 a courtesy."""
    if _marked(clauses, left, right):
        return not _COURTESY.fullmatch(clauses.text, left, right) or clauses.marked(right)
    clause = clauses.text[left:right]
    if _ASKING_HOME.search(clause):
        return False
    return not _COURTESY.fullmatch(clause) and (
        _OWN.search(clause) is None or _ASKING_SELF.search(clause) is not None
    )


def _requests(clause: str) -> bool:
    """Whether a clause asks for something without being a question: a request, a wish, a trouble, a choice."""
    if _THANKS.match(clause) or _ASKING_HOME.search(clause):
        return False
    own = _OWN.search(clause) is not None
    if _CHOICE.search(clause) and not (own and _OWN_SEARCH.search(clause)):
        return True
    if _SEEKS.search(clause) and not _OWN_SEARCH.search(clause):
        return True
    if reports_trouble(clause) or orders(clause) or _DIALECT.search(clause):
        return True
    asking = _ASKS.search(clause) or _IMPERATIVE.match(clause) or _WANTS.search(clause)
    return asking is not None and not own


def _marked(clauses: Clauses, left: int, right: int) -> bool:
    return clauses.marked(right) or clauses.text.endswith(("吗", "么", "呢", "没", "没有", "不"), left, right)
