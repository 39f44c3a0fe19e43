"""Struck off: one thing of several that is left out, told in one breath: 吊顶不做了层高不够, 门票别给我算进去."""

from __future__ import annotations

import re
from typing import Final

from taggers.clause import Clauses

STRUCK: Final = "后面「{word}」把它去掉了"
WORDINGS: Final = (STRUCK,)

_DO = r"弄|做|装|加|买|带|上|去|报|订|办|选|换|配|贴|铺|拍|租|续|算|修|洗|写|留|搞"
_ASIDE = (
    r"(?:的?(?:事儿?|那块|这块|环节|项目|部分|那项|那个|费用))?(?:啊|呢|嘛|就|也|我们?|咱们?|这次|先|都|您|你们?)*"
)
_STRUCK = re.compile(
    rf"{_ASIDE}(?P<word>不(?:{_DO})了(?![吗么没]|算|一[下个])|不要了(?![吗么])|不要(?=我(?!们?给)|我们?自|咱)|"
    rf"不用(?:再)?(?:给我们?)?(?:算|加|列|写|打包|放|包含|计)(?:进去?|上|到)?|用不上|用不着|"
    rf"(?:我们?自己[^，]{{0,12}}?的?)?不用(?:你们?|您)[一-龥]{{1,4}}|"
    r"(?:有没有|看不看|给不给)(?:都|也)?(?:不打紧|无所谓|没关系|行|可以|不要紧|一样)|没有?就没有?(?:吧|了|呗)|不给就不给|"
    r"(?:没有|不给|不送|不看|不用|不要)也(?:行|成|没事|没关系|可以|无所谓)|可有可无|"
    rf"就不了(?![吗么])|[^，我你您]{{0,4}}不用(?:管|动|换|修|弄)(?:它|了)?(?=$|[，,])|别(?:给我们?|帮我们?|再)?(?:{_DO}|放|安排|发|寄|开|点|送)了(?![吗么])|"
    r"别(?:给我们?|帮我们?|再)?(?:算|加|打包|列|写|放|塞|包|捆绑?)(?:进去?|上)|"
    r"(?:给我们?|帮我们?|请|先|都|直接)*(?:去|删|拿|划|减|扣|剔|抹)掉|(?:下次|改天|回头|以后)吧)"
)
_KEPT = re.compile(r"[？?]|吗$|么$|行不|可以不|好不|多少|怎么|能不|[涨贵]|就不|才|的话")


def refused(clauses: Clauses, left: int, right: int, start: int, end: int) -> str:
    """Say by what a thing is struck off though more is said in the same breath; empty where it is kept."""
    if clauses.marked(right):
        return ""
    found = _STRUCK.match(clauses.text, end, right)
    if found is None or _KEPT.search(clauses.text, found.end(), right) is not None:
        return ""
    return STRUCK.format(word=found["word"])
