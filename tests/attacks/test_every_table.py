"""Raw SQL as the application's role, from one tenant, against another, over every relation of the live catalogue."""

import pytest
from tests.attacks.conftest import Attacked

from stockade.tenancy import attacks
from stockade.tenancy.attacks import Outcome

LEAST = {
    "read_rows": 100,
    "copy_out": 50,
    "write_rows": 100,
    "insert_rows": 40,
    "refer_to_rows": 20,
    "learn_from_keys": 20,
    "call_functions": 5,
}


async def run(name: str, installation: Attacked) -> Outcome:
    outcome: Outcome = await getattr(attacks, name)(
        installation.application, installation.attacker, installation.victim
    )
    return outcome


@pytest.mark.parametrize("name", LEAST)
async def test_nothing_of_another_tenant_comes_out_or_changes(installation: Attacked, name: str) -> None:
    outcome = await run(name, installation)
    assert outcome.breaches == ()
    assert outcome.tried >= LEAST[name], "an attack that tries nothing proves nothing"
