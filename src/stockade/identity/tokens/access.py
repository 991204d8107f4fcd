"""Access tokens: signed pointers to a session, good for fifteen minutes (JWT, RFC 9068).

The signature says that we issued it; what it admits to, the session's row says, which the database confirms in the
message that begins each transaction. A token is verified anew at each request, or known from one just before, with its
key and its time looked at again.
"""

import time
from collections import OrderedDict
from typing import Any
from uuid import UUID

import msgspec

from stockade.database.statements import raw
from stockade.identity.credentials import CACHED_CREDENTIALS, Credentials, Finder
from stockade.identity.sso.tokens import NotGenuine, parts_unverified
from stockade.identity.tokens.signing import Forged, SigningKeys
from stockade.kernel.ids import new_id
from stockade.tenancy.principal import Principal
from stockade.tenancy.transaction import Database, Unauthenticated

ACCESS_SECONDS = 900
_MEMBERSHIP = raw(
    "select id from identity.membership where tenant_id = $1 and account_id = $2 and state = 'active'",
    "this_tenant account_id",
    UUID,
)


class InvalidToken(Unauthenticated):
    """The signed token is expired, revoked, or no token of this installation's (RFC 6750 section 3.1)."""

    type = "/problems/identity/invalid-token"
    title = "This token does not admit you"
    challenge = 'Bearer error="invalid_token"'


class _Claims(msgspec.Struct, frozen=True):
    """What an access token says. All of it has to be there, and of its type."""

    iss: str
    aud: str
    sub: UUID
    tenant: UUID
    membership: UUID
    sid: UUID
    iat: int
    exp: int
    jti: UUID


class _Known(msgspec.Struct, frozen=True):
    ends_at: int
    key_id: str
    generation: int
    principal: Principal


class AccessTokens:
    """Issues access tokens, and finds whom they admit."""

    def __init__(self, keys: SigningKeys, origin: str) -> None:
        self.keys = keys
        self.issuer = origin
        self.audience = f"{origin}/api/v1"
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def issue(self, database: Database, *, tenant_id: UUID, account_id: UUID, session_id: UUID) -> str:
        """Return an access token for a session; ``InvalidToken`` if its person is no member any more."""
        async with database.transaction(Principal.system(tenant_id)) as tx:
            membership_id = await _MEMBERSHIP.first(tx, account_id=account_id)
        if membership_id is None:
            raise InvalidToken
        at = int(time.time())
        claims = _Claims(
            self.issuer, self.audience, account_id, tenant_id, membership_id, session_id, at, at + ACCESS_SECONDS,
            new_id(),
        )  # fmt: skip
        return await self.keys.sign(database, msgspec.to_builtins(claims))

    def or_else(self, outside: Finder) -> Finder:
        """Return what finds whom a signed token admits: ours by its issuer, which nobody else can be; else outside."""

        async def find(database: Database, credentials: Credentials, text: str) -> Principal | None:
            token, _, asked = text.partition(" ")
            try:
                header, claims = parts_unverified(token)
            except NotGenuine:
                return None
            if claims.get("iss") != self.issuer:
                return await outside(database, credentials, text)
            principal = await self._find(database, credentials, token, header)
            # The header that tells outside tokens apart widens nothing: ours names its tenant itself.
            fits = principal is not None and (not asked or asked.lower() == str(principal.tenant_id))
            return principal if fits else None

        return find

    async def _find(
        self, database: Database, credentials: Credentials, token: str, header: dict[str, Any]
    ) -> Principal | None:  # fmt: skip
        known = self._known.get(token)
        if (
            known is not None and known.ends_at > time.time() and known.generation == credentials.forgotten
            and await self.keys.knows(database, known.key_id)
        ):  # fmt: skip
            return known.principal
        self._known.pop(token, None)
        try:
            claims = self.check(await self.keys.verify(database, token, header))
        except Forged:
            return None
        generation = credentials.forgotten
        principal = await credentials.look_up_family(database, claims.tenant, claims.sid)
        if principal is None or principal.actor_id != claims.sub:
            return None
        self._known[token] = _Known(claims.exp, header["kid"], generation, principal)
        if len(self._known) > CACHED_CREDENTIALS:
            self._known.popitem(last=False)
        return principal

    def check(self, claims: dict[str, Any]) -> _Claims:
        """Return the claims of a token that we signed; ``Forged`` unless it is for us, now, and not for long."""
        try:
            found = msgspec.convert(claims, _Claims)
        except msgspec.ValidationError:
            raise Forged from None
        at = time.time()
        ours = found.iss == self.issuer and found.aud == self.audience
        timely = found.iat <= at + 60 and at < found.exp <= found.iat + ACCESS_SECONDS
        if not (ours and timely):
            raise Forged
        return found
