"""Events about the company itself: members and departments, the app's visible range, WeCom's warnings."""

from __future__ import annotations

from bot.agents.members import ask_departments, ask_member, change_userid, note_left
from bot.customers.identity import find_agents
from bot.platform.database.alarms import clear_alarm, raise_alarm
from bot.platform.models import CallbackEvent
from bot.platform.work import Work
from bot.wecom.event_kinds import AppAlert, AppMember, StaffChange

# WeCom's warnings about the app itself: what to tell the admins; "" means that the warning is over.
ALERTS = {
    "inactive_alert": "企业微信：应用长期无人使用，将被停用。请在管理后台查看",
    "low_active_alert": "企业微信：应用活跃度低，将受限制。请在管理后台查看",
    "low_active": "企业微信：应用因活跃度低已受限制。请在管理后台恢复",
    "close_inactive_agent": "企业微信：应用因长期无人使用已被停用。请在管理后台重新启用",
    "reopen_inactive_agent": "",
    "active_restored": "",
}
_INACTIVE, _LOW = "wecom.inactive", "wecom.low_active"
_ALARM_OF = {"inactive_alert": _INACTIVE, "close_inactive_agent": _INACTIVE, "reopen_inactive_agent": _INACTIVE}


def apply_staff_change(work: Work, event: StaffChange, row: CallbackEvent) -> str:
    """A member or a department changed: read it again, since the event does not carry every field."""
    if event.change.endswith("_party"):
        ask_departments(work, str(row.id))
        return "departments asked"
    if not event.userid:
        return "stored: nobody is named"
    agent = find_agents(work.session, [event.userid], work.now)[event.userid.casefold()]
    # A profile read after this event knows better: the userid may have been given to somebody new.
    if event.change == "delete_user" and (agent.read_at is None or agent.read_at <= row.created_at):
        note_left(work.session, agent, row.created_at)
        return "left the company"
    renamed = bool(event.new_userid) and change_userid(work.session, agent, event.new_userid)
    ask_member(work, agent, f"event:{row.id}")
    return "renamed, profile asked" if renamed else "profile asked"


def apply_member_change(work: Work, event: AppMember, row: CallbackEvent) -> str:
    """A member came into the app's visible range or left it: their profile tells whether they still work here."""
    agent = find_agents(work.session, [event.userid], work.now)[event.userid.casefold()]
    ask_member(work, agent, f"event:{row.id}")
    return f"{event.change}: profile asked"


def apply_app_alert(work: Work, event: AppAlert) -> str:
    """WeCom warns about the app: raise an alarm, which stands until WeCom says that the warning is over."""
    name, text = _ALARM_OF.get(event.name, _LOW), ALERTS[event.name]
    if not text:
        clear_alarm(work.session, name, work.now)
        return "alarm cleared"
    effective = f"（{event.effective_at} 生效）" if event.effective_at else ""
    raise_alarm(work.session, name, f"{text}{effective}", work.now)
    return "alarm raised"
