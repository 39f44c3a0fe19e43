"""Cell treatment: gives the tag of a customer's cell in the matrix, takes that of another, begins the cell's SOP."""

from __future__ import annotations

from sqlalchemy import select, update

from bot.customers.state import CustomerState, load_customers
from bot.customers.tags import TagSource, give_tag, take_tag
from bot.platform.models import Customer, Portrait
from bot.platform.work import Work
from bot.sops.enrolment import Start, enrol
from bot.sops.follow_up import CustomerEvent, follow_up
from taggers.models.matrix import cells_by_name

REASON = "矩阵："


def treat_cells(work: Work, limit: int) -> int:
    """Treat customers who came into another cell; returns how many.

    Who is found in a cell for the first time gets its tag and no SOP: else one would begin with everybody at once.
    """
    matrix = work.settings.tables.models.matrix
    if not any(cell.tag or cell.sop for cell in matrix.cells):
        return 0
    columns = Portrait.customer_id, Portrait.treated, Portrait.cell
    due = work.session.execute(select(*columns).where(Portrait.cell != Portrait.treated).limit(limit)).all()
    rows = {row.customer_id: row for row in due}
    people = work.session.scalars(select(Customer).where(Customer.id.in_(rows))).all()
    for number, state in load_customers(work.session, people).items():
        _treat(work, state, rows[number].treated, rows[number].cell)
    now_treated = update(Portrait).where(Portrait.customer_id.in_(rows)).values(treated=Portrait.cell)
    work.session.execute(now_treated, execution_options={"synchronize_session": False})
    return len(rows)


def _treat(work: Work, state: CustomerState, before: str, name: str) -> None:
    matrix = work.settings.tables.models.matrix
    cell = cells_by_name(matrix).get(name)
    for other in matrix.cells:
        carried = state.carried.get(other.tag)
        if other is not cell and carried is not None and carried.reason.startswith(REASON):
            take_tag(work, state, other.tag, "到了矩阵的另一格")
    if cell is None:
        return
    cause = f"cell:{name}:{work.now:%Y%m%d}"
    if cell.tag and give_tag(work, state, cell.tag, TagSource("rule", f"{REASON}{name}")):
        work.session.flush()
        follow_up(work, state, CustomerEvent(cause, tags=[cell.tag], fresh=[cell.tag]))
    sop = work.settings.sops.get(cell.sop)
    if sop is not None and sop.enabled and before:
        enrol(work, state, sop, Start(cause))
