"""Every page of the panel, in both themes and on a phone: no barrier that axe knows, no page wider than its window."""

from typing import Any

import pytest
from tests.journeys.serving import Serving
from tests.journeys.test_first_pages import AXE, DESKTOP, PHONE, Visit, link, sign_in, visit

__all__ = ["link"]
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
RULES: dict[str, dict[str, Any]] = {
    "light": {"resultTypes": ["violations"]},
    "dark": {"resultTypes": ["violations"], "runOnly": {"type": "rule", "values": ["color-contrast"]}},
    "phone": {"resultTypes": ["violations"]},
}
"""In the dark only the colours differ."""
LISTS = ("/orders", "/customers", "/products", "/stock/moves", "/invoices", "/payments", "/members", "/trail")
"""Of these, the first row's page is looked at, too."""
PARTS = {"/customers": ("/statement", "/activity", "/edit", "/contacts/new", "/addresses/new"),
         "/products": ("/prices", "/edit", "/substitutes")}  # fmt: skip


@pytest.mark.parametrize("look", ["light", "dark", "phone"])
async def test_no_page_has_a_barrier_and_none_is_wider_than_its_window(
    browser: Any, serving: Serving, link: str, look: str
) -> None:
    scheme = "light" if look == "light" else "dark" if look == "dark" else "light"
    options = {"color_scheme": scheme, "viewport": PHONE if look == "phone" else DESKTOP, "bypass_csp": True}
    person = await visit(browser, serving, **options)
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
        found += await examined(person, path, look)
    await person.leave()
    assert found == []
    assert person.complaints == []


async def examined(person: Visit, path: str, look: str) -> list[str]:
    """Look at one page: answered well, axe content, no wider than the window."""
    answer = await person.page.goto(person.origin + path)
    if answer.status != 200:
        return [f"{path}: answered with {answer.status}"]
    await person.page.wait_for_function("!document.querySelector('.htmx-request')")
    name = "-".join(part for part in path.strip("/").split("/") if len(part) < 30) or "start"
    await person.picture(f"{name}-{look}")
    await person.page.add_script_tag(path=AXE)
    report = await person.page.evaluate("options => axe.run(document, options)", RULES.get(look, RULES["light"]))
    wide = await person.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    told = [f"{path} ({look}): {it['id']} ({it['help']}) {it['nodes'][0]['html'][:200]}" for it in report["violations"]]
    return told + ([f"{path} ({look}): {wide} pixels too wide"] if wide > 0 else [])
