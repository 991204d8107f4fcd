"""People who enrol factors."""

import pytest
from tests.conftest import TenantFixture
from tests.identity.factors.people import Person, member_of

from stockade.tenancy.transaction import Database


@pytest.fixture
async def person(database: Database, tenant: TenantFixture) -> Person:
    """A member of the tenant."""
    return await member_of(database, tenant)


@pytest.fixture
async def other(database: Database, tenant: TenantFixture) -> Person:
    """A colleague."""
    return await member_of(database, tenant)
