"""A sign-in that is unlike the person's others is judged inside the flow, for cookies and for tokens alike."""

from typing import Any

import msgspec
import pytest
from tests.conftest import TenantFixture
from tests.identity.tokens.programs import PASSWORD, Program
from tests.running import Site

from stockade.identity.suspicion.policy import PolicyChange, read_policy, set_policy


@pytest.fixture
async def program(site: Site, tenant: TenantFixture, superuser: Any) -> Program:
    return await Program.of(site, tenant, superuser)


async def demand(program: Program, action: str) -> None:
    """What a new device leads to."""
    async with program.site.database.transaction(program.tenant.principal) as tx:
        held = await read_policy(tx)
        fields = {name: getattr(held, name) for name in PolicyChange.__struct_fields__ if hasattr(held, name)}
        change = msgspec.convert(fields | {"expected_version": held.version, "new_device": action}, PolicyChange)
        await set_policy(tx, change)


async def signs_in(program: Program, device: str | None = None) -> Any:
    more = {} if device is None else {"device": device}
    return await program.post("", email=program.email, password=PASSWORD, client="Scanner", **more)


@pytest.mark.parametrize("action", ["step_up", "lock"])
async def test_a_new_device_is_held_back_where_the_organisation_wants_it_and_a_known_one_is_not(
    program: Program, action: str
) -> None:
    first = await signs_in(program)
    assert first.status_code == 200
    await demand(program, action)
    refused = await signs_in(program)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/identity/sign-in-held")
    assert (await signs_in(program, first.json()["device"])).status_code == 200


async def test_a_new_device_is_told_of_and_comes_in_where_that_is_all_that_is_wanted(program: Program) -> None:
    assert (await signs_in(program)).status_code == 200
    await demand(program, "notify")
    assert (await signs_in(program)).status_code == 200
