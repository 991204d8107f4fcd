"""Access reviews as people see them: opened, filtered, decided, kept together, closed, downloaded, and configured."""

import re
from typing import Any

import pytest
from tests.apps.admin.browsing import Person, signed_in, told
from tests.conftest import TenantFixture
from tests.identity.reviews.acting import Firm
from tests.running import Site

from stockade.access.rights import permissions_of
from stockade.identity.reviews.opening import open_review
from stockade.kernel.clock import now
from stockade.kernel.ids import new_id


@pytest.fixture
async def owner(site: Site, tenant: TenantFixture) -> Person:
    return await signed_in(site, tenant, "owner")


@pytest.fixture
async def firm(site: Site, tenant: TenantFixture, owner: Person) -> Firm:
    made = Firm(site.database, tenant)
    await made.hire("Ada <b>", "admin")
    await made.hire("Max", "member")
    await made.key("Ada <b>", "=Shop()")
    return made


def boxes(page: str) -> list[str]:
    return re.findall(r'name="item" value="([^"]+)"', page)


async def test_without_a_review_the_page_says_when_the_next_one_opens(owner: Person) -> None:
    page = told(await owner.see("/reviews"))
    assert "No review is open" in page
    assert "opens by itself on" in page


async def test_one_is_opened_by_hand_and_lists_everybody(owner: Person, firm: Firm) -> None:
    assert await owner.done("/reviews/open") == "/reviews?done=opened"
    page = await owner.see("/reviews")
    assert "Ada &lt;b&gt;" in page
    assert "=Shop()" in page
    assert "0 of 4" in told(page)
    assert len(boxes(page)) == 3  # not one's own
    assert (await owner.send("/reviews/open")).status_code == 409


async def test_each_filter_shows_what_it_says(owner: Person, firm: Firm, superuser: Any) -> None:
    await superuser.execute("set session_replication_role = replica")
    await superuser.execute(
        "update identity.membership set created_at = now() - interval '100 days' where id = $1", firm.members["Max"]
    )
    review = await firm.open()
    for name, people in {
        "all": 4,
        "undecided": 4,
        "unused": 1,
        "people": 3,
        "owners": 1,
        "keys": 1,
        "nonsense": 4,
    }.items():
        assert (await owner.see(f"/reviews/{review}?show={name}")).count("<tr data-row>") == people, name


async def test_a_decision_is_made_on_its_page_and_shown_in_the_list(owner: Person, firm: Firm) -> None:
    review = await firm.open()
    item = (await firm.items(review))["Max"]
    address = f"/reviews/{review}/items/{item.id}"
    assert "Remove access" in await owner.see(address)
    refused = await owner.send(address, expected_version="1", decision="remove", reason="", role="")
    assert refused.status_code == 422
    assert "Say why." in refused.text
    changed = {"expected_version": "1", "decision": "change", "reason": "Left the desk", "role": "viewer"}
    assert await owner.done(address, **changed) == f"/reviews/{review}?done=decided"
    stale = await owner.send(address, **changed)
    assert stale.status_code == 409
    assert "Somebody else changed this" in stale.text
    removal = {"expected_version": "2", "decision": "remove", "reason": "Left", "role": "viewer"}
    assert await owner.done(address, **removal) == f"/reviews/{review}?done=removed"
    assert "Remove access" not in await owner.see(address)
    assert "Removed The owner" in told(await owner.see(f"/reviews/{review}?show=all"))


async def test_several_are_kept_together_with_a_reason(owner: Person, firm: Firm, site: Site) -> None:
    review = await firm.open()
    chosen = boxes(await owner.see(f"/reviews/{review}"))
    response = await owner.ask(
        "POST", f"/reviews/{review}/keep", data={
            "csrf_token": _token(owner), "item": chosen, "reason": "Talked to them",
        },
    )  # fmt: skip
    assert response.headers["location"] == f"/reviews/{review}?done=kept"
    items = await firm.items(review)
    assert [item.reason for item in items.values() if item.decision == "keep"] == ["Talked to them"] * 3
    again = await owner.send(f"/reviews/{review}/keep", item=chosen[0])
    assert again.status_code == 409
    assert (await owner.send(f"/reviews/{review}/keep")).status_code == 422


async def test_a_decided_review_is_closed_and_downloads_as_evidence(owner: Person, firm: Firm) -> None:
    review = await firm.open()
    items = await firm.items(review)
    for name, item in items.items():
        if name == "The owner":
            await firm.decide("Ada <b>", item, "keep")
        else:
            path = f"/reviews/{review}/items/{item.id}"
            await owner.done(path, expected_version="1", decision="keep", reason="=1+1", role="")
    assert await owner.done(f"/reviews/{review}/close") == f"/reviews/{review}?done=closed"
    page = await owner.see(f"/reviews/{review}")
    assert not boxes(page)
    assert "Close the review" not in page
    answer = await owner.ask("GET", f"/reviews/{review}/export")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.text.count("\r\n") == 5
    assert "'=Shop()" in answer.text
    assert "'=1+1" in answer.text
    assert "members:read" in answer.text
    assert f"/reviews/{review}/export" in await owner.see("/reviews")


async def test_an_admin_sees_the_policy_and_an_owner_sets_it(owner: Person, site: Site, tenant: TenantFixture) -> None:
    given = {"every": "half_year", "days_to_decide": "14", "reminders": "on", "undecided": "remove"}
    assert await owner.done("/reviews/policy", expected_version="0", **given) == "/reviews?done=saved"
    assert (
        await owner.send("/reviews/policy", expected_version="1", **(given | {"days_to_decide": "5"}))
    ).status_code == 422
    admin = await signed_in(site, tenant, "admin")
    assert "Every half year" in await admin.see("/reviews/policy")
    assert (await admin.send("/reviews/policy", expected_version="1", **given)).status_code == 403


async def test_a_member_sees_nothing_of_it(site: Site, tenant: TenantFixture, owner: Person) -> None:
    async with site.database.transaction(tenant.principal) as tx:
        await open_review(tx, new_id(), now(), permissions_of)
    member = await signed_in(site, tenant, "member")
    await member.see("/reviews", status=403)


async def test_a_removed_person_s_session_is_refused_at_the_next_request(
    site: Site, tenant: TenantFixture, owner: Person, firm: Firm
) -> None:
    admin = await signed_in(site, tenant, "admin")
    review = await firm.open()
    item = (await firm.items(review))["The admin"]
    await admin.see("/members")
    path = f"/reviews/{review}/items/{item.id}"
    await owner.done(path, expected_version="1", decision="remove", reason="Left", role="")
    assert (await admin.ask("GET", "/members")).headers["location"].startswith("/sign-in")


def _token(person: Person) -> str:
    from tests.walls.calls import inside

    token: str = inside(person.site).state.csrf.token(person.token)
    return token
