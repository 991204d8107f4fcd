"""One action over many orders: each a transaction, refusals told, nothing done twice, nobody's rights exceeded."""

from uuid import UUID

import msgspec
import pytest
from tests.commerce.orders.shop import Shop, open_shop
from tests.conftest import TenantFixture

from stockade.access.acting import in_name_of
from stockade.access.permissions import Forbidden
from stockade.access.roles import NewRole, make_role
from stockade.commerce.desk.bulk import JOB, Bulk, read_bulk, run_bulk, start_bulk
from stockade.commerce.orders import service
from stockade.identity.service.members import Place, add_member, change_member, list_members
from stockade.jobs.queue import Work
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Invalid
from stockade.tenancy.principal import Principal
from stockade.tenancy.transaction import Database


@pytest.fixture
async def shop(database: Database, tenant: TenantFixture) -> Shop:
    return await open_shop(database, tenant.principal)


@pytest.fixture
async def clerk(shop: Shop) -> Principal:
    """A member of the shop."""
    async with shop.open() as tx:
        account = await add_member(
            tx, id=new_id(), email=f"{new_id().hex}@example.com", name="Ada", place=Place(role="member")
        )
    return msgspec.structs.replace(shop.principal, actor_id=account, role="member")


async def begun(shop: Shop, clerk: Principal, action: str, orders: list[UUID]) -> UUID:
    bulk_id = new_id()
    async with shop.database.transaction(clerk) as tx:
        await start_bulk(tx, bulk_id, action, orders)
    return bulk_id


async def run(shop: Shop, bulk_id: UUID) -> Bulk:
    await run_bulk(shop.database, Work(shop.principal.tenant_id, {"bulk": bulk_id}))
    async with shop.open() as tx:
        return await read_bulk(tx, bulk_id)


async def test_each_order_is_done_or_refused_for_its_own_reason(shop: Shop, clerk: Principal) -> None:
    product = await shop.product("A", on_hand=100)
    drafts = [await shop.place((product, 1)) for _ in range(3)]
    confirmed = await shop.confirm(await shop.place((product, 1)))
    told = await run(shop, await begun(shop, clerk, "confirm", [*(order.id for order in drafts), confirmed.id]))
    assert [item.outcome for item in told.items] == ["done", "done", "done", "refused"]
    assert "stage" in (told.items[3].refusal or "")
    async with shop.open() as tx:
        assert (await service.read_order(tx, drafts[0].id)).stage == "confirmed"


async def test_what_was_done_is_not_done_again_by_a_second_run(shop: Shop, clerk: Principal) -> None:
    product = await shop.product("A", on_hand=100)
    bulk_id = await begun(shop, clerk, "confirm", [(await shop.place((product, 1))).id])
    first = await run(shop, bulk_id)
    assert (first.finished, first.count("done")) == (True, 1)
    assert (await run(shop, bulk_id)).items == first.items


async def test_whoever_has_lost_the_right_meanwhile_does_nothing(shop: Shop, clerk: Principal) -> None:
    product = await shop.product("A", on_hand=100)
    order = await shop.place((product, 1))
    bulk_id = await begun(shop, clerk, "confirm", [order.id])
    async with shop.open() as tx:
        member = next(it for it in await list_members(tx) if it.account_id == clerk.actor_id)
        await change_member(tx, member.id, place=Place(role="viewer"), state="active")
    assert [item.outcome for item in (await run(shop, bulk_id)).items] == ["refused"]
    async with shop.open() as tx:
        assert (await service.read_order(tx, order.id)).stage == "draft"


async def test_what_is_not_for_many_or_not_allowed_does_not_begin(shop: Shop, clerk: Principal) -> None:
    product = await shop.product("A", on_hand=1)
    order = (await shop.place((product, 1))).id
    for action, orders in (("cancel", [order]), ("fly", [order]), ("confirm", []), ("confirm", [new_id()] * 501)):
        if action == "confirm" and orders:
            orders = [new_id() for _ in range(501)]
        with pytest.raises(Invalid):
            await begun(shop, clerk, action, orders)
    with pytest.raises(Forbidden):
        await begun(shop, msgspec.structs.replace(clerk, role="viewer"), "confirm", [order])


async def test_the_trail_names_the_person_and_not_the_worker(shop: Shop, clerk: Principal) -> None:
    product = await shop.product("A", on_hand=1)
    order = await shop.place((product, 1))
    await run(shop, await begun(shop, clerk, "confirm", [order.id]))
    async with shop.open() as tx:
        actor = await tx.connection.fetchval(
            "select actor_id from audit.entry "
            "where tenant_id = $1 and subject_id = $2 and action = 'orders.stage_changed'",
            shop.principal.tenant_id, order.id,
        )  # fmt: skip
    assert actor == clerk.actor_id


async def test_a_job_that_names_another_tenants_action_does_nothing(
    shop: Shop, clerk: Principal, make_tenant: object
) -> None:
    product = await shop.product("A", on_hand=1)
    bulk_id = await begun(shop, clerk, "confirm", [(await shop.place((product, 1))).id])
    stranger = await make_tenant()  # type: ignore[operator]  # a fixture that makes one
    await run_bulk(shop.database, Work(stranger.id, {"bulk": bulk_id}))
    async with shop.open() as tx:
        assert (await read_bulk(tx, bulk_id)).count("waiting") == 1
    assert JOB == "desk_bulk"


async def test_a_role_that_the_tenant_made_is_taken_as_it_is(shop: Shop) -> None:
    product = await shop.product("A", on_hand=100)
    order = await shop.place((product, 1))
    async with shop.open() as tx:
        role = await make_role(tx, new_id(), NewRole(name="Desk", permissions=["orders:read", "orders:confirm"]))
        place = Place(role="own", own_role_id=role.id)
        account = await add_member(tx, id=new_id(), email=f"{new_id().hex}@example.com", name="Eve", place=place)
    person = await in_name_of(shop.database, shop.principal.tenant_id, account)
    assert [it.outcome for it in (await run(shop, await begun(shop, person, "confirm", [order.id]))).items] == ["done"]
    with pytest.raises(Forbidden):
        await begun(shop, person, "ship", [order.id])
