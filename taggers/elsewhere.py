"""Topics that are taken care of or turned down behind a word: 酒水自带, 婚庆找好了, 整牙老婆不让, 押金我没交."""

from __future__ import annotations

import re
from typing import Final

from taggers.clause import FAR, Clauses

PROVIDED: Final = "后面「{word}」说已有着落，用不着"
UNWILLING: Final = "后面「{word}」说不愿意"
UNDONE: Final = "后面「{word}」说自己没做"
FINISHED: Final = "后面「{word}」说已经了结"
WORDINGS: Final = (PROVIDED, UNWILLING, UNDONE, FINISHED)

_HEAD = 8
_LONGEST = 24
_TELLING = frozenset(
    "自家里找请别其隔朋熟亲不没未反嫌死公单代老爱爸妈婆奶爷对男女媳先太儿亲姐哥已买中网收拿领到解处试用碰沾够退返补赔寄送修好"
)

_KIN = (
    r"(?:我们?家?|咱们?家?|俺们?)?(?:自己|家里人?|家人|家属|老公|老婆|爱人|爸妈|父母|爸爸?|妈妈?|公婆|婆婆|公公|奶奶|爷爷|老人家?|孩子他?[爸妈]?|"
    r"娃儿?|宝宝|儿子|女儿|闺女|对象|男朋友|女朋友|男友|女友|媳妇|先生|太太|老板|领导|合伙人|股东|医生|大夫|他们?|她们?|那位)"
)
_ME = r"(?:我们?|咱们?|俺们?|本人|我这边|我自己)"
_ADV = (
    r"(?:已经?|早就?|都|也|刚|昨天|前天|之前|去年|上周|上个?月|年前|就|还是?|其实|暂时|一直|从来?|自己|另外|后来|"
    r"最后|真的?|实在|可|压根|根本|目前|现在|又|们|这边|说|是|这次|今年|先)*"
)
_OTHER = (
    r"别家|别处|别人|别的[^，]{1,4}|其[他它][^，]{0,4}|另一?家|隔壁[^，]{0,4}|对面[^，]{0,3}|老家|附近|网上|淘宝|京东|拼多多|美团|朋友|亲戚|熟人|"
    r"代办|中介|同事|同学|邻居|外面|外头|老乡|阿姨|师傅|人(?=[做弄办带装修])"
)
_DEED = r"找|请|雇|定|订|买|选|报|签|租|换|办|约|联系|谈|做|装|学|用|弄|托|让|有|去|问|修|下单"
_SELF_DEED = (
    r"找|带|解决|办|弄|搞|做|请|联系|准备|买|洗|修|搬|学|处理|想办法|打理|"
    r"动手|开车|烧|煮|炒|教|养|照顾|剪|贴|装|有|会|拿|接|送|来|打车|安排|租|配"
)
_HOUSE = r"家里|家|公司|单位|学校|社区|医院|开发商|物业|房东|亲戚|朋友|老家|厂里|同事|熟人"
_LAST = r"(?:了|吧|的|就行|就好|啦|呢|哈|啊|呀|哦|好|完|过|得)*"
_SELF = (
    rf"{_ME}?{_ADV}(?:{_HOUSE})?(?:自己|自行|自个儿)(?:来|去|会|能|可以|就|在(?:家里?|公司|店里))*(?:{_SELF_DEED}){_LAST}|"
    rf"{_ME}(?:都|全|早就|已经?)+有了|"
    rf"自[带备理办有]{_LAST}"
)
_FOUND = rf"(?:{_ME}|{_KIN})?{_ADV}(?:找|请|雇)(?:到|好|着|妥){_LAST}"
_ELSEWHERE = (
    rf"(?:{_ME}|{_KIN})?{_ADV}(?:(?:{_DEED})了?)?(?:在|去|找|跟|从|到|上|有|是)?了?(?:个|家|位)?(?:{_OTHER})(?:那里?|这里?)?"
    rf"(?:给|帮)?(?:我们?)?(?:{_DEED}|帮忙?)*(?:了|过|的|好){_LAST}|(?:{_ME})?{_ADV}(?:{_DEED})了(?:个|家|位)?(?:{_OTHER}){_LAST}|{_ADV}有(?:{_OTHER})(?:可以|能|会|在)?(?:{_DEED}|帮忙?){_LAST}"
)
_GIVEN = (
    rf"(?:我们?|咱们?)?(?:{_HOUSE})(?:里|这边)?(?:都|已经?|早就|也|会|给|帮|统一)*"
    rf"(?:有人(?:{_DEED})|有|安排|发|配|送|报销|组织|买|装|办|给|做|管|包|交){_LAST}"
)
_NO_WILL = (
    r"(?:不(?:同意|让|愿意?|乐意|肯|赞成|支持|批|想|喜欢|爱|适合|合适)|反对|看不[上惯]|没(?:有)?(?:看上|看中|感觉)|死活不|坚决不|接受不了|"
    r"吃不消|用不惯|不(?:太|怎么|大)(?:想|愿意|喜欢|同意|乐意)|不(?:碰|沾|感冒|考虑|看好|指望))[^，]{0,4}"
)
_BEYOND = r"[买用住吃养租请上学喝穿玩坐打戴看听]不(?:起|惯|来|动|下去?|进去?)"
_OWN_DEED = r"交|付|办|买|报|订|用|签|约|去|参加|上|做|开|要|申请|点|选|说|提|学|玩|吃|住|租|试|定|领|投|装|打"

_BY_KIN = (
    rf"(?:我家?)?(?:老公|老婆|爱人|爸妈|父母|爸爸?|妈妈?|公婆|婆婆|公公|奶奶|爷爷|对象|男友|女友|媳妇|先生|太太|儿子|女儿|亲戚|朋友|姐姐?|哥哥?)"
    rf"{_ADV}(?:能|会|可以|在|来|帮忙?|给|亲自)*(?:{_SELF_DEED}|缝|种|管|出|付){_LAST}"
)
_PROVIDED = re.compile(rf"(?:{_BY_KIN}|{_SELF}|{_FOUND}|{_ELSEWHERE}|{_GIVEN})$")
_UNWILLING = re.compile(
    rf"(?:{_KIN}|我们?){_ADV}(?:嫌[^，]{{1,4}})?{_NO_WILL}$|(?:{_KIN}|{_ME})嫌[^，]{{1,6}}$|(?:{_ME})?[^，]{{0,5}}不(?:太)?(?:适合|合适)我们?{_LAST}$|"
    rf"(?:{_KIN}|{_ME})?{_ADV}(?:{_BEYOND}){_LAST}$"
)
_UNDONE = re.compile(rf"(?:{_ME}|{_KIN}){_ADV}(?:没有?|未)(?:{_OWN_DEED})(?:过|呢|啊|的)*$")
_TRIED = re.compile(rf"(?:{_KIN}|{_ME})?{_ADV}(?:试|用|看|学|去|听|做|上|吃|喝|住|玩)过(?:了|一次|几次|的)*$")
_CAME = re.compile(
    r"(?:我们?|这边)?(?:已经?|都|刚|今天|昨天|也|就|全部?)*(?:收到|拿到|领到|到账|到手|看到|解决|处理|查到|取到)(?:好|完|过)?(?:了|啦|咯)$"
)
_DONE = re.compile(
    r"(?:(?:今天|昨天|刚|刚刚|都|已经?|全部?|也)*(?:[退返补赔寄送发装修办弄换]|给我们?[退返补赔寄送发装修办弄换]))?"
    r"(?:回来|过来|到手|到账|好|完)(?:了|啦|咯)$"
)
_CAME_THANKED = re.compile(
    r"(?:我们?|这边)?(?:已经?|都|刚|今天|昨天|也|就)*(?:收到|拿到|领到|到账|到手|看到|解决|处理好?|查到|取到)了?(?:非常|十分|太)?(?:谢谢|感谢|多谢|辛苦)[^，]{0,4}$"
)
_PENDING = re.compile(
    r"(?:暂时|目前)?(?:还没|还未|没)(?:有)?[^，]{0,3}(?:寄|发|送|到|好|来|出|收|做|修|装|排|通知)[^，]{0,3}$"
)
_CALM = re.compile(r"没事|没关系|不急|不着急|不要紧|慢慢来|无所谓|不催")
_THANKS = re.compile(
    r"(?:好的?|嗯|都|非常|十分|多)*(?:谢|感谢|多谢|辛苦|麻烦[你您了]|thank)|(?:用着|用起来|看着|师傅|效果|质量)?"
    r"(?:都|还|挺|很|蛮|真|非常|特别)*(?:不错|满意|好用|顺手|放心|漂亮|舒服|利索|专业|省心)"
)
_PLENTY = re.compile(
    r"(?:我们?|家里?|还|都|已经?|手头|这边|目前)*(?:够(?:用|吃|喝|了|多)|有的是|多得是|多的是|[用吃喝看]不完|有不少|有一?堆)(?:了|的|呢)*$"
    r"|[^，我你您]{0,4}(?:剩|余|存|囤)[^，]{0,4}有[^，]{1,6}$"
)
_HAVING = re.compile(
    r"(?:我们?|咱们?)?(?:家里?|公司|单位|店里)?(?:已经?|早就|都|之前|去年|自己)*(?:有|买|办|报|装|订|做)[了过]?$"
)
_NO_MORE = re.compile(r"了?(?:就|所以|的|今年|这次|暂时|先)*(?:不用|不需要?|不必|别|不要|无需|甭|不[买订报办续])")

_TOPIC = re.compile(
    r"(?:我们?|你们?|您|咱们?|那|这|那个|这个|个|的|关于|至于|还有|对了|家|店里?|谢谢|亲|嗯|哦|好的?|请|对|上次|之前|刚才|说的|次|"
    r"[^我你您要想帮给求不没别说是有在太很好因把来怎什为谁吗]{1,4})*"
)
_TAIL = re.compile(
    r"(?:的?事儿?情?|那块|这块|方面|什么的|啥的|之类的?|项目|课程?|服务|的话|嘛|呢|啊|吧|哈|呀|这个|那个)*[ ,，]?"
)
# Steps that one takes oneself on the way to it: 报名我自己弄好了 turns nothing down.
_STEPS = re.compile(
    r"(?:注册|登录)|.*(?:报名|预约|下单|付款|缴费|登记|填写?|下载|激活|开通|申请|上传|取号|签到|操作|链接|账号|密码|地址|电话|微信)$"
)
_HOW_IT_IS = re.compile(
    r".*(?:价格?|钱|贵|费用?|学费|态度|效果|质量|环境|味道|服务|投诉|退款|退费|退货|差评|报告|结果|通知|时间|问题|骗子?|卡住|声音)$"
)
_ASKS = re.compile(
    r"[吗么?？]|怎么|咋|能不能|可以|可不可以|行不行|什么|多少|哪|几[天个点]|能[^，]{1,4}[不没吗]|帮我|还[能想要]"
)


def settled(clauses: Clauses, left: int, right: int, start: int, end: int) -> str:
    """Say why a topic is no wish: it is provided for, somebody does not want it, or it was never done."""
    text = clauses.text
    if start - left > _HEAD or _TELLING.isdisjoint(text[end : end + _LONGEST]):
        return ""
    tail = _TAIL.match(text, end, right)
    place = tail.end() if tail else end
    stop = right
    if place < right and clauses.marked(right):
        return ""
    if place >= right:
        behind = clauses.following(right, 1)
        if not behind:
            return ""
        place, stop = behind[0]
    comment = text[place:stop]
    if not 2 <= len(comment) <= _LONGEST or _TELLING.isdisjoint(comment) or clauses.marked(stop):
        return ""
    return _judged(clauses, text[left:start], text[start:end], comment, stop)


def _judged(clauses: Clauses, head: str, keyword: str, comment: str, stop: int) -> str:
    if _HAVING.fullmatch(head) and _NO_MORE.match(comment):
        return PROVIDED.format(word=comment)
    if _TOPIC.fullmatch(head) is None:
        return ""
    if _CAME_THANKED.match(comment) or (_PENDING.match(comment) and _CALM.search(_clause_behind(clauses, stop))):
        return FINISHED.format(word=comment)
    if _PLENTY.match(comment):
        return PROVIDED.format(word=comment) if _NO_MORE.match(_clause_behind(clauses, stop)) else ""
    if _CAME.match(comment) or _DONE.match(comment):
        return FINISHED.format(word=comment) if _THANKS.match(_clause_behind(clauses, stop)) else ""
    if _HOW_IT_IS.fullmatch(keyword) or _ASKS.search(comment):
        return ""
    if _PROVIDED.fullmatch(comment):
        return "" if _STEPS.fullmatch(keyword) else PROVIDED.format(word=comment)
    if _TRIED.match(comment):
        comment = _clause_behind(clauses, stop)
        stop += len(comment) + 1
    unwilling = _UNWILLING.match(comment)
    if not unwilling and not _UNDONE.match(comment):
        return ""
    if _ASKS.search(clauses.text, stop, stop + FAR):
        return ""
    return (UNWILLING if unwilling else UNDONE).format(word=comment)


def _clause_behind(clauses: Clauses, place: int) -> str:
    return "".join(clauses.text[slice(*part)] for part in clauses.following(place, 1))
