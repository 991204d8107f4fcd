"""Documents that leave the house as PDF: what is owed (invoice, credit note, statement), ordered (confirmation), and
what travels with goods (delivery note, pick list).

Public face: the documents (``model``), ``render``, ``page_images``, ``check_branding`` and ``cleaned_logo``.
"""

from stockade.documents.logo import cleaned_logo
from stockade.documents.model import (
    AgeingBucket,
    Branding,
    DeliveryLine,
    DeliveryNote,
    Document,
    DocumentLine,
    EntryKind,
    FiguresDisagree,
    InvoiceDocument,
    Locale,
    OrderConfirmation,
    Party,
    PaymentInstructions,
    PickLine,
    PickList,
    StatementDocument,
    StatementEntry,
    VatCategory,
    VatGroup,
)
from stockade.documents.render import (
    UnusableBranding,
    check_branding,
    page_images,
    render,
    render_invoice,
    render_statement,
)

__all__ = [
    "AgeingBucket",
    "Branding",
    "DeliveryLine",
    "DeliveryNote",
    "Document",
    "DocumentLine",
    "EntryKind",
    "FiguresDisagree",
    "InvoiceDocument",
    "Locale",
    "OrderConfirmation",
    "Party",
    "PaymentInstructions",
    "PickLine",
    "PickList",
    "StatementDocument",
    "StatementEntry",
    "UnusableBranding",
    "VatCategory",
    "VatGroup",
    "check_branding",
    "cleaned_logo",
    "page_images",
    "render",
    "render_invoice",
    "render_statement",
]
