"""What signing in is made of: passwords, links that work once, sessions. The flow that joins them is ``signing_in``.

Nothing here tells whether an account exists.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import func, insert, update

from stockade.database.statements import TENANT, param, raw, statement
from stockade.identity.credentials import Credentials, family_text, new_refresh_token, new_session_token
from stockade.identity.model import Session
from stockade.identity.passwords.hashing import verify_hash
from stockade.identity.tokens.families import FAMILY_LIFETIME, add_refresh_token
from stockade.kernel.clock import now
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Problem
from stockade.tenancy.pin import NOBODY, ActorKind, pack_address
from stockade.tenancy.principal import Principal
from stockade.tenancy.transaction import Database, Transaction

SESSION_LIFETIME = timedelta(hours=12)
LINK_BYTES = 32


class SignInRefused(Problem):
    """The one answer to everything that can be wrong with a sign-in."""

    type = "/problems/identity/sign-in-refused"
    title = "This e-mail address and password do not go together"
    status = 401


class LinkRefused(Problem):
    """The link is used up, expired, or was never issued."""

    type = "/problems/identity/link-refused"
    title = "This link has been used, or has expired"
    status = 401


@dataclass(frozen=True)
class Visitor:
    """Where a sign-in comes from."""

    address: str
    user_agent: str
    request_id: UUID
    device: str = ""
    """What the browser's own cookie holds, a random value that it got at its first sign-in; empty for none."""
    locale: str = "en"
    """The language that letters to whoever comes are written in."""
    client: str | None = None
    """What a program calls itself that wants tokens instead of a cookie; None for a browser."""


@dataclass(frozen=True)
class SignedIn:
    """A fresh session: its token for the cookie (a program's is a refresh token), and whose it is."""

    token: str
    tenant_id: UUID
    account_id: UUID
    must_enrol: bool = False
    session_id: UUID = NOBODY


_INSERT_SESSION = statement(
    insert(Session).values(
        tenant_id=TENANT,
        id=param("id"),
        token_hash=param("token_hash"),
        account_id=param("account_id"),
        method=param("method"),
        proofs=param("proofs"),
        must_enrol=param("must_enrol"),
        client=param("client"),
        user_agent=param("user_agent"),
        expires_at=param("expires_at"),
    )
)
_END_SESSION = statement(
    update(Session)
    .where(Session.tenant_id == TENANT, Session.token_hash == param("hash"), Session.ended_at.is_(None))
    .values(ended_at=func.now())
)
_ISSUE_LINK = raw(
    "select identity.issue_link($1, $2, $3, $4, $5, $6, $7)",
    "id hash account_id valid purpose vouched_by browser_hash",
    bool,
)
_FIND_ACCOUNT = "select id, password_hash, state, memberships from identity.find_account($1)"
_NOTE_ATTEMPT = "select identity.note_attempt($1, $2, $3, $4)"
_FIND_IMPORTED = "select tenant_id, password_hash from identity.find_imported_password($1)"
_UPGRADE = "select identity.upgrade_password($1, $2, $3)"
_UPGRADE_IMPORTED = "select identity.upgrade_imported_password($1, $2, $3)"
_REDEEM = "select account_id, tenant_id from identity.redeem_link($1, $2)"


async def verify_password(
    database: Database, credentials: Credentials, visitor: Visitor, *, email: str, password: str,
    tenant_id: UUID | None = None,
) -> tuple[UUID, UUID]:  # fmt: skip
    """Check a password; return the account and its first tenant, unless one is named.

    Raises ``SignInRefused``: for a wrong password, an unknown address, a deactivated account and one without a tenant
    alike, after the same work.
    """
    async with database.gate().acquire() as connection:
        account = await connection.fetchrow(_FIND_ACCOUNT, email)
        imported = await connection.fetchrow(_FIND_IMPORTED, email)
    stored = imported["password_hash"] if imported else account["password_hash"] if account else None
    verified, better = await verify_hash(password, stored)
    tenant = _tenant_of(account, tenant_id, only=imported["tenant_id"] if imported else None)
    reason = _refusal(account, verified=verified, has_tenant=tenant is not None)
    if reason or account is None or tenant is None:
        await _note(database, credentials, visitor, email, reason or "unknown")
        raise SignInRefused
    if better:
        async with database.gate().acquire() as connection:
            await connection.execute(_UPGRADE_IMPORTED if imported else _UPGRADE, account["id"], stored, better)
    return account["id"], tenant


async def redeem_link(
    database: Database, credentials: Credentials, visitor: Visitor, *, secret: str, browser: str = ""
) -> tuple[UUID, UUID]:
    """Use a one-time link up; return account and tenant. ``LinkRefused`` if it does not (or no longer) work.

    ``browser`` is what the browser keeps since it asked for a letter; a link that is bound to another one is refused,
    and not spent. A link that was mailed proves the address that it went to.
    """
    async with database.gate().acquire() as connection:
        found = await connection.fetchrow(_REDEEM, hash_link(secret), hash_link(browser))
    if found is None:
        await _note(database, credentials, visitor, "", "link")
        raise LinkRefused
    return found["account_id"], found["tenant_id"]


async def issue_link(
    tx: Transaction, account_id: UUID, *, valid: timedelta = timedelta(hours=1),
    purpose: Literal["sign_in", "reset"] = "sign_in",
    vouched_by: Literal["mail", "operator", "administrator"] | None = None, browser_hash: bytes | None = None,
) -> str:  # fmt: skip
    """Issue a one-time link's secret for a member of the pinned tenant.

    ``vouched_by`` says what following it proves about the account's address: ``mail`` is for a link that goes to that
    very address and is shown to nobody, None proves nothing. ``browser_hash`` binds it to the browser that asked.
    """
    secret = secrets.token_urlsafe(LINK_BYTES)
    issued = await _ISSUE_LINK.first(
        tx, id=new_id(), hash=hash_link(secret), account_id=account_id, valid=valid, purpose=purpose,
        vouched_by=vouched_by, browser_hash=browser_hash,
    )  # fmt: skip
    if not issued:
        raise LinkRefused
    return secret


async def sign_out(tx: Transaction, credentials: Credentials, token: str) -> None:
    """End the session; its token is worth nothing from the next request on."""
    await _END_SESSION.run(tx, hash=credentials.hash(token))
    credentials.forget(token)


def hash_link(secret: str) -> bytes:
    """Return the hash under which a link is stored; its secret has 256 random bits, so no key is needed."""
    return hashlib.sha256(secret.encode()).digest()


def _tenant_of(account: Any, wanted: UUID | None, *, only: UUID | None) -> UUID | None:
    """The tenant to go to. Attack: an organisation that brings a person's hash, to get into another one by it."""
    tenants = [UUID(item["tenant_id"]) for item in account["memberships"]] if account else []
    tenants = [tenant for tenant in tenants if only in (None, tenant)]
    if wanted is not None:
        return wanted if wanted in tenants else None
    return tenants[0] if tenants else None


def _refusal(account: Any, *, verified: bool, has_tenant: bool) -> Literal["unknown", "password", "deactivated"] | None:
    if account is None:
        return "unknown"
    if not verified:
        return "password"
    return None if account["state"] == "active" and has_tenant else "deactivated"


async def _note(database: Database, credentials: Credentials, visitor: Visitor, address: str, reason: str) -> None:
    tried = hmac.digest(credentials.hash("attempt"), address.encode(), hashlib.sha256)
    async with database.gate().acquire() as connection:
        await connection.execute(_NOTE_ATTEMPT, new_id(), tried, visitor.address, reason)


async def open_session(
    database: Database, credentials: Credentials, visitor: Visitor, tenant_id: UUID, account_id: UUID, *, method: str,
    proofs: list[str] | None = None, must_enrol: bool = False,
) -> SignedIn:  # fmt: skip
    """Open a session for somebody who has proved who they are; a program's is a family of tokens."""
    session_id, client = new_id(), visitor.client
    token = new_session_token(tenant_id) if client is None else new_refresh_token(tenant_id)
    held = token if client is None else family_text(session_id)
    lifetime = SESSION_LIFETIME if client is None else FAMILY_LIFETIME
    who = Principal(
        tenant_id=tenant_id, actor_id=account_id, kind=ActorKind.USER, role="nobody", request_id=visitor.request_id,
        address=pack_address(visitor.address),
    )  # fmt: skip
    async with database.transaction(who) as tx:
        await _INSERT_SESSION.run(
            tx, id=session_id, token_hash=credentials.hash(held), account_id=account_id, method=method,
            proofs=proofs or [method], must_enrol=must_enrol, client=client, user_agent=visitor.user_agent[:200],
            expires_at=now() + lifetime,
        )  # fmt: skip
        if client is not None:
            await add_refresh_token(tx, credentials, token, session_id)
    return SignedIn(token, tenant_id, account_id, must_enrol, session_id)
