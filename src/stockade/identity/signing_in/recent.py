"""Stepping up: what is sensitive wants a proof from the last ten minutes, in the same session.

It is asked of people who have a second factor; what an organisation demands of those who have none is its policy. A
stolen session, or a screen that was left open, thus makes no key, gives no role, and changes no bank account.
"""

from typing import Any

from stockade.database.statements import raw
from stockade.identity.factors import recovery, totp
from stockade.identity.factors.held import own_factors
from stockade.identity.sealing import Sealer
from stockade.identity.signing_in.flow import FactorRefused
from stockade.kernel.problems import Problem
from stockade.tenancy.pin import ActorKind
from stockade.tenancy.transaction import Database, Transaction

RECENT_SECONDS = 600
_RECENT = raw(
    "select confirmed_at > now() - make_interval(secs => $3) from identity.session where tenant_id = $1 and id = $2",
    "this_tenant id seconds",
    bool,
)
_PROVED = raw(
    "update identity.session set confirmed_at = now() where tenant_id = $1 and id = $2 and account_id = $3",
    "this_tenant id account_id",
)


class StepUpNeeded(Problem):
    """This is sensitive, and the last proof of who is asking is older than ten minutes."""

    type = "/problems/identity/step-up-needed"
    title = "Prove again that it is you"
    status = 403


async def require_recent(tx: Transaction) -> None:
    """Raise ``StepUpNeeded`` unless the session's last proof is recent. Programs, and people with one factor, pass."""
    who = tx.principal
    if who.kind is not ActorKind.USER:
        return
    recent: Any = await _RECENT.first(tx, id=who.credential_id, seconds=float(RECENT_SECONDS))
    if not recent and (await own_factors(tx)).has_second:
        raise StepUpNeeded("Use your authenticator app, and try again.", confirm="/security/prove")


async def prove(tx: Transaction, database: Database, sealer: Sealer, code: str) -> None:
    """Take a code of the person who asks; ``FactorRefused`` for a wrong or used one."""
    who = tx.principal
    if not await totp.check(database, sealer, who.actor_id, code) and not await recovery.use(
        database, who.actor_id, code
    ):
        raise FactorRefused
    await _PROVED.run(tx, id=who.credential_id, account_id=who.actor_id)
