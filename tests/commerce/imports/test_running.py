"""An import does what its check said, line by line, once, whatever happens to the worker."""

from typing import Any

import pytest
from tests.commerce.imports.files import checked, csv_of, imported, uploaded, xlsx_of
from tests.conftest import MakeTenant, TenantFixture
from tests.running import Site
from tests.walls.trading import Trader

from stockade.access.acting import in_name_of
from stockade.commerce.catalog.service.products import list_products
from stockade.commerce.imports import jobs
from stockade.commerce.imports.fields import Source
from stockade.commerce.imports.rejects import rejects_csv
from stockade.commerce.imports.service import running
from stockade.commerce.imports.service.mapping import preview, set_mapping
from stockade.commerce.imports.service.reading import list_lines, read_import
from stockade.commerce.imports.service.uploading import read_again
from stockade.commerce.imports.views import MappingChange, NotNow, ReadingChange
from stockade.commerce.parties.service.customers import list_customers
from stockade.database.statements import raw
from stockade.identity.service.keys import Scope, issue_key
from stockade.identity.service.members import Place, add_member, change_member, list_members
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Invalid, NotFound
from stockade.tenancy.transaction import Database

HEAD = "SKU;Nazwa;Cena netto;Stawka VAT;EAN"
_ENTRIES = raw(
    "select e.action, e.actor_id from audit.entry e where e.tenant_id = $1 and e.subject = 'catalog.product'",
    "this_tenant",
)
_ON_HAND = raw("select sum(l.on_hand)::bigint from stock.level l where l.tenant_id = $1", "this_tenant", int)


@pytest.fixture
async def shop(site: Site, tenant: TenantFixture) -> TenantFixture:
    """A tenant with a company, a warehouse, rates, a product (AMPHORA-1 at 12.50) and a customer."""
    await Trader(site, await site.key(tenant)).open_shop()
    return tenant


async def products(database: Database, shop: TenantFixture) -> dict[str, Any]:
    async with database.transaction(shop.principal) as tx:
        return {product.sku: product for product in await list_products(tx, limit=200)}


def counts(run: Any) -> tuple[int, int, int, int]:
    progress = run.progress
    return progress.created, progress.updated, progress.unchanged, progress.rejected


async def reasons(database: Database, shop: TenantFixture, run: Any) -> dict[int, list[str]]:
    async with database.transaction(shop.principal) as tx:
        lines = await list_lines(tx, run.id, count=200)
    return {line.number: [reason.said() for reason in line.reasons] for line in lines}


async def test_a_polish_file_is_read_mapped_and_imported(shop: TenantFixture, database: Database) -> None:
    content = "\n".join([HEAD, "A-1;Żółta łódź;1 234,50;19%;4006381333931", "AMPHORA-1;Amfora;12,50;19;"])
    run = await uploaded(database, shop, content.encode("cp1250"))
    assert (run.state, run.encoding, run.separator, run.decimals, run.lines) == ("ready", "cp1250", ";", ",", 2)
    assert run.mapping["list_price"] == Source(column=2)
    run = await imported(database, shop, run.id)
    assert (run.state, counts(run)) == ("finished", (1, 1, 0, 0))
    found = await products(database, shop)
    assert (found["A-1"].name, str(found["A-1"].list_price)) == ("Żółta łódź", "1234.500000")
    assert found["A-1"].vat_category == "standard"
    assert found["AMPHORA-1"].name == "Amfora"


async def test_a_check_says_what_the_run_will_do_and_changes_nothing(shop: TenantFixture, database: Database) -> None:
    content = csv_of("sku,name,price", "NEW-1,New,1.00", "AMPHORA-1,Changed,12.50", "BAD SKU,x,1", "NEW-2,No price,")
    run = await uploaded(database, shop, content)
    before = await products(database, shop)
    tried = await checked(database, shop, run.id)
    assert (tried.state, counts(tried)) == ("checked", (1, 1, 0, 2))
    assert tried.progress.problems == {"sku": 1, "list_price": 1}
    assert await products(database, shop) == before
    done = await imported(database, shop, run.id)
    assert counts(done) == counts(tried)
    assert await reasons(database, shop, done) == {
        2: [], 3: [], 4: ["This is not written as it has to be."], 5: ["This is missing."],
    }  # fmt: skip


async def test_importing_the_same_file_again_changes_nothing(shop: TenantFixture, database: Database) -> None:
    content = csv_of("sku,name,price,unit", "NEW-1,New,1.00,box", "NEW-2,Newer,2.00,")
    first = await imported(database, shop, (await uploaded(database, shop, content)).id)
    second = await imported(database, shop, (await uploaded(database, shop, content)).id)
    assert (counts(first), counts(second)) == ((2, 0, 0, 0), (0, 0, 2, 0))


async def test_an_empty_cell_leaves_what_is_there(shop: TenantFixture, database: Database) -> None:
    await imported(database, shop, (await uploaded(database, shop, csv_of("sku,name", "AMPHORA-1,"))).id)
    assert (await products(database, shop))["AMPHORA-1"].name == "Amphora AMPHORA-1"


async def test_of_two_lines_about_the_same_product_the_first_counts(shop: TenantFixture, database: Database) -> None:
    content = csv_of("sku,name,price", "NEW-1,First,1", "NEW-1,Second,2")
    run = await imported(database, shop, (await uploaded(database, shop, content)).id)
    assert counts(run) == (1, 0, 0, 1)
    assert (await products(database, shop))["NEW-1"].name == "First"
    assert "Line 2" in (await reasons(database, shop, run))[3][0]


async def test_one_refused_line_takes_no_other_along(shop: TenantFixture, database: Database) -> None:
    content = csv_of(
        "sku,name,price,barcode", "NEW-1,One,1,4006381333931", "NEW-2,Two,1,4006381333931", "NEW-3,Three,1,",
        "NEW-4,Four,1,4006381333932",
    )  # fmt: skip
    run = await imported(database, shop, (await uploaded(database, shop, content)).id)
    assert counts(run) == (2, 0, 0, 2)
    told = await reasons(database, shop, run)
    assert told[3] == ["Another product has this barcode"]
    assert "GTIN" in told[5][0]


async def test_a_killed_worker_goes_on_and_does_nothing_twice(
    shop: TenantFixture, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "BATCH", 3)
    content = csv_of("sku,name,price", *(f"NEW-{number},N,1" for number in range(10)))
    run = await uploaded(database, shop, content)
    async with database.transaction(shop.principal) as tx:
        await running.start_import(tx, run.id)
    async with database.transaction(shop.principal) as tx:
        await running.advance(tx, run.id, {})

    async def killed_before_its_commit() -> None:
        async with database.transaction(shop.principal) as tx:
            await running.advance(tx, run.id, {})
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        await killed_before_its_commit()
    assert len(await products(database, shop)) == 1 + 3
    done = await jobs.work_on(database, shop.id, run.id)
    assert (done.state, done.progress.done, counts(done)) == ("finished", 10, (10, 0, 0, 0))
    assert len(await products(database, shop)) == 1 + 10


async def test_what_an_import_makes_is_made_in_the_name_of_who_started_it(
    shop: TenantFixture, database: Database
) -> None:
    run = await uploaded(database, shop, csv_of("sku,name,price", "NEW-1,New,1"))
    await imported(database, shop, run.id)
    async with database.transaction(shop.principal) as tx:
        entries = await _ENTRIES.all(tx)
    assert ("insert", shop.principal.actor_id) in entries


async def test_an_import_is_stopped_between_batches(
    shop: TenantFixture, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "BATCH", 2)
    run = await uploaded(database, shop, csv_of("sku,name,price", *(f"NEW-{number},N,1" for number in range(6))))
    async with database.transaction(shop.principal) as tx:
        await running.start_import(tx, run.id)
        await running.advance(tx, run.id, {})
        await running.stop_import(tx, run.id)
    stopped = await jobs.work_on(database, shop.id, run.id)
    assert (stopped.state, stopped.progress.done) == ("stopped", 2)
    with pytest.raises(NotNow):
        async with database.transaction(shop.principal) as tx:
            await running.start_import(tx, run.id)


async def test_rejects_can_be_mended_and_imported(shop: TenantFixture, database: Database) -> None:
    content = csv_of("sku;name;price", "GOOD-1;Good;1,00", "BAD-1;=HYPERLINK(1);", "BAD-2;-5;x")
    run = await imported(database, shop, (await uploaded(database, shop, content)).id)
    async with database.transaction(shop.principal) as tx:
        lines = await list_lines(tx, run.id, outcome="rejected", count=10)
    text = rejects_csv(run, [(line, [reason.said() for reason in line.reasons]) for line in lines])
    assert text.splitlines() == [
        "sku;name;price;Reason", "BAD-1;'=HYPERLINK(1);;This is missing.", "BAD-2;-5;x;Write a number.",
    ]  # fmt: skip
    mended = text.replace(";;This", ";2,00;This").replace("x;Write", "3,00;Write")
    again = await imported(database, shop, (await uploaded(database, shop, mended.encode())).id)
    assert counts(again) == (2, 0, 0, 0)
    assert (await products(database, shop))["BAD-1"].name == "=HYPERLINK(1)"


async def test_the_mapping_can_be_corrected_and_is_shown_as_it_would_be_read(
    shop: TenantFixture, database: Database
) -> None:
    run = await uploaded(database, shop, csv_of("a,b,c", "NEW-1,New,1.5", "NEW-2,New,abc"))
    assert run.mapping == {"vat_category": Source(value="standard")}
    fields = {
        "sku": Source(column=0), "name": Source(column=1), "list_price": Source(column=2),
        "vat_category": Source(value="reduced"),
    }  # fmt: skip
    async with database.transaction(shop.principal) as tx:
        run = await set_mapping(tx, run.id, MappingChange(fields=fields))
        shown = await preview(tx, run)
    assert shown[0].values["vat_category"] == "reduced"
    assert [reason.field for reason in shown[1].reasons] == ["list_price"]
    for wrong in ({"sku": Source(column=9)}, {"cost": Source(column=0)}, {"sku": Source()}):
        with pytest.raises(Invalid):
            async with database.transaction(shop.principal) as tx:
                await set_mapping(tx, run.id, MappingChange(fields=wrong))


async def test_a_file_that_was_read_wrongly_is_read_again(shop: TenantFixture, database: Database) -> None:
    run = await uploaded(database, shop, "sku,name\nA-1,Łódź".encode("cp1250"))
    async with database.transaction(shop.principal) as tx:
        await read_again(tx, run.id, ReadingChange(encoding="iso8859_2", separator=";"))
    run = await jobs.work_on(database, shop.id, run.id)
    assert (run.encoding, run.separator, run.header) == ("iso8859_2", ";", ["sku,name"])


async def test_customers_are_known_by_number_vat_id_or_name(shop: TenantFixture, database: Database) -> None:
    content = csv_of(
        "Nazwa;Kraj;NIP;E-mail;Limit kredytowy", "Huta Szkła;Polska;5260250995;huta@example.com;1 000,50",
        "Museum Ltd;DE;;new@example.com;", "Nobody;Atlantis;;;",
    )  # fmt: skip
    run = await imported(database, shop, (await uploaded(database, shop, content, "customers")).id)
    assert counts(run) == (1, 1, 0, 1), await reasons(database, shop, run)
    again = await imported(database, shop, (await uploaded(database, shop, content, "customers")).id)
    assert counts(again) == (0, 0, 2, 1)
    async with database.transaction(shop.principal) as tx:
        found = {customer.name: customer for customer in await list_customers(tx)}
    assert found["Huta Szkła"].vat_id == "PL5260250995"
    assert found["Huta Szkła"].credit_limit_minor == 100_050
    assert found["Museum Ltd"].email == "new@example.com"


async def test_opening_stock_is_booked_once(shop: TenantFixture, database: Database) -> None:
    content = xlsx_of(["SKU", "Stan"], ["AMPHORA-1", 40.0], ["NONE-1", 3], ["AMPHORA-1", 2])
    run = await uploaded(database, shop, content, "stock", "stock.xlsx")
    assert run.mapping["warehouse"] == Source(value="MAIN")
    first = await imported(database, shop, run.id)
    second = await imported(database, shop, (await uploaded(database, shop, content, "stock")).id)
    assert (counts(first), counts(second)) == ((1, 0, 0, 2), (0, 0, 0, 3))
    async with database.transaction(shop.principal) as tx:
        assert await _ON_HAND.one(tx) == 1040


async def test_a_file_without_lines_is_imported_as_nothing(shop: TenantFixture, database: Database) -> None:
    run = await imported(database, shop, (await uploaded(database, shop, b"sku,name,price")).id)
    assert (run.state, run.lines, counts(run)) == ("finished", 0, (0, 0, 0, 0))


async def test_another_tenants_import_is_not_there(
    shop: TenantFixture, make_tenant: MakeTenant, database: Database
) -> None:
    run = await uploaded(database, shop, b"sku\nA")
    other = await make_tenant()
    async with database.transaction(other.principal) as tx:
        with pytest.raises(NotFound):
            await read_import(tx, run.id)
        assert await list_lines(tx, run.id, count=10) == []


async def test_a_key_that_is_bound_to_imports_may_not_make_products_by_them(shop: TenantFixture, site: Site) -> None:
    run = await uploaded(site.database, shop, csv_of("SKU;Name;List price;VAT", "N-1;New;1.00;20"))
    for modules, status in ((["imports"], 403), (["imports", "catalog"], 200)):
        scope = Scope(role="admin", modules=modules)
        async with site.database.transaction(shop.principal) as tx:
            key = await issue_key(tx, site.installation.credentials, id=new_id(), name="k", scope=scope)
        answer = await site.call(key, "POST", f"/api/v1/imports/{run.id}/check")
        assert answer.status_code == status, answer.text


async def test_whoever_has_lost_the_right_meanwhile_imports_nothing_more(
    shop: TenantFixture, database: Database
) -> None:
    async with database.transaction(shop.principal) as tx:
        place = Place(role="admin")
        account = await add_member(tx, id=new_id(), email=f"{new_id().hex}@example.com", name="Eve", place=place)
    person = await in_name_of(database, shop.id, account)
    lines = [f"N-{number};New;1.00;20" for number in range(3)]
    run = await uploaded(database, shop, csv_of("SKU;Name;List price;VAT", *lines))
    async with database.transaction(person) as tx:
        await running.start_import(tx, run.id)
    async with database.transaction(shop.principal) as tx:
        member = next(it for it in await list_members(tx) if it.account_id == account)
        await change_member(tx, member.id, place=Place(role="member"), state="active")
    assert (await jobs.work_on(database, shop.id, run.id)).state == "stopped"
    assert set(await products(database, shop)) == {"AMPHORA-1"}
