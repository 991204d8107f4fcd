"""The demo tenants hold what every tenant's books hold: each sum is right, each number follows the one before it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
import pytest
from tests.commerce.orders.shop import UNBALANCED_LEVELS, UNBALANCED_LINES
from tests.conftest import Server

from stockade.apps.demo import make_demo, making
from stockade.apps.demo import today as live
from stockade.apps.demo.history import make_history
from stockade.apps.demo.trade import trades
from stockade.commerce.catalog.rules import checked_barcode
from stockade.commerce.invoicing.service.issuing import issue_invoice
from stockade.commerce.orders import service as orders
from stockade.commerce.orders.commands import Confirmation, NewLine, NewOrder, NewShipment
from stockade.commerce.orders.model import STAGES
from stockade.commerce.parties.rules import checked_bic, checked_iban, checked_vat_id
from stockade.commerce.stock import service as stock
from stockade.database.roles import Role
from stockade.identity.service.members import list_members
from stockade.kernel.ids import new_id
from stockade.tenancy.principal import Principal
from stockade.tenancy.tenants import list_tenants
from stockade.tenancy.transaction import Database, open_pool

ORDERS = 60
SLUGS = ["harrow-finch", "sowa-dratwa"]
FAULTS = {
    "a level is the sum of its moves and reservations": UNBALANCED_LEVELS,
    "a line reserves what its reservations say": UNBALANCED_LINES,
    "no shelf was ever below nothing": """
        select 1 from (select sum(quantity) over (partition by warehouse_id, product_id order by moved_at, id) as level
            from stock.move) m where level < 0""",
    "what shipped left the shelf": """
        select 1 from (select s.id, sum(i.quantity) as pieces from orders.shipment s
            join orders.shipment_line i on i.shipment_id = s.id
            join orders.line l on l.order_id = i.order_id and l.position = i.position and l.stocked group by s.id) s
        left join (select source_id, -sum(quantity) as pieces from stock.move where reason = 'shipment' group by 1) m
            on m.source_id = s.id where s.pieces is distinct from m.pieces""",
    "a line has shipped what its shipments hold": """
        select 1 from orders.line l left join (select order_id, position, sum(quantity) as pieces
            from orders.shipment_line group by 1, 2) s using (order_id, position)
        where l.shipped <> coalesce(s.pieces, 0)""",
    "a line is invoiced as far as its invoices say": """
        select 1 from orders.line l left join (
            select i.order_id, b.order_position as position, sum(b.quantity) as pieces from invoicing.invoice i
            join invoicing.line b on b.invoice_id = i.id where i.kind = 'invoice' group by 1, 2) b
            using (order_id, position) where l.invoiced <> coalesce(b.pieces, 0)""",
    "an open item is the gross less its allocations": """
        select 1 from receivables.open_item o left join (select invoice_id, sum(amount_minor) as settled
            from receivables.allocation group by 1) a using (invoice_id)
        where o.open_minor <> o.gross_minor - coalesce(a.settled, 0)""",
    "every invoice has an open item": """
        select 1 from invoicing.invoice i left join receivables.open_item o on o.invoice_id = i.id
        where i.kind = 'invoice' and o.gross_minor is distinct from i.gross_minor""",
    "a payment's rest is its amount less its allocations": """
        select 1 from receivables.payment p left join (select payment_id, sum(amount_minor) as spent
            from receivables.allocation group by 1) a on a.payment_id = p.id
        where p.unallocated_minor <> p.amount_minor - coalesce(a.spent, 0)""",
    "a credit's rest is the note less its allocations": """
        select 1 from receivables.credit c left join (select credit_note_id, sum(amount_minor) as spent
            from receivables.allocation group by 1) a using (credit_note_id)
        where c.unallocated_minor <> c.gross_minor - coalesce(a.spent, 0)""",
    "an invoice is credited as far as its notes say": """
        select 1 from receivables.open_item o left join (select corrects_id, sum(gross_minor) as credited
            from invoicing.invoice where kind = 'credit_note' group by 1) n on n.corrects_id = o.invoice_id
        where o.credited_minor <> coalesce(n.credited, 0)""",
    "each journal sums to zero": """
        select 1 from receivables.posting group by journal_id, currency having sum(amount_minor) <> 0""",
    "every document is booked": """
        select 1 from (select id, gross_minor from invoicing.invoice union all
            select id, amount_minor from receivables.payment
            union all select id, amount_minor from receivables.write_off) d
        left join receivables.posting p on p.journal_id = d.id where p.journal_id is null and d.gross_minor > 0""",
    "VAT of a group is its lines' nets times the rate, rounded once": """
        select 1 from (select invoice_id, vat_category, vat_rate, sum(net_minor) as net from invoicing.line
            group by 1, 2, 3) l
        full join invoicing.vat_group g using (invoice_id, vat_category, vat_rate)
        where g.net_minor is distinct from l.net or g.vat_minor is distinct from round(l.net * vat_rate / 100)""",
    "a document is the sum of its groups": """
        select 1 from invoicing.invoice i join (select invoice_id, sum(net_minor) as net, sum(vat_minor) as vat
            from invoicing.vat_group group by 1) g on g.invoice_id = i.id
        where i.net_minor <> g.net or i.vat_minor <> g.vat""",
    "a line's net is its price times its quantity less the discount": """
        select 1 from orders.line
        where net_minor <> round(unit_price * quantity * (100 - discount_percent))""",
    "an order is the sum of its lines, VAT by rate": """
        select 1 from orders.sales_order o join (
            select order_id, sum(net) as net, sum(round(net * vat_rate / 100)) as vat from (
                select order_id, vat_category, vat_rate, sum(net_minor) as net from orders.line group by 1, 2, 3) g
            group by 1) g on g.order_id = o.id
        where o.net_minor <> g.net or o.vat_minor <> g.vat or o.gross_minor <> g.net + g.vat""",
    "documents are numbered from 1 without a gap, and the counter is at the last": """
        select 1 from (
            select series, period, count(*), min(sequence), max(sequence) from invoicing.invoice group by 1, 2 union all
            select 'order', substr(number, 4, 4), count(*), min(substr(number, 9)::int), max(substr(number, 9)::int)
                from orders.sales_order group by 2 union all
            select 'shipment', substr(number, 4, 4), count(*), min(substr(number, 9)::int), max(substr(number, 9)::int)
                from orders.shipment group by 2 union all
            select 'customer', '', count(*), min(substr(number, 3)::int), max(substr(number, 3)::int)
                from parties.customer
        ) d left join numbering.counter c using (series, period)
        where d.min <> 1 or d.max <> d.count or c.last is distinct from d.max""",
    "invoices are numbered in the order of their days": """
        select 1 from (select issued_on, lag(issued_on) over (partition by series, period order by sequence) as before
            from invoicing.invoice) i where issued_on < before""",
    "a stage is what the lines say": """
        select 1 from orders.sales_order o join (select order_id, sum(quantity - shipped - cancelled) as left,
            sum(shipped) as shipped, sum(shipped - invoiced) as due from orders.line group by 1) l on l.order_id = o.id
        where case o.stage when 'cancelled' then l.left > 0 or l.shipped > 0 when 'shipped' then l.left > 0 or l.due = 0
            when 'invoiced' then l.left > 0 or l.due > 0 when 'closed' then l.left > 0 or l.due > 0
            else l.left = 0 end""",
    "a draft and a cancelled order have reserved nothing": """
        select 1 from stock.reservation r join orders.sales_order o on o.id = r.order_id
        where o.stage not in ('confirmed', 'picking')""",
    "nothing lies in the future": """
        select 1 from orders.sales_order where placed_at > now()
        union all select 1 from stock.move where moved_at > now()
        union all select 1 from invoicing.invoice where issued_at > now()
        union all select 1 from receivables.payment where received_on > current_date""",
}


@dataclass(frozen=True)
class Demo:
    """An installation with the demo in it."""

    database: Database
    platform: Database

    async def tenants(self) -> dict[str, Principal]:
        return {row.slug: Principal.system(row.id) for row in await list_tenants(self.platform)}

    async def count(self, slug: str, sql: str, *values: Any) -> int:
        async with self.database.transaction((await self.tenants())[slug]) as tx:
            return int((await tx.fetchrow(f"select count(*) from ({sql}) as found", *values))[0])


@pytest.fixture
async def empty(server: Server, scratch: str) -> AsyncIterator[Demo]:
    """An installation without tenants."""
    database = Database({"main": await open_pool(server.dsn(Role.APPLICATION, scratch), server.signer, size=4)})
    platform = Database({"main": await open_pool(server.dsn(Role.PLATFORM, scratch), server.signer, size=1)})
    yield Demo(database, platform)
    await database.close()
    await platform.close()


@pytest.fixture
async def demo(empty: Demo) -> Demo:
    """An installation with a small demo."""
    assert await make_demo(empty.platform, empty.database, orders=ORDERS) == SLUGS
    return empty


async def test_every_sum_and_number_of_the_demo_is_right(demo: Demo) -> None:
    faults = {
        (slug, claim): found
        for slug in SLUGS
        for claim, sql in FAULTS.items()
        if (found := await demo.count(slug, sql))
    }
    assert faults == {}


async def test_a_wrong_row_is_found_by_the_checks_of_this_file(demo: Demo) -> None:
    async with demo.database.transaction((await demo.tenants())[SLUGS[0]]) as tx:
        await tx.execute("update stock.level set on_hand = on_hand + 1")
        await tx.execute("update receivables.open_item set open_minor = gross_minor - 1 where gross_minor > 1")
        await tx.execute("update numbering.counter set last = last + 1 where series = 'INV'")
    for claim in (
        "a level is the sum of its moves and reservations",
        "an open item is the gross less its allocations",
        "documents are numbered from 1 without a gap, and the counter is at the last",
    ):
        assert await demo.count(SLUGS[0], FAULTS[claim]) > 0


async def test_the_demo_has_what_a_first_look_wants_to_see(demo: Demo) -> None:
    wanted = {
        "some lines wait for stock": """select 1 from orders.line l join orders.sales_order o on o.id = l.order_id
            where o.stage = 'confirmed' and l.stocked and l.quantity > l.shipped + l.reserved + l.cancelled""",
        "some invoices are overdue": """select 1 from receivables.open_item
            where open_minor > 0 and due_on < current_date""",
        "some goods came back": "select 1 from invoicing.invoice where kind = 'credit_note'",
        "some orders are late": """select 1 from orders.sales_order
            where stage in ('confirmed', 'picking') and requested_on < current_date""",
    }
    for slug in SLUGS:
        assert {claim for claim, sql in wanted.items() if not await demo.count(slug, sql)} == set()
        assert await demo.count(slug, "select 1 from orders.sales_order") == ORDERS
        assert await demo.count(slug, "select distinct stage from orders.sales_order") == len(STAGES)
        assert await demo.count(slug, "select distinct kind from orders.hold where released_at is null") == 3
        async with demo.database.transaction((await demo.tenants())[slug]) as tx:
            assert await stock.list_low_stock(tx, count=5)
            assert {(row.role, row.email) for row in await list_members(tx)} == {
                (role, f"{role}@{slug}.example") for role in ("owner", "admin", "member", "viewer")
            }


async def test_a_second_call_makes_nothing(demo: Demo) -> None:
    before = [await demo.count(slug, "select 1 from audit.entry") for slug in SLUGS]
    assert await make_demo(demo.platform, demo.database, orders=ORDERS) == []
    assert [await demo.count(slug, "select 1 from audit.entry") for slug in SLUGS] == before


async def test_a_demo_cut_off_at_any_step_is_completed_by_the_next_call(
    empty: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("make_history", "write_history", "live_today"):
        with monkeypatch.context() as cut:
            cut.setattr(making, name, _cut_off)
            with pytest.raises(CutOff):
                await make_demo(empty.platform, empty.database, orders=ORDERS)
    deeds = list(live.DEEDS)
    with monkeypatch.context() as cut:
        cut.setattr(live, "DEEDS", [*deeds[:5], _cut_off, *deeds[6:]])
        with pytest.raises(CutOff):
            await make_demo(empty.platform, empty.database, orders=ORDERS)
    assert await empty.count(SLUGS[0], "select 1 from identity.membership") == 0
    assert await make_demo(empty.platform, empty.database, orders=ORDERS) == SLUGS
    await test_every_sum_and_number_of_the_demo_is_right(empty)
    assert await empty.count(SLUGS[0], "select 1 from orders.sales_order") == ORDERS


async def test_numbers_go_on_without_a_gap_after_one_more_order_is_sold(demo: Demo) -> None:
    async with demo.database.transaction((await demo.tenants())[SLUGS[0]]) as tx:
        customer_id = (await tx.fetchrow("select id from parties.customer where credit_limit_minor is null limit 1"))[0]
        product_id = (await tx.fetchrow("select product_id from stock.level order by on_hand - reserved desc limit 1"))[
            0
        ]
        warehouse_id = (
            await tx.fetchrow(
                "select warehouse_id from stock.level where product_id = $1 order by on_hand desc", product_id
            )
        )[0]
        new = NewOrder(
            customer_id=customer_id, warehouse_id=warehouse_id, lines=[NewLine(product_id=product_id, quantity=1)]
        )
        order = await orders.place_order(tx, new_id(), new)
        order = await orders.confirm(tx, order.id, Confirmation(expected_version=order.version))
        order = await orders.start_picking(tx, order.id, order.version)
        await orders.ship(tx, new_id(), NewShipment(order_id=order.id, expected_version=order.version))
        await issue_invoice(tx, new_id(), order.id)
    await test_every_sum_and_number_of_the_demo_is_right(demo)


def test_the_same_day_gives_the_same_history_again() -> None:
    for trade in trades():
        first, second = (make_history(trade, 30, date(2026, 3, 3)) for _ in range(2))
        assert msgspec.json.encode(first.orders) == msgspec.json.encode(second.orders)
        assert msgspec.json.encode(first.books.postings) == msgspec.json.encode(second.books.postings)


def test_made_up_codes_have_right_check_digits() -> None:
    for trade in trades():
        firm, history = trade.company, make_history(trade, 30, date(2026, 3, 3))
        assert checked_vat_id(firm.country, firm.vat_id) == firm.vat_id
        assert (checked_iban(firm.iban), checked_bic(firm.bic)) == (firm.iban, firm.bic)
        barcodes = [product.barcode for product in history.products if product.barcode]
        assert [checked_barcode(code) for code in barcodes] == barcodes
        assert {code[:2] for code in barcodes} == {"20"}
        for customer in history.customers:
            assert customer.vat_id is None or checked_vat_id(customer.country, customer.vat_id) == customer.vat_id
            assert customer.vat_id or customer.vat_treatment != "reverse_charge"


class CutOff(Exception):
    """The process was killed here."""


def _cut_off(*_: object, **__: object) -> Any:
    raise CutOff
