"""Connections: the verbs that add, change, activate and turn off an organisation's sign-on."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from stockade.database.statements import raw
from stockade.identity.sealing import Sealer
from stockade.identity.sso.kinds import Kind, settings_of
from stockade.kernel.problems import Conflict, Invalid, NotFound, VersionConflict
from stockade.kernel.words import N_
from stockade.tenancy.transaction import Transaction, on_violation

State = Literal["draft", "active", "off"]
JustInTime = Literal["viewer", "member", "admin"]
_KEPT_APART = "bind_password"
"""The one secret that a kind's settings hold; it is sealed beside them."""


class ConnectionNameTaken(Conflict):
    """Another sign-on of this organisation has the name."""

    type = "/problems/identity/connection-name-taken"
    title = "Another sign-on has this name"


on_violation("connection_tenant_id_name_key", ConnectionNameTaken)


class ConnectionRow(msgspec.Struct, frozen=True):
    """A connection as it is shown: with whether there is a secret, never with the secret."""

    id: UUID
    kind: Kind
    name: str
    state: State
    settings: dict[str, Any]
    has_secret: bool
    enforced: bool
    just_in_time: JustInTime | None
    version: int
    created_at: datetime


class NewConnection(msgspec.Struct, frozen=True, kw_only=True):
    """What a connection is to be. ``secret``: the client's, or the bind password; None for none."""

    kind: Kind
    name: str
    settings: dict[str, Any]
    secret: str | None = None
    just_in_time: JustInTime | None = None
    enforced: bool = False


class ConnectionChange(msgspec.Struct, frozen=True, kw_only=True):
    """What a connection is from now on; without a ``secret`` it keeps the one that it has."""

    name: str
    settings: dict[str, Any]
    secret: str | None = None
    just_in_time: JustInTime | None = None
    enforced: bool = False
    expected_version: int


class LinkedRow(msgspec.Struct, frozen=True):
    """Who is who at a connection's provider."""

    id: UUID
    subject: str
    email: str
    name: str
    created_at: datetime


class Held(msgspec.Struct, frozen=True):
    """A connection as a sign-in uses it: with its secret, opened."""

    tenant_id: UUID
    id: UUID
    kind: Kind
    name: str
    state: State
    settings: dict[str, Any]
    secret: str | None
    enforced: bool
    just_in_time: JustInTime | None

    def __repr__(self) -> str:
        return f"Held({self.kind} {self.id})"  # never the secret

    def configured(self) -> Any:
        """Return the settings as their kind's struct, the directory's with its password."""
        return settings_of(self.kind, _with_password(self.kind, self.settings, self.secret))


class _Held(msgspec.Struct, frozen=True):
    kind: Kind
    name: str
    state: State
    settings: dict[str, Any]
    secret_sealed: bytes | None
    enforced: bool
    just_in_time: JustInTime | None


_READ = (
    "select id, kind, name, state, settings, secret_sealed is not null, enforced, just_in_time, version, created_at "
    "from identity.connection where tenant_id = $1"
)
_ALL = raw(f"{_READ} order by state = 'off', name, id", "this_tenant", ConnectionRow)
_ONE = raw(f"{_READ} and id = $2", "this_tenant id", ConnectionRow)
_HELD = raw(
    """
    select c.kind, c.name, c.state, c.settings, c.secret_sealed, c.enforced, c.just_in_time
    from identity.connection c join tenancy.tenant t on t.id = $1 and t.state = 'active'
    where c.tenant_id = $1 and c.id = $2
    """,
    "this_tenant id",
    _Held,
)
_INSERT = raw(
    "insert into identity.connection (tenant_id, id, kind, name, settings, secret_sealed, just_in_time, enforced) "
    "values ($1, $2, $3, $4, $5, $6, $7, $8)",
    "this_tenant id kind name settings secret_sealed just_in_time enforced",
)
_CHANGE = raw(
    "update identity.connection set name = $3, settings = $4, secret_sealed = coalesce($5, secret_sealed), "
    "just_in_time = $6, enforced = $7, version = version + 1 where tenant_id = $1 and id = $2 and version = $8",
    "this_tenant id name settings secret_sealed just_in_time enforced expected",
)
_SET_STATE = raw(
    "update identity.connection set state = $3, version = version + 1 where tenant_id = $1 and id = $2 and state <> $3",
    "this_tenant id state",
)
_LINKED = raw(
    """
    select l.id, l.subject, coalesce(p.email, ''), coalesce(p.name, ''), l.created_at from identity.linked_identity l
    left join identity.people() p on p.account_id = l.account_id
    where l.tenant_id = $1 and l.connection_id = $2 order by p.name, l.id limit 1000
    """,
    "this_tenant connection_id",
    LinkedRow,
)
_UNLINK = raw(
    "delete from identity.linked_identity where tenant_id = $1 and connection_id = $2 and id = $3",
    "this_tenant connection_id id",
)


async def list_connections(tx: Transaction) -> list[ConnectionRow]:
    """Return every connection, those that are off last."""
    return await _ALL.all(tx)


async def read_connection(tx: Transaction, id: UUID) -> ConnectionRow:
    """Return one connection, or raise ``NotFound``."""
    return await _ONE.one(tx, id=id)


async def held_connection(tx: Transaction, sealer: Sealer, id: UUID) -> Held:
    """Return a connection with its secret, for a sign-in or its test; ``NotFound``, also in a suspended tenant."""
    found = await _HELD.one(tx, id=id)
    values = msgspec.structs.asdict(found)
    sealed = values.pop("secret_sealed")
    secret = None if sealed is None else sealer.open(sealed, *_place(tx.tenant_id, id)).decode()
    return Held(tenant_id=tx.tenant_id, id=id, secret=secret, **values)


async def add_connection(tx: Transaction, sealer: Sealer, id: UUID, new: NewConnection) -> ConnectionRow:
    """Add a connection, as a draft; ``Invalid``, ``ConnectionNameTaken``."""
    if new.kind == "ldap" and not new.secret:
        raise Invalid(N_("Enter the service account's password."), field="secret")
    await _INSERT.run(
        tx, id=id, kind=new.kind, name=new.name, settings=_checked(new.kind, new.settings, new.secret),
        secret_sealed=_sealed(sealer, tx.tenant_id, id, new.secret), just_in_time=new.just_in_time,
        enforced=new.enforced,
    )  # fmt: skip
    return await read_connection(tx, id)


async def change_connection(tx: Transaction, sealer: Sealer, id: UUID, change: ConnectionChange) -> ConnectionRow:
    """Change a connection as a whole; ``VersionConflict``, ``Invalid``, ``ConnectionNameTaken``.

    Attack: somebody who may configure, but does not know the secret, sends it to an address of their own. So another
    issuer, client or host wants the secret again.
    """
    before = await read_connection(tx, id)
    settings = _checked(before.kind, change.settings, change.secret)
    target = ("issuer", "client_id", "host", "bind_dn")
    if before.has_secret and not change.secret and any(before.settings.get(k) != settings.get(k) for k in target):
        raise Invalid(N_("Enter the secret again: it would go to another address, or be another client's."), field="secret")  # fmt: skip  # noqa: E501
    changed = await _CHANGE.run(
        tx, id=id, name=change.name, settings=settings,
        secret_sealed=_sealed(sealer, tx.tenant_id, id, change.secret), just_in_time=change.just_in_time,
        enforced=change.enforced, expected=change.expected_version,
    )  # fmt: skip
    if not changed:
        raise VersionConflict
    return await read_connection(tx, id)


async def set_connection_state(tx: Transaction, id: UUID, state: State) -> ConnectionRow:
    """Activate a connection or turn it off; doing so again changes nothing. Open sessions stay: members are ended."""
    await _SET_STATE.run(tx, id=id, state=state)
    return await read_connection(tx, id)


async def list_linked(tx: Transaction, connection_id: UUID) -> list[LinkedRow]:
    """Return who is who at a connection's provider."""
    return await _LINKED.all(tx, connection_id=connection_id)


async def unlink(tx: Transaction, connection_id: UUID, id: UUID) -> None:
    """Forget who somebody is at the provider: whoever next comes with that address is they. ``NotFound``."""
    if not await _UNLINK.run(tx, connection_id=connection_id, id=id):
        raise NotFound


def _checked(kind: Kind, settings: dict[str, Any], secret: str | None) -> dict[str, Any]:
    """Return settings as they are stored: checked, complete, and without a secret."""
    checked = settings_of(kind, _with_password(kind, settings, secret))
    stored = msgspec.to_builtins(checked)
    stored.pop(_KEPT_APART, None)
    return dict(stored)


def _with_password(kind: Kind, settings: dict[str, Any], secret: str | None) -> dict[str, Any]:
    return settings | {_KEPT_APART: secret or "unchanged"} if kind == "ldap" else settings


def _sealed(sealer: Sealer, tenant_id: UUID, id: UUID, secret: str | None) -> bytes | None:
    return sealer.seal(secret.encode(), *_place(tenant_id, id)) if secret else None


def _place(tenant_id: UUID, id: UUID) -> tuple[str, str, UUID, UUID]:
    return ("identity.connection", "secret_sealed", tenant_id, id)
