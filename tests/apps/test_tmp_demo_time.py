import asyncio,time,sys
from pathlib import Path
import pytest
from tests.apps.test_demo import *
from collections import Counter
async def test_time(empty):
    t=time.perf_counter()
    made = await make_demo(empty.platform, empty.database, orders=int(__import__('os').environ.get('N','60')))
    print("made", made, time.perf_counter()-t)
    for slug in SLUGS:
        for claim, sql in FAULTS.items():
            n = await empty.count(slug, sql)
            if n: print("FAULT", slug, claim, n)
        async with empty.database.transaction((await empty.tenants())[slug]) as tx:
            for sql in ("select stage, count(*) from orders.sales_order group by 1 order by 2", "select kind, released_at is null as open, count(*) from orders.hold group by 1,2",
              "select count(*) as overdue, sum(open_minor) from receivables.open_item where open_minor>0 and due_on<current_date","select count(*) from receivables.open_item where open_minor>0",
              "select count(*) from receivables.open_item where open_minor between 1 and gross_minor-1",
              "select count(*), sum((unallocated_minor>0)::int) from receivables.payment", "select kind,count(*), sum(gross_minor) from invoicing.invoice group by 1","select count(*) from orders.line","select count(*) from stock.move",
              "select count(*) from receivables.write_off","select count(*) from orders.sales_order where stage in ('confirmed','picking') and requested_on<current_date","select avg(gross_minor), max(gross_minor) from orders.sales_order","select name,list_price,cost,reorder_point,barcode from catalog.product order by random() limit 4","select name,vat_id,country,credit_limit_minor,terms_days,email from parties.customer order by random() limit 4",
              "select count(*) from orders.line l join orders.sales_order o on o.id=l.order_id where o.stage in ('confirmed','picking') and stocked and quantity-shipped-cancelled-reserved>0", "select state, count(*) from identity.membership group by 1","select count(*) from audit.entry"):
                try: print(sql[:70], [tuple(r) for r in await tx.fetch(sql)])
                except Exception as e: print(sql, repr(e)); raise
            print("low", len(await stock.list_low_stock(tx, count=500)))
