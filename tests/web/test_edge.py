"""The edge lets in what it should, answers what it must, and says little about it."""

import asyncio
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from tests.web.asgi import App, Header, ask, make_edge

from stockade.kernel.problems import NotFound
from stockade.web.edge import AccessLog
from stockade.web.limits import Verdict

ALLOWED = b"https://partner.example"
EVIL = b"https://evil.example"


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Read the whole body, and answer with its length."""
    length = 0
    while True:
        message = await receive()
        length += len(message["body"])
        if not message["more_body"]:
            break
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"%d" % length})


def raising(error: BaseException, *, after_start: bool = False) -> App:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if after_start:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        raise error

    return app


@pytest.mark.parametrize("host", [b"localhost:8443", b"LOCALHOST", b"shop.example", b"shop.example:443"])
async def test_a_host_of_ours_is_served(host: bytes, tmp_path: Path) -> None:
    edge, _ = make_edge(echo, tmp_path)
    assert (await ask(edge, host=host)).status == 200


@pytest.mark.parametrize(
    "host", [b"evil.example", b"localhost.evil.example", b"127.0.0.1", b"[::1]:8443", b"a\r\nb", b":443:443"]
)
async def test_a_foreign_host_is_misdirected_and_never_reaches_the_application(host: bytes, tmp_path: Path) -> None:
    edge, _ = make_edge(raising(AssertionError()), tmp_path)
    answered = await ask(edge, host=host)
    assert answered.status == 421
    assert host not in answered.body + b"".join(value for _, value in answered.headers)


@pytest.mark.parametrize("extra", [[], [(b"host", b"localhost"), (b"host", b"evil.example")]])
async def test_no_host_or_two_are_malformed(extra: list[Header], tmp_path: Path) -> None:
    edge, _ = make_edge(echo, tmp_path)
    assert (await ask(edge, host=None, headers=extra)).status == 400


async def test_a_health_check_from_this_machine_may_use_a_loopback_address(tmp_path: Path) -> None:
    edge, _ = make_edge(echo, tmp_path)
    assert (await ask(edge, "/healthz", host=b"127.0.0.1:8443", client="127.0.0.1")).status == 200
    assert (await ask(edge, "/healthz", host=b"[::1]:8443", client="::1")).status == 200


async def test_a_body_that_is_announced_too_large_is_refused_unread(tmp_path: Path) -> None:
    edge, _ = make_edge(raising(AssertionError()), tmp_path, body_limit_bytes=10)
    answered = await ask(edge, method="POST", headers=[(b"content-length", b"11")])
    assert (answered.status, answered.document()["type"]) == (413, "/problems/too-large")


async def test_a_body_that_turns_out_too_large_is_refused_whatever_was_announced(tmp_path: Path) -> None:
    edge, _ = make_edge(echo, tmp_path, body_limit_bytes=10)
    assert (await ask(edge, method="POST", chunks=[b"12345", b"67890"])).body == b"10"
    assert (await ask(edge, method="POST", chunks=[b"12345", b"678901"])).status == 413
    assert (await ask(edge, method="POST", headers=[(b"content-length", b"2")], chunks=[b"x" * 11])).status == 413


@pytest.mark.parametrize("length", [b"-1", b"+5", b"x", b"", b"1e3"])
async def test_a_length_that_is_no_number_is_malformed(length: bytes, tmp_path: Path) -> None:
    edge, _ = make_edge(echo, tmp_path)
    assert (await ask(edge, method="POST", headers=[(b"content-length", length)])).status == 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([(b"content-type", b"application/json; charset=utf-8"), (b"content-length", b"2")], 200),
        ([(b"content-type", b"application/scim+json"), (b"content-length", b"2")], 200),
        ([(b"content-length", b"0")], 200),
        ([], 200),
        ([(b"content-type", b"text/plain"), (b"content-length", b"2")], 415),
        ([(b"content-type", b"application/x-www-form-urlencoded"), (b"content-length", b"2")], 415),
        ([(b"content-length", b"2")], 415),
        ([(b"transfer-encoding", b"chunked")], 415),
    ],
)
async def test_the_api_takes_json_only_where_it_is_called_that(
    headers: list[Header], status: int, tmp_path: Path
) -> None:
    edge, _ = make_edge(echo, tmp_path)
    assert (await ask(edge, "/api/v1/orders", "POST", headers=headers)).status == status


async def test_a_form_of_a_page_is_not_held_to_the_apis_media_type(tmp_path: Path) -> None:
    edge, _ = make_edge(echo, tmp_path)
    form = [(b"content-type", b"application/x-www-form-urlencoded"), (b"content-length", b"3")]
    assert (await ask(edge, "/sign-in", "POST", headers=form)).status == 200


@pytest.mark.parametrize("path", ["//api/v1/orders", "/api//v1/orders", "/x//"])
async def test_a_path_with_doubled_slashes_is_not_found_rather_than_joined(path: str, tmp_path: Path) -> None:
    edge, _ = make_edge(raising(AssertionError()), tmp_path)
    assert (await ask(edge, path, "POST", headers=[(b"content-type", b"text/plain")])).status == 404


async def test_an_address_beyond_its_limit_is_told_when_to_come_back(tmp_path: Path) -> None:
    edge, _ = make_edge(echo, tmp_path, address_requests_per_minute=3)
    answers = [await ask(edge) for _ in range(4)]
    assert [answered.status for answered in answers] == [200, 200, 200, 429]
    assert [answered.header("ratelimit-remaining") for answered in answers] == ["2", "1", "0", "0"]
    assert {answered.header("ratelimit-limit") for answered in answers} == {"3"}
    assert answers[3].header("retry-after") in ("20", "19")
    assert (await ask(edge, client="198.51.100.8")).status == 200


async def test_a_network_of_ipv6_addresses_counts_as_one(tmp_path: Path) -> None:
    edge, _ = make_edge(echo, tmp_path, address_requests_per_minute=3)
    statuses = [(await ask(edge, client=f"2001:db8:1:2::{number:x}")).status for number in range(1, 5)]
    assert statuses == [200, 200, 200, 429]
    assert (await ask(edge, client="2001:db8:1:3::1")).status == 200


@pytest.mark.parametrize(("remaining", "shown"), [(1, "1"), (500, "9")])
async def test_the_headers_show_the_tighter_of_the_two_limits(remaining: int, shown: str, tmp_path: Path) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["state"]["credential_limit"] = Verdict(True, 600, remaining, 1, 0)
        await echo(scope, receive, send)

    edge, _ = make_edge(app, tmp_path, address_requests_per_minute=10)
    assert (await ask(edge)).header("ratelimit-remaining") == shown


@pytest.mark.parametrize(
    ("client", "forwarded", "address"),
    [
        ("198.51.100.7", [b"192.0.2.1"], "198.51.100.7"),
        ("10.0.0.1", [b"192.0.2.1"], "192.0.2.1"),
        ("10.0.0.1", [b"127.0.0.1, 192.0.2.1"], "192.0.2.1"),
        ("10.0.0.1", [b"127.0.0.1", b"192.0.2.1, 10.0.0.2"], "192.0.2.1"),
        ("10.0.0.1", [b"192.0.2.1, nonsense"], "10.0.0.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("::ffff:10.0.0.1", [b"2001:db8::1"], "2001:db8::1"),
        (None, [b"192.0.2.1"], ""),
    ],
)
async def test_only_a_trusted_proxy_is_believed_about_the_address(
    client: str | None, forwarded: list[bytes], address: str, tmp_path: Path
) -> None:
    edge, _ = make_edge(echo, tmp_path, trusted_proxies=("10.0.0.0/8",))
    headers = [(b"x-forwarded-for", value) for value in forwarded]
    assert (await ask(edge, client=client, headers=headers)).scope["state"]["address"] == address


def cross(origin: bytes, *more: Header) -> list[Header]:
    return [(b"origin", origin), *more]


PREFLIGHT = (b"access-control-request-method", b"POST")


async def test_a_listed_origin_may_ask_and_read_but_never_with_cookies(tmp_path: Path) -> None:
    edge, _ = make_edge(echo, tmp_path, cors_origins=(ALLOWED.decode(),))
    asked = await ask(edge, "/api/v1/x", "OPTIONS", headers=cross(ALLOWED, PREFLIGHT))
    read = await ask(edge, "/api/v1/x", headers=cross(ALLOWED))
    assert (asked.status, read.status) == (204, 200)
    for answered in (asked, read):
        assert answered.header("access-control-allow-origin") == ALLOWED.decode()
        assert answered.header("access-control-allow-credentials") is None
        assert answered.header("vary") == "Origin"
    assert "Authorization" in (asked.header("access-control-allow-headers") or "")


@pytest.mark.parametrize(
    "origin", [EVIL, b"null", b"*", b"https://partner.example.evil.example", b"http://partner.example", b"https://PARTNER.example"]
)  # fmt: skip
async def test_an_unlisted_origin_may_neither_ask_nor_read(origin: bytes, tmp_path: Path) -> None:
    edge, _ = make_edge(echo, tmp_path, cors_origins=(ALLOWED.decode(),))
    assert (await ask(edge, "/api/v1/x", "OPTIONS", headers=cross(origin, PREFLIGHT))).status == 403
    read = await ask(edge, "/api/v1/x", headers=cross(origin))
    assert read.header("access-control-allow-origin") is None
    assert read.header("vary") == "Origin"


async def test_a_page_is_read_by_no_other_origin_even_a_listed_one(tmp_path: Path) -> None:
    edge, _ = make_edge(echo, tmp_path, cors_origins=(ALLOWED.decode(),))
    assert (await ask(edge, "/orders", headers=cross(ALLOWED))).header("access-control-allow-origin") is None


async def test_whatever_escapes_is_a_500_that_tells_nothing_but_the_requests_id(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    edge, log = make_edge(raising(ValueError("hunter2 of ada@example.org")), tmp_path)
    answered = await ask(edge)
    document = answered.document()
    name = answered.header("x-request-id")
    assert answered.status == 500
    assert document["instance"] == f"/requests/{name}"
    assert document.keys() == {"type", "title", "status", "instance"}
    assert log.lines[0]["status"] == 500
    logged = caplog.text + "".join(capsys.readouterr())
    assert str(name) in logged
    assert "ValueError" in logged
    assert "hunter2" not in logged + answered.body.decode()


async def test_an_application_that_answers_nothing_is_answered_for(tmp_path: Path) -> None:
    async def silent(scope: Any, receive: Any, send: Any) -> None: ...

    edge, _ = make_edge(silent, tmp_path)
    assert (await ask(edge)).status == 500


async def test_an_answer_that_breaks_off_is_not_made_to_look_whole(tmp_path: Path) -> None:
    edge, log = make_edge(raising(ValueError("x"), after_start=True), tmp_path)
    with pytest.raises(ValueError, match="x"):
        await ask(edge)
    assert len(log.lines) == 1


async def test_a_client_that_left_is_logged_as_such(tmp_path: Path) -> None:
    edge, log = make_edge(raising(asyncio.CancelledError()), tmp_path)
    with pytest.raises(asyncio.CancelledError):
        await ask(edge)
    assert log.lines[0]["status"] == 499


async def test_a_client_that_hangs_up_in_mid_body_is_no_failure_of_ours(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    edge, log = make_edge(echo, tmp_path)

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None: ...

    scope = {"type": "http", "method": "POST", "path": "/", "headers": [(b"host", b"localhost")], "client": None}
    await edge(scope, receive, send)
    assert log.lines[0]["status"] == 499
    assert caplog.records == []


async def test_a_head_request_is_refused_without_a_body(tmp_path: Path) -> None:
    edge, _ = make_edge(raising(NotFound()), tmp_path)
    answered = await ask(edge, method="HEAD")
    assert (answered.status, answered.body) == (404, b"")


async def test_each_request_has_an_id_of_its_own_and_a_clients_is_not_taken(tmp_path: Path) -> None:
    edge, _ = make_edge(echo, tmp_path)
    answers = [await ask(edge, headers=[(b"x-request-id", b"mine")]) for _ in range(2)]
    names = [answered.header("x-request-id") for answered in answers]
    assert names[0] != names[1]
    assert [str(answered.scope["state"]["request_id"]) for answered in answers] == names
    assert {UUID(str(name)).version for name in names} == {7}


async def test_the_access_log_has_the_route_and_who_but_neither_query_nor_header_nor_body(tmp_path: Path) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["path_template"] = "/orders/{order_id}"
        scope["state"]["actor_id"] = UUID(int=7)
        await echo(scope, receive, send)

    edge, log = make_edge(app, tmp_path)
    secret = [(b"authorization", b"Bearer canary"), (b"cookie", b"canary"), (b"user-agent", b"canary")]
    await ask(edge, "/orders/canary", "POST", query=b"q=canary", headers=secret, chunks=[b"canary"])
    (line,) = log.lines
    assert line.keys() == {"event", "method", "route", "status", "duration_ms", "request_id", "actor_id"}
    assert (line["route"], line["actor_id"], line["status"]) == ("/orders/{order_id}", str(UUID(int=7)), 200)
    assert "canary" not in str(line)


async def test_a_credential_in_a_mistyped_path_is_not_logged(tmp_path: Path) -> None:
    edge, log = make_edge(raising(NotFound()), tmp_path)
    await ask(edge, "/signin/ot_abcdefghijklmnopqrstuvwxyz")
    assert log.lines[0]["path"] == "/signin/[redacted]"


def test_the_access_log_is_one_json_object_a_line() -> None:
    stream = BytesIO()
    AccessLog(stream).info("request", route="/x\n{", status=200)
    (line,) = stream.getvalue().splitlines()
    assert msgspec.json.decode(line) | {"timestamp": ""} == {
        "event": "request", "level": "info", "route": "/x\n{", "status": 200, "timestamp": "",
    }  # fmt: skip


async def test_a_websocket_is_closed_unopened(tmp_path: Path) -> None:
    edge, _ = make_edge(raising(AssertionError()), tmp_path)
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    await edge({"type": "websocket", "path": "/", "headers": []}, receive, send)
    assert sent == [{"type": "websocket.close", "code": 1008}]
