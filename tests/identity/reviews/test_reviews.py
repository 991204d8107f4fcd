"""Access reviews: opened once, decided by others, within one's rights, while they are open, and applied when due."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.conftest import MakeTenant, Server, TenantFixture
from tests.identity.reviews.acting import Firm, limited

from stockade.access.factors import PeopleOnly
from stockade.access.permissions import Forbidden
from stockade.access.reviewing import Chosen, KeepMany, close, keep_many, open_now
from stockade.access.rights import permissions_of
from stockade.access.roles import NewRole, make_role
from stockade.database.roles import Role
from stockade.identity.reviews.closing import StillUndecided
from stockade.identity.reviews.deciding import OwnAccess, ReviewClosed, SubjectGone
from stockade.identity.reviews.opening import AlreadyOpened, open_due
from stockade.identity.reviews.policy import PolicyChange, read_policy, set_policy
from stockade.identity.reviews.reading import list_reviews, read_review
from stockade.identity.reviews.running import review, review_everywhere
from stockade.identity.service.keys import read_key, revoke_key
from stockade.identity.service.members import LastOwner, Place, change_member, read_member
from stockade.kernel.clock import now
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Invalid, NotFound, VersionConflict
from stockade.tenancy.pin import ActorKind
from stockade.tenancy.transaction import Database, open_pool

NEXT_QUARTER = datetime(2031, 1, 1, 0, 10, tzinfo=UTC)


@pytest.fixture
async def firm(database: Database, tenant: TenantFixture) -> Firm:
    made = Firm(database, tenant)
    for name, role in (("Olga", "owner"), ("Oskar", "owner"), ("Ada", "admin"), ("Max", "member")):
        await made.hire(name, role)
    return made


async def trail(superuser: Any, firm: Firm, action: str) -> list[Any]:
    return list(
        await superuser.fetch(
            "select action, before, after from audit.entry where tenant_id = $1 and action = $2", firm.tenant.id, action
        )
    )


async def test_the_snapshot_says_who_has_what_and_when_it_was_used(firm: Firm) -> None:
    await firm.key("Ada")
    items = await firm.items(await firm.open())
    assert set(items) == {"Olga", "Oskar", "Ada", "Max", "Shop"}
    assert items["Max"].role == "member"
    assert items["Max"].held["permissions"] == sorted(permissions_of("member"))
    assert items["Max"].last_used_at is None
    assert items["Shop"].owner_name == "Ada"
    assert items["Shop"].held["prefix"].startswith("sk_")


async def test_a_role_of_the_organisation_is_kept_as_it_was(firm: Firm) -> None:
    role_id = new_id()
    async with firm.database.transaction(firm.tenant.principal) as tx:
        await make_role(tx, role_id, NewRole(name="Driver", permissions=["orders:read"], customers="region"))
    await firm.hire("Dora", "own", Place(role="own", own_role_id=role_id, regions=["PL"]))
    held = (await firm.items(await firm.open()))["Dora"].held
    assert (held["own_role"], held["permissions"], held["regions"]) == ("Driver", ["orders:read"], ["PL"])


async def test_the_last_use_of_a_person_is_that_of_their_latest_session(firm: Firm, superuser: Any) -> None:
    used = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
    session = new_id()
    async with firm.database.transaction(firm.tenant.principal) as tx:
        await tx.execute(
            "insert into identity.session (tenant_id, id, token_hash, account_id, method, user_agent, created_at, "
            "expires_at) values ($1, $2, $3, $4, 'link', '', $5, $5)",
            firm.tenant.id, session, session.bytes, firm.people["Max"].actor_id, used - timedelta(days=3),
        )  # fmt: skip
        await tx.execute(
            "insert into identity.credential_use (tenant_id, credential_id, used_at, address) values ($1, $2, $3, '')",
            firm.tenant.id, session, used,
        )  # fmt: skip
    assert (await firm.items(await firm.open()))["Max"].last_used_at == used


async def test_a_quarter_is_opened_once(firm: Firm) -> None:
    await firm.open()
    with pytest.raises(AlreadyOpened):
        await firm.open()
    async with firm.database.transaction(firm.people["Ada"]) as tx:
        with pytest.raises(AlreadyOpened):
            await open_now(tx, new_id())


async def test_several_workers_at_once_open_one_review_and_write_once(firm: Firm, superuser: Any) -> None:
    await asyncio.gather(*(review(firm.database, firm.tenant.id, permissions_of, NEXT_QUARTER) for _ in range(6)))
    async with firm.database.transaction(firm.tenant.principal) as tx:
        (only,) = await list_reviews(tx)
    assert (only.period, only.total, only.reminded) == ("2031-Q1", 4, 1)
    letters = await superuser.fetch("select subject from mail.message where tenant_id = $1", firm.tenant.id)
    assert len(letters) == 3  # two owners and an admin; the opening's alone


async def test_an_organisation_of_this_quarter_is_reviewed_from_the_next_one_on(firm: Firm) -> None:
    async with firm.database.transaction(firm.tenant.principal) as tx:
        assert await open_due(tx, now(), permissions_of) is None
        assert await open_due(tx, NEXT_QUARTER, permissions_of) is not None
        assert await open_due(tx, NEXT_QUARTER + timedelta(days=40), permissions_of) is None


async def test_a_year_s_period_opens_no_review_in_between(firm: Firm) -> None:
    yearly = PolicyChange(expected_version=0, every="year", days_to_decide=14, reminders=False, undecided="nothing")
    async with firm.database.transaction(firm.tenant.principal) as tx:
        await set_policy(tx, yearly)
        assert await open_due(tx, datetime(2031, 4, 1, tzinfo=UTC), permissions_of) is None
        opened = await open_due(tx, NEXT_QUARTER, permissions_of)
        assert opened is not None
        assert (await read_review(tx, opened)).due_at == datetime(2031, 1, 16, tzinfo=UTC)


async def test_what_fails_for_one_organisation_does_not_stop_the_others(firm: Firm) -> None:
    await review_everywhere(firm.database, [new_id(), firm.tenant.id], permissions_of, NEXT_QUARTER)
    async with firm.database.transaction(firm.tenant.principal) as tx:
        assert len(await list_reviews(tx)) == 1


async def test_keep_change_and_remove_with_the_trail_before_and_after(firm: Firm, superuser: Any) -> None:
    key_id = await firm.key("Olga")
    review_id = await firm.open()
    items = await firm.items(review_id)
    assert (await firm.decide("Olga", items["Ada"], "keep", reason=None)).decision == "keep"
    changed = await firm.decide("Olga", items["Max"], "change", role="viewer")
    assert (changed.effect, changed.decided_by_name) == ("changed", "Olga")
    assert (await firm.decide("Ada", items["Shop"], "remove")).effect == "removed"
    async with firm.database.transaction(firm.tenant.principal) as tx:
        assert (await read_member(tx, firm.members["Max"])).role == "viewer"
        assert (await read_key(tx, key_id)).revoked_at is not None
        done = await read_review(tx, review_id)
    assert (done.settled, done.total, done.kept, done.changed, done.removed) == (3, 5, 1, 1, 1)
    entries = await trail(superuser, firm, "identity.access_decided")
    found = [(str(entry["before"]), str(entry["after"])) for entry in entries]
    assert any("none" in before and "remove" in after for before, after in found), found
    assert len(await trail(superuser, firm, "identity.key_revoked")) == 1


async def test_nobody_decides_on_their_own_access(firm: Firm) -> None:
    await firm.key("Ada")
    items = await firm.items(await firm.open())
    for decision in ("keep", "remove"):
        for name in ("Ada", "Shop"):
            with pytest.raises(OwnAccess):
                await firm.decide("Ada", items[name], decision)
    assert (await firm.decide("Olga", items["Shop"], "keep")).alone is False


async def test_who_is_alone_decides_on_their_keys_and_that_is_written_down(
    database: Database, tenant: TenantFixture
) -> None:
    firm = Firm(database, tenant)
    await firm.hire("Olga", "owner")
    await firm.hire("Max", "member")
    await firm.key("Olga")
    review_id = await firm.open()
    items = await firm.items(review_id)
    with pytest.raises(OwnAccess):
        await firm.decide("Olga", items["Olga"], "keep")
    assert (await firm.decide("Olga", items["Shop"], "keep")).alone
    await firm.decide("Olga", items["Max"], "keep")
    async with database.transaction(firm.people["Olga"]) as tx:
        assert (await close(tx, review_id)).closed_at is not None


async def test_an_admin_cannot_remove_or_change_an_owner(firm: Firm) -> None:
    items = await firm.items(await firm.open())
    with pytest.raises(Forbidden):
        await firm.decide("Ada", items["Oskar"], "remove")
    with pytest.raises(Forbidden):
        await firm.decide("Ada", items["Max"], "change", role="owner")
    assert (await firm.read(items["Oskar"])).decision == "none"


async def test_who_may_decide_but_not_manage_keeps_and_removes_nothing(firm: Firm) -> None:
    await firm.key("Olga")
    auditor = limited(firm.people["Max"], role="own", grants=frozenset({"reviews:read", "reviews:decide"}))
    items = await firm.items(await firm.open())
    for name in ("Ada", "Shop"):
        with pytest.raises(Forbidden):
            await firm.decide(auditor, items[name], "remove")
        assert (await firm.decide(auditor, items[name], "keep")).decision == "keep"


async def test_a_key_decides_nothing_not_even_an_owner_s(firm: Firm) -> None:
    items = await firm.items(await firm.open())
    program = limited(firm.people["Olga"], kind=ActorKind.API_KEY, actor_id=new_id())
    with pytest.raises(PeopleOnly):
        await firm.decide(program, items["Max"], "keep")


async def test_a_removal_says_why_and_a_change_names_a_role_of_a_person(firm: Firm) -> None:
    await firm.key("Olga")
    items = await firm.items(await firm.open())
    with pytest.raises(Invalid):
        await firm.decide("Ada", items["Max"], "remove", reason="  ")
    with pytest.raises(Invalid):
        await firm.decide("Ada", items["Max"], "change")
    with pytest.raises(Invalid):
        await firm.decide("Ada", items["Shop"], "change", role="viewer")


async def test_the_last_owner_stays(firm: Firm) -> None:
    items = await firm.items(await firm.open())
    await firm.decide("Olga", items["Oskar"], "remove")
    helper = limited(firm.people["Ada"], role="owner")
    with pytest.raises(LastOwner):
        await firm.decide(helper, items["Olga"], "remove")


async def test_two_who_decide_at_once_do_not_overwrite_each_other(firm: Firm) -> None:
    item = (await firm.items(await firm.open()))["Max"]
    answers = await asyncio.gather(
        firm.decide("Olga", item, "keep"), firm.decide("Oskar", item, "change", role="viewer"), return_exceptions=True
    )
    assert sum(isinstance(answer, VersionConflict) for answer in answers) == 1, answers
    assert (await firm.read(item)).version == 2


async def test_what_ended_meanwhile_is_not_decided_on_and_counts_as_settled(firm: Firm) -> None:
    key_id = await firm.key("Olga")
    review_id = await firm.open()
    items = await firm.items(review_id)
    async with firm.database.transaction(firm.tenant.principal) as tx:
        await revoke_key(tx, key_id)
        await change_member(tx, firm.members["Max"], place=Place(role="member"), state="ended")
        assert (await read_review(tx, review_id)).settled == 2
    for name in ("Shop", "Max"):
        with pytest.raises(SubjectGone):
            await firm.decide("Ada", items[name], "keep")
    await firm.close_due(NEXT_QUARTER)
    assert (await firm.read(items["Max"])).effect == "gone"
    removed = (await firm.items(review_id))["Max"]
    assert (removed.decision, removed.decided_by) == ("none", None)


async def test_after_its_close_nothing_is_decided(firm: Firm) -> None:
    item = (await firm.items(await firm.open()))["Max"]
    assert len(await firm.close_due(NEXT_QUARTER)) == 1
    assert await firm.close_due(NEXT_QUARTER) == []
    with pytest.raises(ReviewClosed):
        await firm.decide("Olga", item, "remove")
    kept = KeepMany(items=[Chosen(item.id, item.version)])
    async with firm.database.transaction(firm.people["Olga"]) as tx:
        with pytest.raises(ReviewClosed):
            await keep_many(tx, item.review_id, kept)
        with pytest.raises(ReviewClosed):
            await close(tx, item.review_id)


async def test_it_closes_by_hand_once_everything_is_decided(firm: Firm) -> None:
    review_id = await firm.open()
    items = await firm.items(review_id)
    async with firm.database.transaction(firm.people["Olga"]) as tx:
        with pytest.raises(StillUndecided):
            await close(tx, review_id)
        others = [Chosen(item.id, item.version) for name, item in items.items() if name != "Olga"]
        assert (await keep_many(tx, review_id, KeepMany(items=others))).settled == 3
        with pytest.raises(StillUndecided):
            await close(tx, review_id)
    await firm.decide("Ada", items["Olga"], "keep")
    async with firm.database.transaction(firm.people["Ada"]) as tx:
        closed = await close(tx, review_id)
    assert closed.closed_by_name == "Ada"


async def test_many_are_kept_together_or_not_at_all(firm: Firm) -> None:
    items = await firm.items(await firm.open())
    everybody = KeepMany(items=[Chosen(item.id, item.version) for item in items.values()])
    with pytest.raises(OwnAccess):
        async with firm.database.transaction(firm.people["Ada"]) as tx:
            await keep_many(tx, items["Ada"].review_id, everybody)
    assert all(item.decision == "none" for item in (await firm.items(items["Ada"].review_id)).values())


async def test_before_it_is_due_nothing_is_removed(firm: Firm) -> None:
    await firm.policy()
    review_id = await firm.open()
    async with firm.database.transaction(firm.tenant.principal) as tx:
        due_at = (await read_review(tx, review_id)).due_at
    assert await firm.close_due(due_at - timedelta(seconds=1)) == []
    assert await firm.close_due(due_at) == [review_id]


async def test_what_nobody_decided_is_removed_where_the_organisation_wants_it(firm: Firm, superuser: Any) -> None:
    await firm.policy()
    key_id = await firm.key("Ada")
    review_id = await firm.open()
    items = await firm.items(review_id)
    for name in ("Ada", "Oskar"):
        await firm.decide("Olga", items[name], "keep")
    await firm.close_due(NEXT_QUARTER)
    after = await firm.items(review_id)
    assert {name: (item.decision, item.effect) for name, item in after.items()} == {
        "Ada": ("keep", "none"), "Oskar": ("keep", "none"), "Max": ("remove", "removed"), "Olga": ("remove", "removed"),
        "Shop": ("remove", "removed"),
    }  # fmt: skip
    assert after["Max"].decided_by is None
    async with firm.database.transaction(firm.tenant.principal) as tx:
        assert (await read_member(tx, firm.members["Max"])).state == "ended"
        assert (await read_key(tx, key_id)).revoked_at is not None
    assert len(await trail(superuser, firm, "identity.review_closed")) == 1


async def test_of_owners_whom_nobody_decided_on_the_one_who_works_here_stays(firm: Firm) -> None:
    await firm.policy()
    session = new_id()
    async with firm.database.transaction(firm.tenant.principal) as tx:
        await tx.execute(
            "insert into identity.session (tenant_id, id, token_hash, account_id, method, user_agent, expires_at) "
            "values ($1, $2, $3, $4, 'link', '', now() + interval '1 hour')",
            firm.tenant.id, session, session.bytes, firm.people["Olga"].actor_id,
        )  # fmt: skip
    review_id = await firm.open()
    await firm.close_due(NEXT_QUARTER)
    after = await firm.items(review_id)
    assert {name: item.effect for name, item in after.items()} == {
        "Olga": "last_owner", "Oskar": "removed", "Ada": "removed", "Max": "removed",
    }  # fmt: skip


async def test_where_nothing_is_removed_the_undecided_stand_as_such(firm: Firm) -> None:
    review_id = await firm.open()
    await firm.close_due(NEXT_QUARTER)
    assert {item.decision for item in (await firm.items(review_id)).values()} == {"none"}
    async with firm.database.transaction(firm.tenant.principal) as tx:
        assert (await read_member(tx, firm.members["Max"])).state == "active"
        assert (await read_review(tx, review_id)).settled == 0


async def test_letters_leave_once_each_and_only_while_something_is_undecided(firm: Firm, superuser: Any) -> None:
    opened_at = NEXT_QUARTER
    for days in (0, 0, 13, 14, 14, 21, 21, 22, 22):
        await review(firm.database, firm.tenant.id, permissions_of, opened_at + timedelta(days=days))
    rows = await superuser.fetch(
        "select subject, count(*) as letters from mail.message where tenant_id = $1 group by 1", firm.tenant.id
    )
    assert {row["subject"]: row["letters"] for row in rows} == {
        "Access review 2031-Q1: look at who has access": 3, "Access review 2031-Q1: a week is left": 3,
        "Access review 2031-Q1: today is the last day": 3, "Access review 2031-Q1 is closed": 3,
    }  # fmt: skip


async def test_who_has_decided_everything_is_not_reminded(firm: Firm, superuser: Any) -> None:
    await review(firm.database, firm.tenant.id, permissions_of, NEXT_QUARTER)
    async with firm.database.transaction(firm.tenant.principal) as tx:
        review_id = (await list_reviews(tx))[0].id
    for name, item in (await firm.items(review_id)).items():
        await firm.decide("Oskar" if name == "Olga" else "Olga", item, "keep")
    await review(firm.database, firm.tenant.id, permissions_of, NEXT_QUARTER + timedelta(days=15))
    letters = await superuser.fetch("select subject from mail.message where tenant_id = $1", firm.tenant.id)
    assert {row["subject"] for row in letters} == {"Access review 2031-Q1: look at who has access"}


async def test_another_organisation_sees_and_decides_nothing(firm: Firm, make_tenant: MakeTenant) -> None:
    other = Firm(firm.database, await make_tenant())
    await other.hire("Eve", "owner")
    item = (await firm.items(await firm.open()))["Max"]
    with pytest.raises(NotFound):
        await other.decide("Eve", item, "remove")
    assert await other.items(item.review_id) == {}
    async with firm.database.transaction(other.people["Eve"]) as tx:
        with pytest.raises(NotFound):
            await read_review(tx, item.review_id)
        with pytest.raises(NotFound):
            await close(tx, item.review_id)
        assert (await read_policy(tx)).version == 0


async def test_the_policy_is_set_against_the_version_that_was_read(firm: Firm) -> None:
    await firm.policy()
    with pytest.raises(VersionConflict):
        await firm.policy("nothing")


async def test_the_worker_s_own_role_may_do_all_of_it(
    firm: Firm, server: Server, database_name: str, superuser: Any
) -> None:
    await firm.policy()
    await firm.key("Ada")
    worker = Database({"main": await open_pool(server.dsn(Role.WORKER, database_name), server.signer, size=2)})
    try:
        for days in (0, 15, 21, 22):
            await review(worker, firm.tenant.id, permissions_of, NEXT_QUARTER + timedelta(days=days))
    finally:
        await worker.close()
    async with firm.database.transaction(firm.tenant.principal) as tx:
        (only,) = await list_reviews(tx)
    assert (only.reminded, only.total, only.settled, only.removed) == (3, 5, 5, 4)
    assert only.closed_at is not None
    assert await superuser.fetchval("select count(*) from mail.message where tenant_id = $1", firm.tenant.id) >= 10
