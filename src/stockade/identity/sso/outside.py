"""Outside tokens: bearer tokens of an organisation's own identity provider (Clerk, Supabase, Auth0, any OIDC issuer) on
the API.

A token names no tenant of ours. Who trusts its issuer and audience is asked of the gate; of several, the required
claims decide, else the header ``Stockade-Tenant``; while that is open, the token admits nobody. Signature, issuer,
audience, algorithm, times and required claims are verified at each request, and the database confirms in the message
that begins each transaction that the issuer is trusted as it was read and that the token's time is not over.

Attack: an organisation that trusts another one's issuer, too, takes in that one's tokens, into itself alone; it gains
nothing in the other one's wall, and an ambiguous token says which wall it means.
"""

import hashlib
import time
from collections import OrderedDict
from typing import Any
from uuid import UUID

import msgspec

from stockade.identity.credentials import Credentials
from stockade.identity.sso.issuers import IssuerRow
from stockade.identity.sso.keys import Keys
from stockade.identity.sso.model import GRANTABLE
from stockade.identity.sso.oidc import discover
from stockade.identity.sso.reaching import ProviderUnreachable
from stockade.identity.sso.steps import SignOnRefused, Step, Steps
from stockade.identity.sso.tokens import NotGenuine, audiences, check_times, claims_unverified, verify
from stockade.kernel.problems import Problem
from stockade.kernel.words import N_, said
from stockade.tenancy.pin import NOBODY, ActorKind
from stockade.tenancy.principal import Principal
from stockade.tenancy.transaction import Database

OUTSIDE = "eyJ"
"""How every signed token begins: the opening of a JSON object, in base64url."""
REMEMBERED_SECONDS = 10.0
MOST_REMEMBERED = 1_000
MOST_SEEN = 50_000
_FIND = (
    "select tenant_id, id, version, audience, algorithms, jwks_uri, role, role_claim, roles, required, name_claim "
    "from identity.issuers_of($1, $2)"
)
_SEEN = (
    "insert into identity.outside_subject as s (tenant_id, id, issuer_id, subject, name) values ($1, $2, $3, $4, $5) "
    "on conflict (tenant_id, id) do update set name = excluded.name, seen_at = now()"
)


class Trusted(msgspec.Struct, frozen=True):
    """An issuer as a tenant trusts it."""

    tenant_id: UUID
    id: UUID
    version: int
    audience: str
    algorithms: list[str]
    jwks_uri: str | None
    role: str | None
    role_claim: str | None
    roles: dict[str, str]
    required: dict[str, str]
    name_claim: str


class Outside:
    """Finds the principals of outside tokens; it remembers for seconds who trusts an issuer, and nothing of tokens."""

    def __init__(self, keys: Keys) -> None:
        self.keys = keys
        self._trusted: OrderedDict[tuple[str, ...], tuple[float, int, list[Trusted]]] = OrderedDict()
        self._seen: OrderedDict[tuple[UUID, str], None] = OrderedDict()

    async def find(self, database: Database, credentials: Credentials, text: str) -> Principal | None:
        """Return whom a token admits, and where; None for a token that counts for nothing."""
        token, _, asked = text.partition(" ")
        try:
            claims = claims_unverified(token)
            trusted = await self._whom(database, credentials, claims, asked)
            return None if trusted is None else await self._principal(database, token, trusted)
        except (NotGenuine, ProviderUnreachable, SignOnRefused):
            return None

    async def _whom(
        self, database: Database, credentials: Credentials, claims: dict[str, Any], asked: str
    ) -> Trusted | None:  # fmt: skip
        issuer, meant_for = claims.get("iss"), audiences(claims)
        if not isinstance(issuer, str) or not meant_for:
            return None
        found = await self._trusting(database, credentials, issuer, meant_for)
        fitting = [item for item in found if _holds(claims, item.required)]
        if asked:
            fitting = [item for item in fitting if str(item.tenant_id) == asked.lower()]
        return fitting[0] if len({item.tenant_id for item in fitting}) == 1 and len(fitting) == 1 else None

    async def _trusting(
        self, database: Database, credentials: Credentials, issuer: str, meant_for: list[str]
    ) -> list[Trusted]:  # fmt: skip
        key = (issuer, *sorted(meant_for))
        known = self._trusted.get(key)
        if known and known[1] == credentials.forgotten and time.monotonic() - known[0] < REMEMBERED_SECONDS:
            return known[2]
        generation = credentials.forgotten
        async with database.gate().acquire() as connection:
            rows = await connection.fetch(_FIND, issuer, meant_for)
        found = [Trusted(**dict(row)) for row in rows]
        if found:
            self._trusted[key] = (time.monotonic(), generation, found)
            self._trusted.move_to_end(key)
            if len(self._trusted) > MOST_REMEMBERED:
                self._trusted.popitem(last=False)
        return found

    async def _principal(self, database: Database, token: str, trusted: Trusted) -> Principal:
        unverified = claims_unverified(token)
        jwks_uri = trusted.jwks_uri or (await discover(self.keys, str(unverified["iss"]))).jwks_uri
        claims = await verify(self.keys, token, jwks_uri=jwks_uri, algorithms=trusted.algorithms)
        ends_at = check_claims(claims, trusted, str(unverified["iss"]))
        subject, role = str(claims["sub"]), role_of(claims, trusted)
        if role is None:
            raise NotGenuine(N_("It stands for no role here."))
        actor_id = subject_id(trusted.id, subject)
        if (actor_id, str(claims.get(trusted.name_claim))) not in self._seen:
            await self._note(database, trusted, actor_id, subject, claims)
        return Principal(
            tenant_id=trusted.tenant_id, actor_id=actor_id, kind=ActorKind.API_KEY, role=role, credential_id=actor_id,
            confirmation=f"identity.confirm_outside('{trusted.id}', {trusted.version}, {ends_at:.3f})",
        )  # fmt: skip

    async def _note(
        self, database: Database, trusted: Trusted, actor_id: UUID, subject: str, claims: dict[str, Any]
    ) -> None:  # fmt: skip
        """Write down who stands behind an id of the trail."""
        called = claims.get(trusted.name_claim)
        name = called.strip()[:200] if isinstance(called, str) and called.strip().isprintable() else subject
        async with database.transaction(Principal.system(trusted.tenant_id)) as tx:
            await tx.execute(_SEEN, trusted.tenant_id, actor_id, trusted.id, subject, name or subject)
        self._seen[actor_id, str(called)] = None
        if len(self._seen) > MOST_SEEN:
            self._seen.popitem(last=False)


async def explain(keys: Keys, row: IssuerRow, token: str) -> list[Step]:
    """Say step by step what a token would do under an issuer as it is trusted; it lets nobody in."""
    steps, trusted = Steps(), _as_trusted(row)
    steps.begin("answer")
    try:
        claims = claims_unverified(token)
        steps.passed(said("Issued by {issuer} for {audience}", issuer=str(claims.get("iss"))[:300],
                          audience=", ".join(audiences(claims))[:300]))  # fmt: skip
        steps.begin("keys")
        jwks_uri = row.jwks_uri or (await discover(keys, row.issuer)).jwks_uri
        steps.passed(jwks_uri)
        steps.begin("signature")
        claims = await verify(keys, token, jwks_uri=jwks_uri, algorithms=row.algorithms)
        steps.passed()
        steps.begin("claims")
        check_claims(claims, trusted, row.issuer)
        steps.passed(str(claims["sub"]))
        steps.begin("place")
        role = role_of(claims, trusted)
        if role is None:
            raise NotGenuine(N_("It stands for no role here."))
        steps.passed(said("It gets the role {role}.", role=role))
    except NotGenuine as reason:
        steps.failed(SignOnRefused(reason.args[0]))
    except Problem as problem:
        steps.failed(problem)
    return steps.done


def _as_trusted(row: IssuerRow) -> Trusted:
    values = {name: getattr(row, name) for name in Trusted.__struct_fields__ if name != "tenant_id"}
    return Trusted(tenant_id=NOBODY, **values)


def check_claims(claims: dict[str, Any], trusted: Trusted, issuer: str) -> float:
    """Return when a token that was signed ends; ``NotGenuine`` unless it is meant for the one who trusts it so."""
    if claims.get("iss") != issuer:
        raise NotGenuine(N_("It is another issuer's."))
    if trusted.audience not in audiences(claims):
        raise NotGenuine(said("It is not meant for {audience}.", audience=trusted.audience))
    if not _holds(claims, trusted.required):
        raise NotGenuine(N_("It lacks a claim that is required, or holds another value."))
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255 or not subject.isprintable():
        raise NotGenuine(N_("It names nobody."))
    return check_times(claims)


def role_of(claims: dict[str, Any], trusted: Trusted) -> str | None:
    """Return the role that a token stands for: the fixed one, else the highest that its claim's values stand for."""
    if trusted.role is not None:
        return trusted.role
    value = _value(claims, trusted.role_claim or "")
    values = value if isinstance(value, list) else [value]
    given = [trusted.roles[item] for item in values[:100] if isinstance(item, str) and item in trusted.roles]
    return max((role for role in given if role in GRANTABLE), key=GRANTABLE.index, default=None)


def subject_id(issuer_id: UUID, subject: str) -> UUID:
    """Return the id that somebody has here: of one issuer's row and subject, always the same."""
    return UUID(bytes=hashlib.sha256(issuer_id.bytes + subject.encode()).digest()[:16], version=5)


def _holds(claims: dict[str, Any], required: dict[str, str]) -> bool:
    return all(_value(claims, name) == value for name, value in required.items())


def _value(claims: dict[str, Any], path: str) -> Any:
    """Return a claim by its name, or by names apart by dots, as in ``app_metadata.role``."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for part in path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found
