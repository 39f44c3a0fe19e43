"""Reusable: what of an agent's words may be said to another customer, with slots for names; else that it may not."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from taggers.fold import fold

CUSTOMER, AGENT = "{customer.name}", "{agent.name}"
_SHORTEST, _LONGEST = 6, 300
_LONGEST_NAME = 20
_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许邓韩冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔"
    "谭陆范汪廖石金贾韦夏付方邹熊白孟秦邱侯江尹薛闫雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔向常汤康易乔赖文施"
)
TITLED = _TITLED = re.compile(f"[{_SURNAMES}](?:先生|女士|小姐|太太|大哥|大姐|哥|姐|总|阿姨|叔叔|妈妈|爸爸|同学)")
_NUMERALS = "零一二两三四五六七八九十百千万半几"
_UNITS = "个节楼层岁人位页次周天年分秒小钟种门套本部条项点步"
_KEPT_OUT = tuple(
    re.compile(form)
    for form in (
        r"[0-9][0-9a-z_-]{3,}|[a-z_-]+[0-9][0-9a-z_-]{3,}",  # phones, orders, codes, ids
        r"[a-z0-9_-]{12,}",  # tokens
        r"@|微信号|加我微信|私下|转账|密码|验证码",
        r"(?:https?://|www\.)\S*[?#=&0-9]\S*",  # a link that may be one person's own
        r"今天|明天|后天|昨天|今晚|明早|明晚|刚才|周[一二三四五六日天末]|星期|下周|本周|这周|上午|下午|晚上|[0-9]+[月日号:]",
    )
)
_PRICES = tuple(
    re.compile(form)
    for form in (
        r"[¥￥$%]|[0-9]\.[0-9]",
        rf"[0-9{_NUMERALS}] ?(?:元|块|万|折|毛|角|rmb)",
        rf"[一二两三四五六七八九][百千万]|[十百千万][{_NUMERALS}]",
        rf"[0-9]{{2,}}(?![0-9{_UNITS}])",  # a number that counts nothing harmless
    )
)


class Names:
    """Folded names of people, none of which may come out."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(name for name in names if 2 <= len(name) <= _LONGEST_NAME)
        self._begin = {name[:2] for name in self._names}  # of most texts nothing more is looked at

    def any_in(self, text: str) -> bool:
        """Whether a folded text holds one of them."""
        begins = (at for at in range(len(text) - 1) if text[at : at + 2] in self._begin)
        return any(
            text[at:end] in self._names
            for at in begins
            for end in range(at + 2, min(at + _LONGEST_NAME, len(text)) + 1)
        )


def reusable(
    text: str,
    own: Collection[str],
    agents: Collection[str],
    everybody: Names,
    *,
    prices: bool = False,
    shortest: int = _SHORTEST,
) -> str | None:
    """The words with slots for whom they were said to and by; None where they hold what is another's or may be old.

    own: names of that customer; agents: names of who said it. everybody: whose names must not come out.
    Kept out: other people's names, phones, numbers of orders, codes, links of one person, days and, without `prices`,
    money.
    """
    if not shortest <= len(text) <= _LONGEST or "{" in text:
        return None
    slotted = text
    for names, slot in ((own, CUSTOMER), (agents, AGENT)):
        for name in sorted(filter(None, names), key=len, reverse=True):
            slotted = slotted.replace(name, slot)
    plain = fold(slotted.replace(CUSTOMER, "，").replace(AGENT, "，"))
    forms = _KEPT_OUT if prices else (*_KEPT_OUT, *_PRICES)
    if any(form.search(plain) for form in forms) or everybody.any_in(plain):
        return None
    return _TITLED.sub(CUSTOMER, slotted)


def same_words(text: str) -> str:
    """What two wordings that are one have in common: letters and digits."""
    return "".join(char for char in fold(text) if char.isalnum())
