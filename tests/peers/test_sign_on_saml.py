"""Signing in through the pages by a real SAML provider (npm's samlp): from our link through its form to a session."""

import json
import re
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from typing import Any
from uuid import UUID

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.conftest import TenantFixture
from tests.peers.test_saml import HERE, NODE, REASON, _certificate, _private
from tests.running import ORIGIN, Site, browser

from stockade.identity.sso import connections, domains, saml_way
from stockade.identity.sso.connections import NewConnection
from stockade.kernel.ids import new_id

pytestmark = pytest.mark.skipif(bool(REASON), reason=REASON or "it is installed")
EMAIL = "ada@firm.example"


@dataclass
class Running:
    """The provider, and our connection to it."""

    site: Site
    client: httpx.Client
    id: UUID

    def let_in(self, address: str) -> tuple[str, dict[str, str]]:
        """Go to the provider as a browser does; where its form posts to, and what."""
        page = self.client.get(address)
        assert page.status_code == 200, page.text
        fields = dict(re.findall(r'name="(\w+)"\s+value="([^"]*)"', page.text))
        target = re.search(r'action="([^"]*)"', page.text)
        assert target
        return unescape(target[1]), {name: unescape(value) for name, value in fields.items()}


@contextmanager
def provider(acs: str, secret: str) -> Iterator[tuple[httpx.Client, str, str]]:
    """Run it; yields a client, its base and its certificate."""
    theirs, other = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    ours, certificate = saml_way._key(secret), _certificate(theirs)
    given = {
        "issuer": "urn:idp.example", "acs": acs, "key": _private(theirs), "cert": certificate,
        "otherKey": _private(other), "otherCert": _certificate(other),
        "spCert": saml_way._certificate(secret).public_bytes(Encoding.PEM).decode(),
        "spKey": ours.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
    }  # fmt: skip
    with subprocess.Popen(
        [NODE or "node", str(HERE / "saml_provider.js")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdin.write(json.dumps(given) + "\n")
        running.stdin.flush()
        base = f"https://127.0.0.1:{int(running.stdout.readline())}"
        try:
            with httpx.Client(verify=ssl.create_default_context(cadata=certificate), trust_env=False) as client:
                yield client, base, certificate
        finally:
            running.terminate()


@pytest.fixture
async def running(site: Site, tenant: TenantFixture) -> AsyncIterator[Running]:
    connection_id, secret = new_id(), saml_way.new_key()
    with provider(saml_way.answer_address(ORIGIN, connection_id), secret) as (client, base, certificate):
        settings = {
            "idp_entity_id": "urn:idp.example", "sso_url": f"{base}/sso/encrypted-gcm", "certificates": [certificate]
        }  # fmt: skip
        new = NewConnection(kind="saml", name="Firm", settings=settings, secret=secret, just_in_time="viewer")
        async with site.database.transaction(tenant.principal) as tx:
            await connections.add_connection(tx, site.installation.sealer, connection_id, new)
            await connections.set_connection_state(tx, connection_id, "active")
            domain = await domains.add_domain(tx, new_id(), domain="firm.example", connection_id=connection_id)
            await domains.verify_domain(tx, domain.id, [domain.record])
        yield Running(site, client, connection_id)
        async with site.database.transaction(tenant.principal) as tx:
            await domains.remove_domain(tx, domain.id)


async def posted(running: Running, target: str, fields: dict[str, str]) -> str:
    """Post as the provider's page does: from another site, without a cookie; where that leads."""
    headers = {"Origin": "https://idp.example", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    async with browser(running.site) as bare:
        answer = await bare.post(target, data=fields, headers=headers)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


async def begun(running: Running, client: httpx.AsyncClient) -> str:
    answer = await client.get(f"/sign-in/sso/{running.id}")
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


async def members(running: Running, client: httpx.AsyncClient) -> Any:
    return [(it["email"], it["role"]) for it in (await client.get("/api/v1/members")).json()]


def refused(answer: httpx.Response, *words: str) -> bool:
    assert "__Host-session" not in answer.headers.get("set-cookie", "")
    return answer.status_code in (401, 403) and any(word in answer.text for word in words)


async def test_somebody_signs_in_by_an_encrypted_assertion(running: Running) -> None:
    async with browser(running.site) as client:
        target, fields = running.let_in(await begun(running, client))
        assert target == saml_way.answer_address(ORIGIN, running.id)
        answer = await client.get(await posted(running, target, fields))
        assert (answer.status_code, answer.headers.get("location")) == (303, "/welcome"), answer.text
        assert await members(running, client) == [(EMAIL, "viewer")]


async def test_an_answer_counts_in_the_browser_that_asked_and_once(running: Running) -> None:
    async with browser(running.site) as mine, browser(running.site) as thief:
        theirs = await begun(running, thief)
        target, fields = running.let_in(await begun(running, mine))
        done = await posted(running, target, fields)
        assert refused(await thief.get(done), "another browser")
        async with browser(running.site) as bare:
            assert refused(await bare.get(done), "no sign-in that began in this browser")
        assert (await mine.get(done)).status_code == 303
        assert refused(await mine.get(await posted(running, target, fields)), "was used already")
        # The same assertion as the answer to another sign-in: it names another request.
        state = running.let_in(theirs)[1]["RelayState"]
        brought = await thief.get(await posted(running, target, fields | {"RelayState": state}))
        assert refused(brought, "was not accepted")


async def test_what_nobody_asked_for_is_dropped(running: Running) -> None:
    async with browser(running.site) as client:
        target, fields = running.let_in(await begun(running, client))
        for state in ("", "x" * 43, "\0" * 43):
            assert refused(await client.get(await posted(running, target, fields | {"RelayState": state})), "in this browser", "another browser")  # fmt: skip  # noqa: E501
        other = target.replace(str(running.id), str(new_id()))
        lost = await posted(running, other, fields)
        assert refused(await client.get(lost), "has not answered yet")


async def test_our_metadata_names_the_address_and_a_key(running: Running) -> None:
    async with browser(running.site) as client:
        answer = await client.get(f"/sign-in/saml/{running.id}/metadata")
    assert answer.headers["content-type"].startswith("application/samlmetadata+xml")
    assert saml_way.answer_address(ORIGIN, running.id) in answer.text
    assert "X509Certificate" in answer.text
    assert "PRIVATE" not in answer.text
