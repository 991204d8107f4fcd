"""Payments as pages: the list, one payment with what it settled, and the forms that record and allocate money."""

from collections.abc import Iterable
from datetime import date
from typing import Any, Literal
from uuid import UUID

import msgspec

from stockade.access.fields import Text80, Text200
from stockade.access.routes import opened
from stockade.apps.admin.forms import Form, submitted, submitted_new
from stockade.apps.admin.lists import list_routes, listed
from stockade.apps.admin.money_history import told_entries
from stockade.apps.admin.reading import read_form, typed
from stockade.apps.admin.routes import Fields, form, page
from stockade.apps.show import AnyRequest, Shown, locale_of
from stockade.commerce.desk.order import history
from stockade.commerce.desk.payments import METHODS, PAYMENTS, Debtor, OpenItem, debtor, open_items, shares_of
from stockade.commerce.receivables.api import ALLOCATE, READ_PAYMENTS, RECORD, AllocationPart, Amount, Method
from stockade.commerce.receivables.problems import PaymentExists
from stockade.commerce.receivables.rules import spread
from stockade.commerce.receivables.service.allocating import allocate, allocate_oldest_first, take_back
from stockade.commerce.receivables.service.payments import NewPayment, read_payment, record_payment
from stockade.kernel.clock import today
from stockade.kernel.money import Money
from stockade.kernel.problems import Invalid
from stockade.kernel.words import N_, said
from stockade.tenancy.transaction import Transaction

How = Literal["oldest", "chosen", "later"]
WAYS = {
    "oldest": N_("The oldest invoices first"), "chosen": N_("These invoices, with these amounts"),
    "later": N_("Not yet: it stays as credit"),
}  # fmt: skip
TOLD = {
    "recorded": N_("The payment is recorded."), "allocated": N_("The payment is allocated."),
    "taken-back": N_("The allocation is taken back. The invoice is open again."),
}  # fmt: skip
_TYPED = {name: label for name, label in METHODS.items() if name != "import"}


class TypedPayment(msgspec.Struct, frozen=True, kw_only=True):
    """A payment as the form has it."""

    customer_id: UUID
    amount_minor: Amount
    received_on: date
    method: Method
    how: How
    external_id: Text80 | None = None
    note: Text200 | None = None
    allocations: list[AllocationPart] | None = None


class TypedSpread(msgspec.Struct, frozen=True, kw_only=True):
    """What of a form decides how money is spread."""

    amount_minor: Amount
    how: How
    allocations: list[AllocationPart] | None = None


class TypedAllocation(msgspec.Struct, frozen=True, kw_only=True):
    """How the rest of a payment is to be spread."""

    how: How
    allocations: list[AllocationPart] | None = None


@page("/payments", permission=READ_PAYMENTS)
async def show_payments(tx: Transaction, request: AnyRequest) -> Shown:
    """The list of payments."""
    return await listed(tx, request, PAYMENTS, title=N_("Payments"), template="payments/list.html")


@page("/payments/new", permission=RECORD)
async def show_new_payment(tx: Transaction, request: AnyRequest) -> Shown:
    """The form of a payment; with a customer, what that one has open."""
    given = request.query_params
    values = {
        "customer_id": given.get("customer", "") or given.get("customer_id", ""), "received_on": today().isoformat(),
        "method": "bank_transfer", "how": "oldest",
    }  # fmt: skip
    return await _new_page(tx, request, Form(values), wanted=given.get("invoice", ""))


@form("/payments/new", permission=RECORD)
async def take_new_payment(request: AnyRequest, fields: Fields) -> Shown | str:
    """Record a payment."""

    async def record(tx: Transaction, id: UUID, read: TypedPayment) -> None:
        payer = await debtor(tx, read.customer_id)
        made = await record_payment(tx, id, _new_payment(read, payer))
        if made.id != id:
            raise PaymentExists(
                said("A payment with the reference {reference} was recorded before.", reference=read.external_id)
            )

    async with opened(request) as tx:
        payer = await _found(tx, fields.get("customer_id", ""))
    return await submitted_new(
        request, typed_parts(fields), TypedPayment, record, currency=payer.currency if payer else None,
        again=lambda tx, filled: _new_page(tx, request, filled), then=lambda made: f"/payments/{made}?done=recorded",
    )  # fmt: skip


@form("/payments/spread", permission=RECORD)
async def preview_spread(request: AnyRequest, fields: Fields) -> Shown:
    """How an amount would settle invoices, while the form is filled in."""
    async with opened(request) as tx:
        payer = await _found(tx, fields.get("customer_id", ""))
        items = await open_items(tx, payer.id) if payer else []
    if payer is None:
        return Shown("payments/spread.html", {"spread": None, "problem": None})
    read = read_form(typed_parts(fields), TypedSpread, currency=payer.currency, locale=locale_of(request.scope))
    if read.command is None:
        problem = None if "amount_minor" in read.errors else next(iter(read.errors.values()))
        return Shown("payments/spread.html", {"spread": None, "problem": problem})
    return Shown("payments/spread.html", _spread_of(read.command, items, payer.currency))


@page("/payments/{payment_id:uuid}", permission=READ_PAYMENTS)
async def show_payment(tx: Transaction, request: AnyRequest, payment_id: UUID) -> Shown:
    """One payment, what it settled, and what is left of it."""
    return await _payment_page(tx, request, payment_id, Form({"how": "oldest"}))


@form("/payments/{payment_id:uuid}/allocate", permission=ALLOCATE)
async def take_allocation(request: AnyRequest, fields: Fields, payment_id: UUID) -> Shown | str:
    """Settle invoices with what is left of a payment."""
    async with opened(request) as tx:
        currency = (await read_payment(tx, payment_id)).amount.currency

    async def settle(tx: Transaction, read: TypedAllocation) -> None:
        if read.how == "oldest":
            await allocate_oldest_first(tx, payment_id)
        else:
            await allocate(tx, payment_id, _chosen(read.allocations))

    return await submitted(
        request, typed_parts(fields), TypedAllocation, settle, currency=currency,
        again=lambda tx, filled: _payment_page(tx, request, payment_id, filled),
        then=f"/payments/{payment_id}?done=allocated",
    )  # fmt: skip


@form("/payments/{payment_id:uuid}/take-back/{allocation_id:uuid}", permission=ALLOCATE)
async def take_allocation_back(request: AnyRequest, fields: Fields, payment_id: UUID, allocation_id: UUID) -> str:
    """Take an allocation back."""
    async with opened(request) as tx:
        await take_back(tx, allocation_id)
    return f"/payments/{payment_id}?done=taken-back"


def typed_parts(fields: Fields) -> dict[str, str]:
    """Leave out the invoices of a form that no amount was typed for, and all of them where they were not asked for."""
    chosen = fields.get("how", "chosen") == "chosen"
    empty = {
        name.removesuffix("amount_minor")
        for name, text in fields.items()
        if name.startswith("allocations.") and name.endswith(".amount_minor") and not (chosen and text.strip())
    }
    return {name: text for name, text in fields.items() if not any(name.startswith(part) for part in empty)}


def _new_payment(read: TypedPayment, payer: Debtor) -> NewPayment:
    return NewPayment(
        customer_id=read.customer_id, method=read.method, received_on=read.received_on, currency=payer.currency,
        amount_minor=read.amount_minor, external_id=read.external_id, note=read.note,
        allocations=_chosen(read.allocations) if read.how == "chosen" else (), oldest_first=read.how == "oldest",
    )  # fmt: skip


def _chosen(allocations: list[AllocationPart] | None) -> list[tuple[UUID, int]]:
    if not allocations:
        raise Invalid("Type an amount for at least one invoice.", field="how")
    return [(part.invoice_id, part.amount_minor) for part in allocations]


def _spread_of(read: TypedSpread, items: Iterable[OpenItem], currency: str) -> dict[str, Any]:
    wanted = {part.invoice_id: part.amount_minor for part in read.allocations or ()}
    numbers = {item.invoice_id: item.number for item in items}
    parts = spread(
        [(item.invoice_id, item.due_on, item.open.amount_minor) for item in items], read.amount_minor,
        oldest=read.how == "oldest", wanted=wanted if read.how == "chosen" else {},
    )  # fmt: skip
    settled = sum(parts.values())
    return {
        "problem": None, "left": Money(read.amount_minor - settled, currency),
        "spread": [(numbers.get(invoice_id, ""), Money(amount, currency)) for invoice_id, amount in parts.items()],
    }  # fmt: skip


async def _found(tx: Transaction, customer_id: str) -> Debtor | None:
    try:
        return await debtor(tx, UUID(customer_id))
    except ValueError:
        return None


async def _new_page(tx: Transaction, request: AnyRequest, filled: Form, wanted: str = "") -> Shown:
    payer = await _found(tx, filled.values.get("customer_id", ""))
    items = await open_items(tx, payer.id) if payer else []
    if wanted and payer:
        filled = _for_invoice(filled, items, wanted, payer.currency, locale_of(request.scope))
    return Shown("payments/new.html", {
        "form": filled, "payer": payer, "items": items, "methods": _TYPED, "ways": WAYS, "today": today(),
    })  # fmt: skip


def _for_invoice(filled: Form, items: list[OpenItem], wanted: str, currency: str, spoken: str) -> Form:
    """Fill the form in for one invoice that is paid."""
    for at, item in enumerate(items):
        if str(item.invoice_id) == wanted:
            amount = typed(item.open.amount_minor, "amount_minor", currency=currency, locale=spoken)
            more = {"how": "chosen", "amount_minor": amount, f"allocations.{at}.amount_minor": amount}
            return msgspec.structs.replace(filled, values=filled.values | more)
    return filled


async def _payment_page(tx: Transaction, request: AnyRequest, payment_id: UUID, filled: Form) -> Shown:
    payment = await read_payment(tx, payment_id)
    spoken, currency = locale_of(request.scope), payment.amount.currency
    shares = await shares_of(tx, payment_id)
    left = payment.unallocated.amount_minor
    events = await history(tx, [payment_id, *(share.id for share in shares)])
    return Shown("payments/payment.html", {
        "payment": payment, "payer": await debtor(tx, payment.customer_id), "shares": shares, "methods": METHODS,
        "items": await open_items(tx, payment.customer_id) if left else [], "form": filled, "ways": WAYS,
        "history": told_entries(events, currency, spoken), "today": today(),
        "typed_rest": typed(left, "amount_minor", currency=currency, locale=spoken),
        "told": TOLD.get(request.query_params.get("done", "")),
    })  # fmt: skip


ROUTES = (
    show_payments, show_new_payment, take_new_payment, preview_spread, show_payment, take_allocation,
    take_allocation_back, *list_routes(PAYMENTS),
)  # fmt: skip
