"""Wishes behind negations: 没人给我发课表, 不试听怎么知道, 别忘了发票 want what they seem to deny."""

from __future__ import annotations

import re
from typing import Final

from taggers.clause import BAN, BITS, WORDS, Clauses, Cue, is_own
from taggers.consequence import SAYING, is_charged, is_obstacle, stands_in_the_way

COMPLAINED: Final = "{word}…抱怨对方没做到，正是想要"
TRIED: Final = "{word}…想要而没赶上，正是想要"
MISSED: Final = "{word}…说还没得到，正是想要"
CONDITION: Final = "{word}…是条件，没说不要"
OBSTACLE: Final = "{word}…少了它不行，正是想要"
KEPT: Final = "{word}…怕错过或忘掉，正是想要"
FEARED: Final = "{word}…怕没有或可惜没有，正是想要"
FOREMOST: Final = "{word}…说没有什么比得上它"
TRYING: Final = "{word}…没经历过而提出请求，正是想要"

WORDINGS: Final = (COMPLAINED, TRIED, MISSED, CONDITION, OBSTACLE, KEPT, FEARED, FOREMOST, TRYING)

_FAR = 30
_PLAIN = re.compile(
    r"((?:还|也|都|又|从来?|一直|根本|压根|尚|并)*(?:没有?|不(?:肯|能|会|愿意?|可以|来)?|未))(提醒|提供|提前)?$"
)
_NOT_YET = re.compile(r"没|未")
_MORE = re.compile(r"[还也都]|从|一直|根本|压根")

_ASKED_OF = re.compile(r"^(?:让|叫|请|求|要求|要|想|打算|准备|说过?要|提(?![醒供前]))")

_WHY = re.compile(r"(?:怎么|为什么|为啥|为何|咋|干嘛|干吗|凭什么|凭啥|啥时候才|几时才)(?!办)[^，,。！!？?]{0,8}$")
_FOR_ME = re.compile(
    r"^(?:见[着到]?|看[见到]|听|等)?(?:有|一个|个|任何)*(?:你们?|谁|人|哪个|老师|"
    r"客服)?[^那你您就请麻要]{0,4}?(?:给|跟|和|帮|替|对|为|带|教|告诉|告知|通知|联系|提醒|回|回复|"
    r"答复|回应|发|退|理|理睬|还|送|寄|赔|补|叫|约|陪|找|邀请|"
    r"安排|接|催|搭理|问|管|处理|解决|落实|推)过?(?:我|咱|俺|客户|家长|业主|学员|会员|人家)"
)
_NOBODY = re.compile(
    r"^(?:有)?(?:一|半|几|哪)?个?(?:人(?![均气工民数脸像流员参])|谁|哪个|哪位|客服|老师|教练|销售|"
    r"员工|工作人员|导游|顾问)"
)
_OWN_WILL = re.compile(
    r"(?:真的?|会|都|说|过|再)*(?:[想喜爱用买愿敢去学看住要是玩吃穿戴信认懂]|来(?=参加|报|买|学|玩|听|看(?!病|我)|上课|应聘|试|体验|问|住|租|逛|吃|喝|练|考|签约|投|[的了过吗吧呢]|$)|"
    r"投诉|参加|报[名班]|觉得|相信|同意|反对|知道|生病|受伤|迟到|请假|退[课班团]|在(?!乎|意))|"
    r"[^，,。]*我(?:哪|怎么|不|没)"
)
_IMPATIENT = re.compile(
    r"到现在|到今天|直到|至今|迟迟|一直|老(?![板师公婆人家客顾朋乡爸妈年太爷奶])是?|总(?![经监裁台部共价额体])是?|半天|这么久|催了?|就是$|死活$|光(?![纤盘伏线电疗])|只会|就知道|净(?![化水利值空重])|说好|明明|"
    r"交了钱|付了|交了|买了|定金|[天周月年时][了多]|钟头|礼拜|[几两三四五六七八九十\d]+[次遍回]"
)
_PROVIDER = re.compile(
    r"(?:你们?|您|客服|销售|老师|教练|中介|顾问|你们?店|店里|店员|店长|店家|商家|卖家|物业|前台|导游|"
    r"平台|机构|学校|经纪人|管家|旅行社|4s店?|"
    r"班主任|助教|小编|厂家|售后|技术|工作人员|他们)[^，,。！!？?]{0,6}$"
)
# What others do for a customer; the strict ones say so by themselves behind 还没, 也没, 一直没.
_STRICT = (
    r"安排|发(?!烧|生|现|展|育|胖|朋友圈)|说|讲|退|通知|告诉|告知|联系|答复|回复|回应|处理|解决|寄|送|"
    r"提供|提醒|反馈|开通|"
    r"推送|兑现|落实|登记|公布|交代|补发|理会?|审核|跟进|派"
)
_SERVED = re.compile(
    rf"(?:正面|及时|主动|真正|好好|认真)?(?:{_STRICT}|回答|给|开|约|办|教|带|排|出|配|推|介绍|报价|装|修|换|补|登|算|搞|做|更新|批|打款|到账|"
    rf"转|签|接|确认|服务|拉|加|赠|赔|返|免|减|"
    r"便宜|打折|优惠|上牌|发|见[谁你着]|弄|交付|回|激活|审批|批改|改[签]?|修|清理|打扫|调试|检测|检修|测量|量尺|取件|派单|出库|生效|对接|"
    r"放款|受理|接单|备货|验收|装|催|盖章|录入|分配|提(?!醒)|解释|负责|指导|接待|管|顾得)"
)
_SERVED_STRICTLY = re.compile(
    rf"(?:见?(?:你们|他们|谁|人))?(?:给|帮|跟|正面|及时|主动|真正|好好|认真|再|把.{{1,6}}|"
    rf"能)*(?:{_STRICT})|给(?:我们?|个|点|出|到|过|一)*$"
)
_SERVED_LONG = re.compile(
    r"激活|审批|批改|修|清理|打扫|调试|对接|放款|受理|接单|盖章|录入|分配|赔|返|安装|维修|更换|更新|"
    r"审核|排期|排课|上架|出(?:结果|报告|方案|账单|发票)|开(?:课|票|通|发票|收据)"
)
_EVENT = re.compile(
    r"回访|上门|送货|安装|维修|换货|补发|验收|调试|检修|检测|出库|揽收|发车|放款|到账|派送|派单|取件|清关|过户|结算|开工|交付|交货|"
    r"联系|跟进|通知|审批|退|发货|发课|发票|安排|处理|解决|回复|开课|开票|开通|更新|审核|发放|排课|派|落实|登记|报价"
)

# 你们没把合同发我, 不但不退押金还骂人
_HANDED = re.compile(r"^把[^，,。]{0,4}$")
_HANDS_OVER = re.compile(
    r"^[^，,。了]{0,3}(?:发|给|寄|送|退|交|传|拿|还|告诉|说|讲|弄|修|装|做|办|处理|安排|解决|更新|写|带)"
)
_NOT_EVEN = re.compile(r"(?:不[但仅光只]|非但)(?:仅|只)?$")

# 当初没说要收服务费, 根本没提安装费: the other side kept quiet about it.
_UNTOLD = re.compile(
    r"(?:还|也|都|又|根本|压根|从来?|并|就)*没有?(?:提|说|讲|写|告知|告诉|通知)(?:过|要|有|到|起|会|还|清楚)*"
)
_AT_THE_TIME = re.compile(
    r"当初|当时|之前|以前|一开始|开始|从头到尾|自始至终|的时候|时|合同里?|协议里?|页面上?|广告上?|事先|提前|原来|上次|宣传"
)
_NOT_SEEN = re.compile(
    r"^[见看][到着见]?(?:个|一个|有|你们|半个)*(?:人|师傅|老师|客服|服务员|医生|护士|快递员?|司机|教练|阿姨|员工|销售|顾问|工人|接站的?|工作人员|"
    r"店员|保安|管家|导游|律师|谁|谁家)[^，过]{0,6}$"
)

_GOT = re.compile(
    r"^(?:怎么|能|太|真|再)?(?:来得?及|顾得?上|顾得及|抽出|腾出|赶得?上|抢[到上着]|预?约[上到]|订[上到]|"
    r"排[上到]|买[到上着]|报上|领到|拿到|"
    r"空(?=[去来看填办做弄取拿回给])|时间(?=[去来看填办做弄取拿回给])|[叫喊]到|等到|等来|收到|找[到着]|见[到着]|看到|挂上|轮到|摇[到中]|占到|享受到|好意思|敢问|敢说|敢要|用上|蹭[到上])"
)
# 不让带宠物的房子不租: what is without it is turned down.
_CHOOSY = re.compile(r"^的[^，,。]{0,5}不(?:租|要|买|考虑|去|住|看|订|选|用|谈|签)")
_GET = re.compile(r"(?:约|抢|领|订|排|买|找|拿|等|收|报|赶|挂|摇|进)$")
_LEARNS = re.compile(r"[学练教记背]$")
_GET_TAIL = re.compile(r"^(?:到|上|着)")

_LOSS = (
    r"(?:错过|漏[掉了发]?|忘[了记掉]?|落下|落了|丢[了掉]?|弄丢|搞丢|耽误[了到]?|耽搁|少[了给发]|"
    r"缺[了席]?|取消|放弃|影响[了到]?|断[了掉]?|停[了掉]?|"
    r"浪费|白费|失去|误了|拖[到延]?|删[了掉]?|撤[了掉]?|关[了掉]?)"
)
_LOSING = re.compile(
    rf"(?:再|又|给我|把|轻易|随便|就这么|这样|因为.{{1,4}})*(?:(?:忘|漏|错过|耽误|耽搁|影响|失去|弄丢|"
    rf"搞丢|浪费|落下).{{0,9}}|{_LOSS}.{{0,4}})$"
)
_TAKEN = re.compile(r"把(?:我们?|咱|这个|那个|孩子|的|.{1,3}的)*$")
_LOST_BEHIND = re.compile(rf"^.{{0,4}}{_LOSS}")
_FEAR = re.compile(
    r"(?<![恐哪])(?:怕|担心|愁|可惜|遗憾|后悔|心疼|着急|急|亏了?)(?:的?是|我们?|到时候?|当时|当初|以后|后面|会|就)*$"
)
_FORE = re.compile(
    r"(?:什么|谁|哪[个家款种件]?|任何|啥|东西|事情?|人|别的|哪里|有|能|会|可以|更)*(?:比|能?代替|"
    r"能?替代|能?取代|像)[^，,。]{0,8}$|"
    r"(?:见|听|听说|用|吃|遇|碰|看|住|买|上|试|玩)(?:到|见)?过?(?:比.{1,4}更?|这么|那么|如此|这样)[^，,。]{1,6}$"
)
_FORE_BEHIND = re.compile(
    r"^.{0,6}(?:比得[上过了]|能比|可比|赶得上|及得上|更[^，,。]{1,4}的?|比[^，,。]{1,6}[好强高大多快便宜优全专])"
)

_IF = re.compile(r"(?:如果|要是|假如|假设|万一|倘若|若是?|哪怕|就算|即使|一旦|除非|只要)[^，,。！!？?]{0,6}$")
_ALL_THE_SAME = re.compile(
    r"^[^，,。！!？?；;]{0,8}也(?:想|要|买|行|可以|成|没关系|无所谓|去|报|能|会|没事|罢|罢了|就|"
    r"不要紧)"
)
_THE_CASE = re.compile(r"^[^，,。！!？?；;]{0,8}(?:的话|的情况下|的时候|的前提)")
_BEFORE = re.compile(r"^[^，,。！!？?；;\s]{0,6}(?:之前|以前|前(?![面台天后期几途者景]))")
_DECIDED = re.compile(r"^(?:了|啦|喽)(?!的话|怎么|会|就)")
_ONCE = re.compile(r"过")
_REQUEST = re.compile(
    r"(?<![不没])想(?!起|要?投诉)|能不能(?!别|不)|可不可以(?!别|不)|可以(?!不|别)|能否|可否|"
    r"(?<![不可])能(?![不否别力])|安排|帮[我忙]|申请|试一?[试下]|"
    r"体验一?下|参观|求|麻烦|有没有|怎么(?!又|还|老|总|给我打|给我发)|先[^不别没]|"
    r"流程|步骤|(?P<either>[^不没\W])[不没](?P=either)|(?:什么|啥)(?!都|也|的)|多少|哪(?![怕都])|几[个点天号次节]|吗|(?<![也都就很真还])\w(?:不|没)(?=[?？。]|$)|[?？]"
)
_EITHER = re.compile(
    r"^(?:你们?|您|店里|师傅|这)?(?:家|们|边)?(?:能|会|给|还|也)?(?P<deed>(?!是)[一-龥])[不没](?P=deed)"
)
# 从来没约过体检，你发错人了吧: what is asked is whether it was meant for somebody else.
_MISTAKEN = re.compile(r"[发搞打弄认找拨记寄扣算](?:错|混|岔)|串[号单]")
_RESIGNED = re.compile(r"^就(?:没有?|不)")


def wished(clauses: Clauses, left: int, right: int, cue: Cue, start: int, end: int) -> str:
    """Say why what a negation before it reaches is wanted or left open all the same; empty where it is denied."""
    text = clauses.text
    word, between = WORDS[cue[0]], text[cue[2] : start]
    head = text[max(left, cue[1] - _FAR) : cue[1]]
    close = text[end : min(right, end + _FAR)]
    if _kept(word, between, close):
        return KEPT
    if BITS[cue[0]] & BAN:
        return OBSTACLE if _CHOOSY.match(close) else ""
    if (
        word == "来不及"
        or (word == "不会" and _LEARNS.search(head))
        or _GOT.match(between)
        or (word == "不" and _GET.search(head) and _GET_TAIL.match(between))
    ):
        return TRIED
    if _FORE.match(between) or (between.startswith(("哪", "谁", "什么", "任何")) and _FORE_BEHIND.match(close)):
        return FOREMOST
    if _FEAR.search(head):
        return FEARED
    whole = clauses.around(clauses.sentences, start, end)
    wider = text[max(whole[0], cue[1] - _FAR) : cue[1]]
    plain = _PLAIN.match(word)
    if _UNTOLD.match(word + between) and _AT_THE_TIME.search(wider) and not is_own(head) and "我" not in wider:
        return COMPLAINED
    if plain and _complained(plain[1], head, wider, (plain[2] or "") + between, (text[start:end], close)):
        return COMPLAINED
    return _open(clauses, word, head, between, start, end, right) if not _DECIDED.match(close) else ""


def _kept(word: str, between: str, close: str) -> bool:
    """别忘了发票, 不想错过团购, 别把发票忘了."""
    if _LOSING.match(between) and not word.startswith(("先", "无", "非", "停", "取")):
        return True
    return _TAKEN.search(between) is not None and _LOST_BEHIND.match(close) is not None


def _complained(word: str, head: str, wider: str, between: str, told: tuple[str, str]) -> bool:
    """没人给我发课表, 怎么不退款: somebody else has left undone what the speaker waits for."""
    keyword, close = told
    if is_own(head) or _ASKED_OF.match(between) or between.endswith("给过"):
        return False
    if _WHY.search(wider) and not is_own(wider):
        return True
    if (_HANDED.search(between) and _HANDS_OVER.match(close)) or (_NOT_EVEN.search(head) and _SERVED.match(between)):
        return True
    if _FOR_ME.search(between) or _NOT_SEEN.match(between):
        return True
    said = between + keyword[:2] if between else keyword if _EVENT.match(keyword) else ""
    nobody = _NOBODY.match(between)
    if nobody:
        return _OWN_WILL.match(between + keyword, nobody.end()) is None
    impatient = _IMPATIENT.search(wider) is not None
    if word in ("不", "不来", "不能", "不会", "不可以", "不肯", "不愿", "不愿意"):
        return (impatient or head.endswith(("还", "老", "总", "偏"))) and _SERVED.match(said) is not None
    if _PROVIDER.search(head) and _SERVED.match(said):
        return True
    if impatient and (
        _SERVED_STRICTLY.match(between) or _SERVED_LONG.match(said) or (not between and _EVENT.match(keyword))
    ):
        return True
    return _MORE.match(word) is not None and _SERVED_STRICTLY.match(between) is not None


def _open(clauses: Clauses, word: str, head: str, between: str, start: int, end: int, part: int) -> str:
    """不给分期的话, 没试用之前, 不试听怎么知道: the denial is a condition, or stands in the way."""
    text = clauses.text
    right = clauses.around(clauses.sentences, start, end)[1]
    rest = text[end : min(right, end + _FAR)]
    later = text[end : end + _FAR + 10]
    if _ALL_THE_SAME.match(rest):
        return ""
    if _THE_CASE.match(rest) or _IF.search(head):
        return CONDITION
    if _NOT_YET.search(word) and (_BEFORE.match(rest) or (not between and not is_own(head) and _EITHER.match(rest))):
        return CONDITION
    if _NOT_YET.search(word) and is_own(head) and is_charged(rest):
        return ""
    if _NOT_YET.search(word) and (_ONCE.search(between) or rest.startswith("过")) and _REQUEST.search(later):
        return TRYING if _MISTAKEN.search(later) is None else ""
    if rest.startswith(("就没" + text[start:end], "就不" + text[start:end], "就没有" + text[start:end])):
        return ""
    if word.endswith("是") and not rest.startswith("的"):
        return ""
    if between.endswith("的"):
        return ""
    if between == "把" and word == "不" and len(rest) > SAYING:
        return OBSTACLE
    if is_obstacle(rest, later):
        return OBSTACLE
    return OBSTACLE if not is_own(head) and stands_in_the_way(text[end : min(part, end + _FAR)]) else ""
