"""The page of what was given up after several tries, and the button that takes it up again."""

from __future__ import annotations

from flask import Response, render_template

from bot.ops.given_up import given_up_calls, given_up_events, read_given_up, take_up_again
from bot.platform.database.audit_log import record
from bot.web.admin.pages import pages
from bot.web.admin.rows import PAGE
from bot.web.auth.access import refuse_unless
from bot.web.auth.visitor import ADMIN, visitor
from bot.web.layout.answers import done
from bot.web.layout.languages import translate
from bot.web.layout.requests import current_system

RETRIED = "{n} 件重新处理，请过一会儿刷新"
CHANGES = {
    "add_external_contact": "员工添加了客户",
    "add_half_external_contact": "客户添加了员工",
    "edit_external_contact": "客户资料有变化",
    "del_external_contact": "员工删除了客户",
    "del_follow_user": "客户删除了员工",
    "transfer_fail": "客户交接失败",
    "msg_audit_approved": "客户同意存档",
}
OTHER_CHANGE = "企业微信的其他通知"
KINDS = {
    "profile": "读取客户资料",
    "library": "读取标签库",
    "member": "读取员工资料",
    "departments": "读取部门",
    "group_chat": "读取客户群",
    "consent": "查询存档同意",
    "mark_tag": "更新手机上的阶段标签",
}


@pages.get("/admin/given-up")
def given_up() -> str:
    """Events and calls that were given up, and why."""
    with current_system().store.read() as session:
        found = read_given_up(session)
        events, calls = given_up_events(session, PAGE), given_up_calls(session, PAGE)
    return render_template(
        "admin_given_up.html",
        found=found,
        events=events,
        calls=calls,
        kinds=KINDS,
        changes=CHANGES,
        other=OTHER_CHANGE,
        size=PAGE,
    )


@pages.post("/admin/given-up/retry")
def retry() -> Response:
    """Have all of it tried anew."""
    refuse_unless(ADMIN)
    with current_system().work() as work:
        events, calls = take_up_again(work)
        record(work.session, visitor().actor, "given-up.retry", "given-up", work.now, events=events, calls=calls)
    return done(translate(RETRIED, n=events + calls))
