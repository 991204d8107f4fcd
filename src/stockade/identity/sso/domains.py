"""Domains: which addresses a connection speaks for, proved by a TXT record that only the domain's owner can make."""

import re
import secrets
from datetime import datetime
from uuid import UUID

import dns.asyncresolver
import dns.exception
import msgspec

from stockade.database.statements import raw
from stockade.kernel.problems import Conflict, Invalid, NotFound, Problem
from stockade.kernel.words import N_, said
from stockade.tenancy.transaction import Transaction, on_violation

PREFIX = "stockade-verification="
LOOK_UP_SECONDS = 5.0
_DOMAIN = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")


class DomainKnown(Conflict):
    """The organisation has added this domain already."""

    type = "/problems/identity/domain-known"
    title = "This domain is in the list already"


class DomainNotProved(Conflict):
    """The domain's DNS does not show the token, or another organisation has proved the domain."""

    type = "/problems/identity/domain-not-proved"
    title = "This domain is not proved"


class DomainLookUpFailed(Problem):
    """The domain's DNS does not answer."""

    type = "/problems/identity/domain-look-up-failed"
    title = "The domain's DNS does not answer"
    status = 503


on_violation("domain_tenant_id_domain_key", DomainKnown)


class DomainRow(msgspec.Struct, frozen=True):
    """A domain, the record that its DNS has to show, and when that was seen."""

    id: UUID
    domain: str
    connection_id: UUID
    token: str
    verified_at: datetime | None

    @property
    def record(self) -> str:
        """The text of the TXT record."""
        return PREFIX + self.token


_READ = "select id, domain, connection_id, token, verified_at from identity.domain where tenant_id = $1"
_ALL = raw(f"{_READ} order by domain", "this_tenant", DomainRow)
_ONE = raw(f"{_READ} and id = $2", "this_tenant id", DomainRow)
_INSERT = raw(
    "insert into identity.domain (tenant_id, id, domain, connection_id, token) values ($1, $2, $3, $4, $5)",
    "this_tenant id domain connection_id token",
)
_IS_FREE = raw("select identity.domain_is_free($1)", "id", bool)
_VERIFY = raw("update identity.domain set verified_at = now() where tenant_id = $1 and id = $2", "this_tenant id")
_REMOVE = raw("delete from identity.domain where tenant_id = $1 and id = $2", "this_tenant id")


async def list_domains(tx: Transaction) -> list[DomainRow]:
    """Return the organisation's domains."""
    return await _ALL.all(tx)


async def read_domain(tx: Transaction, id: UUID) -> DomainRow:
    """Return one domain, or raise ``NotFound``."""
    return await _ONE.one(tx, id=id)


async def add_domain(tx: Transaction, id: UUID, *, domain: str, connection_id: UUID) -> DomainRow:
    """Add a domain with a fresh token; ``Invalid``, ``DomainKnown``. It counts for nothing until it is proved."""
    await _INSERT.run(
        tx, id=id, domain=normalised(domain), connection_id=connection_id, token=secrets.token_urlsafe(24)
    )
    return await read_domain(tx, id)


async def verify_domain(tx: Transaction, id: UUID, records: list[str]) -> DomainRow:
    """Take a domain as proved by the TXT records that its DNS shows; ``DomainNotProved``."""
    row = await read_domain(tx, id)
    if not any(secrets.compare_digest(record.strip().encode(), row.record.encode()) for record in records):
        raise DomainNotProved(
            said("The DNS of {domain} shows no TXT record “{record}”. A new record may take an hour to be seen.",
                 domain=row.domain, record=row.record)
        )  # fmt: skip
    if not await _IS_FREE.one(tx, id=id):
        raise DomainNotProved(
            N_("Another organisation here has proved this domain. Whoever runs this installation can help.")
        )
    await _VERIFY.run(tx, id=id)
    return await read_domain(tx, id)


async def remove_domain(tx: Transaction, id: UUID) -> None:
    """Remove a domain; its people sign in by the connection no more. ``NotFound``."""
    if not await _REMOVE.run(tx, id=id):
        raise NotFound


async def txt_records(domain: str) -> list[str]:
    """Return the TXT records of a domain, as its DNS shows them now; ``DomainLookUpFailed``."""
    try:
        answer = await dns.asyncresolver.resolve(
            f"{domain}.", "TXT", lifetime=LOOK_UP_SECONDS, raise_on_no_answer=False
        )
    except dns.resolver.NXDOMAIN:
        return []
    except (dns.exception.DNSException, OSError) as error:
        raise DomainLookUpFailed(said("The name servers of {domain} were asked and did not answer.", domain=domain)) from error  # fmt: skip  # noqa: E501
    return [b"".join(item.strings).decode("utf-8", "replace") for item in (answer.rrset or [])]


def normalised(domain: str) -> str:
    """Return a domain in lower case and ASCII; ``Invalid`` for what is none."""
    text = domain.strip().rstrip(".").lower().removeprefix("@")
    try:
        text = text.encode("idna").decode() if not text.isascii() else text
    except UnicodeError:
        text = ""
    if not _DOMAIN.fullmatch(text):
        raise Invalid(N_("Enter a domain such as example.com."), field="domain")
    return text
