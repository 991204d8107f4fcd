"""The console's pages, and an access that is used in the customer's panel, on the running application."""

import re
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pyotp
import pytest
from tests.conftest import Server, TenantFixture
from tests.platform.conftest import MakeOperator, Person
from tests.running import Site, running_site
from tests.walls.inhabitants import session_of

from stockade.access.admission import ACCESS_COOKIE, PLATFORM, SESSION_COOKIE
from stockade.access.permissions import PERMISSIONS
from stockade.apps.platform.pages import ROUTES
from stockade.apps.site import routes_of
from stockade.kernel.problems import Refusal
from stockade.kernel.settings import load_settings
from stockade.platform.accesses import end_as_customer, find_principal, list_uses, needs_approval, set_terms
from stockade.platform.admission import OPERATOR_COOKIE
from stockade.platform.model import NEVER_WRITTEN
from stockade.platform.permissions import ANYBODY
from stockade.tenancy.transaction import Unauthenticated
from stockade.web.csrf import Csrf

HTML = {"Accept": "text/html"}


class Browser:
    """A browser of one person: cookies, and the CSRF token of the last page."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.cookies: dict[str, str] = {}
        self.page = ""

    async def get(self, path: str) -> httpx.Response:
        return await self._ask("GET", path)

    async def post(self, path: str, **fields: str) -> httpx.Response:
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.page)
        return await self._ask("POST", path, data={"csrf_token": found[1] if found else ""} | fields)

    async def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        header = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = HTML | ({"Cookie": header} if header else {})
        answer = await self.site.client.request(method, path, headers=headers, **more)
        self.site.client.cookies.clear()
        for text in answer.headers.get_list("set-cookie"):
            name, _, value = text.partition(";")[0].partition("=")
            self.cookies[name] = value
            if "max-age=0" in text.lower():
                del self.cookies[name]
        if answer.status_code not in (303, 307):
            self.page = answer.text
        return answer


async def signed_in(site: Site, person: Person) -> Browser:
    browser = Browser(site)
    assert (await browser.get("/platform/sign-in")).status_code == 200
    answer = await browser.post("/platform/sign-in", email=person.email, password=person.password, code=person.code())
    assert (answer.status_code, answer.headers["location"]) == (303, "/platform"), answer.text
    return browser


@pytest.fixture
async def browsers(site: Site, make_operator: MakeOperator) -> tuple[Browser, Browser]:
    return await signed_in(site, await make_operator()), await signed_in(site, await make_operator())


async def entered(browsers: tuple[Browser, Browser], tenant: TenantFixture, **more: str) -> tuple[Browser, str]:
    """The first operator asks, the second approves, the first enters."""
    asker, other = browsers
    await asker.get("/platform/accesses/new")
    wanted = {"tenant_id": str(tenant.id), "reason": "A customer cannot print", "ticket": "T-7", "minutes": "30",
              "module.orders": "on"} | more  # fmt: skip
    answer = await asker.post("/platform/accesses/new", **wanted)
    assert answer.status_code == 303, answer.text
    page = answer.headers["location"].partition("?")[0]
    await asker.get(page)
    assert (await asker.post(f"{page}/approve")).status_code == 409
    assert "Look into the panel" not in asker.page
    await other.get(page)
    assert (await other.post(f"{page}/approve")).status_code == 303
    await asker.get(page)
    answer = await asker.post(f"{page}/enter")
    assert answer.status_code == 303, answer.text
    cookie = answer.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("__host-breakglass=bg_", "httponly", "secure", "samesite=strict", "path=/"))
    return asker, answer.headers["location"]


async def test_the_session_is_a_cookie_of_the_consoles_own(browsers: tuple[Browser, Browser]) -> None:
    browser, _ = browsers
    assert browser.cookies[OPERATOR_COOKIE].startswith("op_")
    for path in ("/platform/tenants", "/platform/accesses", "/platform/operators", "/platform/security"):
        answer = await browser.get(path)
        assert answer.status_code == 200, answer.text
        assert "Operators" in answer.text
        assert answer.headers["cache-control"] == "no-store"
    assert (await browser.post("/platform/sign-out")).status_code == 303
    assert (await browser.get("/platform/tenants")).headers["location"] == "/platform/sign-in"


async def test_a_stranger_is_sent_to_the_sign_in_and_a_wrong_one_told_one_thing(
    site: Site, make_operator: MakeOperator
) -> None:
    person, browser = await make_operator(), Browser(site)
    assert (await browser.get("/platform/tenants")).headers["location"] == "/platform/sign-in"
    for wrong in ({"password": "wrong"}, {"code": "000000"}, {"email": "nobody@platform.example"}):
        await browser.get("/platform/sign-in")
        given = {"email": person.email, "password": person.password, "code": person.code()} | wrong
        answer = await browser.post("/platform/sign-in", **given)
        assert answer.status_code == 401
        assert "do not go together" in answer.text
        assert OPERATOR_COOKIE not in browser.cookies


async def test_a_form_without_the_consoles_token_is_refused(
    site: Site, browsers: tuple[Browser, Browser], tenant: TenantFixture
) -> None:
    browser, other = browsers
    await other.get("/platform/security")
    browser.page = other.page
    assert (await browser.post("/platform/sign-out")).status_code == 403
    # A token of an organisation's pages, bound to this very cookie, is none of the console's.
    csrf = Csrf(site.installation.keyring.secret("session"))
    browser.page = f'name="csrf_token" value="{csrf.token(browser.cookies[OPERATOR_COOKIE])}"'
    assert (await browser.post("/platform/sign-out")).status_code == 403


async def test_no_cookie_opens_the_others_pages(
    site: Site, browsers: tuple[Browser, Browser], tenant: TenantFixture
) -> None:
    operator, session = browsers[0].cookies[OPERATOR_COOKIE], await session_of(site, tenant, "owner")
    asker, _ = await entered(browsers, tenant)
    access = asker.cookies[ACCESS_COOKIE]
    pages = [it for it in routes_of() if it.surface == PLATFORM and it.permission != ANYBODY.name]
    for route in pages:
        path = re.sub(r"\{[a-z_]+:uuid\}", str(tenant.id), route.path)
        for name in (OPERATOR_COOKIE, SESSION_COOKIE, ACCESS_COOKIE):
            for value in (session, access):
                answer = await site.client.request(route.method, path, headers={"Cookie": f"{name}={value}"})
                assert answer.status_code == 401, (route.path, name)
    for path in ("/orders", "/customers", "/operator-access", "/api/v1/orders"):
        for name, value in (
            (SESSION_COOKIE, operator), (ACCESS_COOKIE, operator), (OPERATOR_COOKIE, operator),
            (SESSION_COOKIE, access), (OPERATOR_COOKIE, access), (ACCESS_COOKIE, session),
        ):  # fmt: skip
            answer = await site.client.get(path, headers={"Cookie": f"{name}={value}"})
            assert answer.status_code == 401, (path, name)
    assert len(pages) >= len(ROUTES) - 2
    assert (await site.client.get("/orders", headers={"Cookie": f"{ACCESS_COOKIE}={access}"})).status_code == 200
    api = await site.client.get("/api/v1/orders", headers={"Cookie": f"{ACCESS_COOKIE}={access}"})
    assert api.status_code == 401


async def test_an_access_opens_the_panel_marked_and_within_its_modules(
    site: Site, browsers: tuple[Browser, Browser], tenant: TenantFixture
) -> None:
    asker, first = await entered(browsers, tenant)
    assert first == "/orders"
    page = await asker.get("/orders")
    assert page.status_code == 200
    assert page.text.count("Olga Operator by access T-7, ") > 10
    assert "minutes left" in page.text
    assert 'data-ends="1' in page.text
    refused = await asker.get("/customers")
    assert refused.status_code == 403
    assert (await asker.get("/orders/new")).status_code == 403
    assert (await asker.get("/operator-access")).status_code == 403
    csv = await asker.get("/orders.csv")
    assert csv.status_code == 200
    assert re.search(
        r'filename="operator-Olga-Operator-T-7-\d{8}T\d{4}Z-orders.csv"', csv.headers["content-disposition"]
    )
    assert csv.text.lstrip("\ufeff").startswith('"Operator Olga Operator by access T-7, ')


async def test_writing_takes_the_wish_and_stays_within_the_modules(
    site: Site, browsers: tuple[Browser, Browser], tenant: TenantFixture
) -> None:
    asker, _ = await entered(browsers, tenant, **{"module.parties": "on"})
    await asker.get("/customers")
    assert (await asker.get("/customers/new")).status_code == 403
    asker.cookies.pop(ACCESS_COOKIE)
    asker, _ = await entered(browsers, tenant, **{"module.parties": "on", "writes": "on"})
    assert (await asker.get("/customers/new")).status_code == 200
    assert "may change things" in asker.page


async def test_the_customer_ends_it_and_the_next_click_says_so(
    site: Site, browsers: tuple[Browser, Browser], tenant: TenantFixture
) -> None:
    asker, _ = await entered(browsers, tenant)
    assert (await asker.get("/orders")).status_code == 200
    access = UUID(await find_access(site, tenant))
    async with site.database.transaction(tenant.principal) as tx:
        assert ("GET", "/orders") in [(use.method, use.path) for use in await list_uses(tx, access)]
        await end_as_customer(tx, access)
    answer = await asker.get("/orders")
    assert answer.status_code == 401
    assert "The access has ended" in answer.text
    assert ACCESS_COOKIE not in asker.cookies
    assert (await asker.get("/orders")).headers["location"].startswith("/sign-in")


async def test_the_operator_leaves_by_the_banners_button(
    site: Site, browsers: tuple[Browser, Browser], tenant: TenantFixture
) -> None:
    asker, _ = await entered(browsers, tenant)
    await asker.get("/orders")
    access = asker.cookies[ACCESS_COOKIE]
    answer = await asker.post("/operator-access/leave")
    assert (answer.status_code, answer.headers["location"]) == (303, "/platform/accesses?done=ended")
    assert ACCESS_COOKIE not in asker.cookies
    asker.cookies[ACCESS_COOKIE] = access
    assert (await asker.get("/orders")).status_code == 401


async def test_what_runs_past_the_end_leaves_nothing_behind(
    site: Site, browsers: tuple[Browser, Browser], tenant: TenantFixture
) -> None:
    asker, _ = await entered(browsers, tenant, **{"module.catalog": "on", "writes": "on"})
    token = asker.cookies[ACCESS_COOKIE]
    principal = await find_principal(site.database, site.installation.credentials, token)
    assert principal is not None

    async def write_late() -> None:
        async with site.database.transaction(principal) as tx:
            await set_terms(tx, needed=True)
            async with site.database.transaction(tenant.principal) as other:
                await end_as_customer(other, principal.credential_id)

    with pytest.raises(Unauthenticated):
        await write_late()
    async with site.database.transaction(tenant.principal) as tx:
        assert not await needs_approval(tx)


async def test_the_customers_trail_names_the_operator_and_the_ticket(
    site: Site, browsers: tuple[Browser, Browser], tenant: TenantFixture
) -> None:
    asker, _ = await entered(browsers, tenant)
    await asker.get("/orders")
    customer = Browser(site)
    customer.cookies = {SESSION_COOKIE: await session_of(site, tenant, "owner")}
    page = await customer.get("/trail")
    assert page.text.count("Operator Olga Operator by access T-7") >= 4
    shown = await customer.get("/operator-access")
    assert "Olga Operator" in shown.text


async def test_password_and_authenticator_are_changed_with_the_present_password(
    site: Site, make_operator: MakeOperator
) -> None:
    person = await make_operator()
    browser = await signed_in(site, person)
    await browser.get("/platform/password")
    answer = await browser.post("/platform/password", password="yet another pass phrase", present="wrong")
    assert answer.status_code == 403
    assert "not your present password" in answer.text
    answer = await browser.post("/platform/password", password="yet another pass phrase", present=person.password)
    assert answer.status_code == 303
    person.password = "yet another pass phrase"
    await browser.get("/platform/security")
    await browser.post("/platform/authenticator")
    seed = re.search(r'id="secret-seed" value="([A-Z2-7]+)"', browser.page)
    sealed = re.search(r'name="sealed" value="([^"]+)"', browser.page)
    assert seed is not None
    assert sealed is not None
    given = {"sealed": sealed[1], "password": person.password}
    assert (await browser.post("/platform/authenticator/confirm", code="000000", **given)).status_code == 403
    fresh = pyotp.TOTP(seed[1])
    answer = await browser.post("/platform/authenticator/confirm", code=fresh.now(), **given)
    assert answer.status_code == 303, answer.text
    assert (await person.sign_in()).status_code == 401
    person.totp, person.ahead = fresh, 0
    assert (await person.sign_in()).status_code == 200


async def test_operators_take_out_others_and_never_themselves(site: Site, make_operator: MakeOperator) -> None:
    one, other = await make_operator(), await make_operator()
    browser, gone = await signed_in(site, one), await signed_in(site, other)
    await browser.get("/platform/operators")
    assert (await browser.post(f"/platform/operators/{one.enrolment.id}/deactivate")).status_code == 409
    assert (await browser.post(f"/platform/operators/{other.enrolment.id}/deactivate")).status_code == 303
    assert (await gone.get("/platform/tenants")).headers["location"] == "/platform/sign-in"


async def test_what_says_who_may_come_in_is_never_written_under_an_access() -> None:
    """A module that is new is decided upon here: part of the business, or of what an access may never change."""
    business = {"audit", "catalog", "desk", "imports", "invoices", "orders", "parties", "payments", "receivables",
                "settings", "stock", "testing"}  # fmt: skip
    assert {name.partition(":")[0] for name in PERMISSIONS} - business <= {*NEVER_WRITTEN}


async def test_signing_out_of_the_panel_ends_the_access(
    site: Site, browsers: tuple[Browser, Browser], tenant: TenantFixture
) -> None:
    asker, _ = await entered(browsers, tenant)
    await asker.get("/orders")
    answer = await asker.post("/sign-out")
    assert (answer.status_code, answer.headers["location"]) == (307, "/operator-access/leave")
    assert (await asker.post("/operator-access/leave")).status_code == 303
    assert ACCESS_COOKIE not in asker.cookies


async def test_from_elsewhere_nothing_is_on_the_operators_surface(
    site: Site, server: Server, database_name: str, tmp_path: Path
) -> None:
    for networks, status in ((("192.0.2.0/24",), 404), (("127.0.0.0/8", "::1/128"), 200)):
        home = tmp_path / str(status)
        home.mkdir()
        async with running_site(
            server.keyring.folder.parent,
            home,
            server.admin_dsn(database_name),
            site.database,
            operator_networks=networks,
        ) as other:
            for path in ("/platform/sign-in", "/platform/api/tenants"):
                answer = await other.client.get(path)
                assert answer.status_code == (status if status == 404 or "api" not in path else 401), path
            assert (await other.client.get("/healthz")).status_code == 200


def test_a_network_that_is_none_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="OPERATOR_NETWORKS names 'inside'"):
        load_settings({"STOCKADE_HOME": str(tmp_path), "STOCKADE_OPERATOR_NETWORKS": "inside"})


async def find_access(site: Site, tenant: TenantFixture) -> str:
    async with site.database.transaction(tenant.principal) as tx:
        row = await tx.fetchrow(
            "select id from platform.break_glass where tenant_id = $1 order by requested_at desc limit 1", tenant.id
        )
    return str(row[0])
