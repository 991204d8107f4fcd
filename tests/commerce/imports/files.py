"""Files that people upload, and files that nobody should."""

import io
import zipfile
from base64 import b64encode
from typing import Any
from uuid import UUID

import xlsxwriter
from tests.conftest import TenantFixture

from stockade.commerce.imports.jobs import work_on
from stockade.commerce.imports.service.running import check_import, start_import
from stockade.commerce.imports.service.uploading import upload_import
from stockade.commerce.imports.views import ImportView, NewImport
from stockade.kernel.ids import new_id
from stockade.tenancy.transaction import Database

_SHEET = """<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>
{rows}</sheetData></worksheet>"""


def csv_of(*rows: str) -> bytes:
    return "\r\n".join(rows).encode()


def xlsx_of(*rows: list[Any]) -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    sheet = book.add_worksheet()
    for at, row in enumerate(rows):
        sheet.write_row(at, 0, row)
    book.close()
    return out.getvalue()


def package_with_sheet(rows: str) -> bytes:
    """A spreadsheet whose first sheet holds these rows, whatever they are."""
    whole = zipfile.ZipFile(io.BytesIO(xlsx_of(["a"])))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name in whole.namelist():
            content = whole.read(name)
            if name == "xl/worksheets/sheet1.xml":
                content = _SHEET.format(rows=rows).encode()
            made.writestr(name, content)
    return out.getvalue()


async def uploaded(
    database: Database, tenant: TenantFixture, content: bytes, target: str = "products", name: str = "file.csv"
) -> ImportView:
    """Upload a file and let the worker read it."""
    new = NewImport(target=target, file_name=name, content=b64encode(content).decode())  # type: ignore[arg-type]
    async with database.transaction(tenant.principal) as tx:
        made = await upload_import(tx, new_id(), new)
    return await work_on(database, tenant.id, made.id)


async def checked(database: Database, tenant: TenantFixture, import_id: UUID) -> ImportView:
    async with database.transaction(tenant.principal) as tx:
        await check_import(tx, import_id)
    return await work_on(database, tenant.id, import_id)


async def imported(database: Database, tenant: TenantFixture, import_id: UUID) -> ImportView:
    async with database.transaction(tenant.principal) as tx:
        await start_import(tx, import_id)
    return await work_on(database, tenant.id, import_id)
