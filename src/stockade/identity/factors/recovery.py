"""Recovery codes: ten of them, each good once, shown once. For the day on which the other factors are lost.

A code has 80 random bits, so its hash needs no key and no stretching; it is bound to the account all the same.
"""

import base64
import hashlib
import re
import secrets
from uuid import UUID

from stockade.database.statements import raw
from stockade.identity.factors.telling import tell, tell_at_home
from stockade.kernel.ids import new_id
from stockade.tenancy.transaction import Database, Transaction

CODES = 10
_RANDOM_BYTES = 10
_SHAPE = re.compile(r"[A-Z2-7]{16}")
_REPLACE = raw("select identity.replace_own_recovery_codes($1, $2)", "ids hashes")
_USE = "select identity.use_recovery_code($1, $2)"


async def regenerate(tx: Transaction) -> list[str]:
    """Make ten new codes for the signed-in person, to be shown now and never again; those before are worth nothing."""
    account_id = tx.principal.actor_id
    codes = [_new_code() for _ in range(CODES)]
    await _REPLACE.run(tx, ids=[new_id() for _ in codes], hashes=[_hash(account_id, code) for code in codes])
    await tell(tx, account_id, "recovery_codes_made")
    return [_spaced(code) for code in codes]


async def use(database: Database, account_id: UUID, code: str) -> bool:
    """Use a code up: true for the first who brings it, false ever after. Spaces, dashes and case do not matter."""
    plain = re.sub(r"[\s-]", "", code).upper()
    if not _SHAPE.fullmatch(plain):
        return False
    async with database.gate().acquire() as connection:
        used = bool(await connection.fetchval(_USE, account_id, _hash(account_id, plain)))
    if used:
        await tell_at_home(database, account_id, "recovery_code_used")
    return used


def _new_code() -> str:
    return base64.b32encode(secrets.token_bytes(_RANDOM_BYTES)).decode()


def _spaced(code: str) -> str:
    return "-".join(code[place : place + 4] for place in range(0, len(code), 4))


def _hash(account_id: UUID, code: str) -> bytes:
    return hashlib.sha256(account_id.bytes + code.encode()).digest()
