"""The controls of the edge, access and keys, on the application: each holds, and turns red when its promise breaks."""

import hashlib
import os
import ssl
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.trust.listening import Header, Sabotage, listening, without

from stockade.access import routes
from stockade.access.permissions import Permission
from stockade.identity.credentials import Credentials
from stockade.kernel.control import CONTROLS, Finding, RouteInfo
from stockade.trust.collect import collect
from stockade.web.controls import exposure
from stockade.web.controls.pages import page_breaches
from stockade.web.controls.sessions import cookie_breaches
from stockade.web.csrf import Csrf
from stockade.web.wire import Reply

collect()
NEEDS_PROBE = [
    "access.every-route-asks",
    "access.heavy-operations-bounded",
    "identity.api-keys-kept-as-hmac",
    "web.credential-limit-holds",
    "web.forged-requests-refused",
    "web.malformed-input-refused",
    "web.pages-run-own-script-only",
    "web.session-cookies-stay-home",
]
OF_THE_EDGE = [
    *NEEDS_PROBE,
    "web.address-limit-holds",
    "web.headers-everywhere",
    "web.https-for-a-year",
    "web.no-debug-endpoint",
    "web.only-https-listens",
    "web.origins-by-list",
    "web.plain-http-is-redirected",
    "web.tls-modern-only",
]
LIMITS = {"address_requests_per_minute": 1200, "credential_requests_per_minute": 1800}


@pytest.fixture
def open_site(
    server: Any, database_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:  # fmt: skip
    """Start the application with some sabotage."""
    # Other tests of this very process have started servers, which are no part of this application.
    others = exposure._family(os.getpid()) - {os.getpid()}
    whole = exposure._family
    monkeypatch.setattr(exposure, "_family", lambda eldest: whole(eldest) - others)

    def open_with(**given: Any) -> Any:
        return listening(server, database_name, tmp_path, **(LIMITS | given))

    return open_with


async def find(name: str, live: Any) -> Finding:
    return await CONTROLS[name].check(live)


@pytest.mark.parametrize("name", OF_THE_EDGE)
async def test_the_control_holds_on_the_application_as_it_is(open_site: Callable[..., Any], name: str) -> None:
    async with open_site(cors_origins=("https://shop.example",)) as live:
        found = await find(name, live)
    assert found.holds, found


@pytest.mark.parametrize("name", NEEDS_PROBE)
async def test_a_control_that_has_nothing_to_exercise_fails_and_says_so(
    open_site: Callable[..., Any], name: str
) -> None:
    async with open_site() as live:
        names = ("application", "worker", "platform", "probes", "origin", "certificate_authority", "settings", "routes")
        bare = SimpleNamespace(**{part: getattr(live, part) for part in names})
        found = await find(name, bare)
    assert (found.holds, "cannot be checked" in found.summary) == (False, True)


def dropping(name: bytes, status: int) -> Sabotage:
    def sabotage(_path: str, given: int, headers: list[Header], body: bytes) -> tuple[int, list[Header], bytes]:
        return given, [item for item in headers if given != status or item[0] != name], body

    return sabotage


def replacing(name: bytes, old: bytes, new: bytes) -> Sabotage:
    def sabotage(_path: str, given: int, headers: list[Header], body: bytes) -> tuple[int, list[Header], bytes]:
        return given, [(key, value.replace(old, new) if key == name else value) for key, value in headers], body

    return sabotage


def adding(name: bytes, value: bytes) -> Sabotage:
    return lambda _path, status, headers, body: (status, [*headers, (name, value)], body)


def answering(status: int, instead: int, path_begins: str = "/") -> Sabotage:
    def sabotage(path: str, given: int, headers: list[Header], body: bytes) -> tuple[int, list[Header], bytes]:
        return instead if given == status and path.startswith(path_begins) else given, headers, body

    return sabotage


BROKEN = [
    ("web.https-for-a-year", dropping(b"strict-transport-security", 405), "DELETE /healthz (405)"),
    ("web.https-for-a-year", dropping(b"strict-transport-security", 429), "(429)"),
    ("web.https-for-a-year", replacing(b"strict-transport-security", b"31536000", b"86400"), "max-age=86400"),
    ("web.https-for-a-year", answering(413, 404), "no response with status 413"),
    ("web.headers-everywhere", dropping(b"x-content-type-options", 404), "x-content-type-options is []"),
    ("web.headers-everywhere", replacing(b"referrer-policy", b"same-origin", b"unsafe-url"), "unsafe-url"),
    ("web.origins-by-list", adding(b"access-control-allow-origin", b"*"), "['*']"),
    ("web.origins-by-list", adding(b"access-control-allow-credentials", b"true"), "with the visitor's cookies"),
    (
        "web.pages-run-own-script-only",
        replacing(b"content-security-policy", b"style-src 'self'", b"style-src 'unsafe-inline'"),
        "style-src",
    ),
    ("web.pages-run-own-script-only", replacing(b"x-frame-options", b"DENY", b"SAMEORIGIN"), "X-Frame-Options"),
    ("web.session-cookies-stay-home", replacing(b"set-cookie", b"; HttpOnly", b""), "lacks HttpOnly"),
    ("web.no-debug-endpoint", answering(404, 200, "/debug/vars"), "/debug/vars answers with 200"),
    ("web.no-debug-endpoint", answering(403, 200, "/metrics"), "/metrics answers a stranger"),
    ("web.malformed-input-refused", answering(422, 500), "with 500"),
    ("web.address-limit-holds", dropping(b"ratelimit-remaining", 200), "do not name the limit"),
    ("access.every-route-asks", answering(401, 200, "/api/v1/members"), "answers a stranger with 200"),
]


@pytest.mark.parametrize(("name", "sabotage", "breach"), BROKEN)
async def test_the_control_turns_red_when_the_answers_break_its_promise(
    open_site: Callable[..., Any], name: str, sabotage: Sabotage, breach: str
) -> None:
    async with open_site(sabotage=sabotage) as live:
        found = await find(name, live)
    assert not found.holds
    assert any(breach in detail for detail in found.details), found


async def test_the_control_of_tls_turns_red_when_tls_1_2_is_accepted_and_not_turned_on(
    open_site: Callable[..., Any],
) -> None:
    async with open_site(oldest=ssl.TLSVersion.TLSv1_2) as live:
        assert (await find("web.tls-modern-only", live)).details == ("TLSv1_2 is accepted",)


async def test_the_control_of_tls_holds_when_the_operator_turned_tls_1_2_on(open_site: Callable[..., Any]) -> None:
    async with open_site(oldest=ssl.TLSVersion.TLSv1_2, tls_minimum="1.2") as live:
        assert (await find("web.tls-modern-only", live)).holds


async def test_the_control_of_tls_turns_red_when_the_certificate_is_not_to_be_trusted(
    open_site: Callable[..., Any], tmp_path: Path
) -> None:
    from stockade.web.certificates import ensure_local_certificate

    other = ensure_local_certificate(tmp_path / "other", []).authority
    async with open_site() as live:
        found = await find("web.tls-modern-only", without(live, certificate_authority=other))
    assert not found.holds
    assert "CERTIFICATE_VERIFY_FAILED" in found.details[0]


async def test_the_control_of_the_redirect_turns_red_when_it_leads_elsewhere(
    open_site: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stockade.web.redirect._origin_for", lambda head, settings: "https://stranger.example")
    async with open_site() as live:
        assert not (await find("web.plain-http-is-redirected", live)).holds


@pytest.mark.parametrize("name", ["web.address-limit-holds", "web.credential-limit-holds"])
async def test_the_control_of_a_limit_turns_red_when_more_is_let_through_than_is_said(
    open_site: Callable[..., Any], name: str
) -> None:
    which = "address_requests_per_minute" if "address" in name else "credential_requests_per_minute"
    async with open_site(served={which: 10**6}) as live:
        found = await find(name, live)
    assert not found.holds
    assert "were let through" in found.details[0]


async def test_the_control_of_forgeries_turns_red_when_tokens_are_not_checked(
    open_site: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Csrf, "check", lambda self, headers, token, session: None)
    async with open_site() as live:
        assert not (await find("web.forged-requests-refused", live)).holds


async def test_the_control_of_access_turns_red_when_permissions_are_not_required(
    open_site: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Permission, "require", lambda self, principal: None)
    async with open_site() as live:
        found = await find("access.every-route-asks", live)
    assert any("answers a viewer with" in detail for detail in found.details)


async def test_the_control_of_access_turns_red_when_a_route_declares_nothing(open_site: Callable[..., Any]) -> None:
    async with open_site() as live:
        opened = without(live, routes=[*live.routes, RouteInfo("GET", "/forgotten", None, "page")])
        found = await find("access.every-route-asks", opened)
    assert "GET /forgotten declares no permission" in found.details


async def test_the_control_of_keys_turns_red_when_they_are_hashed_without_a_key(
    open_site: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Credentials, "hash", lambda self, text: hashlib.sha256(text.encode()).digest())
    async with open_site() as live:
        found = await find("identity.api-keys-kept-as-hmac", live)
    assert any("has no key" in detail for detail in found.details), found


async def test_the_control_of_ports_turns_red_when_another_one_is_open(open_site: Callable[..., Any]) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as extra:
        async with open_site() as live:
            found = await find("web.only-https-listens", live)
        assert f"port {extra.getsockname()[1]} is open" in found.details


GOOD_POLICY = (
    "default-src 'none'; script-src 'nonce-{}'; style-src 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'"
)


def page(nonce: str, *, policy: str = GOOD_POLICY, body: str = '<script nonce="{}" src="/a.js"></script>') -> Reply:
    headers = (("content-security-policy", policy.format(nonce)), ("x-frame-options", "DENY"))
    return Reply(200, headers, body.format(nonce).encode())


ONE, TWO = "A" * 22 + "==", "B" * 22 + "=="


def test_a_strict_page_has_no_breach() -> None:
    assert page_breaches(page(ONE), page(TWO)) == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (page(ONE), page(ONE)),
        (page(ONE, policy=GOOD_POLICY.replace("'nonce-{}'", "'self'")), page(TWO)),
        (page(ONE, policy=GOOD_POLICY.replace("'nonce-{}'", "'nonce-{}' 'unsafe-eval'")), page(TWO)),
        (page(ONE, policy=GOOD_POLICY.replace("base-uri 'none'; ", "")), page(TWO)),
        (page(ONE, policy=GOOD_POLICY.replace("frame-ancestors 'none'", "frame-ancestors *")), page(TWO)),
        (page(ONE, body="<script>alert(1)</script>"), page(TWO)),
        (page(ONE, body='<script nonce="{}">alert(1)</script>'), page(TWO)),
        (page(ONE, body='<a onclick="x()">'), page(TWO)),
        (page(ONE, body='<p style="color:red">'), page(TWO)),
    ],
)
def test_every_weakness_of_a_page_is_seen(first: Reply, second: Reply) -> None:
    assert page_breaches(first, second) != []


@pytest.mark.parametrize(
    "cookie",
    [
        "session=1; Path=/; Secure; HttpOnly; SameSite=Lax",
        "__Host-s=1; Path=/; HttpOnly; SameSite=Lax",
        "__Host-s=1; Path=/; Secure; SameSite=Lax",
        "__Host-s=1; Path=/; Secure; HttpOnly",
        "__Host-s=1; Path=/; Secure; HttpOnly; SameSite=None",
        "__Host-s=1; Path=/x; Secure; HttpOnly; SameSite=Lax",
        "__Host-s=1; Path=/; Domain=example.com; Secure; HttpOnly; SameSite=Lax",
    ],
)
def test_every_weakness_of_a_cookie_is_seen(cookie: str) -> None:
    assert cookie_breaches(cookie) != []
    assert cookie_breaches("__Host-s=1; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Lax") == []


async def test_without_a_bound_on_heavy_operations_the_control_turns_red(
    open_site: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "HEAVY_AT_ONCE", 1_000)
    async with open_site() as live:
        found = await find("access.heavy-operations-bounded", live)
    assert (found.holds, found.details) == (False, ("one more than 4 at once is answered with 200",))
