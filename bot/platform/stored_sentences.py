"""Makes sentences that the database stores as finished text translatable again, by matching them to their wordings.

Every wording that is written into a row must be listed here. Old rows may hold others; these stay untranslated.
"""

from __future__ import annotations

from bot.wecom.errors import ADVICE
from taggers.reasons import WORDINGS
from taggers.translatable import reread

STORED_WORDINGS = (
    # why words are suggested
    "客户问「{words}」",
    # why a prompt was postponed
    "非工作时间",
    "周末顺延",
    "假期顺延",
    "假期顺延（{name}）",
    "元旦",
    "春节",
    "清明节",
    "劳动节",
    "端午节",
    "国庆节",
    "中秋节",
    "抗战胜利纪念日",
    "免打扰时段",
    "错峰",
    "排在上一步之后",
    "这一天的钟点已过",
    "员工推迟",
    "客户交接",
    "超出频次（{rate}）",
    "每天最多 {n} 次",
    "每周最多 {n} 次",
    "员工正在和客户聊",
    "刚提醒过这位员工",
    "等到可以提醒时已过有效期（{why}）",
    "员工已经说过同样的话",
    "错过了提醒时间",
    "客户本月收到的群发已到上限，改为卡片",
    "同一次群发里有客户不再需要",
    # why a prompt, a mass message, an enrolment or a file ended
    "客户已回复",
    "客户已删除员工或员工已离开",
    "客户已流失",
    "客户已进入其他阶段",
    "客户表示不想再收到消息",
    "客户已成交",
    "客户带上了标签「{name}」",
    "客户下了订单",
    "客户退了款",
    "别的系统说的事",
    "买了「{name}」",
    "退了「{name}」",
    "发生了「{name}」",
    "人工停止",
    "全部完成",
    "员工未在有效期内发送",
    "客户已交给别的员工",
    "接手老客户，不再按新客户跟进",
    "员工认为不合适：{reason}",
    "客户都已不需要",
    "企业微信没有接受：不是这位员工的好友",
    "有客户不再需要，已撤回并为其余客户重新发起",
    "客户都已不需要，已撤回",
    "企业微信给出了未收录的结果（{status}），不知是否送达",
    "员工确认后，企业微信一直没有给出结果",
    "客户已不是这位员工的好友，群发没有送达",
    "客户收到的群发已到企业微信的上限，没有送达",
    "{why}；但员工此前已确认群发",
    "没能在有效期内发起群发",
    "上次发送中断，不知是否已送达；时限已过，不再发送",
    "上次发送中断，不知是否已送达；为免重复不再发送",
    "上次发送中断，不知员工是否已收到",
    "程序出错：{why}",
    "超过了时限，没有发出",
    "恢复了备份：此前到期的可能已经提醒过，不再重复",
    "下一步已经到了，这一步不用再发",
    "客户正等着答复，先答复",
    "客户还有一步没有做完",
    "这一步已从跟进里去掉",
    "那次移动已撤销",
    "一位客户被删除，请重新运行",
    "文件 {n} MB，超过 [media] max_mb",
    "企业微信已不再保存这个文件（超过保存期）",
    # why a card moved, a tag was added or removed
    "客户 {n} 天没有说话",
    "{who} 撤销了「{stage}」→「{back}」",
    "{who} 在看板上移动",
    "{who} 在手机上改了标签",
    "{who} 让应用移动",
    "{who} 手工添加",
    "{who} 取消",
    "{who} 批量添加",
    "{who} 撤销批量添加",
    "{who} 批量取消",
    # why a deed on many customers failed for one, or could not be undone
    "标签已经不在了",
    "标签这期间本来也到期了",
    "标签已经又有了",
    "之前不在这个流程里，没有可以退回的阶段",
    "资料这期间又改过了",
    "已经不是您能看到的客户",
    "没有做成，请稍后在客户页上再试",
    "到期",
    "同组互斥：{tag}",
    "手机上改成了「{stage}」",
    # alarms, reasons for held calls, reasons for quarantine
    "会话存档落后了 {n} 小时，企业微信只保存几天，过期就永远没有了："
    "运行 flask status 看原因（worker 与 scheduler 是否在运行、网络、WECOM_ARCHIVE_SECRET、可信 IP）",
    "有 {n} 天没有读过会话存档，超过了企业微信的保存期，这期间较早的消息可能已经没有了：见 flask status",
    "有 {n} 个企业微信事件没有处理成，其中的客户可能没有接进来："
    "看日志里的原因，改好后运行 flask given-up retry，或在「设置 → 没处理成」里点「再处理一遍」",
    "{what}（{at} 生效）",
    "队列里出现了不是本系统放进去的任务，已拒绝执行（共 {n} 次）：有别人能写 Redis。"
    "请换掉它的密码，并只让本系统的机器连得上它",
    "操作日志从 {n} 号起对不上：有人改过或删过记录，请立刻与备份核对",
    "操作日志：{file} 里有被改动过的行，请立刻与备份核对",
    "操作日志：{file} 不见了或被清空，日志有没有被截短已无从核对，请从备份放回它",
    "操作日志被清空、截短或换成了旧的：记下过 {n} 号，数据库里没有，请立刻与备份核对",
    "查阅记录 {views} 被改动或删除过，请立刻与备份核对",
    # why a row of the archive is in quarantine
    "seq 跳得离谱（从 {after} 到 {seq}）：没有跟过去，后面的照常读取",
    "msgid 出现过，而这次内容不同：可能被编辑过，也可能是伪造的，没有采用",
    "有 {n} 位客户还没有删完，会一直重试；原因见 flask privacy erasures",
    "磁盘只剩 {n} MB：会话文件、回测和搜索索引暂停，消息和提醒照常。请清理磁盘，有空间后自动继续",
    "企业微信：应用长期无人使用，将被停用。请在管理后台查看",
    "企业微信：应用活跃度低，将受限制。请在管理后台查看",
    "企业微信：应用因活跃度低已受限制。请在管理后台恢复",
    "企业微信：应用因长期无人使用已被停用。请在管理后台重新启用",
    "数据库没有应答",
    "接口调用到了自定的上限，等窗口过去",
    "这位成员收到的应用消息到了上限，等窗口过去",
    "缺少第 {version} 版私钥：把它存为 private_key_v{again}.pem 放进 WECOM_PRIVATE_KEYS",
    "第 {version} 版私钥与后台登记的公钥不是一对：请换上正确的 private_key_v{again}.pem",
    "企业微信 {api} 出错（{code}）：{advice}；原文：{errmsg}",
)


def as_translatable(text: str) -> str:
    """A stored sentence as a Translatable, where it matches one of our wordings; else as it is."""
    return reread(text, (*STORED_WORDINGS, *WORDINGS, *ADVICE))
