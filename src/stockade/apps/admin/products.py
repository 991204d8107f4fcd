"""Products as pages: the list, one product, and the forms that write down and change one."""

from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from stockade.access.fields import ExpectedVersion
from stockade.apps.admin.forms import Form, submitted, submitted_new
from stockade.apps.admin.lists import list_routes, listed, may_of
from stockade.apps.admin.routes import Fields, form, page
from stockade.apps.show import AnyRequest, Shown, locale_of
from stockade.commerce.catalog.api import ARCHIVE, COST, CREATE, READ, SET_COST, UPDATE
from stockade.commerce.catalog.service.products import (
    CostChange,
    NewProduct,
    ProductChange,
    ProductView,
    change_product,
    create_product,
    read_cost,
    read_product,
    set_cost,
    set_state,
)
from stockade.commerce.catalog.service.substitutes import SubstitutesSetting, read_substitutes, set_substitutes
from stockade.commerce.desk.products import (
    PRODUCTS,
    VAT_LABELS,
    open_uses,
    places_of,
    price_history,
    sales_by_month,
)
from stockade.commerce.parties.service.company import find_company
from stockade.kernel.clock import today
from stockade.kernel.money import Money
from stockade.kernel.words import N_
from stockade.tenancy.transaction import Transaction

MONTHS_SHOWN = 13
TOLD = {
    "created": N_("The product is written down."), "changed": N_("The changes are saved."),
    "archived": N_("The product is archived: it can no longer be ordered."),
    "restored": N_("The product is active again."), "cost": N_("The cost is saved."),
    "substitutes": N_("The substitutes are saved."),
}  # fmt: skip


@page("/products", permission=READ)
async def show_products(tx: Transaction, request: AnyRequest) -> Shown:
    """The list of products."""
    return await listed(tx, request, PRODUCTS, title=N_("Products"), template="products/list.html")


@page("/products/{product_id:uuid}", permission=READ)
async def show_product(tx: Transaction, request: AnyRequest, product_id: UUID) -> Shown:
    """One product: stock by warehouse, sales by month, who waits for it."""
    product = await read_product(tx, product_id)
    allowed = may_of(tx)
    company = await find_company(tx)
    months: list[Any] = []
    if company is not None and allowed("invoices:read"):
        since = _months_back(today(), MONTHS_SHOWN - 1)
        months = _filled(
            await sales_by_month(tx, product_id, since, company.currency), since, today(), company.currency
        )
    return Shown("products/product.html", {
        **_head(product, "overview", request), "vat_labels": VAT_LABELS, "months": months,
        "currency": company.currency if company else "",
        "places": await places_of(tx, product_id) if product.stocked and allowed("stock:read") else [],
        "uses": await open_uses(tx, product_id) if allowed("orders:read") else [],
        "substitutes": (await read_substitutes(tx, product_id)).substitutes,
    })  # fmt: skip


@page("/products/{product_id:uuid}/prices", permission=READ)
async def show_prices(tx: Transaction, request: AnyRequest, product_id: UUID) -> Shown:
    """What a product costs and has cost."""
    return await _prices_page(tx, request, product_id, None)


@form("/products/{product_id:uuid}/cost", permission=SET_COST)
async def take_cost(request: AnyRequest, fields: Fields, product_id: UUID) -> Shown | str:
    """Set what a product costs us."""
    return await submitted(
        request, fields, CostChange, lambda tx, change: set_cost(tx, product_id, change),
        again=lambda tx, filled: _prices_page(tx, request, product_id, filled),
        current=lambda tx: read_cost(tx, product_id), then=f"/products/{product_id}/prices?done=cost",
    )  # fmt: skip


@page("/products/new", permission=CREATE)
async def show_new_product(tx: Transaction, request: AnyRequest) -> Shown:
    """The form for a new product."""
    return await _form_page(
        tx, None, Form({"unit": "piece", "case_pack": "1", "vat_category": "standard", "stocked": "on"})
    )


@form("/products/new", permission=CREATE)
async def take_new_product(request: AnyRequest, fields: Fields) -> Shown | str:
    """Write a product down."""
    return await submitted_new(
        request, fields, NewProduct, create_product, again=lambda tx, filled: _form_page(tx, None, filled),
        then=lambda made: f"/products/{made}?done=created",
    )  # fmt: skip


@page("/products/{product_id:uuid}/edit", permission=UPDATE)
async def show_product_form(tx: Transaction, request: AnyRequest, product_id: UUID) -> Shown:
    """The form that changes a product."""
    product = await read_product(tx, product_id)
    return await _form_page(tx, product, Form.of(product, locale=locale_of(request.scope)))


@form("/products/{product_id:uuid}/edit", permission=UPDATE)
async def take_product(request: AnyRequest, fields: Fields, product_id: UUID) -> Shown | str:
    """Change a product."""

    async def again(tx: Transaction, filled: Form) -> Shown:
        return await _form_page(tx, await read_product(tx, product_id), filled)

    return await submitted(
        request, fields, ProductChange, lambda tx, change: change_product(tx, product_id, change), again=again,
        current=lambda tx: read_product(tx, product_id), then=f"/products/{product_id}?done=changed",
    )  # fmt: skip


@page("/products/{product_id:uuid}/substitutes", permission=UPDATE)
async def show_substitutes(tx: Transaction, request: AnyRequest, product_id: UUID) -> Shown:
    """The form that says what can be offered instead."""
    return await _substitutes_page(tx, product_id, None)


@form("/products/{product_id:uuid}/substitutes", permission=UPDATE)
async def take_substitutes(request: AnyRequest, fields: Fields, product_id: UUID) -> Shown | str:
    """Set what can be offered instead, in the order of the form."""
    chosen = [
        text for name, text in sorted(fields.items()) if name.startswith("substitute_") and name[11:].isdigit() and text
    ]

    async def set_chosen(tx: Transaction, read: ExpectedVersion) -> None:
        setting = msgspec.convert(
            {"expected_version": read.expected_version, "substitute_ids": list(dict.fromkeys(chosen))},
            SubstitutesSetting,
        )
        await set_substitutes(tx, product_id, setting)

    return await submitted(
        request, fields, ExpectedVersion, set_chosen,
        again=lambda tx, filled: _substitutes_page(tx, product_id, filled),
        then=f"/products/{product_id}?done=substitutes",
    )  # fmt: skip


@form("/products/{product_id:uuid}/archive", permission=ARCHIVE)
async def take_archive(request: AnyRequest, fields: Fields, product_id: UUID) -> Shown | str:
    """Archive a product."""
    return await _put(request, fields, product_id, "archived")


@form("/products/{product_id:uuid}/restore", permission=ARCHIVE)
async def take_restore(request: AnyRequest, fields: Fields, product_id: UUID) -> Shown | str:
    """Take a product back out of the archive."""
    return await _put(request, fields, product_id, "restored")


async def _put(request: AnyRequest, fields: Fields, product_id: UUID, done: str) -> Shown | str:
    state = "archived" if done == "archived" else "active"

    async def again(tx: Transaction, filled: Form) -> Shown:
        return await _form_page(tx, await read_product(tx, product_id), filled)

    return await submitted(
        request, fields, ExpectedVersion,
        lambda tx, read: set_state(tx, product_id, state, read.expected_version),  # type: ignore[arg-type]  # one of the two
        again=again, current=lambda tx: read_product(tx, product_id), then=f"/products/{product_id}?done={done}",
    )  # fmt: skip


async def _form_page(tx: Transaction, product: ProductView | None, filled: Form) -> Shown:
    company = await find_company(tx)
    return Shown("products/form.html", {
        "product": product, "form": filled, "vat_labels": VAT_LABELS, "currency": company.currency if company else "",
    })  # fmt: skip


async def _prices_page(tx: Transaction, request: AnyRequest, product_id: UUID, filled: Form | None) -> Shown:
    product = await read_product(tx, product_id)
    cost = await read_cost(tx, product_id) if COST.granted_to(tx.principal) else None
    if filled is None and cost is not None:
        filled = Form.of(cost, locale=locale_of(request.scope))
    margin = None
    if cost is not None and cost.cost is not None and product.list_price:
        margin = round((1 - cost.cost / product.list_price) * 100, 1)
    company = await find_company(tx)
    return Shown("products/prices.html", {
        **_head(product, "prices", request), "cost": cost, "margin": margin, "form": filled or Form(),
        "changes": await price_history(tx, product_id) if may_of(tx)("audit:read") else [],
        "currency": company.currency if company else "",
    })  # fmt: skip


async def _substitutes_page(tx: Transaction, product_id: UUID, filled: Form | None) -> Shown:
    found = await read_substitutes(tx, product_id)
    version = {"expected_version": str(found.version)}
    return Shown("products/substitutes.html", {
        "product": await read_product(tx, product_id), "substitutes": found.substitutes,
        "form": msgspec.structs.replace(filled, values=filled.values | version) if filled else Form(version),
    })  # fmt: skip


def _head(product: ProductView, tab: str, request: AnyRequest) -> dict[str, Any]:
    done = request.query_params.get("done", "")
    return {"product": product, "tab": tab, "told": TOLD.get(done), "done": done}


def _months_back(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, 1)


def _filled(
    sold: list[tuple[date, int, Any]], first: date, last: date, currency: str
) -> list[tuple[date, int, Any]]:  # fmt: skip
    """Return every month of a span, those without a sale with zero: a chart must not skip them."""
    known = {month: (month, quantity, net) for month, quantity, net in sold}
    months = []
    while first <= last:
        months.append(known.get(first, (first, 0, Money(0, currency))))
        first = _months_back(first, -1)
    return months


ROUTES = (
    show_products, show_product, show_prices, take_cost, show_new_product, take_new_product, show_product_form,
    take_product, show_substitutes, take_substitutes, take_archive, take_restore, *list_routes(PRODUCTS),
)  # fmt: skip
