"""An organisation with people, keys and a review, for the tests of reviews."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from tests.conftest import TenantFixture

from stockade.access.reviewing import NewDecision, decide
from stockade.access.rights import permissions_of, shaped
from stockade.identity.credentials import Credentials
from stockade.identity.reviews.closing import close_due
from stockade.identity.reviews.opening import open_review
from stockade.identity.reviews.policy import PolicyChange, set_policy
from stockade.identity.reviews.reading import ItemRow, list_items, read_item
from stockade.identity.service.keys import Scope, issue_key
from stockade.identity.service.members import Place, add_member
from stockade.kernel.clock import now
from stockade.kernel.ids import new_id
from stockade.tenancy.pin import ActorKind
from stockade.tenancy.principal import Principal
from stockade.tenancy.transaction import Database


@dataclass
class Firm:
    """A tenant whose people act by name."""

    database: Database
    tenant: TenantFixture
    people: dict[str, Principal] = field(default_factory=dict)
    members: dict[str, UUID] = field(default_factory=dict)

    async def hire(self, name: str, role: str, place: Place | None = None) -> Principal:
        """Give somebody a place."""
        member_id = new_id()
        async with self.database.transaction(self.tenant.principal) as tx:
            account_id = await add_member(
                tx, id=member_id, email=f"{new_id().hex}@example.com", name=name, place=place or Place(role=role)
            )
        person = Principal(tenant_id=self.tenant.id, actor_id=account_id, kind=ActorKind.USER, role=role)
        self.people[name], self.members[name] = shaped(person), member_id
        return self.people[name]

    async def key(self, issuer: str, name: str = "Shop", role: str = "viewer") -> UUID:
        """Issue a key in somebody's name."""
        key_id = new_id()
        async with self.database.transaction(self.people[issuer]) as tx:
            await issue_key(tx, Credentials(bytes(32)), id=key_id, name=name, scope=Scope(role=role))
        return key_id

    async def policy(self, undecided: str = "remove", days: int = 21) -> None:
        """Say what becomes of what nobody decides."""
        change = PolicyChange(
            expected_version=0, every="quarter", days_to_decide=days, reminders=True, undecided=undecided  # type: ignore[arg-type]  # a text of the policy's
        )  # fmt: skip
        async with self.database.transaction(self.tenant.principal) as tx:
            await set_policy(tx, change)

    async def open(self, at: datetime | None = None) -> UUID:
        """Open a review."""
        async with self.database.transaction(self.tenant.principal) as tx:
            return await open_review(tx, new_id(), at or now(), permissions_of)

    async def items(self, review_id: UUID) -> dict[str, ItemRow]:
        """Return the items of a review by their names."""
        async with self.database.transaction(self.tenant.principal) as tx:
            return {item.name: item for item in await list_items(tx, review_id)}

    async def decide(self, who: str | Principal, item: ItemRow, decision: str, **given: Any) -> ItemRow:
        """Decide as somebody."""
        asked = {"expected_version": item.version, "reason": "It is no longer needed"} | given
        principal = self.people[who] if isinstance(who, str) else who
        async with self.database.transaction(principal) as tx:
            return await decide(tx, item.review_id, item.id, NewDecision(decision=decision, **asked))  # type: ignore[arg-type]  # as tests give it

    async def read(self, item: ItemRow) -> ItemRow:
        """Read an item again."""
        async with self.database.transaction(self.tenant.principal) as tx:
            return await read_item(tx, item.review_id, item.id)

    async def close_due(self, at: datetime) -> list[UUID]:
        """Close what is due at a moment, as the worker does."""
        async with self.database.transaction(self.tenant.principal) as tx:
            return await close_due(tx, at)


def limited(principal: Principal, **given: Any) -> Principal:
    """Return a principal with something else about it."""
    return msgspec.structs.replace(principal, **given)
