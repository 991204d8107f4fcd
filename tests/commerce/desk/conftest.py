"""A shop for each test."""

import pytest
from tests.commerce.orders.shop import Shop, open_shop
from tests.conftest import TenantFixture

from stockade.tenancy.transaction import Database


@pytest.fixture
async def shop(database: Database, tenant: TenantFixture) -> Shop:
    """A tenant with a customer that may owe 1,000 EUR, a warehouse and VAT rates."""
    return await open_shop(database, tenant.principal, limit=100_000)
