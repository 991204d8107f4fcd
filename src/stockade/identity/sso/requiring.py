"""Requiring: people of a domain whose sign-on is enforced come in by it, and by nothing else.

It is asked after a proof was right, so that it tells strangers nothing. Owners have a way back in for when the provider
fails or was set up wrongly: a passkey, or a one-time link that whoever runs the installation makes. The trail says by
which of them somebody came (``identity.signed_in`` with its method).
"""

from uuid import UUID

from stockade.identity.signing_in.states import Proof
from stockade.kernel.problems import Problem
from stockade.tenancy.transaction import Database

OWNERS_WAYS: tuple[Proof, ...] = ("passkey", "link")
_DEMANDED = "select connection_id, owner from identity.sign_on_demanded($1, $2)"


class SignOnRequired(Problem):
    """The proof was right, but the organisation has its people sign in by its own sign-on; ``start`` is where."""

    type = "/problems/identity/sign-on-required"
    title = "Your organisation has you sign in by its own sign-on"
    status = 403


async def require_way(database: Database, account_id: UUID, tenant_id: UUID, proof: Proof) -> None:
    """Raise ``SignOnRequired`` unless somebody may come to an organisation by a proof."""
    if proof == "sso":
        return
    async with database.gate().acquire() as connection:
        row = await connection.fetchrow(_DEMANDED, account_id, tenant_id)
    if row is None or (row["owner"] and proof in OWNERS_WAYS):
        return
    raise SignOnRequired(start=f"/sign-in/sso/{row['connection_id']}")
