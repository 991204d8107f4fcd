"""People who enrol factors."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from uuid import UUID

from tests.conftest import TenantFixture

from stockade.identity.factors.authenticator import Authenticator
from stockade.identity.factors.ceremony import Party
from stockade.identity.factors.passkeys import Passkey, begin_enrolment, finish_enrolment
from stockade.identity.service.members import Place, add_member
from stockade.kernel.ids import new_id
from stockade.tenancy.pin import ActorKind
from stockade.tenancy.principal import Principal
from stockade.tenancy.transaction import Database, Transaction

PARTY = Party("localhost", "https://localhost:8443")
BROWSER = "what this browser alone knows"


@dataclass(frozen=True)
class Person:
    """A member of a tenant, who can open transactions."""

    database: Database
    tenant_id: UUID
    account_id: UUID
    email: str

    @property
    def principal(self) -> Principal:
        """The person, signed in."""
        return Principal(tenant_id=self.tenant_id, actor_id=self.account_id, kind=ActorKind.USER, role="member")

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction of the person's."""
        return self.database.transaction(self.principal)

    async def enrol(self, name: str = "Laptop", **given: object) -> tuple[Authenticator, Passkey]:
        """Enrol a fresh authenticator."""
        device = Authenticator(PARTY.origin, PARTY.host, **given)  # type: ignore[arg-type]  # handed through
        async with self.transaction() as tx:
            options = await begin_enrolment(tx, PARTY, BROWSER)
        async with self.transaction() as tx:
            return device, await finish_enrolment(tx, PARTY, BROWSER, device.create(options), name)


async def member_of(database: Database, tenant: TenantFixture) -> Person:
    """Make a member of a tenant."""
    email = f"{new_id().hex}@example.com"
    async with database.transaction(tenant.principal) as tx:
        account_id = await add_member(tx, id=new_id(), email=email, name="Ada", place=Place(role="member"))
    return Person(database, tenant.id, account_id, email)
