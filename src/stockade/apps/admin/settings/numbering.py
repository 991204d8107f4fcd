"""The numbers that documents carry: what comes next, and how a series begins."""

from stockade.apps.admin.forms import Form, submitted
from stockade.apps.admin.routes import Fields, form, page
from stockade.apps.show import AnyRequest, Shown
from stockade.commerce.numbering.api import READ, UPDATE
from stockade.commerce.numbering.series import KINDS, SeriesSetting, list_series, set_series
from stockade.kernel.words import N_
from stockade.tenancy.transaction import Transaction

ADDRESS = "/settings/numbering"
TOLD = {"saved": N_("The series is saved.")}


@page(ADDRESS, permission=READ)
async def show_numbering(tx: Transaction, request: AnyRequest) -> Shown:
    """Every series and the number that comes next."""
    return await _numbering_page(tx, request)


@form(ADDRESS, permission=UPDATE)
async def take_series(request: AnyRequest, fields: Fields) -> Shown | str:
    """Set how a series begins."""

    async def again(tx: Transaction, typed: Form) -> Shown:
        return await _numbering_page(tx, request, fields.get("series", ""), typed)

    return await submitted(request, fields, SeriesSetting, set_series, again=again, then=f"{ADDRESS}?done=saved")


async def _numbering_page(
    tx: Transaction, request: AnyRequest, typed_for: str = "", typed: Form | None = None
) -> Shown:
    listed = await list_series(tx)
    forms = {view.series: Form({"prefix": view.prefix, "next": str(view.next)}) for view in listed}
    if typed is not None:
        forms[typed_for] = typed
    return Shown("settings/numbering.html", {
        "series": listed, "forms": forms, "typed_for": typed_for, "kinds": KINDS,
        "told": TOLD.get(request.query_params.get("done", "")),
    })  # fmt: skip


ROUTES = (show_numbering, take_series)
