"""The list of orders as the desk sees it: with holds, lateness and payment, in one statement a page."""

from stockade.commerce.desk.listing import Choice, Column, Days, Entity, Flag, Listing, Records, Search
from stockade.commerce.orders.model import HOLD_KINDS, STAGES
from stockade.commerce.orders.permissions import READ
from stockade.kernel.words import N_

STAGE_BADGES = {
    "draft": (N_("Draft"), "hollow", "circle-dashed"), "confirmed": (N_("Confirmed"), "info", "check"),
    "picking": (N_("Picking"), "info", "package"), "shipped": (N_("Shipped"), "info", "truck"),
    "invoiced": (N_("Invoiced"), "", "receipt"), "closed": (N_("Closed"), "", "circle-check"),
    "cancelled": (N_("Cancelled"), "hollow", "ban"),
}  # fmt: skip
STAGE_LABELS = {stage: STAGE_BADGES[stage][0] for stage in STAGES}
PAYMENT_BADGES = {
    "none": (N_("Not invoiced"), "plain", ""), "open": (N_("Open"), "plain", "clock"),
    "part_paid": (N_("Part paid"), "info", "clock"), "overdue": (N_("Overdue"), "bad", "circle-alert"),
    "paid": (N_("Paid"), "good", "check"), "credited": (N_("Credited"), "hollow", "receipt"),
}  # fmt: skip
HOLD_BADGES = dict(zip(HOLD_KINDS, (
    (N_("Credit hold"), "warn", "circle-pause"), (N_("Stock hold"), "warn", "circle-pause"),
    (N_("Manual hold"), "warn", "circle-pause"),
), strict=True))  # fmt: skip
OPEN_STAGES = "('draft', 'confirmed', 'picking')"
_LATE = f"o.requested_on < {{today}} and o.stage in {OPEN_STAGES}"
_HELD = "exists (select from orders.hold h where h.tenant_id = $1 and h.order_id = o.id and h.released_at is null)"
_PAID = """
    left join lateral (
        select sum(t.gross_minor)::bigint as invoiced, sum(t.open_minor)::bigint as still_open,
            bool_or(t.open_minor > 0 and t.due_on < {today}) as overdue
        from invoicing.invoice i join receivables.open_item t on t.tenant_id = $1 and t.invoice_id = i.id
        where i.tenant_id = $1 and i.order_id = o.id and i.kind = 'invoice'
    ) paid on true
"""
_PAYMENT = """
    case when paid.invoiced is null then 'none' when paid.still_open = 0 then 'paid' when paid.overdue then 'overdue'
        when paid.still_open < paid.invoiced then 'part_paid' else 'open' end
"""
_OVERDUE = """exists (
    select from invoicing.invoice i join receivables.open_item t on t.tenant_id = $1 and t.invoice_id = i.id
    where i.tenant_id = $1 and i.order_id = o.id and t.open_minor > 0 and t.due_on < {today}
)"""
_HOLDS = """array(
    select h.kind from orders.hold h where h.tenant_id = $1 and h.order_id = o.id and h.released_at is null
    order by h.kind
)"""
ORDERS = Listing(
    name="orders", address="/orders", permission=READ,
    source="orders.sales_order o join parties.customer c on c.tenant_id = $1 and c.id = o.customer_id",
    where="o.tenant_id = $1", key="o.id", joins={"paid": _PAID},
    columns=(
        Column("number", N_("Number"), "o.number", "code", link="/orders/{id}"),
        Column("customer", N_("Customer"), "c.name"),
        Column("reference", N_("Their reference"), "o.customer_reference", shown=False),
        Column("placed", N_("Placed"), "o.placed_at", "moment", sort=True),
        Column("requested", N_("Requested"), "o.requested_on", "day"),
        Column("late", N_("Late"), f"case when {_LATE} then 'late' end", "badge",
               badges={"late": (N_("Late"), "bad", "clock-alert")}),
        Column("stage", N_("Stage"), "o.stage", "badge", badges=STAGE_BADGES),
        Column("holds", N_("Holds"), _HOLDS, "list", badges=HOLD_BADGES),
        Column("payment", N_("Payment"), _PAYMENT, "badge", badges=PAYMENT_BADGES, needs=("paid",)),
        Column("warehouse", N_("Warehouse"), "(select w.code from stock.warehouse w where w.tenant_id = $1 and "
               "w.id = o.warehouse_id)", "code", shown=False),
        Column("lines", N_("Lines"), "(select count(*) from orders.line l where l.tenant_id = $1 "
               "and l.order_id = o.id)", "quantity", shown=False),
        Column("net", N_("Net"), "o.net_minor", "money", currency="o.currency", shown=False),
        Column("total", N_("Total"), "o.gross_minor", "money", currency="o.currency", sort=True),
    ),
    filters=(
        Search(
            "(o.number ^@ upper({0}) or lower(c.name) ^@ lower({0}) or o.customer_reference = {0})",
            N_("Number, customer or their reference"),
        ),
        Choice("stage", N_("Stage"), STAGE_LABELS, "o.stage = {0}", tabs=True),
        Flag("open", N_("Open"), f"o.stage in {OPEN_STAGES}"),
        Flag("late", N_("Late"), _LATE),
        Flag("held", N_("On hold"), _HELD),
        Flag("overdue", N_("Payment overdue"), _OVERDUE),
        Entity("customer", N_("Customer"), "o.customer_id = {0}", "customers",
               shown="select name from parties.customer where tenant_id = $1 and id = $2"),
        Entity("warehouse", N_("Warehouse"), "o.warehouse_id = {0}", "warehouses",
               shown="select name from stock.warehouse where tenant_id = $1 and id = $2"),
        Days("placed", N_("Placed"), "o.placed_at", moment=True),
        Days("requested", N_("Requested"), "o.requested_on"),
        Records("o.id = any(string_to_array({0}, ',')::uuid[])"),
    ),
    sort="-placed",
)  # fmt: skip
