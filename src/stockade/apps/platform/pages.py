"""Every page of the console. A new one is a line here."""

from stockade.apps.platform import console, own

ROUTES = (*own.ROUTES, *console.ROUTES)
