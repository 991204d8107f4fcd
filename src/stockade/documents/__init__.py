"""Documents that leave the house as PDF: invoice, credit note, statement of account.

Public face: the documents (``model``), ``render_invoice``, ``render_statement`` and ``check_branding``.
"""

from stockade.documents.model import (
    AgeingBucket,
    Branding,
    DocumentLine,
    EntryKind,
    FiguresDisagree,
    InvoiceDocument,
    Locale,
    Party,
    PaymentInstructions,
    StatementDocument,
    StatementEntry,
    VatCategory,
    VatGroup,
)
from stockade.documents.render import UnusableBranding, check_branding, render_invoice, render_statement

__all__ = [
    "AgeingBucket",
    "Branding",
    "DocumentLine",
    "EntryKind",
    "FiguresDisagree",
    "InvoiceDocument",
    "Locale",
    "Party",
    "PaymentInstructions",
    "StatementDocument",
    "StatementEntry",
    "UnusableBranding",
    "VatCategory",
    "VatGroup",
    "check_branding",
    "render_invoice",
    "render_statement",
]
