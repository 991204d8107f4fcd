"""What permissions are called in the editor of roles: their modules and verbs. A test finds those without a name."""

from stockade.kernel.words import N_

MODULES = {
    "alerts": N_("Alerts"), "audit": N_("Audit trail"), "catalog": N_("Products"), "imports": N_("Imports"),
    "invoices": N_("Invoices"), "keys": N_("API keys"), "members": N_("Members"), "orders": N_("Orders"),
    "parties": N_("Customers"), "payments": N_("Payments"), "receivables": N_("Receivables"),
    "provisioning": N_("Provisioning"), "reviews": N_("Access reviews"), "roles": N_("Roles"),
    "settings": N_("Settings"), "sign_in_policy": N_("Sign-in policy"), "signon": N_("Single sign-on"),
    "stock": N_("Stock"), "support": N_("Operators' access"),
}  # fmt: skip
VERBS = {
    "acknowledge": N_("Acknowledge"), "adjust": N_("Correct"), "allocate": N_("Settle invoices with"),
    "archive": N_("Archive and restore"), "bank": N_("See the bank account"), "cancel": N_("Cancel"),
    "change": N_("Change"), "close": N_("Close"), "configure": N_("Set up"), "confirm": N_("Confirm"),
    "cost": N_("See costs and margins"), "count": N_("Count"), "create": N_("Add"),
    "decide": N_("Decide"), "credit": N_("Credit"), "hold": N_("Put on hold"), "issue": N_("Issue"),
    "manage": N_("Manage"),
    "place": N_("Take"), "price": N_("Change prices and discounts"), "read": N_("See"), "receive": N_("Receive"),
    "record": N_("Record"), "release": N_("Release holds"), "run": N_("Run"), "send": N_("Send by mail"),
    "set": N_("Set"), "set_bank": N_("Change the bank account"), "set_cost": N_("Change costs"),
    "set_credit": N_("Change credit limits"), "set_vat_rate": N_("Change VAT rates"), "ship": N_("Pick and ship"),
    "update": N_("Change"), "write_off": N_("Write off"),
}  # fmt: skip
