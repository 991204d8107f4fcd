"""Looking again: who a directory knows a person as by now, without their password."""

from stockade.identity.ldap.connecting import answered, library, service
from stockade.identity.ldap.directory import Directory, DirectoryRefused, Person, checked
from stockade.identity.ldap.signing_in import described


async def look_again(config: Directory, dn: str) -> Person | None:
    """Return an entry as it is now, None if it has gone or is disabled. Raises ``DirectoryUnreachable``,
    ``DirectoryMisconfigured``, ``DirectoryLibraryMissing``, and ``DirectoryRefused`` or ``DirectoryPasswordExpired``
    for what does not last: a lock after wrong guesses must not let whoever guesses end somebody's session.
    """
    checked(config)
    async with answered(config), service(config) as connection:
        try:
            return await described(config, connection, dn)
        except (library().NoSuchObjectError, library().InvalidDN):
            return None
        except DirectoryRefused as refused:
            if refused.reason in ("unknown", "disabled"):
                return None
            raise
