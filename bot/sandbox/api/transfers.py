"""Transfers of customers from one member to another."""

from __future__ import annotations

from bot.sandbox.api.contacts import follow
from bot.sandbox.api.directory import member, need_member
from bot.sandbox.replies import Answer, Call, RefusalError, endpoint, page_of
from bot.sandbox.state import Json, Sandbox

DONE, WAITING, REFUSED, LIMIT = 1, 2, 3, 4


@endpoint("externalcontact/transfer_customer", empty={"customer": []})
def transfer_customer(sandbox: Sandbox, call: Call) -> Answer:
    return start_transfer(sandbox, call)


@endpoint("externalcontact/resigned/transfer_customer", empty={"customer": []})
def transfer_resigned(sandbox: Sandbox, call: Call) -> Answer:
    leaver = member(sandbox, call.text("handover_userid"))
    if leaver is not None and leaver["active"]:
        raise RefusalError(90500)
    return start_transfer(sandbox, call)


def start_transfer(sandbox: Sandbox, call: Call) -> Json:
    """Each customer gets a 24-hour notice in reality; here a transfer waits until the control settles it."""
    giver, taker = call.text("handover_userid"), call.text("takeover_userid")
    need_member(sandbox, taker)
    outcome = []
    for customer in call.texts("external_userid", 100):
        errcode = 0 if follow(sandbox, giver, customer) else 84061
        outcome.append({"external_userid": customer, "errcode": errcode})
        if errcode == 0:
            note_transfer(sandbox, customer, giver, taker, WAITING)
    sandbox.note("transfer", handover=giver, takeover=taker, customer=outcome)
    return {"customer": outcome}


def note_transfer(sandbox: Sandbox, customer: str, giver: str, taker: str, status: int) -> None:
    """Record the state of the transfer of one customer."""
    sandbox.ledger.run(
        "INSERT OR REPLACE INTO transfers VALUES (?, ?, ?, ?, ?)",
        customer,
        giver,
        taker,
        status,
        int(sandbox.now()),
    )


@endpoint("externalcontact/transfer_result", empty={"customer": [], "next_cursor": ""})
def transfer_result(sandbox: Sandbox, call: Call) -> Answer:
    return results(sandbox, call)


@endpoint("externalcontact/resigned/transfer_result", empty={"customer": [], "next_cursor": ""})
def resigned_transfer_result(sandbox: Sandbox, call: Call) -> Answer:
    return results(sandbox, call)


def results(sandbox: Sandbox, call: Call) -> Json:
    rows = sandbox.ledger.rows(
        "SELECT external_userid, status, takeover_time FROM transfers WHERE handover = ? AND takeover = ?",
        call.text("handover_userid"),
        call.text("takeover_userid"),
    )
    page, cursor = page_of([dict(row) for row in rows], call, 1000)
    return {"customer": page, "next_cursor": cursor}
