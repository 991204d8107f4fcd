"""The control of proved addresses: it holds on the application as it is, and turns red without each defence."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.trust.listening import listening

from stockade.identity.signing_in import flow, states
from stockade.kernel.control import CONTROLS, Finding
from stockade.trust.collect import collect

collect()
ID = "identity.addresses-proved-first"
LIMITS = {"address_requests_per_minute": 600, "sign_in_attempts_per_minute": 10}


@pytest.fixture
def found(server: Any, database_name: str, tmp_path: Path) -> Callable[[], Any]:
    """Run the control on an application that listens."""

    async def run() -> Finding:
        async with listening(server, database_name, tmp_path, **LIMITS) as live:
            return await CONTROLS[ID].check(live)

    return run


async def test_the_control_holds_and_holds_again_on_what_it_left(
    server: Any, database_name: str, tmp_path: Path
) -> None:
    async with listening(server, database_name, tmp_path, **LIMITS) as live:
        for _ in range(2):
            finding = await CONTROLS[ID].check(live)
            assert finding.holds, finding


async def test_it_turns_red_when_the_flow_does_not_ask_whether_the_address_is_proved(
    found: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = states.wanted_after
    monkeypatch.setattr(flow, "wanted_after", lambda proof, **given: real(proof, **(given | {"verified": True})))
    finding = await found()
    assert not finding.holds
    assert "right password" in " ".join(finding.details)
    assert "shown to somebody" in " ".join(finding.details)


async def test_it_turns_red_when_every_link_proves_the_address(
    found: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = flow.sign_in.redeem_link

    async def careless(database: Any, credentials: Any, visitor: Any, **given: Any) -> Any:
        account_id, tenant_id = await real(database, credentials, visitor, **given)
        monkeypatch.setattr(flow, "_VERIFIED", "select $1::uuid is not null")
        return account_id, tenant_id

    monkeypatch.setattr(flow.sign_in, "redeem_link", careless)
    finding = await found()
    assert not finding.holds
    assert "shown to somebody" in " ".join(finding.details)
