"""The controls of factors: each holds on the application as it is, and turns red when a defence is taken away."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.trust.listening import listening

from stockade.identity.factors import ceremony, passkeys, recovery, totp
from stockade.identity.sealing import Sealer
from stockade.kernel.control import CONTROLS, Finding
from stockade.trust.collect import collect

collect()
PASSKEYS, CODES = "identity.passkeys-open-once", "identity.codes-work-once"
LIMITS = {"address_requests_per_minute": 600, "sign_in_attempts_per_minute": 10}


@pytest.fixture
def found(server: Any, database_name: str, tmp_path: Path) -> Callable[[str], Any]:
    """Run a control on an application that listens."""

    async def run(name: str) -> Finding:
        async with listening(server, database_name, tmp_path, **LIMITS) as live:
            return await CONTROLS[name].check(live)

    return run


@pytest.mark.parametrize("name", [PASSKEYS, CODES])
async def test_the_control_holds(found: Callable[[str], Any], name: str) -> None:
    finding = await found(name)
    assert finding.holds, finding


async def test_it_holds_again_on_what_the_first_run_left(
    server: Any, database_name: str, tmp_path: Path
) -> None:  # fmt: skip
    async with listening(server, database_name, tmp_path, **LIMITS) as live:
        for name in (PASSKEYS, CODES, PASSKEYS, CODES):
            finding = await CONTROLS[name].check(live)
            assert finding.holds, finding


def careless(monkeypatch: pytest.MonkeyPatch, **less: Any) -> None:
    """Let the library check less than it is asked to."""
    real = ceremony.verify_authentication_response

    def verify(**given: Any) -> Any:
        asked = dict(given)
        if less.get("origin"):
            asked["expected_origin"] = [given["expected_origin"], "https://example.com"]
        if less.get("user"):
            asked["require_user_verification"] = False
        return real(**asked)

    monkeypatch.setattr(ceremony, "verify_authentication_response", verify)


async def test_without_the_check_of_the_origin_it_is_red(
    found: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    careless(monkeypatch, origin=True)
    finding = await found(PASSKEYS)
    assert not finding.holds
    assert finding.details == ("a signature for another origin is answered with 200",)


async def test_without_the_demand_of_a_verified_user_it_is_red(
    found: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    careless(monkeypatch, user=True)
    assert "a signature of an unverified user is answered with 200" in (await found(PASSKEYS)).details


async def test_with_challenges_that_are_not_used_up_it_is_red(
    found: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    anything = "select ($1::bytea, $2::uuid, $3::bytea) is not null or true"
    monkeypatch.setattr(passkeys, "_TAKE_SIGN_IN", anything)
    assert "a replayed signature is answered with 200" in (await found(PASSKEYS)).details


async def test_without_the_comparison_of_counts_it_is_red(
    found: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passkeys, "_NOTE_USE", "select 'used' where ($1::uuid, $2::bigint, $3::boolean) is not null")
    details = (await found(PASSKEYS)).details
    assert details == ("a copy's signature is answered with 200", "a copied passkey is answered with 200")


async def test_with_time_steps_that_are_not_used_up_it_is_red(
    found: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(totp, "_USE", "select ($1::uuid, $2::bigint) is not null")
    details = (await found(CODES)).details
    assert "the code that set the app up is accepted again" in details
    assert "a code that 4 bring at the same time is accepted 4 times" in details


async def test_with_recovery_codes_that_are_not_used_up_it_is_red(
    found: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "_USE", "select ($1::uuid, $2::bytea) is not null")
    details = (await found(CODES)).details
    assert "a recovery code is accepted again" in details
    assert "a recovery code of an older set is accepted" in details


async def test_with_seeds_in_the_clear_it_is_red(found: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sealer, "seal", lambda _self, plain, *_place: plain)
    monkeypatch.setattr(Sealer, "open", lambda _self, sealed, *_place: sealed)
    assert (await found(CODES)).details == ("the app's seed lies open in the table",)
