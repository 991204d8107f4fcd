"""Provisioning: from an administrator's address to a database with roles, schema and a pin key; safe to repeat.

The administrator is the embedded server's superuser, or whoever ``DATABASE_URL`` names: a role that may create roles
and owns (or may create) the database. It is used here and nowhere else.
"""

from urllib.parse import urlsplit, urlunsplit

import asyncpg

from stockade.database.migrate import upgrade
from stockade.database.roles import (
    KEEPER,
    SUPERUSER_STATEMENTS,
    Role,
    database_statements,
    password_of,
    role_statements,
)
from stockade.kernel.problems import Refusal
from stockade.kernel.secrets import Keyring

MINIMUM_VERSION = 180_000
DATABASE = "stockade"


def dsn_for(admin_dsn: str, role: Role, keyring: Keyring, *, database: str | None = None) -> str:
    """Return the address that a role connects to: the administrator's, with another name, password and database."""
    parts = urlsplit(admin_dsn)
    host = parts.netloc.rpartition("@")[2]
    path = parts.path if database is None else f"/{database}"
    return urlunsplit(parts._replace(netloc=f"{role.login}:{password_of(role, keyring)}@{host}", path=path))


async def provision(
    admin_dsn: str, keyring: Keyring, *, pads: tuple[int, bytes, bytes], production: bool = False
) -> None:
    """Make roles, database rights, schema and pin key; ``Refusal`` if the server or the administrator will not do."""
    admin = await connect(admin_dsn)
    try:
        superuser = await _check_server(admin, production=production)
        for sql in role_statements(keyring):
            await admin.execute(sql)
        statements = database_statements(await admin.fetchval("select current_database()"))
        for sql in [*statements, *(SUPERUSER_STATEMENTS if superuser else ())]:
            await admin.execute(sql)
    except asyncpg.InsufficientPrivilegeError as error:
        raise Refusal(
            f"The role in DATABASE_URL may not prepare the database ({error}): "
            "it needs CREATEROLE and must own the database."
        ) from None
    finally:
        await admin.close()
    migration_dsn = dsn_for(admin_dsn, Role.MIGRATION, keyring)
    await upgrade(migration_dsn)
    await install_pin_key(migration_dsn, *pads)


async def install_pin_key(migration_dsn: str, key_id: int, inner_pad: bytes, outer_pad: bytes) -> None:
    """Put a pin key's pads into the database, as its keeper."""
    connection = await connect(migration_dsn)
    try:
        async with connection.transaction():
            await connection.execute(f"set local role {KEEPER}")
            await connection.execute(
                "insert into tenancy.pin_key (id, inner_pad, outer_pad) values ($1, $2, $3) on conflict (id) do update "
                "set inner_pad = excluded.inner_pad, outer_pad = excluded.outer_pad, retired_at = null",
                key_id, inner_pad, outer_pad,
            )  # fmt: skip
    finally:
        await connection.close()


async def ensure_database(server_dsn: str, database: str = DATABASE) -> None:
    """Create the database on the embedded server if it is not there yet."""
    connection = await connect(server_dsn)
    try:
        if not await connection.fetchval("select 1 from pg_database where datname = $1", database):
            await connection.execute(f'create database "{database}" template template0')
    finally:
        await connection.close()


async def connect(dsn: str) -> "asyncpg.Connection[asyncpg.Record]":
    """Connect once; ``Refusal`` with the reason if that fails."""
    try:
        return await asyncpg.connect(dsn, timeout=15)
    except (OSError, TimeoutError) as error:
        raise Refusal(f"The database at {place_of(dsn)} does not answer: {error or 'timeout'}.") from None
    except asyncpg.InvalidPasswordError:
        raise Refusal(f"The database at {place_of(dsn)} refuses the password of {urlsplit(dsn).username}.") from None
    except asyncpg.PostgresError as error:
        raise Refusal(f"The database at {place_of(dsn)} refuses the connection: {error}.") from None
    except ValueError as error:
        raise Refusal(f"DATABASE_URL is not a valid address: {error}.") from None


def place_of(dsn: str) -> str:
    """Return host and database of an address, without its password."""
    parts = urlsplit(dsn)
    return f"{parts.hostname or 'the local socket'}{parts.path}"


async def _check_server(admin: "asyncpg.Connection[asyncpg.Record]", *, production: bool) -> bool:
    """Return whether the role is superuser.

    Refuses an old server, a superuser in production and a remote connection in the clear.
    """
    version = admin.get_server_version()
    if version.major * 10_000 < MINIMUM_VERSION:
        raise Refusal(f"DATABASE_URL leads to PostgreSQL {version.major}, but Stockade needs 18 or newer.")
    superuser = bool(await admin.fetchval("select rolsuper from pg_roles where rolname = current_user"))
    if production and superuser:
        raise Refusal(
            "DATABASE_URL names a superuser: in production, give a role with CREATEROLE that owns the database."
        )
    remote = await admin.fetchval(
        "select inet_server_addr() is not null and not host(inet_server_addr())::inet <<= '127.0.0.0/8'"
    )
    encrypted = await admin.fetchval(
        "select coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false)"
    )
    if production and remote and not encrypted:
        raise Refusal(
            "The connection to the database is remote and not encrypted: add sslmode=verify-full to DATABASE_URL."
        )
    return superuser
