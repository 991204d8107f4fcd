"""Removing: access ends at once, by the verbs that end it by hand, too; sessions that are open end with it."""

from uuid import UUID

from stockade.identity.reviews.reading import ItemRow
from stockade.identity.scim.tokens import revoke_token
from stockade.identity.service.keys import revoke_key
from stockade.identity.service.members import Place, change_member, read_member
from stockade.identity.sso.issuers import set_issuer_state
from stockade.tenancy.transaction import Transaction


async def remove_subject(tx: Transaction, item: ItemRow) -> None:
    """End what an item is about; ``LastOwner`` for the place of the last one. It asks nobody's rights."""
    if item.kind == "member":
        await _end_membership(tx, item.subject_id)
    elif item.kind == "key":
        await revoke_key(tx, item.subject_id)
    elif item.kind == "scim_token":
        await revoke_token(tx, item.subject_id)
    else:
        await set_issuer_state(tx, item.subject_id, "off")


async def _end_membership(tx: Transaction, member_id: UUID) -> None:
    member = await read_member(tx, member_id)
    place = Place(
        role=member.role, own_role_id=member.own_role_id, regions=member.regions, warehouses=member.warehouses
    )
    await change_member(tx, member_id, place=place, state="ended")
