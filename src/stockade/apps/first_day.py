"""A tenant's first day: what it needs before its first order."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import insert

from stockade.commerce.catalog.model import VatRate
from stockade.commerce.parties.model import Company
from stockade.commerce.stock.model import Warehouse
from stockade.database.statements import TENANT, param, statement
from stockade.identity.service import members
from stockade.identity.service.sign_in import issue_link
from stockade.kernel.ids import new_id
from stockade.tenancy.principal import Principal
from stockade.tenancy.tenants import create_tenant
from stockade.tenancy.transaction import Database

STANDARD_RATES = {"GB": "20", "PL": "23", "FI": "25.5", "DE": "19", "FR": "20", "IE": "23", "NL": "21", "SE": "25"}
"""Standard VAT rates in per cent at the beginning of 2026; others start at zero and are set by the tenant."""
REDUCED_RATES = {"GB": "5", "PL": "8", "FI": "13.5", "DE": "7", "FR": "10", "IE": "13.5", "NL": "9", "SE": "12"}

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
    """Make a tenant with a company to be completed, VAT rates of its country and one warehouse; return its id."""
    tenant_id = await create_tenant(platform, slug=slug, name=name, is_probe=is_probe)
    rates = {
        "standard": STANDARD_RATES.get(country, "0"), "reduced": REDUCED_RATES.get(country, "0"), "super_reduced": "0",
        "zero": "0", "exempt": "0", "outside": "0",
    }  # fmt: skip
    async with database.transaction(Principal.system(tenant_id)) as tx:
        await _COMPANY.run(tx, legal_name=name, street="", postcode="", city="", country=country, currency=currency)
        await _WAREHOUSE.run(tx, id=new_id())
        await _RATE.run_many(
            tx,
            [
                {"id": new_id(), "category": name, "valid_from": date(2000, 1, 1), "rate": Decimal(rate)}
                for name, rate in rates.items()
            ],
        )
    return tenant_id


async def make_owner(database: Database, tenant_id: UUID, *, email: str, origin: str, name: str = "") -> str:
    """Make a tenant's owner and return the one-time link to sign in with."""
    async with database.transaction(Principal.system(tenant_id)) as tx:
        account_id = await members.add_member(
            tx, id=new_id(), email=email, name=name or email.partition("@")[0], role="owner"
        )
    return await sign_in_link(database, tenant_id, account_id, origin)


async def sign_in_link(database: Database, tenant_id: UUID, account_id: UUID, origin: str) -> str:
    """Return the address of a fresh one-time link for a member."""
    async with database.transaction(Principal.system(tenant_id)) as tx:
        secret = await issue_link(tx, account_id)
    return f"{origin}/sign-in/once?token={secret}"
