"""Trusted issuers of outside tokens, through the API: whose tokens this organisation takes, and what they may do."""

from uuid import UUID

from stockade.access.permissions import Forbidden, permission
from stockade.access.rights import require_role
from stockade.access.routes import create, get, post, put
from stockade.identity.signing_in.recent import StepUpNeeded, require_recent
from stockade.identity.sso import issuers
from stockade.identity.sso.issuers import IssuerChange, IssuerNameTaken, IssuerRow, NewIssuer, roles_given
from stockade.kernel.problems import VersionConflict
from stockade.tenancy.transaction import Transaction

READ = permission("signon:read", least="admin")
MANAGE = permission("signon:manage", least="owner")


@get("/token-issuers", permission=READ)
async def list_token_issuers(tx: Transaction) -> list[IssuerRow]:
    """List the identity providers whose tokens count on this API."""
    return await issuers.list_issuers(tx)


@get("/token-issuers/{issuer_id:uuid}", permission=READ)
async def read_token_issuer(tx: Transaction, issuer_id: UUID) -> IssuerRow:
    """Read whose tokens count, and for what."""
    return await issuers.read_issuer(tx, issuer_id)


@create(
    "/token-issuers", permission=MANAGE, read=read_token_issuer, problems=[IssuerNameTaken, Forbidden, StepUpNeeded]
)  # fmt: skip
async def trust_token_issuer(tx: Transaction, id: UUID, data: NewIssuer) -> IssuerRow:
    """Trust an identity provider: its tokens are bearer tokens of this API from now on.

    Where an issuer and audience are trusted by several organisations and no required claim tells them apart, requests
    name the organisation in the header `Stockade-Tenant`.
    """
    await _require(tx, data)
    return await issuers.trust_issuer(tx, id, data)


@put("/token-issuers/{issuer_id:uuid}", permission=MANAGE,
     problems=[IssuerNameTaken, VersionConflict, Forbidden, StepUpNeeded])  # fmt: skip
async def change_token_issuer(tx: Transaction, issuer_id: UUID, data: IssuerChange) -> IssuerRow:
    """Change whose tokens count, and for what, as a whole; it holds from the next request on."""
    await _require(tx, data)
    return await issuers.change_issuer(tx, issuer_id, data)


@post("/token-issuers/{issuer_id:uuid}/turn-off", permission=MANAGE)
async def turn_token_issuer_off(tx: Transaction, issuer_id: UUID) -> IssuerRow:
    """Trust an issuer no more: its tokens are refused from the next request on."""
    return await issuers.set_issuer_state(tx, issuer_id, "off")


@post("/token-issuers/{issuer_id:uuid}/turn-on", permission=MANAGE, problems=[Forbidden, StepUpNeeded])
async def turn_token_issuer_on(tx: Transaction, issuer_id: UUID) -> IssuerRow:
    """Trust an issuer again, as it was."""
    row = await issuers.read_issuer(tx, issuer_id)
    await require_recent(tx)
    for role in {given for given in (row.role, *row.roles.values()) if given is not None}:
        require_role(tx.principal, role)
    return await issuers.set_issuer_state(tx, issuer_id, "active")


async def _require(tx: Transaction, data: NewIssuer) -> None:
    """A fresh proof, and nothing that whoever trusts does not have."""
    await require_recent(tx)
    for role in roles_given(data):
        require_role(tx.principal, role)


ROUTES = [
    list_token_issuers, read_token_issuer, trust_token_issuer, change_token_issuer, turn_token_issuer_off,
    turn_token_issuer_on,
]  # fmt: skip
