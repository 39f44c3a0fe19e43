"""Consequences: what a lack leads to (不试听|怎么知道, 没保温箱|蛋糕全化了), by which it turns out to be wanted."""

from __future__ import annotations

import re

from taggers.trouble import reports_trouble

# What cannot go on without it. 怎么办 and 怎么去 ask for a way without it and leave the denial.
_HOW = re.compile(
    r"^[^，,。！!？?；;\n]{0,10}?(?:(?:怎么|怎样|咋|如何)(?!办|去|走|来|到|样|回)[^，,。]|哪敢|哪能|"
    r"哪会|能[^，,。]{0,4}(?:打?赢|治?好|成|过|学会|考上|住|见效|管用|恢复|懂|瘦)(?:吗|么|不|嘛)|谁(?:还)?[敢会能愿来买要用信付交报签租去帮干做管肯接卖给]|找谁|跟谁|问谁|凭啥|凭什么|拿什么)"
)
_WAY = re.compile(
    r"^[^，,。！!？?；;\n]{0,12}?(?:没法|无法|没办法|不敢|不(?:太|怎么)?放心|没[底谱数]|不踏实|不安心|"
    r"发[虚慌怵]|心[虚慌]|打鼓|拿不准|不(?:知道|清楚|明白|确定)|不好(?:决定|判断|选|说|弄|办|交代)|"
    r"难(?:决定|以|受|选|办)|"
    r"很难|麻烦了?$|就麻烦|受不了|白[买来搭花学跑等不]|等于|还得|只能|只好|只得|岂不|会被|要被|"
    r"会(?:不会|影响|耽误|出事|后悔|扣)|得(?:不行|慌|难受|要命|很)|"
    r"[^不没]不(?:到|着|了|动|去|来|上|下|起|成|住|完|开|懂|清|稳|惯|够|准)(?!了?解)|不(?:过|出)来|"
    r"不行(?:[啊呀的呢吧]|$)|吃亏|有?点悬|太悬|亏|不靠谱|冒险|有风险|草率|不值|过不[了去]|没意义|"
    r"没意思|算什么|犹豫|纠结)"
)
_NEXT = re.compile(
    r"^[，,\s]?(?:我|我们|咱|谁|心里|这|那)?(?:真|实在|可|也|都|就|肯定)?(?:(?:怎么|咋|哪)(?:知道|"
    r"决定|判断|选|放心|敢|能|会|买|定|下单|付|签|相信|比|报|好意思)|"
    r"没法|无法|不敢|不放心|没底|不踏实|不安心|谁敢|难(?:决定|办)|没办法)"
)
_THEN = re.compile(
    r"^(?:的)?[^，,。！!？?；;\n]{0,8}?就(?:要|得|只|去|真|直接|先|肯定|会|可能|可以?)*(?:换|退|投诉|"
    r"举报|差评|老|总|容易|会|一直|算了|走|不|没|别|找别|找其|麻烦|完|白|只能|只好|得|等|亏|取消|放弃|"
    r"维权|闹|报警|曝光)"
)
_REFUSED_US = re.compile(
    r"^(?!(?:也|又|还|但|可是|而且|不过|所以|因为))[^，,。！!？?；;\n不没]{1,6}(?:都|也|就|是不是|"
    r"会不会)?(?<![能会愿敢可让准])不(?:让|给|肯|同意|准|许|认|批|敢|能|愿|收|放)"
)
_TOO = re.compile(
    r"^[^，,。！!？?；;\n了]{0,6}太(?:折腾|麻烦|累|难|不|贵|慢|热|冷|吵|远|危险|费|坑|亏|折磨|辛苦|遭罪|受罪|耽误)|^[^，,。！!？?；;\n了我也又但]{2,6}太[一-龥]|^[^，,。！!？?；;\n]{0,6}[冷热累饿困渴急吓丑挤吵闷臭麻疼气难](?:死|坏|惨|疯|哭)"
)
_SOON = re.compile(
    r"^(?!(?:也|又|还|但|可是|而且|不过|所以|因为))[^，,。！!？?；;\n]{0,6}就(?!问|看|想|只|是|当|这|"
    r"行|好|可以|成|得了|说|聊|直接|去|来)[^，,。]{1,6}了$|^我就(?:去|找|上).{1,5}"
)
_DEMAND = re.compile(
    r"^(?:的[^，,。\s]{0,4}|(?:带着?|陪着?|跟着|看着|盯着|在)?(?:我们?|咱|俺|谁|人家|我家|我老公|"
    r"我老婆|我妈))(?:可|真|是|都|就|也|一律|肯定|绝对|坚决)*(?:不|没|别|免谈|拒绝)|"
    r"^(?:坚决|绝对|我可|可|肯定)?(?:是不是|会不会)?(?:不(?:买|报|签|付|定|租|考虑|敢|放心|交|下单|"
    r"开单|成交|谈|给|让|能|准|收|放|批|办|接)|没[法人])(?!.{0,3}了$)"
)

# 不提前锁舱月底又没位置了, 没车间照片我信不过, 不包安装那我要考虑考虑: what it leads to.
_LEAVES = re.compile(
    r"^(?:那|的?话)?(?:[^，,。！!？?；;\n不没]{1,8}?)?(?:又|就|全|都|早|只)+(?:该|要|会)?(?:没有?|[^，,。不没]{0,3}(?:废|完蛋|白费|泡汤|凉|黄|砸|乱|晚|来不及|耽误|浪费|没了))[^，,。]{0,6}了?$|"
    r"^那?我们?(?:可|真|就|还是|得|要|也)*(?:[信懂学听做干忍熬撑活过睡吃玩看记弄搞交]不(?!要|用|想|需|去|买)|(?:得|要|再|还得)(?:考虑|想想|掂量|看看别|比比|换|找别)|不(?:踏实|信|认|服|干|依|走|罢休|甘心))|"
    r"^我?(?:就|老|总|真)?(?:怕|担心|害怕)(?:孩子|宝宝|娃|老人|[爸妈他她它人]|老公|老婆|客户|邻居|到时|以后|万一|半路|路上|家里|后面)|"
    r"^(?![我咱那也就])[^，,。不没]{1,6}会(?![员计议所馆场])[^，,。不没吗么]{2,}$|"
    r"^[^，,。]{0,4}(?:这事|咱们?|我们?)(?:就|可)?没完"
)
# 不保养油耗越来越高: it grows worse, unless what grows is good.
_GROWS = re.compile(
    r"^(?!(?:也|又|还|但|可是|而且|不过|所以|因为|倒|反))[^，,。！!？?；;\n我咱了]{1,6}?(?:只?会|只能)?"
    r"(?:越来越|越[一-龥]越)(?!好|熟|顺|懂|香|棒|强|美|漂亮|轻松|自[信由在]|开心|健康|聪明|便宜|省|稳|喜欢|满意|习惯|值|精)"
)
# 不续费数据就清空了对吧: a consequence that one has confirmed, while 不交就可以了对吧 asks to go without.
_CONFIRMED = re.compile(
    r"^(?!(?:也|又|还|但|可是|而且|不过|所以|因为|了))[^，,。！!？?；;\n我咱]{1,8}?就"
    r"(?!可以|行|好|成|得|没[事关问]|够|省|便宜|问|看|想|当|这)[^，,。！!？?；;\n]{1,8}了(?:是|对)(?:吧|吗|么|不是|不对)$"
)
# 我没续费怎么扣我钱: it was not done, and is charged for as if it were.
_CHARGED = re.compile(
    r"^[^，,。！!？?；;\n]{0,6}(?:怎么|怎样|咋|凭什么|凭啥|为什么|为啥|干嘛|干吗)(?:就|还|又|也|都|会|要|老|总|一直|给|向|跟|往|把|我们?|咱们?|俺们?)*"
    r"(?:扣|收(?!到)|催|算|划|计费|计入|显示|出账|欠|生成|变成|多[出了]|自动|开通|发[^，,。？?]{0,4}(?:短信|通知|账单|提醒))"
)
_CHECKING = ("是吧", "对吧", "是吗", "对吗", "是么", "对么", "是不是", "对不对")
SAYING = 3
"""Characters of what follows that can say something by themselves."""


def is_charged(rest: str) -> bool:
    """我没续费怎么扣我钱: what one has not done is held against one, and nothing is wanted."""
    return _CHARGED.match(rest) is not None


def is_obstacle(rest: str, later: str) -> bool:
    """不试听怎么知道, 不签合同我没法交代: nothing goes on without it.

    rest: what follows to the end of the sentence; later: what follows beyond it as well.
    """
    return bool(_HOW.match(rest) or _WAY.match(rest) or _THEN.match(rest) or _NEXT.match(later))


def stands_in_the_way(rest: str) -> bool:
    """没有发票公司不给报, 不打蜡车漆很快就废了: what follows from it in the same breath is bad."""
    return (
        _LEAVES.match(rest) is not None
        or (len(rest) >= SAYING and reports_trouble(rest))
        or _DEMAND.match(rest) is not None
        or _TOO.match(rest) is not None
        or _REFUSED_US.match(rest) is not None
        or _SOON.match(rest) is not None
        or ("越" in rest and _GROWS.match(rest) is not None)
        or (rest.endswith(_CHECKING) and _CONFIRMED.match(rest) is not None)
    )
