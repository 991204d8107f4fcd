"""The principal: on whose behalf something happens, as every transaction is told."""

from uuid import UUID

import msgspec

from stockade.tenancy.pin import NOBODY, NOWHERE, ActorKind, Limits

SYSTEM_ACTOR = UUID("00000000-0000-7000-8000-000000000001")
"""The installation itself: the command line, schedules, first-day data."""


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who acts, for which tenant, with which rights, and from where.

    ``confirmation`` is an SQL expression, made of constants and hexadecimal digits only, that fails in the database
    when the credential no longer admits its holder; it runs in the message that begins each transaction.
    ``role`` is the system role, or "own". ``grants`` are the permissions of a role that the tenant made (None for a
    system role, whose rank says what it has), ``modules`` those that a key is bound to, ``hidden`` the field
    permissions that are lacking, ``limits`` the records that are seen. ``networks`` are those that a key may come
    from, ``per_minute`` its own limit.
    """

    tenant_id: UUID
    actor_id: UUID
    kind: ActorKind
    role: str
    read_only: bool = False
    confirmation: str = ""
    credential_id: UUID = NOBODY
    request_id: UUID = NOBODY
    address: bytes = NOWHERE
    grants: frozenset[str] | None = None
    modules: frozenset[str] | None = None
    hidden: frozenset[str] = frozenset()
    limits: Limits = Limits.NONE
    networks: tuple[str, ...] | None = None
    per_minute: int | None = None

    @classmethod
    def system(cls, tenant_id: UUID, *, kind: ActorKind = ActorKind.SYSTEM) -> "Principal":
        """The installation, acting inside one tenant."""
        return cls(tenant_id=tenant_id, actor_id=SYSTEM_ACTOR, kind=kind, role="owner")
