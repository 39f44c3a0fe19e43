"""Retorts: 都这岁数了还学啥跳舞 turns dancing down, 谁跟你讲我不去了 means that they will go."""

from __future__ import annotations

import re
from typing import Final

from taggers.clause import Clauses

DECLINED: Final = "反问「{word}」，其实用不着"
MEANT: Final = "反问「{word}」，其实是要"
WORDINGS: Final = (DECLINED, MEANT)

_FAR = 24
_DEED = (
    r"惦记|指望|琢磨|考虑|折腾|追求|讲究|谈|提|扯|练|学|做|买|报|办|请|装|弄|搞|烫|剪|染|想|养|考|打|整|拍|玩|换|吃|喝|住|租|"
    r"开|穿|戴|去|上|参加|改|修|拿|用|订|定|选|挑|贴"
)
_WHAT = r"(?:什么|啥|哪门子的?|哪家子的?|个?(?:鬼|屁|毛线?|锤子)|个(?:什么|啥))(?:破|劳什子|鬼)?"
# 还练啥瑜伽; but 还有啥优惠 and 还要什么手续 ask
_STILL_WHAT = re.compile(rf"(?P<word>(?:还|又|再|就)(?:用得着|想|要|去|来|敢)?(?:{_DEED}){_WHAT})$")
_NO_SUCH = re.compile(rf"(?P<word>(?:{_DEED})?(?:哪门子的?|哪家子的?|个(?:鬼|屁|毛线?|锤子)))$")
_WITH_WHAT = re.compile(rf"(?P<word>(?:{_DEED}){_WHAT})$")
_SIGHING = re.compile(r"[一-龥]{0,2}?(?:嘛|哟|哦|喔|咯|喽|嗷|诶)")
_GOOD = re.compile(r"(?:比较)?(?:好|合适|划算|靠谱|呢|吗)")
_FOR_WHOM = re.compile(
    r"(?P<word>给谁[看穿用戴吃喝住坐听]|图(?:个)?(?:啥|什么)|个(?:什么|啥|鬼|屁|毛|锤子|球)(?!时候|价|样))"
)
_WHAT_FOR = re.compile(r"(?P<word>干嘛|干啥|干什么|干吗|做甚|作甚|做啥|有(?:啥|什么|毛|屁)用)(?!的|用)")
_WHY = re.compile(
    rf"(?:^|[，,。!？\s]|我们?|咱们?)(?:还|又)?(?P<word>干嘛|干吗|干啥|何必|何苦|犯不着|用不着)(?:还|要|去|再|非)*(?:{_DEED})?$"
)
_NO_NEED = re.compile(
    r"(?P<word>哪(?:里|儿)?(?:还|又|会|就|能)*(?:用得[着上]|用上|轮得[到上]|需要|舍得|配|敢要))(?:去|再|请|买)*$"
)
_WHO_STILL = re.compile(rf"(?P<word>谁(?:还|会|爱|家)+)(?:{_DEED})?$")
_SIGHS = re.compile(r"(?:这|那)?[啊呀哦嘛哟呢](?![？?])")
_WHO_BEHIND = re.compile(
    rf"(?:这|那|也|太贵)?(?P<word>(?:谁|哪个|几个人)(?:还)?(?:{_DEED}|消费|负担|享受)得?(?:起|动))"
)
_SPARE_ME = re.compile(
    r"[^，,。]{0,3}(?P<word>饶了我|放过我|免了|得了吧|拉倒|省省吧|心领|无福消受|消受不起|谢谢?了您嘞|敬谢不敏)"
)
# 我家就在镇上 要啥住宿啊; but 报名要啥材料啊 asks
_WANT_WHAT = re.compile(r"^(?P<word>(?:还)?(?:要|用|搞|整)(?:什么|啥))$")
_SETTLED = re.compile(r"就(?:在|住|是)|又不|才|反正|不缺|都[^，]{1,6}了|有的是|够")
_STILL = re.compile(r"(?:还|我们?)(?:要|买|装|办|请|用|报|学|做|弄|搞|换|去|想要?)?(?:这|那|个|什么|啥)*$")
_WHO_CAN = re.compile(
    rf"(?P<word>(?:谁|哪个|几个人)(?:还|家|能|又)*(?:{_DEED}|消费|负担|享受)得(?:起|了|动))(?:这|那|你们|么贵|的|种)*$"
)
_IF_I_COULD = re.compile(
    rf"(?P<word>(?:我要是?|要是我?|我如果|如果我?|我)(?:能|真)?(?:{_DEED})得[起了])(?:这|那|你们|么贵|的|种)*$"
)
_SO = re.compile(r"[^，]{0,6}(?:还|就(?!是)|早(?:就)?|何必|干嘛|用得着)")
# 五十岁的人了还考级?
_AT_MY_AGE = re.compile(
    r"(?P<word>(?:岁数?|的人|年纪|老爷们儿?|老头子?|老太太?|老太婆|老骨头|半截[^，]{1,5}|这把[^，]{1,4})(?:了|的)?[，,]?还)$"
)
_BARE = re.compile(r"[啊呀呢嘛哟]*$")

_WHO_SAID = re.compile(
    r"(?P<word>(?:谁|哪个|啥人|什么人)(?:又|还)?(?:跟|和|对|同|给)?(?:你们?|您|他|她)?(?:说|讲|告诉|规定|传|造谣)(?:过|的)?(?:你们?|您)?)"
    r"(?:我们?家?|俺们?|咱们?)?(?:要|想|会|就|是)?$"
)
_COULD_ONE = re.compile(r"(?P<word>能|敢|舍得|好意思|忍心|受得了)$")
_PREMISE = re.compile(r"(?:这么|那么|成这样|成那样|这样|的|了|大|小|呢)[，,。! ]*$")
# 哪个当妈的不想要
_WHO_WOULD_NOT = re.compile(r"(?P<word>谁|哪个|哪家|有几个)[^，你您]{0,5}$")
_WOULD_NOT = re.compile(r"不(?:想|爱|喜欢|愿意?|盼|希望)")
_AT_EASE = re.compile(
    r"[^，]{0,2}(?P<word>那?还[一-龥]{1,2}个?(?:啥|什么|屁|毛|鬼|球)|(?:那?哪(?:里|能)?(?:行|成)|怎么(?:能)?(?:行|成)(?!不))[^，]{0,2}$)|"
    r"[^，]{0,6}(?P<ease>(?:能|敢|会|睡得|坐得)(?!不|不能)(?:踏实|放心|安心|睡着|睡得着|行|成|好|住|坐得住|甘心|过|有用|干净)[^，]{0,3})"
)


def refused(clauses: Clauses, left: int, right: int, start: int, end: int) -> str:
    """Say by what retort a word is turned down though nothing is denied; empty if there is none."""
    text = clauses.text
    head, tail = text[max(left, start - _FAR) : start], text[end:right]
    asked = clauses.marked(right) or tail.endswith(("吗", "么"))
    sure = (
        _NO_SUCH.search(head), _WHO_CAN.search(head), _FOR_WHOM.match(tail), _NO_NEED.search(head),
        _WHY.search(head), _WHO_BEHIND.match(tail), _spared(clauses, right, end),
    )  # fmt: skip
    for found in sure:
        if found is not None:
            return DECLINED.format(word=found["word"])
    return _unsure(text[max(0, left - _FAR) : left], head, tail, asked)


def _unsure(before: str, head: str, tail: str, asked: bool) -> str:
    """Words that ask in other surroundings, and are retorts by a sigh or by what is said before."""
    sighs = _SIGHS.match(tail) is not None
    for found, sure in (
        (_WHO_STILL.search(head), sighs and not asked),
        (_WANT_WHAT.search(head), sighs and _SETTLED.search(before) is not None),
        (_STILL_WHAT.search(head), not asked and _GOOD.match(tail) is None),
        (_WITH_WHAT.search(head), _SIGHING.match(tail) is not None),
        (_WHAT_FOR.match(tail), _STILL.search(head) is not None),
        (_IF_I_COULD.search(head), _SO.match(tail) is not None),
        (_AT_MY_AGE.search((before + head)[-_FAR:]), _BARE.match(tail) is not None),
    ):
        if found is not None and sure:
            return DECLINED.format(word=found["word"])
    return ""


def _spared(clauses: Clauses, right: int, end: int) -> re.Match[str] | None:
    """大夏天的拔罐 饶了我吧: in the same clause or at the head of the next."""
    found = _SPARE_ME.match(clauses.text, end, right)
    if found is not None or right - end > 2:
        return found
    return next((_SPARE_ME.match(clauses.text, *bounds) for bounds in clauses.following(right, 1)), None)


def meant(clauses: Clauses, left: int, right: int, no: int, end: int) -> str:
    """Say by what retort a denied word is meant after all; `no`: where the negation begins."""
    text = clauses.text
    head, tail = text[max(0, no - _FAR) : no], text[end:right]
    found = _WHO_SAID.search(head)
    if found is not None:
        return MEANT.format(word=found["word"])
    asked = clauses.marked(right) or tail.endswith(("吗", "么", "嘛"))
    found = _COULD_ONE.search(head)
    before = text[max(0, left - _FAR) : left] + head[: found.start()] if found is not None else ""
    if found is not None and tail.endswith(("吗", "么", "嘛")) and _PREMISE.search(before) is not None:
        return MEANT.format(word=f"{found['word']}不…{tail[-1]}")
    wisher = _WHO_WOULD_NOT.search(head)
    if wisher is not None and _WOULD_NOT.match(text, no) is not None and not asked:
        return MEANT.format(word=wisher["word"])
    found = _AT_EASE.match(tail)
    if found is None or not (found["word"] or asked):
        return ""
    return MEANT.format(word=found["word"] or found["ease"])
