"""The controls of tokens hold on the application as it is, and turn red without a defence."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.trust.listening import listening

from stockade.identity.tokens import access, families
from stockade.identity.tokens.access import AccessTokens
from stockade.identity.tokens.signing import SigningKeys
from stockade.kernel.control import CONTROLS, Finding
from stockade.trust.collect import collect

collect()
ONCE, FORGED = "identity.refresh-tokens-work-once", "identity.access-tokens-unforgeable"


@pytest.fixture
def found(server: Any, database_name: str, tmp_path: Path) -> Callable[[str], Any]:
    """Run a control on an application that listens."""

    async def run(name: str) -> Finding:
        async with listening(server, database_name, tmp_path) as live:
            return await CONTROLS[name].check(live)

    return run


@pytest.mark.parametrize("name", [ONCE, FORGED])
async def test_the_control_holds(found: Callable[[str], Any], name: str) -> None:
    finding = await found(name)
    assert finding.holds, finding


async def test_it_turns_red_when_a_replay_ends_nothing(
    found: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_given: Any) -> None:
        """The defence, removed."""

    monkeypatch.setattr(families, "_end_if_replayed", nothing)
    finding = await found(ONCE)
    assert "the access token after it is answered with 200" in finding.details, finding


async def test_it_turns_red_when_access_tokens_live_for_an_hour(
    found: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "ACCESS_SECONDS", 3600)
    finding = await found(ONCE)
    assert "the access token lives for more than 15 minutes" in finding.details, finding


async def test_it_turns_red_when_signatures_are_not_looked_at(
    found: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def believe(self: Any, database: Any, token: str, header: Any) -> Any:
        from stockade.identity.sso.tokens import claims_unverified

        return claims_unverified(token)

    monkeypatch.setattr(SigningKeys, "verify", believe)
    finding = await found(FORGED)
    assert {"an unsigned token is answered with 200", "a token of another key is answered with 200"} <= set(
        finding.details
    )


async def test_it_turns_red_when_claims_are_not_looked_at(
    found: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    import msgspec

    def accept(self: Any, claims: Any) -> Any:
        return msgspec.convert(claims, access._Claims)

    monkeypatch.setattr(AccessTokens, "check", accept)
    finding = await found(FORGED)
    assert {"an expired token is answered with 200", "a token for another audience is answered with 200"} <= set(
        finding.details
    )
