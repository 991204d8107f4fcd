"""How letters to customers are signed, and whether this installation can send any."""

from stockade.apps.admin.forms import Form, submitted
from stockade.apps.admin.routes import Fields, form, page
from stockade.apps.show import AnyRequest, Shown
from stockade.commerce.parties.api import READ_COMPANY, UPDATE_COMPANY
from stockade.commerce.parties.service.company import find_company
from stockade.kernel.words import N_
from stockade.mail.setting import MailSettingChange, read_setting, set_setting
from stockade.tenancy.transaction import Transaction

ADDRESS = "/settings/mail"
TOLD = {"saved": N_("Letters are signed like this from now on.")}


@page(ADDRESS, permission=READ_COMPANY)
async def show_mail(tx: Transaction, request: AnyRequest) -> Shown:
    """How letters are signed."""
    return await _mail_page(tx, request)


@form(ADDRESS, permission=UPDATE_COMPANY)
async def take_mail(request: AnyRequest, fields: Fields) -> Shown | str:
    """Set how letters are signed from now on."""

    async def again(tx: Transaction, typed: Form) -> Shown:
        return await _mail_page(tx, request, typed)

    return await submitted(
        request, fields, MailSettingChange, set_setting, again=again, then=f"{ADDRESS}?done=saved",
        current=read_setting,
    )  # fmt: skip


async def _mail_page(tx: Transaction, request: AnyRequest, typed: Form | None = None) -> Shown:
    setting = await read_setting(tx)
    company = await find_company(tx)
    settings = request.app.state.installation.settings
    return Shown("settings/mail.html", {
        "setting": setting, "form": typed or Form.of(setting), "company_name": company.legal_name if company else "",
        "sends": bool(settings.smtp_url), "sender": settings.mail_from or "",
        "told": TOLD.get(request.query_params.get("done", "")),
    })  # fmt: skip


ROUTES = (show_mail, take_mail)
