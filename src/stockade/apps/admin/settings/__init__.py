"""Settings: the company, its numbers, VAT rates, mail, and how documents look."""

from stockade.apps.admin.settings import branding, company, mail, numbering, vat

ROUTES = (*company.ROUTES, *numbering.ROUTES, *vat.ROUTES, *branding.ROUTES, *mail.ROUTES)
