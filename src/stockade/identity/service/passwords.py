"""Passwords: set by the platform's operator or their owner, kept as Argon2id."""

from stockade.identity.service.sign_in import hash_password
from stockade.kernel.problems import Invalid, NotFound
from stockade.kernel.words import said
from stockade.tenancy.transaction import Database

MINIMUM_LENGTH = 12
MAXIMUM_LENGTH = 1024


def check_password(password: str) -> None:
    """Refuse a password that is too short or too long (NIST SP 800-63B: length counts, composition does not)."""
    if not MINIMUM_LENGTH <= len(password) <= MAXIMUM_LENGTH:
        raise Invalid(
            said(
                "A password has {minimum_length} to {maximum_length} characters.",
                minimum_length=MINIMUM_LENGTH,
                maximum_length=MAXIMUM_LENGTH,
            ),
            field="password",
        )


async def set_password(platform: Database, *, email: str, password: str) -> None:
    """Set the password of the account behind an address; ``platform`` connects as the platform's role."""
    check_password(password)
    hashed = await hash_password(password)
    async with platform.main().acquire() as connection:
        tag = await connection.execute(
            "update identity.account set password_hash = $1 where email = $2", hashed, email.strip().lower()
        )
    if tag == "UPDATE 0":
        raise NotFound(said("There is no account with the address {email}.", email=email))
