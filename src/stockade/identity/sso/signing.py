"""Signing in by the organisation's own sign-on: which there is for an address, how it begins, what its answer does."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec

from stockade.identity.service.sign_in import SignedIn, Visitor
from stockade.identity.signing_in import flow
from stockade.identity.signing_in.flow import Door, Known
from stockade.identity.sso import attempts, ldap_way, oidc, saml_way
from stockade.identity.sso.admitting import settle
from stockade.identity.sso.attempts import Attempt, Purpose, Taken
from stockade.identity.sso.connections import Held, held_connection
from stockade.identity.sso.keys import Keys
from stockade.identity.sso.kinds import Identified, Kind
from stockade.identity.sso.steps import SignOnRefused, Step, Steps
from stockade.kernel.problems import NotFound, Problem
from stockade.kernel.words import N_
from stockade.tenancy.pin import pack_address
from stockade.tenancy.principal import Principal
from stockade.tenancy.transaction import Database

MOST_ANSWER = 400_000
_BY_DOMAIN = "select connection_id, kind, name, enforced from identity.connection_of_domain($1)"
_HOME = "select tenant_id, state from identity.home_of_connection($1)"


class Entrance(msgspec.Struct, frozen=True):
    """What sign-on needs of the installation: the door, the providers' keys, and where answers come back to."""

    door: Door
    keys: Keys
    origin: str


class Offered(msgspec.Struct, frozen=True):
    """A sign-on that somebody of a domain may use, or has to."""

    connection_id: UUID
    kind: Kind
    name: str
    enforced: bool


class Tested(msgspec.Struct, frozen=True):
    """What a sign-in for testing showed; nobody was signed in."""

    tenant_id: UUID
    connection_id: UUID
    steps: list[Step]
    who: Identified | None


class Entered(msgspec.Struct, frozen=True):
    """Somebody who signed in, and where they wanted to go."""

    session: SignedIn
    going_to: str


async def connections_for(database: Database, email: str) -> list[Offered]:
    """Return the sign-on of an address's domain: one, or none. It says nothing about whether there is an account."""
    domain = email.strip().lower().rpartition("@")[2]
    async with database.gate().acquire() as connection:
        return [Offered(**row) for row in await connection.fetch(_BY_DOMAIN, domain[:253])]


async def home_of(database: Database, connection_id: UUID) -> tuple[UUID, str]:
    """Return whose a connection is, and its state; ``NotFound``."""
    async with database.gate().acquire() as connection:
        row = await connection.fetchrow(_HOME, connection_id)
    if row is None:
        raise NotFound
    return row["tenant_id"], row["state"]


async def active_connection(entrance: Entrance, connection_id: UUID) -> Held:
    """Return a connection that people sign in by; ``NotFound`` for a draft and one that is off."""
    tenant_id, state = await home_of(entrance.door.database, connection_id)
    if state != "active":
        raise NotFound
    return await held(entrance, tenant_id, connection_id)


async def held(entrance: Entrance, tenant_id: UUID, connection_id: UUID) -> Held:
    """Return a connection with its secret; ``NotFound``, also in a suspended tenant."""
    async with entrance.door.database.transaction(Principal.system(tenant_id)) as tx:
        return await held_connection(tx, entrance.door.sealer, connection_id)


async def begin(
    entrance: Entrance, connection: Held, *, browser: str, going_to: str, purpose: Purpose = "sign_in"
) -> str:  # fmt: skip
    """Begin a sign-in in a browser; return the address to go to: the provider's, or that of our directory's form."""
    if connection.kind == "ldap":
        return f"/sign-in/ldap/{connection.id}" + (f"?{urlencode({'next': going_to})}" if going_to else "")
    attempt = await attempts.begin(
        entrance.door.database, browser=browser, tenant_id=connection.tenant_id, connection_id=connection.id,
        purpose=purpose, going_to=going_to,
    )  # fmt: skip
    if connection.kind == "saml":
        return saml_way.begin(connection, entrance.origin, attempt)
    return await oidc.begin(entrance.keys, _client(entrance, connection), attempt)


async def finish_oidc(
    entrance: Entrance, visitor: Visitor, *, browser: str | None, answer: dict[str, str]
) -> Entered | Tested:  # fmt: skip
    """Take the provider's answer; ``SignOnRefused`` says why somebody does not come in. A test is told instead."""
    if not attempts.is_browser(browser) or not attempts.is_browser(answer.get("state")):
        raise SignOnRefused(N_("This answer belongs to no sign-in that began in this browser. Start again."))
    attempt = Attempt(answer["state"], str(browser))
    taken = await attempts.take(entrance.door.database, entrance.door.sealer, attempt)
    steps = Steps()
    steps.passed()

    async def identify(connection: Held) -> Identified:
        return await oidc.finish(entrance.keys, _client(entrance, connection), attempt, answer, steps)

    return await conclude(entrance, visitor, taken, steps, identify)


async def lay_down(entrance: Entrance, connection_id: UUID, *, state: str, answer: str) -> bool:
    """Keep what was posted from a SAML provider's site until the browser that asked comes for it; whether anybody did
    ask. Nothing of it is read before."""
    if not attempts.is_browser(state) or len(answer) > MOST_ANSWER:
        return False
    database = entrance.door.database
    found = await attempts.find(database, state, connection_id)
    return found is not None and await attempts.answer(database, entrance.door.sealer, found, answer.encode())


async def finish_saml(
    entrance: Entrance, visitor: Visitor, connection_id: UUID, *, browser: str | None, state: str
) -> Entered | Tested:  # fmt: skip
    """Take what was laid down; ``SignOnRefused`` and ``SamlRefused`` say why somebody does not come in."""
    if not attempts.is_browser(browser) or not attempts.is_browser(state):
        raise SignOnRefused(N_("This answer belongs to no sign-in that began in this browser. Start again."))
    attempt = Attempt(state, str(browser))
    taken = await attempts.take(entrance.door.database, entrance.door.sealer, attempt)
    if taken.answer is None or taken.connection_id != connection_id:
        raise SignOnRefused(N_("The provider has not answered yet. Start again."))
    answer, steps = taken.answer, Steps()
    steps.passed()

    async def identify(connection: Held) -> Identified:
        return await saml_way.finish(entrance.door.database, connection, entrance.origin, attempt, answer, steps)

    return await conclude(entrance, visitor, taken, steps, identify)


async def with_directory(
    entrance: Entrance, visitor: Visitor, connection: Held, *, username: str, password: str
) -> SignedIn:  # fmt: skip
    """Sign in by a directory's name and password; ``DirectoryRefused``, ``TooManyAttempts``, ``SignOnRefused``."""
    who = await ldap_way.identify(entrance.door, entrance.keys.reach, visitor, connection, username, password)
    return await enter(entrance, visitor, connection, who, Steps())


async def conclude(entrance: Entrance, visitor: Visitor, taken: Taken, steps: Steps, identify: Any) -> Entered | Tested:
    """Go from an attempt to a session, or to what its test showed; ``identify(connection)`` says who it is."""
    connection = await held(entrance, taken.tenant_id, taken.connection_id)
    if taken.purpose == "test":
        return await _tested(entrance, connection, steps, identify)
    if connection.state != "active":
        raise SignOnRefused(N_("This sign-on was turned off meanwhile."))
    who = await identify(connection)
    return Entered(await enter(entrance, visitor, connection, who, steps), taken.going_to)


async def enter(entrance: Entrance, visitor: Visitor, connection: Held, who: Identified, steps: Steps) -> SignedIn:
    """Open a session for whom a provider named; ``SignOnRefused`` if they have no place."""
    acting = Principal.system(connection.tenant_id)
    acting = msgspec.structs.replace(acting, request_id=visitor.request_id, address=pack_address(visitor.address))
    async with entrance.door.database.transaction(acting) as tx:
        account_id = await settle(tx, connection, who, steps)
    assert account_id is not None  # only a dry run leaves it open
    return await flow.with_sign_on(entrance.door, visitor, Known(account_id, connection.tenant_id))


async def _tested(entrance: Entrance, connection: Held, steps: Steps, identify: Any) -> Tested:
    who = None
    try:
        who = await identify(connection)
        async with entrance.door.database.transaction(Principal.system(connection.tenant_id)) as tx:
            await settle(tx, connection, who, steps, dry=True)
    except Problem as problem:
        steps.failed(problem)
    return Tested(connection.tenant_id, connection.id, steps.done, who)


def _client(entrance: Entrance, connection: Held) -> oidc.Client:
    if connection.kind != "oidc":
        raise NotFound
    return oidc.Client(connection.configured(), connection.secret, entrance.origin + oidc.CALLBACK)
