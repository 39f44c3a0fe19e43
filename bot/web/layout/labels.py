"""Labels: what the codes stored in the database are called on a page, and the tone they are shown in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Label:
    """A text for a code (Chinese, to be translated) and the tone of its chip: a class of app.css."""

    text: str
    tone: str = "quiet"


TASK_STATES = {
    "planned": Label("未到时间"),
    "queued": Label("正在提醒", "busy"),
    "delivered": Label("待发送", "busy"),
    "unknown": Label("待发送，提醒是否送达不明", "warn"),
    "tapped": Label("已点发送，等存档证实", "busy"),  # no state of its own: an open task whose words were just sent
    "completed": Label("已发送", "good"),
    "replied": Label("客户已回复", "good"),
    "expired": Label("已过期", "warn"),
    "cancelled": Label("已取消"),
    "failed": Label("提醒没有送达", "bad"),
}
OUTCOMES = {
    "exact": Label("按原文发送", "good"),
    "edited": Label("改写后发送", "good"),
    "ticked": Label("员工说已发送", "good"),
    "group-send": Label("由企业群发送出", "good"),
    "link": Label("发了链接", "good"),
    "miniprogram": Label("发了小程序", "good"),
    "image": Label("发了图片", "good"),
    "file": Label("发了文件", "good"),
}
TIMINGS = {"early": Label("早于提醒"), "in-time": Label("按时"), "late": Label("晚了", "warn")}
CAUSES = {
    "tag": Label("标签"),
    "event": Label("事件"),
    "timer": Label("到时间"),
    "drag": Label("手动"),
    "wecom": Label("企业微信"),
    "api": Label("写给应用"),
    "undo": Label("撤销"),
}
EVENTS = {
    "@added": "客户添加了员工",
    "@lost": "客户删除了员工",
    "@spoke": "客户说了话",
    "@woken": "沉睡的客户又说了话",
    "@joined": "客户进了群",
    "@quit": "客户退了群",
    "@made": "建了群",
    "@approved": "客户同意存档会话",
}
TAGGED_BY = {"rule": Label("规则"), "sop": Label("SOP"), "human": Label("人工"), "wecom": Label("企业微信")}
ROLES = {
    "admin": Label("管理员", "busy"),
    "leader": Label("主管"),
    "agent": Label("一线员工"),
    "auditor": Label("审计员"),
    "watcher": Label("看板链接"),
}
ACTIONS = {  # of the audit log; one that is not here is shown by its code
    "sign-in": Label("登录"),
    "webhook.make": Label("新建通知"),
    "webhook.on": Label("启用通知"),
    "webhook.off": Label("停用通知"),
    "webhook.again": Label("重发通知"),
    "api.token": Label("新建接口令牌"),
    "api.revoke": Label("停用接口令牌"),
    "api.orders": Label("接口收到订单"),
    "api.products": Label("接口收到产品"),
    "api.events": Label("接口收到事件"),
    "api.customers": Label("接口收到客户资料"),
    "account.create": Label("新建账号"),
    "account.role": Label("更改角色"),
    "account.password": Label("更换密码"),
    "account.disable": Label("停用账号"),
    "account.enable": Label("启用账号"),
    "account.sign-out": Label("全部退出"),
    "quarantine.replay": Label("重读隔离区"),
    "given-up.retry": Label("再处理放下的事件"),
    "log.export": Label("导出操作记录"),
    "views.export": Label("导出查看记录"),
    "keys.rotate": Label("更换数据密钥"),
    "config.save": Label("保存配置"),
    "sop.reach": Label("改跟进，选择给谁"),
    "config.accept": Label("确认采用配置文件"),
    "rules.backtest": Label("试算规则"),
    "rules.cancel": Label("取消试算"),
    "rules.mine": Label("挖掘新词"),
    "feedback.give": Label("标注对错"),
    "shadow.judge": Label("评试听的跟进"),
    "sop.trial": Label("试走跟进"),
    "conduct.judge": Label("判断员工言行"),
    "consent.decide": Label("登记同意与否"),
    "stage.move": Label("移动阶段"),
    "stage.undo": Label("撤销移动"),
    "stage.reason": Label("记下原因"),
    "tag.give": Label("打标签"),
    "tag.take": Label("去掉标签"),
    "sop.enrol": Label("加入 SOP"),
    "sop.hold": Label("整份暂停跟进"),
    "sop.resume": Label("全部继续跟进"),
    "sop.stop": Label("停止 SOP"),
    "field.set": Label("修改资料"),
    "field.judge": Label("判断听到的资料"),
    "promise.judge": Label("判断听到的承诺"),
    "promise.later": Label("推迟答应的事"),
    "question.settle": Label("问题标为已解决"),
    "note.add": Label("写备注"),
    "note.remove": Label("删备注"),
    "sidebar.draft": Label("请机器写草稿"),
    "wording.keep": Label("存自己的话术"),
    "wording.remove": Label("删自己的话术"),
    "wording.propose": Label("提议话术"),
    "wording.decline": Label("不收话术"),
    "follow_up.add": Label("写提醒"),
    "follow_up.done": Label("提醒做完"),
    "follow_up.drop": Label("提醒不要了"),
    "follow_up.back": Label("提醒恢复"),
    "follow_up.change": Label("改提醒"),
    "handover.begin": Label("把客户交给同事"),
    "handover.tick": Label("勾交接单"),
    "handover.accept": Label("接手客户"),
    "revisit.outcome": Label("写回访结果"),
    "impression.tell": Label("说对客户的印象"),
    "customer.peace": Label("设为请勿打扰"),
    "customer.transfer": Label("客户交接"),
    "customer.transfer-failed": Label("交接失败"),
    "account.factor-on": Label("开启登录验证码"),
    "account.factor-off": Label("关闭登录验证码"),
    "account.recovery-code": Label("用恢复码登录"),
    "sign-in.again": Label("再次确认身份"),
    "customer.erase": Label("抹去客户"),
    "customer.export": Label("导出客户"),
    "privacy.purge": Label("清理到期内容"),
    "material.upload": Label("上传素材"),
    "material.remove": Label("删除素材"),
    "task.later": Label("推迟提醒"),
    "task.unfit": Label("标为不合适"),
    "task.back": Label("收回推迟或不合适"),
    "sidebar.send": Label("从侧边栏发送"),
    "sidebar.unsent": Label("侧边栏没有发出"),
    "agent.leave": Label("员工离职"),
    "agent.return": Label("员工回来"),
    "views.seal": Label("封存查看记录"),
    "views.purge": Label("清理到期的查看记录"),
    "log.accept": Label("确认变短的日志"),
    "database.restore": Label("从备份恢复"),
    "bulk.tag": Label("批量加标签"),
    "bulk.untag": Label("批量去掉标签"),
    "bulk.move": Label("批量移动"),
    "bulk.enrol": Label("批量开始跟进"),
    "bulk.field": Label("批量写资料"),
    "bulk.import": Label("导入客户资料"),
    "bulk.orders": Label("导入订单"),
    "bulk.place": Label("批量安置"),
    "bulk.undo": Label("撤销批量操作"),
    "bulk.cancel": Label("停止批量操作"),
    "bulk.export": Label("导出客户列表"),
    "bulk.download": Label("下载导出的客户列表"),
    "bulk.forget": Label("删除导出的文件"),
    "view.save": Label("存下视图"),
    "view.remove": Label("删除视图"),
}
TONES = 6
_BLANK = "\u115f\u1160\u2800\u3164\uffa0"  # printable by their Unicode category, yet drawn blank


def label(table: dict[str, Label], code: str | None) -> Label:
    """The label of a code; a code that the table does not hold is shown as it is."""
    return table.get(code or "", Label(code or ""))


def tone(key: int) -> int:
    """Which of the avatar tones a person has: always the same one."""
    return key % TONES


def initial(name: str) -> str:
    """The character an avatar shows: the first one of the name that can be seen."""
    return legible(name)[:1] or "?"


def visible_name(name: str | None) -> str:
    """The name, or "" where nothing of it can be seen: some people's names are spaces or zero-width characters."""
    return name if name and legible(name) else ""


def legible(text: str) -> str:
    """What of a text can be seen, and so typed again."""
    return "".join(char for char in text if char.isprintable() and char not in _BLANK).strip()
