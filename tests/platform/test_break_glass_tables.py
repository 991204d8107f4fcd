"""What the database itself refuses about break-glass access, asked in raw SQL by the platform's own role."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from tests.conftest import Server, TenantFixture

from stockade.database.roles import Role
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Conflict
from stockade.tenancy.transaction import Database, Transaction, open_pool

REQUEST = (
    "insert into platform.break_glass (id, tenant_id, operator_id, reason, ticket, scope, read_only, minutes, "
    "needs_customer) values ($1, $2, $3, 'A customer cannot print', 'T-1', $4, $5, $6, false)"
)


@pytest.fixture
async def platform(server: Server, database_name: str) -> AsyncIterator[Database]:
    opened = Database({"main": await open_pool(server.dsn(Role.PLATFORM, database_name), server.signer, size=2)})
    yield opened
    await opened.close()


@pytest.fixture
async def two(platform: Database) -> tuple[UUID, UUID]:
    """Two operators."""
    made = (new_id(), new_id())
    async with platform.main().acquire() as connection:
        for operator in made:
            await connection.execute(
                "insert into platform.operator (id, email, name, password_hash, totp_sealed, permissions, state) "
                "values ($1, $2, 'Op', 'x', 'x', '[]', 'active')", operator, f"{operator.hex}@example.com",
            )  # fmt: skip
    return made


class Desk:
    """Raw SQL of the platform's role, one transaction a statement, pinned to one tenant."""

    def __init__(self, platform: Database, tenant: TenantFixture) -> None:
        self.platform, self.tenant = platform, tenant

    async def run(self, sql: str, *values: Any) -> str:
        async with self.platform.transaction(self.tenant.principal) as tx:
            return await tx.execute(sql, *values)

    async def ask(self, by: UUID, *, minutes: int = 30, scope: list[str] | None = None, read_only: bool = True) -> UUID:
        access = new_id()
        await self.run(REQUEST, access, self.tenant.id, by, scope or ["orders"], read_only, minutes)
        return access

    async def approve(self, access: UUID, by: UUID) -> str:
        return await self.run("update platform.break_glass set approved_by = $2 where id = $1", access, by)

    async def row(self, access: UUID) -> Any:
        async with self.platform.transaction(self.tenant.principal) as tx:
            return await tx.fetchrow("select * from platform.break_glass where id = $1", access)


@pytest.fixture
def desk(platform: Database, tenant: TenantFixture) -> Desk:
    return Desk(platform, tenant)


async def refused(work: Any) -> str:
    """Return why the database refused, as SQLSTATE."""
    with pytest.raises((asyncpg.PostgresError, Conflict)) as caught:
        await work
    return str(getattr(caught.value.__cause__ or caught.value, "sqlstate", None))


async def test_another_operators_approval_starts_it_for_the_minutes_asked(desk: Desk, two: tuple[UUID, UUID]) -> None:
    access = await desk.ask(two[0])
    assert (await desk.row(access))["starts_at"] is None
    await desk.approve(access, two[1])
    row = await desk.row(access)
    assert (row["expires_at"] - row["starts_at"]).total_seconds() == 30 * 60


async def test_nobody_approves_their_own_request(desk: Desk, two: tuple[UUID, UUID], superuser: Any) -> None:
    access = await desk.ask(two[0])
    assert await refused(desk.approve(access, two[0])) == "SK414"
    # Without the trigger, the CHECK still stands.
    async with superuser.transaction():
        await superuser.execute("set local session_replication_role = replica")
        with pytest.raises(asyncpg.CheckViolationError, match="second_person"):
            await superuser.execute(
                "update platform.break_glass set approved_by = operator_id, approved_at = now() where id = $1", access
            )


async def test_a_request_is_not_approved_after_a_day(desk: Desk, two: tuple[UUID, UUID], superuser: Any) -> None:
    access = await desk.ask(two[0])
    await age(superuser, access, "requested_at = requested_at - interval '25 hours'")
    assert await refused(desk.approve(access, two[1])) == "SK413"


async def age(superuser: Any, access: UUID, change: str) -> None:
    """Let time pass for one row, which nobody but a superuser can."""
    await superuser.execute("set session_replication_role = replica")
    await superuser.execute(f"update platform.break_glass set {change} where id = $1", access)
    await superuser.execute("set session_replication_role = origin")


@pytest.mark.parametrize(
    "change",
    ["scope = '[\"orders\", \"parties\"]'", "read_only = false", "minutes = 240", "reason = 'Something else entirely'",
     "requested_at = now()", "needs_customer = true", "operator_id = gen_random_uuid()"],
)  # fmt: skip
async def test_what_was_asked_for_does_not_change(
    desk: Desk, two: tuple[UUID, UUID], superuser: Any, change: str
) -> None:
    access = await desk.ask(two[0])
    await desk.approve(access, two[1])
    assert await refused(desk.run(f"update platform.break_glass set {change} where id = $1", access)) == "42501"
    # Nor would the trigger let anybody who held the privilege.
    pin = f"select set_config('stockade.pin', '{pin_of(desk, superuser)}', true)"
    async with superuser.transaction():
        await superuser.execute(pin)
        assert await refused(
            superuser.execute(f"update platform.break_glass set {change} where id = $1", access)
        ) == "SK412"  # fmt: skip


def pin_of(desk: Desk, connection: Any) -> str:
    signer = desk.platform._placements["main"].signer
    who = desk.tenant.principal
    return signer.pin(who.tenant_id, who.actor_id, who.kind, pid=connection.get_server_pid())


@pytest.mark.parametrize("change", ["expires_at = expires_at + interval '1 minute'", "starts_at = now()"])
async def test_an_access_is_not_prolonged(desk: Desk, two: tuple[UUID, UUID], change: str) -> None:
    access = await desk.ask(two[0])
    await desk.approve(access, two[1])
    assert await refused(desk.run(f"update platform.break_glass set {change} where id = $1", access)) == "SK412"


async def test_only_what_is_pending_is_approved(desk: Desk, two: tuple[UUID, UUID]) -> None:
    twice, ended = await desk.ask(two[0]), await desk.ask(two[0])
    await desk.approve(twice, two[1])
    third = two[0]
    assert await refused(desk.approve(twice, third)) == "SK411"
    await desk.run("update platform.break_glass set ended_by = $2 where id = $1", ended, two[0])
    assert await refused(desk.approve(ended, two[1])) == "SK411"


async def test_nothing_is_asked_for_as_approved_already(desk: Desk, two: tuple[UUID, UUID]) -> None:
    sql = REQUEST.replace("needs_customer)", "needs_customer, approved_by, approved_at)")
    sql = sql.replace("false)", "false, $7, now())")
    work = desk.run(sql, new_id(), desk.tenant.id, two[0], ["orders"], True, 30, two[1])
    assert await refused(work) == "SK410"


async def test_more_than_four_hours_or_nobodys_request_are_refused(desk: Desk, two: tuple[UUID, UUID]) -> None:
    assert await refused(desk.ask(two[0], minutes=241)) == "23514"
    assert await refused(desk.ask(new_id())) == "SK410"


async def test_a_writing_access_never_reaches_who_may_come_in(desk: Desk, two: tuple[UUID, UUID]) -> None:
    assert await refused(desk.ask(two[0], scope=["orders", "keys"], read_only=False)) == "23514"
    await desk.ask(two[0], scope=["orders", "keys"], read_only=True)


async def test_the_platform_does_not_speak_for_the_customer(
    desk: Desk, two: tuple[UUID, UUID], database: Database
) -> None:
    async with database.transaction(desk.tenant.principal) as tx:
        await tx.execute(
            "insert into platform.access_terms (tenant_id, id, operator_access_needs_approval) values ($1, $1, true)",
            desk.tenant.id,
        )
    access = await desk.ask(two[0])
    await desk.approve(access, two[1])
    assert (await desk.row(access))["starts_at"] is None
    work = desk.run("update platform.break_glass set customer_approved_by = $2 where id = $1", access, two[1])
    assert await refused(work) == "SK414"
    await approve_as_customer(database, desk.tenant, access)
    assert (await desk.row(access))["starts_at"] is not None


async def approve_as_customer(database: Database, tenant: TenantFixture, access: UUID) -> None:
    tx: Transaction
    async with database.transaction(tenant.principal) as tx:
        await tx.execute("select platform.approve_as_customer($1, $2)", access, tenant.principal.actor_id)


async def test_another_tenant_neither_sees_nor_ends_it(
    desk: Desk, two: tuple[UUID, UUID], make_tenant: Any, database: Database
) -> None:
    access, other = await desk.ask(two[0]), await make_tenant()
    async with database.transaction(other.principal) as tx:
        assert await tx.fetch("select * from platform.break_glass") == []
        ended = await tx.fetchrow("select platform.end_as_customer($1, $2)", access, other.principal.actor_id)
        assert ended[0] is None
    assert (await desk.row(access))["ended_at"] is None
