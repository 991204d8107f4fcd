"""What belongs to a customer, as pages: its contacts, its addresses, its statement."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from stockade.access.routes import opened
from stockade.apps.admin.customers import TOLD
from stockade.apps.admin.forms import Form, submitted, submitted_new
from stockade.apps.admin.routes import Fields, form, page
from stockade.apps.show import AnyRequest, Shown
from stockade.commerce.parties.api import CREATE, UPDATE
from stockade.commerce.parties.codes import COUNTRIES
from stockade.commerce.parties.service import addresses, contacts
from stockade.commerce.parties.service.customers import read_customer
from stockade.commerce.receivables.api import READ as READ_RECEIVABLES
from stockade.commerce.receivables.service.statements import customer_statement
from stockade.kernel.clock import today
from stockade.kernel.words import N_
from stockade.tenancy.transaction import Transaction

USUAL_DAYS = 90
KINDS = {
    "invoice": N_("Invoice"), "credit_note": N_("Credit note"), "payment": N_("Payment"), "write_off": N_("Write-off"),
    "opening": N_("Opening balance"),
}  # fmt: skip
"""What a statement's movements are called."""


@page("/customers/{customer_id:uuid}/statement", permission=READ_RECEIVABLES)
async def show_statement(
    tx: Transaction, request: AnyRequest, customer_id: UUID, from_on: date | None = None, to_on: date | None = None
) -> Shown:
    """A customer's account over some days; the last ninety unless others are asked for."""
    last = to_on or today()
    first = from_on or last - timedelta(days=USUAL_DAYS)
    return Shown("customers/statement.html", {
        "customer": await read_customer(tx, customer_id), "tab": "statement", "told": None, "done": "", "kinds": KINDS,
        "statement": await customer_statement(tx, customer_id, first, last), "from_on": first, "to_on": last,
    })  # fmt: skip


@page("/customers/{customer_id:uuid}/contacts/new", permission=CREATE)
async def show_new_contact(tx: Transaction, request: AnyRequest, customer_id: UUID) -> Shown:
    """The form for a new contact."""
    return await _part_page(tx, customer_id, "contact", Form())


@form("/customers/{customer_id:uuid}/contacts/new", permission=CREATE)
async def take_new_contact(request: AnyRequest, fields: Fields, customer_id: UUID) -> Shown | str:
    """Add a contact to a customer."""
    return await submitted_new(
        request, {**fields, "customer_id": str(customer_id)}, contacts.NewContact, contacts.add_contact,
        again=lambda tx, filled: _part_page(tx, customer_id, "contact", filled),
        then=lambda made: _back(customer_id, "contact"),
    )  # fmt: skip


@page("/contacts/{contact_id:uuid}/edit", permission=UPDATE)
async def show_contact(tx: Transaction, request: AnyRequest, contact_id: UUID) -> Shown:
    """The form that changes a contact."""
    contact = await contacts.read_contact(tx, contact_id)
    return await _part_page(tx, contact.customer_id, "contact", Form.of(contact), contact)


@form("/contacts/{contact_id:uuid}/edit", permission=UPDATE)
async def take_contact(request: AnyRequest, fields: Fields, contact_id: UUID) -> Shown | str:
    """Change a contact."""
    async with opened(request) as tx:
        contact = await contacts.read_contact(tx, contact_id)
    return await submitted(
        request, fields, contacts.ContactChange, lambda tx, change: contacts.change_contact(tx, contact_id, change),
        again=lambda tx, filled: _part_page(tx, contact.customer_id, "contact", filled, contact),
        current=lambda tx: contacts.read_contact(tx, contact_id), then=_back(contact.customer_id, "contact"),
    )  # fmt: skip


@form("/contacts/{contact_id:uuid}/remove", permission=UPDATE)
async def take_contact_removal(request: AnyRequest, fields: Fields, contact_id: UUID) -> str:
    """Remove a contact for good."""
    async with opened(request) as tx:
        contact = await contacts.read_contact(tx, contact_id)
        await contacts.remove_contact(tx, contact_id)
    return _back(contact.customer_id, "contact")


@page("/customers/{customer_id:uuid}/addresses/new", permission=CREATE)
async def show_new_address(tx: Transaction, request: AnyRequest, customer_id: UUID) -> Shown:
    """The form for a new address."""
    customer = await read_customer(tx, customer_id)
    filled = Form({"kind": "shipping", "recipient": customer.name, "country": customer.country})
    return await _part_page(tx, customer_id, "address", filled)


@form("/customers/{customer_id:uuid}/addresses/new", permission=CREATE)
async def take_new_address(request: AnyRequest, fields: Fields, customer_id: UUID) -> Shown | str:
    """Add an address to a customer."""
    return await submitted_new(
        request, {**fields, "customer_id": str(customer_id)}, addresses.NewAddress, addresses.add_address,
        again=lambda tx, filled: _part_page(tx, customer_id, "address", filled),
        then=lambda made: _back(customer_id, "address"),
    )  # fmt: skip


@page("/addresses/{address_id:uuid}/edit", permission=UPDATE)
async def show_address(tx: Transaction, request: AnyRequest, address_id: UUID) -> Shown:
    """The form that changes an address."""
    found = await addresses.read_address(tx, address_id)
    return await _part_page(tx, found.customer_id, "address", Form.of(found), found)


@form("/addresses/{address_id:uuid}/edit", permission=UPDATE)
async def take_address(request: AnyRequest, fields: Fields, address_id: UUID) -> Shown | str:
    """Change an address."""
    async with opened(request) as tx:
        found = await addresses.read_address(tx, address_id)
    return await submitted(
        request, fields, addresses.AddressChange, lambda tx, change: addresses.change_address(tx, address_id, change),
        again=lambda tx, filled: _part_page(tx, found.customer_id, "address", filled, found),
        current=lambda tx: addresses.read_address(tx, address_id), then=_back(found.customer_id, "address"),
    )  # fmt: skip


@form("/addresses/{address_id:uuid}/remove", permission=UPDATE)
async def take_address_removal(request: AnyRequest, fields: Fields, address_id: UUID) -> str:
    """Remove an address for good."""
    async with opened(request) as tx:
        found = await addresses.read_address(tx, address_id)
        await addresses.remove_address(tx, address_id)
    return _back(found.customer_id, "address")


async def _part_page(tx: Transaction, customer_id: UUID, what: str, filled: Form, record: Any = None) -> Shown:
    plural = {"contact": "contacts", "address": "addresses"}[what]
    sent_to = f"/{plural}/{record.id}/edit" if record else f"/customers/{customer_id}/{plural}/new"
    return Shown("customers/part.html", {
        "customer": await read_customer(tx, customer_id), "what": what, "form": filled, "record": record,
        "sent_to": sent_to, "countries": COUNTRIES,
    })  # fmt: skip


def _back(customer_id: UUID, done: str) -> str:
    assert done in TOLD
    return f"/customers/{customer_id}?done={done}"


ROUTES = (
    show_statement, show_new_contact, take_new_contact, show_contact, take_contact, take_contact_removal,
    show_new_address, take_new_address, show_address, take_address, take_address_removal,
)  # fmt: skip
