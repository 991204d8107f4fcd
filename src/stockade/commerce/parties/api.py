"""Those who trade, through the API: the company, customers, their contacts and addresses."""

from uuid import UUID

from stockade.access.fields import ExpectedVersion, Search
from stockade.access.pages import DEFAULT_LIMIT, Cursor, Limit, Page, decode_cursor, encode_cursor
from stockade.access.permissions import permission
from stockade.access.routes import create, delete, get, patch, post
from stockade.commerce.parties.rules import CustomerState, TooMany
from stockade.commerce.parties.service import addresses, branding, company, contacts, customers
from stockade.commerce.parties.service.addresses import AddressChange, AddressView, NewAddress
from stockade.commerce.parties.service.branding import BrandingChange, BrandingView, TooManyLogos
from stockade.commerce.parties.service.company import (
    BankAccount,
    BankAccountChange,
    CompanyChange,
    CompanyThere,
    CompanyView,
    NewCompany,
)
from stockade.commerce.parties.service.contacts import ContactChange, ContactView, NewContact
from stockade.commerce.parties.service.customers import CustomerChange, CustomerView, NewCustomer, NumberTaken
from stockade.documents import UnusableBranding
from stockade.identity.signing_in.recent import StepUpNeeded
from stockade.kernel.problems import NotFound, VersionConflict
from stockade.tenancy.transaction import Transaction

READ = permission("parties:read", least="viewer")
CREATE = permission("parties:create", least="member")
UPDATE = permission("parties:update", least="member")
ARCHIVE = permission("parties:archive", least="member")
READ_COMPANY = permission("settings:read", least="viewer")
UPDATE_COMPANY = permission("settings:update", least="admin")
READ_BANK = permission("settings:bank", least="admin", changes=False)
SET_BANK = permission("settings:set_bank", least="owner", reserved=True)


@get("/company", permission=READ_COMPANY, problems=[NotFound])
async def read_company(tx: Transaction) -> CompanyView:
    """Read the company, as documents name it."""
    return await company.read_company(tx)


@post("/company", permission=UPDATE_COMPANY, problems=[CompanyThere], status_code=201)
async def found_company(tx: Transaction, data: NewCompany) -> CompanyView:
    """Write the company down, once. The currency is the one of list prices, and stays."""
    return await company.found_company(tx, data)


@patch("/company", permission=UPDATE_COMPANY, problems=[NotFound, VersionConflict])
async def change_company(tx: Transaction, data: CompanyChange) -> CompanyView:
    """Change some fields of the company. Issued documents keep the company as it was."""
    return await company.change_company(tx, data)


@get("/company/bank-account", permission=READ_BANK, problems=[NotFound])
async def read_bank_account(tx: Transaction) -> BankAccount:
    """Read the bank account that invoices name."""
    return await company.read_bank_account(tx)


@post("/company/bank-account", permission=SET_BANK, problems=[NotFound, VersionConflict, StepUpNeeded])
async def set_bank_account(tx: Transaction, data: BankAccountChange) -> BankAccount:
    """Set the bank account that invoices name. `expected_version` is the company's."""
    return await company.set_bank_account(tx, data)


@get("/branding", permission=READ_COMPANY)
async def read_branding(tx: Transaction) -> BrandingView:
    """Read how documents look: accent colour, text at the foot, logo."""
    return await branding.read_branding(tx)


@post("/branding", permission=UPDATE_COMPANY, problems=[VersionConflict, UnusableBranding, TooManyLogos], heavy=True)
async def set_branding(tx: Transaction, data: BrandingChange) -> BrandingView:
    """Set how documents look from now on. Issued invoices keep their looks.

    The logo is drawn anew: nothing but the picture of the file is kept.
    """
    return await branding.set_branding(tx, data)


@get("/customers/{customer_id:uuid}", permission=READ)
async def read_customer(tx: Transaction, customer_id: UUID) -> CustomerView:
    """Read a customer."""
    return await customers.read_customer(tx, customer_id)


@get("/customers", permission=READ)
async def list_customers(
    tx: Transaction,
    state: CustomerState | None = None,
    search: Search = None,
    after: Cursor | None = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Page[CustomerView]:
    """List customers in the order of their names.

    `search` finds part of a name or the beginning of a number, in upper or lower case.
    """
    place = customers.BEFORE_ALL if after is None else decode_cursor(after, (str, UUID))
    found = await customers.list_customers(tx, state=state, search=search, after=(place[0], place[1]), limit=limit + 1)
    more = encode_cursor(found[limit - 1].name, found[limit - 1].id) if len(found) > limit else None
    return Page(found[:limit], more)


@create("/customers", permission=CREATE, read=read_customer, problems=[NumberTaken])
async def create_customer(tx: Transaction, id: UUID, data: NewCustomer) -> CustomerView:
    """Write a customer down. Without a number it gets the next one."""
    return await customers.create_customer(tx, id, data)


@patch("/customers/{customer_id:uuid}", permission=UPDATE, problems=[VersionConflict])
async def change_customer(tx: Transaction, customer_id: UUID, data: CustomerChange) -> CustomerView:
    """Change some fields of a customer."""
    return await customers.change_customer(tx, customer_id, data)


@post("/customers/{customer_id:uuid}/archive", permission=ARCHIVE, problems=[VersionConflict])
async def archive_customer(tx: Transaction, customer_id: UUID, data: ExpectedVersion) -> CustomerView:
    """Archive a customer: it can no longer order. What it owes stays."""
    return await customers.set_state(tx, customer_id, "archived", data.expected_version)


@post("/customers/{customer_id:uuid}/restore", permission=ARCHIVE, problems=[VersionConflict])
async def restore_customer(tx: Transaction, customer_id: UUID, data: ExpectedVersion) -> CustomerView:
    """Take a customer back out of the archive."""
    return await customers.set_state(tx, customer_id, "active", data.expected_version)


@get("/customers/{customer_id:uuid}/contacts", permission=READ)
async def list_contacts(tx: Transaction, customer_id: UUID) -> list[ContactView]:
    """List a customer's contacts."""
    return await contacts.list_contacts(tx, customer_id)


@get("/contacts/{contact_id:uuid}", permission=READ)
async def read_contact(tx: Transaction, contact_id: UUID) -> ContactView:
    """Read a contact."""
    return await contacts.read_contact(tx, contact_id)


@create("/contacts", permission=CREATE, read=read_contact, problems=[NotFound, TooMany])
async def add_contact(tx: Transaction, id: UUID, data: NewContact) -> ContactView:
    """Add a person to a customer."""
    return await contacts.add_contact(tx, id, data)


@patch("/contacts/{contact_id:uuid}", permission=UPDATE, problems=[VersionConflict])
async def change_contact(tx: Transaction, contact_id: UUID, data: ContactChange) -> ContactView:
    """Change some fields of a contact."""
    return await contacts.change_contact(tx, contact_id, data)


@delete("/contacts/{contact_id:uuid}", permission=UPDATE)
async def remove_contact(tx: Transaction, contact_id: UUID) -> None:
    """Remove a contact for good."""
    await contacts.remove_contact(tx, contact_id)


@get("/customers/{customer_id:uuid}/addresses", permission=READ)
async def list_addresses(tx: Transaction, customer_id: UUID) -> list[AddressView]:
    """List a customer's addresses."""
    return await addresses.list_addresses(tx, customer_id)


@get("/addresses/{address_id:uuid}", permission=READ)
async def read_address(tx: Transaction, address_id: UUID) -> AddressView:
    """Read an address."""
    return await addresses.read_address(tx, address_id)


@create("/addresses", permission=CREATE, read=read_address, problems=[NotFound, TooMany])
async def add_address(tx: Transaction, id: UUID, data: NewAddress) -> AddressView:
    """Add an address to a customer."""
    return await addresses.add_address(tx, id, data)


@patch("/addresses/{address_id:uuid}", permission=UPDATE, problems=[VersionConflict])
async def change_address(tx: Transaction, address_id: UUID, data: AddressChange) -> AddressView:
    """Change some fields of an address."""
    return await addresses.change_address(tx, address_id, data)


@delete("/addresses/{address_id:uuid}", permission=UPDATE)
async def remove_address(tx: Transaction, address_id: UUID) -> None:
    """Remove an address for good."""
    await addresses.remove_address(tx, address_id)


ROUTES = [
    *(read_company, found_company, change_company, read_bank_account, set_bank_account, read_branding, set_branding),
    *(read_customer, list_customers, create_customer, change_customer, archive_customer, restore_customer),
    *(list_contacts, read_contact, add_contact, change_contact, remove_contact),
    *(list_addresses, read_address, add_address, change_address, remove_address),
]
