"""OpenID Connect (Core 1.0): discovery, the code flow with PKCE (RFC 7636, S256), and what an answer is worth.

Attacks that it stands against: code or state of another browser (cookie, PKCE), a replayed answer (single use, nonce),
another provider's answer (issuer, RFC 9207), a token for another client (audience), an unproved address
(``email_verified``), an algorithm that the client did not choose.
"""

import asyncio
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client

from stockade.identity.sso.attempts import Attempt
from stockade.identity.sso.keys import Keys
from stockade.identity.sso.kinds import Identified, OidcSettings
from stockade.identity.sso.reaching import ANSWER_SECONDS, ProviderUnreachable, failure
from stockade.identity.sso.steps import SignOnRefused, Steps
from stockade.identity.sso.tokens import NotGenuine, audiences, check_times, verify
from stockade.kernel.words import N_, said

CALLBACK = "/sign-in/oidc/callback"
DISCOVERY = "/.well-known/openid-configuration"
SCOPE = "openid email profile"
MOST_EMAIL = 254


class Provider(msgspec.Struct, frozen=True):
    """What a provider says about itself (OpenID Connect Discovery 1.0)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class Client(msgspec.Struct, frozen=True):
    """Who we are to a provider: the connection's settings, the secret (None: PKCE alone), and where answers come."""

    settings: OidcSettings
    secret: str | None
    redirect_uri: str


async def discover(keys: Keys, issuer: str) -> Provider:
    """Return what a provider says about itself; ``ProviderUnreachable``, also if it calls itself something else."""
    address = issuer.rstrip("/") + DISCOVERY
    found = await keys.document(address)
    try:
        provider = msgspec.convert(found, Provider)
    except msgspec.ValidationError as error:
        raise ProviderUnreachable(said("{address} lacks what it has to say: {error}.", address=address, error=str(error))) from None  # fmt: skip  # noqa: E501
    if provider.issuer != issuer:
        # Attack: a mix-up of providers begins with one that describes itself as another.
        raise ProviderUnreachable(
            said("The provider calls itself {theirs}, not {ours}: write the issuer exactly so.", theirs=provider.issuer,
                 ours=issuer)
        )  # fmt: skip
    endpoints = (provider.authorization_endpoint, provider.token_endpoint, provider.jwks_uri)
    if not all(urlsplit(endpoint).scheme == "https" for endpoint in endpoints):
        raise ProviderUnreachable(said("The provider names an address that is not https."))
    return provider


async def begin(keys: Keys, client: Client, attempt: Attempt) -> str:
    """Return the provider's address for a sign-in that begins."""
    provider = await discover(keys, client.settings.issuer)
    async with _oauth(keys, client, provider) as oauth:
        address, _ = oauth.create_authorization_url(
            provider.authorization_endpoint, state=attempt.state, code_verifier=attempt.verifier, nonce=attempt.nonce
        )
    return str(address)


async def finish(
    keys: Keys, client: Client, attempt: Attempt, answer: dict[str, str], steps: Steps
) -> Identified:  # fmt: skip
    """Return whom the provider named; ``SignOnRefused`` or ``ProviderUnreachable`` say what is wrong."""
    steps.begin("discovery")
    provider = await discover(keys, client.settings.issuer)
    steps.passed(provider.issuer)
    steps.begin("issuer")
    _check_issuer(provider, answer)
    steps.passed(answer.get("iss", ""))
    steps.begin("answer")
    code = _code_of(answer)
    steps.passed()
    steps.begin("exchange")
    async with _oauth(keys, client, provider) as oauth:
        token = await _exchanged(oauth, provider, code, attempt)
        steps.passed()
        claims = await _verified(keys, client, provider, attempt, token, steps)
        steps.begin("person")
        claims = await _completed(oauth, client, provider, claims)
    steps.passed(str(claims.get("name") or claims["sub"]))
    steps.begin("email")
    identified = _identified(client.settings, claims)
    steps.passed(identified.email)
    return identified


def _check_issuer(provider: Provider, answer: dict[str, str]) -> None:
    """RFC 9207: a provider that names itself in its answers does so always, and as itself."""
    said_to_be = answer.get("iss")
    if said_to_be is None and provider.authorization_response_iss_parameter_supported:
        raise SignOnRefused(N_("The answer does not say which provider it comes from."))
    if said_to_be is not None and said_to_be != provider.issuer:
        raise SignOnRefused(N_("The answer comes from another provider."))


def _code_of(answer: dict[str, str]) -> str:
    if error := answer.get("error"):
        told = answer.get("error_description", "")[:300]
        raise SignOnRefused(said("The provider answers: {error}. {description}", error=error[:100], description=told))
    if not (code := answer.get("code")):
        raise SignOnRefused(N_("The provider's answer has no code."))
    return code


async def _exchanged(oauth: Any, provider: Provider, code: str, attempt: Attempt) -> dict[str, Any]:
    host = urlsplit(provider.token_endpoint).hostname or ""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            token = await oauth.fetch_token(
                provider.token_endpoint, grant_type="authorization_code", code=code, code_verifier=attempt.verifier
            )
    except OAuthError as error:
        raise SignOnRefused(
            said("The provider refuses the code: {error}. Check client id and secret.", error=str(error.error)[:200])
        ) from None
    except (httpx.HTTPError, TimeoutError, ValueError) as error:
        raise failure(host, error) from error
    return dict(token)


async def _verified(
    keys: Keys, client: Client, provider: Provider, attempt: Attempt, token: dict[str, Any], steps: Steps
) -> dict[str, Any]:  # fmt: skip
    """Return the ID token's claims (OpenID Connect Core 3.1.3.7)."""
    steps.begin("signature")
    text = token.get("id_token")
    if not isinstance(text, str):
        raise SignOnRefused(N_("The provider sends no ID token: is “openid” among the client's scopes?"))
    try:
        claims = await verify(keys, text, jwks_uri=provider.jwks_uri, algorithms=client.settings.algorithms)
        steps.passed()
        steps.begin("claims")
        check_times(claims)
    except NotGenuine as reason:
        raise SignOnRefused(said("The ID token does not count. {reason}", reason=str(reason))) from None
    if claims.get("iss") != provider.issuer:
        raise SignOnRefused(N_("The ID token names another issuer."))
    meant_for = audiences(claims)
    authorised = claims.get("azp", client.settings.client_id)
    if client.settings.client_id not in meant_for or authorised != client.settings.client_id:
        raise SignOnRefused(N_("The ID token is meant for another client."))
    if len(meant_for) > 1 and "azp" not in claims:
        raise SignOnRefused(N_("The ID token is meant for several clients and does not say which asked."))
    if claims.get("nonce") != attempt.nonce:
        raise SignOnRefused(N_("The ID token answers another sign-in."))
    if not isinstance(claims.get("sub"), str) or not 0 < len(claims["sub"]) <= 255:
        raise SignOnRefused(N_("The ID token names nobody."))
    steps.passed(said("For {client}", client=client.settings.client_id))
    return claims


async def _completed(oauth: Any, client: Client, provider: Provider, claims: dict[str, Any]) -> dict[str, Any]:
    """Ask for what the ID token left out. An answer about somebody else is none (OpenID Connect Core 5.3.2)."""
    if client.settings.email_claim in claims or provider.userinfo_endpoint is None:
        return claims
    host = urlsplit(provider.userinfo_endpoint).hostname or ""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            answer = await oauth.get(provider.userinfo_endpoint)
        found = answer.json() if answer.status_code == 200 else {}
    except (OAuthError, httpx.HTTPError, TimeoutError, ValueError) as error:
        raise failure(host, error) from error
    if not isinstance(found, dict) or found.get("sub") != claims["sub"]:
        raise SignOnRefused(N_("The provider describes another person than the one who signed in."))
    return found | claims


def _identified(settings: OidcSettings, claims: dict[str, Any]) -> Identified:
    email = claims.get(settings.email_claim)
    if not isinstance(email, str) or email.count("@") != 1 or len(email) > MOST_EMAIL or not email.isprintable():
        raise SignOnRefused(said("The provider names no address in “{claim}”.", claim=settings.email_claim))
    if claims.get(settings.verified_claim) not in (True, "true", "1", 1):
        raise SignOnRefused(
            said("The provider does not say that {email} is verified (“{claim}”).", email=email,
                 claim=settings.verified_claim)
        )  # fmt: skip
    address = email.strip().lower()
    name = claims.get("name")
    called = name.strip()[:200] if isinstance(name, str) and name.strip().isprintable() else ""
    return Identified(str(claims["sub"]), address, called or address)


def _oauth(keys: Keys, client: Client, provider: Provider) -> Any:
    methods = provider.token_endpoint_auth_methods_supported
    method = "client_secret_basic" if "client_secret_basic" in methods else "client_secret_post"
    return AsyncOAuth2Client(
        client.settings.client_id, client.secret, scope=SCOPE, redirect_uri=client.redirect_uri,
        token_endpoint_auth_method=method if client.secret else "none", code_challenge_method="S256",
        transport=keys.reach.transport(), trust_env=False, follow_redirects=False,
    )  # fmt: skip
