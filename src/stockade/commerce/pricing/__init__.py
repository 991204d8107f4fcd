"""Pricing: what a line costs, the VAT of a document, and its totals. Pure functions, shared by orders and invoices."""

from stockade.commerce.pricing.rules import Totals, VatGroup, VatLine, line_net, totals_of, vat_groups, vat_of

__all__ = ["Totals", "VatGroup", "VatLine", "line_net", "totals_of", "vat_groups", "vat_of"]
