"""Refusals behind a word, and what they are about: 年卡到期了，不续了, but 孩子发烧，不去了 is about no child."""

from __future__ import annotations

import re
from typing import Final

from taggers.clause import ASK, BAN, BITS, DISMISS, FAR, LACK, LATER, NOT, WHAT, WORDS, Bounds, Clauses

BEHIND: Final = "后面有 {word}"
NEXT: Final = "后一句「{word}」推掉的就是它"
OTHERS: Final = "后面「{word}」推掉的是别的"
REASON: Final = "后一句「{word}」推掉的不是它"
WORDINGS: Final = (BEHIND, NEXT, OTHERS, REASON)

_WITHIN = 6
_WITHIN_TOPIC = 14
_REST = 4
_CLAUSES_ON = 3
_ASIDE = 10
_LONGEST = 40
"""Characters of a clause that may hold a refusal; longer ones are not looked at, so that none costs much."""
_HEAD = 12
_SLIP = ("错", "漏", "晚", "忘", "丢", "偏")

_SLIPPED = re.compile(
    r"(?:不小心|误|手滑|手抖|手误|点错|按错|自动|被|系统|你们|您们?|客服|老师|店家|商家|怎么|谁|莫名)[^，]{0,8}$"
)

_OTHERS = re.compile(r"别的|别家|其他|其它|另外|另一|别处|别人家|他家|旁的|剩下|其余|多余|人家")
_DO = (
    r"参加|考虑|需要|升级|预约|报名|体验|试驾|试听|续费|折腾|装修|要求|"
    r"[去来买学报约看做办弄订要租住练上续请用玩试听交付退改装拿喝吃下定加开签贷走逛拍打搞充读养分插带陪换搬洗修种染剪印存考招骑爬唱跳画刷铺贴录养穿戴补整跟雇聘打]"
)
_TALK = (
    r"打电话|发消息|发短信|推销|打扰|骚扰|烦我|催|介绍|推(?:荐|送)?|联系|提醒|安排|通知|解释|联络|费心|"
    r"操心|[说讲聊谈问提发寄送]"
)
_END = (
    r"(?:(?:一下|给我|我们?|了|啦|喽|咯|吧|哈|啊|呀|哦|呢|嘛|的|哒|先|过|谢谢|谢了|谢|感谢|您|你们?|"
    r"亲|费心|这次|暂时|它|[他她]|这个|那个|那么|这么|去|看|来|说|先生|老师|有事|没空|没时间|忙|表|图|"
    r"视频|语音|微信|电话|"
    r"消息|资料|信息))*+"
)
_NO = (
    r"(?:暂时|再也|实在|就|也|都|真|先|还是)?"
    r"(?:(?:不用|不必|不需要?|不要|无需|无须|别|甭|不再|不打算|不准备|不想要?|懒得|没必要|没打算|"
    r"不麻烦|不劳烦?|用不着)"
    rf"(?:再|去|来|给我们?|跟我们?|帮我们?|您|你们?|麻烦|特意|专门|急着|天天|老|一直|总|多|跟|和|"
    rf"对)*(?P<verb>{_DO}|{_TALK})*|"
    rf"不(?:再|去|来|在(?:你|您)们?(?:这里?|家|那里?)|跟你们?|想|愿意?|打算)*(?P<bare>{_DO}|"
    rf"[^\W好错是对够行贵急知懂疼痛舒难便高大小多少不会能算得着到完起动见过像值容易熟稳准住着太很怎](?=了)))"
)
_WHEN = (
    r"(?:改天|改日|改次|回头|以后|之后|下次|下回|下周.?|下星期.?|下礼拜.?|下个?月|下学期|下半?年|下个?季度?|年底|开春|[春秋夏冬]天|[寒暑]假|放假|春节|国庆|明年|年后|节后|"
    r"过段时间|过一段|过一阵子?|过阵子?|过几天|过两天|晚点|晚些|到时候?|有(?:空|时间|机会|需要|需求|条件|钱)(?:了|的话|的?时候?)?|"
    r"哪天|将来|日后|往后|月底|过[^，,。完]{1,4}|等[^，,。]{1,8})"
)
_PUT_OFF = (
    rf"(?:{_WHEN}(?:{_WHEN})?再(?:说|聊|谈|看|约|弄|做|考虑|联系|议|讲|去|来|定|报|买|办|商量|研究|安排|细说|琢磨|想|打算|操心|折腾|租|装|换|学|练|上|交|拍|修|决定|咨询|问|选|搬)?|"
    rf"{_WHEN}(?=吧)|再说(?=吧|$|了)|再议|"
    r"先?(?:放一?放|放着|搁一?搁|搁着|搁置|[撂晾]一?[撂晾]|[撂晾]着|缓一?缓|缓着|停一?停|停着|停了?|等一?等)(?:再说)?|暂缓|"
    r"暂停|就?当我没[问说提]过?|(?:改天|改日|回头|以后|有空)我们?(?:再|自己|去|过[来去])[^，,。]{0,6}|往后[放推拖挪压]一?[放推拖挪压]?|"
    r"算了|拉倒|免了|省了|用不[到上]|[^，,。]{1,5}[完好了后]再(?:说|找|联系|看|聊|谈|考虑|议|约|叫|喊|麻烦)(?:您|你)?们?|没兴趣|不感兴趣|没有兴趣|不关心|无所谓|取消|作罢|先不|暂不|不着?急|不忙|"
    r"打消(?:了|这个)*念头|没有?[^，]{1,3}的(?:必要|意义|需要)|没(?:有|啥|什么|太大|多大|任何|这个|这)*(?:兴趣|想法|打算|计划|需求|必要|意向|念头|意愿)|"
    r"[去来上做赶约到报学用买]不(?:了|成|过去)|放弃|pass|(?:已经)?(?<!不)(?:在|找|选|报|买|订|定|换|签|"
    r"去)了?(?:别家|别处|别的店|其他家|隔壁)[家店]?了?[买报订定做学办]?|没(?:这个|这|那个|那|"
    r"多余的?)?(?:预算|闲钱|精力|条件)|参加不(?:了|成))"
)
_REFUSAL = re.compile(rf"(?P<said>{_NO}|(?:就|先|还是|也|都)?{_PUT_OFF}){_END}$")
_LEAD = re.compile(
    r"(?:那么?|就|(?:你|您)们?(?:这|家|那)?(?:边|里|儿)?|所以|但是?|可是?|不过|还是|因此|于是|我们?|"
    r"咱们?|俺们?|现在|暂时|这次|先|真的?|实在|"
    r"也|可能|今天|今年|以后|往后|今后|果断|直接|只好|只能|这个月|这周|最近|应该|估计|"
    r"决定|想了想|最后|结果|后来|(?:老公|老婆|家里人?|孩子|娃|宝宝|爸|妈|他|她)+(?:们?说|也说)?|算了|"
    r"临时有点?事|有点?事|嗯|哦|唉|哎|干脆|索性|干脆就|反正|对不起|抱歉|不好意思|谢谢)*"
)

_PAST = re.compile(
    r"(?:本来|原来|原本|原先|之前|先前|上次|上周|前几天|早先)[^，,。]{0,4}(?:想|打算|要|约|定|报|准备|"
    r"说|计划|预约)[^，,。]{0,4}$"
)
_TOPIC = re.compile(
    r"(?:我们?|你们?|您|咱们?|俺|那|这|之前|上次|刚才|周末|明天|后天|今天|昨天|晚上|早上|下午|上午|"
    r"下?周.|[\d一二三四五六七八九十两]+[月日号点天个]?|"
    r"[想思][来前]想[去后]|[看比挑]来[看比挑]去|(?:考虑|琢磨|商量|合计|寻思)(?:再三|来去|半天|下来|过了?|了(?:一下|半天|很久)?)|"
    r"家|店里?|公司|的|个|期|场|批|张|套|款|次|节|台|辆|种|份|些|件|关于|至于|对于?|还有|对了|先|就|这边|"
    r"那边|啊|嗯|哦|好|谢谢|亲|老师|姐|哥|[^我要想帮给求不没别]{1,6}的|"
    r"[^我要想帮给求不没别说是有在太很好因把来]{1,4}$)*"
)
_BARE = re.compile(
    r"(?:的?事儿?情?|这事儿?|那事儿?|的|那个|这个|这块|那块|那边|这边|这里|那里|方面|项目|课程?|卡|"
    r"名额|活动|这种|那种|的话|嘛|呢|啊|吧|哈|呀|么|什么的|啥的|之类的?|就|也|我们?|咱|俺|都)*"
)
_LEFT_TO_ME = re.compile(
    r"自己|家里|朋友|亲戚|别人|有了|有过|够了|已经有|找[了到]|有人|在别|我妈|老公|都有|留着|"
    r"[定订选请][了好]|找好|买[了过好]|报了别|办[了过好]|装[了过好]"
)
_KNOWN = re.compile(
    r"知道|清楚|了解|有[谱数底]|打听[过好]|问过|比过|有数|明白|晓得|门儿?清|一清二楚|看[过完懂]|听[过完懂]|懂|熟"
)
_SETTLED = re.compile(
    r"发[我来给一]|给我|给到|改[到成]|换[成到]|安排上|就行|即可|喜欢|挺好|不错|很好|靠谱|满意|收到|"
    r"多少|怎么|什么(?!的)|啥(?!的)|几|哪|吗|好不好|行不行|能不能|可不可以|"
    r"有没有|成功|看中|选好|选中|敲定|谈妥|定了|我要|我想(?![了过一])|帮我|还[想要是]"
)
_HESITATED = re.compile(r"^(?:的?事|嘛|呢|啊|吧|我们?|还是|先|得|要|想)*再?(?:考虑|想|看|等|商量|琢磨|比较?|斟酌)")
# 家里已经有空调, 我买过保险: who has it needs to hear no more of it.
_HAVING = re.compile(
    r"(?:我们?|咱们?|家里|家|公司|单位|店里|已经?|早就|都|之前|去年|今年|刚|自己)*(?:有|买|办|报|装|订|定|签|做|上)[了过]?"
)
_DONE = re.compile(r"[完好过]了$")

# Never what is refused by not going, renewing or buying: circumstances, people, and how things are.
_REASON = re.compile(
    r"(?:[太很好有真][点些]?.{1,3}|没.+|不.+|.[不没].+|.*(?:价|价格|价钱|价位|钱|贵|便宜|费用|学费|房租|报名费|"
    r"手续费|时间|效果|质量|音质|画质|水质|材质|品质|做工|手感|口感|款式|尺寸|颜色|[^，]{1,2}[率度]|续航|噪声|甲醛|态度|位置|地址|地点|距离|路|交通|环境|口碑|评价|味|味道|声|声音|噪音|服务|"
    r"停车|卫生|天气|物业|管理|"
    r"孩子|宝宝|娃|宝贝|老公|老婆|妈妈?|爸爸?|婆婆|公公|家人|朋友|同事|领导|老师|客服|销售|加班|出差|"
    r"发烧|生病|感冒|怀孕|过敏|疫情|下雨|堵车|搬家|考试|离职|失业|"
    r"涨价|忙|累|远|烦|难|慢|差|坑|晚|高|少|小|大|投诉|差评|退款|退费|退钱|退货|退卡|退房|退课|退押金|"
    r"退定金|退票|骗子?|骗人|联系|电话|微信|链接|态度))"
)
_EVENT = (
    r"课|课程|班|营|团|活动|讲座|沙龙|体验|试听|试驾|看房|参观|游|旅游|旅行|展|会|培训|健身|瑜伽|"
    r"普拉提|舞|面诊|面试|产检|体测|体检|项目|疗程|护理|医美|美容|"
    r"保养|训练|店|馆|中心|会所|房|行程|景点|酒店|套餐|祛斑|早教|胎教|预约|报名|约|报班|陪练|游泳|"
    r"拓展|比赛|聚会|房展|到店|上门|见面|签约|复诊|复查|拍照|照|卡|疫苗|针|手术|家教|社|局|营|赛|演出|"
    r"电影|年会|爬山|露营"
)
_PERSON = r"嫂|阿姨|保姆|教练|导游|私教|顾问|老师|师|员|工|律师|家教|助理"
_CLASSES: Final = {
    verb: re.compile(rf".*(?:{ending})$")
    for verbs, ending in (
        ("去来上学练听参玩走逛", _EVENT),
        ("请", _PERSON),
        ("体试", _EVENT),
        (
            "住租",
            r"房|屋|公寓|酒店|民宿|套|间|室|小区|楼|宿舍|中心|会所|床位|车|店|宝|器|机|服|婚纱|伞|琴|柜|箱|设备|场地|位",
        ),
    )
    for verb in verbs
}
_REFUSES = DISMISS | NOT | BAN | LATER
_COMPLEMENTS = frozenset("去来上下住开走定")
_BEFORE_VERB = frozenset("我们你就也都先再还是说人真在时了呢嘛啊吧的事课卡")
_NOT_REACHED = frozenset(("不来", "不去", "不了", "不到", "不上"))
_REACHING = frozenset("下出进上过回起拿办批签提取领收弄通抽划刷打")
_LIGHT = frozenset("要用去来说不再先就给您你")


def is_slip(head: str) -> bool:
    """Recognise 不小心取消了, 被你们取消了, in which nobody wanted to cancel, by what stands before the word."""
    return _SLIPPED.search(head) is not None


def refused(clauses: Clauses, left: int, right: int, start: int, end: int) -> tuple[bool, str]:
    """Tell whether a word is refused by what stands behind it, in its clause or in one of the next, and why (not)."""
    if not _may_refuse(clauses, end):
        return False, ""
    found, word = _close(clauses, right, end)
    if found is not None:
        return found, (BEHIND if found else OTHERS).format(word=word) if word else ""
    found, word = _in_clause(clauses, left, right, start, end)
    if found is not None:
        return found, (BEHIND if found else OTHERS).format(word=word) if word else ""
    found, word = _in_next(clauses, (left, right), start, end)
    if found is not None:
        return found, (NEXT if found else REASON).format(word=word)
    return False, ""


def _may_refuse(clauses: Clauses, end: int) -> bool:
    """Look whether anything behind may refuse at all, before the costly looks."""
    for key, begin, _ in reversed(clauses.between(end, end + FAR)):
        if begin < end:
            break
        if BITS[key] & _REFUSES and begin < end + FAR:
            return True
    return "再" in clauses.text[end : end + FAR]


def _close(clauses: Clauses, right: int, end: int) -> tuple[bool | None, str]:
    """Find 价格就不用说了: a refusal close behind, in a clause that does not ask."""
    text = clauses.text
    limit = min(right, end + _WITHIN)
    for key, begin, stop in clauses.between(end, limit):
        if begin < end:
            continue
        if begin >= limit:
            break
        bits = BITS[key]
        if WORDS[key] in _NOT_REACHED and begin > end and text[begin - 1] in _REACHING:
            return None, ""  # 签证下不来 is trouble with it
        if bits & DISMISS and not clauses.either_or(begin, 0):
            rest = text[stop:right]
            if rest.startswith(_SLIP) or (WORDS[key] == "取消" and is_slip(text[max(0, begin - FAR) : begin])):
                return False, ""
            if _OTHERS.search(text, end, min(right, end + FAR)):
                return False, WORDS[key]
            if clauses.marked(right) or rest.endswith(("吗", "么", "嘛")):
                return False, ""
            if _SETTLED.search(text, end, begin):
                return None, ""
            whole = _REFUSAL.match(text, begin, right)
            if len(rest) <= _REST and (whole or len(rest) <= 1 or rest[-1] in "了吧哈啊的"):
                return (True, WORDS[key]) if whole or not _object(rest) else (False, WORDS[key])
            return None, ""
        if bits & (WHAT | LACK):
            return False, ""
        if bits & (NOT | BAN | ASK):
            return None, ""
    return None, ""


def _object(rest: str) -> bool:
    """不用|全款了 refuses what is named there."""
    return re.fullmatch(rf"(?:{_DO}|{_TALK}|再|给|跟|一|下|个|多)*{_END}", rest) is None


def _in_clause(clauses: Clauses, left: int, right: int, start: int, end: int) -> tuple[bool | None, str]:
    """月嫂家里人能帮忙就不请了: a refusal at the end of the clause that has the word for its topic."""
    text = clauses.text
    if clauses.marked(right) or text.endswith(("吗", "么"), end, right):
        return None, ""
    if right - end > _LONGEST:
        return None, ""
    matched = _REFUSAL.search(text, end, right)
    if matched is None or matched.start() > end + _WITHIN_TOPIC or clauses.either_or(matched.start(), 0):
        return None, ""
    if matched.start() > end and _complement(text[matched.start() - 1], matched):
        return None, ""
    between = text[end : matched.start()]
    if _OTHERS.search(between):
        return False, matched["said"]
    if ("的话" in between and _BARE.fullmatch(between) is None) or _SETTLED.search(between):
        return None, ""
    concerned = _concerns(text[left:start], text[start:end], between, matched)
    return (True, matched["said"]) if concerned else (None, "")


def _complement(before: str, matched: re.Match[str]) -> bool:
    """收不住, 走不开: what a verb cannot reach, and no refusal."""
    return (matched["bare"] or "")[:1] in _COMPLEMENTS and matched["said"][0] == "不" and before not in _BEFORE_VERB


def _in_next(clauses: Clauses, part: Bounds, start: int, end: int) -> tuple[bool | None, str]:
    """年卡到期了，不续了: a clause that only refuses, the next one or the one after a reason."""
    text = clauses.text
    left, right = part
    topic = text[end : min(right, end + FAR)]
    echoed = _BARE.fullmatch(topic) is not None and _TOPIC.fullmatch(text[left:start]) is not None  # 年卡？不办
    if (clauses.marked(right) and not echoed) or _SETTLED.search(topic):
        return None, ""
    for begin, stop in clauses.following(right, _CLAUSES_ON):
        if stop - begin > _LONGEST or clauses.marked(stop) or text.endswith(("吗", "么"), begin, stop):
            return None, ""
        lead = _LEAD.match(text, begin, stop)
        matched = _REFUSAL.match(text, lead.end() if lead else begin, stop) or _REFUSAL.match(text, begin, stop)
        if matched is not None:
            return _concerns(text[left:start], text[start:end], topic, matched), matched["said"]
        if stop - begin > _ASIDE or _SETTLED.search(text[begin:stop]) or _REFUSAL.search(text, begin, stop):
            return None, ""
    return None, ""


def _concerns(head: str, keyword: str, rest: str, matched: re.Match[str]) -> bool:
    """Judge whether a refusal is about the word: it must be the topic, and of a kind that the verb refuses."""
    past = _PAST.search(head[-FAR:]) is not None
    talked = re.fullmatch(_TALK, matched["verb"] or matched["bare"] or "") is not None
    if talked and (_HAVING.fullmatch(head) or (_HESITATED.match(rest) and _TOPIC.fullmatch(head[-FAR:]))):
        return True
    if not past and (len(head) > _HEAD or _TOPIC.fullmatch(head) is None):
        return False
    verb = matched["verb"] or matched["bare"] or ""
    if (
        "再" in matched["said"]
        and verb
        and _DONE.search(rest)
        and not (_KNOWN.search(rest) or _LEFT_TO_ME.search(rest))
    ):
        return False
    bare = len(rest) <= _HEAD and _BARE.fullmatch(rest) is not None
    if talked:
        if _KNOWN.search(rest):
            return True
        if _REASON.fullmatch(keyword) and not bare:
            return False
        return bare or (verb != "提醒" and _LEFT_TO_ME.search(rest) is not None)
    if _REASON.fullmatch(keyword) or (rest in ("了", "啦", "过") and not past):
        return False
    if verb and verb[0] not in _LIGHT and keyword.startswith(verb[0]):
        return True
    kind = _CLASSES.get(verb[:1])
    return kind is None or kind.fullmatch(keyword) is not None
