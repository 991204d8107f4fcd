"""Credentials: what a browser or a program sends to say who it is, and how it becomes a principal.

All kinds carry the tenant in the open and 256 random bits. We keep HMAC-SHA256 of the whole, under a key that the
database never sees: whoever reads the table can neither use a credential nor guess one.

    API key   sk_ + 8 digits to recognise it + _ + tenant (32 hex digits) + _ + secret + _ + checksum (8 hex digits)
    session   se_ + tenant (32 hex digits) + _ + secret
    outside   eyJ…: a signed token of an issuer that a tenant trusts (``identity.sso.outside``); nothing of it is kept
    access    eyJ…: a signed token of our own, which points to a session (``identity.tokens``)
    refresh   rt_ + tenant (32 hex digits) + _ + secret + _ + checksum; good for new tokens once, and for nothing else
    SCIM      sc_ + tenant (32 hex digits) + _ + secret; its role holds no permission, so that only /scim/ admits it
"""

import hashlib
import hmac
import re
import secrets
import zlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Literal
from uuid import UUID

import msgspec

from stockade.database.statements import raw
from stockade.identity.model import OWN
from stockade.tenancy.pin import NOBODY, ActorKind, limits_of
from stockade.tenancy.principal import Principal
from stockade.tenancy.transaction import Database

Kind = Literal["session", "api_key", "scim"]
PROVISIONER = "scim"
"""In the place of a role: a directory's client, which holds none of the permissions that roles hold."""
_API_KEY = re.compile(r"(sk_[0-9a-f]{8}_([0-9a-f]{32})_[A-Za-z0-9_-]{43})(?:_([0-9a-f]{8}))?")
SESSION = "se_"
"""How the token of a session begins."""
_SESSION = re.compile(r"se_([0-9a-f]{32})_[A-Za-z0-9_-]{43}")
_SCIM = re.compile(r"sc_([0-9a-f]{32})_[A-Za-z0-9_-]{43}")
_REFRESH = re.compile(r"(rt_([0-9a-f]{32})_[A-Za-z0-9_-]{43})_([0-9a-f]{8})")
CACHED_CREDENTIALS = 10_000


class Token(msgspec.Struct, frozen=True):
    """A parsed credential: its kind, the tenant it claims, and its text."""

    kind: Kind
    tenant_id: UUID
    text: str


def new_api_key(tenant_id: UUID) -> tuple[str, str]:
    """Return a fresh API key and the prefix that it is recognised by."""
    prefix = f"sk_{secrets.token_hex(4)}"
    text = f"{prefix}_{tenant_id.hex}_{secrets.token_urlsafe(32)}"
    return f"{text}_{checksum(text)}", prefix


def checksum(text: str) -> str:
    """Return the CRC-32 of a key's text, in 8 hex digits: a scanner for leaked secrets can tell a key from a likeness
    without asking anybody. It keeps nothing secret. Keys of before it had none."""
    return f"{zlib.crc32(text.encode()):08x}"


def new_session_token(tenant_id: UUID) -> str:
    """Return a fresh session token."""
    return f"{SESSION}{tenant_id.hex}_{secrets.token_urlsafe(32)}"


def new_scim_token(tenant_id: UUID) -> str:
    """Return a fresh SCIM token."""
    return f"sc_{tenant_id.hex}_{secrets.token_urlsafe(32)}"


def new_refresh_token(tenant_id: UUID) -> str:
    """Return a fresh refresh token; leaked, a scanner recognises it by prefix and checksum."""
    text = f"rt_{tenant_id.hex}_{secrets.token_urlsafe(32)}"
    return f"{text}_{checksum(text)}"


def tenant_of_refresh_token(text: str) -> UUID | None:
    """Return the tenant that a refresh token names, None if it is none. It is no credential: ``parse`` knows none."""
    found = _REFRESH.fullmatch(text)
    return UUID(hex=found[2]) if found and found[3] == checksum(found[1]) else None


def family_text(session_id: UUID) -> str:
    """Return what stands in the place of a token for a family: nobody sends it, and ``parse`` knows no such text."""
    return f"family {session_id.hex}"


def parse(text: str) -> Token | None:
    """Return the parts of a credential, None if it is none of ours."""
    if (found := _API_KEY.fullmatch(text)) and found[3] in (None, checksum(found[1])):
        return Token("api_key", UUID(hex=found[2]), text)
    if found := _SESSION.fullmatch(text):
        return Token("session", UUID(hex=found[1]), text)
    if found := _SCIM.fullmatch(text):
        return Token("scim", UUID(hex=found[1]), text)
    return None


class _Found(msgspec.Struct, frozen=True):
    credential_id: UUID
    actor_id: UUID
    standing: str
    """What the database confirms at the beginning of each transaction."""
    role: str
    """The system role, or "own"."""
    permissions: list[str] | None
    customers: str | None
    warehouses: str | None
    read_only: bool
    modules: list[str] | None
    networks: list[str] | None
    per_minute: int | None


_SESSION_BY_HASH = raw(
    """
    select s.id, s.account_id, identity.session_standing(m.role, r.id, r.version, s.viewing_as, s.must_enrol),
        case when s.must_enrol then 'own' when s.viewing_as is null then m.role
            else split_part(s.viewing_as, ':', 1) end,
        case when s.must_enrol then '[]' when s.viewing_as is null then r.permissions else v.permissions end,
        case when s.viewing_as is null then r.customers else v.customers end,
        case when s.viewing_as is null then r.warehouses else v.warehouses end,
        s.viewing_as is not null, null::jsonb, null::jsonb, null::int
    from identity.session s
    join identity.membership m on m.tenant_id = $1 and m.account_id = s.account_id and m.state = 'active'
    join tenancy.tenant t on t.id = $1 and t.state = 'active'
    left join identity.role r on r.tenant_id = $1 and r.id = m.own_role_id
    left join identity.role v on v.tenant_id = $1 and v.id = nullif(split_part(s.viewing_as, ':', 2), '')::uuid
    where s.tenant_id = $1 and s.token_hash = $2 and s.ended_at is null and s.expires_at > now()
    """,
    "this_tenant hash",
    _Found,
)
_KEY_BY_HASH = raw(
    """
    select k.id, k.id, identity.standing(k.role, r.id, r.version), k.role, r.permissions, r.customers, r.warehouses,
        k.read_only, k.modules, k.networks, k.per_minute
    from identity.api_key k
    join tenancy.tenant t on t.id = $1 and t.state = 'active'
    left join identity.role r on r.tenant_id = $1 and r.id = k.own_role_id
    where k.tenant_id = $1 and k.secret_hash = $2 and k.revoked_at is null
        and (k.expires_at is null or k.expires_at > now())
    """,
    "this_tenant hash",
    _Found,
)
_SCIM_BY_HASH = raw(
    """
    select s.id, s.id, 'scim', 'scim', null::jsonb, null, null, false, null::jsonb, null::jsonb, null::int
    from identity.scim_token s
    join tenancy.tenant t on t.id = $1 and t.state = 'active'
    where s.tenant_id = $1 and s.secret_hash = $2 and s.revoked_at is null
    """,
    "this_tenant hash",
    _Found,
)
_BY_HASH = {"session": _SESSION_BY_HASH, "api_key": _KEY_BY_HASH, "scim": _SCIM_BY_HASH}


Finder = Callable[[Database, "Credentials", str], Awaitable[Principal | None]]
FURTHER: dict[str, Finder] = {}
"""How kinds of credentials are found that rooms above declare, by their first three characters."""


class Credentials:
    """Turns credentials into principals.

    What was found once is remembered, and confirmed by the database in the message that begins each transaction
    (``identity.confirm``): the look-up is spared, the check is not, so a revocation holds from the next request on.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self.verified: dict[str, Finder] = {}
        """Kinds that are verified anew at each request, and never remembered, by their first three characters."""
        self.forgotten = 0
        """How often something was forgotten: what others remember of credentials is then to be read anew, too."""
        self._known: OrderedDict[bytes, Principal] = OrderedDict()

    def hash(self, text: str) -> bytes:
        """Return the HMAC-SHA256 under which a credential is stored."""
        return hmac.digest(self._key, text.encode(), hashlib.sha256)

    def known(self, text: str) -> Principal | None:
        """Return the principal of a credential seen before; still to be confirmed by the transaction that uses it."""
        return self._known.get(self.hash(text))

    def forget(self, text: str) -> None:
        """Forget a credential, so that it is looked up anew."""
        self.forgotten += 1
        self._known.pop(self.hash(text), None)

    async def look_up(self, database: Database, text: str) -> Principal | None:
        """Find a credential inside the wall of the tenant that it names; None if it admits nobody."""
        token = parse(text)
        hashed = self.hash(text)
        if token is None and text[:3] in self.verified:
            return await self.verified[text[:3]](database, self, text)
        if token is None:
            finder = FURTHER.get(text[:3])
            principal = None if finder is None else await finder(database, self, text)
            return None if principal is None else self._keep(hashed, principal)
        found = await self._find(database, token, hashed)
        return None if found is None else self._keep(hashed, found)

    async def look_up_family(self, database: Database, tenant_id: UUID, session_id: UUID) -> Principal | None:
        """Find the session that a signed token points to, as ``look_up`` does. It is not remembered under its text:
        what can be guessed must not become a credential."""
        text = family_text(session_id)
        return await self._find(database, Token("session", tenant_id, text), self.hash(text))

    async def _find(self, database: Database, token: Token, hashed: bytes) -> Principal | None:
        seeker = Principal(tenant_id=token.tenant_id, actor_id=NOBODY, kind=ActorKind.SYSTEM, role="nobody")
        async with database.transaction(seeker) as tx:
            found = await _BY_HASH[token.kind].first(tx, hash=hashed)
        return None if found is None else _principal(token, hashed, found)

    def _keep(self, hashed: bytes, principal: Principal) -> Principal:
        self._known[hashed] = principal
        if len(self._known) > CACHED_CREDENTIALS:
            self._known.popitem(last=False)
        return principal


def _principal(token: Token, hashed: bytes, found: _Found) -> Principal:
    return Principal(
        tenant_id=token.tenant_id,
        actor_id=found.actor_id,
        kind=ActorKind.USER if token.kind == "session" else ActorKind.API_KEY,
        role=found.role,
        read_only=found.read_only,
        credential_id=found.credential_id,
        confirmation=_confirmation(token.kind, hashed, found.standing),
        grants=None if found.role != OWN else frozenset(found.permissions or ()),
        modules=None if found.modules is None else frozenset(found.modules),
        networks=None if found.networks is None else tuple(found.networks),
        per_minute=found.per_minute,
        limits=limits_of(found.customers or "all", found.warehouses or "all"),
    )


def _confirmation(kind: Kind, hashed: bytes, standing: str) -> str:
    if kind == "scim":
        return f"identity.confirm_provisioning('\\x{hashed.hex()}')"
    return f"identity.confirm('{kind}', '\\x{hashed.hex()}', '{standing}')"
