"""Suspicion in the database: what is noted, raised, written and locked, and the control that replays it (claim B12)."""

import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest
from tests.attacks.conftest import Attacked, attacked

from stockade.identity.service.members import Place, add_member
from stockade.identity.suspicion import noting, telling
from stockade.identity.suspicion.alerts import AlreadyAcknowledged, OwnAlert, acknowledge_alert, list_alerts, open_locks
from stockade.identity.suspicion.controls import ABROAD, HOME, suspicion_raises_alerts
from stockade.identity.suspicion.metering import Meter
from stockade.identity.suspicion.policy import PolicyChange, read_policy, set_policy
from stockade.identity.suspicion.rules import DEFAULT_POLICY
from stockade.kernel.clock import now
from stockade.kernel.ids import new_id
from stockade.kernel.problems import VersionConflict
from stockade.tenancy.pin import ActorKind
from stockade.tenancy.principal import Principal
from stockade.tenancy.transaction import Database

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"
ALL_LOCK = PolicyChange(expected_version=0, **dict.fromkeys(DEFAULT_POLICY, "lock"))  # type: ignore[arg-type]


@pytest.fixture
async def person(database: Database, tenant: Any) -> Principal:
    async with database.transaction(tenant.principal) as tx:
        email = f"{new_id().hex}@example.org"
        account = await add_member(tx, id=new_id(), email=email, name="Ada", place=Place(role="member"))
    return msgspec.structs.replace(tenant.principal, kind=ActorKind.USER, actor_id=account)


async def signs_in(database: Database, who: Principal, **given: Any) -> Any:
    values = {"address": HOME, "user_agent": FIREFOX, "device": "laptop"} | given
    async with database.transaction(who) as tx:
        return await noting.note_sign_in(tx, account_id=who.actor_id, **values)


async def letters(superuser: Any, tenant_id: UUID) -> list[str]:
    rows = await superuser.fetch("select subject from mail.message where tenant_id = $1", tenant_id)
    return [row[0] for row in rows]


async def test_a_stranger_sign_in_raises_alerts_with_evidence_and_one_letter(
    database: Database, person: Principal, superuser: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    assert (await signs_in(database, person)).action == "none"
    judgement = await signs_in(database, person, address=ABROAD, device="other", user_agent=CHROME)
    assert judgement.action == "step_up"
    async with database.transaction(person) as tx:
        raised = {item.kind: item for item in await list_alerts(tx)}
    assert set(raised) == {"new_country", "new_device", "impossible_travel"} == set(judgement.kinds)
    assert raised["impossible_travel"].evidence["from"] == "PL"
    assert raised["new_device"].evidence["browser"] == "Chrome on Linux"
    assert raised["impossible_travel"].acted == "step_up"
    assert len(await letters(superuser, person.tenant_id)) == 1


async def test_what_was_not_let_in_is_not_known_the_next_time_unless_it_stepped_up(
    database: Database, person: Principal
) -> None:
    strange = {"address": ABROAD, "device": "other"}
    await signs_in(database, person)
    for _ in range(2):
        assert (await signs_in(database, person, **strange)).action == "step_up"
    async with database.transaction(person) as tx:
        await noting.remember_sign_in(tx, account_id=person.actor_id, user_agent=FIREFOX, **strange)
    assert (await signs_in(database, person, **strange, at=now() + timedelta(minutes=1))).action == "none"


async def test_trying_again_raises_no_second_alert_and_writes_no_second_letter(
    database: Database, person: Principal, superuser: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await signs_in(database, person)
    for attempt in range(5):
        await signs_in(database, person, address=ABROAD, device=f"other {attempt}")
    async with database.transaction(person) as tx:
        assert len(await list_alerts(tx)) == 3
    assert len(await letters(superuser, person.tenant_id)) == 1


async def test_a_lock_ends_sessions_holds_for_the_stranger_and_ends_when_it_is_acknowledged(
    database: Database, person: Principal
) -> None:
    async with database.transaction(person) as tx:
        await set_policy(tx, ALL_LOCK)
        await tx.execute(
            "insert into identity.session (tenant_id, id, token_hash, account_id, method, user_agent, expires_at) "
            "values ($1, $2, $3, $4, 'password', 'x', now() + interval '1 hour')",
            person.tenant_id, new_id(), os.urandom(32), person.actor_id,
        )  # fmt: skip
    await signs_in(database, person)
    assert (await signs_in(database, person, device="other")).action == "lock"
    async with database.transaction(person) as tx:
        ended = await tx.fetchrow("select every(ended_at is not null) from identity.session where account_id = $1",
                                  person.actor_id)  # fmt: skip
        assert ended[0]
    assert (await signs_in(database, person)).action == "none", "the person's own device stays open"
    async with database.transaction(person) as tx:
        for item in await list_alerts(tx):
            await acknowledge_alert(tx, item.id)
        assert await open_locks(tx, person.actor_id) == []


async def test_an_alert_is_acknowledged_once(database: Database, person: Principal) -> None:
    await signs_in(database, person)
    await signs_in(database, person, device="other")
    async with database.transaction(person) as tx:
        (alert,) = await list_alerts(tx)
        assert (await acknowledge_alert(tx, alert.id)).state == "acknowledged"
        with pytest.raises(AlreadyAcknowledged):
            await acknowledge_alert(tx, alert.id)


async def test_a_key_that_exports_far_more_than_ever_is_revoked_where_the_organisation_wants_it(
    database: Database, person: Principal
) -> None:
    key = new_id()
    async with database.transaction(person) as tx:
        await set_policy(tx, ALL_LOCK)
        await tx.execute(
            "insert into identity.api_key (tenant_id, id, name, prefix, secret_hash, role, created_by) "
            "values ($1, $2, 'shop', 'sk_x', $3, 'member', $4)",
            person.tenant_id, key, os.urandom(32), person.actor_id,
        )  # fmt: skip
    program = msgspec.structs.replace(person, kind=ActorKind.API_KEY, actor_id=key)
    async with database.transaction(program) as tx:
        assert (await noting.note_export(tx, 9_000)).action == "none"
        assert (await noting.note_export(tx, 9_000)).action == "lock"
        (alert,) = await list_alerts(tx)
        revoked = await tx.fetchrow("select revoked_at from identity.api_key where id = $1", key)
    assert (alert.actor_kind, alert.actor_name, alert.evidence["rows_in_24_hours"]) == ("key", "shop", 18_000)
    assert revoked[0] is not None


async def test_what_an_administrator_let_pass_is_not_held_again_for_a_day(
    database: Database, person: Principal, tenant: Any
) -> None:
    async with database.transaction(person) as tx:
        await set_policy(tx, ALL_LOCK)
        assert (await noting.note_export(tx, 50_000)).action == "lock"
    async with database.transaction(tenant.principal) as tx:
        (alert,) = await list_alerts(tx)
        await acknowledge_alert(tx, alert.id)
    async with database.transaction(person) as tx:
        assert (await noting.note_export(tx, 50_000)).action == "none"
        assert (await noting.note_export(tx, 900_000, at=now() + timedelta(hours=25))).action == "lock"


async def test_nobody_but_an_owner_acknowledges_an_alert_about_themselves(
    database: Database, person: Principal
) -> None:
    admin = msgspec.structs.replace(person, role="admin")
    async with database.transaction(admin) as tx:
        await noting.note_export(tx, 50_000)
        (alert,) = await list_alerts(tx)
        with pytest.raises(OwnAlert):
            await acknowledge_alert(tx, alert.id)
    async with database.transaction(person) as tx:
        assert (await acknowledge_alert(tx, alert.id)).state == "acknowledged"


async def test_the_installation_itself_is_never_suspected(database: Database, tenant: Any) -> None:
    async with database.transaction(tenant.principal) as tx:
        assert (await noting.note_export(tx, 10_000_000)).action == "none"


async def test_requests_are_counted_in_memory_and_written_down_together(database: Database, person: Principal) -> None:
    meter = Meter()
    for _ in range(25_000):
        meter.count(person)
    assert await meter.write_down(database) == 1
    assert await meter.write_down(database) == 0
    async with database.transaction(person) as tx:
        assert [item.kind for item in await list_alerts(tx)] == ["abnormal_rate"]


async def test_a_tenant_without_letters_left_signs_in_all_the_same(
    database: Database, person: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stockade.mail.sending.MOST_AN_HOUR", 0)
    await signs_in(database, person)
    assert (await signs_in(database, person, device="other")).action == "notify"


async def test_a_policy_is_not_overwritten_unseen(database: Database, person: Principal) -> None:
    async with database.transaction(person) as tx:
        assert (await set_policy(tx, ALL_LOCK)).version == 1
        with pytest.raises(VersionConflict):
            await set_policy(tx, ALL_LOCK)
        changed = msgspec.structs.replace(ALL_LOCK, expected_version=1, new_device="notify")
        assert (await set_policy(tx, changed)).version == 2
        assert (await read_policy(tx)).new_device == "notify"


async def test_another_tenant_sees_nothing_of_it(database: Database, person: Principal, make_tenant: Any) -> None:
    await signs_in(database, person)
    await signs_in(database, person, device="other")
    async with database.transaction((await make_tenant()).principal) as tx:
        assert await list_alerts(tx) == []


@pytest.fixture
async def installation(server: Any, scratch: str, tmp_path: Path) -> AsyncIterator[Attacked]:
    async with attacked(server, scratch, tmp_path) as made:
        yield made


async def test_the_control_holds_and_leaves_nothing_behind(installation: Attacked) -> None:
    for _ in range(2):
        found = await suspicion_raises_alerts(installation)
        assert found.holds, found.details


def quiet(*_given: Any, **_named: Any) -> None:
    return None


async def silent(*_given: Any, **_named: Any) -> bool:
    return False


@pytest.mark.parametrize(
    ("module", "name", "instead", "breach"),
    [
        (noting, "judge_sign_in", lambda _seen, _past: [], "Japan half an hour later is answered with none"),
        (noting, "country_of", quiet, "Japan half an hour later"),
        (noting, "judge_rate", quiet, "5,000 requests is answered with none"),
        (noting, "judge_export", quiet, "50,000 rows is answered with none"),
        (noting, "insert_alert", silent, "no alert with evidence of the kind new_device"),
        (noting, "tell", silent, "0 letters"),
        (telling, "send", silent, "0 letters"),
        (noting, "keeps_out", lambda *_given: False, "the thief's next sign-in"),
        (noting, "keeps_out", lambda *_given: True, "an ordinary sign-in"),
    ],
)
async def test_the_control_turns_red_without_the_defence(
    installation: Attacked, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, instead: Any, breach: str
) -> None:
    monkeypatch.setattr(module, name, instead)
    found = await suspicion_raises_alerts(installation)
    assert not found.holds
    assert any(breach in detail for detail in found.details), found.details


async def test_the_control_turns_red_when_a_lock_leaves_sessions_open(
    installation: Attacked, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def forgotten(*_: Any) -> int:
        return 0

    monkeypatch.setattr(noting, "end_sessions_of", forgotten)
    found = await suspicion_raises_alerts(installation)
    assert "the lock left a session open" in found.details
