"""The way by a directory: a form of ours takes name and password, the brake bounds guesses, the directory decides."""

from stockade.identity.ldap.directory import Directory, DirectoryRefused, Person
from stockade.identity.ldap.rules import role_of
from stockade.identity.ldap.signing_in import sign_in
from stockade.identity.service.sign_in import Visitor
from stockade.identity.signing_in import brake
from stockade.identity.signing_in.brake import subject
from stockade.identity.signing_in.flow import Door
from stockade.identity.sso.connections import Held
from stockade.identity.sso.kinds import Identified
from stockade.identity.sso.reaching import Reach
from stockade.kernel.problems import NotFound


async def identify(
    door: Door, reach: Reach, visitor: Visitor, connection: Held, username: str, password: str
) -> Identified:  # fmt: skip
    """Return who a name and password are; ``DirectoryRefused``, ``TooManyAttempts``, ``DirectoryUnreachable``."""
    if connection.kind != "ldap":
        raise NotFound
    name = f"ldap {connection.id} {username.strip().lower()}"
    subjects = [
        subject(door.credentials, "account", name), subject(door.credentials, "address", visitor.address),
        subject(door.credentials, "pair", name, visitor.address),
    ]  # fmt: skip
    await brake.check(door.database, subjects)
    config: Directory = connection.configured()
    await reach.check(config.host.strip("[]"), config.port)
    try:
        person = await sign_in(config, username=username, password=password)
    except DirectoryRefused:
        await brake.failed(door.database, subjects)
        raise
    await brake.succeeded(door.database, subjects)
    return identified(config, person)


def identified(config: Directory, person: Person) -> Identified:
    """Return what an entry means here: the role that its groups give, and whether they give a place at all."""
    role = role_of(person.groups, config.roles, config.default_role)
    decides = bool(config.roles)
    return Identified(person.dn, person.email, person.name, role, may_enter=role is not None or not decides)
