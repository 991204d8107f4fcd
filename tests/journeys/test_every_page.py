"""Every page of the panel, in both themes and on a phone: no barrier that axe knows, no page wider than its window."""

from typing import Any

from tests.journeys.looking import seen
from tests.journeys.serving import Serving
from tests.journeys.visiting import sign_in, visit

PAGES = (
    "/", "/orders", "/orders/new", "/customers", "/customers/new", "/products", "/products/new", "/stock",
    "/stock/moves", "/stock/receive", "/stock/transfer", "/stock/adjust", "/stock/warehouses", "/stock/counts",
    "/stock/counts/new", "/invoices", "/payments", "/payments/new", "/payments/bank", "/imports", "/imports/new",
    "/members", "/members/new", "/security", "/keys", "/keys/new", "/trail", "/settings/company", "/settings/numbering",
    "/settings/vat", "/settings/mail", "/settings/branding", "/settings/sign-in", "/settings/sign-on",
    "/settings/sign-on/new/oidc", "/settings/sign-on/new/saml", "/settings/sign-on/new/ldap",
    "/settings/sign-on/issuers/new", "/settings/provisioning", "/roles", "/roles/new", "/alerts", "/alerts/policy",
    "/reviews", "/reviews/policy", "/operator-access", "/welcome", "/ui",
)  # fmt: skip
LISTS = ("/orders", "/customers", "/products", "/stock/moves", "/invoices", "/payments", "/members", "/trail")
"""Of these, the first row's page is looked at, too."""
PARTS = {"/customers": ("/statement", "/activity", "/edit", "/contacts/new", "/addresses/new"),
         "/products": ("/prices", "/edit", "/substitutes")}  # fmt: skip


async def test_no_page_has_a_barrier_and_none_is_wider_than_its_window(
    browser: Any, serving: Serving, link: str
) -> None:
    person = await visit(browser, serving, bypass_csp=True)
    await sign_in(person, link)
    paths = list(PAGES)
    for address in LISTS:
        await person.see(address)
        first = person.page.locator("a.row-link").first
        if await first.count():
            record = str(await first.get_attribute("href"))
            paths += [record, *(record + part for part in PARTS.get(address, ()))]
    found: list[str] = []
    for path in paths:
        found += await seen(person, path)
    await person.leave()
    assert found == []
    assert person.complaints == []
