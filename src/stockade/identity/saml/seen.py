"""That an assertion is good once: whoever copied it on its way cannot bring it again."""

from datetime import datetime
from hashlib import sha256
from uuid import UUID

import msgspec

from stockade.database.statements import raw
from stockade.identity.saml.refusal import SamlRefused
from stockade.kernel.ids import new_id
from stockade.kernel.words import said
from stockade.tenancy.transaction import Transaction


class _Remembered(msgspec.Struct, frozen=True):
    id: UUID


_FORGET = raw(
    """
    delete from identity.saml_seen where tenant_id = $1 and id in (
        select s.id from identity.saml_seen s
        where s.tenant_id = $1 and s.expires_at < now() - interval '1 day' order by s.expires_at limit 100
    )
    """,
    "this_tenant",
)
_REMEMBER = raw(
    """
    insert into identity.saml_seen (tenant_id, id, assertion_hash, expires_at) values ($1, $2, $3, $4)
    on conflict (tenant_id, assertion_hash) do nothing returning id
    """,
    "this_tenant id assertion_hash expires_at",
    _Remembered,
)


async def remember(tx: Transaction, assertion_id: str, expires_at: datetime) -> None:
    """Note that an assertion is used in this transaction; ``SamlRefused`` if it ever was.

    Of two at the same moment one waits for the other's end, and is refused if that commits. Old notes go on the way, a
    day after ``expires_at``, so that a difference of clocks lets none in.
    """
    await _FORGET.run(tx)
    hashed = sha256(assertion_id.encode()).digest()
    if not await _REMEMBER.all(tx, id=new_id(), assertion_hash=hashed, expires_at=expires_at):
        raise SamlRefused(
            word="replayed", sentence=said("This sign-on was used before: begin again at our sign-in page.")
        )
