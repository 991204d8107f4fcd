"""How documents look: the logo, the accent colour, the text at the foot, and a page to see them on."""

import asyncio
from base64 import b64encode
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.datastructures import UploadFile
from litestar.params import QueryParameter

from stockade.access.routes import get
from stockade.apps.admin.forms import Form, submitted
from stockade.apps.admin.routes import Fields, form, page
from stockade.apps.show import AnyRequest, Shown
from stockade.commerce.parties.api import READ_COMPANY, UPDATE_COMPANY
from stockade.commerce.parties.printing import Paper, country_name, locale_of
from stockade.commerce.parties.service.branding import BrandingChange, dress, read_branding, set_branding
from stockade.commerce.parties.service.company import find_company
from stockade.documents import (
    DocumentLine,
    InvoiceDocument,
    Party,
    PaymentInstructions,
    VatGroup,
    page_images,
)
from stockade.documents.logo import UPLOAD_BYTES_MAX
from stockade.kernel.clock import today
from stockade.kernel.money import Money, extend
from stockade.kernel.problems import NotFound
from stockade.kernel.words import N_
from stockade.tenancy.transaction import Transaction

ADDRESS = "/settings/branding"
TOLD = {"saved": N_("Documents look like this from now on.")}
PNG = "image/png"
Accent = Annotated[str, QueryParameter(pattern=r"^(#[0-9a-fA-F]{6})?(?!\n)$", max_length=7)]
Footer = Annotated[str, QueryParameter(max_length=400)]


@page(ADDRESS, permission=READ_COMPANY)
async def show_branding(tx: Transaction, request: AnyRequest) -> Shown:
    """How documents look."""
    return await _branding_page(tx, request)


@form(ADDRESS, permission=UPDATE_COMPANY)
async def take_branding(request: AnyRequest, fields: Fields) -> Shown | str:
    """Set how documents look from now on."""
    given = {name: value for name, value in fields.items() if name != "logo"}
    upload = (await request.form()).get("logo")
    if given.pop("remove_logo", ""):
        given["logo"] = ""
    elif isinstance(upload, UploadFile) and upload.filename:
        # One byte more than is allowed tells a file that is too large from one that is not.
        given["logo"] = b64encode(await upload.read(UPLOAD_BYTES_MAX + 1)).decode()

    async def again(tx: Transaction, typed: Form) -> Shown:
        # The picture does not travel back: browsers let nobody fill in a file.
        values = {name: value for name, value in typed.values.items() if name != "logo"}
        return await _branding_page(tx, request, msgspec.structs.replace(typed, values=values))

    return await submitted(request, given, BrandingChange, set_branding, again=again, then=f"{ADDRESS}?done=saved")


@get("/settings/branding/logo.png", permission=READ_COMPANY, media_type=PNG, include_in_schema=False)
async def show_logo(tx: Transaction) -> Response[bytes]:
    """The logo as it is printed."""
    look = await dress(tx)
    if look.logo is None:
        raise NotFound
    return Response(look.logo, media_type=PNG)


async def draw(response: Response[Any]) -> Response[Any]:
    """Draw the first page once the transaction is over: it must not hold a connection."""
    if isinstance(response.content, Paper):
        pages = await asyncio.to_thread(page_images, response.content.documents, response.content.branding)
        response.content = pages[0]
    return response


@get(
    "/settings/branding/preview.png", permission=READ_COMPANY, media_type=PNG, heavy=True, finish=draw,
    include_in_schema=False,
)  # fmt: skip
async def show_preview(tx: Transaction, accent: Accent = "", footer: Footer | None = None) -> Response[bytes]:
    """An invoice as it would look, with another colour and footer than those that are saved if any are given."""
    look = await dress(tx)
    look = msgspec.structs.replace(look, accent=accent or look.accent, footer=look.footer if footer is None else footer)
    paper: Any = Paper((await _sample(tx),), look)
    return Response(paper, media_type=PNG)


async def _branding_page(tx: Transaction, request: AnyRequest, typed: Form | None = None) -> Shown:
    branding = await read_branding(tx)
    return Shown("settings/branding.html", {
        "branding": branding, "form": typed or Form.of(branding),
        "told": TOLD.get(request.query_params.get("done", "")),
    })  # fmt: skip


async def _sample(tx: Transaction) -> InvoiceDocument:
    """Return an invoice of this company that nobody gets."""
    company = await find_company(tx)
    locale = locale_of(company.locale if company else "en")
    currency = company.currency if company else "EUR"
    address = (
        (company.street, f"{company.postcode} {company.city}".strip(), country_name(company.country, locale))
        if company
        else ()
    )
    price, rate = Decimal("12.50"), Decimal(20)
    quantities = (12, 48, 6)
    lines = tuple(
        DocumentLine(at, f"Sample product {at}", Decimal(count), price, rate, extend(price, count, currency), f"A-{at}")
        for at, count in enumerate(quantities, 1)
    )
    net = extend(price, sum(quantities), currency)
    vat = extend(price * sum(quantities) * rate / 100, 1, currency)
    day = today()
    return InvoiceDocument(
        kind="invoice", number=f"INV-{day.year}-000042", issued_on=day, supplied_on=day, due_on=day + timedelta(30),
        seller=Party(company.legal_name if company else "Your company", tuple(line for line in address if line),
                     company.vat_id if company else None, None, company.email if company else None),
        buyer=Party("Sample Customer Ltd", ("1 High Street", "Springfield")), currency=currency, lines=lines,
        vat_groups=(VatGroup(rate, net, vat),), net=net, vat=vat, rounding=Money(0, currency), gross=net + vat,
        paid=Money(0, currency), open=net + vat, order_number=f"SO-{day.year}-000042", locale=locale,
        payment=PaymentInstructions(account_holder=company.legal_name if company else "", reference="000042"),
    )  # fmt: skip


ROUTES = (show_branding, take_branding, show_logo, show_preview)
