"""Admitting: from whom a provider named to a member of the organisation, and to a session.

A provider speaks for the proved domains of its connection and for nobody else. Attack: an organisation whose own
provider names ``victim@elsewhere.example`` would sign in as that person, and by their account reach the other places
where they work. So the address that is named and the address of the account both lie in a proved domain.
"""

from uuid import UUID

from stockade.database.statements import raw
from stockade.identity.service.members import MemberRow, Place, add_member, change_member, vouch
from stockade.identity.sso.connections import Held
from stockade.identity.sso.kinds import Identified
from stockade.identity.sso.model import GRANTABLE
from stockade.identity.sso.steps import SignOnRefused, Steps
from stockade.kernel.ids import new_id
from stockade.kernel.words import N_, said
from stockade.tenancy.transaction import Transaction

_DOMAINS = raw(
    "select domain from identity.domain where tenant_id = $1 and connection_id = $2 and verified_at is not null",
    "this_tenant connection_id",
    str,
)
_LINKED = raw(
    "select account_id from identity.linked_identity where tenant_id = $1 and connection_id = $2 and subject = $3",
    "this_tenant connection_id subject",
    UUID,
)
_SUBJECT = raw(
    "select subject from identity.linked_identity where tenant_id = $1 and connection_id = $2 and account_id = $3",
    "this_tenant connection_id account_id",
    str,
)
_LINK = raw(
    "insert into identity.linked_identity (tenant_id, id, connection_id, subject, account_id) "
    "values ($1, $2, $3, $4, $5)",
    "this_tenant id connection_id subject account_id",
)
_PEOPLE = (
    "select account_id, name, email, role, state, membership_id, own_role_id, regions, warehouses "
    "from identity.people()"
)
_BY_ACCOUNT = raw(f"{_PEOPLE} where account_id = $1", "account_id", MemberRow)
_BY_EMAIL = raw(f"{_PEOPLE} where email = $1", "email", MemberRow)


async def settle(tx: Transaction, connection: Held, who: Identified, steps: Steps, *, dry: bool = False) -> UUID | None:
    """Return the account that comes in, with a place made and the identity linked where that is due.

    ``SignOnRefused`` says why nobody comes in. ``dry`` only says what would happen, and returns None for a place that
    would be made.
    """
    steps.begin("domain")
    domains = set(await _DOMAINS.all(tx, connection_id=connection.id))
    _require(domains, who.email)
    linked = await _LINKED.first(tx, connection_id=connection.id, subject=who.subject)
    found = await (_BY_EMAIL.first(tx, email=who.email) if linked is None else _BY_ACCOUNT.first(tx, account_id=linked))
    if found is not None:
        _require(domains, found.email)
    steps.passed(", ".join(sorted(domains)))
    steps.begin("place")
    if not who.may_enter:
        raise SignOnRefused(N_("You are in no group that gives a place here."))
    if found is None:
        return await _newcomer(tx, connection, who, steps, dry=dry)
    await _check_member(tx, connection, who, found, linked=linked is not None)
    if not dry:
        await vouch(tx, found.account_id, "provider")
        if linked is None:
            await _link(tx, connection, who, found.account_id)
        await _follow_role(tx, who, found)
    steps.passed(said("{email} is a member already.", email=found.email))
    return found.account_id


async def _newcomer(tx: Transaction, connection: Held, who: Identified, steps: Steps, *, dry: bool) -> UUID | None:
    role = _capped(who.role) or connection.just_in_time
    if role is None:
        raise SignOnRefused(
            said("{email} has no place here yet, and this sign-on makes none. Ask an administrator.", email=who.email)
        )
    steps.passed(said("{email} gets a place with the role {role}.", email=who.email, role=role))
    if dry:
        return None
    account_id = await add_member(
        tx, id=new_id(), email=who.email, name=who.name, place=Place(role=role), vouched_by="provider"
    )
    await _link(tx, connection, who, account_id)
    return account_id


async def _check_member(tx: Transaction, connection: Held, who: Identified, found: MemberRow, *, linked: bool) -> None:
    if found.state != "active":
        raise SignOnRefused(said("The place of {email} here has ended. Ask an administrator.", email=found.email))
    if linked:
        return
    # Attack: an address that was given to another person at the provider would bring the first one's rights along.
    if await _SUBJECT.first(tx, connection_id=connection.id, account_id=found.account_id) is not None:
        raise SignOnRefused(
            said("{email} was another person at the provider before. An administrator can unlink the first one.",
                 email=found.email)
        )  # fmt: skip


async def _follow_role(tx: Transaction, who: Identified, found: MemberRow) -> None:
    """Give the role that the provider's groups give; owners and holders of own roles are not made by groups."""
    role = _capped(who.role)
    if role is None or found.role == role or found.role not in GRANTABLE:
        return
    place = Place(role=role, regions=found.regions, warehouses=found.warehouses)
    await change_member(tx, found.id, place=place, state="active")


async def _link(tx: Transaction, connection: Held, who: Identified, account_id: UUID) -> None:
    await _LINK.run(tx, id=new_id(), connection_id=connection.id, subject=who.subject, account_id=account_id)


def _capped(role: str | None) -> str | None:
    """Nobody becomes an owner by a directory."""
    return "admin" if role == "owner" else role


def _require(domains: set[str], email: str) -> None:
    if not domains:
        raise SignOnRefused(N_("No domain of this sign-on is proved yet."))
    if email.rpartition("@")[2] not in domains:
        raise SignOnRefused(
            said("{email} is in none of the domains that this sign-on speaks for: {domains}.", email=email,
                 domains=", ".join(sorted(domains)))
        )  # fmt: skip
