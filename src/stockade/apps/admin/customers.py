"""Customers as pages: the list, one customer, and the forms that write down and change one."""

from uuid import UUID

from stockade.access.fields import ExpectedVersion
from stockade.access.routes import opened
from stockade.apps.admin.forms import Form, submitted, submitted_new
from stockade.apps.admin.history import timeline_of
from stockade.apps.admin.lists import list_routes, listed, may_of
from stockade.apps.admin.routes import Fields, form, page
from stockade.apps.show import AnyRequest, Shown, locale_of
from stockade.commerce.desk.customers import CUSTOMERS, open_invoices, recent_orders, standing
from stockade.commerce.desk.order import history
from stockade.commerce.parties.api import ARCHIVE, CREATE, READ, UPDATE
from stockade.commerce.parties.codes import COUNTRIES, CURRENCIES
from stockade.commerce.parties.service.addresses import list_addresses
from stockade.commerce.parties.service.company import find_company
from stockade.commerce.parties.service.contacts import list_contacts
from stockade.commerce.parties.service.customers import (
    CustomerChange,
    CustomerView,
    NewCustomer,
    change_customer,
    create_customer,
    read_customer,
    set_state,
)
from stockade.identity.service.members import list_members
from stockade.kernel.clock import today
from stockade.kernel.words import N_
from stockade.tenancy.transaction import Transaction

TREATMENTS = {
    "domestic": N_("Domestic VAT"), "reverse_charge": N_("Reverse charge (EU)"), "export": N_("Export, without VAT"),
}  # fmt: skip
TOLD = {
    "created": N_("The customer is written down."), "changed": N_("The changes are saved."),
    "archived": N_("The customer is archived: it can no longer order."),
    "restored": N_("The customer is active again."),
    "contact": N_("The contacts are as you left them."), "address": N_("The addresses are as you left them."),
}  # fmt: skip


@page("/customers", permission=READ)
async def show_customers(tx: Transaction, request: AnyRequest) -> Shown:
    """The list of customers."""
    return await listed(tx, request, CUSTOMERS, title=N_("Customers"), template="customers/list.html")


@page("/customers/{customer_id:uuid}", permission=READ)
async def show_customer(tx: Transaction, request: AnyRequest, customer_id: UUID) -> Shown:
    """One customer: who it is, what it owes, what it ordered last."""
    customer = await read_customer(tx, customer_id)
    debts = may_of(tx)("receivables:read")
    return Shown("customers/customer.html", {
        **_head(customer, "overview", request), "treatments": TREATMENTS,
        "standing": await standing(tx, customer_id, today()) if debts else None,
        "invoices": await open_invoices(tx, customer_id) if debts else [],
        "contacts": await list_contacts(tx, customer_id), "addresses": await list_addresses(tx, customer_id),
        "orders": await recent_orders(tx, customer_id), "today": today(),
    })  # fmt: skip


@page("/customers/{customer_id:uuid}/activity", permission=READ)
async def show_activity(tx: Transaction, request: AnyRequest, customer_id: UUID) -> Shown:
    """What happened to one customer, from the trail."""
    customer = await read_customer(tx, customer_id)
    people = [item.id for item in await list_contacts(tx, customer_id)]
    places = [item.id for item in await list_addresses(tx, customer_id)]
    entries = timeline_of(await history(tx, [customer_id, *people, *places]))
    return Shown("customers/activity.html", {**_head(customer, "activity", request), "history": entries})


@page("/customers/new", permission=CREATE)
async def show_new_customer(tx: Transaction, request: AnyRequest) -> Shown:
    """The form for a new customer."""
    company = await find_company(tx)
    return await _new_page(tx, Form({
        "terms_days": "30", "currency": company.currency if company else "",
        "country": company.country if company else "",
    }))  # fmt: skip


@form("/customers/new", permission=CREATE)
async def take_new_customer(request: AnyRequest, fields: Fields) -> Shown | str:
    """Write a customer down."""
    return await submitted_new(
        request, fields, NewCustomer, create_customer, again=_new_page, currency=fields.get("currency"),
        then=lambda made: f"/customers/{made}?done=created",
    )  # fmt: skip


@page("/customers/{customer_id:uuid}/edit", permission=UPDATE)
async def show_customer_form(tx: Transaction, request: AnyRequest, customer_id: UUID) -> Shown:
    """The form that changes a customer."""
    customer = await read_customer(tx, customer_id)
    return await _form_page(
        tx, customer, Form.of(customer, currency=customer.currency, locale=locale_of(request.scope))
    )


@form("/customers/{customer_id:uuid}/edit", permission=UPDATE)
async def take_customer(request: AnyRequest, fields: Fields, customer_id: UUID) -> Shown | str:
    """Change a customer."""

    async def again(tx: Transaction, filled: Form) -> Shown:
        return await _form_page(tx, await read_customer(tx, customer_id), filled)

    async with opened(request) as tx:
        currency = (await read_customer(tx, customer_id)).currency
    return await submitted(
        request, fields, CustomerChange, lambda tx, change: change_customer(tx, customer_id, change), again=again,
        then=f"/customers/{customer_id}?done=changed", current=lambda tx: read_customer(tx, customer_id),
        currency=currency,
    )  # fmt: skip


@form("/customers/{customer_id:uuid}/archive", permission=ARCHIVE)
async def take_archive(request: AnyRequest, fields: Fields, customer_id: UUID) -> Shown | str:
    """Archive a customer."""
    return await _put(request, fields, customer_id, "archived")


@form("/customers/{customer_id:uuid}/restore", permission=ARCHIVE)
async def take_restore(request: AnyRequest, fields: Fields, customer_id: UUID) -> Shown | str:
    """Take a customer back out of the archive."""
    return await _put(request, fields, customer_id, "restored")


async def _put(request: AnyRequest, fields: Fields, customer_id: UUID, done: str) -> Shown | str:
    state = "archived" if done == "archived" else "active"

    async def again(tx: Transaction, filled: Form) -> Shown:
        return await _form_page(tx, await read_customer(tx, customer_id), filled)

    return await submitted(
        request, fields, ExpectedVersion,
        lambda tx, read: set_state(tx, customer_id, state, read.expected_version),  # type: ignore[arg-type]  # one of the two
        again=again, then=f"/customers/{customer_id}?done={done}", current=lambda tx: read_customer(tx, customer_id),
    )  # fmt: skip


async def _new_page(tx: Transaction, filled: Form) -> Shown:
    return await _form_page(tx, None, filled)


async def _form_page(tx: Transaction, customer: CustomerView | None, filled: Form) -> Shown:
    people = [(member.account_id, member.name) for member in await list_members(tx) if member.state == "active"]
    return Shown("customers/form.html", {
        "people": people,
        "customer": customer, "form": filled, "countries": COUNTRIES, "currencies": sorted(CURRENCIES),
        "treatments": TREATMENTS,
    })  # fmt: skip


def _head(customer: CustomerView, tab: str, request: AnyRequest) -> dict[str, object]:
    done = request.query_params.get("done", "")
    return {"customer": customer, "tab": tab, "told": TOLD.get(done), "done": done}


ROUTES = (
    show_customers, show_customer, show_activity, show_new_customer, take_new_customer, show_customer_form,
    take_customer, take_archive, take_restore, *list_routes(CUSTOMERS),
)  # fmt: skip
