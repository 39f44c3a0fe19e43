"""Everyday synonyms: words with which people ask for the same thing in any trade; a line is one meaning."""

from __future__ import annotations

from functools import cache

_SETS = """
怎么 如何 怎样 咋 怎么样 怎么弄 怎么办 咋办 咋弄 怎么才能 哪样
为什么 为啥 为何 怎么回事 什么原因 咋回事 干嘛 凭什么 原因
吗 么 不 嘛
可以 能 能不能 可不可以 能否 可否 行不行 行 是否 是不是 允许
多少 几 多大 多高
多久 多长时间 几天 何时 什么时候 几时 啥时候 多长 多少天 哪天 几号
哪里 哪儿 在哪 什么地方 何处 哪个地方
什么 啥 哪些 哪个
还款 还钱 还 偿还 归还 还清 结清
借款 贷款 借钱 借 贷 借贷
钱 款 资金 金额 款项 现金
价格 价钱 费用 收费 费 手续费 服务费 学费
便宜 优惠 打折 折扣 划算 实惠
利息 利率 日利率
关闭 取消 停用 关掉 关 停掉 停止 停 注销 销户 解除 撤销 解绑 终止
开通 打开 启用 开启 开 激活 办理 办 申请 报名
更换 换 修改 改 变更 更新 更改 换成 改成
提前 提早 早
逾期 过期 到期 晚还 超期 延迟
额度 限额 可用额度 信用额度
提额 提升 提高 增加 涨 升 上调
降低 降额 减少 下降 变少 降 少 下调
查 查询 查看 看 看到 查到 找到 了解
收到 到账 到 入账
银行卡 卡 储蓄卡 借记卡
手机号 号码 手机号码 电话号码 手机 电话 联系方式
账户 账号 号 帐号 帐户
失败 不成功 没成功 不了 不能 无法 没法 不上 用不了 没通过 通不过 被拒 拒绝
没有 没 无 未
使用 用
付款 支付 结账 付钱 付 刷 消费 花
扣款 扣钱 扣 划扣
自动 自己 系统
退款 退货 退 退回 退还
客服 人工 人工客服 真人
优惠券 红包 券 免息券
显示 提示 说 出现
为 替 代 帮
别人 他人 朋友 其他人 对方
需要 要 得 必须
资料 材料 证件 文件
一直 老是 总是 总 老 一再
突然 忽然 一下子
恢复 解冻 解锁
冻结 锁住 锁 封 限制
征信 信用 信用记录
买 购买 购
卖 赎回 取出 取出来 提现 取
收益 利润 赚
亏 亏损 跌
告诉 告知 通知 提醒
发票 票
合同 协议
快递 物流 发货 寄 寄出
地址 位置 地方
附近 周边 周围 旁边
推荐 介绍 建议
老师 讲师 教练
课 课程 班
孩子 小孩 宝宝 娃
"""

_SLIGHT = """
的 了 我 你 您 请问 请 呢 啊 呀 吧 哦 就 都 也 这 那 是 把 给 在 和 与 里 上 个 一个 想 我的 你好 下 一下 现在
"""

SLIGHT = frozenset(_SLIGHT.split())
"""Words that say little of what is meant."""


@cache
def meanings() -> dict[str, str]:
    """Each word with the first word of its line; a word of two lines belongs to the first."""
    found: dict[str, str] = {}
    for line in _SETS.split("\n"):
        words = line.split()
        for word in words:
            found.setdefault(word, words[0])
    return found
