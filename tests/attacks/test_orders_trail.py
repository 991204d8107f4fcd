"""What happens to an order is in the trail (claim F2), and the control turns red where it is not."""

from tests.attacks.conftest import Attacked, Breach

import stockade.commerce.orders.controls  # noqa: F401  # declares what the tests check
from stockade.kernel.control import CONTROLS

CHECK = CONTROLS["orders.changes-leave-entries"].check


async def test_the_control_holds_and_leaves_no_order_behind(installation: Attacked) -> None:
    count = "select count(*) from orders.sales_order"
    async with installation.application.transaction(installation.attacker.principal) as tx:
        before = await tx.fetchrow(count)
    assert (await CHECK(installation)).holds
    async with installation.application.transaction(installation.attacker.principal) as tx:
        assert await tx.fetchrow(count) == before


async def test_without_the_trigger_on_orders_a_stage_is_missed(breach: Breach) -> None:
    await breach.superuser.execute("alter table orders.sales_order disable trigger audit_update")
    found = await CHECK(breach.installation)
    assert (found.holds, found.details) == (False, ("orders.stage_changed left no entry",))


async def test_without_the_trigger_on_lines_a_discount_is_missed(breach: Breach) -> None:
    await breach.superuser.execute("alter table orders.line disable trigger audit_update")
    found = await CHECK(breach.installation)
    assert (found.holds, found.details) == (False, ("orders.discount_changed left no entry",))
