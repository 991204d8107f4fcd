"""The connection: bound through the tunnel, one timeout over everything.

``bonsai`` stands on OpenLDAP's library and is an optional extra: it is imported at the first use.
"""

import asyncio
import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from stockade.identity.ldap.directory import (
    Directory,
    DirectoryLibraryMissing,
    DirectoryMisconfigured,
    DirectoryUnreachable,
)
from stockade.identity.ldap.tunnel import tunnel
from stockade.kernel.words import said

MOST_ENTRIES = 1000
"""What one search may bring back: more is a wrong configuration or an attack on our memory."""


def library() -> Any:
    """Return ``bonsai``; ``DirectoryLibraryMissing`` says what is to be installed."""
    try:
        return importlib.import_module("bonsai")
    except ImportError:
        raise DirectoryLibraryMissing from None


@asynccontextmanager
async def bound(config: Directory, dn: str, password: str) -> AsyncIterator[Any]:
    """Open a connection that is bound as an entry; the library's own errors of the bind come through.

    The tunnel has checked the certificate before anything is said.
    """
    bonsai = library()
    async with tunnel(config) as address:
        client = bonsai.LDAPClient(address)
        client.set_ignore_referrals(True)  # a referral would carry the password to a host that nobody configured
        client.set_server_chase_referrals(False)
        client.set_password_policy(True)
        client.set_credentials("SIMPLE", user=dn, password=password)
        connection, _policy = await client.connect(True, timeout=config.timeout_seconds)
        try:
            yield connection
        finally:
            connection.close()


@asynccontextmanager
async def answered(config: Directory) -> AsyncIterator[None]:
    """Bound a conversation in time, and turn what the library raises into our own problems."""
    bonsai = library()
    try:
        async with asyncio.timeout(config.timeout_seconds * 3):
            yield
    except (bonsai.ConnectionError, bonsai.TimeoutError, TimeoutError, OSError) as error:
        raise DirectoryUnreachable(told(error)) from error
    except bonsai.LDAPError as error:
        raise DirectoryMisconfigured(told(error)) from error


@asynccontextmanager
async def service(config: Directory) -> AsyncIterator[Any]:
    """Open the connection of the service account, with which entries and groups are found."""
    bonsai = library()
    opening = bound(config, config.bind_dn, config.bind_password)
    try:
        connection = await opening.__aenter__()
    except (bonsai.AuthenticationError, bonsai.errors.PasswordPolicyError) as error:
        raise DirectoryMisconfigured(said("The directory refuses the service account.")) from error
    try:
        yield connection
    finally:
        await opening.__aexit__(None, None, None)


async def found(
    config: Directory, connection: Any, base: str, filter_text: str, attributes: list[str], *, most: int = MOST_ENTRIES
) -> list[Any]:
    """Return the entries below a base that a filter matches, at most ``most`` of them."""
    bonsai = library()
    scope = bonsai.LDAPSearchScope.SUBTREE
    entries = await connection.search(
        base, scope, filter_text, attributes, timeout=config.timeout_seconds, sizelimit=most
    )
    return list(entries)


def told(error: BaseException) -> str:
    """Return what a server or the library said, short and in one line."""
    return " ".join(str(error).split())[:300]
