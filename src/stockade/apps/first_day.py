"""A tenant's first day: what it needs before its first order."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import insert

from stockade.commerce.catalog.model import VatRate
from stockade.commerce.catalog.rules import WITHOUT_VAT
from stockade.commerce.catalog.vat_by_country import offered_rates
from stockade.commerce.parties.model import Company
from stockade.commerce.stock.model import Warehouse
from stockade.database.statements import TENANT, param, statement
from stockade.identity.service import members
from stockade.identity.service.sign_in import issue_link
from stockade.kernel.ids import new_id
from stockade.tenancy.principal import Principal
from stockade.tenancy.tenants import create_tenant
from stockade.tenancy.transaction import Database

_COMPANY = statement(
    insert(Company).values(
        tenant_id=TENANT,
        id=TENANT,
        legal_name=param("legal_name"),
        street=param("street"),
        postcode=param("postcode"),
        city=param("city"),
        country=param("country"),
        currency=param("currency"),
    )
)
_WAREHOUSE = statement(
    insert(Warehouse).values(tenant_id=TENANT, id=param("id"), code="MAIN", name="Main warehouse", state="active")
)
_RATE = statement(
    insert(VatRate).values(
        tenant_id=TENANT, id=param("id"), category=param("category"), valid_from=param("valid_from"), rate=param("rate")
    )
)


async def open_tenant(
    platform: Database, database: Database, *, slug: str, name: str, country: str, currency: str, is_probe: bool = False
) -> UUID:  # fmt: skip
    """Make a tenant with a company to be completed, VAT rates of its country (as far as they are known here) and one
    warehouse; return its id.
    """
    tenant_id = await create_tenant(platform, slug=slug, name=name, is_probe=is_probe)
    rates = offered_rates(country) | {category: Decimal(0) for category in WITHOUT_VAT}
    async with database.transaction(Principal.system(tenant_id)) as tx:
        await _COMPANY.run(tx, legal_name=name, street="", postcode="", city="", country=country, currency=currency)
        await _WAREHOUSE.run(tx, id=new_id())
        await _RATE.run_many(
            tx,
            [
                {"id": new_id(), "category": category, "valid_from": date(2000, 1, 1), "rate": rate}
                for category, rate in rates.items()
            ],
        )
    return tenant_id


async def make_owner(database: Database, tenant_id: UUID, *, email: str, origin: str, name: str = "") -> str:
    """Make a tenant's owner and return the one-time link to sign in with."""
    async with database.transaction(Principal.system(tenant_id)) as tx:
        account_id = await members.add_member(
            tx, id=new_id(), email=email, name=name or email.partition("@")[0], place=members.Place(role="owner")
        )
    return await sign_in_link(database, tenant_id, account_id, origin)


async def sign_in_link(database: Database, tenant_id: UUID, account_id: UUID, origin: str) -> str:
    """Return the address of a fresh one-time link for a member."""
    async with database.transaction(Principal.system(tenant_id)) as tx:
        secret = await issue_link(tx, account_id, vouched_by="operator")
    return f"{origin}/sign-in/once?token={secret}"
