"""First day: what is done and what is left to do until Tici hears, tags and prompts."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from bot.platform.environment import Environment
from bot.platform.models import Agent, CallbackEvent, Customer, Message, SopTask, Tagging
from bot.system import System
from bot.wecom.keyring import KeyRing


@dataclass(frozen=True)
class DayStep:
    """One thing to do: its name, how it is done, whether it is."""

    title: str
    how: str
    done: bool


def first_day(system: System, session: Session) -> list[DayStep]:
    """Every step in order; none where all are done, and none of the console's in a demo."""
    console = [] if system.environment.demo else _in_the_console(system.environment)
    steps = [*console, *_seen(session)]
    return [] if all(step.done for step in steps) else steps


def _in_the_console(given: Environment) -> list[DayStep]:
    wecom = given.wecom
    return [
        DayStep("公网的 https 网址", "运行 flask setup，填域名", given.base_url.startswith("https://")),
        DayStep("应用接好", "运行 flask setup，填企业 ID、AgentId 和 Secret", wecom is not None),
        DayStep("接收消息", "运行 flask setup，照它说的在后台保存回调地址", bool(wecom and wecom.callback.token)),
        DayStep(
            "可信域名", "把 WW_verify_….txt 放好，再在后台点验证", any(given.verify_files.glob("WW_verify_*.txt"))
        ),
        DayStep(
            "会话内容存档",
            "运行 flask setup，接上会话存档和消息私钥",
            bool(wecom and wecom.has_archive and _keys(given)),
        ),
    ]


def _keys(given: Environment) -> bool:
    try:
        return bool(given.wecom and KeyRing.load(given.wecom.private_keys).versions)
    except (ValueError, OSError):  # the doctor says what is wrong with them
        return False


def _seen(session: Session) -> list[DayStep]:
    def any_of(query: Select[int]) -> bool:
        return session.scalar(query.limit(1)) is not None

    return [
        DayStep(
            "员工与客户已导入", "运行 flask wecom import", any_of(select(Agent.id)) and any_of(select(Customer.id))
        ),
        DayStep("收到第一个回调", "用自己的微信加一位员工", any_of(select(CallbackEvent.id))),
        DayStep("听到第一句话", "用自己的微信给员工说一句话", any_of(select(Message.id))),
        DayStep("打上第一个标签", "问员工一句「多少钱」", any_of(select(Tagging.id))),
        DayStep(
            "第一张提醒送到",
            "等几秒，看员工的手机",
            any_of(select(SopTask.id).where(SopTask.delivered_at.is_not(None))),
        ),
    ]
