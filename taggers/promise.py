"""Promises: what an agent commits to in a message, what it is about, and when it is due.

A promise is a clause in which the speaker will do something for the other side. What was done, cannot be done, hangs
on a condition, is asked or is somebody else's word is none; precision goes before recall.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from taggers.deeds import Deed, deed_of, object_of
from taggers.due import Due, dues
from taggers.fold import TABLE
from taggers.refrains import asks, conditional, denied, is_asked, is_past, reported
from taggers.workdays import Workdays

_CLAUSE = re.compile(r"[^，,。！!？?；;\n…~～]+[，,。！!？?；;\n…~～]*")
_QUOTED = re.compile(r"[「『“\"‘《][^」』”\"’》]{0,200}[」』”\"’》]")
_YOU = "(?:您|你)(?:们|家|那边|那儿|这边|老公|妈妈|爸爸)?"


def _any(*words: str) -> str:
    return f"(?:{'|'.join(word for line in words for word in line.split())})"


_WILL = _any(
    "给 帮 替 为 跟 同 和 与 向 带 陪 送 约 接 通知 提醒 联系 回访 回复 答复 告诉 告知 转告 加 催 找 反馈给 "
    "退给 退还给 补给 补 教",
)
_SENT = _any("发 传 寄 送 打 拉 推 转 退 汇 补 邮 快递 递 抄 回 还 抄送 转发 同步 私 补发 补寄 返")
_MADE = _any(
    "拍 拿 交 算 报 开 写 做 弄 整 录 画 出 留 办 存 打印 备 调 换 升级 说 讲 讲解 分享 端 提 带 倒 买 选 挑 拷 "
    "导 拟 备好 整理好"
)
_TO_YOU = re.compile(
    rf"(?P<to>{_WILL}(?:一下|下)?{_YOU}"
    rf"|(?P<sent>{_SENT}(?:送|给|过去|回|到|一份|一下|下|一个|个|电话给|视频给|过来)?{_YOU}"
    rf"|{_MADE}(?:一份|一下|下|一个|个|好|完|出来|过去)?(?:发|送)?[给到]{_YOU})"
    rf"|到给?{_YOU}|给到{_YOU}|(?:去|到|来|往)(?:您|你)(?:家|那|这|店|公司|单位|小区|府上|们那|们家)"
    rf"|(?:去|来|过去)[^，您你]{{0,6}}看望?{_YOU})"
    r"(?!的(?!哈|哦|$|呢|啊|呀|微信|邮箱|手机|群|地址|账))"
)
_SELF = r"(?:我们?这边|我这里|我们|我|咱们?|这边|店里|公司)"
_DO = _any(
    "问(?!题|候) 查(?!收|房) 核实 核对 核算 确认 看(?:看|一下|下) 催 申请 沟通 反馈 登记 处理 安排 跟进 协调 "
    "整理 准备",
    "打(?:个|一个)?(?:电话|视频) 致电 拨 回电 回拨 回话 回信 回复 答复 记(?:一下|下|着|住|上) 落实 争取 办(?:理|"
    "好|妥|下来)",
    "找(?:一下|找|人|到) 对接 转达 转告 汇报 上报 提交 发(?!现|生|展|烧|票|誓|呆|型|愁|给我|我) 寄 送(?!货上门) 传",
    "出(?:图|方案|报价|设计|结果|计划|效果图|一份|个|具|单|货|库) 排(?:班|期|上|好|进|一下|产|单) 订 联系 叫 派 喊",
    "补(?:发|寄|上|给) 退(?:款|回|给|费) 换(?:货|新|一) 开(?:票|发票|通|好|单) 下单 发货 上门 过去 到场 跑一趟 "
    "跑一下 去取",
    "取(?:一下|来) 拿(?:到|来|去) 拉(?:个|一个)?群 预约 预留 留(?:着|意|好|一) 做(?:好|完|出来|个方案|方案|份) "
    "弄好 搞定",
    "改(?:好|一下|下|完) 画(?:好|完|出) 算(?:一下|下|好|出) 对(?:一下|账) 请示 请教 打听 了解一下 反映 申诉 "
    "备注 通知 提醒",
    "盯 关注 交代 说一声 更新 上传 补办 给(?:到|准信|答复|结果|消息|准话|回复|说法) 来处理 解决 负责 嘱咐 叮嘱 转给",
    "给(?:宝宝|孩子|小朋友|家里|老人|叔叔|阿姨|娃)[^，]{0,2}(?:做|洗|打|送|带|补|讲|上|发|寄|看|查|换|喂)",
    "(?:跟|和|同|向|找|让)(?!您|你)[^，您你]{1,6}?(?:说|讲|提|反映|商量|沟通|申请|反馈|打招呼|打听|确认|问|要)",
)
_BY_SELF = re.compile(rf"(?P<who>{_SELF})(?P<way>[^您你]{{0,16}}?)(?P<do>{_DO})")
_BY_TIME = re.compile(
    _any("发货 寄出 寄 发出 发(?!现|生|展|烧) 出图 出结果 出方案 退款 开票 安排 处理 确认 答复 回复 回电 搞定 "
        "办好 做好 上门 开通 补发 补上",
         "给(?:答复|准信|结果|消息|回复)")
)  # fmt: skip
_OTHERS = re.compile(
    _any("您 你 他们? 她们? 物流 快递 厂家 客户 别人 人家 别家 平台 系统 直播 课程? 优惠 活动 医生 财务才 海关 银行")
)
_ACTS = re.compile(
    _any(
        "介绍 推荐 解释 说明 讲解 讲讲 道歉 赔不是 赔礼 拜 祝 点.{0,2}赞 加油 鞠躬 鼓掌 举个?例 分析 科普 普及 "
        "打个比方 说一下 说下 说句 说声",
        "问好 请安 算(?:笔|个)账 服务 解答 效劳 提供 配备 配(?!送) 包含 享受 比个 透露 分享一?下 优惠 "
        "打[一二三四五六七八九0-9.]{1,3}折",
    )
)
_SHOWS = re.compile("看(?:一?下|看|个|几|到|一)|瞧|听(?:一?下|听)|讲|说|算一?下")
_NEVER_DEEDS = re.compile("(?:带来|添|造成|增加)(?:了|不便|麻烦|困扰|很多|一些|的|诸多)")
_RELATIVE = re.compile(
    "(?:发|做|报|安排|申请|推荐|寄|送|买|选|定|订|说|讲|看|拍|留|开|打|约|算|配|准备|整理|"
    "讲解)过?的(?!话|时候|哈|哦|呢|啊|呀|$)"
)
_SAYS = re.compile(r"(?:提醒|通知|告诉|告知|跟|和|同|与|向|教)(?:一下|下)?$")
_TO_COME = re.compile(r"会|到时|第一时间|再|马上|立刻|一定|随时|要|去|就|我|等下|让")
_THIRD = re.compile(
    _any(
        "老师 师傅 护士长? 医生 设计师 月嫂 客服 教练 顾问 教务 班主任 助教 专人 工作人员 同事 财务 销售 课程? "
        "产品 软件 小程序 系统 材料 它 这款 功能 管家 护理师"
    )
    + "们?(?:们|都|也|会|将|能|可以|一步步|手把手|全程|亲自|来)*$"
)
_ASKED_OF_YOU = re.compile(
    rf"(?:^|(?:麻烦|请|记得|辛苦|劳烦|烦请|拜托))(?:亲|那|所以|嗯|好的?|宝妈)?{_YOU}(?:可以|需要|先|自己|记得|"
    rf"去|得|要|再|把|帮|也|直接|到时候?|有空|麻烦|"
    r"抽空|让|明天|后天|今天|下午|上午|晚上|稍后|周[一二三四五六日]|看|说|有)"
    r"|^(?:麻烦|请(?!放心|稍|您稍|您放心|相信)|记得|辛苦|劳烦|烦请|拜托|别忘)"
)
_HABIT = re.compile(
    r"每[天周月年次逢]|一般(?!都不)|通常|平时|经常|往往|都是|向来|历来|一直(?:在|都)|免费为|我们是|长期"
)
_UNDER_WAY = re.compile("(?:正在?|(?<!现)在)$")
_SHORT = 7
_LONGEST = 2_000
_LONGEST_CLAUSE = 160
"""What is longer is no talk; nothing is looked for beyond, so that no message costs too much."""


@dataclass(frozen=True, slots=True)
class Promise:
    """A promise: its clause as typed, its place there, what will be done to what, and when it is due (UTC)."""

    words: str
    start: int
    end: int
    deed: Deed
    object: str
    due: datetime | None
    wide: bool = False
    """Whether a day or more was named, not an hour."""


@dataclass(frozen=True, slots=True)
class _Clause:
    text: str
    start: int
    end: int
    mark: str


def promises(text: str, said: datetime, workdays: Workdays) -> tuple[Promise, ...]:
    """Find what the agent who wrote `text` at `said` commits to; several promises of one sentence are one."""
    plain = _QUOTED.sub(lambda found: "＂" * len(found[0]), text[:_LONGEST])
    folded = "".join(_one(char) for char in plain)
    found: list[Promise] = []
    for sentence in _sentences(folded):
        promise = _promise(text, sentence, said, workdays)
        if promise is not None:
            found.append(promise)
    return tuple(found)


def _one(char: str) -> str:
    """Fold one character to one, so that places stay."""
    folded = TABLE.get(ord(char), char)
    return folded if isinstance(folded, str) and len(folded) == 1 else (char if folded else " ")


def _sentences(text: str) -> list[list[_Clause]]:
    """Clauses by sentence; a blank between longer stretches ends a clause as well."""
    sentences: list[list[_Clause]] = [[]]
    for found in _CLAUSE.finditer(text):
        body = found[0].rstrip("，,。！!？?；;\n…~～")
        mark = found[0][len(body) :]
        for piece in re.finditer(r"\S+(?:(?<=[\x21-\x7e]) (?=[\x21-\x7e])\S+|(?<=\d) \S+| (?=\d)\S+)*", body):
            last = piece.end() >= len(body.rstrip())
            sentences[-1].append(
                _Clause(piece[0], found.start() + piece.start(), found.start() + piece.end(), mark if last else " ")
            )
        if re.search(r"[。！!？?；;\n…]", mark):
            sentences.append([])
    return [one for one in sentences if one]


def _promise(text: str, sentence: list[_Clause], said: datetime, workdays: Workdays) -> Promise | None:
    """The first promise of the sentence that names its time, else the first one."""
    read = [dues(clause.text, said, workdays) for clause in sentence]
    first: Promise | None = None
    for at, clause in enumerate(sentence):
        if len(clause.text) > _LONGEST_CLAUSE:
            continue
        place = _committed(sentence, at, read[at], said)
        due = None if place is None else _due_of(sentence, read, at, place)
        if place is None or (due is not None and due.at <= said):
            continue
        made = _made(text, clause, place, read[at], due)
        if due is not None:
            return made
        first = first or made
    return first


def _made(text: str, clause: _Clause, place: tuple[int, int], times: tuple[Due, ...], due: Due | None) -> Promise:
    return Promise(
        text[clause.start : clause.end],
        clause.start,
        clause.end,
        deed_of(clause.text[place[0] :]),
        object_of(clause.text, place[0], [(one.start, one.end) for one in times]),
        None if due is None else due.at,
        due is not None and due.wide,
    )


def _committed(sentence: list[_Clause], at: int, times: tuple[Due, ...], said: datetime) -> tuple[int, int] | None:
    """Give the place of the words that commit, or None where the clause commits to nothing."""
    clause = sentence[at]
    text = clause.text
    place = _doing(sentence, at, times)
    if place is None:
        return None
    to_come = [one for one in times if one.at > said and one.start <= place[1]]
    before = [one.text for one in sentence[:at]]
    behind = [one.text for one in sentence[at + 1 :]]
    if asks(text, place[0], clause.mark, behind, sentence[-1].mark) or any(is_asked(one) for one in before[-1:]):
        return None
    over = all(one.over for one in to_come)
    if denied(text, place[0], place[1]) or reported(text[: place[0]]):
        return None
    if is_past(text, place, bool(to_come), bool(to_come) and over):
        return None
    if conditional(before, text, place[0], behind, [(one.start, one.end) for one in times]):
        return None
    if _HABIT.search(text[: place[1]]) or _UNDER_WAY.search(text[: place[0]]):
        return None
    return place


def _doing(sentence: list[_Clause], at: int, times: tuple[Due, ...]) -> tuple[int, int] | None:
    text = sentence[at].text
    for found in _TO_YOU.finditer(text):
        if _is_commitment(text, found, times, sentence, at):
            return found.span()
    own = _BY_SELF.search(text)
    if own is not None and _is_own(text, own, times):
        return own.start("do"), own.end("do")
    for found in _BY_TIME.finditer(text):
        first = [one for one in times if one.end <= found.start()]
        if first and not _OTHERS.search(text[: found.start()]) and not _ASKED_OF_YOU.search(text):
            return found.span()
    return None


def _is_commitment(text: str, found: re.Match[str], times: tuple[Due, ...], sentence: list[_Clause], at: int) -> bool:
    head, rest = text[: found.start()], text[found.end() :]
    mine = re.search(_SELF, head) is not None
    timed = bool(times) or (at > 0 and _mostly_time(sentence[at - 1]))
    if _addressed(head, mine) or _NEVER_DEEDS.match(rest) or _RELATIVE.match(rest):
        return False
    if _says_now(found["to"], head, timed):
        return False
    bare = not rest.strip("的哈哦呢啊呀啦吧了 ")
    if bare and found["sent"] is None and not (timed or mine):
        return False
    return timed or (not _is_act(found["to"], rest, head) and (mine or _leads(head)))


def _addressed(head: str, mine: bool) -> bool:
    """Whether the other side is asked to do it."""
    if _ASKED_OF_YOU.search(head) and not mine:
        return True
    return mine and re.search(rf"{_YOU}[^我]{{0,6}}$", head) is not None and not re.search(r"我[^您你]*$", head)


def _says_now(to: str, head: str, timed: bool) -> bool:
    """提醒您一下…, 跟您说…: the message itself does what it says."""
    return _SAYS.search(to.rstrip("您你们家")) is not None and not timed and _TO_COME.search(head) is None


def _is_act(to: str, rest: str, head: str) -> bool:
    """给您介绍一下, 可以给您…, 老师会带您…: what is being done now, may be done, or is always done."""
    what = rest.lstrip("先再来简单详细大概都")
    if _ACTS.match(what) or (to[0] in "给跟向" and _SHOWS.match(what)) or to[0] == "教":
        return True
    return re.search(r"(?:可以|能够?|支持|包含|包括|都有|有|想|想要)[^我]{0,4}$", head) is not None or (
        _THIRD.search(head) is not None and "我" not in head
    )


def _leads(head: str) -> bool:
    """好的帮您问, 把合同发您, 单号发您: nothing before it speaks of another."""
    return not re.search(r"(?:他|她|别人|人家|别家|您|你|物流|快递|系统|平台|客户)", head)


def _is_own(text: str, own: re.Match[str], times: tuple[Due, ...]) -> bool:
    head, rest = text[: own.start()], text[own.end() :]
    way = _without(text, own.start("way"), own.end("way"), times)
    if _ASKED_OF_YOU.search(head) or re.search(r"(?:您|你)(?!的|家|要的|说的|问的|那|这)", head):
        return False
    if re.search(r"[在是有的]$|^好$", way) or re.search(
        r"(?:建议|觉得|认为|希望|喜欢|想|以为|知道|记得|是|都在|正在|一直|刚|没|不|只|仅)", way
    ):
        return False
    if any(one.start < own.end("do") for one in times):
        return True
    if re.search(r"(?:去|来|这就|先|帮忙|让|叫|派|马上|再|会|找|跟|和|同|把)", way):
        return True
    return (
        re.match(r"一?下|问|看|一声|一遍|催|着|好|老|师|院|主|经|教|财|同|厂", rest) is not None or len(own["do"]) > 1
    )


def _without(text: str, start: int, end: int, times: tuple[Due, ...]) -> str:
    """The stretch without the times that stand in it."""
    return "".join(text[at] for at in range(start, end) if not any(one.start <= at < one.end for one in times))


def _mostly_time(clause: _Clause) -> bool:
    return len(clause.text) <= _SHORT


def _due_of(sentence: list[_Clause], read: list[tuple[Due, ...]], at: int, place: tuple[int, int]) -> Due | None:
    """The time that belongs to the deed: in its clause before it, else beside it, else a clause that is but a "
    "time."""
    text = sentence[at].text
    own = [one for one in read[at] if not _of_noun(text, one, place)]
    before = [one for one in own if one.start < place[0]]
    if before:
        return before[-1]
    after = [one for one in own if one.start >= place[0]]
    if after and not re.search(
        r"约|预约|订|留|改|定|(?<!安)排|提醒|记|报|到(?=周|明|下|今|后)", text[place[0] : after[0].start]
    ):
        return after[0]
    for other in range(at - 1, -1, -1):
        usable = [
            one for one in read[other] if not _of_noun(sentence[other].text, one, (len(sentence[other].text),) * 2)
        ]
        if usable and _belongs(sentence[other], usable[-1]):
            return usable[-1]
    if at + 1 < len(sentence) and read[at + 1] and _rest_is_short(sentence[at + 1], read[at + 1][0]):
        return read[at + 1][0]
    return None


def _of_noun(text: str, due: Due, place: tuple[int, int]) -> bool:
    """明天的课表: the time belongs to a thing."""
    return text.startswith("的", due.end) and due.end != place[0] and not text.startswith(("的话", "的时候"), due.end)


def _belongs(clause: _Clause, due: Due) -> bool:
    rest = clause.text[: due.start] + clause.text[due.end :]
    if re.match(r"我[^您你]{0,10}去|我[^您你]{0,4}(?:回|到|开完)", rest):
        return True
    return _rest_is_short(clause, due) or (_BY_TIME.search(rest) is not None and not re.search(r"[您你]", rest))


def _rest_is_short(clause: _Clause, due: Due) -> bool:
    rest = clause.text[: due.start] + clause.text[due.end :]
    return len(rest) <= 5 and not re.search(r"课|直播|开|放假|休|到货|时长|每节|一共|全程|工期|有效", rest)
