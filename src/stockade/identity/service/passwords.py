"""Passwords: set by the platform's operator or their owner, kept as Argon2id."""

from pathlib import Path

from stockade.identity.passwords.hashing import hash_password
from stockade.identity.passwords.strength import require_strong
from stockade.kernel.problems import NotFound
from stockade.kernel.words import said
from stockade.tenancy.transaction import Database


async def set_password(platform: Database, *, email: str, password: str, breached: Path | None = None) -> None:
    """Set the password of the account behind an address; ``platform`` connects as the platform's role.

    It takes the place of an imported one, and is good in every organisation that the person belongs to. ``Invalid`` for
    a password that is easy to guess or in the file of ``breached`` ones.
    """
    address = email.strip().lower()
    async with platform.main().acquire() as connection:
        account = await connection.fetchrow("select id, name from identity.account where email = $1", address)
    if account is None:
        raise NotFound(said("There is no account with the address {email}.", email=email))
    await require_strong(password, (address, account["name"]), breached=breached)
    hashed = await hash_password(password)
    async with platform.main().acquire() as connection, connection.transaction():
        await connection.execute("update identity.account set password_hash = $1 where id = $2", hashed, account["id"])
        await connection.execute("delete from identity.imported_password where account_id = $1", account["id"])
