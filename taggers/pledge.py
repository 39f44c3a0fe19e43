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
from taggers.repeated import remembered
from taggers.spoken_clauses import Clause, clause_ends, sentences, spoken_text
from taggers.workdays import Workdays

_TO_US = (
    r"(?:发|转|打|回|拍|寄|传|给|送|付|结|退|拿|带|推|告诉|联系|通知|答复|回复|确认|找)"
    r"(?:给|到|过去|过来|去|一下|下|个电话给|钱给|一份|张|个)?(?:你|您)(?:们)?(?!的(?!$|[哈哦呢啊吧])|说|那个)"
)
_OWN = (
    r"付(?:款|钱|定金|尾款|全款|清|掉)?|打(?:款|钱|过去|过来)|转(?:账|钱|过去|过来|定金|款)|汇(?:款|过去)|交(?:钱|定金|费|款|尾款|押金|过去)"
    r"|缴费|结(?:账|款|清|掉|(?=$|[哈哦啊吧]))|下单|签(?:合同|字|约|好)|填(?:好|表|完)|报名|定下来|买(?:单|一|两|几|$)|补(?:材料|资料|款|齐|过去|上)"
    r"|(?:过去|过来|去|来|到)(?:你|您)(?:们)?[一-龥]{0,2}?(?:那|这|店|家|公司|医院|诊所|学校|厂|仓库|工地|展厅|校区|总部|办公室|单位|车间|柜台|中心|馆|院|园|部|室|楼|村|场)"
    r"|(?:让|叫)(?:我)?(?:老公|老婆|爱人|先生|太太|爸妈?|妈|儿子|女儿|司机|同事|财务|会计|助理|秘书|家里人?|他|她|人)(?:去|来|过去|过来|给(?:你|您))"
    r"|进(?:直播间|会议|群|店|厂|场)|上(?:线|楼[拿取找])|准时(?:到|来|参加|上)|我[^，我您你]{0,4}(?<![找看收想遇等听拿])到(?=$|[哈哦啊吧])|(?:拉|提|取|拿|装)货"
    r"|(?P<self>我(?:来|去)(?:准备|整理|打印|复印|填|签|付|转|买|联系|通知|安排|办|弄|交|找|写|带|取|拿|订|定|盖章|拍|发|寄|送|打))"
    r"|(?P<take>[把将](?=[^，把将]{2,}))"
    r"|(?:去|来|到)(?:店|现场|门店|公司|医院|诊所|学校)|(?:去|来|过来|过去)(?:一趟|看|取|拿|办|做|打针|试|复查|拍|接|体验|量|签|交|付|报|修|装|提|领|检|洗|缝)"
    r"|(?:过去|过来|来)(?=$|[哈哦啊吧呀了的])|[带把送接抱牵拉领推叫陪][^，您你我]{1,8}(?:来|去|过去|过来|送|拿|寄|开)|(?:送|拿|开|寄)(?:过去|过来|去|来|到)"
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
_ASKED = re.compile(r"(?:你们?|您|麻烦|[帮给替为让]我|请|能|可以|可不可以)[^我]{0,8}$")
_BACK = re.compile(r"(?:[给发告诉找跟传转寄帮替]|联系)我")
_SURE = re.compile(r"一定|肯定|保证|绝对|会")
_OURS = re.compile(r"[^，]{0,3}(?:款|钱|首付|定金|押金|费|贷款|全款|订金)")
_GIVES = re.compile(_TO_US)
_AFTER = re.compile(
    r"等(?:我|会|下|一)|回头|到时|(?:到家|回家|下班|下课|到公司|回去|到店|到了)(?:了|后|就|再)?|完(?:了|后|再)?|再|先|马上|这就|立刻|会|记得|一定"
)
_LONGEST = 80


def pledges(text: str, said: datetime, workdays: Workdays) -> tuple[Promise, ...]:
    """Find what the customer who wrote `text` at `said` will do; several of one sentence are one."""
    spoken = _committing(text)
    if not spoken:
        return ()
    found = (_pledge(text, sentence, said, workdays) for sentence in sentences(spoken) if _may(sentence))
    return tuple(pledge for pledge in found if pledge is not None)


@remembered
def _committing(text: str) -> str:
    """The text as it is looked through; empty where nothing in it may commit anybody."""
    spoken = spoken_text(text)
    return spoken if _DOES.search(clause_ends(spoken)) else ""


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
    if found["take"] is not None and not _takes_on(clause.text, found.start(), head):
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


def _takes_on(text: str, at: int, head: str) -> bool:
    """我把表交了, 一定把款付了; not 下午把货送过来, which asks for it where nobody is named."""
    if _BACK.search(text, at):
        return False
    return "我" in head or _SURE.search(head) is not None or _OURS.match(text, at + 1) is not None


def _is_for_us(sentence: list[Clause], at: int, place: tuple[int, int]) -> bool:
    """Without a time: 等我开完会打给你, 回头转你."""
    text = sentence[at].text
    found = _DOES.match(text, place[0])
    if found is None or (found["to"] is None and found["self"] is None and not _gives(found, text)):
        return False
    if found["self"] is not None:
        return True
    return _AFTER.search(text[: place[0]]) is not None or (
        at > 0 and _AFTER.match(sentence[at - 1].text.removeprefix("我")) is not None
    )


def _gives(found: re.Match[str], text: str) -> bool:
    return found["take"] is not None and _GIVES.search(text, found.end()) is not None


def _without_times(head: str, times: tuple[Due, ...]) -> str:
    for one in reversed(times):
        if one.end <= len(head):
            head = head[: one.start] + head[one.end :]
    return head
