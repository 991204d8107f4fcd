"""Navigation: the sidebar's entries and the palette's actions, each with the permission that its page asks for."""

import msgspec

from stockade.kernel.words import N_


class Entry(msgspec.Struct, frozen=True):
    """A page or an action: shown to whoever has ``permission`` (everybody, if it is empty).

    ``name`` is what a page calls itself by ``{% set here = … %}``; ``key`` makes ``g`` and then it a way there.
    """

    name: str
    label: str
    symbol: str
    address: str
    permission: str = ""
    key: str = ""


class Group(msgspec.Struct, frozen=True):
    """Entries under one heading."""

    label: str
    entries: tuple[Entry, ...]


NAVIGATION = (
    Group(N_("Sell"), (
        Entry("dashboard", N_("Dashboard"), "house", "/", "orders:read", "d"),
        Entry("orders", N_("Orders"), "clipboard-list", "/orders", "orders:read", "o"),
        Entry("order_entry", N_("New order"), "phone-call", "/orders/new", "orders:place", "n"),
        Entry("customers", N_("Customers"), "users", "/customers", "parties:read", "c"),
    )),
    Group(N_("Catalogue and stock"), (
        Entry("products", N_("Products"), "package", "/products", "catalog:read", "p"),
        Entry("stock", N_("Stock"), "warehouse", "/stock", "stock:read", "s"),
        Entry("counts", N_("Counts"), "scan-barcode", "/stock/counts", "stock:read", "t"),
        Entry("imports", N_("Imports"), "import", "/imports", "imports:read", "u"),
    )),
    Group(N_("Money"), (
        Entry("invoices", N_("Invoices"), "receipt", "/invoices", "invoices:read", "i"),
        Entry("payments", N_("Payments"), "banknote", "/payments", "payments:read", "y"),
    )),
    Group(N_("Platform"), (
        Entry("members", N_("Members"), "user-cog", "/members", "members:read", "m"),
        Entry("keys", N_("API keys"), "key-round", "/keys", "keys:read", "k"),
        Entry("security", N_("Security"), "fingerprint-pattern", "/security", "security:read", "e"),
        Entry("reviews", N_("Access review"), "clipboard-check", "/reviews", "reviews:read"),
        Entry("alerts", N_("Security alerts"), "shield-alert", "/alerts", "alerts:read"),
        Entry("operator_access", N_("Operators' access"), "life-buoy", "/operator-access", "support:read"),
        Entry("trail", N_("Audit trail"), "history", "/trail", "audit:read", "a"),
        Entry("settings", N_("Settings"), "settings", "/settings/company", "settings:read", ","),
        Entry("trust", N_("Trust"), "shield-check", "/trust"),
        Entry("api_docs", N_("API docs"), "book-open", "/api/docs"),
    )),
)  # fmt: skip

ACTIONS = (
    Entry("new_order", N_("Take an order"), "plus", "/orders/new", "orders:place"),
    Entry("new_customer", N_("Add a customer"), "user-plus", "/customers/new", "parties:create"),
    Entry("new_product", N_("Add a product"), "package-plus", "/products/new", "catalog:create"),
    Entry("first_day", N_("First steps"), "rocket", "/welcome", "settings:read"),
    Entry("record_payment", N_("Record a payment"), "banknote", "/payments/new", "payments:record"),
    Entry("new_import", N_("Import a file"), "upload", "/imports/new", "imports:run"),
)
"""What the palette offers besides pages."""
