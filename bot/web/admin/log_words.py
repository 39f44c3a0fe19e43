"""Words for the two logs: who acted, on what, and the details, without the names of fields and without ids."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.agents.card_clicks import REASONS
from bot.platform.models import Account, Agent, AuditEntry, Customer, SopTask
from bot.web.layout.actors import actor_names
from bot.web.layout.labels import ROLES, visible_name
from bot.web.layout.languages import translate
from sop.delays import DELAYS

SUBJECTS = {
    "customer": "客户", "agent": "员工", "account": "账号", "task": "任务", "evidence": "命中", "study": "试算",
    "material": "素材", "config": "配置", "quarantine": "隔离区", "given-up": "没处理成", "log": "记录",
    "views": "查看记录", "database": "数据库", "tombstone": "已抹去的客户", "key": "数据密钥",
    "bulk": "批量操作", "api": "接口令牌", "webhook": "通知", "view": "视图", "customers": "客户列表",
    "conduct": "员工言行", "sop": "SOP", "start": "试听到的开始",
}  # fmt: skip
DETAILS = {  # what a detail is called; "": its value says enough; None: it says nothing to people
    "name": "名字", "role": "角色", "was": "原来的角色", "userid": "员工", "from": "交出", "to": "接手",
    "tasks": "任务", "sops": "SOP", "sop": "SOP", "why": "原因", "reason": "原因", "purged": "清理",
    "rows": "删除", "kind": "范围", "whom": "对谁", "word": "", "before": "之前", "what": "", "count": "条数",
    "first": None, "made_at": None, "last": None, "digest": None, "events": "事件", "calls": "调用", "asked": None,
    "key": None, "said": "回答", "part": None, "option": "", "by": "在", "pipeline": "流程",
    "from_stage": "从", "to_stage": "到", "tag": "标签", "field": "资料", "note": None, "on": "打开",
    "way": "方式", "address": "地址", "rule": "规则", "left": "剩下的恢复码", "scopes": "可以做什么",
    "reaching": "改动影响", "step": "第几步",
}  # fmt: skip
_FORMER_DELAYS = {"1h": "1 小时后", "3h": "3 小时后"}
_CODES = {  # values that are codes, by detail
    "role": {name: one.text for name, one in ROLES.items()},
    "was": {name: one.text for name, one in ROLES.items()},
    "option": {**DELAYS, **_FORMER_DELAYS, **REASONS, "at": "自选时间"},
    "by": {"link": "卡片链接", "sidebar": "侧边栏"},
    "word": {
        "agreed": "同意",
        "refused": "不同意",
        "right": "判对了",
        "wrong": "误判",
        "nothing": "收回标注",
        "kept": "做到了",
        "misheard": "听错了",
    },
    "before": {"agreed": "同意", "refused": "不同意", "unknown": "还不知道"},
    "kind": {"agent": "员工", "room": "群"},
    "reason": {"customer_refused": "客户拒绝", "customer_limit_exceed": "接手的员工客户已满"},
    "on": {"True": "是", "False": "否"},
    "reaching": {"all": "还没提示的全部", "new": "只有新来的", "anew": "停下重来"},
    "way": {"password": "密码", "password and code": "密码和验证码", "wecom": "企业微信", "qr": "扫码"},
}
_PEOPLE = ("userid", "from", "to", "whom")
LogDetail = tuple[str, str]  # what it is called, and its value
VIEWED = {
    "task": "任务", "customer": "客户", "group": "群", "media": "文件", "proposals": "新词建议", "backtest": "试算",
    "rule": "规则", "sidebar": "侧边栏", "customers": "客户列表",
    "conduct": "员工言行", "sop": "SOP",
}  # fmt: skip
TEXTS = (
    *SUBJECTS.values(),
    *VIEWED.values(),
    *(name for name in DETAILS.values() if name),
    *(text for codes in _CODES.values() for text in codes.values()),
)


@dataclass(frozen=True)
class LogLine:
    """An entry of the audit log in words. customer_id: of the customer it is about, whose page can be opened."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    customer_id: int | None
    details: tuple[LogDetail, ...]


def log_lines(session: Session, rows: Sequence[AuditEntry], sops: Mapping[str, str]) -> list[LogLine]:
    """The entries in words; a fixed number of queries, however many there are. sops: titles by id."""
    subjects = _Subjects.read(session, rows)
    people = [str(row.detail[key]) for row in rows for key in _PEOPLE if row.detail and key in row.detail]
    names = actor_names(session, [*(row.actor for row in rows), *people])
    return [
        LogLine(row.id, row.at, names.get(row.actor, ""), row.action, *subjects.called(row.subject, sops),
                tuple(_details(row.detail or {}, names, sops)))
        for row in rows
    ]  # fmt: skip


def _details(detail: Mapping[str, Any], people: Mapping[str, str], sops: Mapping[str, str]) -> Iterator[LogDetail]:
    for key, value in sorted(detail.items()):
        name = DETAILS.get(key, "")
        if name is None or value in (None, "", {}, []):
            continue
        text = _counted(value) if isinstance(value, Mapping) else str(value)
        code = _CODES.get(key, {}).get(text)
        if code is not None:
            text = translate(code)
        elif key in _PEOPLE:
            text = people.get(text, text)
        elif key == "sop":
            text = sops.get(text, text)
        yield (translate(name) if name else ""), text


def _counted(value: Mapping[str, Any]) -> str:
    """How many rows of all tables together: the names of tables are ours."""
    return translate("{n} 行", n=sum(one for one in value.values() if type(one) is int))


@dataclass(frozen=True)
class _Subjects:
    """The names of what a page of entries is about, by kind and id."""

    names: Mapping[tuple[str, int], str]
    customers: Mapping[int, int]  # task -> customer
    there: frozenset[int]  # customers whose page can be opened

    @classmethod
    def read(cls, session: Session, rows: Sequence[AuditEntry]) -> _Subjects:
        ids: dict[str, set[int]] = {}
        for kind, number in (_split(row.subject) for row in rows):
            if number.isascii() and number.isdigit() and len(number) < 16:
                ids.setdefault(kind, set()).add(int(number))
        tasks = select(SopTask.id, SopTask.customer_id).where(SopTask.id.in_(ids.get("task", ())))
        customers: dict[int, int] = dict(session.execute(tasks).all()) if "task" in ids else {}
        named = _names(session, Customer, {*ids.get("customer", ()), *customers.values()})
        names = {("customer", key): name for key, name in named.items()}
        names |= {("task", task): named.get(customer, "") for task, customer in customers.items()}
        names |= {("agent", key): name for key, name in _names(session, Agent, ids.get("agent", ())).items()}
        names |= {("account", key): name for key, name in _accounts(session, ids.get("account", ())).items()}
        return cls(names, customers, frozenset(named))

    def called(self, subject: str, sops: Mapping[str, str]) -> tuple[str, int | None]:
        """What it is called, and the customer whose page tells more."""
        kind, rest = _split(subject)
        number = int(rest) if rest.isascii() and rest.isdigit() and len(rest) < 16 else 0
        customer = number if kind == "customer" else self.customers.get(number) if kind == "task" else None
        text = translate(SUBJECTS.get(kind, "其他"))
        more = self.names.get((kind, number), "") if number else rest if kind in ("config", "material") else ""
        more = sops.get(rest, "") if kind == "sop" else more
        shown = customer if customer in self.there else None
        if shown is not None and not more:
            more = translate("未命名")
        elif kind == "customer" and shown is None:
            more = translate("已删除")
        return " ".join(filter(None, (text, more))), shown


def _split(subject: str) -> tuple[str, str]:
    kind, _, rest = subject.partition(":")
    return kind, rest


def _names(session: Session, model: type[Customer] | type[Agent], ids: Collection[int]) -> dict[int, str]:
    if not ids:
        return {}
    rows = session.execute(select(model.id, model.name).where(model.id.in_(ids)))
    return {key: visible_name(name) for key, name in rows}


def _accounts(session: Session, ids: Collection[int]) -> dict[int, str]:
    if not ids:
        return {}
    found = select(Account.id, Account.name, Agent.name).outerjoin(Agent, Agent.id == Account.agent_id)
    return {key: local or member or "" for key, local, member in session.execute(found.where(Account.id.in_(ids)))}
