"""Directories: scim2-tester, which nobody here wrote, against the running application; and what it cannot know."""

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest
from tests.conftest import TenantFixture
from tests.running import Site

from stockade.identity.scim import tokens
from stockade.kernel.ids import new_id

scim2_tester = pytest.importorskip("scim2_tester", reason="scim2-tester is not installed")
wsgi = pytest.importorskip("scim2_client.engines.wsgi", reason="scim2-client is not installed")

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


async def token_of(site: Site, tenant: TenantFixture) -> str:
    """A fresh token of an organisation's directory."""
    async with site.database.transaction(tenant.principal) as tx:
        return await tokens.issue_token(tx, site.installation.credentials, id=new_id(), name="directory")


def bridged(site: Site, loop: asyncio.AbstractEventLoop) -> Any:
    """The application as WSGI, for a synchronous client in another thread."""

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        headers = {
            name[5:].replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_") and value
        }
        headers.pop("HOST", None)
        if environ.get("CONTENT_TYPE"):
            headers["Content-Type"] = environ["CONTENT_TYPE"]
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        query = f"?{environ['QUERY_STRING']}" if environ.get("QUERY_STRING") else ""
        path = environ.get("SCRIPT_NAME", "") + environ["PATH_INFO"] + query
        call = site.client.request(environ["REQUEST_METHOD"], path, headers=headers, content=body)
        answer = asyncio.run_coroutine_threadsafe(call, loop).result(30)
        start_response(f"{answer.status_code} {answer.reason_phrase}", list(answer.headers.items()))
        return [answer.content]

    return app


async def test_scim2_tester_finds_nothing_wrong(site: Site, tenant: TenantFixture) -> None:
    token = await token_of(site, tenant)
    client = wsgi.WSGISCIMClient(
        bridged(site, asyncio.get_running_loop()), base_url="https://localhost:8443/scim/v2",
        headers={"Authorization": f"Bearer {token}"},
    )  # fmt: skip
    results = await asyncio.to_thread(scim2_tester.check_server, client)
    wrong = [
        f"{result.resource_type} {result.title}: {result.reason}"
        for result in results
        if result.status.name in ("ERROR", "CRITICAL")
    ]
    assert not wrong, "\n".join(wrong)
    assert sum(result.status.name == "SUCCESS" for result in results) > 30
