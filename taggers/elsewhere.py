"""Topics that are taken care of or turned down behind a word: 酒水自带, 婚庆找好了, 整牙老婆不让, 押金我没交."""

from __future__ import annotations

import re
from typing import Final

from taggers.clause import FAR, Clauses
from taggers.comment import PEOPLE, Comment, read_comment

PROVIDED: Final = "后面「{word}」说已有着落，用不着"
UNWILLING: Final = "后面「{word}」说不愿意"
UNDONE: Final = "后面「{word}」说自己没做"
FINISHED: Final = "后面「{word}」说已经了结"
WORDINGS: Final = (PROVIDED, UNWILLING, UNDONE, FINISHED)

_HEAD = 8
_LONGEST = 24
_TELLING = frozenset(
    "同借楼固帮弄叫租投物业小区门刚批弟妹舅叔姑姥换洗修买做办自家里找请别其隔朋熟亲不没未反嫌死公单代老爱爸妈婆奶爷对男女媳先太儿亲姐哥已买中网收拿领到解处试用碰沾够退返补赔寄送修好"
)

_LAST = r"(?:了|吧|的|就行|就好|啦|呢|哈|啊|呀|哦|好|完|过|得|着|中)*"
# What somebody does who still makes up their mind, or wants it of the other side: 合同我老公看看, 发票公司要.
_UNDECIDED = re.compile(
    r"[付交转充提]了|[用上吃喝学]完|[很挺太蛮真超更最]|非常|特别|比较|有点|[多少好大小贵远忙累]$|盖|签字|批|审|确认|通过|[看想要问说讲催等急需爱喜嫌推介夸](?!护)|研究|考虑|琢磨|商量|决定|觉得|同意|支持|答应|对比|比较|了解|查|选|挑|试|体验|过[来去]|到[店了]?$|满意|放心|担心|"
    r"反对|介意|在乎|希望|收到|拿到|看到|急用|退|投诉|卡[住了]|坏|没|不|都?行|可以|$"
)
_TAKES_ON = re.compile(rf"[^不没，]{{1,6}}?{_LAST}$")
# 窗帘婆婆做, 护栏表弟焊: a bare verb must be one of doing; 了, 帮, 在, 自己 tell it by themselves.
_ASPECT = re.compile(r"[了过着]|[的好]$|[帮给在会能已都有]|自|统一|负责")
_DEEDS = re.compile(
    r"[找带弄办搞做请买洗修搬学教养剪贴装拿接送租配煮炒烧开缝种管出付焊搭砌刷画写拍借发包派叫抢]|解决|联系|准备|处理|打理|动手|照顾|打车|安排|张罗|操办|报销|组织"
)
_OF_YOURS = re.compile(r"[你您]|贵[司店院校]")
_BY_ONESELF = re.compile(r"自[带备理办有己行]")
_ACQUIRED = re.compile(
    r"(?:找|请|雇|租|买|修|换|搬|做|装|弄|搞|洗|订|定|办|解决|处理|通)(?:到|好|着|妥|完|掉)(?:了|啦|咯|的)+"
)
_BY_ITSELF = re.compile(r"(?:找|请|雇|租)(?:到|好|着|妥)")
_MYSELF = re.compile(r"(?:来|就行|就好|就可以|可以|行|弄|搞定?|解决)(?:了|吧|的|呢|就行|就好)*")
_HAD_LATELY = re.compile(
    r"(?:换|买|做|办|装|洗|修|打|检|体检|保养|搞|弄|剪|染|搬|清理?|充|加)过?(?:了|的|过)$|(?:换|买|做|办|装|洗|修|打|保养)的?$"
)
_HAVE = re.compile(
    r"有(?:固定|长期|合作|自己).*$|有(?:了|的|现成的?|人|一?[台个套辆份张]|(?:[做弄办装管修送发教帮][一-龥]?))*$|(?:就|都|全|早|已)*有"
)
_FROM_OTHERS = re.compile(
    rf"(?:报|买|选|签|装|用|订|定|办|租|投|换|找|请|去|跟|从|做|联系|谈|看[中上]|相中|选中)了?(?:个|家|位)?(?:{PEOPLE['other']})"
)
_CONSENTS = re.compile(r"批|同意|答应|点头|松口|让|肯|许|准|赞成|支持|看[上中好]|感觉|通过")
_MISSES = re.compile(
    r"[收看拿找等抢领买约订见听]到|[抢买约订赶排]上|懂|明白|清楚|知道|学会|记|来得及|成功|给|发|告诉|通知|回|说清|坏|亮|响"
)
_BEYOND = re.compile(r"[买用住吃养租请上学喝穿玩坐打戴看听]不(?:起|惯|来|动|下去?|进去?)")
_COLD = re.compile(r"嫌|反对|看不[上惯]|死活不|坚决不|接受不了|吃不消|用不惯")
_OWN_DEED = re.compile(
    r"(?:交|付|办|买|报|订|用|签|约|去|参加|上|做|开|要|申请|点|选|说|提|学|玩|吃|住|租|试|定|领|投|装|打)(?:过|呢|啊|的)*$"
)
_SUITS = re.compile(r"[^，]{0,5}不(?:太)?(?:适合|合适)我们?")
_NOT_FOR = re.compile(
    r"(?:太|怎么|大)?(?:同意|让|愿意?|乐意|肯|赞成|支持|批|想|喜欢|爱|适合|合适|碰|沾|感冒|考虑|看好|指望|要|用|需要|吃|喝|学|信|稀罕)"
)
_CHOSEN = re.compile(r"看[中上好]|选|挑|定|喜欢|[付交转打]|同意|满意")
# 您好，我朋友从外地来，想找…: what comes first is no topic, and what comes last is asked for.
_GREETING = re.compile(r"[你您]们?好|大家好|hi|hello|嗨|哈喽|在吗|早上好|下午好|晚上好|打扰了?|请问|谢谢|老师|亲|喂")
_ASKS_BEYOND = re.compile(
    r"(?<!不)想[找要买问订做换]|麻烦[你您帮给]|帮我|请[你您帮问给]|推荐|有没有|有什么|怎么|多少"
)
_GIVES_AWAY = re.compile(r"(?:名额|机会|位置|票)?(?:让|留|转)?给(?:别人|别的[^，]{1,3}|其他人|有需要的)[^，]{0,4}")
_TRIED = re.compile(r"(?:试|用|看|学|去|听|做|上|吃|喝|住|玩)过(?:了|一次|几次|的)*$")
_CAME = re.compile(
    r"(?:我们?|这边)?(?:已经?|都|刚|今天|昨天|也|就|全部?)*(?:收到|拿到|领到|到账|到手|看到|解决|处理|查到|取到)(?:好|完|过)?(?:了|啦|咯)$"
)
_DONE = re.compile(
    r"(?:(?:今天|昨天|刚|刚刚|都|已经?|全部?|也)*(?:[退返补赔寄送发装修办弄换]|给我们?[退返补赔寄送发装修办弄换]))?"
    r"(?:回来|过来|到手|到账|好|完)(?:了|啦|咯)?$"
)
_CAME_THANKED = re.compile(
    r"(?:我们?|这边)?(?:已经?|都|刚|今天|昨天|也|就)*(?:收到|拿到|领到|到账|到手|看到|解决|处理好?|查到|取到)了?(?:非常|十分|太)?(?:谢谢|谢[啦了咯过]|感谢|多谢|辛苦)[^，]{0,4}$"
)
_PENDING = re.compile(
    r"(?:暂时|目前)?(?:还没|还未|没)(?:有)?[^，]{0,3}(?:寄|发|送|到|好|来|出|收|做|修|装|排|通知)[^，]{0,3}$"
)
_CALM = re.compile(r"没事|没关系|不急|不着急|不要紧|慢慢来|无所谓|不催")
_THANKS = re.compile(
    r"没毛病|没问题(?!吧)|给?[个你您们]{0,3}(?:五星|好评|满分|赞)|(?:好的?|嗯|都|非常|十分|多)*(?:谢|感谢|多谢|辛苦|麻烦[你您了]|thank)|(?:用着|用起来|看着|师傅|效果|质量)?"
    r"(?:都|还|挺|很|蛮|真|非常|特别)*(?:不错|满意|好用|顺手|放心|漂亮|舒服|利索|专业|省心)"
)
_PLENTY = re.compile(
    r"(?:我们?|家里?|还|都|已经?|手头|这边|目前|人手?|数)*(?:够(?:用|吃|喝|了|多)|有的是|多得是|多的是|[用吃喝看]不完|有不少|有一?堆)(?:了|的|呢)*$"
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
    r"[吗么?？]|怎么|咋|能不能|可以|可不可以|行不行|什么|多少|哪|几[天个点]|能[^，]{1,4}[不没吗]|帮我(?![^，]{1,3}[了过]$)|还[能想要]"
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
        if _GREETING.fullmatch(text, start, end) or _ASKS_BEYOND.search(text, stop, stop + FAR):
            return ""
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
    said = read_comment(comment)
    more = said.who in ("me", "kin") and comment[-1] in "了啦" and _NO_MORE.match(_clause_behind(clauses, stop))
    if (
        _is_provided(said, comment)
        or (more and not said.no and _CHOSEN.match(said.does) is None)
        or _GIVES_AWAY.fullmatch(comment)
    ):
        return "" if _STEPS.fullmatch(keyword) else PROVIDED.format(word=comment)
    if said.who in ("", "me", "kin") and not said.no and _TRIED.match(said.does):
        comment = _clause_behind(clauses, stop)
        stop += len(comment) + 1
        said = read_comment(comment)
    unwilling = _is_unwilling(said, comment)
    if not unwilling and not _is_undone(said):
        return ""
    if _ASKS.search(clauses.text, stop, stop + FAR):
        return ""
    return (UNWILLING if unwilling else UNDONE).format(word=comment)


def _is_provided(said: Comment, comment: str) -> bool:
    """酒水我们自己带, 商标我同学在做, 车位小区送了, 仓库租好了: somebody does it, or it is done."""
    if said.no:
        return False
    if _FROM_OTHERS.match(said.does) or _BY_ITSELF.match(said.does):
        return True
    if said.who == "me" and _ACQUIRED.match(said.does):
        return True
    if said.lately and said.who in ("", "me") and _HAD_LATELY.fullmatch(said.does):
        return True
    if said.who == "me" and said.alone and _MYSELF.fullmatch(said.does):
        return True
    if _HAVE.match(said.does) and (said.who or _BY_ONESELF.match(comment)):
        return True
    if _OF_YOURS.search(comment):
        return False
    others = said.who in ("kin", "house", "other") or said.alone or _BY_ONESELF.match(comment) is not None
    if not (_ASPECT.search(comment) or _DEEDS.match(said.does)):
        return False
    return others and _UNDECIDED.match(said.does) is None and _TAKES_ON.match(said.does) is not None


def _is_unwilling(said: Comment, comment: str) -> bool:
    """整牙老婆不让, 拓展训练领导没批, 蓝牙耳机我用不惯: those who decide do not want it."""
    if said.who in ("house", "other"):
        return False
    if _SUITS.match(comment) or (said.who and _COLD.match(said.does)) or _BEYOND.match(said.does):
        return True
    if said.no.startswith("没") and said.who != "me":
        return said.who == "kin" and _CONSENTS.match(said.does) is not None
    return said.no == "不" and said.who != "" and _NOT_FOR.match(said.does) is not None


def _is_undone(said: Comment) -> bool:
    """押金我没交, 发票我没要过."""
    return said.who in ("me", "kin") and said.no not in ("", "不") and _OWN_DEED.match(said.does) is not None


def _clause_behind(clauses: Clauses, place: int) -> str:
    return "".join(clauses.text[slice(*part)] for part in clauses.following(place, 1))
