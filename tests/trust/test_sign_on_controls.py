"""The controls of sign-on and of outside tokens: each holds, and turns red without its defence."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.trust.listening import listening

from stockade.identity.saml import response, seen
from stockade.identity.sso import oidc, outside, tokens
from stockade.kernel.control import CONTROLS, Finding
from stockade.trust.collect import collect

collect()
OUTSIDE, SIGN_ON = "identity.outside-tokens-verified", "identity.sign-on-verified"


@pytest.fixture
def found(server: Any, database_name: str, tmp_path: Path) -> Callable[[str], Any]:
    """Run a control on an application that listens."""

    async def run(name: str) -> Finding:
        async with listening(server, database_name, tmp_path) as live:
            return await CONTROLS[name].check(live)

    return run


@pytest.mark.parametrize("name", [OUTSIDE, SIGN_ON])
async def test_the_control_holds_and_holds_again(server: Any, database_name: str, tmp_path: Path, name: str) -> None:
    async with listening(server, database_name, tmp_path) as live:
        for _ in range(2):
            finding = await CONTROLS[name].check(live)
            assert finding.holds, finding


def claims_without_looking(*_: Any, **__: Any) -> Any:
    """Take a token's word for it."""

    async def read(_keys: Any, text: str, **_given: Any) -> dict[str, Any]:
        return tokens.claims_unverified(text)

    return read


async def test_without_signatures_outside_tokens_are_believed(
    found: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outside, "verify", claims_without_looking())
    finding = await found(OUTSIDE)
    assert any("another key is accepted" in line for line in finding.details), finding


async def test_without_their_times_and_audience_outside_tokens_last_for_ever(
    found: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outside, "check_times", lambda claims: 4e9)
    finding = await found(OUTSIDE)
    assert any("expired is accepted" in line for line in finding.details), finding


async def test_without_the_databases_confirmation_a_former_issuer_still_admits(
    found: Callable[[str], Any], superuser: Any
) -> None:
    kept = await superuser.fetchval("select pg_get_functiondef('identity.confirm_outside'::regproc)")
    await superuser.execute(
        "create or replace function identity.confirm_outside(trusted uuid, expected integer, ends_at double precision) "
        "returns void language sql stable as ''"
    )
    try:
        finding = await found(OUTSIDE)
        assert any("not trusted any more" in line for line in finding.details), finding
    finally:
        await superuser.execute(kept)


@pytest.mark.parametrize(
    ("place", "name", "sabotage", "says"),
    [
        (oidc, "verify", claims_without_looking(), None),
        (oidc, "_check_issuer", lambda *_: None, "an answer of another provider is accepted"),
        (response, "_check_envelope", lambda *_: None, None),
        (seen, "remember", None, "an assertion is accepted twice"),
    ],
)
async def test_without_the_defence_it_turns_red(
    found: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch, place: Any, name: str, sabotage: Any, says: str | None
) -> None:
    async def forget(*_: Any) -> None:
        return None

    monkeypatch.setattr(place, name, sabotage or forget)
    finding = await found(SIGN_ON)
    if says is None:
        assert finding.holds, "a second check stands behind this one"
    else:
        assert says in finding.details, finding


async def test_without_the_signature_any_assertion_is_believed(
    found: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(response, "_signed_assertion", lambda root, *_: root.find("{*}Assertion"))
    finding = await found(SIGN_ON)
    assert "an unsigned assertion is accepted" in finding.details, finding
