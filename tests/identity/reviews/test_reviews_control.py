"""The control of reviews holds on the application, and turns red without any of what it promises."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Server, TenantFixture
from tests.trust.listening import listening

from stockade.access.rights import permissions_of
from stockade.identity.reviews import closing, controls, opening, removing
from stockade.identity.reviews.controls import neglected
from stockade.identity.reviews.policy import PolicyChange, set_policy
from stockade.identity.reviews.rules import Quarter
from stockade.identity.reviews.running import review
from stockade.kernel.clock import now
from stockade.kernel.control import CONTROLS, Finding
from stockade.tenancy.transaction import Database
from stockade.trust.collect import collect

collect()
NAME = "identity.access-is-reviewed"
LATER = datetime(2031, 2, 1, tzinfo=UTC)


@pytest.fixture
def found(server: Server, database_name: str, tmp_path: Path) -> Callable[[], Any]:
    async def run() -> Finding:
        async with listening(server, database_name, tmp_path) as live:
            return await CONTROLS[NAME].check(live)

    return run


async def test_it_holds_and_holds_again(server: Server, database_name: str, tmp_path: Path) -> None:
    async with listening(server, database_name, tmp_path) as live:
        for _ in range(2):
            finding = await CONTROLS[NAME].check(live)
            assert finding.holds, finding


async def test_it_turns_red_when_a_removal_removes_nothing(
    found: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(tx: Any, item: Any) -> None:
        """The defence, removed."""

    monkeypatch.setattr(controls, "remove_subject", nothing)
    finding = await found()
    assert any("a session is answered with 200" in detail for detail in finding.details), finding
    assert any("a key is answered with 200" in detail for detail in finding.details), finding


async def test_it_turns_red_when_an_ended_place_leaves_its_sessions(
    found: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(tx: Any, member_id: Any) -> None:
        """The defence, removed."""

    monkeypatch.setattr(removing, "_end_membership", nothing)
    finding = await found()
    assert [detail for detail in finding.details if "a session is answered with 200" in detail], finding


async def test_it_turns_red_when_nobody_opens_reviews(
    found: Callable[[], Any], tenant: TenantFixture, superuser: Any
) -> None:
    await superuser.execute("set session_replication_role = replica")
    await superuser.execute(
        "update tenancy.tenant set created_at = $2 where id = $1",
        tenant.id, Quarter.of(now()).starts_at - timedelta(days=400),
    )  # fmt: skip
    try:
        finding = await found()
        assert any(f"{tenant.slug}: there is no review of" in detail for detail in finding.details), finding
    finally:
        await superuser.execute("update tenancy.tenant set created_at = now() where id = $1", tenant.id)


async def test_an_organisation_that_the_worker_looks_after_lacks_nothing(
    database: Database, tenant: TenantFixture
) -> None:
    async with database.transaction(tenant.principal) as tx:
        assert await neglected(tx, LATER) == ["there is no review of 2031-Q1"]
    await review(database, tenant.id, permissions_of, LATER)
    async with database.transaction(tenant.principal) as tx:
        assert await neglected(tx, LATER) == []
        assert await neglected(tx, LATER + timedelta(days=24)) == ["the review of 2031-Q1 is open past its last day"]
    await review(database, tenant.id, permissions_of, LATER + timedelta(days=24))
    async with database.transaction(tenant.principal) as tx:
        assert await neglected(tx, LATER + timedelta(days=24)) == []


async def test_it_tells_what_nobody_decided_and_nobody_removed(
    database: Database, tenant: TenantFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(tx: Any, items: Any) -> None:
        """The defence, removed."""

    from tests.identity.reviews.acting import Firm

    await Firm(database, tenant).hire("Olga", "owner")
    change = PolicyChange(expected_version=0, every="quarter", days_to_decide=21, reminders=False, undecided="remove")
    async with database.transaction(tenant.principal) as tx:
        await set_policy(tx, change)
        await opening.open_due(tx, LATER, permissions_of)
        monkeypatch.setattr(closing, "remove_undecided", nothing)
        await closing.close_due(tx, LATER + timedelta(days=30))
        assert await neglected(tx, LATER) == ["in the review of 2031-Q1, what nobody decided stands"]
