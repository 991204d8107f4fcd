"""Examining a connection before anybody signs in by it: what can be seen from here, told step by step."""

from stockade.identity.ldap.examining import STEP_LABELS
from stockade.identity.ldap.examining import examine as examine_directory
from stockade.identity.saml.connection import certificate_of, fingerprint, trusted_certificates
from stockade.identity.sso import oidc
from stockade.identity.sso.connections import Held
from stockade.identity.sso.keys import Keys, read
from stockade.identity.sso.steps import LABELS, SignOnRefused, Step, Steps
from stockade.kernel.clock import now
from stockade.kernel.problems import Problem
from stockade.kernel.words import N_, said

STEP_NAMES: dict[str, str] = LABELS | {str(name): label for name, label in STEP_LABELS.items()}
SOON_DAYS = 30


async def examine(keys: Keys, connection: Held, *, username: str | None = None) -> list[Step]:
    """Try a connection step by step, up to the first that fails."""
    steps = Steps()
    try:
        if connection.kind == "oidc":
            await _oidc(keys, connection, steps)
        elif connection.kind == "saml":
            _saml(connection, steps)
        else:
            await keys.reach.check(str(connection.settings["host"]).strip("[]"), int(connection.settings["port"]))
            found = await examine_directory(connection.configured(), username=username)
            return [Step(step.name, step.works, step.text) for step in found]
    except Problem as problem:
        steps.failed(problem)
    return steps.done


async def _oidc(keys: Keys, connection: Held, steps: Steps) -> None:
    settings = connection.configured()
    steps.begin("discovery")
    keys.forget(settings.issuer.rstrip("/") + oidc.DISCOVERY)
    provider = await oidc.discover(keys, settings.issuer)
    steps.passed(provider.issuer)
    steps.begin("keys")
    keys.forget(provider.jwks_uri)
    found = read(await keys.document(provider.jwks_uri))
    if not found:
        raise SignOnRefused(N_("There is no key among them that signatures can be verified by."))
    steps.passed(said("{count} keys", count=len(found)))
    steps.begin("address")
    steps.passed(provider.authorization_endpoint)


def _saml(connection: Held, steps: Steps) -> None:
    config, at = connection.configured(), now()
    steps.begin("metadata")
    steps.passed(said("{name}, signing on at {address}", name=config.idp_entity_id, address=config.sso_url))
    steps.begin("certificate")
    trusted_certificates(config, at)
    for text in config.certificates:
        found = certificate_of(text)
        days = (found.not_valid_after_utc - at).days
        told = said("{fingerprint}: {days} more days.", fingerprint=fingerprint(found)[:23], days=max(days, 0))
        steps.done.append(Step("certificate", found.not_valid_after_utc > at, told))
