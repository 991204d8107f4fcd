"""Every response leaves with the headers of the house, whatever the application said."""

from pathlib import Path
from typing import Any

import pytest
from tests.web.asgi import Answered, App, Header, ask, make_edge

from stockade.kernel.problems import NotFound
from stockade.web.headers import nonce_of

YEAR_SECONDS = 31_536_000
JSON = (b"content-type", b"application/json")
HTML = (b"content-type", b"text/html; charset=utf-8")
FOREIGN_PREFLIGHT = [(b"origin", b"https://evil.example"), (b"access-control-request-method", b"GET")]


def answering(*headers: Header, status: int = 200, nonce: bool = False, **state: Any) -> App:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["state"].update(state)
        if nonce:
            nonce_of(scope["state"])
        if scope["path"] == "/raises":
            raise RuntimeError("secret")
        if scope["path"] == "/absent":
            raise NotFound
        await send({"type": "http.response.start", "status": status, "headers": list(headers)})
        await send({"type": "http.response.body", "body": b""})

    return app


def policy(answered: Answered) -> dict[str, str]:
    parts = [part.strip().partition(" ") for part in (answered.header("content-security-policy") or "").split(";")]
    return {name: value for name, _, value in parts}


@pytest.mark.parametrize("status", [200, 201, 204, 206, 303, 304, 308, 400, 404, 409, 422, 500, 503])
async def test_a_response_of_any_status_has_all_security_headers(status: int, tmp_path: Path) -> None:
    edge, _ = make_edge(answering(JSON, status=status), tmp_path)
    assert_secured(await ask(edge), status)


@pytest.mark.parametrize(
    ("path", "given", "status"),
    [
        ("/raises", {}, 500),
        ("/absent", {}, 404),
        ("/", {"host": b"evil.example"}, 421),
        ("/", {"host": None}, 400),
        ("/", {"method": "POST", "headers": [(b"content-length", b"99999999")]}, 413),
        ("/", {"method": "POST", "chunks": [b"x" * 3_000_000]}, 200),
        ("/api/v1/x", {"method": "POST", "headers": [(b"content-type", b"text/plain")]}, 415),
        ("/api/v1/x", {"method": "OPTIONS", "headers": FOREIGN_PREFLIGHT}, 403),
    ],
)  # fmt: skip
async def test_a_refusal_of_the_edge_itself_has_all_security_headers(
    path: str, given: dict[str, Any], status: int, tmp_path: Path
) -> None:
    edge, _ = make_edge(answering(JSON), tmp_path)
    assert_secured(await ask(edge, path, **given), status)


def assert_secured(answered: Answered, status: int) -> None:
    assert answered.status == status
    transport = answered.header("strict-transport-security") or ""
    assert int(transport.partition("max-age=")[2].partition(";")[0]) >= YEAR_SECONDS
    assert "includeSubDomains" in transport
    assert answered.header("x-content-type-options") == "nosniff"
    assert answered.header("x-frame-options") == "DENY"
    assert answered.header("referrer-policy") == "same-origin"
    assert answered.header("cross-origin-opener-policy") == "same-origin"
    assert answered.header("cross-origin-resource-policy") == "same-origin"
    assert "camera=()" in (answered.header("permissions-policy") or "")
    assert policy(answered)["default-src"] == "'none'"
    assert policy(answered)["frame-ancestors"] == "'none'"
    assert answered.header("cache-control") == "no-store"
    for name in ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"):
        assert (answered.header(name) or "").isdigit()
    assert len(answered.header("x-request-id") or "") == 36


async def test_a_page_runs_only_scripts_with_its_own_nonce(tmp_path: Path) -> None:
    edge, _ = make_edge(answering(HTML, nonce=True), tmp_path)
    first, second = await ask(edge), await ask(edge)
    nonce = first.scope["state"]["nonce"]
    assert len(nonce) >= 22
    assert policy(first)["script-src"] == f"'nonce-{nonce}'"
    assert policy(second)["script-src"] != policy(first)["script-src"]


async def test_a_pages_policy_has_neither_inline_nor_eval_nor_a_foreign_source(tmp_path: Path) -> None:
    edge, _ = make_edge(answering(HTML, nonce=True), tmp_path)
    found = policy(await ask(edge))
    assert not any("unsafe" in value or "*" in value or "http" in value for value in found.values())
    assert {"base-uri", "object-src", "form-action", "frame-ancestors"} <= found.keys()
    assert found["require-trusted-types-for"] == "'script'"


async def test_a_page_that_asked_for_no_nonce_runs_no_script(tmp_path: Path) -> None:
    edge, _ = make_edge(answering(HTML), tmp_path)
    assert policy(await ask(edge))["script-src"] == "'none'"


async def test_the_application_cannot_weaken_a_security_header(tmp_path: Path) -> None:
    weak = [
        (b"Content-Security-Policy", b"default-src *"), (b"X-Frame-Options", b"ALLOWALL"),
        (b"strict-transport-security", b"max-age=0"), (b"access-control-allow-origin", b"*"),
    ]  # fmt: skip
    edge, _ = make_edge(answering(JSON, *weak), tmp_path)
    answered = await ask(edge)
    assert_secured(answered, 200)
    assert answered.header("access-control-allow-origin") is None
    assert all(b"*" not in value and b"ALLOWALL" not in value for _, value in answered.headers)


CACHED = (b"cache-control", b"public, max-age=31536000, immutable")


async def test_what_is_public_may_say_how_long_it_is_kept(tmp_path: Path) -> None:
    edge, _ = make_edge(answering(JSON, CACHED), tmp_path)
    assert (await ask(edge)).header("cache-control") == CACHED[1].decode()


@pytest.mark.parametrize(
    "app", [answering(JSON, CACHED, actor_id="x"), answering(JSON, CACHED, (b"set-cookie", b"__Host-x=1"))]
)
async def test_what_is_authenticated_or_sets_a_cookie_is_never_stored(app: App, tmp_path: Path) -> None:
    edge, _ = make_edge(app, tmp_path)
    assert (await ask(edge)).header("cache-control") == "no-store"
