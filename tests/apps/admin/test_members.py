"""Members as people manage them: nobody gives what they do not have, and a way in is shown once."""

import re

import pytest
from tests.apps.admin.browsing import Person, signed_in, told
from tests.apps.test_signing_in import browser, token_on
from tests.conftest import TenantFixture
from tests.running import Site

from stockade.kernel.ids import new_id

LINK = re.compile(r'value="(https://[^"]+/sign-in/once\?token=[\w-]+)"')


@pytest.fixture
async def owner(site: Site, tenant: TenantFixture) -> Person:
    """An owner."""
    return await signed_in(site, tenant)


async def id_of(person: Person, name: str) -> str:
    found = re.search(rf'href="/members/([0-9a-f-]+)"><bdi>{name}', await person.see("/members"))
    assert found
    return found[1]


async def invited(person: Person, role: str = "member") -> str:
    """Invite somebody and return the link."""
    response = await person.send("/members/new", name="Eve", email=f"{new_id().hex}@example.com", role=role)
    assert response.status_code == 200, told(response.text)
    found = LINK.search(response.text)
    assert found
    return found[1]


async def test_the_link_of_an_invitation_lets_in_once(site: Site, owner: Person) -> None:
    path = (await invited(owner)).partition("//")[2].partition("/")[2]
    async with browser(site) as client:
        token = await token_on(client, f"/{path}")
        secret = path.partition("token=")[2]
        entered = await client.post("/sign-in/once", data={"csrf_token": token, "token": secret})
        assert entered.status_code == 303
        again = await client.post("/sign-in/once", data={"csrf_token": token, "token": secret})
        assert again.status_code in (401, 403)


async def test_an_invitation_sent_twice_makes_one_member_and_shows_no_second_link(owner: Person) -> None:
    fields = {"name": "Eve", "email": "eve@example.com", "role": "viewer", "idempotency_key": new_id().hex}
    assert LINK.search((await owner.send("/members/new", **fields)).text)
    second = await owner.send("/members/new", **fields)
    assert second.status_code == 303
    assert second.headers["location"].startswith("/members/")


async def test_somebody_who_is_a_member_already_is_not_invited_again(owner: Person) -> None:
    fields = {"name": "Eve", "email": "eve2@example.com", "role": "viewer"}
    assert (await owner.send("/members/new", **fields)).status_code == 200
    refused = await owner.send("/members/new", **fields)
    assert refused.status_code == 409
    assert "is a member already" in refused.text


async def test_an_admin_neither_makes_owners_nor_touches_them(site: Site, tenant: TenantFixture, owner: Person) -> None:
    admin = await signed_in(site, tenant, "admin")
    page = await admin.see("/members/new")
    assert 'value="admin"' in page
    assert 'value="owner"' not in page
    refused = await admin.send("/members/new", name="Eve", email="e@example.com", role="owner")
    assert refused.status_code == 403
    theirs = await id_of(admin, "The owner")
    assert "has a higher role than you" in told(await admin.see(f"/members/{theirs}"))
    assert (await admin.send(f"/members/{theirs}", role="viewer", state="active")).status_code == 403
    # Attack: an admin who makes a link for an owner signs in as one.
    assert (await admin.send(f"/members/{theirs}/link")).status_code == 403


async def test_a_role_is_changed_access_ends_at_once_and_comes_back(
    site: Site, tenant: TenantFixture, owner: Person
) -> None:
    member = await signed_in(site, tenant, "member")
    theirs = await id_of(owner, "The member")
    assert await owner.done(f"/members/{theirs}", role="viewer", state="active") == f"/members/{theirs}?done=changed"
    assert (await member.send("/members/new")).status_code == 403
    await owner.done(f"/members/{theirs}", role="viewer", state="ended", done="ended")
    assert (await member.ask("GET", "/members")).status_code == 303  # to the sign-in
    page = await owner.see(f"/members/{theirs}")
    assert "Give access again" in page
    assert (await owner.send(f"/members/{theirs}/link")).status_code == 409
    await owner.done(f"/members/{theirs}", role="viewer", state="active", done="back")
    assert LINK.search((await owner.send(f"/members/{theirs}/link")).text)


async def test_the_last_owner_stays(owner: Person) -> None:
    own = await id_of(owner, "The owner")
    for fields in ({"role": "viewer", "state": "active"}, {"role": "owner", "state": "ended"}):
        refused = await owner.send(f"/members/{own}", **fields)
        assert refused.status_code == 409
        assert "last owner" in refused.text


async def test_a_key_makes_no_way_in_for_a_person(site: Site, tenant: TenantFixture, owner: Person) -> None:
    """Attack: a leaked key that makes a session, which outlives the key."""
    theirs = await id_of(owner, "The owner")
    key = await site.key(tenant)
    headers = {"Authorization": f"Bearer {key}"}
    made = await site.client.post(f"/members/{theirs}/link", data={"csrf_token": "x"}, headers=headers)
    assert made.status_code == 403
    assert "sign-in/once" not in made.text


async def test_a_viewer_sees_members_and_no_button(site: Site, tenant: TenantFixture, owner: Person) -> None:
    viewer = await signed_in(site, tenant, "viewer")
    assert "/members/new" not in await viewer.see("/members")
    page = await viewer.see(f"/members/{await id_of(viewer, 'The owner')}")
    assert "<form" not in page[page.index("<main") : page.index("</main>")]
