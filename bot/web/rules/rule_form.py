"""The form of one rule: every key of [[rules]] as a field, read back into the values that belong in the file."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from werkzeug.datastructures import MultiDict

from bot.platform.config.parsing import ConfigProblem
from bot.platform.config.toml_tables import Values
from bot.web.rules.amount_field import parse_amount, show_amount
from bot.web.rules.pasted_words import split_all

_LONGEST = 200_000
_COUNTED = re.compile(r"([+-]?\d{1,11})\s*(?:次|个字?|字|分|%)?")
_HOURS = re.compile(r"(\d{1,2})(?::00|点|时)?\s*(?:[-—–~到至]+)\s*(\d{1,2})(?::00|点|时)?")


@dataclass(frozen=True)
class FormField:
    """One key. kind: text | long | lines (one word a line) | number | amount (sums or a range) | choice | many | yes.

    `name` has dots for a key of a table inside; `choices` are value -> words, the first is what an absent key means.
    """

    name: str
    kind: str
    label: str
    help: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    hint: str = ""

    @property
    def path(self) -> tuple[str, ...]:
        return tuple(self.name.split("."))

    @property
    def sentences(self) -> bool:
        """Whether its lines are whole sentences, in which commas separate nothing."""
        return self.path[0] == "examples"


@dataclass(frozen=True)
class FieldGroup:
    """Fields that belong together; `rare` ones are folded away until one of them is used."""

    title: str
    fields: tuple[FormField, ...]
    rare: bool = False


_SCOPES = (
    ("typed", "输入的文字"),
    ("mixed", "图文消息"),
    ("quote", "引用的消息"),
    ("forwarded", "转发的聊天记录"),
    ("link", "链接卡片"),
    ("notice", "群公告"),
    ("file", "文件名"),
)
_USUAL_SCOPES = ["typed", "mixed"]
GROUPS = (
    FieldGroup("基本", (
        FormField("id", "text", "编号", "英文代号，不能和别的规则重复；空着就按标签的拼音自动起", hint="ask-price"),
        FormField("kind", "choice", "做什么", "管员工言行的规则只列给主管看，客户身上什么都不会变",
                  (("tag", "给客户打标签、记资料"), ("conduct", "管员工言行"))),
        FormField("title", "text", "言行规则的名字", "主管看到的名字；只用于管员工言行的规则", hint="私下转账"),
        FormField("tag", "text", "标签", "命中后给客户打上的标签；写了「记到字段」可以不打标签", hint="考虑价格"),
        FormField("field", "text", "记到字段",
                  "把这句话里说的日期、金额、电话等记到客户的这个字段；字段写在 [[fields]] 里", hint="预产期"),
        FormField("from", "choice", "谁说的", "", (("customer", "客户"), ("agent", "员工"), ("both", "双方都算"))),
        FormField("in", "choice", "在哪里说的", "默认：一对一和群聊都打标签，但群里说的不移动看板",
                  (("", "默认"), ("single", "只听一对一"), ("group", "只听群聊"),
                   ("both", "都听，群里说的也移动看板"))),
        FormField("shadow", "yes", "先试听", "只记下会命中什么、让人评对错；不打标签，也不引出任何提醒"),
    )),
    FieldGroup("听什么词", (
        FormField("any", "lines", "任意一个", "一行一个，出现其中一个就算。写 @名字 等于写下一组同义词"),
        FormField("all", "lines", "每一个", "一行一个，每一个都要出现"),
        FormField("none", "lines", "不能有", "一行一个，出现任意一个就不算"),
        FormField("match", "choice", "怎么比对", "按词：词的两头要在分词的边界上，「报价」不会被「海报价格」误伤",
              (("word", "按词"), ("text", "只要文字出现"))),
        FormField("negated", "choice", "否定句", "例如「不谈价格」「别再发价格了」",
              (("skip", "不算"), ("match", "也算"), ("only", "只算否定句"))),
        FormField("question", "choice", "问句", "例如「付了吗？」",
              (("any", "都算"), ("only", "只算问句"), ("never", "问句不算"))),
    )),
    FieldGroup("例句", (
        FormField("examples.hit", "lines", "必须命中", "一行一句。每次加载都会考，考不过的改动存不进去"),
        FormField("examples.miss", "lines", "必须不命中", "一行一句，容易误伤的说法放这里"),
    )),
    FieldGroup("次数、期限与分数", (
        FormField("times", "number", "说几次才算", "默认 1 次"),
        FormField("within", "text", "在多长时间里", "例如 7天、24小时，或 7d、24h", hint="7天"),
        FormField("expires", "text", "标签保留多久", "过后自动去掉；不填就一直留着", hint="30天"),
        FormField("score.conversion", "number", "转化加分", "可以是负数"),
        FormField("score.activity", "number", "活跃加分", "可以是负数"),
    )),
    FieldGroup("建议怎么回", (
        FormField("reply", "long", "建议回复", "可以写 {customer.name|您}、{agent.name}、{company}"),
    )),
    FieldGroup("更多条件", (
        FormField("amount", "amount", "说到的金额", "写 199、9.9 这样的几个数，或 100-300 这样的范围；怎么说都认得",
                  hint="9.9、199"),
        FormField("near.words", "lines", "离得不远的几个词", "一行一个，至少两个"),
        FormField("near.within", "number", "相隔不超过几个字", "默认 6"),
        FormField("regex", "text", "正则表达式", "RE2 写法", hint=r"(\d+)\s*元"),
        FormField("sound", "yes", "谐音也算", "「多少前」算作「多少钱」"),
        FormField("scope", "many", "看消息的哪些部分", "", _SCOPES),
        FormField("on", "lines", "发生什么事", "不听词，听事情：一行一个，如 @added、kind:image、silence:3d"),
        FormField("when.tags", "lines", "客户要带着标签", "一行一个，有一个就行"),
        FormField("when.stages", "lines", "客户要在阶段", "一行一个，在一个就行"),
        FormField("when.pipelines", "lines", "客户要在流程", "一行一个"),
        FormField("when.channels", "lines", "客户来自渠道", "一行一个"),
        FormField("when.fields", "lines", "已知资料", "一行一个字段，有一个就行"),
        FormField("when.profile", "number", "资料完整度至少", "百分之几，按流程里要问的资料算"),
        FormField("when.hours", "text", "只在时段", "整点，例如 09:00-18:00", hint="09:00-18:00"),
        FormField("unless.tags", "lines", "带着标签就不算", "一行一个"),
        FormField("unless.stages", "lines", "在阶段就不算", "一行一个"),
        FormField("unless.pipelines", "lines", "在流程就不算", "一行一个"),
        FormField("unless.channels", "lines", "来自渠道就不算", "一行一个"),
        FormField("unless.fields", "lines", "已知资料就不算", "一行一个字段"),
        FormField("unless.profile", "number", "资料完整度达到就不算", "百分之几"),
        FormField("unless.hours", "text", "在时段就不算", "整点", hint="22:00-08:00"),
    ), rare=True),
)  # fmt: skip
FIELDS = tuple(field for group in GROUPS for field in group.fields)


def shown(field: FormField, values: Values) -> Any:
    """What stands in the field: text, a list of chosen values, or a bool."""
    value = _at(values, field.path)
    if field.kind == "lines":
        return "\n".join(map(str, value)) if isinstance(value, list) else str(value or "")
    if field.kind == "amount":
        return show_amount(value)
    if field.kind == "many":
        return value if isinstance(value, list) else _USUAL_SCOPES
    if field.kind == "yes":
        return bool(value)
    if field.kind == "choice":
        return field.choices[0][0] if value is None else str(value)
    return "" if value is None else str(value)


def pasted_apart(values: Values, old: Values) -> dict[str, list[str]]:
    """The words of each field that holds several in one line, split; fields that need no splitting are left out."""
    found: dict[str, list[str]] = {}
    for field in FIELDS:
        lines = _at(values, field.path) if field.kind == "lines" else None
        if isinstance(lines, list):
            kept = _at(old, field.path)
            split = split_all(lines, kept if isinstance(kept, list) else (), sentence=field.sentences)
            if split != list(dict.fromkeys(lines)):
                found[field.name] = split
    return found


def with_fields(values: Values, changed: Mapping[str, list[str]]) -> Values:
    """A copy of the rule with these fields set."""
    made: Values = {key: dict(value) if isinstance(value, dict) else value for key, value in values.items()}
    for name, words in changed.items():
        _put(made, name.split("."), words)
    return made


def first_wrong(wrong: Mapping[str, object]) -> str:
    """The name of the first field, from the top of the page, that something is wrong with."""
    return next((field.name for field in FIELDS if field.name in wrong), "")


def is_used(group: FieldGroup, values: Values) -> bool:
    """Whether any key of a group stands in the file."""
    return any(_at(values, field.path) is not None for field in group.fields)


def read_form(form: MultiDict[str, str], old: Values) -> Values:
    """The rule as its file should have it. Keys that the form does not know, and explicit defaults, stay as in `old`.

    What cannot be read (a number in words) is handed on as it is: the check of the whole file names it.
    """
    values: Values = {key: value for key, value in old.items() if key not in {field.path[0] for field in FIELDS}}
    ordered: Values = {}
    for field in FIELDS:
        value = _read(field, form)
        if _is_default(field, value):
            known = _at(old, field.path)
            if known is None or not _is_default(field, known):
                continue
            value = known
        _put(ordered, field.path, value)
    in_order = {key: ordered[key] for key in old if key in ordered}
    return {**in_order, **values, **ordered}


def _read(field: FormField, form: MultiDict[str, str]) -> Any:
    if field.kind == "many":
        chosen = form.getlist(field.name)
        return [value for value, _ in field.choices if value in chosen]
    if field.kind == "yes":
        return field.name in form
    text = form.get(field.name, "")[:_LONGEST].replace("\r\n", "\n").strip()
    if field.kind == "amount":
        return parse_amount(text)
    if field.kind == "lines":
        return [line.strip() for line in text.split("\n") if line.strip()]
    if field.kind == "number":
        found = _COUNTED.fullmatch(unicodedata.normalize("NFKC", text))
        return int(found[1]) if found else text
    return _hours(text) if field.path[-1] == "hours" else text


def _hours(text: str) -> str:
    """9点到18点, 9:00—18:00 as the file has it; what is none of these is handed on."""
    found = _HOURS.fullmatch(unicodedata.normalize("NFKC", text))
    return f"{int(found[1]):02}:00-{int(found[2]):02}:00" if found else text


def _is_default(field: FormField, value: Any) -> bool:
    if field.kind == "choice":
        return bool(value in ("", field.choices[0][0]))
    if field.kind == "many":
        return bool(value in ([], _USUAL_SCOPES))
    return value in ("", [], False)


def _at(values: Mapping[str, Any], path: Sequence[str]) -> Any:
    for key in path:
        if not isinstance(values, Mapping):
            return None
        values = values.get(key)  # type: ignore[assignment]
    return values


def _put(values: Values, path: Sequence[str], value: Any) -> None:
    for key in path[:-1]:
        values = values.setdefault(key, {})
    values[path[-1]] = value


def by_field(problems: Iterable[ConfigProblem], index: int) -> tuple[dict[str, list[str]], list[ConfigProblem]]:
    """Problems of the index-th rule by the field they are about, and those about anything else."""
    mine: dict[str, list[str]] = {}
    others: list[ConfigProblem] = []
    start = f"rules[{index + 1}]"
    for problem in problems:
        name = problem.where.removeprefix(start).lstrip(".") if problem.where.startswith(start) else None
        field = None if name is None else _field_of(name)
        if field is None:
            others.append(problem)
        else:
            mine.setdefault(field.name, []).append(problem.message)
    return mine, others


def _field_of(name: str) -> FormField | None:
    """The field of a path such as any[2] or examples.hit[1]; of a table, its first field."""
    bare = name.partition("[")[0]
    exact = next((field for field in FIELDS if field.name == bare), None)
    return exact or next((field for field in FIELDS if bare and field.path[0] == bare.partition(".")[0]), None)
