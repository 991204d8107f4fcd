"""Settings: the company, its numbers, VAT rates, mail, provisioning, and how documents look."""

from stockade.apps.admin.settings import branding, company, mail, numbering, provisioning, vat

ROUTES = (*company.ROUTES, *numbering.ROUTES, *vat.ROUTES, *branding.ROUTES, *mail.ROUTES, *provisioning.ROUTES)
