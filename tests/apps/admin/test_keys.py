"""API keys as people manage them: a secret is shown once, on the page that issues it, and stands nowhere else."""

import logging
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.apps.admin.browsing import Person, signed_in, told
from tests.conftest import TenantFixture
from tests.running import Site

from stockade.kernel.clock import today
from stockade.kernel.ids import new_id

SECRET = re.compile(r'value="(sk_[^"]+)"')


@pytest.fixture
async def admin(site: Site, tenant: TenantFixture) -> Person:
    """An admin."""
    return await signed_in(site, tenant, "admin")


async def issued(person: Person, **more: str) -> str:
    response = await person.send("/keys/new", **{"name": "Web shop", "role": "viewer", "expires_at": ""} | more)
    assert response.status_code == 200, told(response.text)
    found = SECRET.search(response.text)
    assert found, response.text
    return found[1]


async def test_an_issued_key_works_as_it_was_meant(site: Site, admin: Person) -> None:
    key = await issued(admin, role="member", read_only="on")
    assert (await site.call(key, "GET", "/api/v1/orders")).status_code == 200
    assert (await site.call(key, "POST", "/api/v1/customers", json={})).status_code == 403


async def test_the_secret_stands_on_its_page_and_nowhere_else(
    site: Site, admin: Person, superuser: Any, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    with caplog.at_level(logging.DEBUG):
        fields = {"name": "Web shop", "role": "viewer", "expires_at": "", "idempotency_key": new_id().hex}
        response = await admin.send("/keys/new", **fields)
        found = SECRET.search(response.text)
        assert found
        secret = found[1]
        second = await admin.send("/keys/new", **fields)
        assert second.status_code == 303
        listed = await admin.see("/keys")
        one = await admin.see(second.headers["location"])
    assert response.text.count(secret) == 1
    assert response.headers["cache-control"] == "no-store"
    assert str(response.url).endswith("/keys/new")
    assert not any(secret in value for value in [*response.headers.values(), *second.headers.values(), listed, one])
    assert secret not in caplog.text
    for table in ("identity.api_key", "audit.entry", "idempotency.claim"):
        if await superuser.fetchval("select to_regclass($1)", table):
            kept = await superuser.fetchval(f"select string_agg(t::text, ' ') from {table} t")
            assert secret not in (kept or "")
            assert secret.rpartition("_")[2] not in (kept or "")


async def test_a_revoked_key_is_refused_from_the_next_request_on(site: Site, admin: Person) -> None:
    key = await issued(admin)
    found = re.search(r'href="(/keys/[0-9a-f-]+)"', await admin.see("/keys"))
    assert found
    assert (await site.call(key, "GET", "/api/v1/orders")).status_code == 200
    assert await admin.done(f"{found[1]}/revoke") == "/keys?done=revoked"
    assert (await site.call(key, "GET", "/api/v1/orders")).status_code == 401
    assert "Revoked" in told(await admin.see(found[1]))


async def test_a_key_works_to_the_end_of_its_last_day(admin: Person) -> None:
    day = today() + timedelta(3)
    await issued(admin, expires_at=day.isoformat())
    found = re.search(r'href="(/keys/[0-9a-f-]+)"', await admin.see("/keys"))
    assert found
    assert "T23:59:59" in await admin.see(found[1])
    refused = await admin.send("/keys/new", name="x", role="viewer", expires_at="soon")
    assert refused.status_code == 422
    assert 'id="error-expires_at"' in refused.text
    assert 'value="soon"' in refused.text


async def test_nobody_issues_a_key_above_themselves(admin: Person) -> None:
    assert 'value="owner"' not in await admin.see("/keys/new")
    assert (await admin.send("/keys/new", name="x", role="owner", expires_at="")).status_code == 403


async def test_members_and_viewers_see_no_keys(site: Site, tenant: TenantFixture) -> None:
    for role in ("member", "viewer"):
        person = await signed_in(site, tenant, role)
        await person.see("/keys", status=403)
        assert 'href="/keys"' not in await person.see("/members")


async def test_an_empty_list_says_what_a_key_is_for(admin: Person) -> None:
    assert "No keys yet" in await admin.see("/keys")
