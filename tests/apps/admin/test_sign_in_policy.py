"""The sign-in policy as people set it: it is kept, refused at its field, and never overwritten by somebody slower."""

from tests.apps.admin.browsing import Person, signed_in
from tests.conftest import TenantFixture
from tests.running import Site

from stockade.identity.factors.policy import demanded_of

ADDRESS = "/settings/sign-in"
GIVEN = {
    "passwords_allowed": "on", "second_factor_required": "", "attestation": "none", "attestation_roots": "",
    "aaguids": "", "cloned": "revoke", "expected_version": "0",
}  # fmt: skip


async def owner_of(site: Site, tenant: TenantFixture) -> Person:
    """The tenant's owner at a browser."""
    return await signed_in(site, tenant)


async def test_what_is_saved_holds_for_the_next_sign_in_and_stands_on_the_page(
    site: Site, tenant: TenantFixture
) -> None:
    owner = await owner_of(site, tenant)
    assert 'name="expected_version" value="0"' in await owner.see(ADDRESS)
    wanted = GIVEN | {"passwords_allowed": "", "second_factor_required": "on", "cloned": "refuse"}
    assert await owner.done(ADDRESS, **wanted) == f"{ADDRESS}?done=saved"
    demanded = await demanded_of(site.database, tenant.id)
    assert demanded.second_factor_required
    assert not demanded.passwords_allowed
    page = await owner.see(ADDRESS)
    assert 'name="expected_version" value="1"' in page
    assert '<option value="refuse" selected>' in page


async def test_somebody_who_was_slower_changes_nothing(site: Site, tenant: TenantFixture) -> None:
    owner = await owner_of(site, tenant)
    await owner.done(ADDRESS, **GIVEN)
    late = await owner.send(ADDRESS, **GIVEN | {"second_factor_required": "on"})
    assert late.status_code == 409
    assert not (await demanded_of(site.database, tenant.id)).second_factor_required


async def test_what_cannot_be_meant_is_said_at_its_field(site: Site, tenant: TenantFixture) -> None:
    owner = await owner_of(site, tenant)
    refused = await owner.send(ADDRESS, **GIVEN | {"attestation": "direct", "attestation_roots": "no certificate"})
    assert refused.status_code == 422
    assert 'id="error-attestation_roots"' in refused.text
    models = "08987058-cadc-4b81-b6e1-30de50dcbe96\nee882879-721c-4913-9775-3dfcce97072a"
    refused = await owner.send(ADDRESS, **GIVEN | {"aaguids": models})
    assert refused.status_code == 422
    assert 'id="error-aaguids"' in refused.text
    assert "08987058" in refused.text


async def test_members_neither_see_nor_set_it(site: Site, tenant: TenantFixture) -> None:
    member = await signed_in(site, tenant, "member")
    assert (await member.send(ADDRESS, **GIVEN)).status_code in (403, 404)
    assert ADDRESS not in await member.see("/settings/mail")
