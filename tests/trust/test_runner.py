"""Running controls: whatever a check does, it leaves evidence, and only what held counts as holding."""

import asyncio
import time
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from tests.trust.samples import (
    MINUTE,
    OTHER_SIGNER,
    SIGNER,
    ToyInstallation,
    fails,
    hangs,
    holds,
    only,
    raises,
    says_nothing,
    toy,
)

import stockade.trust.runner as runner
from stockade.kernel.clock import now
from stockade.kernel.control import CONTROLS, Finding
from stockade.kernel.problems import Refusal
from stockade.trust.evidence import Result, newest
from stockade.trust.page import trust_state
from stockade.trust.runner import checked, due, run_controls, run_due


@pytest.fixture(autouse=True)
def _only_toys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Collecting finds what is declared in the test."""
    for module in ("stockade.trust.runner", "stockade.trust.page"):
        monkeypatch.setattr(f"{module}.collect", lambda: CONTROLS)


async def test_each_run_leaves_evidence_of_what_it_found(installation: ToyInstallation) -> None:
    with only(toy("a", holds), toy("b", fails)):
        results = await run_controls(installation)
    stored = {item.control: item.statement["outcome"] for item in await newest(installation.worker, 10)}
    assert {item.control: item.outcome for item in results} == stored == {"a": "holds", "b": "fails"}


async def test_a_check_that_raises_fails_and_tells_the_kind_but_not_the_message(installation: ToyInstallation) -> None:
    result = await checked(toy("a", raises), installation)
    assert (result.outcome, result.summary) == ("fails", "The check could not be carried out: RuntimeError.")
    assert "hunter2" not in str(result)


async def test_a_check_that_never_ends_fails_in_time_even_if_it_swallows_its_cancellation(
    installation: ToyInstallation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "_LETTING_GO_SECONDS", 0.05)
    begun = time.monotonic()
    result = await checked(toy("a", hangs), installation, timeout_seconds=0.05)
    assert (result.outcome, time.monotonic() - begun < 2) == ("fails", True)
    assert "did not finish" in result.summary


async def test_a_check_that_returns_no_finding_fails(installation: ToyInstallation) -> None:
    assert (await checked(toy("a", says_nothing), installation)).outcome == "fails"


async def test_what_is_published_of_a_finding_is_bounded(installation: ToyInstallation) -> None:
    with only(toy("a", fails)):
        await run_controls(installation)
    (stored,) = await newest(installation.worker, 10)
    assert (len(stored.statement["summary"]), len(stored.statement["details"])) == (500, 20)
    assert "\0" not in stored.statement["summary"]


async def test_one_hanging_check_does_not_keep_the_others_from_being_recorded(
    installation: ToyInstallation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "_LETTING_GO_SECONDS", 0.05)
    with only(toy("a", hangs), toy("b", holds), toy("c", holds)):
        results = await run_controls(installation, timeout_seconds=0.3)
    assert [item.outcome for item in results] == ["fails", "holds", "holds"]


async def test_no_more_than_two_checks_run_at_once(installation: ToyInstallation) -> None:
    running: list[int] = [0, 0]

    async def count(_installation: Any) -> Finding:
        running[0] += 1
        running[1] = max(running)
        await asyncio.sleep(0.01)
        running[0] -= 1
        return Finding(True, "counted.")

    with only(*(toy(f"toy-{number}", count) for number in range(8))):
        await run_controls(installation)
    assert running[1] == 2


async def test_an_unknown_name_is_refused_before_anything_runs(installation: ToyInstallation) -> None:
    with only(toy("a", holds)), pytest.raises(Refusal, match="nonsense"):
        await run_controls(installation, ["a", "nonsense"])
    assert await newest(installation.worker, 10) == []


async def test_a_control_is_due_before_its_first_run_and_again_after_its_interval(
    installation: ToyInstallation,
) -> None:
    with only(toy("often", holds), toy("rarely", holds, every=timedelta(hours=1), max_age=timedelta(hours=3))):
        assert await due(installation) == ["often", "rarely"]
        await run_due(installation)
        assert await due(installation) == []
        assert await due(installation, now() + 2 * MINUTE) == ["often"]


async def test_a_control_is_due_at_once_when_the_code_or_the_key_has_changed(
    installation: ToyInstallation, monkeypatch: pytest.MonkeyPatch
) -> None:
    with only(toy("a", holds)):
        await run_due(installation)
        with monkeypatch.context() as other_code:
            other_code.setattr(runner, "commit", lambda: "f" * 40)
            assert await due(installation) == ["a"]
        assert await due(installation) == []
        installation.evidence_signer = OTHER_SIGNER
        assert await due(installation) == ["a"]


async def test_a_control_broken_by_hand_in_the_database_turns_its_claim_red_at_the_next_run_and_mending_it_green(
    installation: ToyInstallation, server: Any, scratch: str
) -> None:
    async def state_of_a1() -> str:
        await run_controls(installation)
        state = await trust_state(installation.application, SIGNER)
        return next(item.state for item in state.claims if item.claim.id == "A1")

    wall = CONTROLS["tenancy.wall-as-declared"]
    admin = await asyncpg.connect(server.admin_dsn(scratch))
    with only(wall):
        states = [await state_of_a1()]
        for how in ("no force", "force"):
            await admin.execute(f"alter table catalog.product {how} row level security")
            states.append(await state_of_a1())
    await admin.close()
    assert states == ["holds", "fails", "holds"]


async def test_a_results_line_has_what_the_command_line_prints(installation: ToyInstallation) -> None:
    with only(toy("a", holds, "A1", "A2")):
        (result,) = await run_controls(installation, ["a"])
    assert isinstance(result, Result)
    assert (result.control, result.claims, result.outcome, result.sequence) == ("a", ("A1", "A2"), "holds", 1)
