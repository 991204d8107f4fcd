"""The company through its verbs, in a real database."""

from typing import Any

import pytest
from tests.conftest import MakeTenant, TenantFixture

from stockade.commerce.parties.model import Company
from stockade.commerce.parties.service.company import (
    BankAccountChange,
    CompanyChange,
    CompanyThere,
    CompanyView,
    NewCompany,
    change_company,
    found_company,
    read_bank_account,
    read_company,
    set_bank_account,
)
from stockade.kernel.problems import Invalid, NotFound, VersionConflict
from stockade.tenancy.transaction import Database

IBAN = "GB82WEST12345698765432"


def company(**given: Any) -> NewCompany:
    whole = {
        "legal_name": "Test Distribution Ltd", "street": "1 Dock Road", "postcode": "E16 1AA", "city": "London",
        "country": "GB", "currency": "GBP", "vat_id": "GB 980 7806 84", "email": "Sales@Test.example",
    }  # fmt: skip
    return NewCompany(**(whole | given))


async def founded(database: Database, tenant: TenantFixture, **given: Any) -> CompanyView:
    async with database.transaction(tenant.principal) as tx:
        return await found_company(tx, company(**given))


async def test_the_company_carries_the_tenants_id_and_normal_forms(database: Database, tenant: TenantFixture) -> None:
    await founded(database, tenant)
    async with database.transaction(tenant.principal) as tx:
        read = await read_company(tx)
    assert (read.id, read.vat_id, read.email, read.version) == (tenant.id, "GB980780684", "sales@test.example", 1)


async def test_there_is_one_company_a_tenant(database: Database, tenant: TenantFixture) -> None:
    await founded(database, tenant)
    with pytest.raises(CompanyThere):
        await founded(database, tenant)


async def test_a_tenant_without_a_company_has_none_of_anothers(database: Database, make_tenant: MakeTenant) -> None:
    mine, theirs = await make_tenant(), await make_tenant()
    await founded(database, theirs)
    for verb in (read_company, read_bank_account):
        with pytest.raises(NotFound):
            async with database.transaction(mine.principal) as tx:
                await verb(tx)


async def test_a_change_needs_the_version_that_was_seen(database: Database, tenant: TenantFixture) -> None:
    await founded(database, tenant)
    async with database.transaction(tenant.principal) as tx:
        changed = await change_company(tx, CompanyChange(expected_version=1, city="Leeds", phone="+44 20 7946 0958"))
    assert (changed.city, changed.phone, changed.street, changed.version) == (
        "Leeds",
        "+44 20 7946 0958",
        "1 Dock Road",
        2,
    )
    with pytest.raises(VersionConflict):
        async with database.transaction(tenant.principal) as tx:
            await change_company(tx, CompanyChange(expected_version=1, city="York"))


async def test_a_company_that_moves_abroad_needs_a_vat_id_of_there(database: Database, tenant: TenantFixture) -> None:
    await founded(database, tenant)
    with pytest.raises(Invalid):
        async with database.transaction(tenant.principal) as tx:
            await change_company(tx, CompanyChange(expected_version=1, country="DE"))
    async with database.transaction(tenant.principal) as tx:
        moved = await change_company(tx, CompanyChange(expected_version=1, country="DE", vat_id="DE136695976"))
    assert (moved.country, moved.vat_id) == ("DE", "DE136695976")


@pytest.mark.parametrize("wrong", [{"country": "UK"}, {"currency": "GBX"}, {"vat_id": "GB980780685"}])
async def test_codes_that_do_not_exist_are_refused(
    database: Database, tenant: TenantFixture, wrong: dict[str, str]
) -> None:
    with pytest.raises(Invalid):
        await founded(database, tenant, **wrong)


async def test_the_bank_account_is_checked_and_shares_the_companys_version(
    database: Database, tenant: TenantFixture
) -> None:
    await founded(database, tenant)
    async with database.transaction(tenant.principal) as tx:
        account = await set_bank_account(
            tx, BankAccountChange(expected_version=1, iban="GB82 WEST 1234 5698 7654 32", bic="westgb2l")
        )
        assert (account.iban, account.bic, account.version) == (IBAN, "WESTGB2L", 2)
        assert await read_bank_account(tx) == account
        assert (await read_company(tx)).version == 2
        with pytest.raises(VersionConflict):
            await set_bank_account(tx, BankAccountChange(expected_version=1, iban=None))
        with pytest.raises(Invalid):
            await set_bank_account(tx, BankAccountChange(expected_version=2, iban=IBAN[:-1] + "3"))


def test_the_companys_view_holds_nothing_that_needs_a_permission_of_its_own() -> None:
    guarded = {column.name for column in Company.__table__.columns if column.info["rule"].read}
    assert guarded == {"iban"}
    assert guarded.isdisjoint(CompanyView.__struct_fields__)


async def test_the_trail_does_not_hold_the_iban(database: Database, tenant: TenantFixture) -> None:
    await founded(database, tenant)
    async with database.transaction(tenant.principal) as tx:
        await set_bank_account(tx, BankAccountChange(expected_version=1, iban=IBAN))
        entries = [str(dict(entry)) for entry in await tx.fetch("select action, before, after from audit.entry")]
    assert any("'iban'" in entry for entry in entries)
    assert not any(IBAN in entry for entry in entries)
