"""What makes no promise of a clause: a question, a denial, a condition, the past, somebody else's word."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_ASKS_BEFORE = re.compile(
    r"什么|啥时|几点|几号|哪天|哪个|哪位|怎么|要不要|需不需要|用不用|能不能(?!.{0,4}明天)|是不是|可不可以|谁|"
    r"多久|为什么|"
    r"(?:需要|要|用|想让|要不)(?:我|我们|这边|让|再)(?!去)|是否|您看|你看|还是|^要不|或者(?:我|您)"
)
_ASKS_END = re.compile(r"(?:吗|么|呢|不|没|没有|可以不|行不|好不好|行不行|可以吧|好吧)$")
_TAG = re.compile(
    r"^(?:您|你)?(?:看|觉得)?(?:这样)?(?:可以|行|好|方便|合适|中|成|有空|在)(?:吗|么|不|嘛|不行|不好|不可以|"
    r"不方便)|^(?:您看|你看)|^(?:什么时候|几点|哪天)|"
    r"^(?:您|你)?(?:方便|有空|有时间)(?:吗|么|不)"
)
_LOOKING = re.compile(r"问|查|看|核实|确认|核对|了解|打听|商量|算")
_HARMLESS = re.compile(
    r"不好意思|不客气|不用谢|不着急|不急|别着急|别急|别担心|不用担心|不错|差不多|没问题|没事儿?|没关系|不管|"
    r"不超过|不出意外|"
    r"不会忘|不耽误|不过|不要紧|别客气|不用客气|不麻烦|不用跑|少不了|要不|不仅|不光|不但|不久|没有?问题|"
    r"不见不散|特别|分别|区别|"
    r"别人|别的|级别|不一会儿?|没多久|不晚于|不迟于|不管怎样|没法拒绝|不得不|不然|免不了|不可抗力|对不起|了不起|"
    r"不要担心|放不下心|不用等|不用管|不动"
)
_NOT_NEAR = re.compile(
    r"(?:不是|不|没有?|无法|未|别|甭|难以?|无|拒绝|哪|怎么|暂不|休想)(?:能够?|会|可以|可能|法|办法|敢|太|一定|"
    r"想|打算|准备|愿意?|再|用|必|要|应该|是|说过?|答应过?|"
    r"保证|确定|好|便|方便|到|有|想过|怎么|给|帮|建议|推荐|主动|随便|轻易|允许|负责|支持|提供|单独|直接|权限?|"
    r"权利|时间|空|清楚|知道|晓得|来得及|太好|敢保证|能保证|好说|便于|由|得|"
    r"我|您|你|把|就|跟|和|同|让|明天|今天|能不能|来|去|在|[一-龥]{1,2}了)*$"
)
_CANNOT = re.compile(
    r"^[^，]{0,6}?(?:不(?:了|成|来|上|出|起|及|动|着|下|完|开|掉|住|齐|够|全|过来|过去)|"
    r"不到(?![0-9一二三四五六七八九十半两])|没法|没人|没接|没打通|不接)"
)
_GAVE_UP = re.compile(
    r"(?:来不及|赶不上|顾不上|懒得|拒绝|取消|停止|忘(?:了|记)?|没有?(?:能|来得及|及时|空|时间|顾上)?|未能?|才|"
    r"差点|想过?|怕|担心|(?:我|咱|也|才|方便|为了?)好?方便|"
    r"(?:我|咱|也)好|为了)"
    r"(?:[一-龥]{0,3}?)?$"
)
_NEVER = re.compile(
    r"(?:不确定|不一定|说不准|说不好|不好说|没把握|不清楚|保不准|不知道|不敢保证|不保证|不能保证|没法保证|难说|"
    r"可能(?!就)|也许|没准|说不定|未必|不见得)"
)
_IF = re.compile(
    r"如果|要是|假如|假使|倘若|若是?(?!干)|万一|只要(?!一会|几分|十)|一旦|除非|的话|如需|如有|需要(?:的话|就|"
    r"时)|有需要|有必要|若|如(?:您|你|不)|"
    r"(?:您|你)(?:这边)?(?:方便|同意|满意|确定|定|愿意|想好|考虑好|需要|决定|看好|看中|选好|有空|有意|确认|想|"
    r"不介意|不嫌弃|付|要)[^我，]{0,8}(?:我|就|再|随时|了|后|$)|"
    r"(?:等|待|等到|只等)(?!下|会|一会|一下|我|一等|等|稍)[^，]{0,12}?(?:了|后|好|完|到|再|才|就|定)|"
    r"(?:(?:现在|今天|这会儿?)(?:报名|下单|付款|购买|拍|定|交)|付款|付完|付了|下单|下了单|交钱|交完|交了|签约|"
    r"签完|签了|报名|报了|拍下|审核通过|确认|定金|成交|定下|定了|"
    r"选好)[^，明今]{0,4}(?:之后|以后|后|完|了|就)[^，]{0,3}(?:我|就|再|马上|立刻|给|帮|为)|"
    r"才能?(?:给|帮|为|安排|发|寄)|才可以|就可以(?:给|帮)|(?:没有?|不)[^，]{1,8}(?:就|没法|不能|是不)|就算|哪怕|"
    r"即使|凡是|凡|每逢|否则|不然"
)
_TIMED_IF = re.compile(r"^(?:如果|要是|若)?(?:不出意外|顺利|没意外|没什么意外|一切顺利|不堵车)(?:的话)?")
_ONLY_IF = re.compile(
    r"^(?:如果|要是|假如|只要|若)?(?:您|你)?[^我]{0,10}的话$|^(?:如果|要是|只要)(?:您|你)(?:需要|方便|愿意|同意|"
    r"不介意|有空|想)[^我]{0,6}$|^(?:看|取决于|"
    r"得看|要看)(?:您|你|情况)"
)
_PAST = re.compile(
    r"昨[天晚日儿]|前[天几]|(?<![晚早马])上(?:个?(?:周|月|星期|礼拜)|次|回(?!去|来|到))|(?<![点半天周一二三四五六日号月底班午晚年节分时钟前])(?:之前|以前)|刚(?:才|刚|给|"
    r"发|跟|帮)?|已经?|早就|早已|曾经?|本来|原来|原本|当时|"
    r"那天|去年|早上(?:就)?已|今早已|说好|答应(?:您|你|过|了)|一直(?:在)?(?=给|帮)|方才|适才|先前|"
    r"上午(?=[给发跟帮已]?.{0,6}[了过]$)|头天|大前天"
)
_OLD_THING = re.compile(
    r"(?:昨[天晚]|之前|上次|上回|刚才|刚刚|上周|以前|前[天几])(?:您|你|我)?(?:要|说|问|提|发|看|拍|选|聊|"
    r"讲)?(?:到|过)?的(?=[^，]{1,10}我)"
)
_HAD = re.compile(r"^[^，]{0,3}?[打发寄送问查说讲提看聊约回见做办弄退系到]过(?!去|来|一?会|目|户|阵|年|节|完|程)")
_DONE = re.compile(
    r"^[^，]{0,14}?(?:(?<![为除到罢得])了(?!解)|过(?!去|来|一?会|目|户|阵)(?:了|啦)?(?:$|您|你|的)|啦|喽|咯|好咯)"
)
_DONE_END = re.compile(r"(?:了|啦|喽|咯|过了|过|嘞了)(?:哈|哦|噢|呀|啊|呢|的|哟|嘿|亲|您查收|请查收)?$")
_SOON_DONE = re.compile(r"(?:马上|这就|就要|就|立刻|要|会|那我)[^，]{0,6}$")
_SURELY = re.compile(r"(?:一定|肯定|保证|务必|绝对|必须|会)[^，]{0,10}$")
_SAID = re.compile(
    r"(?<!我)(?<!跟[您你我他她])(?:您|你|他们?|她们?|老师|客户|同事|老公|老婆|别家|老板|物流|快递|系统|厂家|"
    r"人家|别人|经理|领导|医生|护士|主管|财务|师傅|"
    r"那边|对方|销售|客服|平台|公司)[^，我]{0,5}(?:说|讲|答应|承诺|表示|告诉|通知|要求|让我|问|希望|以为|"
    r"要的)(?!.{0,6}的(?:资料|那|合同|文件|照片|课|东西|问题))"
)
_SAID_SELF = re.compile(
    r"我(?:说过?|没说|讲过|答应过?|可没|哪里?说|什么时候说|昨天说|上次说|以为|听说|记得(?:您|你)|怕|想着|只是说|"
    r"是说|原想)"
)


def asks(text: str, at: int, mark: str, behind: Sequence[str], last_mark: str) -> bool:
    """Whether the clause, or what is tagged to it, asks for consent or for anything else."""
    head = text[:at]
    if _ASKS_BEFORE.search(head) and not _LOOKING.search(head):
        return True
    if _TAG.search(text[at:]) or any(_TAG.search(one) for one in behind[:1]):
        return True
    looking = _LOOKING.search(text[at:]) is not None
    if _ASKS_END.search(text.rstrip("啊呀哈 ")) and not looking:
        return True
    marked = any(sign in mark for sign in "?？") or (not behind and any(sign in last_mark for sign in "?？"))
    return marked and not looking


def denied(text: str, start: int, end: int) -> bool:
    """Whether it will not, cannot or may not be done."""
    head = _HARMLESS.sub("", text[:start])
    rest = text[end:]
    near = re.split(r"[，,；;]", head)[-1][-14:]
    return (
        _NOT_NEAR.search(near) is not None
        or _NEVER.search(head) is not None
        or _gave_up(head)
        or _CANNOT.search(rest) is not None
        or _CANNOT.search(text[start + 1 : end + 4]) is not None
    )


def _gave_up(head: str) -> bool:
    found = _GAVE_UP.search(re.sub(r"刚才|方才|人才|没问题|想好|没事", "", head))
    return (found is not None and found[0][:1] not in ("我", "咱", "也")) or (
        found is not None and found[0] in ("我好", "咱好", "也好")
    )


def is_asked(clause: str) -> bool:
    """Whether a clause before it asks, so that what follows hangs on the answer: 您在家吗，我给您送过去."""
    return re.search(r"(?:吗|么|(?:有|在|行|好|到|便|以|能|空)(?:没有?|不))$", clause) is not None


def conditional(
    before: Sequence[str], text: str, at: int, behind: Sequence[str], times: Iterable[tuple[int, int]]
) -> bool:
    """Whether it hangs on what the other side or somebody else does first."""
    head = text
    for start, end in times:
        head = head[:start] + " " * (end - start) + head[end:]
    for one in (*before, head[:at]):
        if _IF.search(_TIMED_IF.sub("", one)):
            return True
    return "的话" in head or any(_ONLY_IF.search(one) for one in behind[:1])


def is_past(text: str, place: tuple[int, int], ahead: bool, over: bool) -> bool:
    """Whether it was done, or was to be done, before.

    `ahead` tells that a time to come was named for it, `over` that a part of this day was, which may be over.
    """
    head, rest = text[: place[0]], text[place[1] :]
    past = _PAST.search(_OLD_THING.sub("", head))
    if _HAD.match(rest) and (over or not ahead):
        return True
    if past is not None and not (ahead and not re.search(r"本来|原本|说好|答应|已经?|早就", head)):
        return True
    if over and past is not None and past[0].startswith("刚"):
        return True
    if re.match(r"了(?!解)|过(?!去|来|一?会|目|户)", rest):
        return True
    if (ahead and (not over or _SURELY.search(head))) or (not ahead and _SOON_DONE.search(head)):
        return False
    return _DONE.search(rest) is not None or _DONE_END.search(text) is not None


def reported(head: str) -> bool:
    """Whether somebody else said it, or the speaker on another day."""
    return _SAID.search(head) is not None or _SAID_SELF.search(head) is not None
