"""Polarity: whether a word is denied where it stands: 不谈价格, 价格就不用说了, but not 不是有优惠吗 or 贵不贵."""

from __future__ import annotations

import re
from typing import Final

from taggers import contrast, elsewhere, quoted, refusal, retort, rhetoric, struck, wish
from taggers.clause import (
    BAN,
    BITS,
    DOUBT,
    FAR,
    KEYS,
    LACK,
    NEGATES,
    NONE,
    SOFT,
    TURN,
    WORDS,
    Clauses,
    Cue,
)
from taggers.cues import CUES, DOINGS
from taggers.translatable import reread

DENIED: Final = "否定 {word}"
DOUBLE: Final = "{first}…{word} 双重否定"
ASKING: Final = "{word}…问句，不作否定"
SLIPPED: Final = "{word}…不是本意，没说不要"
WORDINGS: Final = (
    DENIED, DOUBLE, ASKING, SLIPPED, *wish.WORDINGS, *refusal.WORDINGS, *rhetoric.WORDINGS, *elsewhere.WORDINGS,
    *contrast.WORDINGS, *quoted.WORDINGS, *retort.WORDINGS, *struck.WORDINGS
)  # fmt: skip

# How many characters a negation reaches over; Chinese puts what is denied close behind.
_BAN_REACH, _REACH, _SHORT_REACH = 14, 9, 3
_SHORT = frozenset("无未非莫")

_LE = KEYS["了"]
_STRAIGHT = KEYS["直接"]
_PLEASE = KEYS["请"]
# 没钱请律师: 请 hires, and asks for nothing.
_MEANS = re.compile(r"[多闲余]?钱$|预算$|[条精]?[件力]$|必要$|打算$|计划$|[会要想再]$")
# What may stand between a negation and 直接 that it goes on to deny: 别再给我直接…, 不要一上来就直接…
_ASIDE = re.compile(
    r"(?:再|又|老|总|就|都|想|要|能|会|是|一上来|一来|总是|老是|我们?|咱们?|这么|那么|这样|随便|(?:给|跟|对|向|把|被|替|帮|在).{1,4})*"
)
_IS_NOT_NEAR = 4  # 又不是买不起
# 有没有不用预约的门店: what is sought is without one thing, and is none of it itself.
_SOUGHT = re.compile(r"(?:有没有|有|找|[想需]?要|推荐|来|换|挑|选|看看|哪些|什么)(?:一|个|家|款|种|点|些|那)*$")
# 没盖章的合同有效吗: what is without one thing is spoken of, and not denied.
_RELATIVE = re.compile(r"[^，我你您]{1,5}的")
_PREDICATED = re.compile(r"[能会可有没是算怎咋还多]|不(?!要|用|需|考虑|行)")
_INSTEAD = frozenset("要买学看做吃用住坐去报办选租约装开玩喝穿走")
# 不但没优惠还涨价
_NOT_ONLY = re.compile(r"(?:不[但仅光只]|非但)$")
_BUT = re.compile(r"还|反而|反倒|倒")
# 不留电话怎么报价: what cannot be done so is not denied; 不想知道怎么报名 is about all of it.
_HOW = re.compile(r"怎么|咋|如何|哪[里儿能敢会]")
# 空调不制冷上门费多少: what does not do what it is for is said to its end, and what follows is another matter.
_STATE = re.compile(
    r"(?:制[冷热]|出水|稳定|清楚|舒服|对劲|灵敏|显示|加热|充电|对称|整齐|平整|工作|响了?|齐(?!全|备))(?=.)"
)
# 牙不齐想做个矫正: a wish behind what is denied is none of it; 不太想要 is.
_WISHES = re.compile(r"(?<![不没])想(?:要|做|办|买|约|问|报|咨询|了解|换|装|修|订|学|找)")
_DEGREE = re.compile(r"(?:很|太|怎么|大|那么|这么|特别|真的?|会|再|是|需要|打算|一定|非常|多|够)*")
# 难道安装还要收费: the doubt is about what stands behind.
_STILL = re.compile(r"[还也都就]|不(?![吗么])|没(?![吗么])|要(?!吗)")
# 没做模型之前能先问下价格不: what comes before it is not denied.
_BEFORE = re.compile(r".(?:之前|以前|前)(?![面台天后期几途者景][^，]|[^，]{0,4}的|[说讲])")
_KNOWN = re.compile(r"知道|管|问|听|学|说|讲|告诉|了解|看|教")
_REALLY = frozenset(("真的吗", "真的假的", "真的么", "是真的吗", "是吗", "是么"))
# 能不用押金吗 asks whether it can go without; 能不要打电话吗 asks for peace.
_PEACE = re.compile(r"再|老|总|给|发|打|推|催|说|讲|提|问|联系|介绍|骚扰|打扰|来|找|让|把|告诉|安排")
# 不管多少钱都要…: whatever they do not mind ends at the word that says so.
_OPEN = re.compile(r"[多怎咋哪谁几]|什么|啥|是否|是不是|有没有|能不能")
_REGARDLESS = frozenset(("不管", "不论", "无论", "甭管"))
_ALL_THE_SAME = re.compile(r"[都也]|总[要得归]|一定|反正")
# 不用预约吗 asks whether it is needed; 别发了好吗 forbids, however politely.
_ASKABLE = frozenset(
    ("不用", "不需要", "不需", "无需", "无须", "不必", "不要", "不让", "不许", "不准", "不考虑", "不打算", "取消")
)
# These deny nothing by themselves, and say that what follows is wanted.
_WISHING = dict.fromkeys(DOINGS, wish.MISSED) | {
    word: wish.KEPT for word in CUES if "忘" in word and word.startswith(("别", "不要", "不能", "不会"))
}
# What may stand between the two halves of a double negation: 没有人不喜欢, 没说不买.
_JOINTS = frozenset(
    ("", "人", "说", "谁", "会", "敢", "是", "想", "有", "一个", "一个人", "觉得", "打算", "可能", "什么", "哪个")
) | {"哪家", "的", "理由", "道理"}
_QUESTION_WORD = re.compile(r"多少|怎么|怎样|在哪|哪|什么|啥|几|如何|咋|谁|为什么")
_SPOKEN = re.compile(r"^.{0,2}[问说谈管聊提讲发报]?.{0,1}$")
_SOFT_END = "啊呀哈呢哦噢喔嘞哟亲"
_TAIL = re.compile(r"(?:好|行|可以|对|是|懂|知道|明白|ok|中|成|听到|听见)[吗么嘛]$")
_REQUEST = re.compile(r"(?:能不能|可不可以|可以|能|请|麻烦|拜托|希望|求)[^不没别]{0,4}$")
_CAN = re.compile(r"能|可以|会")
_MUST = re.compile(r".{0,6}不(?:可|行)")
_BROKEN_PROMISE = re.compile(r"[吗嘛么](?=怎么|咋|为什么|为啥|现在|结果|还|都|那)")
_IT_IS = re.compile(r"[^不]是(?:[问想要来因为]|$)")


def denied(clauses: Clauses, left: int, right: int, start: int, end: int) -> tuple[bool, str]:
    """Tell whether start..end is denied within its clause left..right, and by what."""
    before, wishing = _standing(clauses, left, start)
    if not before:
        no, because = _turned_down(clauses, left, right, start, end)
        return no, because or (wishing and _WISHING[wishing].format(word=wishing))
    cue = before[-1]
    word = WORDS[cue[0]]
    if len(before) == 2:
        return False, DOUBLE.format(first=WORDS[before[0][0]], word=word)
    if not _reaches(clauses, cue, start, end):
        return False, ""
    if _turned_round(clauses, left, right, cue, end):
        return False, ASKING.format(word=word)
    if word.startswith("取消") and refusal.is_slip(clauses.text[max(left, cue[1] - FAR) : cue[1]]):
        return False, SLIPPED.format(word=word)
    wanted = wish.wished(clauses, left, right, cue, start, end)
    if wanted:
        return False, wanted.format(word=word)
    meant = retort.meant(clauses, left, right, cue[1], end)
    if meant:
        return False, meant
    return True, DENIED.format(word=word)


def _turned_down(clauses: Clauses, left: int, right: int, start: int, end: int) -> tuple[bool, str]:
    """Look for what refuses the occurrence without a negation before it."""
    no, because = refusal.refused(clauses, left, right, start, end)
    if no:
        return no, because
    rhetorical = rhetoric.refused(clauses.text, left, right, start, end) or retort.refused(
        clauses, left, right, start, end
    )
    if rhetorical:
        return True, rhetorical
    apart = (
        elsewhere.settled(clauses, left, right, start, end)
        or struck.refused(clauses, left, right, start, end)
        or contrast.refused(clauses, left, right, start, end)
        or quoted.refused(clauses, start, end)
    )
    return apart != "", apart or because


def spoken(because: str) -> str:
    """Give what `denied` says as a sentence that can be translated; it builds none itself, since it runs so often."""
    return reread(because, WORDINGS)


def _standing(clauses: Clauses, left: int, start: int) -> tuple[list[Cue], str]:
    """Give the negation that stands where the occurrence begins, and the word before it that wishes for it.

    The negation is one cue, two where it is double, or none.
    """
    found: list[Cue] = []
    wishing = ""
    for cue in clauses.between(max(left, start - FAR), start):
        key, begin, end = cue
        if begin < left:
            continue
        if begin >= start:
            break
        if end > start:
            # the cue runs into the occurrence: 没有|问题 denies 问题, though 没有问题 as a whole denies nothing
            core = KEYS.get(clauses.text[begin:start], -1)
            if core < 0 or not BITS[core] & NEGATES:
                continue
            cue = (core, begin, start)
            key = core
        bits = BITS[key]
        if bits & TURN:
            found, wishing = [], ""
        elif bits & SOFT or key == _LE:
            if found and _ends_it(clauses.text[found[-1][2] : begin], key):
                found = []
        elif (bits & NEGATES and not bits & (NONE | LACK)) or (bits & LACK and clauses.own_doing(cue, left)):
            found = [] if clauses.either_or(begin, left) else _joined(clauses, found, cue)
        elif bits & (NONE | LACK) and start - end <= _REACH and WORDS[key] in _WISHING:
            wishing = WORDS[key]
    return found, wishing


def _ends_it(between: str, key: int) -> bool:
    """Tell whether a soft turn ends the negation it follows: 不绑卡直接买 does, 别给我直接发 does not."""
    if key == _PLEASE and _MEANS.match(between):
        return False
    return bool(between) and not (key == _STRAIGHT and _ASIDE.fullmatch(between))


def _joined(clauses: Clauses, found: list[Cue], cue: Cue) -> list[Cue]:
    """Put a further negation to the one that stands: doubled, drawn out (不不不), or in its place."""
    if not found:
        return [cue]
    key, begin, end = found[-1]
    if end == cue[1] and end - begin == 1 and clauses.text[begin] == clauses.text[end]:
        return [*found[:-1], cue]
    if len(found) == 2:
        return [cue]
    is_not = WORDS[key].endswith(("不是", "并非")) and cue[1] - end <= _IS_NOT_NEAR
    if is_not or BITS[key] & DOUBT or clauses.text[end : cue[1]] in _JOINTS:
        return [found[-1], cue]
    return [cue]


def _reaches(clauses: Clauses, cue: Cue, start: int, end: int) -> bool:
    """Tell whether the negation reaches as far as the occurrence."""
    word, bits = WORDS[cue[0]], BITS[cue[0]]
    between = clauses.text[cue[2] : start]
    if word == "非" and _MUST.match(clauses.text, end):
        return False
    head = clauses.text[max(0, cue[1] - FAR) : cue[1]]
    if _says_instead(word, between) or (
        not clauses.text[: cue[1]].strip() and _PREDICATED.match(clauses.text, end) and _RELATIVE.fullmatch(between)
    ):
        return False
    if ("的" in between and _SOUGHT.search(head)) or (_NOT_ONLY.search(head) and _BUT.search(between)):
        return False
    if word.endswith("不") and _STATE.match(between + "。") and between:
        return False
    wish_behind = _WISHES.search(between, 1)
    if wish_behind is not None and _DEGREE.fullmatch(between, 0, wish_behind.start()) is None:
        return False
    if _HOW.search(between, 1) and _KNOWN.match(between) is None:
        return False
    if _BEFORE.search(between) and word.startswith(("没", "不", "未", "还没")):
        return False
    if bits & DOUBT and not between and _STILL.match(clauses.text, end):
        return False
    behind = clauses.text[end : end + _IS_NOT_NEAR]
    if word in _REGARDLESS and (
        _ALL_THE_SAME.search(between) or (_OPEN.search(between) and _ALL_THE_SAME.match(behind))
    ):
        return False
    if len(between) > (_SHORT_REACH if word in _SHORT else _BAN_REACH if bits & BAN else _REACH):
        return False
    if word.endswith(("不是", "并非")) and not between.startswith(("说", "觉得", "认为")) and _IT_IS.search(between):
        return False
    if bits & BAN or not between:
        return True
    return _QUESTION_WORD.match(clauses.text, start, end) is None or _SPOKEN.match(between) is not None


def _says_instead(word: str, between: str) -> bool:
    """不要卧铺要硬座, 不学钢琴学古筝: the verb comes again, for what is wanted in its place."""
    verb, thing = (word[-1], between) if len(word) > 1 else (between[:1], between[1:])
    return len(thing) > 2 and word[0] in "不别没" and thing.endswith(verb) and verb in _INSTEAD


def _turned_round(clauses: Clauses, left: int, right: int, cue: Cue, end: int) -> bool:
    """不是有优惠吗, 没有优惠？: a negation in a yes-or-no question claims or asks, it does not deny."""
    bits = BITS[cue[0]]
    if bits & DOUBT or (bits & BAN and WORDS[cue[0]] not in _ASKABLE):
        return False
    bare = clauses.text[end:right].rstrip(_SOFT_END)
    if rhetoric.guesses(WORDS[cue[0]], clauses.text[max(left, cue[1] - FAR) : cue[1]], bare, bits & BAN != 0):
        return True
    behind = clauses.after(right)[:1] if right < len(clauses.text) else []
    if behind and clauses.text[slice(*behind[0])] in _REALLY:
        return True
    if WORDS[cue[0]].endswith("不是") and _BROKEN_PROMISE.search(bare):
        return True
    if not (bare.endswith(("吗", "么", "嘛")) or clauses.marked(right)):
        return False
    # 不是会员能买吗 asks about buying, and the denial stays
    if _CAN.search(bare):
        return False
    if _TAIL.search(bare):
        return False
    if _REQUEST.search(clauses.text[left : cue[1]]):
        return bits & BAN != 0 and _PEACE.match(clauses.text, cue[2]) is None
    cues = clauses.between(end, min(right, end + FAR))
    return not any(BITS[key] & (TURN | SOFT) for key, begin, _ in cues if end <= begin < right)
