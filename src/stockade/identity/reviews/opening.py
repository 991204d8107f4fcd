"""Opening: the review of a quarter, with a snapshot of everything that has access at that moment. Once a quarter."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from stockade.database.statements import raw
from stockade.identity.reviews import rules
from stockade.identity.reviews.policy import read_policy
from stockade.identity.reviews.rules import Quarter
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Conflict
from stockade.tenancy.transaction import Transaction

Holds = Callable[[str], frozenset[str]]
"""What says which permissions a system role holds."""


class AlreadyOpened(Conflict):
    """A quarter is reviewed once."""

    type = "/problems/identity/review-already-opened"
    title = "This quarter has its review already"


class _Subject(msgspec.Struct, frozen=True):
    kind: str
    subject_id: UUID
    owner_id: UUID | None
    name: str
    email: str | None
    role: str
    held: dict[str, Any]
    last_used_at: datetime | None


_ROLE = (
    "'own_role', r.name, 'own_role_id', r.id, 'permissions', r.permissions, 'customers', r.customers, "
    "'role_warehouses', r.warehouses"
)
_SUBJECTS = raw(
    f"""
    select 'member', m.id, m.account_id, p.name, p.email, m.role,
        jsonb_build_object('since', m.created_at, 'regions', m.regions, 'warehouses', m.warehouses, {_ROLE}),
        (select max(greatest(s.created_at, u.used_at)) from identity.session s
            left join identity.credential_use u on u.tenant_id = $1 and u.credential_id = s.id
            where s.tenant_id = $1 and s.account_id = m.account_id)
    from identity.membership m join identity.people() p on p.membership_id = m.id
    left join identity.role r on r.tenant_id = $1 and r.id = m.own_role_id
    where m.tenant_id = $1 and m.state = 'active'
    union all
    select 'key', k.id, k.created_by, k.name, null, k.role,
        jsonb_build_object('since', k.created_at, 'prefix', k.prefix, 'modules', k.modules, 'read_only', k.read_only,
            'networks', k.networks, 'expires_at', k.expires_at, {_ROLE}),
        u.used_at
    from identity.api_key k left join identity.role r on r.tenant_id = $1 and r.id = k.own_role_id
    left join identity.credential_use u on u.tenant_id = $1 and u.credential_id = k.id
    where k.tenant_id = $1 and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
    union all
    select 'scim_token', s.id, s.created_by, s.name, null, '', jsonb_build_object('since', s.created_at), u.used_at
    from identity.scim_token s
    left join identity.credential_use u on u.tenant_id = $1 and u.credential_id = s.id
    where s.tenant_id = $1 and s.revoked_at is null
    union all
    select 'issuer', t.id, null, t.name, null, coalesce(t.role, ''),
        jsonb_build_object('since', t.created_at, 'issuer', t.issuer, 'audience', t.audience,
            'role_claim', t.role_claim, 'roles', t.roles),
        (select max(u.used_at) from identity.outside_subject o
            join identity.credential_use u on u.tenant_id = $1 and u.credential_id = o.id
            where o.tenant_id = $1 and o.issuer_id = t.id)
    from identity.token_issuer t where t.tenant_id = $1 and t.state = 'active'
    """,
    "this_tenant",
    _Subject,
)
_OPEN = raw(
    "insert into identity.access_review (tenant_id, id, period, opened_at, due_at, undecided, reminders) "
    "values ($1, $2, $3, $4, $5, $6, $7) on conflict (tenant_id, period) do nothing returning true",
    "this_tenant id period opened_at due_at undecided reminders",
    bool,
)
_TAKE_UP = raw(
    "insert into identity.access_review_item (tenant_id, id, review_id, kind, subject_id, owner_id, name, email, role, "
    "held, last_used_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) "
    "on conflict (tenant_id, review_id, kind, subject_id) do nothing",
    "this_tenant id review_id kind subject_id owner_id name email role held last_used_at",
)
_FOUNDED = raw("select created_at from tenancy.tenant where id = $1", "this_tenant", datetime)
_OF_PERIOD = raw(
    "select id from identity.access_review where tenant_id = $1 and period = $2", "this_tenant period", UUID
)


async def open_due(tx: Transaction, at: datetime, holds: Holds) -> UUID | None:
    """Open the review of the running quarter if it begins with one and the organisation is older; return its id.

    None where there is nothing to open: it is there already, or the policy wants none in this quarter.
    """
    quarter, policy = Quarter.of(at), await read_policy(tx)
    if not rules.is_reviewed(policy.every, quarter) or await _OF_PERIOD.first(tx, period=quarter.period):
        return None
    if await _FOUNDED.one(tx) >= quarter.starts_at:
        return None
    try:
        return await open_review(tx, new_id(), at, holds)
    except AlreadyOpened:  # another process was faster, and its snapshot is the one
        return None


async def open_review(tx: Transaction, id: UUID, at: datetime, holds: Holds) -> UUID:
    """Open the review of the quarter of ``at`` with a snapshot of everything that has access; ``AlreadyOpened``."""
    policy = await read_policy(tx)
    opened = await _OPEN.first(
        tx, id=id, period=Quarter.of(at).period, opened_at=at, due_at=rules.due_at(at, policy.days_to_decide),
        undecided=policy.undecided, reminders=policy.reminders,
    )  # fmt: skip
    if opened is None:
        raise AlreadyOpened
    await take_up(tx, id, holds)
    return id


async def take_up(tx: Transaction, review_id: UUID, holds: Holds) -> None:
    """Write down everything that has access and does not stand in the review yet."""
    rows = [
        msgspec.structs.asdict(subject)
        | {"id": new_id(), "review_id": review_id, "held": _held(subject, holds)}
        for subject in await _SUBJECTS.all(tx)
    ]  # fmt: skip
    await _TAKE_UP.run_many(tx, rows)


def _held(subject: _Subject, holds: Holds) -> dict[str, Any]:
    """Return the snapshot with the permissions that a system role holds today, without what says nothing."""
    held = {name: value for name, value in subject.held.items() if value not in (None, [], {})}
    if "permissions" not in held and subject.role:
        held["permissions"] = sorted(holds(subject.role))
    return held
