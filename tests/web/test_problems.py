"""Whatever goes wrong in the application is a problem document that fits its cause, and tells no secret."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import httpx
import msgspec
import pytest
from litestar import Litestar, get, post
from litestar.exceptions import HTTPException, NotAuthorizedException
from tests.web.asgi import make_edge

from stockade.kernel.problems import Conflict, NotFound
from stockade.web.edge import Edge
from stockade.web.problems import TooManyRequests, handle_problem, problem_response


class Line(msgspec.Struct, forbid_unknown_fields=True):
    quantity: Annotated[int, msgspec.Meta(ge=1)]
    kind: Literal["a", "b"] = "a"


class Order(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(max_length=5)]
    lines: list[Line] = []


@get("/api/things/{thing_id:uuid}", sync_to_thread=False)
def read_thing(thing_id: UUID, limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50) -> dict[str, Any]:
    return {"id": str(thing_id), "limit": limit}


@post("/api/things", sync_to_thread=False)
def make_thing(data: Order) -> dict[str, str]:
    return {"name": data.name}


@get("/api/search", sync_to_thread=False)
def search(q: str) -> str:
    return q


RAISED: dict[str, Exception] = {
    "conflict": Conflict("It was sold.", sku="A-1"),
    "absent": NotFound(),
    "limited": TooManyRequests("Slow down.", retry_after=7),
    "unknown": RuntimeError("password hunter2"),
    "unauthorised": NotAuthorizedException("token hunter2"),
    "teapot": HTTPException("hunter2", status_code=418),
}


@get("/api/raise/{name:str}", sync_to_thread=False)
def fail(name: str) -> str:
    raise RAISED[name]


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    app = Litestar(
        [read_thing, make_thing, search, fail], exception_handlers={Exception: handle_problem}, openapi_config=None
    )
    edge: Edge = make_edge(app, tmp_path, body_limit_bytes=1000)[0]  # type: ignore[arg-type]
    transport = httpx.ASGITransport(edge, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="https://localhost:8443") as made:
        yield made


def problem(response: httpx.Response, status: int) -> dict[str, Any]:
    """Return the document of a problem, after what holds for every one."""
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = response.json()
    assert document["status"] == status
    assert document["title"]
    assert document["instance"] == f"/requests/{response.headers['x-request-id']}"
    assert "hunter2" not in response.text
    return document


async def test_a_problem_of_ours_is_told_with_all_its_members(client: httpx.AsyncClient) -> None:
    document = problem(await client.get("/api/raise/conflict"), 409)
    assert document["type"] == "/problems/conflict"
    assert document["detail"] == "It was sold."
    assert document["sku"] == "A-1"


async def test_an_address_that_does_not_exist_reads_like_a_thing_that_does_not(client: httpx.AsyncClient) -> None:
    nowhere = problem(await client.get("/api/nowhere"), 404)
    absent = problem(await client.get("/api/raise/absent"), 404)
    malformed = problem(await client.get("/api/things/not-a-uuid"), 404)
    assert nowhere | {"instance": ""} == absent | {"instance": ""} == malformed | {"instance": ""}


async def test_a_method_that_an_address_does_not_answer_to_is_405_with_those_that_it_does(
    client: httpx.AsyncClient,
) -> None:
    response = await client.post("/api/things/01890a5d-ac96-774b-bcce-b302099a8057", json={})
    problem(response, 405)
    assert response.headers["allow"] == "GET, OPTIONS"


@pytest.mark.parametrize(
    ("content", "fields"),
    [
        (b'{"name": "x", "lines": [{"quantity": 0}]}', ["lines[0].quantity"]),
        (b'{"name": "too long"}', ["name"]),
        (b'{"name": 5}', ["name"]),
        (b"{}", ["body"]),
        (b'{"name": "x", "more": 1}', ["body"]),
        (b"[]", ["body"]),
        (b"{", ["body"]),
        (b"\xff", ["body"]),
        (b"", ["body"]),
        (b'{"name": "\\ud800"}', ["body"]),
    ],
)
async def test_malformed_input_is_422_and_names_the_field(
    content: bytes, fields: list[str], client: httpx.AsyncClient
) -> None:
    response = await client.post("/api/things", content=content, headers={"content-type": "application/json"})
    assert [error["field"] for error in problem(response, 422)["errors"]] == fields


async def test_what_was_sent_is_not_repeated_to_its_sender(client: httpx.AsyncClient) -> None:
    body = {"name": "x", "lines": [{"quantity": 1, "kind": "hunter2"}]}
    assert problem(await client.post("/api/things", json=body), 422)["errors"][0]["message"] == "Invalid enum value"
    problem(await client.get("/api/things/01890a5d-ac96-774b-bcce-b302099a8057?limit=hunter2"), 422)
    problem(await client.get("/api/search?password=hunter2"), 422)


async def test_a_missing_parameter_is_named(client: httpx.AsyncClient) -> None:
    assert problem(await client.get("/api/search"), 422)["errors"] == [
        {"field": "q", "message": "The query parameter is missing."}
    ]


async def test_a_body_larger_than_allowed_is_413_through_the_application_too(client: httpx.AsyncClient) -> None:
    async def stream() -> AsyncIterator[bytes]:
        yield b'{"name": "' + b"x" * 2000 + b'"}'

    response = await client.post("/api/things", content=stream(), headers={"content-type": "application/json"})
    assert problem(response, 413)["type"] == "/problems/too-large"


async def test_another_media_type_is_415(client: httpx.AsyncClient) -> None:
    problem(await client.post("/api/things", content=b"{}", headers={"content-type": "text/plain"}), 415)


async def test_a_limit_says_when_to_come_back(client: httpx.AsyncClient) -> None:
    response = await client.get("/api/raise/limited")
    problem(response, 429)
    assert response.headers["retry-after"] == "7"


async def test_what_nobody_expected_is_a_500_that_says_nothing_of_it(client: httpx.AsyncClient) -> None:
    assert problem(await client.get("/api/raise/unknown"), 500)["type"] == "/problems/server-error"


async def test_a_refusal_by_number_is_what_its_number_says(client: httpx.AsyncClient) -> None:
    unauthorised = await client.get("/api/raise/unauthorised")
    assert problem(unauthorised, 401) | {"instance": ""} == {
        "type": "about:blank", "title": "Unauthorized", "status": 401, "instance": "",
    }  # fmt: skip
    assert unauthorised.headers["www-authenticate"] == "Bearer"
    assert problem(await client.get("/api/raise/teapot"), 418)["title"] == "I'm a Teapot"


def test_a_problem_without_a_request_has_no_instance() -> None:
    status, headers, body = problem_response(NotFound(), None)
    assert status == 404
    assert "instance" not in msgspec.json.decode(body)
    assert dict(headers)[b"content-length"] == str(len(body)).encode()
