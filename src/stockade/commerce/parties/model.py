"""Who trades: the distributor's own company, and its customers with their people and places."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Integer, LargeBinary, Text, Uuid, func
from sqlalchemy.orm import Mapped

from stockade.tenancy.declaration import (
    TenantTable,
    business,
    check,
    column,
    index,
    personal,
    reference,
    sensitive,
    stages,
    technical,
    unique,
)
from stockade.tenancy.limiting import CUSTOMER_ROWS
from stockade.tenancy.masks import hidden, initials, last_four, mail_mask


class Company(TenantTable, table="parties.company"):
    """The distributor itself, as its documents name it. One row; its id is the tenant's."""

    legal_name: Mapped[str] = column(Text, business())
    street: Mapped[str] = column(Text, business())
    postcode: Mapped[str] = column(Text, business())
    city: Mapped[str] = column(Text, business())
    country: Mapped[str] = column(Text, business())
    vat_id: Mapped[str | None] = column(Text, business())
    email: Mapped[str | None] = column(Text, business())
    phone: Mapped[str | None] = column(Text, business())
    currency: Mapped[str] = column(Text, business())
    locale: Mapped[str] = column(Text, business(), server_default="en")
    iban: Mapped[str | None] = column(Text, sensitive("bank account on invoices", read="settings:bank", mask=last_four))
    bic: Mapped[str | None] = column(Text, business())
    version: Mapped[int] = column(Integer, technical(), server_default="1")

    __constraints__ = (check("single", "id = tenant_id"),)


class Logo(TenantTable, table="parties.logo", grants="select insert", audited=False):
    """A picture for the head of documents: a small PNG that we drew ourselves. It stays, since documents were sent with
    it; the trail's entry about it is that of the branding that first names it."""

    content: Mapped[bytes] = column(LargeBinary, business(), fixed=True)
    content_hash: Mapped[bytes] = column(LargeBinary, business(), fixed=True)
    """SHA-256: the same picture is kept once."""

    __constraints__ = (unique("content_hash"), check("size", "length(content) <= 524288"))


class Branding(TenantTable, table="parties.branding", grants="select insert", insert_event="parties.branding_set"):
    """How documents look from now on. The highest version counts; an invoice remembers the one that it was issued with,
    so that its copies stay the same."""

    version: Mapped[int] = column(Integer, business(), fixed=True)
    accent: Mapped[str] = column(Text, business(), fixed=True)
    footer: Mapped[str] = column(Text, business(), fixed=True, server_default="")
    logo_id: Mapped[UUID | None] = reference(Logo, business(), fixed=True)

    __constraints__ = (unique("version"),)


class Customer(TenantTable, table="parties.customer", document=True, rows=(CUSTOMER_ROWS,)):
    """A business that buys. Money is owed in ``currency``, within ``terms_days``, up to ``credit_limit_minor``."""

    number: Mapped[str] = column(Text, business(), fixed=True)
    name: Mapped[str] = column(Text, business())
    vat_id: Mapped[str | None] = column(Text, business())
    email: Mapped[str | None] = column(
        Text, personal("orders and invoices", mask=mail_mask, erase="drop", seal=True, lookup=True)
    )
    phone: Mapped[str | None] = column(Text, personal("orders", mask=last_four, erase="drop", seal=True))
    country: Mapped[str] = column(Text, business())
    currency: Mapped[str] = column(Text, business(), fixed=True)
    terms_days: Mapped[int] = column(Integer, business(event="parties.terms_changed"), server_default="30")
    credit_limit_minor: Mapped[int | None] = column(
        BigInteger, business(read="parties:credit", write="parties:set_credit", event="parties.credit_limit_changed")
    )
    """None: no limit. Zero: pays in advance."""
    responsible_id: Mapped[UUID | None] = column(Uuid, business(event="parties.responsible_changed"))
    """The account of whoever looks after the customer; roles may be limited to their own customers."""
    vat_treatment: Mapped[str] = stages(
        "domestic", "reverse_charge", "export", rule=business(), server_default="domestic"
    )
    state: Mapped[str] = stages("active", "archived", rule=business(event="parties.state_changed"))
    version: Mapped[int] = column(Integer, technical(), server_default="1")
    created_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True, server_default=func.now())
    updated_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), server_default=func.now())

    __constraints__ = (
        unique("number"),
        index("name", "id"),
        index("responsible_id"),
        check("terms_days", "terms_days between 0 and 365"),
        check("credit_limit", "credit_limit_minor >= 0"),
    )


class Contact(TenantTable, table="parties.contact", grants="select insert update delete"):
    """A person at a customer."""

    customer_id: Mapped[UUID] = reference(Customer, business(), fixed=True)
    name: Mapped[str] = column(Text, personal("contact", mask=initials, erase="pseudonym", seal=True))
    position: Mapped[str | None] = column(Text, personal("contact", mask=hidden, erase="drop"))
    email: Mapped[str | None] = column(Text, personal("contact", mask=mail_mask, erase="drop", seal=True, lookup=True))
    phone: Mapped[str | None] = column(Text, personal("contact", mask=last_four, erase="drop", seal=True))
    version: Mapped[int] = column(Integer, technical(), server_default="1")

    __constraints__ = (index("customer_id"),)


class Address(TenantTable, table="parties.address", grants="select insert update delete"):
    """Where a customer gets its invoices or its goods."""

    customer_id: Mapped[UUID] = reference(Customer, business(), fixed=True)
    kind: Mapped[str] = stages("billing", "shipping", rule=business())
    recipient: Mapped[str] = column(Text, personal("delivery", mask=initials, erase="pseudonym"))
    street: Mapped[str] = column(Text, personal("delivery", mask=hidden, erase="drop"))
    postcode: Mapped[str] = column(Text, personal("delivery", mask=hidden, erase="drop"))
    city: Mapped[str] = column(Text, personal("delivery", mask=hidden, erase="drop"))
    country: Mapped[str] = column(Text, business())
    version: Mapped[int] = column(Integer, technical(), server_default="1")

    __constraints__ = (index("customer_id"),)
