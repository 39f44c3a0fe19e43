"""Comments: what a clause says of the topic before it, as who acts, whether they do, and what they do.

酒水|我们自己带, 商标|我同学在做, 拓展训练|领导没批: Chinese puts the topic first and says behind it who does what.
"""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple

Who = Literal["me", "kin", "house", "other", ""]
"""Who acts: the speaker, those who decide with them, an institution of theirs, somebody else, or nobody named."""


class Comment(NamedTuple):
    """A clause taken apart. `no`: the negation of its verb; `lately`: it was done a short while ago."""

    who: Who
    alone: bool
    lately: bool
    no: str
    does: str


_MINE = r"(?:我们?家?的?|咱们?家?|俺们?家?)?"
PEOPLE: Final[dict[Who, str]] = {
    "kin": r"家里人?|家人|家属|老公|老婆|爱人|爸妈|父母|爸爸?|妈妈?|[公岳]婆|亲家|公公|婆婆|丈母娘|岳[父母]|"
    r"奶奶|爷爷|姥姥|姥爷|外[公婆]|老人家?|"
    r"孩子他?[爸妈]?|娃儿?|宝宝|儿子|女儿|闺女|对象|男朋友|女朋友|男友|女友|媳妇|先生|太太|老板|领导|"
    r"合伙人|股东|医生|大夫|[他她](?:们|[爸妈奶]|爷爷|姥姥)?|那位|"
    r"姐姐?|哥哥?|弟弟?|妹妹?|嫂子|姐夫|舅舅?|叔叔?|姑姑?|姨妈?|侄[子女]|孙[子女]|兄弟|姐妹|表[哥姐弟妹]|堂[哥姐弟妹]|室友|"
    r"总部|甲方|上级|校长|主任|财务|[老本]人",
    "house": r"公司|单位|学校|社区|医院|开发商|物业|房东|厂里?|工地|店里|4s店|仓库|小区|村里|街道|工会|班里|"
    r"楼下|楼上|门口|对门|家门口|家附近|老家",
    "other": r"亲戚|朋友(?!圈)|熟人|同事|同学|邻居|闺蜜|战友|老乡|别家|别处|别人|别的[^，都不没]{1,4}|"
    r"其[他它][^，都不没]{0,4}|另一?家|隔壁[^，都不没]{0,4}|对面[^，都不没]{0,3}|附近|网上|"
    r"淘宝|京东|拼多多|美团|代办|中介|会计|黄牛|律师|行政|采购|出纳|秘书|外面|外头|阿姨|师傅|人(?=[做弄办带装修])",
}
_WHO: Final = tuple(
    (who, re.compile(rf"{_MINE}家?(?:{words})(?:家(?!里|附近|门口)|们)?")) for who, words in PEOPLE.items()
)
_ME = re.compile(r"我们?|咱们?|俺们?|本人|我这边|我自己|我家")
# 退税我会计在弄, 挖机我们车队自己有: whoever they are, it is not the one who is written to.
_OF_OURS = re.compile(
    r"(?:我|我们|咱们?)(?:家|的)?(?![想要看先再还觉担怕问用找买说打交付报签订等急需们这那自都也已就有会能在可])[^自在会能都已也就有不没了过的，]{1,4}"
    r"(?=自己|在[一-龥]{1,2}(?:了|着|呢|$)|帮(?:我|忙)|有(?:了|的)?$)"
)
_ASIDES = re.compile(
    r"(?P<alone>自己|自行|自个儿|亲自)|"
    r"(?P<lately>刚刚?|前两天|前几天|前阵子|昨天|前天|上周|上个?月|去年|年前|今早|早上|今天)|"
    r"已经?|早就?|都|也|之前|就|还是?|其实|暂时|一直|从来?|另外|后来|最后|真的?|实在|可|压根|根本|目前|"
    r"现在|又|们|那?[这那]边|说|是|这次|"
    r"今年|先|全|有(?=朋友|亲戚|熟人|同事|同学|邻居|人)|那里|里|来|去|会|能|可以|在(?!乎|意)|"
    r"帮(?:忙(?=.))?(?:着|我们?)?(?!忙)|给(?!我)|统一"
)
_NO = re.compile(r"不|没有?|未")


def read_comment(clause: str) -> Comment:
    """Take a clause apart from left to right."""
    who: Who = ""
    alone = lately = False
    place = 0
    while True:
        person = None if who not in ("", "me") else _person(clause, place)
        if person is not None:
            who, place = person
            continue
        aside = _ASIDES.match(clause, place)
        if aside is None:
            break
        alone, lately, place = alone or bool(aside["alone"]), lately or bool(aside["lately"]), aside.end()
    no = _NO.match(clause, place)
    return Comment(who, alone, lately, no[0] if no else "", clause[no.end() if no else place :])


def _person(clause: str, place: int) -> tuple[Who, int] | None:
    for who, words in _WHO:
        if (found := words.match(clause, place)) is not None:
            return who, found.end()
    found = _OF_OURS.match(clause, place)
    if found is not None:
        return "other", found.end()
    found = _ME.match(clause, place)
    return ("me", found.end()) if found is not None else None
