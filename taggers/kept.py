"""Kept: whether a later message shows that what was promised was done, by its kind, its file's name or its words.

Each message is judged alone against each promise, so that the order in which messages arrive changes nothing.
Precision goes before recall: a promise that is taken for kept is forgotten.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from taggers.deeds import Deed, object_of

_PICTURES = frozenset(
    ("image", "video", "mixed", "file", "qydiskfile", "docmsg", "news", "chatrecord", "voip_doc_share")
)
_PAPERS = _PICTURES | {"link", "weapp", "sphfeed", "collect"}
_CALLS = frozenset(("meeting_voice_call", "voiptext"))
_MONEY = frozenset(("redpacket", "external_redpacket", "image"))
_THINGS: tuple[tuple[re.Pattern[str], frozenset[str]], ...] = (
    (re.compile("定位|位置|地址|路线|导航"), frozenset(("location", "image", "link", "mixed"))),
    (re.compile("名片|微信(?!上|里|发)|联系方式"), frozenset(("card", "image", "mixed"))),
    (re.compile("语音"), frozenset(("voice",))),
    (re.compile("视频|录像|监控"), frozenset(("video", "file", "qydiskfile", "link", "sphfeed", "mixed", "image"))),
    (re.compile("照片|相片|截图|图片|样片|片子"), _PICTURES),
    (re.compile("链接|小程序|网址"), frozenset(("link", "weapp", "news", "docmsg", "image", "sphfeed"))),
    (re.compile("二维码|收款码"), frozenset(("image", "mixed", "link", "weapp"))),
)
"""What is wanted, and the kinds of messages that it comes in; else papers of any kind."""
_BY_HAND = re.compile(
    r"寄|快递|邮(?!件|箱)|发货|出货|闪送|跑腿|顺丰|送货|送(?:到|过去|上门|来|过来)|补货|带(?:过去|来|给)"
)
_ADDRESS = re.compile(r"https?://|www\.")
_PAPER = re.compile(
    "合同|协议|报价|方案|发票|课表|课程表|清单|图纸|简历|证书|收据|保单|行程|照片|目录|样本|说明书|效果图|明细|账单"
    "|计划|大纲|试卷|作业|报告|体检|户型|名单"
)
_NOT_YET = re.compile(
    r"没有?(?!问题|事)|未|还没|不(?!好意思|错|客气|用谢)|别|马上|就要|快要|等|如果|要是|的话|明天|后天|下周|晚点"
    r"|稍后|待会|一会|准备|打算|再(?=发|给|打|去|问)|今晚|下午再|会(?=给|帮|去)|吗|么|呢|[?？]|是不是|有没有"
)
_TAIL = (
    r"(?:给?(?:您|你)(?:们|家|那边|微信|邮箱|手机|群里|微信上)?|给?你们|过去|出去|出来|好|完|到|上|妥|下来|清楚|成|齐"
    r"|回去)*"
)
_OVER = rf"{_TAIL}[了啦]"
_DONE: dict[Deed, tuple[str, ...]] = {
    "send": (rf"(?:发|传|寄|送|推|转|拍|交|给|拉|开|出|做|整理|写|画|报|补|带){_OVER}",),
    "call": (
        rf"(?:打|通|回|拨){_TAIL}(?:过|了|完)+(?:个)?(?:电话|视频)?",
        r"电话里(?:说|讲|跟|和|聊)",
        rf"(?:电话|视频){_TAIL}(?:打|通|聊|讲)[过了完]",
    ),
    "pay": (rf"(?:付|转|打|退|交|结|汇|充)(?:款|钱|账|费|给|清)?{_OVER}", r"到账了?", r"(?:已|都)(?:付|转|退|结)"),
    "come": (
        rf"(?:到|来|去|过去|出发|上门|到店|到家){_OVER}",
        r"到(?:您|你)(?:家|楼下|门口|公司|店)",
        r"[到在](?:楼下|门口|大厅|前台)",
    ),
    "arrange": (
        rf"(?:安排|约|登记|留|开通|办|排|订|申请|处理|派|下单|准备|报|锁|改|补|换|开|加|拉|预约|预留|协调){_OVER}",
        r"(?:安排|约|留|订|排|办|登记|准备|预约)(?:好|上|妥|成)",
    ),
    "ask": (
        r"问(?:了|过|到|清楚|好)|查(?:了|到|过|清)|核(?:实|对)(?:了|过|好|完)",
        r"(?:看|催|反馈|沟通|请示|打听|了解)(?:了|过|到|好)",
    ),
    "confirm": (
        r"问(?:了|过|到|清楚)|查(?:了|到|过)|核实(?:了|过|好)|确(?:认|定)(?:了|过|好|下来)",
        r"有(?:结果|消息|答复|准信)了?|结果(?:是|出来)|批(?:了|下来)",
        rf"(?:商量|考虑|决定|想|定)(?:好|过)?[了啦]|(?:回|答|通知|告诉){_OVER}",
    ),
    "other": (r"(?:弄|做|搞|办|处理|解决|修|改|装|洗|量|填|签|看)(?:好|完|定|妥)?[了啦]|搞定|完成了?|好了",),
}
_WORDS = {deed: re.compile("|".join(patterns)) for deed, patterns in _DONE.items()}
_ANSWERED = re.compile(
    r"(?:老板|领导|经理|主管|财务|厂家|医生|老师|仓库|技术|师傅|设计师|前台|后勤|总部|那边|老公|老婆|家里|公司)"
    r"[^，。]{0,6}(?:说|回复|答复|回了|同意|批|讲)"
)
_HANDED_OVER = re.compile(r"(?:请|麻烦)?(?:您|你)?(?:查收|注意查收|收一下|收下|签收)(?!了吗)")
_WAYBILL = re.compile(r"(?:单号|运单|快递号)|(?<![a-z])(?:sf|yt|zt|jd)\d{8,}", re.IGNORECASE)
_CLAUSE = re.compile(r"[^，,。！!；;\n\s]+[?？]?")


@dataclass(frozen=True, slots=True)
class Promised:
    """What a promise is about."""

    deed: Deed
    object: str
    words: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A later message of who promised, or of a colleague: its kind, and its words or what its file is called."""

    kind: str
    text: str


def keeps(promised: Promised, shown: Shown) -> bool:
    """Whether a message shows that the promise was kept."""
    if shown.kind == "text":
        return any(_says(promised, clause[0]) for clause in _CLAUSE.finditer(shown.text[:500])) or (
            promised.deed == "send" and not _by_hand(promised) and _sends_address(promised, shown.text)
        )
    if promised.deed == "call":
        return shown.kind in _CALLS
    if promised.deed == "pay":
        return shown.kind in _MONEY
    if promised.deed in ("send", "other", "confirm", "ask", "arrange") and not _by_hand(promised):
        return _is_thing(promised, shown)
    return False


def renews(promised: Promised, again: Promised) -> bool:
    """Whether a later promise is the same one said anew, and takes its place."""
    return promised.deed == again.deed and _alike(promised.object, again.object)


def _by_hand(promised: Promised) -> bool:
    return _BY_HAND.search(promised.words) is not None


def _is_thing(promised: Promised, shown: Shown) -> bool:
    """Whether what was sent may be the thing: of a kind it comes in, and not called by another paper's name."""
    wanted = next((kinds for thing, kinds in _THINGS if thing.search(promised.words)), None)
    if promised.deed != "send" and not (wanted or _PAPER.search(promised.words)):
        return False
    if shown.kind not in (wanted or _PAPERS):
        return False
    named = _PAPER.search(shown.text)
    asked = _PAPER.search(promised.words)
    return named is None or asked is None or _alike(asked[0], shown.text) or _alike(promised.object, shown.text)


def _sends_address(promised: Promised, text: str) -> bool:
    return (
        _ADDRESS.search(text) is not None
        and re.search("链接|网址|地址|资料|教程|视频|文档|表", promised.words) is not None
    )


def _says(promised: Promised, clause: str) -> bool:
    """Whether one clause says that it was done, and speaks of no other thing."""
    if promised.deed == "send" and _by_hand(promised) and _WAYBILL.search(clause):
        return True
    if _NOT_YET.search(clause):
        return False
    if promised.deed == "send" and _HANDED_OVER.search(clause):
        return True
    found = _WORDS[promised.deed].search(clause)
    if found is None and promised.deed in ("ask", "confirm"):
        found = _ANSWERED.search(clause)
    if found is None:
        return False
    thing = object_of(clause, found.start(), ())
    return not thing or not promised.object or _alike(promised.object, thing) or not _PAPER.search(thing)


def _alike(one: str, other: str) -> bool:
    """Whether two names share two characters in a row, or one is empty; of one character they must be the same."""
    if not one or not other:
        return True
    if min(len(one), len(other)) == 1:
        return one in other or other in one
    return any(one[at : at + 2] in other for at in range(len(one) - 1))
