"""Branding: set from now on, remembered by what was issued, and never a stranger's file."""

from base64 import b64encode
from io import BytesIO

import pytest
from PIL import Image
from tests.conftest import MakeTenant, TenantFixture
from tests.documents.reading import text
from tests.running import Site
from tests.walls.trading import Trader

from stockade.commerce.parties.service import branding
from stockade.commerce.parties.service.branding import BrandingChange, TooManyLogos, dress, read_branding, set_branding
from stockade.documents import UnusableBranding
from stockade.kernel.problems import Invalid, VersionConflict
from stockade.tenancy.transaction import Database


def picture(colour: str = "green", kind: str = "PNG") -> str:
    """Return a picture in base64."""
    out = BytesIO()
    Image.new("RGB", (30, 10), colour).save(out, kind)
    return b64encode(out.getvalue()).decode()


async def set_to(database: Database, tenant: TenantFixture, **change: object) -> int:
    async with database.transaction(tenant.principal) as tx:
        before = await read_branding(tx)
        return (await set_branding(tx, BrandingChange(expected_version=before.version, **change))).version  # type: ignore[arg-type]  # fields by name


async def test_what_is_left_out_stays(database: Database, tenant: TenantFixture) -> None:
    await set_to(database, tenant, logo=picture(), footer="Bristol")
    await set_to(database, tenant, accent="#AA0000")
    async with database.transaction(tenant.principal) as tx:
        look = await dress(tx)
    assert (look.accent, look.footer) == ("#aa0000", "Bristol")
    assert look.logo is not None
    await set_to(database, tenant, logo=None)
    async with database.transaction(tenant.principal) as tx:
        assert (await dress(tx)).logo is None


async def test_of_two_at_once_the_second_is_told(database: Database, tenant: TenantFixture) -> None:
    await set_to(database, tenant, footer="one")
    with pytest.raises(VersionConflict):
        async with database.transaction(tenant.principal) as tx:
            await set_branding(tx, BrandingChange(expected_version=0, footer="two"))


@pytest.mark.parametrize("logo", ["AAAA", picture(kind="GIF"), b64encode(b"<svg/>").decode()])
async def test_a_file_that_is_no_picture_is_refused(database: Database, tenant: TenantFixture, logo: str) -> None:
    with pytest.raises(UnusableBranding):
        await set_to(database, tenant, logo=logo)


async def test_what_is_not_base64_is_refused(database: Database, tenant: TenantFixture) -> None:
    with pytest.raises(Invalid):
        await set_to(database, tenant, logo="A")


async def test_the_same_picture_is_kept_once_and_pictures_are_bounded(
    database: Database, tenant: TenantFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(branding, "MOST_LOGOS", 2)
    for colour in ("red", "green", "red", "green"):
        await set_to(database, tenant, logo=picture(colour))
    with pytest.raises(TooManyLogos):
        await set_to(database, tenant, logo=picture("blue"))


async def test_one_tenant_does_not_wear_anothers_looks(
    database: Database, tenant: TenantFixture, make_tenant: MakeTenant
) -> None:
    await set_to(database, tenant, footer="mine", logo=picture())
    async with database.transaction((await make_tenant()).principal) as tx:
        look = await dress(tx)
    assert (look.footer, look.logo) == ("", None)


async def test_an_issued_invoice_keeps_its_looks_to_the_byte(site: Site, tenant: TenantFixture) -> None:
    trader = Trader(site, await site.key(tenant))
    await trader.open_shop()
    plain = await trader.invoiced()
    before = await trader.ask("GET", f"/invoices/{plain['id']}/pdf")
    await trader.ask("POST", "/branding", {"expected_version": 0, "footer": "First footer", "logo": picture()})
    branded = await trader.invoiced()
    first = await trader.ask("GET", f"/invoices/{branded['id']}/pdf")
    await trader.ask("POST", "/branding", {"expected_version": 1, "footer": "Second footer", "logo": None})
    assert await trader.ask("GET", f"/invoices/{plain['id']}/pdf") == before
    assert await trader.ask("GET", f"/invoices/{branded['id']}/pdf") == first
    assert "First footer" in text(first)
    note = await trader.make("/credit-notes", {"invoice_id": branded["id"], "reason": "Broken"}, "credit_note_id")
    assert "First footer" in text(await trader.ask("GET", f"/invoices/{note['id']}/pdf"))


async def test_only_admins_set_the_branding(site: Site, tenant: TenantFixture) -> None:
    trader = Trader(site, await site.key(tenant, "member"))
    await trader.ask("GET", "/branding")
    await trader.ask("POST", "/branding", {"expected_version": 0, "footer": "x"}, status=403)
