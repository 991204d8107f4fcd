"""Rotation of the pin key: the new key is known to the database before anything signs with it, the old one stays valid
for an overlap, and then it is refused."""

import secrets as random

from stockade.database.provision import connect, install_pin_key
from stockade.database.roles import KEEPER
from stockade.kernel.secrets import SECRET_BYTES, Keyring
from stockade.tenancy.pin import Signer


async def rotate_pin_key(migration_dsn: str, keyring: Keyring, *, overlap_seconds: int) -> tuple[int, int]:
    """Make a new pin key, install it, write it to the keyring, retire the old one.

    Returns the old and the new key's id.
    """
    old = Signer.of(keyring.secret("pin"))
    new = old
    while new.key_id == old.key_id:
        new = Signer.of(random.token_bytes(SECRET_BYTES))
    await install_pin_key(migration_dsn, new.key_id, *new.pads)
    keyring.replace("pin", new.secret)
    connection = await connect(migration_dsn)
    try:
        async with connection.transaction():
            await connection.execute(f"set local role {KEEPER}")
            await connection.execute(
                "update tenancy.pin_key set retired_at = now() + make_interval(secs => $1) where id = $2",
                float(overlap_seconds), old.key_id,
            )  # fmt: skip
            await connection.execute("delete from tenancy.pin_key where retired_at < now()")
    finally:
        await connection.close()
    return old.key_id, new.key_id
