"""Signing in by a directory: find exactly one entry, bind as it, and see that it may.

The state of an account is looked at after the bind: an answer about it, or a shorter wait, would tell whoever does not
know the password. An unknown name is answered after a bind, too.
"""

import secrets
from contextlib import suppress
from typing import Any

from stockade.identity.ldap.connecting import answered, bound, found, library, service
from stockade.identity.ldap.directory import Directory, DirectoryPasswordExpired, DirectoryRefused, Person, checked
from stockade.identity.ldap.groups import groups_of
from stockade.identity.ldap.rules import (
    STATE_ATTRIBUTES,
    acceptable,
    barred,
    bind_failure,
    filter_for,
    first_text,
    must_change,
)
from stockade.kernel.clock import now

MOST_PASSWORD = 1000


async def sign_in(config: Directory, *, username: str, password: str) -> Person:
    """Return who this is. Raises ``DirectoryRefused`` (always the same text), ``DirectoryPasswordExpired``,
    ``DirectoryUnreachable``, ``DirectoryMisconfigured`` and ``DirectoryLibraryMissing``.

    An empty password never reaches the directory: many would take it for an anonymous bind, and say yes (RFC 4513).
    """
    checked(config)
    if not password or "\0" in password or len(password) > MOST_PASSWORD:
        raise DirectoryRefused(reason="empty" if not password else "malformed")
    if not acceptable(name := username.strip()):
        raise DirectoryRefused(reason="malformed")
    async with answered(config), service(config) as connection:
        entry = await find_entry(config, connection, name)
        if entry is None:
            await _pretend(config, password)
            raise DirectoryRefused(reason="unknown")
        await _prove(config, str(entry.dn), password)
        return await described(config, connection, str(entry.dn))


async def find_entry(config: Directory, connection: Any, username: str) -> Any | None:
    """Return the one entry of a name, None if there is none; two are refused, whichever was meant."""
    wanted = filter_for(config.user_filter, username)
    try:
        entries = await found(config, connection, config.user_base, wanted, ["1.1"], most=3)
    except library().errors.SizeLimitError:
        raise DirectoryRefused(reason="ambiguous") from None
    if len(entries) > 1:
        raise DirectoryRefused(reason="ambiguous")
    return entries[0] if entries else None


async def described(config: Directory, connection: Any, dn: str) -> Person:
    """Read an entry anew, refuse it if it is disabled or locked, and return it with its groups."""
    attributes = [config.email_attribute, config.name_attribute, "memberOf", *STATE_ATTRIBUTES]
    bonsai = library()
    entries = await connection.search(
        dn, bonsai.LDAPSearchScope.BASE, "(objectClass=*)", attributes, timeout=config.timeout_seconds
    )
    if len(entries) != 1:
        raise DirectoryRefused(reason="unknown")
    entry = entries[0]
    held = {str(name): list(entry[name]) for name in entry}
    if (why := barred(held, now())) is not None:
        raise DirectoryRefused(reason=why)
    if must_change(held):
        raise DirectoryPasswordExpired
    email = first_text(held, config.email_attribute).lower()
    if "@" not in email:
        raise DirectoryRefused(reason="incomplete")
    groups = await groups_of(config, connection, dn, [str(group) for group in held.get("memberOf", ())])
    return Person(email, first_text(held, config.name_attribute) or email, groups, dn)


async def _prove(config: Directory, dn: str, password: str) -> None:
    """Bind as an entry; whatever the directory holds against it is a refusal."""
    bonsai = library()
    try:
        async with bound(config, dn, password):
            return
    except (bonsai.errors.PasswordExpired, bonsai.errors.ChangeAfterReset):
        raise DirectoryPasswordExpired from None
    except bonsai.errors.AccountLocked:
        raise DirectoryRefused(reason="locked") from None
    except bonsai.AuthenticationError as error:
        failure = bind_failure(str(error))
        if failure == "expired":
            raise DirectoryPasswordExpired from None
        raise DirectoryRefused(reason=failure) from None
    except (bonsai.NoSuchObjectError, bonsai.InvalidDN, bonsai.UnwillingToPerform):
        raise DirectoryRefused(reason="password") from None


async def _pretend(config: Directory, password: str) -> None:
    """Bind as an entry that does not exist, for an unknown name: so that time tells nothing."""
    with suppress(DirectoryRefused):
        await _prove(config, f"cn=nobody-{secrets.token_hex(8)},{config.user_base}", password)
