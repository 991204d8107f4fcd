"""What somebody holds: how many passkeys, whether an authenticator app, how many recovery codes are left."""

from uuid import UUID

import msgspec

from stockade.database.statements import raw
from stockade.tenancy.transaction import Database, Transaction


class Held(msgspec.Struct, frozen=True):
    """The factors of one account, counted."""

    passkeys: int
    totp: bool
    recovery_left: int

    @property
    def has_second(self) -> bool:
        """Whether there is a factor besides a password. Recovery codes are none: they stand in for one that is lost."""
        return self.passkeys > 0 or self.totp


_HELD = "select passkeys, totp, recovery_left from identity.held_factors($1)"
_OWN = raw("select passkeys, totp, recovery_left from identity.own_factors()", "", Held)


async def factors_of(database: Database, account_id: UUID) -> Held:
    """Return what an account holds, as the gate reads it before anybody is signed in."""
    async with database.gate().acquire() as connection:
        (row,) = await connection.fetch(_HELD, account_id)
    return Held(row["passkeys"], row["totp"], row["recovery_left"])


async def own_factors(tx: Transaction) -> Held:
    """Return what the signed-in person holds."""
    return await _OWN.one(tx)
