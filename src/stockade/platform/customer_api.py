"""What a customer sees of operators' accesses, and does about them: looks on live, approves, ends at any time."""

from uuid import UUID

import msgspec

from stockade.access.permissions import permission
from stockade.access.routes import get, post, put
from stockade.platform import accesses
from stockade.platform.accesses import AccessRefused, AccessRow, Use
from stockade.tenancy.transaction import Transaction

READ = permission("support:read", least="admin")
MANAGE = permission("support:manage", least="owner")


class Terms(msgspec.Struct, forbid_unknown_fields=True):
    """Whether an operator's access waits for the company's own approval, besides another operator's."""

    operator_access_needs_approval: bool


@get("/operator-accesses", permission=READ)
async def list_operator_accesses(tx: Transaction) -> list[AccessRow]:
    """List the accesses that operators asked for, the latest first."""
    return await accesses.list_accesses(tx)


@get("/operator-accesses/{access_id:uuid}/uses", permission=READ)
async def list_operator_uses(tx: Transaction, access_id: UUID) -> list[Use]:
    """List what was asked for under an access, the latest first. Each request is written down before it is answered."""
    await accesses.read_access(tx, access_id)
    return await accesses.list_uses(tx, access_id)


@post("/operator-accesses/{access_id:uuid}/approve", permission=MANAGE, problems=[AccessRefused])
async def approve_operator_access(tx: Transaction, access_id: UUID) -> AccessRow:
    """Approve an access that waits for your company."""
    return await accesses.approve_as_customer(tx, access_id)


@post("/operator-accesses/{access_id:uuid}/end", permission=MANAGE, problems=[AccessRefused])
async def end_operator_access(tx: Transaction, access_id: UUID) -> AccessRow:
    """End an access, at any time and for no reason. It is over with the operator's next request."""
    return await accesses.end_as_customer(tx, access_id)


@get("/operator-access-terms", permission=READ)
async def read_operator_terms(tx: Transaction) -> Terms:
    """Read whether an operator's access waits for your approval."""
    return Terms(await accesses.needs_approval(tx))


@put("/operator-access-terms", permission=MANAGE)
async def set_operator_terms(tx: Transaction, data: Terms) -> Terms:
    """Say whether an operator's access waits for your approval from now on."""
    await accesses.set_terms(tx, needed=data.operator_access_needs_approval)
    return data


ROUTES = [
    list_operator_accesses, list_operator_uses, approve_operator_access, end_operator_access, read_operator_terms,
    set_operator_terms,
]  # fmt: skip
