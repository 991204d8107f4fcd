"""Tokens for API clients: the flow of ``stockade.identity.signing_in`` as JSON, ending in tokens and no cookie."""

import dataclasses
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Response

from stockade.access.factors import MANAGE_OWN, PeopleOnly, require_person
from stockade.access.fields import Email, Text80
from stockade.access.permissions import PUBLIC
from stockade.access.routes import delete, get, post
from stockade.access.ways_in import door_in
from stockade.apps.admin.sign_in import limit_attempts, visitor_of
from stockade.apps.show import AnyRequest
from stockade.identity.factors.held import Held
from stockade.identity.service import sessions
from stockade.identity.service.sign_in import LinkRefused, SignedIn, SignInRefused, Visitor
from stockade.identity.signing_in import flow
from stockade.identity.signing_in.brake import TooManyAttempts
from stockade.identity.signing_in.flow import FactorRefused, SignInHeld, Unverified, Wait, device_mark, read_mark
from stockade.identity.sso.requiring import SignOnRequired
from stockade.identity.tokens import families
from stockade.identity.tokens.access import ACCESS_SECONDS, AccessTokens
from stockade.identity.tokens.families import REFRESH_LIFETIME, Fresh, RefreshRefused
from stockade.tenancy.transaction import Transaction

Secret = Annotated[str, msgspec.Meta(min_length=1, max_length=1024, pattern=r"^[^\u0000]+$")]
Opaque = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")]
Code = Annotated[str, msgspec.Meta(min_length=6, max_length=40, pattern=r"^[0-9A-Za-z -]+$")]
_UNCACHED = {"cache-control": "no-store"}


class ByPassword(msgspec.Struct, forbid_unknown_fields=True):
    """Who signs in, and what the program calls itself: under that name it stands in the list of sessions.

    ``tenant_id`` chooses one of several organisations. ``device`` is what an earlier answer of this program's gave.
    """

    email: Email
    password: Secret
    client: Text80
    tenant_id: UUID | None = None
    device: Opaque | None = None


class ByLink(msgspec.Struct, forbid_unknown_fields=True):
    """The secret of a one-time link (its ``token``), in the place of a password."""

    link: Opaque
    client: Text80
    device: Opaque | None = None


class ByFactor(msgspec.Struct, forbid_unknown_fields=True):
    """What a sign-in that waits for a factor was answered with, and a code of the app, or a recovery code."""

    pending: Opaque
    code: Code
    client: Text80
    device: Opaque | None = None


class ByRefresh(msgspec.Struct, forbid_unknown_fields=True):
    """A refresh token."""

    refresh_token: Opaque


class Tokens(msgspec.Struct, frozen=True, omit_defaults=True):
    """Tokens, or what is wanted besides.

    ``state`` "signed_in": both tokens are there, and ``expires_in`` says for how many seconds the access token is good.
    "enrolment": they are, too, but are good for nothing but enrolling the second factor that is demanded. "factor":
    bring ``pending`` and a code to ``/api/v1/tokens/factor``. "verify": nobody gets in before the address is proved, by
    the link of the letter that is on its way to it.
    """

    state: Literal["signed_in", "enrolment", "factor", "verify"]
    access_token: str | None = None
    token_type: str | None = None
    expires_in: int | None = None
    refresh_token: str | None = None
    refresh_expires_in: int | None = None
    tenant_id: UUID | None = None
    session_id: UUID | None = None
    device: str | None = None
    pending: str | None = None
    factors: Held | None = None


_REFUSALS = [TooManyAttempts, SignInHeld, SignOnRequired]


@post("/tokens", permission=PUBLIC, problems=[SignInRefused, *_REFUSALS])
async def sign_in_for_tokens(request: AnyRequest, data: ByPassword) -> Response[Tokens]:
    """Sign in by password, for an access token and a refresh token.

    The access token is a bearer token of this API for fifteen minutes. Before it expires, bring the refresh token to
    `/api/v1/tokens/refresh`. Whoever has a second factor is answered with the state "factor" first.
    """
    limit_attempts(request)
    visitor, device = _visitor(request, data.client, data.device)
    outcome = await flow.with_password(
        door_in(request), visitor, email=data.email, password=data.password, device=device, tenant_id=data.tenant_id
    )
    return await _answer(request, visitor, outcome)


@post("/tokens/link", permission=PUBLIC, problems=[LinkRefused, *_REFUSALS])
async def sign_in_by_link_for_tokens(request: AnyRequest, data: ByLink) -> Response[Tokens]:
    """Sign in by a one-time link, for tokens."""
    limit_attempts(request)
    visitor, _ = _visitor(request, data.client, data.device)
    return await _answer(request, visitor, await flow.with_link(door_in(request), visitor, secret=data.link))


@post("/tokens/factor", permission=PUBLIC, problems=[FactorRefused, *_REFUSALS])
async def bring_factor_for_tokens(request: AnyRequest, data: ByFactor) -> Response[Tokens]:
    """Bring the second factor of a sign-in that waits for it."""
    limit_attempts(request)
    visitor, _ = _visitor(request, data.client, data.device)
    outcome = await flow.with_factor(door_in(request), visitor, token=data.pending, code=data.code)
    return await _answer(request, visitor, outcome)


@post("/tokens/refresh", permission=PUBLIC, problems=[RefreshRefused])
async def refresh_tokens(request: AnyRequest, data: ByRefresh) -> Response[Tokens]:
    """Exchange a refresh token for a new pair of tokens. It is good for seven days, and once.

    A refresh token that comes a second time ends everything that followed from the same sign-in, at once: somebody
    else holds it, too. The same goes for a repetition after an answer that was lost, and for two at the same moment.
    """
    state = request.scope["state"]
    fresh = await families.refresh(
        request.app.state.database, request.app.state.credentials, data.refresh_token,
        address=state["address"], request_id=state["request_id"],
    )  # fmt: skip
    return _uncached(await _pair(request, fresh))


@post("/tokens/revoke", permission=PUBLIC, status_code=204)
async def revoke_tokens(request: AnyRequest, data: ByRefresh) -> None:
    """Sign out by a refresh token, with which every token of its sign-in ends. Anything else changes nothing."""
    state = request.scope["state"]
    await families.revoke(
        request.app.state.database, request.app.state.credentials, data.refresh_token,
        address=state["address"], request_id=state["request_id"],
    )  # fmt: skip


@delete("/tokens", permission=MANAGE_OWN, problems=[PeopleOnly])
async def sign_out_by_token(tx: Transaction) -> None:
    """Sign out by an access token: every token of its sign-in is refused from the next request on."""
    require_person(tx.principal)
    await sessions.end_own_session(tx, tx.principal.credential_id)


@get("/.well-known/jwks.json", permission=PUBLIC, include_in_schema=False)
async def show_signing_keys(request: AnyRequest) -> Response[dict[str, Any]]:
    """The public keys that access tokens are verified with (RFC 7517)."""
    own: AccessTokens = request.app.state.access_tokens
    published = await own.keys.published(request.app.state.database)
    return Response(published, headers={"cache-control": "public, max-age=300"}, media_type="application/jwk-set+json")


def _visitor(request: AnyRequest, client: str, device: str | None) -> tuple[Visitor, str | None]:
    """Return where a sign-in comes from, and the mark of a program that its person signed in with before."""
    mark = read_mark(request.app.state.credentials, device)
    if mark is not None:
        request.scope["state"]["device"] = mark[1]
    return dataclasses.replace(visitor_of(request), client=client), ".".join(mark) if mark else None


async def _answer(request: AnyRequest, visitor: Visitor, outcome: SignedIn | Wait | Unverified) -> Response[Tokens]:
    if isinstance(outcome, Unverified):
        return _uncached(Tokens("verify", pending=outcome.token))
    if isinstance(outcome, Wait):
        return _uncached(Tokens("factor", pending=outcome.token, factors=outcome.held))
    pair = await _pair(request, outcome)
    device = device_mark(request.app.state.credentials, outcome.account_id, visitor.device)
    return _uncached(msgspec.structs.replace(pair, device=device))


async def _pair(request: AnyRequest, signed: SignedIn | Fresh) -> Tokens:
    own: AccessTokens = request.app.state.access_tokens
    access_token = await own.issue(
        request.app.state.database, tenant_id=signed.tenant_id, account_id=signed.account_id,
        session_id=signed.session_id,
    )  # fmt: skip
    return Tokens(
        "enrolment" if signed.must_enrol else "signed_in", access_token, "Bearer", ACCESS_SECONDS, signed.token,
        int(REFRESH_LIFETIME.total_seconds()), signed.tenant_id, signed.session_id,
    )  # fmt: skip


def _uncached(tokens: Tokens) -> Response[Tokens]:
    """No cache keeps tokens (RFC 6749 section 5.1)."""
    return Response(tokens, status_code=200, headers=_UNCACHED)


ROUTES = [
    sign_in_for_tokens, sign_in_by_link_for_tokens, bring_factor_for_tokens, refresh_tokens, revoke_tokens,
    sign_out_by_token,
]  # fmt: skip
PUBLISHED = [show_signing_keys]
