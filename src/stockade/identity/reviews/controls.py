"""Reviews: every organisation has that of the running quarter, none is overdue, and a removal holds at once (C7)."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from stockade.database.statements import raw
from stockade.identity.credentials import Credentials, new_session_token
from stockade.identity.reviews import rules
from stockade.identity.reviews.opening import open_review, take_up
from stockade.identity.reviews.policy import read_policy
from stockade.identity.reviews.reading import list_items
from stockade.identity.reviews.removing import remove_subject
from stockade.identity.reviews.rules import Quarter
from stockade.identity.service.keys import Scope, issue_key
from stockade.identity.service.members import Place, add_member
from stockade.kernel.clock import now
from stockade.kernel.control import Finding, Installation, control, finding
from stockade.kernel.ids import new_id
from stockade.tenancy.pin import ActorKind
from stockade.tenancy.principal import Principal
from stockade.tenancy.tenants import list_tenants
from stockade.tenancy.transaction import Transaction
from stockade.web.wire import Line

GRACE = timedelta(days=1)
"""How late the worker may be before the claim is broken."""
_PATH = "/api/v1/customers"
_FOUNDED = raw("select created_at from tenancy.tenant where id = $1", "this_tenant", datetime)
_OF_PERIOD = raw(
    "select id from identity.access_review where tenant_id = $1 and period = $2", "this_tenant period", UUID
)
_OVERDUE = raw(
    "select period from identity.access_review where tenant_id = $1 and closed_at is null and due_at < $2",
    "this_tenant since",
    str,
)
_LEFT_UNDONE = raw(
    "select distinct r.period from identity.access_review r join identity.access_review_item i "
    "on i.tenant_id = $1 and i.review_id = r.id where r.tenant_id = $1 and r.closed_at is not null "
    "and r.closed_by is null and r.undecided = 'remove' and i.decision = 'none' and i.effect = 'none'",
    "this_tenant",
    str,
)
_SESSION = (
    "insert into identity.session (tenant_id, id, token_hash, account_id, method, user_agent, expires_at) "
    "values ($1, $2, $3, $4, 'link', 'control', now() + interval '5 minutes')"
)


@control(
    id="identity.access-is-reviewed", claims=("C7",), every=timedelta(hours=6), max_age=timedelta(hours=13),
    standards=("ISO 27001 A.5.18", "SOC 2 CC6.2", "SOC 2 CC6.3"),
    statement="Every organisation that is older than a quarter has the access review of the running one (or of the "
    "longer period that it chose), none stays open past its last day, where an organisation removes what nobody "
    "decided nothing of that is left, and the session and key that a review removes are refused at the next request.",
)  # fmt: skip
async def access_is_reviewed(installation: Installation) -> Finding:
    """Look at every organisation's reviews, then remove a person and a key of a probe by a review and ask with both."""
    credentials = getattr(installation, "credentials", None)
    if credentials is None:
        return Finding(False, "It cannot be checked: the installation makes no credential of a probe.")
    at, wrong = now(), []
    tenants = [item for item in await list_tenants(installation.platform) if item.state == "active"]
    for tenant in tenants:
        if not tenant.is_probe:
            principal = Principal.system(tenant.id, kind=ActorKind.CONTROL)
            async with installation.worker.transaction(principal) as tx:
                wrong += [f"{tenant.slug}: {what}" for what in await neglected(tx, at)]
    wrong += await _outlived(installation, credentials, at)
    return finding(len(tenants) + 2, "organisations and removals", wrong)


async def neglected(tx: Transaction, at: datetime) -> list[str]:
    """Return what one organisation's reviews lack at a moment."""
    quarter, policy, founded = Quarter.of(at), await read_policy(tx), await _FOUNDED.one(tx)
    wrong = []
    is_wanted = rules.is_reviewed(policy.every, quarter) and founded < quarter.starts_at
    if is_wanted and at > quarter.starts_at + GRACE and not await _OF_PERIOD.first(tx, period=quarter.period):
        wrong.append(f"there is no review of {quarter.period}")
    wrong += [
        f"the review of {period} is open past its last day" for period in await _OVERDUE.all(tx, since=at - GRACE)
    ]
    wrong += [f"in the review of {period}, what nobody decided stands" for period in await _LEFT_UNDONE.all(tx)]
    return wrong


async def _outlived(installation: Installation, credentials: Credentials, at: datetime) -> list[str]:
    """Return which access of a made-up person outlived its removal by a review."""
    probe = installation.probes[0]
    session, member_id, key_id = new_session_token(probe.tenant_id), new_id(), new_id()
    async with installation.application.transaction(probe.principal) as tx:
        account_id = await add_member(
            tx, id=member_id, email=f"{member_id.hex}@control.invalid", name="Reviewed", place=Place(role="viewer")
        )
        await tx.execute(_SESSION, probe.tenant_id, new_id(), credentials.hash(session), account_id)
        key = await issue_key(tx, credentials, id=key_id, name="control", scope=Scope(role="viewer"))
    given = {
        "session": {"Cookie": f"__Host-session={session}"}, "key": {"Authorization": f"Bearer {key}"},
    }  # fmt: skip
    wrong = []
    async with Line(installation) as line:
        for name, headers in given.items():
            if (status := (await line.ask("GET", _PATH, headers, b"")).status) != 200:
                wrong.append(f"a {name} is refused with {status} before its removal, so that refusals prove nothing")
        wrong += await _remove(installation, {member_id, key_id}, at)
        for name, headers in given.items():
            if (status := (await line.ask("GET", _PATH, headers, b"")).status) != 401:
                wrong.append(f"after its removal by a review, a {name} is answered with {status}")
    return wrong


async def _remove(installation: Installation, wanted: set[UUID], at: datetime) -> list[str]:
    """Take the subjects up into the probe's review, and remove them as the worker removes what nobody decided."""
    principal: Any = installation.probes[0].principal
    async with installation.worker.transaction(principal) as tx:
        review_id = await _OF_PERIOD.first(tx, period=Quarter.of(at).period)
        if review_id is None:
            review_id = await open_review(tx, new_id(), at, lambda role: frozenset())
        await take_up(tx, review_id, lambda role: frozenset())
        items = [item for item in await list_items(tx, review_id) if item.subject_id in wanted]
        for item in items:
            await remove_subject(tx, item)
    missing = len(wanted) - len(items)
    return [f"{missing} of {len(wanted)} accesses do not stand in the review"] if missing else []
