"""Break-glass access: asked for, approved, entered, ended. What may be done is decided by the database's trigger.

    asked for -> approved by another operator (-> approved by the tenant, if its terms say so) -> entered -> ended

``enter`` gives a credential ``bg_<tenant>_<secret>``, which is looked up inside the tenant's wall like any other and
confirmed in the message that begins each of its transactions: it ends in mid-session.
"""

import re
import secrets
import unicodedata
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import asyncpg
import msgspec

from stockade.database.statements import raw
from stockade.identity.credentials import Credentials
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Conflict
from stockade.tenancy.pin import NOBODY, ActorKind
from stockade.tenancy.principal import Principal
from stockade.tenancy.transaction import Database, Transaction

_TOKEN = re.compile(r"bg_([0-9a-f]{32})_[A-Za-z0-9_-]{43}")
Module = Annotated[str, msgspec.Meta(pattern="^[a-z_]{1,40}$")]
_REFUSALS = {"SK410", "SK411", "SK412", "SK413", "SK414"}


class AccessRefused(Conflict):
    """The database refuses what was wanted of an access: it is not waiting, has ended, or was asked for by oneself."""

    type = "/problems/platform/access-refused"
    title = "This access does not allow that"


class NewAccess(msgspec.Struct, forbid_unknown_fields=True):
    """What is asked for: which modules of which tenant, for how long and why."""

    tenant_id: UUID
    reason: Annotated[str, msgspec.Meta(min_length=10, max_length=2000)]
    ticket: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    scope: Annotated[
        list[Annotated[str, msgspec.Meta(pattern="^[a-z_]{1,40}$")]], msgspec.Meta(min_length=1, max_length=40)
    ]
    minutes: Annotated[int, msgspec.Meta(ge=1, le=240)]
    read_only: bool = True


class AccessRow(msgspec.Struct, frozen=True):
    """An access as operators and the tenant see it."""

    id: UUID
    tenant_id: UUID
    operator_id: UUID
    reason: str
    ticket: str
    scope: list[str]
    read_only: bool
    minutes: int
    requested_at: datetime
    needs_customer: bool
    approved_by: UUID | None
    approved_at: datetime | None
    customer_approved_at: datetime | None
    starts_at: datetime | None
    expires_at: datetime | None
    ended_at: datetime | None


class Use(msgspec.Struct, frozen=True):
    """A request that was made under an access."""

    at: datetime
    method: str
    path: str


class LookingIn(msgspec.Struct, frozen=True):
    """An operator who looks in: who, by which ticket, until when; what pages and files are marked with."""

    name: str
    ticket: str
    read_only: bool
    expires_at: datetime
    at: datetime

    @property
    def mark(self) -> str:
        """What stands on whatever leaves."""
        return f"Operator {self.name} by access {self.ticket}, {self.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"

    @property
    def slug(self) -> str:
        """The same for the name of a file."""
        said = unicodedata.normalize("NFKD", f"{self.name} {self.ticket}").encode("ascii", "ignore").decode()
        return f"operator-{re.sub(r'[^A-Za-z0-9]+', '-', said).strip('-')[:60]}-{self.at.astimezone(UTC):%Y%m%dT%H%MZ}"

    @property
    def minutes_left(self) -> int:
        """Whole minutes until it ends by itself, rounded up."""
        return -(-self.seconds_left // 60)

    @property
    def seconds_left(self) -> int:
        """Seconds until it ends by itself."""
        return max(0, int((self.expires_at - self.at).total_seconds()))


_COLUMNS = ", ".join(AccessRow.__struct_fields__)
_INSERT = raw(
    "insert into platform.break_glass (id, tenant_id, operator_id, reason, ticket, scope, read_only, minutes, "
    "needs_customer) values ($1, $2, $3, $4, $5, $6, $7, $8, false)",
    "id this_tenant operator_id reason ticket scope read_only minutes",
)
_ONE = raw(f"select {_COLUMNS} from platform.break_glass where tenant_id = $1 and id = $2", "this_tenant id", AccessRow)
_LIST = raw(
    f"select {_COLUMNS} from platform.break_glass where tenant_id = $1 order by requested_at desc limit 200",
    "this_tenant", AccessRow,
)  # fmt: skip
_APPROVE = raw(
    "update platform.break_glass set approved_by = $3 where tenant_id = $1 and id = $2 and approved_by is null",
    "this_tenant id operator_id",
)
_ENTER = raw(
    "update platform.break_glass set token_hash = $3, entered_at = now() "
    "where tenant_id = $1 and id = $2 and operator_id = $4", "this_tenant id hash operator_id",
)  # fmt: skip
_END = raw(
    "update platform.break_glass set ended_by = $3, ended_at = now() where tenant_id = $1 and id = $2",
    "this_tenant id operator_id",
)
_APPROVE_AS_CUSTOMER = raw("select platform.approve_as_customer($1, $2)", "id actor", bool)
_END_AS_CUSTOMER = raw("select platform.end_as_customer($1, $2)", "id actor", bool)
_USES = raw(
    "select at, method, path from platform.break_glass_use where tenant_id = $1 and break_glass_id = $2 "
    "order by at desc limit 500", "this_tenant id", Use,
)  # fmt: skip
_SET_TERMS = raw(
    "insert into platform.access_terms (tenant_id, id, operator_access_needs_approval) values ($1, $1, $2) "
    "on conflict (tenant_id, id) do update "
    "set operator_access_needs_approval = excluded.operator_access_needs_approval",
    "this_tenant needed",
)
_TERMS = raw(
    "select operator_access_needs_approval from platform.access_terms where tenant_id = $1", "this_tenant", bool
)
_OPERATORS = raw("select operator_id, name from platform.operators()")
_BY_HASH = raw(
    "select g.id, g.operator_id, g.read_only, g.scope from platform.break_glass g "
    "join tenancy.tenant t on t.id = g.tenant_id and t.state = 'active' "
    "join platform.operator_of(g.id) o on o.state = 'active' "
    "where g.tenant_id = $1 and g.token_hash = $2 and g.ended_at is null and g.expires_at > clock_timestamp()",
    "this_tenant hash",
)
_LOOKING = raw(
    "select o.name, g.ticket, g.read_only, g.expires_at, clock_timestamp() "
    "from platform.break_glass g join platform.operator_of(g.id) o on true where g.tenant_id = $1 and g.id = $2",
    "this_tenant id", LookingIn,
)  # fmt: skip
_NOTE = raw("select platform.note_use($1, $2, $3, $4, $5)", "id hash method path request")


def as_operator(tenant_id: UUID, operator_id: UUID) -> Principal:
    """The operator, writing into a tenant's trail what concerns its access; for the platform's role only."""
    return Principal(tenant_id=tenant_id, actor_id=operator_id, kind=ActorKind.OPERATOR, role="nobody")


async def request_access(tx: Transaction, operator_id: UUID, wanted: NewAccess) -> AccessRow:
    """Ask for access to the pinned tenant."""
    access_id = new_id()
    with told():
        await _INSERT.run(
            tx, id=access_id, operator_id=operator_id, reason=wanted.reason, ticket=wanted.ticket,
            scope=wanted.scope, read_only=wanted.read_only, minutes=wanted.minutes,
        )  # fmt: skip
    return await _ONE.one(tx, id=access_id)


async def read_access(tx: Transaction, access_id: UUID) -> AccessRow:
    """Return an access to the pinned tenant."""
    return await _ONE.one(tx, id=access_id)


async def list_accesses(tx: Transaction) -> list[AccessRow]:
    """Return the accesses to the pinned tenant, the latest first."""
    return await _LIST.all(tx)


async def list_every_access(platform: Database) -> list[AccessRow]:
    """Return the accesses to all tenants, the latest first, as operators see them: without what was looked at."""
    async with platform.main().acquire() as connection:
        found = await connection.fetch(
            f"select {_COLUMNS} from platform.break_glass where tenant_id in "
            "(select t.id from tenancy.tenant t where not t.is_probe) order by requested_at desc limit 200"
        )
    return [AccessRow(*row) for row in found]


async def list_uses(tx: Transaction, access_id: UUID) -> list[Use]:
    """Return what was asked for under an access, the latest first."""
    return await _USES.all(tx, id=access_id)


async def approve_access(tx: Transaction, access_id: UUID, operator_id: UUID) -> AccessRow:
    """Approve another operator's request; ``AccessRefused`` for one's own, a late one, or one that does not wait."""
    await _ONE.one(tx, id=access_id)
    with told():
        approved = await _APPROVE.run(tx, id=access_id, operator_id=operator_id)
    if not approved:
        raise AccessRefused("This request is not waiting for approval.")
    return await _ONE.one(tx, id=access_id)


async def enter(tx: Transaction, credentials: Credentials, access_id: UUID, operator_id: UUID) -> str:
    """Return the credential of an approved access, to its own operator; the one before ends."""
    token = f"bg_{tx.tenant_id.hex}_{secrets.token_urlsafe(32)}"
    await _ONE.one(tx, id=access_id)
    with told():
        entered = await _ENTER.run(tx, id=access_id, hash=credentials.hash(token), operator_id=operator_id)
    if not entered:
        raise AccessRefused("Only the operator who asked for it enters.")
    return token


async def end_access(tx: Transaction, access_id: UUID, operator_id: UUID) -> AccessRow:
    """End an access, whoever's; it cannot be taken up again."""
    await _ONE.one(tx, id=access_id)
    with told():
        await _END.run(tx, id=access_id, operator_id=operator_id)
    return await _ONE.one(tx, id=access_id)


async def approve_as_customer(tx: Transaction, access_id: UUID) -> AccessRow:
    """The tenant's own approval."""
    await _ONE.one(tx, id=access_id)
    with told():
        await _APPROVE_AS_CUSTOMER.first(tx, id=access_id, actor=tx.principal.actor_id)
    return await _ONE.one(tx, id=access_id)


async def end_as_customer(tx: Transaction, access_id: UUID) -> AccessRow:
    """The tenant ends an access, at any time and for no reason; it is over with the operator's next request."""
    await _ONE.one(tx, id=access_id)
    with told():
        await _END_AS_CUSTOMER.first(tx, id=access_id, actor=tx.principal.actor_id)
    return await _ONE.one(tx, id=access_id)


async def needs_approval(tx: Transaction) -> bool:
    """Return whether operators need the tenant's own approval."""
    return bool(await _TERMS.first(tx))


async def operator_names(tx: Transaction) -> dict[UUID, str]:
    """Return what the operators are called who ever asked for, or approved, access to the pinned tenant."""
    return dict(await _OPERATORS.all(tx))


async def set_terms(tx: Transaction, *, needed: bool) -> None:
    """Say whether operators need the tenant's own approval from now on."""
    await _SET_TERMS.run(tx, needed=needed)


async def find_principal(database: Database, credentials: Credentials, text: str) -> Principal | None:
    """Return whom a ``bg_`` credential admits, inside the wall of the tenant that it names; None if nobody."""
    found = _TOKEN.fullmatch(text)
    if found is None:
        return None
    hashed, tenant_id = credentials.hash(text), UUID(hex=found[1])
    seeker = Principal(tenant_id=tenant_id, actor_id=NOBODY, kind=ActorKind.SYSTEM, role="nobody")
    async with database.transaction(seeker) as tx:
        row = await _BY_HASH.first(tx, hash=hashed)
    if row is None:
        return None
    access_id, operator_id, read_only, scope = row
    return Principal(
        tenant_id=tenant_id, actor_id=operator_id, kind=ActorKind.OPERATOR, role="admin", read_only=read_only,
        credential_id=access_id, modules=frozenset(scope) - {"support"},
        confirmation=f"platform.confirm('\\x{hashed.hex()}')",
    )  # fmt: skip


async def note_use(
    database: Database, principal: Principal, hashed: bytes, *, method: str, path: str, request_id: UUID
) -> LookingIn:
    """Write a request down before it is answered; ``Unauthenticated`` if the access has ended."""
    async with database.transaction(principal) as tx:
        await _NOTE.first(tx, id=new_id(), hash=hashed, method=method, path=path, request=request_id)
        return await _LOOKING.one(tx, id=principal.credential_id)


class told:  # noqa: N801  # reads as what it does: with told()
    """Turns the trigger's refusals into ``AccessRefused``, in the database's words, which name nobody."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, asyncpg.PostgresError) and error.sqlstate in _REFUSALS:
            raise AccessRefused(str(error.args[0])) from error
