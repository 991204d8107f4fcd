"""Looking a domain's records up, from a name server on loopback; and what counts as a domain."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import dns.asyncresolver
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from stockade.identity.sso import domains
from stockade.identity.sso.domains import DomainLookUpFailed, normalised, txt_records
from stockade.kernel.problems import Invalid

RECORDS = {"firm.example.": ['"v=spf1 -all"', '"stockade-verification=" "in-two-parts"'], "empty.example.": []}


class _Server(asyncio.DatagramProtocol):
    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: Any) -> None:
        asked = dns.message.from_wire(data)
        name = asked.question[0].name.to_text()
        if name == "silent.example.":
            return
        answer = dns.message.make_response(asked)
        answer.flags |= dns.flags.RA
        if name not in RECORDS:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif RECORDS[name]:
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", *RECORDS[name]))
        self.transport.sendto(answer.to_wire(), address)


@pytest.fixture(autouse=True)
async def name_server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(_Server, ("127.0.0.1", 0))
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = ["127.0.0.1"], transport.get_extra_info("sockname")[1]
    monkeypatch.setattr(dns.asyncresolver, "default_resolver", resolver)
    monkeypatch.setattr(domains, "LOOK_UP_SECONDS", 0.5)
    yield
    transport.close()


async def test_records_are_found_and_their_parts_joined() -> None:
    assert sorted(await txt_records("firm.example")) == ["stockade-verification=in-two-parts", "v=spf1 -all"]


@pytest.mark.parametrize("domain", ["empty.example", "unknown.example"])
async def test_a_domain_without_records_or_without_being_has_none(domain: str) -> None:
    assert await txt_records(domain) == []


async def test_a_silent_name_server_is_told() -> None:
    with pytest.raises(DomainLookUpFailed):
        await txt_records("silent.example")


@pytest.mark.parametrize(
    ("text", "domain"),
    [(" Example.COM. ", "example.com"), ("@firm.example", "firm.example"), ("łódź.pl", "xn--d-uga0v4h.pl")],
)  # fmt: skip
def test_a_domain_is_kept_in_one_way(text: str, domain: str) -> None:
    assert normalised(text) == domain


@pytest.mark.parametrize("text", ["", "com", "a..b", "-a.example", "a.example/x", "10.0.0.1", "a@b.example", "a b.example", "*.a.example", "x" * 64 + ".example"])  # fmt: skip  # noqa: E501
def test_what_is_no_domain_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        normalised(text)
