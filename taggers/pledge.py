"""Pledges: what a customer says that they will do (我明天付款), which an agent follows up.

The clause names a time, or does something for the agent's side after something else (等我开完会打给你). What was
done, is denied, hangs on a condition, is asked, is only thought of or is somebody else's word is none.
"""

from __future__ import annotations

import re
from datetime import datetime

from taggers.due import Due, dues
from taggers.promise import Promise, due_beside, made
from taggers.refrains import asks, conditional, denied, is_past, reported
from taggers.spoken_clauses import Clause, clause_ends, sentences_of, spoken_text
from taggers.workdays import Workdays

_TO_US = (
    r"(?:发|转|打|回|拍|寄|传|给|送|付|结|退|拿|带|推|告诉|联系|通知|答复|回复|确认|找)"
    r"(?:给|到|过去|过来|去|一下|下|个电话给|钱给|一份|张|个)?(?:你|您)(?:们)?(?!的|说|那个)"
)
_OWN = (
    r"付(?:款|钱|定金|尾款|全款|清|掉)?|打(?:款|钱|过去|过来)|转(?:账|钱|过去|过来|定金|款)|汇(?:款|过去)|交(?:钱|定金|费|款|尾款|押金|过去)"
    r"|缴费|结(?:账|款|清|掉|(?=$|[哈哦啊吧]))|下单|签(?:合同|字|约|好)|填(?:好|表|完)|报名|定下来|买(?:单|一|两|几|$)|补(?:材料|资料|款|齐|过去|上)"
    r"|(?:过去|过来|去|来|到)(?:你|您)(?:们)?(?:那|这|店|家|公司|医院|诊所|学校|门店)"
    r"|(?:去|来|到)(?:店|现场|门店|公司|医院|诊所|学校)|(?:去|来|过来|过去)(?:一趟|看|取|拿|办|做|打针|试|复查|拍|接|体验|量|签|交|付|报|修|装|提|领|检|洗|缝)"
    r"|(?:过去|过来|来)(?=$|[哈哦啊吧呀了的])|[带把][^，]{1,8}(?:来|去|过去|过来|送|拿|寄|开)|(?:送|拿|开|寄)(?:过去|过来|去|来|到)"
    r"|放(?:在|到|物业|前台|门卫|门口|快递柜|驿站)|加(?:你|您)|续(?:费|卡|上|了|一)|(?:传|寄|拍|推|拉)(?:过去|过来|到|去)"
    r"|发(?:邮箱|过去|过来|群里|微信)|拍(?:照|过去|好|一下)|量(?:一下|好|尺寸)|(?:准备|整理)(?:好|一下|材料|资料)|回(?:复|话|电话|信)"
)
_DOES = re.compile(rf"(?P<to>{_TO_US})|(?P<own>{_OWN})", re.MULTILINE)
_ONLY_THOUGHT = re.compile(
    r"想|可能|也许|考虑|看情况|再说|说不定|估计(?!要)|尽量|争取|应该|打算|或者|要不|不如|希望|准备(?=.{0,6}(?:问|咨询))|最好"
)
_OTHERS = re.compile(
    r"(?:他|她|你们?|您|老公|老婆|爸|妈|孩子|朋友|同事|老板|快递|物流|别人|人家|客户|公司|财务|老师|医生)[^我]{0,6}$"
)
_ASKED = re.compile(r"(?:你们?|您|麻烦|帮我|请|能|可以|可不可以)[^我]{0,8}$")
_AFTER = re.compile(r"等(?:我|会|下|一)|回头|到时|完(?:了|后|再)?|再|先|马上|这就|立刻|会|记得|一定")
_LONGEST = 80


def pledges(text: str, said: datetime, workdays: Workdays) -> tuple[Promise, ...]:
    """Find what the customer who wrote `text` at `said` will do; several of one sentence are one."""
    spoken = spoken_text(text)
    if not _DOES.search(clause_ends(spoken)):
        return ()
    found = (_pledge(text, sentence, said, workdays) for sentence in sentences_of(spoken) if _may(sentence))
    return tuple(pledge for pledge in found if pledge is not None)


def _may(sentence: list[Clause]) -> bool:
    return any(_DOES.search(clause.text) for clause in sentence)


def _pledge(text: str, sentence: list[Clause], said: datetime, workdays: Workdays) -> Promise | None:
    read = [dues(clause.text, said, workdays) for clause in sentence]
    for at, clause in enumerate(sentence):
        place = _place(sentence, at, read[at], said) if len(clause.text) <= _LONGEST else None
        if place is None:
            continue
        due = due_beside(sentence, read, at, place)
        if due is not None and due.at <= said:
            continue
        if due is not None or _is_for_us(sentence, at, place):
            return made(text, clause, place, read[at], due)
    return None


def _place(sentence: list[Clause], at: int, times: tuple[Due, ...], said: datetime) -> tuple[int, int] | None:
    """The place of the words that say what they will do; None where they will not."""
    clause = sentence[at]
    found = _DOES.search(clause.text)
    if found is None:
        return None
    head = _without_times(clause.text[: found.start()], times)
    behind = [one.text for one in sentence[at + 1 :]]
    before = [one.text for one in sentence[:at]]
    if _OTHERS.search(head) or _ASKED.search(head) or _ONLY_THOUGHT.search(clause.text):
        return None
    if asks(clause.text, found.start(), clause.mark, behind, sentence[-1].mark):
        return None
    if denied(clause.text, *found.span()) or reported(clause.text[: found.start()]):
        return None
    to_come = [one for one in times if one.at > said]
    over = all(one.over for one in to_come)
    if is_past(clause.text, found.span(), bool(to_come), bool(to_come) and over):
        return None
    if conditional(before, clause.text, found.start(), behind, [(one.start, one.end) for one in times]):
        return None
    return found.span()


def _is_for_us(sentence: list[Clause], at: int, place: tuple[int, int]) -> bool:
    """Without a time: 等我开完会打给你, 回头转你."""
    text = sentence[at].text
    found = _DOES.match(text, place[0])
    if found is None or found["to"] is None:
        return False
    return _AFTER.search(text[: place[0]]) is not None or (
        at > 0 and _AFTER.match(sentence[at - 1].text.removeprefix("我")) is not None
    )


def _without_times(head: str, times: tuple[Due, ...]) -> str:
    for one in reversed(times):
        if one.end <= len(head):
            head = head[: one.start] + head[one.end :]
    return head
