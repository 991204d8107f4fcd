"""Settings: the company, its numbers, VAT rates, mail, provisioning, sign-in, sign-on, and how documents look."""

from stockade.apps.admin.settings import (
    branding,
    company,
    mail,
    numbering,
    provisioning,
    sign_in,
    sign_on,
    token_issuers,
    vat,
)

ROUTES = (
    *company.ROUTES, *numbering.ROUTES, *vat.ROUTES, *branding.ROUTES, *mail.ROUTES, *provisioning.ROUTES,
    *sign_in.ROUTES, *sign_on.ROUTES, *token_issuers.ROUTES,
)  # fmt: skip
