"""Every route of the live application, called by everybody who may not and everybody who may.

The calls are generated: a route added tomorrow is in here without a line, or fails for want of an id to call it with.
"""

import re
from typing import Any
from uuid import UUID

import pytest
from tests.conftest import MakeTenant, TenantFixture
from tests.running import Site
from tests.walls.calls import Call, calls_of, governed, ids_from, inside, no_ids
from tests.walls.inhabitants import ended_session, expired_key, furnish, revoked_key, session_of, suspend
from tests.walls.values import replaced

from stockade.access.admission import PLATFORM
from stockade.access.permissions import PUBLIC, RANK
from stockade.access.provisioning import PROVISION
from stockade.apps.site import routes_of
from stockade.identity.credentials import new_api_key, new_session_token

UNAUTHENTICATED = "/problems/unauthenticated"
FORBIDDEN = "/problems/forbidden"
SCIM_ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
PROVING = {"/api/v1/me/proof", "/security/prove"}
"""They want a code, and the one that is brought here is wrong."""
READING_FORMS = [
    "POST /api/v1/me/proof",
    "POST /orders/export",
    "POST /orders/print",
    "POST /security/prove",
    "POST /view-as",
]
"""They name more orders than an address holds, or how a session looks; they change nothing of the tenant's."""
Ids = dict[str, UUID]


@pytest.fixture
async def own(site: Site, tenant: TenantFixture) -> Ids:
    """A row of everything, in the tenant that calls."""
    return await furnish(site, tenant)


@pytest.fixture
async def foreign(site: Site, make_tenant: MakeTenant) -> Ids:
    """A row of everything, in a tenant that the caller is not."""
    return await furnish(site, await make_tenant())


def problem_type(response: Any) -> str:
    """The type of a problem, in JSON or on a page; that of SCIM's errors; nothing for an answer that is none."""
    if response.headers.get("content-type", "").startswith("application/scim+json"):
        return str(response.json()["schemas"][0])
    return str(response.json()["type"]) if "problem+json" in response.headers.get("content-type", "") else ""


def test_the_list_of_routes_is_the_live_table(site: Site) -> None:
    listed = {(it.method, it.path) for it in routes_of() if it.surface != PLATFORM}
    assert {(call.method, call.path) for call in calls_of(site)} == listed


async def test_nobody_without_a_valid_credential_passes_a_route_that_asks_for_a_permission(
    site: Site, tenant: TenantFixture, make_tenant: MakeTenant, own: Ids, superuser: Any
) -> None:
    other, suspended = await make_tenant(), await make_tenant()
    good = await site.key(tenant)
    suspended_key, suspended_session = await site.key(suspended), await session_of(site, suspended, "owner")
    await suspend(superuser, suspended)
    bad: dict[str, str | None] = {
        "none": None,
        "an empty one": "",
        "a malformed key": good[:-1],
        "a key with something behind it": good + "A",
        "a made-up key": new_api_key(tenant.id)[0],
        "a key that names another tenant": good.replace(tenant.id.hex, other.id.hex),
        "a revoked key": await revoked_key(site, tenant),
        "an expired key": await expired_key(site, tenant),
        "a suspended tenant's key": suspended_key,
        "a suspended tenant's session": suspended_session,
        "a made-up session": new_session_token(tenant.id),
        "an ended session": await ended_session(site, tenant),
    }
    wrong, asked = [], 0
    for call in governed(calls_of(site)):
        for name, credential in bad.items():
            response = await call.make(site, ids_from(own), credential)
            asked += 1
            if response.status_code != 401 or problem_type(response) not in (UNAUTHENTICATED, SCIM_ERROR):
                wrong.append(f"{call.name} with {name}: {response.status_code}")
    assert not wrong
    assert asked > 900
    assert (await site.call(good, "GET", "/api/v1/orders")).status_code == 200


@pytest.mark.parametrize(
    "authorization", ["Bearer", "Basic b3duZXI6eA==", "Bearer  ", "Token {key}", "{key}", "bearer\t{key}"]
)
async def test_a_key_counts_only_where_it_is_called_a_bearer_token(
    site: Site, tenant: TenantFixture, authorization: str
) -> None:
    given = authorization.format(key=await site.key(tenant))
    response = await site.call(None, "GET", "/api/v1/orders", headers={"Authorization": given})
    assert response.status_code == 401


async def test_a_bad_key_is_not_made_good_by_a_session_beside_it(site: Site, tenant: TenantFixture) -> None:
    token = await session_of(site, tenant, "owner")
    headers = {"Authorization": "Bearer nonsense", "Cookie": f"__Host-session={token}"}
    assert (await site.call(None, "GET", "/api/v1/orders", headers=headers)).status_code == 401


@pytest.mark.parametrize("by", ["key", "session"])
async def test_each_role_may_do_what_the_permission_grants_it_and_nothing_else(
    site: Site, tenant: TenantFixture, own: Ids, by: str
) -> None:
    wrong, granted, refused = [], 0, 0
    for role in reversed(RANK):
        credential = await (site.key(tenant, role) if by == "key" else session_of(site, tenant, role))
        for call in governed(calls_of(site)):
            if (call.method, call.path) == ("DELETE", "/api/v1/tokens"):
                continue  # it ends the session that asks
            response = await call.make(site, ids_from(own), credential)
            allowed = RANK[role] >= RANK[call.permission.least]
            granted, refused = granted + allowed, refused + (not allowed)
            if not agrees(call, response, allowed=allowed):
                wrong.append(f"{call.name} as {role}: {response.status_code} {response.text[:200]}")
    assert not wrong
    assert granted > 200
    assert refused > 60


async def test_a_read_only_key_changes_nothing_whatever_its_role(site: Site, tenant: TenantFixture, own: Ids) -> None:
    key = await site.key(tenant, "owner", read_only=True)
    calls = governed(calls_of(site))
    wrong = []
    for call in calls:
        response = await call.make(site, ids_from(own), key)
        if not agrees(call, response, allowed=not call.permission.changes):
            wrong.append(f"{call.name}: {response.status_code} {response.text[:200]}")
    assert not wrong
    assert [call.name for call in calls if call.method != "GET" and not call.permission.changes] == READING_FORMS


async def test_what_is_public_is_open_to_everybody_and_fails_for_nobody(site: Site, tenant: TenantFixture) -> None:
    key = await site.key(tenant, "viewer")
    public = [call for call in calls_of(site) if call.permission is PUBLIC and call.method == "GET"]
    answers = re.compile("/sign-in/(saml|oidc|ldap)/")  # They belong to a sign-in that has begun, and none has.
    for call in public:
        for credential in (None, "nonsense", key, new_session_token(tenant.id)):
            response = await call.make(site, no_ids(), credential)
            allowed = (401, 404, 429) if call.path_ids or answers.match(call.path) else (200, 303)
            assert response.status_code in allowed, f"{call.name}: {response.status_code}"
    assert len(public) > 8


async def test_an_id_of_another_tenant_is_answered_as_one_that_does_not_exist_with_the_same_work(
    site: Site, tenant: TenantFixture, foreign: Ids
) -> None:
    key = await site.key(tenant)
    opened: list[Any] = []
    inside(site).state.observe_transaction = opened.append
    await site.call(key, "GET", "/api/v1/orders")  # the credential is known from here on
    wrong, compared = [], 0
    for call in governed(calls_of(site)):
        if not call.path_ids and "_id" not in str(call.content(lambda name: name)):  # type: ignore[arg-type,return-value]  # looks for names
            continue
        answers = []
        for id_of in (ids_from(foreign), no_ids()):
            opened.clear()
            response = await call.make(site, id_of, key)
            used = {str(id_of(name)) for name in named_in(call)}
            body = (
                replaced(response.text, used) if "json" in response.headers["content-type"] else len(response.content)
            )
            answers.append((response.status_code, body, [tx.round_trips for tx in opened]))
        compared += 1
        if answers[0] != answers[1] or (
            call.path_ids and call.is_api and answers[0][0] not in ((403, 404) if call.of_people else (404,))
        ):
            wrong.append(f"{call.name}: {answers}")
    assert not wrong
    assert compared > 60


async def test_the_same_ids_of_ones_own_are_found(site: Site, tenant: TenantFixture, own: Ids) -> None:
    """Without this, an application that answers 404 to everything would pass the test above."""
    key = await site.key(tenant)
    reads = [call for call in governed(calls_of(site)) if call.path_ids and (call.is_page or call.is_api)]
    reads = [call for call in reads if call.method == "GET" and not call.of_people]
    missing = [call.name for call in reads if (await call.make(site, ids_from(own), key)).status_code != 200]
    assert len(reads) > 15
    assert not missing


def named_in(call: Call) -> set[str]:
    """The names of the ids that a call carries."""
    named: set[str] = set()
    call.content(lambda name: named.add(name) or "x")  # type: ignore[arg-type,func-returns-value,return-value]  # only listens
    return named


def agrees(call: Call, response: Any, *, allowed: bool) -> bool:
    """Whether an answer is what the permission says: refused by its name, or anything but a refusal or a failure."""
    kind = problem_type(response)
    if call.permission is PROVISION:  # a directory's, whatever the role; SCIM has problems of its own form
        return response.status_code == 403
    if not allowed:
        return (
            response.status_code == 403 and kind == FORBIDDEN and response.json()["permission"] == call.permission.name
        )
    if kind == FORBIDDEN and response.json().get("permission") == call.permission.name:
        return False
    if call.path in PROVING and response.status_code == 401:
        return True
    return response.status_code < 500 and response.status_code not in (400, 401, 405, 415, 429)
