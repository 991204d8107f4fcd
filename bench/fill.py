"""Data for the bench: tenants with products, customers and orders, made in a few large statements.

Triggers and foreign keys are off in the session that inserts (a superuser's, in the bench's own database): a million
orders take a minute. Everything that is measured afterwards runs with them on. Ids are computed, so that the load
generator knows them without asking: ``0198<kind>-<tenant>-7000-8000-<number>``.
"""

import asyncpg

ORDERS_EACH = 1_000
LINES_EACH = 5
PRODUCTS_EACH = 200
CUSTOMERS_EACH = 50
ORDER, PRODUCT, CUSTOMER = 1, 2, 3

_TENANTS = """
create temporary table chosen as
    select id as tenant_id, (regexp_match(slug, '[0-9]+'))[1]::int as n from tenancy.tenant
    where slug ~ '^bench-[0-9]+$'
"""
_PRODUCTS = f"""
insert into catalog.product (tenant_id, id, sku, name, vat_category, list_price, stocked, state)
select tenant_id, pg_temp.made_id({PRODUCT}, n, p), 'SKU-' || lpad(p::text, 5, '0'), 'Product number ' || p, 'standard',
    (p % 90) + 1.25, true, 'active'
from chosen, generate_series(1, {PRODUCTS_EACH}) as p
"""
_CUSTOMERS = f"""
insert into parties.customer (tenant_id, id, number, name, country, currency, state)
select tenant_id, pg_temp.made_id({CUSTOMER}, n, c), 'C-' || lpad(c::text, 5, '0'), 'Customer number ' || c,
    'GB', 'GBP', 'active'
from chosen, generate_series(1, {CUSTOMERS_EACH}) as c
"""
_ORDERS = f"""
insert into orders.sales_order (
    tenant_id, id, number, customer_id, warehouse_id, stage, currency, customer_reference, placed_at,
    net_minor, vat_minor, gross_minor
)
select c.tenant_id, pg_temp.made_id({ORDER}, n, o), 'B-' || lpad(o::text, 6, '0'),
    pg_temp.made_id({CUSTOMER}, n, o % {CUSTOMERS_EACH} + 1), w.id,
    (array['draft', 'confirmed', 'closed', 'closed'])[o % 4 + 1], 'GBP', 'PO ' || o,
    now() - make_interval(secs => ({ORDERS_EACH} - o) * 3600), 5 * 1025, 5 * 205, 5 * 1230
from chosen as c join stock.warehouse as w using (tenant_id), generate_series(1, {ORDERS_EACH}) as o
"""
_LINES = f"""
insert into orders.line (
    tenant_id, order_id, position, product_id, sku, description, quantity, unit_price, vat_category, vat_rate, net_minor
)
select tenant_id, pg_temp.made_id({ORDER}, n, o), l, pg_temp.made_id({PRODUCT}, n, p), 'SKU-' || lpad(p::text, 5, '0'),
    'Product number ' || p, 5, 2.05, 'standard', 20, 1025
from chosen, generate_series(1, {ORDERS_EACH}) as o, generate_series(1, {LINES_EACH}) as l,
    lateral (select (o * {LINES_EACH} + l) % {PRODUCTS_EACH} + 1 as p) as chosen_product
"""
_MADE_ID = """
create function pg_temp.made_id(kind int, tenant int, number int) returns uuid language sql immutable
return (
    '0198' || lpad(to_hex(kind), 4, '0') || lpad(to_hex(tenant), 4, '0') || '70008000' || lpad(number::text, 12, '0')
)::uuid
"""


def made_id(kind: int, tenant: int, number: int) -> str:
    """Return the id that the fill gave to a row."""
    return f"0198{kind:04x}-{tenant:04x}-7000-8000-{number:012d}"


async def fill(dsn: str) -> None:
    """Fill the database that ``dsn`` leads to, as a superuser, for every tenant whose slug is ``bench-<number>``."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(
            "set session_replication_role = replica; set synchronous_commit = off; set work_mem = '256MB'"
        )
        for sql in (_MADE_ID, _TENANTS, _PRODUCTS, _CUSTOMERS, _ORDERS, _LINES):
            await connection.execute(sql)
        await connection.execute("vacuum (analyze, freeze)")
        await connection.execute("checkpoint")
    finally:
        await connection.close()
