"""The company as documents name it, and the bank account that invoices name."""

from babel import Locale

from stockade.apps.admin.forms import Form, submitted
from stockade.apps.admin.routes import Fields, form, page
from stockade.apps.show import AnyRequest, Shown, locale_of
from stockade.commerce.parties.api import READ_COMPANY, SET_BANK, UPDATE_COMPANY
from stockade.commerce.parties.codes import COUNTRIES, CURRENCIES
from stockade.commerce.parties.service.company import (
    BankAccountChange,
    CompanyChange,
    NewCompany,
    change_company,
    find_company,
    found_company,
    read_company,
    set_bank_account,
    shown_bank_account,
)
from stockade.kernel.words import N_
from stockade.tenancy.transaction import Transaction
from stockade.web.languages import LOCALES

ADDRESS = "/settings/company"
TOLD = {"saved": N_("The company is saved."), "bank": N_("The bank account is saved.")}
DOCUMENT_LANGUAGES = {"en": N_("English"), "pl": N_("Polish")}


def countries(spoken: str) -> list[tuple[str, str]]:
    """Return every country as (code, name), by name in a language."""
    names = Locale.parse(LOCALES[spoken]).territories
    return sorted(((code, str(names.get(code, code))) for code in COUNTRIES), key=lambda item: item[1])


@page("/settings", permission=READ_COMPANY)
async def show_settings(tx: Transaction, request: AnyRequest) -> Shown:
    """The first of the settings."""
    return await _company_page(tx, request)


@page(ADDRESS, permission=READ_COMPANY)
async def show_company(tx: Transaction, request: AnyRequest) -> Shown:
    """The company and its bank account."""
    return await _company_page(tx, request)


@form(ADDRESS, permission=UPDATE_COMPANY)
async def take_company(request: AnyRequest, fields: Fields) -> Shown | str:
    """Save the company; the first time write it down."""

    async def again(tx: Transaction, typed: Form) -> Shown:
        return await _company_page(tx, request, company_form=typed)

    # Whoever came from the first steps goes back to them.
    target = "/welcome?done=company" if fields.get("from") == "welcome" else f"{ADDRESS}?done=saved"
    if "expected_version" in fields:
        return await submitted(
            request, fields, CompanyChange, change_company, again=again, then=target, current=read_company
        )
    return await submitted(request, fields, NewCompany, found_company, again=again, then=target)


@form("/settings/bank", permission=SET_BANK)
async def take_bank(request: AnyRequest, fields: Fields) -> Shown | str:
    """Save the bank account that invoices name."""

    async def again(tx: Transaction, typed: Form) -> Shown:
        return await _company_page(tx, request, bank_form=typed)

    return await submitted(
        request, fields, BankAccountChange, set_bank_account, again=again, then=f"{ADDRESS}?done=bank"
    )


def _typed(typed: Form | None, name: str) -> str:
    return typed.values.get(name, "") if typed else ""


async def _company_page(
    tx: Transaction, request: AnyRequest, *, company_form: Form | None = None, bank_form: Form | None = None
) -> Shown:  # fmt: skip
    spoken = locale_of(request.scope)
    company = await find_company(tx)
    bank = None if company is None else await shown_bank_account(tx)
    return Shown("settings/company.html", {
        "company": company, "bank": bank, "countries": countries(spoken),
        "currencies": [(code, code) for code in sorted(CURRENCIES)],
        "document_languages": DOCUMENT_LANGUAGES,
        "company_form": company_form or (Form.of(company) if company else Form()),
        "bank_form": bank_form or (Form.of(bank) if bank else Form()),
        "came_from": "welcome" if "welcome" in (request.query_params.get("from"), _typed(company_form, "from")) else "",
        "told": TOLD.get(request.query_params.get("done", "")),
    })  # fmt: skip


ROUTES = (show_settings, show_company, take_company, take_bank)
