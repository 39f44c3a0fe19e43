"""Access matrix: who may open which address, one row per endpoint and method; an address without a row fails.

A new page adds a row below. `open_to`: the roles that get in; all others must get a 404, strangers are sent to sign
in. `owned`: the address names one customer, and of leaders and agents only that customer's own get in.
{names} in a path or a form are those of `Things`. tests/web/test_access.py asks every row in every role;
tests/web/test_reading.py asks every row once relation, account, employment, role or task has ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from bot.platform import clock
from bot.platform.models import (
    Agent,
    BulkDeed,
    ConductFinding,
    ConfigChange,
    GroupChat,
    GroupMember,
    MediaFile,
    Note,
    OpenQuestion,
    OwnFollowUp,
    OwnWording,
    Promise,
    ShadowStart,
    StageMove,
    Study,
    Webhook,
    WebhookDelivery,
)
from bot.platform.signed_links import day_url, link_url, task_url
from bot.web.auth.visitor import ADMIN, AGENT, AUDITOR, EVERYBODY, LEADER, ROLES, WORKING
from tests.support.rows import Rows
from tests.support.site import Site

LOOKERS = (ADMIN, LEADER, AUDITOR)
HEADS = (ADMIN, AUDITOR)
ANYBODY = ("stranger", *EVERYBODY)  # no sign-in is asked for: signed links, machines, the way in


@dataclass(frozen=True)
class Row:
    """path: as typed; form: what a POST carries; also: further statuses that are no refusal here; stranger: the
    statuses with which strangers are refused."""

    path: str
    open_to: tuple[str, ...]
    owned: bool = False
    form: Mapping[str, str] = field(default_factory=dict)
    also: tuple[int, ...] = ()
    stranger: tuple[int, ...] = (302, 401)


C, T, F = "/c/{customer}", "/tasks/{task}", "/follow-ups/{own}"
ROWS: dict[tuple[str, ...], Row] = {
    # machines, signed links, the way in
    ("static", "GET"): Row("/static/app.css", ANYBODY),
    ("callback.check_address", "GET"): Row("/wecom/callback", ANYBODY, also=(403,)),
    ("callback.receive_callback", "POST"): Row("/wecom/callback", ANYBODY, also=(403,)),
    ("health.healthz", "GET"): Row("/healthz", ANYBODY),
    ("health.readyz", "GET"): Row("/readyz", ANYBODY, also=(503,)),
    ("health.metrics", "GET"): Row("/metrics", ANYBODY),
    ("api.document", "GET"): Row("/api/v1/openapi.json", ANYBODY),
    ("api.post_orders", "POST"): Row("/api/v1/orders", ANYBODY, also=(401,)),
    ("api.post_products", "POST"): Row("/api/v1/products", ANYBODY, also=(401,)),
    ("api.post_events", "POST"): Row("/api/v1/events", ANYBODY, also=(401,)),
    ("api.post_customers", "POST"): Row("/api/v1/customers", ANYBODY, also=(401,)),
    ("api.show", "GET"): Row("/api/v1/orders", ANYBODY, also=(401,)),
    ("admin.webhooks", "GET"): Row("/admin/webhooks", HEADS),
    ("admin.add_webhook", "POST"): Row("/admin/webhooks", (ADMIN,), also=(403, 422)),
    ("admin.switch_one", "POST"): Row("/admin/webhooks/{webhook}/switch", (ADMIN,), also=(403,)),
    ("admin.deliveries", "GET"): Row("/admin/webhooks/{webhook}", HEADS),
    ("admin.again", "POST"): Row("/admin/webhooks/{webhook}/{told}/again", (ADMIN,)),
    ("admin.tokens", "GET"): Row("/admin/api", HEADS),
    ("admin.make_token", "POST"): Row("/admin/api", (ADMIN,), also=(403, 422)),
    ("admin.drop_token", "POST"): Row("/admin/api/1/revoke", (ADMIN,), also=(403,)),
    ("domain_proof.show", "GET"): Row("/WW_verify_abc.txt", ANYBODY, also=(404,)),
    ("signin.show", "GET"): Row("/sign-in", ANYBODY),
    ("signin.by_password", "POST"): Row("/sign-in", ANYBODY, form={"name": "nobody"}, also=(401, 429)),
    ("signin.start", "GET"): Row("/sign-in/wecom", ANYBODY),
    ("signin.come_back", "GET"): Row("/sign-in/back", ANYBODY),
    ("signin.leave", "POST"): Row("/sign-out", ANYBODY),
    ("signin.ask_code", "GET"): Row("/sign-in/code", ANYBODY),
    ("signin.by_code", "POST"): Row("/sign-in/code", ANYBODY, also=(429,)),
    ("second_factor.show", "GET"): Row("/me/code", ROLES, also=(404,)),  # of those with a password
    ("second_factor.begin", "POST"): Row("/me/code/begin", ROLES, also=(404,)),
    ("second_factor.confirm", "POST"): Row("/me/code/confirm", ROLES, also=(404, 429)),
    ("second_factor.remove", "POST"): Row("/me/code/remove", ROLES, also=(404,)),
    ("proof.show", "GET"): Row("/confirm?to=/admin/log.csv", ROLES),
    ("proof.prove", "POST"): Row("/confirm", ROLES, also=(401, 429)),
    ("proof.done", "GET"): Row("/confirm/done", ROLES),
    ("preferences.choose", "POST"): Row("/look", ANYBODY),
    ("preferences.show", "GET"): Row("/me", EVERYBODY),
    ("preferences.leave_everywhere", "POST"): Row("/me/sign-out-everywhere", EVERYBODY),
    ("task.show", "GET"): Row("{task_link}", ANYBODY),
    ("task.download", "GET"): Row("{task_link}/file/0", ANYBODY, also=(404,)),
    ("task.later", "POST"): Row("{task_link}/later", ANYBODY),
    ("task.unfit", "POST"): Row("{task_link}/unfit", ANYBODY),
    ("task.back", "POST"): Row("{task_link}/back", ANYBODY),
    ("task.chat", "POST"): Row("{task_link}/chat", ANYBODY, also=(503,)),
    ("day_list.show", "GET"): Row("{day_link}", ANYBODY),
    ("tracked_links.open_link", "GET"): Row("{tracked_link}", ANYBODY),
    ("message_links.open_welcome_link", "GET"): Row("/w/broken", ANYBODY, also=(404,)),
    ("message_links.open_mass_link", "GET"): Row("/g/broken", ANYBODY, also=(404,)),
    ("tracked_links.picture", "GET"): Row("/p/broken", ANYBODY, also=(404,)),
    # the board and the customer
    ("board.home", "GET"): Row("/", EVERYBODY),
    ("board.show", "GET"): Row("/board", EVERYBODY),
    ("board.changes", "GET"): Row("/board/changes", EVERYBODY),
    ("board.column", "GET"): Row("/board/column?pipeline=课程转化&number=0", EVERYBODY),
    ("live.stream", "GET"): Row("/board/live", EVERYBODY, also=(503,), stranger=(204,)),
    ("moves.move", "POST"): Row(C + "/move", WORKING, owned=True),
    ("moves.tell_outlook", "GET"): Row(C + "/outlook?pipeline=x", WORKING, owned=True),
    ("moves.reason", "POST"): Row(C + "/reason", WORKING, owned=True),
    ("moves.undo", "POST"): Row(C + "/move/{move}/undo", WORKING, owned=True),
    ("board.customer", "GET"): Row(C, EVERYBODY, owned=True),
    ("customer.aside", "GET"): Row(C + "/aside", EVERYBODY, owned=True),
    ("customer.talk", "GET"): Row(C + "/talk", EVERYBODY, owned=True),
    ("customer.timeline", "GET"): Row(C + "/timeline?before=2030-01-01T00:00:00%2B00:00", EVERYBODY, owned=True),
    ("customer.why", "GET"): Row(C + "/why/{message}", EVERYBODY, owned=True),
    ("actions.tag", "POST"): Row(C + "/tag", WORKING, owned=True),
    ("actions.untag", "POST"): Row(C + "/untag", WORKING, owned=True),
    ("actions.enrol", "POST"): Row(C + "/enrol", WORKING, owned=True),
    ("actions.stop", "POST"): Row(C + "/stop", WORKING, owned=True),
    ("actions.set_field", "POST"): Row(C + "/field", WORKING, owned=True),
    ("actions.judge_fact", "POST"): Row(C + "/fact/1", WORKING, owned=True, form={"word": "right"}),
    ("actions.promise", "POST"): Row(C + "/promise/{promise}", WORKING, owned=True, form={"word": "kept"}),
    ("actions.question", "POST"): Row(C + "/question/{question}", WORKING, owned=True),
    ("actions.note", "POST"): Row(C + "/note", WORKING, owned=True),
    ("actions.remove_note", "POST"): Row(C + "/note/{note}/remove", WORKING, owned=True),
    ("actions.impression", "POST"): Row(C + "/impression", WORKING, owned=True, form={"word": "keen"}),
    ("actions.peace", "POST"): Row(C + "/peace", WORKING, owned=True),
    ("actions.consent", "POST"): Row(
        C + "/consent", (ADMIN, LEADER), owned=True, form={"kind": "agent", "whom": "owner", "word": "agreed"}
    ),
    ("actions.erase_all", "POST"): Row(C + "/erase", (ADMIN,), owned=True),
    ("feedback.give", "POST"): Row("/evidence/{evidence}/feedback", WORKING, owned=True, form={"word": "right"}),
    ("feedback.offers", "GET"): Row("/evidence/{evidence}/mend", WORKING, owned=True),
    ("feedback.mend_tag", "POST"): Row("/evidence/{evidence}/mend/tag", WORKING, owned=True),
    ("feedback.mend_move", "POST"): Row("/evidence/{evidence}/mend/move/{move}", WORKING, owned=True),
    ("feedback.mend_sop", "POST"): Row("/evidence/{evidence}/mend/sop/1", WORKING, owned=True),
    ("media.hand_over", "GET"): Row("/media/{media}", EVERYBODY, owned=True, also=(410,)),
    ("media.state", "GET"): Row("/media/{media}/state", EVERYBODY, owned=True),
    ("media.fetch", "POST"): Row("/media/{media}/fetch", WORKING, owned=True),
    ("handover.show", "GET"): Row(C + "/handover", ROLES, owned=True),
    ("handover.begin", "POST"): Row(C + "/handover", WORKING, owned=True, form={"to": "{agent}"}),
    ("handover.tick_item", "POST"): Row(C + "/handover/tick", (), form={"item": "认识关键联系人"}),
    ("handover.accept", "POST"): Row(C + "/handover/accept", ()),
    # the customer list
    ("search.search", "GET"): Row("/search?q=考虑", ROLES),
    ("customers.show", "GET"): Row("/customers", ROLES),
    ("customers.tell_count", "GET"): Row("/customers/count?tag=已付款", ROLES),
    ("customers.condition", "GET"): Row("/customers/condition?kind=agent", ROLES),
    ("customers.save_view", "POST"): Row("/customers/views?tag=已付款", ROLES, form={"name": "已付"}),
    ("customers.remove_view", "POST"): Row("/customers/views/999999999/remove", ()),
    ("exports.begin", "POST"): Row("/customers/export", (ADMIN, LEADER)),
    ("exports.download", "GET"): Row("/customers/deeds/{deed}/file", ()),
    ("exports.forget", "POST"): Row("/customers/deeds/{deed}/file/forget", ()),
    ("quality.show", "GET"): Row("/customers/quality", ROLES),
    ("segments.show", "GET"): Row("/customers/segments", LOOKERS),
    ("segments.new", "GET"): Row("/customers/segments/new?tag=已付款", (ADMIN,)),
    ("segments.new", "POST"): Row("/customers/segments/new?tag=已付款", (ADMIN,), form={"name": ""}, also=(400,)),
    ("segments.edit", "GET"): Row("/customers/segments/edit", (ADMIN,)),
    ("segments.edit", "POST"): Row("/customers/segments/edit", (), form={"was": "没有的"}),
    ("segments.freeze", "POST"): Row("/customers/segments/freeze", (), form={"name": "没有的"}),
    ("segments.remove", "POST"): Row("/customers/segments/remove", (), form={"name": "没有的"}),
    ("deeds.choose_value", "GET"): Row("/customers/deed-value?kind=field", WORKING),
    ("deeds.check", "POST"): Row("/customers/deeds/check", WORKING),
    ("deeds.begin", "POST"): Row("/customers/deeds", WORKING),
    ("deeds.show", "GET"): Row("/customers/deeds", WORKING),
    ("deeds.one", "GET"): Row("/customers/deeds/{deed}", (ADMIN,)),
    ("deeds.undo", "POST"): Row("/customers/deeds/{deed}/undo", (ADMIN,)),
    ("deeds.stop", "POST"): Row("/customers/deeds/{deed}/cancel", (ADMIN,)),
    ("imports.show", "GET"): Row("/customers/import", (ADMIN, LEADER)),
    ("imports.upload", "POST"): Row("/customers/import", (ADMIN, LEADER)),
    ("imports.one", "GET"): Row("/customers/import/{deed}", ()),
    ("imports.check", "POST"): Row("/customers/import/{deed}/check", ()),
    ("imports.begin", "POST"): Row("/customers/import/{deed}/begin", ()),
    ("placing.show", "GET"): Row("/customers/place", (ADMIN, LEADER)),
    ("placing.begin", "POST"): Row("/customers/place", (ADMIN, LEADER)),
    # tasks and groups
    ("tasks.show", "GET"): Row("/tasks", ROLES),
    ("tasks.desk_only", "GET"): Row("/tasks/list?agent={agent}", ROLES, owned=True),
    ("tasks.one", "GET"): Row(T, ROLES, owned=True),
    ("tasks.download", "GET"): Row(T + "/file/1", ROLES, owned=True),
    ("tasks.later", "POST"): Row(T + "/later", WORKING, owned=True, form={"delay": "1h"}),
    ("tasks.unfit", "POST"): Row(T + "/unfit", WORKING, owned=True, form={"reason": "busy"}),
    ("tasks.back", "POST"): Row(T + "/back", WORKING, owned=True),
    ("tasks.chat", "POST"): Row(T + "/chat", WORKING, owned=True),
    ("groups.show", "GET"): Row("/groups", ROLES),
    ("groups.one", "GET"): Row("/groups/{group}", ROLES, owned=True),
    # the sidebar: of agents, whoever else they are
    ("sidebar.show", "GET"): Row("/sidebar", WORKING),
    ("sidebar.stand_in", "GET"): Row("/sidebar/stand-in.js", ()),
    ("sidebar.sign", "POST"): Row("/sidebar/sign", WORKING),
    ("sidebar.customer", "POST"): Row(
        "/sidebar/customer", (AGENT,), owned=True, form={"external_userid": "{userid}"}
    ),
    ("sidebar.answers", "POST"): Row(
        "/sidebar/answers", (AGENT,), owned=True, form={"external_userid": "{userid}", "q": "发票"}
    ),
    ("sidebar.group", "POST"): Row("/sidebar/group", (AGENT,), owned=True, form={"chat_id": "{chat_id}"}),
    ("sidebar.send", "POST"): Row("/sidebar/send", (AGENT,), owned=True, form={"external_userid": "{userid}"}),
    ("sidebar.unsent", "POST"): Row("/sidebar/unsent", (AGENT,), owned=True, form={"external_userid": "{userid}"}),
    ("sidebar.trouble", "POST"): Row("/sidebar/trouble", WORKING),
    ("sidebar.later", "POST"): Row("/sidebar/tasks/{task}/later", (AGENT,), owned=True),
    ("sidebar.unfit", "POST"): Row("/sidebar/tasks/{task}/unfit", (AGENT,), owned=True),
    ("sidebar.back", "POST"): Row("/sidebar/tasks/{task}/back", (AGENT,), owned=True),
    # an agent's own follow-ups: of their own customers, whatever else they may read
    ("own_follow_ups.add", "POST"): Row(
        "/follow-ups", (AGENT,), owned=True, form={"external_userid": "{userid}", "words": "明天10点 发合同"}
    ),
    ("own_follow_ups.tick", "POST"): Row(F + "/done", (AGENT,), owned=True),
    ("own_follow_ups.drop", "POST"): Row(F + "/drop", (AGENT,), owned=True),
    ("own_follow_ups.tell_outcome", "POST"): Row(F + "/outcome", (), form={"outcome": "lead"}),
    ("own_follow_ups.edit", "POST"): Row(F + "/change", (AGENT,), owned=True),
    ("own_follow_ups.take_up", "POST"): Row(F + "/back", (AGENT,), owned=True),
    # rules
    ("rules.show", "GET"): Row("/rules", LOOKERS),
    ("rules.rule", "GET"): Row("/rules/r/ask-price", LOOKERS),
    ("rules.new", "GET"): Row("/rules/new", (ADMIN,)),
    ("rules.edit", "GET"): Row("/rules/r/ask-price/edit", (ADMIN,)),
    ("rules.save", "POST"): Row("/rules/save", (ADMIN,)),
    ("rules.delete", "POST"): Row("/rules/r/ask-price/delete", (ADMIN,), form={"version": "old"}),
    ("rules.promote_rule", "POST"): Row("/rules/r/ask-price/promote", (ADMIN,)),
    ("rules.try_sentence", "POST"): Row("/rules/try", (ADMIN,)),
    ("rules.tag_word", "POST"): Row("/rules/tag-word", (ADMIN,)),
    ("rules.try_recent", "POST"): Row("/rules/recent", (ADMIN,)),
    ("rules.file", "GET"): Row("/rules/file", HEADS),
    ("rules.check", "POST"): Row("/rules/file/check", (ADMIN,)),
    ("rules.save_file", "POST"): Row("/rules/file", (ADMIN,), form={"text": "x = ", "base": "old"}),
    ("rules.history", "GET"): Row("/rules/history", HEADS),
    ("rules.change", "GET"): Row("/rules/history/{change}", HEADS),
    ("rules.restore", "POST"): Row("/rules/history/{change}/restore", (ADMIN,), form={"base": "old"}),
    ("rules.ask", "POST"): Row("/rules/backtests", (ADMIN,)),
    ("rules.backtest", "GET"): Row("/rules/backtests/{study}", HEADS),
    ("rules.cancel", "POST"): Row("/rules/studies/{study}/cancel", (ADMIN,)),
    ("rules.proposals", "GET"): Row("/rules/proposals", HEADS),
    ("rules.find_proposals", "POST"): Row("/rules/proposals", (ADMIN,)),
    # agents' conduct: of leaders only those of the agent
    ("conduct.show", "GET"): Row("/conduct", (ADMIN, LEADER)),
    ("conduct.around", "GET"): Row("/conduct/{finding}/around", (ADMIN, LEADER), owned=True),
    ("conduct.judge", "POST"): Row("/conduct/{finding}/word", (ADMIN, LEADER), owned=True, form={"word": "right"}),
    ("conduct.report", "GET"): Row("/conduct/report", (ADMIN, LEADER)),
    ("conduct.download", "GET"): Row("/conduct/report/rules.csv", (ADMIN, LEADER)),
    # SOPs and the library
    ("sops.show", "GET"): Row("/sops", ROLES),
    ("sops.sop", "GET"): Row("/sops/s/hello", ROLES),
    ("sops.people", "GET"): Row("/sops/s/hello/people", ROLES),
    ("sops.preview", "GET"): Row("/sops/s/hello/preview", ROLES),
    ("sops.preview", "GET", "of a customer"): Row("/sops/s/hello/preview?customer={customer}", ROLES, owned=True),
    ("sops.send_to_me", "POST"): Row("/sops/s/hello/preview/send", (ADMIN, LEADER, AGENT), form={"step": "0"}),
    ("sops.new", "GET"): Row("/sops/new", (ADMIN,)),
    ("sops.edit", "GET"): Row("/sops/hello/edit", (ADMIN,)),
    ("sops.save", "POST"): Row("/sops/save", (ADMIN,), form={"stamp": "old"}),
    ("sops.draft", "POST"): Row("/sops/draft", (ADMIN,)),
    ("sops.draft_preview", "POST"): Row("/sops/draft/preview", (ADMIN,)),
    ("sops.tried", "GET"): Row("/sops/s/hello/tried", ROLES),
    ("sops.judge", "POST"): Row("/sops/s/hello/tried/{start}", WORKING, owned=True, form={"word": "right"}),
    ("sops.promote", "POST"): Row("/sops/s/hello/promote", (ADMIN,)),
    ("sops.hold_all", "POST"): Row("/sops/s/hello/hold", (ADMIN,)),
    ("sops.resume_all", "POST"): Row("/sops/s/hello/resume", (ADMIN,)),
    ("sops.switch", "POST"): Row("/sops/s/hello/switch", (ADMIN,), form={"base": "old"}),
    ("sops.library", "GET"): Row("/sops/library", ROLES),
    ("sops.upload", "POST"): Row("/sops/library", (ADMIN,)),
    ("sops.take_away", "POST"): Row("/sops/library/remove", (ADMIN,), form={"name": "none.png"}),
    ("sops.open_file", "GET"): Row("/sops/library/leaflet.pdf", ROLES),
    # stages
    ("wordings.show", "GET"): Row("/wordings", ROLES),
    ("wordings.show", "GET", "searched"): Row("/wordings?q=fp&kind=answer", ROLES),
    ("wordings.one", "GET"): Row("/wordings/w/step:hello:0", ROLES),
    ("wordings.proposals", "GET"): Row("/wordings/proposed", (ADMIN,)),
    ("wordings.take_own", "POST"): Row("/wordings/proposed/{wording}/take", (ADMIN,), also=(404,)),
    ("wordings.decline_own", "POST"): Row("/wordings/proposed/{wording}/decline", (ADMIN,), also=(404,)),
    ("sidebar.draft", "POST"): Row("/sidebar/draft", ()),
    ("own_wordings.show", "GET"): Row("/wordings/own", (AGENT, LEADER)),
    ("own_wordings.new", "GET"): Row("/wordings/own/new", (AGENT, LEADER)),
    ("own_wordings.edit", "GET"): Row("/wordings/own/{wording}/edit", (AGENT, LEADER), also=(404,)),
    ("own_wordings.save", "POST"): Row(
        "/wordings/own/save", (AGENT, LEADER), form={"ask": "能开发票吗", "say": "能开的"}
    ),
    ("own_wordings.offer", "POST"): Row("/wordings/own/{wording}/propose", (AGENT, LEADER), also=(404,)),
    ("own_wordings.remove", "POST"): Row("/wordings/own/{wording}/remove", (AGENT, LEADER), also=(404,)),
    ("wordings.gaps", "GET"): Row("/wordings/gaps", LOOKERS),
    ("wordings.take", "POST"): Row("/wordings/take", (ADMIN,), form={"key": "step:hello:0"}),
    ("wordings.new", "GET"): Row("/wordings/answers/new", (ADMIN,)),
    ("wordings.edit", "GET"): Row("/wordings/answers/hello/edit", (ADMIN,)),
    ("wordings.save", "POST"): Row("/wordings/answers/save", (ADMIN,), form={"stamp": "old"}),
    ("pipelines.show", "GET"): Row("/pipelines", (ADMIN,)),
    ("pipelines.edit", "GET"): Row("/pipelines/1/edit", (ADMIN,)),
    ("pipelines.save", "POST"): Row("/pipelines/save", (ADMIN,), form={"stamp": "old"}),
    ("pipelines.draft", "POST"): Row("/pipelines/draft", (ADMIN,)),
    ("pipelines.ask_rename", "GET"): Row("/pipelines/rename?pipeline=课程转化&stage=考虑价格", (ADMIN,)),
    ("pipelines.save_rename", "POST"): Row(
        "/pipelines/rename",
        (ADMIN,),
        form={"pipeline": "课程转化", "stage": "考虑价格", "name": "考虑价格"},
        also=(422,),
    ),
    ("pipelines.new", "GET"): Row("/pipelines/new", (ADMIN,)),
    ("pipelines.add", "POST"): Row("/pipelines/new", (ADMIN,), also=(422,)),
    # the settings page
    ("settings.show_settings", "GET"): Row("/settings", (ADMIN,)),
    ("settings.save", "POST"): Row("/settings", (ADMIN,), form={"stamp": "old"}),
    ("settings.draft", "POST"): Row("/settings/draft", (ADMIN,), form={"do": "tags:add"}),
    # reports
    ("reports.show", "GET"): Row("/reports", LOOKERS),
    ("reports.part", "GET"): Row("/reports/stages/part", LOOKERS),
    ("reports.renew", "POST"): Row("/reports/stages/renew", LOOKERS),
    ("reports.behind", "GET"): Row("/reports/tags/tags/customers?row=甲&column=1", LOOKERS),
    ("reports.download", "GET"): Row("/reports/stages/funnel-1.csv", LOOKERS, also=(404,)),
    # settings
    ("admin.show", "GET"): Row("/admin", HEADS),
    ("admin.versions", "GET"): Row("/admin/config", HEADS),
    ("admin.version", "GET"): Row("/admin/config/{version}", HEADS),
    ("admin.quarantine", "GET"): Row("/admin/quarantine", HEADS),
    ("admin.replay", "POST"): Row("/admin/quarantine/replay", (ADMIN,), also=(503,)),
    ("admin.given_up", "GET"): Row("/admin/given-up", HEADS),
    ("admin.retry", "POST"): Row("/admin/given-up/retry", (ADMIN,)),
    ("admin.people", "GET"): Row("/admin/people", HEADS),
    ("admin.change_person", "POST"): Row("/admin/people/agent/{agent}/role", (ADMIN,), form={"role": "agent"}),
    ("admin.log", "GET"): Row("/admin/log", HEADS),
    ("admin.log_file", "GET"): Row("/admin/log.csv", HEADS),
    ("admin.chain", "GET"): Row("/admin/log/chain", HEADS),
    ("admin.views", "GET"): Row("/admin/views", HEADS),
    ("admin.views_file", "GET"): Row("/admin/views.csv", HEADS),
    ("doctor.show", "GET"): Row("/admin/doctor", HEADS),
    ("doctor.results", "GET"): Row("/admin/doctor/results", HEADS),
}


def furnish(site: Site, owner_id: int, owner_key: str) -> dict[str, Any]:
    """Create one customer of the owner with all that a page may name; returns the values for paths and forms."""
    now, version = clock.now(), site.system.settings.version
    with site.store.write() as session:
        rows = Rows(session, now)
        owner = session.get_one(Agent, owner_id)
        customer = rows.customer("归属客户", agent=owner)
        move = StageMove(
            customer_id=customer.id, pipeline="课程转化", serial=2, from_stage="新线索", to_stage="考虑价格",
            cause="drag", trigger="Somebody", version=version, moved_at=now,
        )  # fmt: skip
        said = rows.message(customer, "请问多少钱", owner, ago=timedelta(minutes=5))
        evidence = rows.evidence(said, [["多少钱", 2, 5]], "考虑价格", "命中")
        task = rows.task(
            customer, owner, "您好", state="delivered",
            attach=[
                {"kind": "link", "title": "网页", "url": "https://example.com/"},
                {"kind": "file", "file": "leaflet.pdf"},
            ],
        )  # fmt: skip
        media = MediaFile(
            message_id=said.id,
            kind="image",
            sdkfileid="f",
            fileid_hash=said.msgid,
            sent_at=now,
            state="kept",
            content_hash="0" * 64,
        )
        note = Note(customer_id=customer.id, author="Somebody", text="备注", created_at=now)
        room = GroupChat(chat_id=f"wr{customer.id}", name="群", owner=owner.userid, first_seen_at=now)
        change = ConfigChange(follows=customer.id + 10**6, version=version, at=now)
        study = Study(
            kind="backtest", state="done", author="root", version=version, since=now, created_at=now, touched_at=now
        )
        own = OwnFollowUp(
            agent_id=owner.id,
            customer_id=customer.id,
            words="发合同",
            due_at=now + timedelta(hours=1),
            created_at=now,
        )
        words = OwnWording(
            agent_id=owner.id, ask="能试听吗\n可以先试一节吗", say="{customer.name|您}想试听的话，我发您一节体验课",
            category="试听", attach=[{"kind": "file", "file": "leaflet.pdf"}], created_at=now, changed_at=now,
            proposed_at=now,
        )  # fmt: skip
        whose = {"customer_id": customer.id, "agent_id": owner.id, "message_id": said.id, "msgid": said.msgid}
        promise = Promise(
            **whose, by="customer", said_at=said.sent_at, start=0, words="明天付款", deed="pay",
            due_at=now + timedelta(hours=1),
        )  # fmt: skip
        question = OpenQuestion(**whose, asked_at=said.sent_at, start=0, words="请问多少钱")
        finding = ConductFinding(
            **whose, rule_id="private", title="私下转账", version=version, spans=[], reason="命中",
            said_at=said.sent_at, found_at=now,
        )  # fmt: skip
        deed = BulkDeed(
            kind="tag", state="done", actor="Somebody", what={"tag": "已付款"}, created_at=now, touched_at=now,
            asker={"account_id": None, "role": "agent"},
        )  # fmt: skip
        webhook = Webhook(
            name="对方", url="https://example.com/hook", secret="whsec_AAAA", events=["tag"], created_by="Somebody",
            created_at=now,
        )  # fmt: skip
        session.add(webhook)
        session.flush()
        told = WebhookDelivery(
            ref=f"msg_{webhook.id}", webhook_id=webhook.id, event="tag.given", body={}, state="sent", created_at=now
        )
        session.add(told)
        start = ShadowStart(sop_id="hello", customer_id=customer.id, cause="move:1", began_at=now, ends_at=now)
        session.add_all([move, media, note, room, change, study, own, words, promise, question, deed, finding, start])
        session.flush()
        for person, kind in ((owner_key, "agent"), (customer.external_userid, "customer")):
            session.add(GroupMember(group_id=room.id, person=person, kind=kind))
        key = site.key
        return {
            "customer": customer.id, "userid": customer.external_userid, "move": move.id, "message": said.id,
            "evidence": evidence.id, "task": task.id, "media": media.id, "note": note.id, "own": own.id,
            "wording": words.id, "start": start.id,
            "promise": promise.id, "question": question.id, "finding": finding.id,
            "group": room.id, "chat_id": room.chat_id, "change": change.id, "study": study.id, "version": version,
            "deed": deed.id, "webhook": webhook.id, "told": told.id,
            "agent": owner_id, "task_link": task_url("", task.ref, owner_id, key, now),
            "day_link": day_url("", owner_id, key, now), "tracked_link": link_url("", task.ref, 0, key),
        }  # fmt: skip
