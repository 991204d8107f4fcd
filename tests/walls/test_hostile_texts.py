"""Whatever stands in any field of any row, every page shows it harmlessly and every download holds it as text."""

import csv
import io
import re
from typing import Any

import asyncpg
import pytest
from tests.conftest import TenantFixture
from tests.running import Site
from tests.walls.calls import ids_from
from tests.walls.inhabitants import furnish, session_of
from tests.walls.test_page_statements import pages_of

SCRIPT = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>"
FORMULA = '=HYPERLINK("https://evil.example","x")'
RIGHT_TO_LEFT = "\u202eשלום \u2067עולם"
HOSTILE = {
    "a script": SCRIPT,
    "a formula": FORMULA,
    "right to left": RIGHT_TO_LEFT,
    "very long": "Donaudampfschiff" * 60,
}
_TEXT_COLUMNS = """
    select c.oid::regclass::text, a.attname from pg_attribute a
    join pg_class c on c.oid = a.attrelid and c.relkind = 'r'
    join pg_namespace n on n.oid = c.relnamespace
    where a.atttypid = 'text'::regtype and a.attnum > 0 and not a.attisdropped
        and n.nspname = any($1) and exists (
            select from pg_attribute t where t.attrelid = c.oid and t.attname = 'tenant_id')
"""
SCHEMAS = ["catalog", "parties", "stock", "orders", "invoicing", "receivables", "desk", "mail", "imports"]


async def poison(superuser: "asyncpg.Connection[asyncpg.Record]", tenant: TenantFixture, text: str) -> int:
    """Write a text into every text column that takes it, behind the application's back; return how many did."""
    await superuser.execute("set session_replication_role = replica")
    taken = 0
    for table, column in await superuser.fetch(_TEXT_COLUMNS, SCHEMAS):
        try:
            async with superuser.transaction():
                await superuser.execute(
                    f'update {table} set "{column}" = $2 where tenant_id = $1 and "{column}" is not null',
                    tenant.id,
                    text,
                )
            taken += 1
        except (asyncpg.IntegrityConstraintViolationError, asyncpg.DataError):
            continue  # a constraint holds it off: a stage, a unique number
    await superuser.execute("reset session_replication_role")
    return taken


@pytest.mark.parametrize("kind", HOSTILE)
async def test_no_page_or_download_is_harmed_by_a_stored_text(
    site: Site, tenant: TenantFixture, superuser: Any, kind: str
) -> None:
    text = HOSTILE[kind]
    made = await furnish(site, tenant)
    token = await session_of(site, tenant, "owner")
    assert await poison(superuser, tenant, text) > 20
    wrong, held = [], 0
    for call in pages_of(site):
        response = await call.make(site, ids_from(made), token, accept="text/html")
        if response.status_code != 200 and not (response.status_code == 422 and call.path.endswith(".png")):
            # A colour that is none cannot be printed, and is said so; everything else is shown.
            wrong.append(f"{call.name}: {response.status_code}")
        elif response.headers["content-type"].startswith("text/html"):
            held += text[:10] in response.text or "&lt;script&gt;" in response.text
            if "<script>alert" in response.text or re.search(r"<img[^>]*onerror", response.text):
                wrong.append(f"{call.name}: unescaped")
        elif response.headers["content-type"].startswith("text/csv"):
            cells = [cell for row in csv.reader(io.StringIO(response.content.decode("utf-8-sig"))) for cell in row]
            if any(cell.startswith(("=", "@")) for cell in cells):
                wrong.append(f"{call.name}: a formula")
    assert not wrong
    assert held > 3, "the texts did not reach the pages: this test would prove nothing"
