"""Controls of orders: what happens to one can be read in the trail."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from stockade.commerce.orders.commands import Confirmation, DraftChange, NewLine, NewOrder
from stockade.commerce.orders.service import change_draft, confirm, place_order
from stockade.database.statements import raw
from stockade.kernel.control import Finding, Installation, control, finding
from stockade.kernel.ids import new_id
from stockade.tenancy.attacks import trial
from stockade.tenancy.transaction import Transaction

_TRADING = raw(
    "select (select id from parties.customer where tenant_id = $1 and state = 'active' order by id limit 1), "
    "(select id from catalog.product where tenant_id = $1 and state = 'active' order by id limit 1)",
    "this_tenant",
)
_ENTRIES = raw("select action from audit.entry where tenant_id = $1 and subject_id = $2", "this_tenant order_id", str)
_OWED = ("orders.discount_changed", "orders.stage_changed")


@control(
    id="orders.changes-leave-entries", claims=("F2",), every=timedelta(minutes=15), max_age=timedelta(hours=1),
    statement="A discount that changes and a stage that is reached are entries of the trail of their own.",
    standards=("ISO 27001 A.8.15", "SOC 2 CC7.2"),
)  # fmt: skip
async def changes_leave_entries(installation: Installation) -> Finding:
    """Take an order of the probe tenant through a discount and a stage, and look for both in the trail."""
    async with trial(installation.application, installation.probes[0]) as one:
        order_id = await _trade(one.tx)
        if order_id is None:
            return finding(0, "orders of the probe tenant", ["it has no active customer and product to trade with"])
        found = set(await _ENTRIES.all(one.tx, order_id=order_id))
    return finding(
        len(_OWED), "kinds of change", [f"{action} left no entry" for action in _OWED if action not in found]
    )


async def _trade(tx: Transaction) -> UUID | None:
    customer_id, product_id = await _TRADING.one(tx)
    if customer_id is None or product_id is None:
        return None
    line = NewLine(product_id=product_id, quantity=1, unit_price=Decimal(100))
    order = await place_order(tx, new_id(), NewOrder(customer_id=customer_id, lines=[line]))
    cheaper = NewLine(product_id=product_id, quantity=1, unit_price=Decimal(100), discount_percent=Decimal(10))
    changed = await change_draft(tx, order.id, DraftChange(expected_version=order.version, lines=[cheaper]))
    await confirm(tx, order.id, Confirmation(expected_version=changed.version))
    return order.id
