"""Settings as people use them: what is saved, what is refused at its field, and what a viewer does not see."""

from io import BytesIO

import pytest
from PIL import Image
from tests.apps.admin.browsing import Person, signed_in, told
from tests.conftest import TenantFixture
from tests.running import Site
from tests.walls.trading import Trader

from stockade.kernel.clock import today

IBAN = "DE89370400440532013000"
COMPANY = {
    "legal_name": "Nordlicht Handel GmbH", "street": "Kai 1", "postcode": "20457", "city": "Hamburg", "country": "DE",
    "locale": "en", "vat_id": "", "email": "", "phone": "",
}  # fmt: skip


@pytest.fixture
async def owner(site: Site, tenant: TenantFixture) -> Person:
    """The owner of a shop that is open."""
    await Trader(site, await site.key(tenant)).open_shop()
    return await signed_in(site, tenant)


def logo() -> bytes:
    out = BytesIO()
    Image.new("RGB", (60, 20), "navy").save(out, "PNG")
    return out.getvalue()


async def test_a_tenant_without_a_company_writes_it_down_here(site: Site, tenant: TenantFixture) -> None:
    person = await signed_in(site, tenant)
    assert "Currency" in await person.see("/settings")
    assert await person.done("/settings/company", **COMPANY | {"currency": "EUR"}) == "/settings/company?done=saved"
    page = await person.see("/settings/company?done=saved")
    assert "The company is saved." in page
    assert 'value="Nordlicht Handel GmbH"' in page


async def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_stays(owner: Person) -> None:
    wrong = COMPANY | {"expected_version": "1", "street": "", "vat_id": "DE1", "legal_name": "A <b>&"}
    response = await owner.send("/settings/company", **wrong)
    assert response.status_code == 422
    assert "Fill this in." in response.text
    assert 'id="error-street"' in response.text
    assert 'value="A &lt;b&gt;&amp;"' in response.text


async def test_somebody_who_was_slower_sees_both_versions(owner: Person) -> None:
    await owner.done("/settings/company", **COMPANY | {"expected_version": "1", "city": "Bremen"})
    response = await owner.send("/settings/company", **COMPANY | {"expected_version": "1", "city": "Kiel"})
    assert response.status_code == 409
    assert 'value="Kiel"' in response.text
    assert "Bremen" in response.text


async def test_the_bank_account_is_set_by_owners_and_masked_for_those_who_may_not_read_it(
    site: Site, tenant: TenantFixture, owner: Person
) -> None:
    assert await owner.done("/settings/bank", expected_version="1", iban=IBAN, bic="") == "/settings/company?done=bank"
    assert IBAN in await owner.see("/settings/company")
    admin, viewer = await signed_in(site, tenant, "admin"), await signed_in(site, tenant, "viewer")
    assert IBAN in await admin.see("/settings/company")
    assert 'action="/settings/bank"' not in await admin.see("/settings/company")
    seen = await viewer.see("/settings/company")
    assert IBAN not in seen
    assert "•••3000" in seen


async def test_a_viewer_sees_every_setting_and_no_form_that_would_be_refused(
    site: Site, tenant: TenantFixture, owner: Person
) -> None:
    viewer = await signed_in(site, tenant, "viewer")
    for part in ("company", "numbering", "vat", "branding", "mail"):
        page = await viewer.see(f"/settings/{part}")
        assert f'action="/settings/{part}"' not in page
        assert (await viewer.send(f"/settings/{part}")).status_code == 403


async def test_a_series_in_use_says_so_and_another_can_be_set(owner: Person) -> None:
    page = told(await owner.see("/settings/numbering"))
    assert f"INV-{today().year}-000001" in page
    assert "in use" in page  # the customer of the open shop has a number
    await owner.done("/settings/numbering", series="INV", prefix="FV", next="118")
    assert f"FV-{today().year}-000118" in await owner.see("/settings/numbering")
    refused = await owner.send("/settings/numbering", series="CN", prefix="FV", next="1")
    assert refused.status_code == 409
    assert "Another series begins" in refused.text


async def test_a_vat_rate_is_set_from_a_day_on(owner: Person) -> None:
    await owner.done("/settings/vat", category="reduced", rate="7", valid_from="2026-01-01")
    await owner.done("/settings/vat", category="reduced", rate="8.5", valid_from="2099-01-01")
    page = told(await owner.see("/settings/vat"))
    assert "Reduced 7%" in page
    assert "8.5% from 1 Jan 2099" in page
    refused = await owner.send("/settings/vat", category="reduced", rate="107", valid_from="2026-01-01")
    assert refused.status_code == 422
    assert 'value="107"' in refused.text


async def test_letters_are_signed_as_was_typed_and_a_bad_address_is_told(owner: Person) -> None:
    assert "sends no mail yet" in await owner.see("/settings/mail")
    fields = {"expected_version": "0", "sender_name": "", "reply_to": "sales@example.com", "signature": "Yours\r\nAda"}
    assert await owner.done("/settings/mail", **fields) == "/settings/mail?done=saved"
    page = await owner.see("/settings/mail")
    assert "Yours\nAda" in page
    assert "sales@example.com" in page
    refused = await owner.send("/settings/mail", **fields | {"expected_version": "1", "reply_to": "nobody"})
    assert refused.status_code == 422
    assert 'id="error-reply_to"' in refused.text
    assert (await owner.send("/settings/mail", **fields)).status_code == 409


async def test_a_logo_is_uploaded_shown_and_taken_away(owner: Person) -> None:
    fields = {"expected_version": "0", "accent": "#aa0000", "footer": "Register court\r\nHamburg"}
    await owner.done("/settings/branding", files={"logo": ("logo.png", logo(), "image/png")}, **fields)
    page = await owner.see("/settings/branding")
    assert "/settings/branding/logo.png" in page
    assert "Register court\nHamburg" in page
    picture = await owner.ask("GET", "/settings/branding/logo.png")
    assert picture.headers["content-type"] == "image/png"
    with Image.open(BytesIO(picture.content)) as opened:
        assert opened.size == (60, 20)
    await owner.done("/settings/branding", expected_version="1", accent="#aa0000", footer="", remove_logo="on")
    assert (await owner.ask("GET", "/settings/branding/logo.png")).status_code == 404


async def test_a_file_that_is_no_picture_is_refused_at_its_field(owner: Person) -> None:
    fields = {"expected_version": "0", "accent": "#aa0000", "footer": "kept"}
    for content in (b"<svg onload=alert(1)>", b"x" * 1_000_001):
        refused = await owner.send("/settings/branding", files={"logo": ("logo.png", content, "image/png")}, **fields)
        assert refused.status_code == 422
        assert 'id="error-logo"' in refused.text
        assert "kept" in refused.text


async def test_the_preview_is_a_picture_of_what_is_typed(owner: Person) -> None:
    plain = await owner.ask("GET", "/settings/branding/preview.png")
    other = await owner.ask("GET", "/settings/branding/preview.png?accent=%23aa0000&footer=Other")
    assert plain.headers["content-type"] == "image/png"
    with Image.open(BytesIO(plain.content)) as opened:
        assert opened.width > 800
    assert plain.content != other.content
    assert (await owner.ask("GET", "/settings/branding/preview.png?accent=red")).status_code in (400, 422)


async def test_the_preview_works_before_there_is_a_company(site: Site, tenant: TenantFixture) -> None:
    person = await signed_in(site, tenant)
    assert (await person.ask("GET", "/settings/branding/preview.png")).status_code == 200
