"""The answer leaves after COMMIT: what the database refuses at the very end was never confirmed to anybody."""

from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import litestar
import msgspec
import pytest
from litestar.background_tasks import BackgroundTask
from tests.conftest import Server, TenantFixture
from tests.running import Site, running_site
from tests.walls.trading import Trader

from stockade.access.permissions import Permission
from stockade.access.routes import create, opened
from stockade.apps import site as site_module
from stockade.kernel.ids import new_id
from stockade.tenancy.transaction import Database, Transaction

POST = Permission("walls:post", "owner", changes=True)


class Side(msgspec.Struct):
    """One side of a journal, whose other side is missing."""

    customer_id: UUID


class Booked(msgspec.Struct):
    """The journal that was booked."""

    id: UUID


async def book_one_side(tx: Transaction, id: UUID, data: Side) -> Booked:
    """Book a journal that does not sum to zero; the database finds out at COMMIT."""
    await tx.execute(
        "insert into receivables.posting (tenant_id, journal_id, position, account, customer_id, source_id, booked_on,"
        " currency, amount_minor) values ($1, $2, 1, 'receivable', $3, $2, $4, 'EUR', 100)",
        tx.tenant_id, id, data.customer_id, date(2026, 1, 5),
    )  # fmt: skip
    return Booked(id)


async def read_booked(tx: Transaction, journal_id: UUID) -> Booked:
    """Answer a repetition."""
    return Booked(journal_id)


@litestar.post("/hasty", opt={"permission": POST})
async def hasty(request: litestar.Request[Any, Any, Any], data: Side) -> litestar.Response[Booked]:
    """The twin: answer first, and commit when the answer is out."""
    opening = opened(request)
    tx = await opening.__aenter__()
    booked = await book_one_side(tx, new_id(), data)
    return litestar.Response(booked, background=BackgroundTask(opening.__aexit__, None, None, None))


@pytest.fixture
async def trader(
    server: Server, database: Database, database_name: str, tmp_path: Path, tenant: TenantFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> Any:  # fmt: skip
    """A shop on an application with the two routes."""
    careful = create("/one-sided", permission=POST, read=read_booked)(book_one_side)
    monkeypatch.setattr(site_module, "SLICES", (*site_module.SLICES, SimpleNamespace(ROUTES=[careful, hasty])))
    async with running_site(server.cluster.home, tmp_path, server.admin_dsn(database_name), database) as site:
        made = Trader(site, await site.key(tenant))
        await made.open_shop()
        yield made


async def ask(trader: Trader, path: str, key: str = "") -> Any:
    """Book one side at a path."""
    body = {"customer_id": str(trader.made["customer_id"])}
    headers = {"Idempotency-Key": key} if key else {}
    return await trader.site.call(trader.key, "POST", f"/api/v1{path}", json=body, headers=headers)


async def stored(site: Site, tenant: TenantFixture) -> tuple[int, int]:
    """How many postings there are, and how many idempotency keys that came with them."""
    async with site.database.transaction(tenant.principal) as tx:
        postings = await tx.fetchrow("select count(*) from receivables.posting where tenant_id = $1", tenant.id)
        keys = await tx.fetchrow(
            "select count(*) from idempotency.used_key where tenant_id = $1 and key like 'one-sided%'", tenant.id
        )
    return postings[0], keys[0]


async def test_what_fails_at_commit_is_a_refusal_and_nothing_of_it_is_stored(
    trader: Trader, tenant: TenantFixture
) -> None:
    answer = await ask(trader, "/one-sided", "one-sided-1")
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert "location" not in answer.headers
    assert await stored(trader.site, tenant) == (0, 0)


async def test_an_answer_before_commit_would_have_confirmed_what_was_never_stored(
    trader: Trader, tenant: TenantFixture
) -> None:
    answer = await ask(trader, "/hasty")
    assert answer.status_code == 201
    assert await stored(trader.site, tenant) == (0, 0)
