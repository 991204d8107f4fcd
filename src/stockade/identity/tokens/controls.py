"""Tokens under attack: replayed, revoked, and forged in every known way, over the wire (claim B4)."""

import base64
import hashlib
import hmac
import time
from datetime import timedelta
from typing import Any

import msgspec
from joserfc.jwk import OKPKey

from stockade.identity.credentials import Credentials
from stockade.identity.sso.tokens import NotGenuine, parts_unverified
from stockade.identity.tokens.signing import SigningKeys
from stockade.kernel.control import Finding, Installation, control, finding
from stockade.kernel.ids import new_id
from stockade.web.wire import Line, Reply, as_json

_TOKENS, _USE, _KEYS = "/api/v1/tokens", "/api/v1/me/sessions", "/.well-known/jwks.json"
_LONGEST_ACCESS, _LONGEST_REFRESH = 15 * 60, 7 * 86_400
_ROW = (
    "select token_hash, to_jsonb(r)::text, extract(epoch from expires_at - issued_at)::float8 "
    "from identity.refresh_token r where tenant_id = $1 and token_hash = $2"
)
_HASH_BYTES = 32
_EVERY, _MAX_AGE = timedelta(hours=6), timedelta(hours=13)
_STANDARDS = ("RFC 9700 section 4.14", "RFC 8725", "OWASP ASVS 5.0 V10.4", "ISO 27001 A.8.5")


class _NoTokens(Exception):
    """The probe was given no tokens; the message says where it ended."""


@control(
    id="identity.refresh-tokens-work-once", claims=("B4",), every=_EVERY, max_age=_MAX_AGE, standards=_STANDARDS,
    statement="An access token lives for 15 minutes at most and a refresh token for 7 days, kept as a keyed hash; a "
    "refresh token works once, and brought again it ends every token of its sign-in; signing out ends them, too.",
)  # fmt: skip
async def refresh_tokens_work_once(installation: Installation) -> Finding:
    """Sign in as a probe's person, refresh, bring the spent token again, and use what was issued since."""
    wrong: list[str] = []
    try:
        async with Line(installation) as line:
            first = await _signed_in(installation, line)
            wrong += _too_long(first)
            wrong += await _breaches_at_rest(installation, first["refresh_token"])
            second = as_json(await _refresh(line, first))
            wrong += _expected("a refreshed access token", await _use(line, second.get("access_token")), 200)
            wrong += _expected("a spent refresh token", await _refresh(line, first), 401)
            for name, pair in (("before", first), ("after", second)):
                wrong += _expected(f"the access token {name} it", await _use(line, pair.get("access_token")), 401)
            wrong += _expected("the refresh token after it", await _refresh(line, second), 401)
            third = await _signed_in(installation, line)
            gone = await line.ask("DELETE", _TOKENS, _bearer(third["access_token"]))
            wrong += _expected("signing out by a token", gone, 204)
            wrong += _expected("its access token", await _use(line, third["access_token"]), 401)
            wrong += _expected("its refresh token", await _refresh(line, third), 401)
    except _NoTokens as reason:
        return Finding(False, f"It cannot be checked: {reason}.")
    return finding(13, "properties of tokens", wrong)


@control(
    id="identity.access-tokens-unforgeable", claims=("B4",), every=_EVERY, max_age=_MAX_AGE, standards=_STANDARDS,
    statement="An access token that is unsigned, signed by another key or algorithm, brings its own key, has expired, "
    "or is meant for another audience, organisation or session admits nobody.",
)  # fmt: skip
async def access_tokens_unforgeable(installation: Installation) -> Finding:
    """Take a good token of a probe's person, and forge others from it."""
    wrong: list[str] = []
    try:
        async with Line(installation) as line:
            good = str((await _signed_in(installation, line))["access_token"])
            wrong += _expected("the good token", await _use(line, good), 200)
            forged = await _forgeries(line, good) | await _misused(installation, good)
            for name, token in forged.items():
                wrong += _expected(name, await _use(line, token), 401)
            cookie = await line.ask("GET", _USE, {"Cookie": f"__Host-session={good}"})
            wrong += _expected("an access token as a cookie", cookie, 401)
            wrong += _expected("the good token, still", await _use(line, good), 200)
            await line.ask("DELETE", _TOKENS, _bearer(good))
    except _NoTokens as reason:
        return Finding(False, f"It cannot be checked: {reason}.")
    return finding(len(forged) + 3, "tokens", wrong)


async def _signed_in(installation: Installation, line: Line) -> dict[str, Any]:
    """Sign in for tokens by a one-time link of the probe; ``_NoTokens`` if that fails."""
    probe_link = getattr(installation, "probe_link", None)
    if probe_link is None:
        raise _NoTokens("the installation gives no one-time link of a probe")
    reply = await _post(line, "/link", {"link": await probe_link(), "client": "control"})
    pair: dict[str, Any] = as_json(reply)
    if reply.status != 200 or not isinstance(pair.get("access_token"), str):
        raise _NoTokens(f"the sign-in was answered with {reply.status} and no token")
    return pair


def _too_long(pair: dict[str, Any]) -> list[str]:
    try:
        _, claims = parts_unverified(pair["access_token"])
    except NotGenuine:
        return ["the access token is no signed token"]
    wrong = []
    if not 0 < claims["exp"] - claims["iat"] <= _LONGEST_ACCESS or not 0 < pair["expires_in"] <= _LONGEST_ACCESS:
        wrong.append("the access token lives for more than 15 minutes")
    if not 0 < pair["refresh_expires_in"] <= _LONGEST_REFRESH:
        wrong.append("the refresh token says that it lives for more than 7 days")
    return wrong


async def _breaches_at_rest(installation: Installation, token: str) -> list[str]:
    credentials: Credentials = installation.credentials  # type: ignore[attr-defined]  # the running one has it
    probe = installation.probes[0]
    async with installation.application.transaction(probe.principal) as tx:
        row = await tx.fetchrow(_ROW, probe.tenant_id, credentials.hash(token))
    if row is None or len(row[0]) != _HASH_BYTES:
        return ["the refresh token does not lie as a keyed hash"]
    wrong = ["the refresh token lies in the clear"] if token.split("_")[2] in row[1] else []
    return wrong if row[2] <= _LONGEST_REFRESH else [*wrong, "the refresh token lives for more than 7 days"]


async def _forgeries(line: Line, good: str) -> dict[str, str]:
    """Return tokens that our key did not sign, by what is wrong with them."""
    header, claims = parts_unverified(good)
    stranger = OKPKey.generate_key("Ed25519")
    listed: Any = as_json(await line.ask("GET", _KEYS)).get("keys")
    public = next((key for key in listed or () if key.get("kid") == header["kid"]), None)
    if public is None:
        raise _NoTokens("the published keys hold none that signed the token")
    symmetric = _content(header | {"alg": "HS256"}, claims)
    secret = base64.urlsafe_b64decode(public["x"] + "=")
    return {
        "an unsigned token": f"{_content(header | {'alg': 'none'}, claims)}.AA",
        "a token signed with the public key as a secret":
            f"{symmetric}.{_text(hmac.digest(secret, symmetric.encode(), hashlib.sha256))}",
        "a token of another key": _by(stranger, header, claims),
        "a token that brings its key": _by(stranger, header | {"jwk": stranger.as_dict(private=False)}, claims),
        "a token that names a stranger's key": _by(stranger, header | {"kid": stranger.thumbprint()}, claims),
        "a token with other claims under its signature":
            f"{_content(header, claims | {'exp': claims['exp'] + 1})}.{good.rpartition('.')[2]}",
    }  # fmt: skip


async def _misused(installation: Installation, good: str) -> dict[str, str]:
    """Return tokens that our own key signed, and that admit nobody all the same."""
    _, claims = parts_unverified(good)
    keys = SigningKeys(installation.sealer)  # type: ignore[attr-defined]  # the running one has it
    now, elsewhere = int(time.time()), str(installation.probes[1].tenant_id)
    changes: dict[str, dict[str, Any]] = {
        "an expired token": {"iat": now - 1000, "exp": now - 100},
        "a token for a day": {"iat": now, "exp": now + 86_400},
        "a token for another audience": {"aud": "https://elsewhere.invalid"},
        "a token of another issuer": {"iss": "https://elsewhere.invalid"},
        "a token for another organisation": {"tenant": elsewhere},
        "a token of no session": {"sid": str(new_id())},
        "a token of somebody else": {"sub": str(new_id())},
    }
    return {name: await keys.sign(installation.application, claims | changed) for name, changed in changes.items()}


def _by(key: OKPKey, header: dict[str, Any], claims: dict[str, Any]) -> str:
    content = _content(header, claims)
    private: Any = key.private_key
    return f"{content}.{_text(private.sign(content.encode()))}"


def _content(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return f"{_text(msgspec.json.encode(header))}.{_text(msgspec.json.encode(claims))}"


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


async def _refresh(line: Line, pair: dict[str, Any]) -> Reply:
    return await _post(line, "/refresh", {"refresh_token": str(pair.get("refresh_token"))})


async def _post(line: Line, path: str, body: dict[str, Any]) -> Reply:
    return await line.ask("POST", f"{_TOKENS}{path}", {"Content-Type": "application/json"}, msgspec.json.encode(body))


async def _use(line: Line, token: object) -> Reply:
    return await line.ask("GET", _USE, _bearer(str(token)))


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _expected(what: str, reply: Reply, status: int) -> list[str]:
    return [] if reply.status == status else [f"{what} is answered with {reply.status}"]
