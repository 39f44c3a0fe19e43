"""What the codes kept in the database are called on a page, and in which tone they are shown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Word:
    """A code in words (Chinese, to be translated) and the tone of its chip: a class of app.css."""

    text: str
    tone: str = "quiet"


TASK_STATES = {
    "planned": Word("未到时间"),
    "queued": Word("正在提醒", "busy"),
    "delivered": Word("待发送", "busy"),
    "unknown": Word("待发送，提醒是否送达不明", "warn"),
    "tapped": Word("已点发送，等存档证实", "busy"),  # no state of its own: an open task whose words were just sent
    "completed": Word("已发送", "good"),
    "replied": Word("客户已回复", "good"),
    "expired": Word("已过期", "warn"),
    "cancelled": Word("已取消"),
    "failed": Word("提醒没有送达", "bad"),
}
OUTCOMES = {
    "exact": Word("按原文发送", "good"),
    "edited": Word("改写后发送", "good"),
    "ticked": Word("员工说已发送", "good"),
    "group-send": Word("由企业群发送出", "good"),
    "link": Word("发了链接", "good"),
    "miniprogram": Word("发了小程序", "good"),
    "image": Word("发了图片", "good"),
    "file": Word("发了文件", "good"),
}
TIMINGS = {"early": Word("早于提醒"), "in-time": Word("按时"), "late": Word("晚了", "warn")}
CAUSES = {
    "tag": Word("标签"),
    "event": Word("事件"),
    "timer": Word("到时间"),
    "drag": Word("手动"),
    "wecom": Word("企业微信"),
    "api": Word("接口"),
}
EVENTS = {
    "@added": "客户添加了员工",
    "@lost": "客户删除了员工",
    "@spoke": "客户说了话",
    "@woken": "沉睡的客户又说了话",
    "@joined": "客户进了群",
    "@quit": "客户退了群",
    "@approved": "客户同意存档会话",
}
TAGGED_BY = {"rule": Word("规则"), "sop": Word("SOP"), "human": Word("人工"), "wecom": Word("企业微信")}
ROLES = {
    "admin": Word("管理员", "busy"),
    "leader": Word("主管"),
    "agent": Word("一线员工"),
    "auditor": Word("审计员"),
    "watcher": Word("看板链接"),
}
ACTIONS = {  # of the log of deeds; one that is not here is shown by its code
    "sign-in": Word("登录"),
    "account.create": Word("新建账号"),
    "account.role": Word("更改角色"),
    "account.password": Word("更换密码"),
    "account.disable": Word("停用账号"),
    "account.enable": Word("启用账号"),
    "account.sign-out": Word("全部退出"),
    "quarantine.replay": Word("重读隔离区"),
    "log.export": Word("导出操作记录"),
    "views.export": Word("导出查看记录"),
    "keys.rotate": Word("更换数据密钥"),
    "config.save": Word("保存配置"),
    "rules.backtest": Word("试算规则"),
    "rules.cancel": Word("取消试算"),
    "rules.mine": Word("挖掘新词"),
    "feedback.give": Word("标注对错"),
    "consent.decide": Word("登记同意与否"),
    "stage.move": Word("移动阶段"),
    "stage.undo": Word("撤销移动"),
    "tag.give": Word("打标签"),
    "tag.take": Word("去掉标签"),
    "sop.enrol": Word("加入 SOP"),
    "sop.stop": Word("停止 SOP"),
    "field.set": Word("修改资料"),
    "note.add": Word("写备注"),
    "note.remove": Word("删备注"),
    "customer.peace": Word("设为请勿打扰"),
    "customer.transfer": Word("客户交接"),
    "customer.transfer-failed": Word("交接失败"),
    "customer.erase": Word("抹去客户"),
    "customer.export": Word("导出客户"),
    "privacy.purge": Word("清理到期内容"),
    "material.upload": Word("上传素材"),
    "material.remove": Word("删除素材"),
    "task.later": Word("推迟提醒"),
    "task.unfit": Word("标为不合适"),
    "sidebar.send": Word("从侧边栏发送"),
    "sidebar.unsent": Word("侧边栏没有发出"),
    "agent.leave": Word("员工离职"),
    "agent.return": Word("员工回来"),
    "views.seal": Word("封存查看记录"),
}
TONES = 6
_BLANK = "\u115f\u1160\u2800\u3164\uffa0"  # letters and signs by name, blank to the eye


def word(table: dict[str, Word], code: str | None) -> Word:
    """The word for a code; a code that the table does not hold yet is shown as it is."""
    return table.get(code or "", Word(code or ""))


def tone(key: int) -> int:
    """Which of the avatar tones a person has: always the same one."""
    return key % TONES


def initial(name: str) -> str:
    """The character an avatar shows: the first one of the name that can be seen."""
    return legible(name)[:1] or "?"


def seen(name: str | None) -> str:
    """A name as it is where anything of it can be seen; people also call themselves by spaces and by no width."""
    return name if name and legible(name) else ""


def legible(text: str) -> str:
    """What of a text can be seen, and so typed again."""
    return "".join(char for char in text if char.isprintable() and char not in _BLANK).strip()
