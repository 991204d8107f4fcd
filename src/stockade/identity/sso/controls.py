"""Sign-on and outside tokens under attack: what a provider did not say lets nobody in (claims B3 and B7).

A provider of the controls' own signs rightly and wrongly; the code that reads it is the code that reads every other
one, on the live database. What browsers could bring is sent over the wire.
"""

import base64
import hmac
import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID

from joserfc.jwk import ECKey

from stockade.identity.saml import seen
from stockade.identity.saml.refusal import SamlRefused
from stockade.identity.saml.response import verify
from stockade.identity.sso import issuers, oidc
from stockade.identity.sso.attempts import Attempt, new_browser
from stockade.identity.sso.keys import Keys
from stockade.identity.sso.kinds import OidcSettings
from stockade.identity.sso.outside import Outside
from stockade.identity.sso.own_provider import ISSUER, OwnProvider, posted
from stockade.identity.sso.steps import SignOnRefused, Steps
from stockade.kernel.clock import now
from stockade.kernel.control import Finding, Installation, control, finding
from stockade.kernel.ids import new_id
from stockade.tenancy.principal import Principal
from stockade.tenancy.transaction import Unauthenticated
from stockade.web.wire import HTML, Line

_EVERY = timedelta(hours=1)
_MAX_AGE = timedelta(hours=3)
_NAME = "Control"
_AUDIENCE = "stockade-control"
_EMAIL = "somebody@provider.stockade.invalid"
_ANSWERS = (
    "/sign-in/oidc/callback?state={state}&code=guessed",
    "/sign-in/saml/00000000-0000-7000-8000-00000000dead/done?state={state}",
    "/sign-in/ldap/00000000-0000-7000-8000-00000000dead",
)


@control(
    id="identity.outside-tokens-verified", claims=("B3",), every=_EVERY, max_age=_MAX_AGE,
    standards=("OWASP ASVS 5.0 V9.1", "RFC 8725", "OWASP A07:2021"),
    statement="A token of an outside identity provider counts by its signature, issuer, audience, algorithm and time "
    "alone; its keys rotate without a restart; and it admits nobody any more as soon as its issuer is not trusted.",
)  # fmt: skip
async def outside_tokens_verified(installation: Installation) -> Finding:
    """Trust a provider in a probe tenant, bring its token, forged ones, one of a new key, and one after the trust."""
    provider, probe = OwnProvider(), installation.probes[0]
    outside, database = Outside(Keys(provider)), installation.application
    credentials: Any = getattr(installation, "credentials", None)

    async def admitted(token: str) -> Principal | None:
        return await outside.find(database, credentials, token)

    issuer_id = await _trust(installation, probe.principal)
    wrong: list[str] = []
    try:
        genuine = provider.token({"sub": "one", "aud": _AUDIENCE})
        holder = await admitted(genuine)
        if holder is None or not await _opens(database, holder) or holder.tenant_id != probe.tenant_id:
            return Finding(False, "It cannot be checked: the provider's own token is refused.")
        forged = _forgeries(provider)
        for what, token in forged.items():
            if await admitted(token) is not None:
                wrong.append(f"{what} is accepted")
        provider.rotate()
        if await admitted(provider.token({"sub": "one", "aud": _AUDIENCE})) is None:
            wrong.append("a key that the provider changed to is not found")
        async with Line(installation) as line:
            for what, token in forged.items():
                reply = await line.ask("GET", "/api/v1/orders", {"Authorization": f"Bearer {token}"})
                if reply.status != 401:
                    wrong.append(f"{what} is answered with {reply.status}")
    finally:
        async with database.transaction(probe.principal) as tx:
            await issuers.set_issuer_state(tx, issuer_id, "off")
    if await _opens(database, holder):
        wrong.append("a token opens the database after its issuer is not trusted any more")
    return finding(2 * len(forged) + 3, "tokens", wrong)


def _forgeries(provider: OwnProvider) -> dict[str, str]:
    """Tokens that must not count, by what is wrong with them."""
    said = {"sub": "one", "aud": _AUDIENCE}
    stranger = ECKey.generate_key("P-256", {"kid": str(provider.signing.kid)}, private=True)
    right = provider.token(said)
    header, body, signature = right.split(".")
    bare = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    return {
        "a token of another key": provider.token(said, stranger),
        "a token signed by the public key as a secret": _by_secret(provider, said),
        "a token without a signature": f"{bare}.{body}.",
        "a token with the signature of another one": f"{header}.{body}.{signature[:-4]}AAAA",
        "a token for another audience": provider.token(said | {"aud": "another"}),
        "a token of another issuer": provider.token(said | {"iss": f"{ISSUER}/another"}),
        "a token that has expired": provider.token(said | {"exp": 1_700_000_000}),
        "a token of nobody": provider.token({"aud": _AUDIENCE}),
    }


def _by_secret(provider: OwnProvider, said: dict[str, Any]) -> str:
    """A token whose signature is an HMAC, with the public key that everybody knows as its secret."""
    header = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"%s"}' % str(provider.signing.kid).encode())
    signed = header.rstrip(b"=") + b"." + provider.token(said).split(".")[1].encode()
    mac = hmac.digest(provider.signing.as_pem(private=False), signed, "sha256")
    return (signed + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode()


async def _trust(installation: Installation, principal: Principal) -> UUID:
    """Return the id of the probe's trust in the provider; made at the first run, on again at each."""
    async with installation.application.transaction(principal) as tx:
        known = [row.id for row in await issuers.list_issuers(tx) if row.name == _NAME]
        if known:
            await issuers.set_issuer_state(tx, known[0], "active")
            return known[0]
        new = issuers.NewIssuer(name=_NAME, issuer=ISSUER, audience=_AUDIENCE, algorithms=["ES256"], role="viewer")
        return (await issuers.trust_issuer(tx, new_id(), new)).id


async def _opens(database: Any, principal: Principal) -> bool:
    """Return whether the database confirms a principal."""
    try:
        async with database.transaction(principal) as tx:
            await tx.execute("select 1")
    except Unauthenticated:
        return False
    return True


@control(
    id="identity.sign-on-verified", claims=("B7",), every=_EVERY, max_age=_MAX_AGE,
    standards=("OWASP ASVS 5.0 V10.5", "NIST SP 800-63C", "OWASP A07:2021"),
    statement="By OpenID Connect and SAML, whom the provider names is read from what it signed, for this service, for "
    "the browser that asked, and once; everything else is refused; and an answer that nobody asked for opens no "
    "session.",
)  # fmt: skip
async def sign_on_verified(installation: Installation) -> Finding:
    """Sign in by a provider of our own, rightly and with each thing wrong, and bring answers that nobody asked for."""
    provider = OwnProvider()
    tried, wrong = 0, list[str]()
    for way in (_by_oidc, _by_saml):
        count, found = await way(installation, provider)
        tried, wrong = tried + count, wrong + found
    async with Line(installation) as line:
        for path in _ANSWERS:
            reply = await line.ask("GET", path.format(state=secrets.token_urlsafe(32)), {"Accept": HTML})
            tried += 1
            if reply.status < 400 or any("session=" in cookie for cookie in reply.all("set-cookie")):
                wrong.append(f"an answer that nobody asked for at {path.partition('?')[0]} gets {reply.status}")
    return finding(tried, "answers of a provider", wrong)


async def _by_oidc(installation: Installation, provider: OwnProvider) -> tuple[int, list[str]]:
    keys, settings = Keys(provider), OidcSettings(issuer=ISSUER, client_id="stockade", algorithms=["ES256"])
    client = oidc.Client(settings, None, installation.origin + oidc.CALLBACK)
    right = {"sub": "one", "aud": "stockade", "email": _EMAIL, "email_verified": True}

    async def named(attempt: Attempt, said: dict[str, Any], answer: dict[str, str]) -> bool:
        provider.claims = said
        try:
            who = await oidc.finish(keys, client, attempt, answer, Steps())
        except SignOnRefused:
            return False
        return who.email == _EMAIL

    attempt = Attempt(new_browser(), new_browser())
    asked = provider.began(await oidc.begin(keys, client, attempt))
    right["nonce"], answer = asked["nonce"], {"code": "one"}
    cases = {
        "an ID token for another sign-in": (attempt, right | {"nonce": "another"}, answer),
        "an ID token for another client": (attempt, right | {"aud": "another"}, answer),
        "an ID token of another issuer": (attempt, right | {"iss": "https://another.invalid"}, answer),
        "an ID token that has expired": (attempt, right | {"exp": 1_700_000_000}, answer),
        "an address that is not verified": (attempt, right | {"email_verified": False}, answer),
        "an answer of another provider": (attempt, right, answer | {"iss": "https://another.invalid"}),
        "a code that another browser asked for": (Attempt(attempt.state, new_browser()), right, answer),
    }
    wrong = [f"{what} is accepted" for what, case in cases.items() if await named(*case)]
    if not await named(attempt, right, answer):
        wrong.append("the provider's own ID token is refused, so that the refusals prove nothing")
    return len(cases) + 1, wrong


async def _by_saml(installation: Installation, provider: OwnProvider) -> tuple[int, list[str]]:
    acs, audience, request = f"{installation.origin}/sign-in/saml/control", "urn:stockade:control", "_request"
    config, other = provider.connection(), OwnProvider()
    right = {"recipient": acs, "audience": audience, "request": request, "email": _EMAIL}

    def named(root: Any, asked: str | None = request) -> str:
        """The assertion's id if it names the person, else nothing."""
        try:
            read = verify(
                posted(root).decode(), config, request_id=asked, now=now(), acs_url=acs, sp_entity_id=audience
            )
        except SamlRefused:
            return ""
        return read.assertion_id if read.email == _EMAIL else ""

    past = {"end": "2020-01-01T00:00:00Z", "begin": "2019-12-31T23:55:00Z"}
    changed = provider.response(right | {"email": "nobody@provider.stockade.invalid"})
    (name,) = changed.iter("{*}NameID")
    name.text = _EMAIL
    cases = {
        "an unsigned assertion": (provider.response(right, signed=False), request),
        "an assertion of another key": (other.response(right), request),
        "an assertion that was changed after it was signed": (changed, request),
        "an assertion for another service": (provider.response(right | {"audience": "urn:another"}), request),
        "an assertion for another address": (provider.response(right | {"recipient": acs + "2"}), request),
        "an assertion that has expired": (provider.response(right | past), request),
        "an assertion for another request": (provider.response(right), "_another"),
        "an assertion that nobody asked for": (provider.response(right), None),
    }
    wrong = [f"{what} is accepted" for what, case in cases.items() if named(*case)]
    if not (assertion := named(provider.response(right))):
        wrong.append("the provider's own assertion is refused, so that the refusals prove nothing")
    elif await _twice(installation, assertion):
        wrong.append("an assertion is accepted twice")
    return len(cases) + 2, wrong


async def _twice(installation: Installation, assertion_id: str) -> bool:
    """Return whether an assertion can be used a second time."""
    until = now() + timedelta(minutes=5)
    for _ in range(2):
        try:
            async with installation.application.transaction(installation.probes[0].principal) as tx:
                await seen.remember(tx, assertion_id, until)
        except SamlRefused:
            return False
    return True
