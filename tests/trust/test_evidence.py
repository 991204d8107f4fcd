"""The chain of evidence: whole under concurrency, and closed to every change."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
from tests.trust.samples import OTHER_SIGNER, SIGNER, ToyInstallation

from stockade.database.roles import Role
from stockade.trust.controls import chain_breaches, evidence_cannot_be_changed, evidence_is_whole
from stockade.trust.evidence import EvidenceSigner, Result, canonical, latest, newest, record

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def result(control: str = "toy", summary: str = "1 toy checked, no breach.") -> Result:
    return Result(control, ("A1",), "The toy works.", "holds", summary, ("one",), NOW, NOW, 1, 300)


async def append(installation: ToyInstallation, *controls: str, signer: EvidenceSigner = SIGNER) -> None:
    for name in controls:
        await record(installation.worker, signer, result(name))


async def breaches(installation: ToyInstallation) -> list[str]:
    return chain_breaches((await newest(installation.worker, 1000))[::-1], SIGNER)


async def tamper(server: Any, scratch: str, sql: str) -> None:
    connection = await asyncpg.connect(server.admin_dsn(scratch))
    await connection.execute(sql)
    await connection.close()


async def test_results_of_concurrent_runners_form_one_chain_without_a_gap(installation: ToyInstallation) -> None:
    made = await asyncio.gather(*(record(installation.worker, SIGNER, result(f"toy-{number}")) for number in range(40)))
    assert sorted(item.sequence for item in made) == list(range(1, 41))
    assert await breaches(installation) == []


async def test_what_is_read_back_verifies_and_says_what_was_found(installation: ToyInstallation) -> None:
    made = await record(installation.worker, SIGNER, result(summary="Größe \0 “quoted” \n ends \ud800"))
    found = (await latest(installation.application, ["toy", "unknown"]))["toy"]
    assert found.is_genuine(SIGNER.public_key)
    assert not found.is_genuine(OTHER_SIGNER.public_key)
    assert (found.statement["summary"], found.evidence_hash.hex()) == ("Größe   “quoted”   ends ?", made.evidence_hash)
    assert found.statement["installation"] == SIGNER.fingerprint


async def test_the_last_evidence_of_each_control_is_found_in_one_statement(installation: ToyInstallation) -> None:
    await append(installation, "a", "b", "a", "b", "a")
    found = await latest(installation.application, ["a", "b"])
    assert {name: item.statement["sequence"] for name, item in found.items()} == {"a": 5, "b": 4}


@pytest.mark.parametrize(
    ("alteration", "names"),
    [
        (
            "update trust.evidence set statement = jsonb_set(statement, '{outcome}', '\"fails\"') where sequence = 3",
            "3",
        ),
        (
            "update trust.evidence set signature = (select signature from trust.evidence where sequence = 2) "
            "where sequence = 3",
            "3",
        ),
        ("update trust.evidence set evidence_hash = sha256('x') where sequence = 3", "3"),
        ("delete from trust.evidence where sequence = 3", "between 2 and 4"),
    ],
)
async def test_what_a_superuser_changes_in_the_chain_is_found(
    installation: ToyInstallation, server: Any, scratch: str, alteration: str, names: str
) -> None:
    await append(installation, *("toy",) * 5)
    assert (await evidence_is_whole(installation)).holds
    await tamper(server, scratch, alteration)
    found = await evidence_is_whole(installation)
    assert not found.holds
    assert any(names in breach for breach in found.details)


async def test_a_new_key_may_follow_an_old_one_but_not_the_other_way_round(installation: ToyInstallation) -> None:
    await append(installation, "a", "b", signer=OTHER_SIGNER)
    await append(installation, "a", "b")
    assert await breaches(installation) == []
    await append(installation, "a", signer=OTHER_SIGNER)
    assert len(await breaches(installation)) == 1


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize(
    "sql", ["update trust.evidence set outcome = 'holds'", "delete from trust.evidence", "truncate trust.evidence"]
)
async def test_no_role_that_logs_in_can_change_or_delete_evidence(
    server: Any, database_name: str, role: Role, sql: str
) -> None:
    connection = await asyncpg.connect(server.dsn(role, database_name))
    try:
        with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.ReadOnlySQLTransactionError)):
            await connection.execute(sql)
    finally:
        await connection.close()


async def test_the_application_cannot_add_evidence(installation: ToyInstallation) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await record(installation.application, SIGNER, result())


async def test_the_control_of_the_privileges_turns_red_when_one_is_granted(
    installation: ToyInstallation, server: Any, scratch: str
) -> None:
    assert (await evidence_cannot_be_changed(installation)).holds
    await tamper(server, scratch, "grant update (outcome) on trust.evidence to stockade_application")
    found = await evidence_cannot_be_changed(installation)
    assert found.details == ("stockade_application may UPDATE",)


def test_canonical_json_is_the_same_whatever_the_order_of_keys() -> None:
    assert (
        canonical({"b": "ł", "a": [1, None]})
        == '{"a":[1,null],"b":"ł"}'.encode()
        == canonical({"a": [1, None], "b": "ł"})
    )
