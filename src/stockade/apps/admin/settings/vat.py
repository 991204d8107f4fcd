"""VAT rates: what each category is charged, since when, and from when on something else."""

from itertools import groupby

import msgspec

from stockade.apps.admin.forms import Form, submitted
from stockade.apps.admin.routes import Fields, form, page
from stockade.apps.show import AnyRequest, Shown
from stockade.commerce.catalog.api import READ, SET_VAT_RATE
from stockade.commerce.catalog.model import VAT_CATEGORIES
from stockade.commerce.catalog.rules import WITHOUT_VAT
from stockade.commerce.catalog.service.vat import VatRateSetting, VatRateView, list_vat_rates, set_vat_rate
from stockade.kernel.clock import today
from stockade.kernel.words import N_
from stockade.tenancy.transaction import Transaction

ADDRESS = "/settings/vat"
TOLD = {"saved": N_("The rate is saved.")}
CATEGORIES = {
    "standard": N_("Standard"), "reduced": N_("Reduced"), "super_reduced": N_("Super-reduced"),
    "zero": N_("Zero rated"), "exempt": N_("Exempt"), "outside": N_("Outside the scope"),
}  # fmt: skip


class Category(msgspec.Struct, frozen=True):
    """A category with its rates: the one of today (or none), those to come, those that were."""

    name: str
    label: str
    current: VatRateView | None
    coming: list[VatRateView]
    past: list[VatRateView]
    without_vat: bool


@page(ADDRESS, permission=READ)
async def show_vat(tx: Transaction, request: AnyRequest) -> Shown:
    """Every category and its rates."""
    return await _vat_page(tx, request, Form())


@form(ADDRESS, permission=SET_VAT_RATE)
async def take_vat(request: AnyRequest, fields: Fields) -> Shown | str:
    """Set a category's rate from a day on."""

    async def again(tx: Transaction, typed: Form) -> Shown:
        return await _vat_page(tx, request, typed)

    return await submitted(request, fields, VatRateSetting, set_vat_rate, again=again, then=f"{ADDRESS}?done=saved")


async def _vat_page(tx: Transaction, request: AnyRequest, typed: Form) -> Shown:
    rates = await list_vat_rates(tx)
    by_name = {name: list(group) for name, group in groupby(rates, key=lambda rate: rate.category)}
    return Shown("settings/vat.html", {
        "categories": [_category(name, by_name.get(name, [])) for name in VAT_CATEGORIES], "form": typed,
        "choices": {name: label for name, label in CATEGORIES.items() if name not in WITHOUT_VAT},
        "today": today(), "told": TOLD.get(request.query_params.get("done", "")),
    })  # fmt: skip


def _category(name: str, newest_first: list[VatRateView]) -> Category:
    day = today()
    coming = [rate for rate in newest_first if rate.valid_from > day]
    begun = [rate for rate in newest_first if rate.valid_from <= day]
    current = begun[0] if begun else None
    return Category(name, CATEGORIES[name], current, coming[::-1], begun[1:], name in WITHOUT_VAT)


ROUTES = (show_vat, take_vat)
