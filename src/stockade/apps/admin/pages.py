"""Every page of the admin panel. A new one is a line here."""

from stockade.apps.admin import language, orders, sign_in

MODULES = (
    language,
    orders,
    sign_in,
)
ROUTES = tuple(route for module in MODULES for route in module.ROUTES)
