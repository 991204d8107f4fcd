"""Imports as pages: what is sent is taken in once, what is wrong is said at the form, and viewers see no button."""

import re
from typing import Any

import httpx
import pytest
from tests.conftest import TenantFixture
from tests.running import Site
from tests.walls.inhabitants import session_of
from tests.walls.trading import Trader

from stockade.commerce.imports.jobs import work_on
from stockade.commerce.imports.model import MOST_BYTES
from stockade.commerce.imports.service.reading import list_imports
from stockade.commerce.imports.views import ImportView

FILE = b"sku,name,price\nNEW-1,New,1.50\nNEW-2,,2\nNEW-3,=1+1,x\n"


@pytest.fixture
async def owner(site: Site, tenant: TenantFixture) -> str:
    await Trader(site, await site.key(tenant)).open_shop()
    return await session_of(site, tenant, "owner")


async def see(site: Site, token: str, path: str) -> httpx.Response:
    return await site.client.get(path, headers={"accept": "text/html", "cookie": f"__Host-session={token}"})


async def send(site: Site, token: str, path: str, data: dict[str, str], files: Any = None, page: str = "") -> Any:
    shown = await see(site, token, page or "/imports/new")
    csrf = re.search(r'name="csrf_token" value="([^"]+)"', shown.text)
    assert csrf is not None
    headers = {"accept": "text/html", "cookie": f"__Host-session={token}", "origin": str(site.client.base_url)}
    return await site.client.post(path, data={"csrf_token": csrf[1]} | data, files=files, headers=headers)


async def upload(site: Site, token: str, content: bytes, key: str = "a key of one form", **more: str) -> Any:
    data = {"target": "products", "idempotency_key": key.replace(" ", "-")} | more
    return await send(site, token, "/imports", data, {"file": ("..\\folder/products.csv", content, "text/csv")})


async def known(site: Site, tenant: TenantFixture) -> list[ImportView]:
    async with site.database.transaction(tenant.principal) as tx:
        return await list_imports(tx, count=10)


async def test_a_file_goes_from_the_form_to_its_account(site: Site, tenant: TenantFixture, owner: str) -> None:
    answer = await upload(site, owner, FILE)
    assert answer.status_code == 303
    path = answer.headers["location"]
    (made,) = await known(site, tenant)
    assert (path, made.file_name) == (f"/imports/{made.id}", "products.csv")
    assert "The file is being read" in (await see(site, owner, path)).text
    await work_on(site.database, tenant.id, made.id)
    shown = await see(site, owner, path)
    assert "Which column is what" in shown.text
    assert "Write a number." in shown.text
    sources = {"source.sku": "c0", "source.name": "c1", "source.list_price": "c2", "source.vat_category": "=reduced"}
    answer = await send(site, owner, f"{path}/mapping", sources | {"decimals": ".", "then": "check"}, page=path)
    assert answer.status_code == 303
    await work_on(site.database, tenant.id, made.id)
    assert "Import 1 line" in (await see(site, owner, path)).text
    assert (await send(site, owner, f"{path}/start", {}, page=path)).status_code == 303
    await work_on(site.database, tenant.id, made.id)
    (done,) = await known(site, tenant)
    assert (done.state, done.progress.created, done.progress.rejected) == ("finished", 1, 2)
    account = await see(site, owner, f"{path}?outcome=rejected")
    assert "This is missing." in account.text
    rejects = await see(site, owner, f"{path}/rejects.csv")
    assert rejects.headers["content-disposition"] == 'attachment; filename="products-rejects.csv"'
    assert "NEW-3,'=1+1,x,Write a number." in rejects.text


async def test_a_form_sent_twice_makes_one_import(site: Site, tenant: TenantFixture, owner: str) -> None:
    first, second = await upload(site, owner, FILE), await upload(site, owner, FILE)
    assert first.headers["location"] == second.headers["location"]
    assert len(await known(site, tenant)) == 1


@pytest.mark.parametrize(("content", "told"), [
    (b"", "The file is empty."), (b"x" * (MOST_BYTES + 1), "The file has more than 20 MB"),
])  # fmt: skip
async def test_what_is_wrong_with_a_file_is_said_at_the_form(
    site: Site, tenant: TenantFixture, owner: str, content: bytes, told: str
) -> None:
    answer = await upload(site, owner, content)
    assert answer.status_code == 422
    assert told in answer.text
    assert await known(site, tenant) == []


async def test_a_form_without_a_file_or_token_is_refused(site: Site, tenant: TenantFixture, owner: str) -> None:
    answer = await send(site, owner, "/imports", {"target": "products"})
    assert (answer.status_code, "Choose a file." in answer.text) == (422, True)
    headers = {"accept": "text/html", "cookie": f"__Host-session={owner}", "origin": str(site.client.base_url)}
    files = {"file": ("a.csv", FILE, "text/csv")}
    assert (await site.client.post("/imports", files=files, headers=headers)).status_code == 403
    assert await known(site, tenant) == []


async def test_a_file_that_cannot_be_read_says_why(site: Site, tenant: TenantFixture, owner: str) -> None:
    path = (await upload(site, owner, b"\xd0\xcf\x11\xe0" + b"\0" * 100)).headers["location"]
    (made,) = await known(site, tenant)
    await work_on(site.database, tenant.id, made.id)
    assert "save it as .xlsx or CSV" in (await see(site, owner, path)).text


async def test_a_member_sees_imports_and_no_button(site: Site, tenant: TenantFixture, owner: str) -> None:
    path = (await upload(site, owner, FILE)).headers["location"]
    (made,) = await known(site, tenant)
    await work_on(site.database, tenant.id, made.id)
    token = await session_of(site, tenant, "member")
    for shown in (await see(site, token, "/imports"), await see(site, token, path)):
        assert shown.status_code == 200
        assert "products.csv" in shown.text
        assert "/imports/new" not in shown.text
        assert "Check all" not in shown.text
    assert (await see(site, token, "/imports/new")).status_code == 403
    viewer = await session_of(site, tenant, "viewer")
    assert (await see(site, viewer, "/imports")).status_code == 403


async def test_a_source_that_is_not_there_is_refused_on_the_page(site: Site, tenant: TenantFixture, owner: str) -> None:
    path = (await upload(site, owner, FILE)).headers["location"]
    (made,) = await known(site, tenant)
    await work_on(site.database, tenant.id, made.id)
    for source in ("c99", "c-1", "cx", "="):
        answer = await send(site, owner, f"{path}/mapping", {"source.sku": source}, page=path)
        assert answer.status_code == 422, source
        assert "Which column is what" in answer.text
