"""What the settings page offers: tables of config.toml that operations change, each key as a field with its help."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time, timedelta
from typing import Any

from bot.platform.config.tables import Tables
from bot.web.rules.form_values import short_length
from sop.tables import Hours
from taggers.rule import Synonym, TagGroup

_ENTRIES: dict[str, type[Any]] = {"tags": TagGroup, "synonyms": Synonym}


@dataclass(frozen=True)
class SettingField:
    """One key. kind: text | long | lines | people | days | number | choice | yes | length | rate | clock | hours.

    `name` has a dot for a key of a table below. `choices`: value -> words.
    """

    name: str
    kind: str
    label: str
    help: str
    choices: tuple[tuple[str, str], ...] = ()
    hint: str = ""

    @property
    def path(self) -> tuple[str, ...]:
        return tuple(self.name.split("."))


@dataclass(frozen=True)
class Section:
    """One table of the file, or one array of tables (`called`: the key by which its entries are known)."""

    table: str
    title: str
    says: str
    fields: tuple[SettingField, ...]
    called: str = ""
    add: str = ""  # what the button says that adds an entry

    @property
    def defaults(self) -> dict[str, Any]:
        """What each field means where the file says nothing, as the file would write it."""
        if self.called:
            keys = _ENTRIES[self.table].model_fields
            return {one.name: _written(keys[one.name].get_default()) for one in self.fields}
        table = getattr(_EMPTY, self.table)
        return {one.name: _written(_reached(table, one.path)) for one in self.fields}


_WORKDAYS = (
    ("china", "法定工作日（周末休息，按调休上班）"),
    ("festivals", "法定节假日休息，周末照常"),
    ("mon-fri", "周一到周五"),
    ("everyday", "天天"),
)
_KEPT = "例如 730天；至少 7天"
SECTIONS = (
    Section("workspace", "企业与工作时间", "提醒只在工作时间发给员工；落在下班或假期里的自动顺延。", (
        SettingField("name", "text", "企业名称", "话术里写 {company} 的地方换成它。"),
        SettingField("work_hours", "hours", "工作时间", "每天从几点到几点。", hint="09:00-21:00"),
        SettingField("workdays", "choice", "哪些天上班", "节假日按国务院的放假安排。", _WORKDAYS),
        SettingField("quiet_hours", "hours", "免打扰时段",
                     "这段时间谁也不提醒，连「不等工作时间」的步骤也等到之后；可以跨过半夜，不填就没有。",
                     hint="22:00-08:00"),
        SettingField("holidays", "days", "另外放假的日子", "一行一天，例如 2026-02-14。"),
        SettingField("extra_workdays", "days", "另外上班的日子", "一行一天；就算是周末或节假日也上班。"),
        SettingField("timezone", "text", "时区", "所有钟点按它算。", hint="Asia/Shanghai"),
    )),
    Section("welcome", "欢迎语", "客户添加员工后 20 秒内由企业微信自动发出；清空就不发。", (
        SettingField("say", "long", "欢迎语",
                     "可以写 {customer.name|您}、{agent.name}、{company}；附件保持不变，在文件里改。"),
    )),
    Section("budget", "打扰上限", "不管话出自哪份跟进、哪位员工，都算在同一本账上；超出的自动往后排。", (
        SettingField("customer", "rate", "同一位客户最多几次", "按天或按周数，例如每周 3 次。", hint="每天 2 次"),
        SettingField("talk_hold", "length", "说着话时不插进来", "员工刚和客户说过话，这么久以内不提醒。",
                     hint="10分钟"),
        SettingField("agent_gap", "length", "两次提醒至少隔", "同一位员工攒下的提醒合成一张清单。", hint="30分钟"),
        SettingField("digest_at", "clock", "当天清单几点发", "工作日每天这个钟点发给员工。", hint="09:00"),
        SettingField("spread", "length", "同时到期的分散到多久", "很多客户同一时刻到点时用；写 0 就不分散。",
                     hint="30分钟"),
    )),
    Section("overdue", "提醒了没有做", "只在工作时间催，攒在一起说一次。", (
        SettingField("remind_after", "length", "多久没发就再提醒", "写 0 就不催。", hint="2小时"),
        SettingField("reminders", "number", "最多再提醒几次", "0 到 10 次。"),
        SettingField("leader_after", "length", "多久没发就告诉上级", "写 0 就不告诉。", hint="24小时"),
        SettingField("leaders", "people", "没设上级时告诉谁", "一行一位：名字，或企业微信账号。"),
    )),
    Section("tags", "标签",
            "规则、阶段、跟进里用到的标签都先放在一组里。还被用着的标签改名或去掉，会说明哪里还在用。", (
        SettingField("group", "text", "组名", "与企业微信里的标签组同名时，员工在手机上打的也会读回来。"),
        SettingField("exclusive", "yes", "一次只带一个", "选上后，打上组里的一个，就去掉另一个。"),
        SettingField("phone", "yes", "放到手机上",
                     "像阶段一样写到每位员工的客户资料里，到期去掉。关掉后手机上的留着，由员工自己改。"),
        SettingField("names", "lines", "标签", "一行一个。"),
    ), called="group", add="加一组标签"),
    Section("synonyms", "同义词", "规则里写 @名字，就等于写下这一组里的任意一个。", (
        SettingField("name", "text", "名字", "规则里写 @ 加上它。"),
        SettingField("words", "lines", "词", "一行一个；也可以写别的组，例如 @价格。"),
    ), called="name", add="加一组同义词"),
    Section("text", "行业词", "分词时当作一个整体的词：行业里的叫法、课程名、产品名。", (
        SettingField("words", "lines", "词", "一行一个。"),
    )),
    Section("alarms", "出了问题告诉谁", "密钥被拒、存档落后这类要人来修的事，每件每天用应用消息说一次。", (
        SettingField("agents", "people", "告诉这些人",
                     "一行一位：名字，或企业微信账号；不填就只在「设置」页上显示。"),
        SettingField("digest", "yes", "每天发操作日志的摘要", "一行签过名的摘要：日后可核对日志有没有被改。"),
    )),
    Section("privacy", "隐私", "客户的话存不存、能不能搜、留多久。过期的每天夜里清理，清理了找不回来。", (
        SettingField("unagreed", "choice", "客户不同意存档时", "不论怎么选，都不打标签、不跟进。",
                     (("skip", "之后的话不存"), ("store", "存下作凭据，不用"))),
        SettingField("revoked", "choice", "打标签的话被撤回时", "只凭这一句打的标签怎么办。",
                     (("mark", "标签留着，注明已撤回"), ("remove", "标签去掉"))),
        SettingField("search_messages", "yes", "可以按客户说过的词找客户", "库里只存带密钥的散列，不存明文。"),
        SettingField("purge_at", "clock", "每天几点清理", "选没人用的钟点。", hint="04:00"),
        SettingField("retention.messages", "length", "消息留多久", "不填就一直留着。", hint=_KEPT),
        SettingField("retention.media", "length", "文件留多久", "不填就和消息一样久。", hint=_KEPT),
        SettingField("retention.orders", "length", "订单留多久", "不填就一直留着。", hint=_KEPT),
        SettingField("retention.business_events", "length", "别的系统告诉的事留多久", "不填就一直留着。", hint=_KEPT),
        SettingField("retention.events", "length", "回调留多久", "企业微信告诉的事：谁加了谁、点了哪张卡片。",
                     hint=_KEPT),
        SettingField("retention.views", "length", "查看记录留多久", "谁看过哪位客户的对话。", hint=_KEPT),
        SettingField("retention.outbox", "length", "发出的内容留多久", "提醒、卡片、群发里的文字。", hint=_KEPT),
        SettingField("retention.quarantine", "length", "隔离区留多久", "读不了、后来已处理的存档。", hint=_KEPT),
    )),
)  # fmt: skip
_EMPTY = Tables()
TEXTS = tuple(
    text
    for section in SECTIONS
    for text in (
        *(section.title, section.says, section.add),
        *(text for one in section.fields for text in (one.label, one.help, *(words for _, words in one.choices))),
        *(one.hint for one in section.fields if not one.hint.isascii()),
    )
    if text
)
"""Texts that do not stand in a call of translate, for the catalogues."""


def _reached(table: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        table = getattr(table, key, None)
    return table


def _written(value: Any) -> Any:
    if isinstance(value, timedelta):
        return short_length(value) if value else "0m"
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, Hours):
        return str(value)
    if isinstance(value, tuple):
        return list(value)
    return value if isinstance(value, (str, int, bool)) else None
