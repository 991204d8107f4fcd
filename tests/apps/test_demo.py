"""The demo tenants hold what every tenant's books hold: each sum is right, each number follows the one before it."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest

from stockade.apps.demo import make_demo
from stockade.apps.demo import making as making_module
from stockade.apps.demo.history import make_history
from stockade.apps.demo.trade import trades
from stockade.commerce.catalog.rules import checked_barcode
from stockade.commerce.invoicing.service.issuing import issue_invoice
from stockade.commerce.orders import service as orders
from stockade.commerce.orders.commands import Confirmation, NewLine, NewOrder, NewShipment
from stockade.commerce.parties.rules import checked_bic, checked_iban, checked_vat_id
from stockade.commerce.stock import service as stock
from stockade.database.roles import Role
from stockade.kernel.clock import today
from stockade.kernel.ids import new_id
from stockade.tenancy.principal import Principal
from stockade.tenancy.tenants import list_tenants
from stockade.tenancy.transaction import Database, open_pool
from tests.commerce.orders.shop import UNBALANCED_LEVELS, UNBALANCED_LINES
from tests.conftest import Server, clone

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
        select 1 from orders.line l left join (select i.order_id, b.order_position as position, sum(b.quantity) as pieces
            from invoicing.invoice i join invoicing.line b on b.invoice_id = i.id where i.kind = 'invoice' group by 1, 2) b
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
            select id, amount_minor from receivables.payment union all select id, amount_minor from receivables.write_off) d
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
            select 'customer', '', count(*), min(substr(number, 3)::int), max(substr(number, 3)::int) from parties.customer
        ) d left join numbering.counter c using (series, period) where d.min <> 1 or d.max <> d.count or c.last is distinct from d.max""",
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
        select 1 from orders.sales_order where placed_at > now() union all select 1 from stock.move where moved_at > now()
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


@pytest.fixture(scope="module")
async def _pools(server: Server, worker_id: str) -> AsyncIterator[str]:
    yield worker_id


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
