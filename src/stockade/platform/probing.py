"""Operators and an access of the controls' own: made for a moment, on a probe, and over when the moment is."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from stockade.identity.credentials import Credentials
from stockade.kernel.clock import now
from stockade.kernel.control import Installation
from stockade.kernel.ids import new_id
from stockade.platform.accesses import (
    NewAccess,
    approve_access,
    approve_as_customer,
    as_operator,
    end_access,
    enter,
    request_access,
)
from stockade.tenancy.transaction import Database

OF_CONTROLS = "@stockade.invalid"
"""How the addresses of the controls' operators end. They have no password, and are out except while a control runs."""
_MOMENT = timedelta(minutes=2)
_IN = (
    "insert into platform.operator (id, email, name, password_hash, totp_sealed, permissions, state, password_is_once) "
    "values ($1, $2, 'Control', '', '', '[\"platform:read\"]', 'active', false) "
    "on conflict (email) do update set state = 'active' returning id"
)
_OUT = "update platform.operator set state = 'deactivated' where id = $1"
_SESSION = (
    "insert into platform.operator_session (id, operator_id, token_hash, address, expires_at) "
    "values ($1, $2, $3, 'control', $4)"
)
_OVER = "update platform.operator_session set ended_at = now() where operator_id = $1 and ended_at is null"


@asynccontextmanager
async def an_operator(platform: Database, name: str) -> AsyncIterator[UUID]:
    """An operator of one control, who may read; out again when the block is left. Controls run side by side: two that
    shared a name would put each other out."""
    async with platform.main().acquire() as connection:
        found: Any = await connection.fetchval(_IN, new_id(), f"{name}{OF_CONTROLS}")
    try:
        yield found
    finally:
        async with platform.main().acquire() as connection:
            await connection.execute(_OVER, found)
            await connection.execute(_OUT, found)


async def a_session(platform: Database, credentials: Credentials, operator_id: UUID) -> str:
    """A session of an operator of the controls, for two minutes at most."""
    token = f"op_{secrets.token_urlsafe(32)}"
    async with platform.main().acquire() as connection:
        await connection.execute(_SESSION, new_id(), operator_id, credentials.hash(token), now() + _MOMENT)
    return token


@asynccontextmanager
async def an_access(
    installation: Installation, credentials: Credentials, asker: UUID, approver: UUID
) -> AsyncIterator[tuple[UUID, str]]:
    """An access to the orders of the first probe, approved and entered, with its credential; it ends with the block."""
    platform, probe = installation.platform, installation.probes[0]
    tenant_id = probe.tenant_id
    wanted = NewAccess(tenant_id, "A control looks whether it is bounded", "control", ["orders"], 2)
    async with platform.transaction(as_operator(tenant_id, asker)) as tx:
        access = await request_access(tx, asker, wanted)
    async with platform.transaction(as_operator(tenant_id, approver)) as tx:
        await approve_access(tx, access.id, approver)
    if access.needs_customer:
        async with installation.application.transaction(probe.principal) as tx:
            await approve_as_customer(tx, access.id)
    async with platform.transaction(as_operator(tenant_id, asker)) as tx:
        token = await enter(tx, credentials, access.id, asker)
    try:
        yield access.id, token
    finally:
        await over(platform, tenant_id, access.id, asker)


async def over(platform: Database, tenant_id: UUID, access_id: UUID, operator_id: UUID) -> None:
    """End an access of the controls; one that has ended stays so."""
    async with platform.transaction(as_operator(tenant_id, operator_id)) as tx:
        row = await tx.fetchrow(
            "select ended_at from platform.break_glass where tenant_id = $1 and id = $2", tenant_id, access_id
        )
        if row[0] is None:
            await end_access(tx, access_id, operator_id)
