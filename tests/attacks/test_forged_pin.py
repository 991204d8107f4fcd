"""The pin: forged, altered, replayed, expired, taken over from another transaction or session."""

from tests.attacks.conftest import Attacked

from stockade.tenancy.forgeries import escalate, forge_pins, see_without_pin


async def test_no_altered_forged_replayed_or_expired_pin_opens_anything(installation: Attacked) -> None:
    outcome = await forge_pins(installation.application, installation.attacker, installation.victim)
    assert outcome.breaches == ()
    assert outcome.tried > 700


async def test_without_a_valid_pin_no_table_shows_a_row(installation: Attacked) -> None:
    outcome = await see_without_pin(installation.application, installation.attacker, installation.victim)
    assert outcome.breaches == ()
    assert outcome.tried > 100


async def test_no_statement_gives_the_role_more_than_it_has(installation: Attacked) -> None:
    outcome = await escalate(installation.application, installation.attacker, own_server=True)
    assert outcome.breaches == ()
    assert outcome.tried > 50
