"""Invoices and payments through the API: from an order that shipped to an invoice that is paid."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.commerce.invoicing.world import Item, World, make_world
from tests.conftest import TenantFixture
from tests.documents.reading import text
from tests.running import Site

from stockade.documents import Branding, Document, render
from stockade.kernel.clock import today
from stockade.kernel.ids import new_id


class Api:
    """The API with a key of one tenant."""

    def __init__(self, site: Site, world: World, key: str) -> None:
        self.site, self.world, self.key = site, world, key

    async def get(self, path: str, expected: int = 200, **params: Any) -> Any:
        answer = await self.site.call(self.key, "GET", f"/api/v1{path}", params=params)
        assert answer.status_code == expected, answer.text
        return answer.json() if "json" in answer.headers["content-type"] else answer.content

    async def post(self, path: str, expected: int = 201, **body: Any) -> Any:
        answer = await self.site.call(self.key, "POST", f"/api/v1{path}", json=body)
        assert answer.status_code == expected, answer.text
        return answer.json()

    async def invoiced(self, *items: Item) -> Any:
        return await self.post("/invoices", order_id=str(await self.world.order(*(items or (Item(1),)))))

    def payment(self, amount_minor: int, **more: object) -> dict[str, Any]:
        return {
            "customer_id": str(self.world.customer_id), "method": "bank_transfer", "received_on": str(today()),
            "amount": {"amount_minor": amount_minor, "currency": "EUR"},
        } | more  # fmt: skip


@pytest.fixture
async def api(site: Site, tenant: TenantFixture) -> Api:
    return Api(site, await make_world(site.database, tenant), await site.key(tenant, "admin"))


async def test_an_order_that_shipped_becomes_an_invoice_that_is_paid(api: Api) -> None:
    invoice = await api.invoiced(Item(2, "10.00"))
    assert invoice["gross"] == {"amount_minor": 2400, "currency": "EUR"}
    assert await api.get(f"/invoices/{invoice['id']}") == invoice
    parts = [{"invoice_id": invoice["id"], "amount_minor": 2400}]
    payment = await api.post("/payments", **api.payment(3000, external_id="B-1", allocations=parts))
    assert payment["unallocated"]["amount_minor"] == 600
    assert (await api.get(f"/invoices/{invoice['id']}"))["open"]["amount_minor"] == 0
    assert (await api.get(f"/payments/{payment['id']}"))["allocations"] == payment["allocations"]
    [balance] = await api.get(f"/customers/{api.world.customer_id}/balance")
    assert balance["balance"] == {"amount_minor": -600, "currency": "EUR"}
    [row] = (await api.get("/payments", unallocated="true"))["items"]
    assert row["id"] == payment["id"]


async def test_an_invoice_is_issued_once_however_often_the_request_is_repeated(api: Api) -> None:
    order_id, key = await api.world.order(Item(1)), new_id().hex
    answers = [
        await api.site.call(
            api.key, "POST", "/api/v1/invoices", json={"order_id": str(order_id)}, headers={"Idempotency-Key": key}
        )
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert answers[0].headers["location"].endswith(answers[0].json()["id"])


async def test_the_pdf_of_an_invoice_is_a_file_named_by_its_number(api: Api) -> None:
    invoice = await api.invoiced(Item(2, "10.00"))
    answer = await api.site.call(api.key, "GET", f"/api/v1/invoices/{invoice['id']}/pdf")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == f'attachment; filename="{invoice["number"]}.pdf"'
    assert invoice["number"] in text(answer.content)
    again = await api.site.call(api.key, "GET", f"/api/v1/invoices/{invoice['id']}/pdf")
    assert again.content == answer.content
    assert (await api.get(f"/invoices/{new_id()}/pdf", 404))["type"] == "/problems/not-found"


async def test_no_connection_is_held_while_a_pdf_is_typeset(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    invoice = await api.invoiced()
    held = []

    def watched(documents: tuple[Document, ...], branding: Branding) -> bytes:
        pool = api.site.database.main()
        held.append(pool.get_size() - pool.get_idle_size())
        return render(documents, branding)

    monkeypatch.setattr("stockade.commerce.parties.printing.render", watched)
    assert (await api.get(f"/invoices/{invoice['id']}/pdf")).startswith(b"%PDF")
    assert held == [0]


async def test_a_credit_note_its_rest_and_a_write_off_go_through_the_api(api: Api) -> None:
    invoice, other = await api.invoiced(Item(2)), await api.invoiced(Item(3))
    await api.post("/payments", **api.payment(2400, allocations=[{"invoice_id": invoice["id"], "amount_minor": 2400}]))
    note = await api.post(
        "/credit-notes", invoice_id=invoice["id"], reason="Broken", lines=[{"position": 1, "quantity": 1}]
    )
    assert await api.get(f"/credit-notes/{note['id']}") == note
    await api.get(f"/credit-notes/{invoice['id']}", 404)
    [part] = await api.post(f"/credit-notes/{note['id']}/allocate", 200)
    assert (part["invoice_id"], part["amount"]["amount_minor"]) == (other["id"], 1200)
    back = await api.post(f"/allocations/{part['id']}/take-back", 200)
    assert back["reverses_id"] == part["id"]
    lost = await api.post("/write-offs", invoice_id=other["id"], reason="Insolvent")
    assert lost["amount"]["amount_minor"] == 3600
    assert await api.get(f"/write-offs/{lost['id']}") == lost
    found = await api.get("/invoices", kind="credit_note", number="CN-")
    assert [row["id"] for row in found["items"]] == [note["id"]]


async def test_the_ageing_and_the_statement_are_there_for_any_day(api: Api) -> None:
    invoice = await api.invoiced(Item(2))
    later = today() + timedelta(days=45)
    report = await api.get("/receivables/ageing", as_of=str(later))
    assert report["totals"][0]["days_1_30"] == {"amount_minor": 2400, "currency": "EUR"}
    path = f"/customers/{api.world.customer_id}/statement"
    period: dict[str, Any] = {"from": str(today()), "to": str(later)}
    statement = await api.get(path, **period)
    assert [entry["number"] for entry in statement["entries"]] == [invoice["number"]]
    assert invoice["number"] in text(await api.get(f"{path}/pdf"))
    await api.get(path, 422, **(period | {"to": "2020-01-01"}))


async def test_the_same_payment_under_two_keys_is_one_payment_and_both_can_be_repeated(api: Api) -> None:
    keys = [new_id().hex, new_id().hex]
    answers = []
    for key in (*keys, *keys):
        answers.append(
            await api.site.call(
                api.key, "POST", "/api/v1/payments", json=api.payment(100, external_id="B-1"),
                headers={"Idempotency-Key": key},
            )
        )  # fmt: skip
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1


@pytest.mark.parametrize(
    ("path", "body", "status", "problem"),
    [
        ("/invoices", {"order_id": str(new_id())}, 404, "/problems/not-found"),
        ("/invoices", {"order_id": "x"}, 422, "/problems/invalid"),
        ("/credit-notes", {"invoice_id": str(new_id()), "reason": "x"}, 404, "/problems/not-found"),
        ("/write-offs", {"invoice_id": str(new_id()), "reason": "x"}, 404, "/problems/not-found"),
        ("/credit-notes", {"invoice_id": str(new_id()), "reason": "x", "lines": []}, 422, "/problems/invalid"),
    ],
)
async def test_what_is_not_there_or_malformed_is_told_apart(
    api: Api, path: str, body: dict[str, Any], status: int, problem: str
) -> None:
    assert (await api.post(path, status, **body))["type"] == problem


@pytest.mark.parametrize(
    ("change", "status", "problem"),
    [
        ({"amount": {"amount_minor": 0, "currency": "EUR"}}, 422, "/problems/invalid"),
        ({"amount": {"amount_minor": 10**16, "currency": "EUR"}}, 422, "/problems/invalid"),
        ({"amount": {"amount_minor": 1, "currency": "USD"}}, 409, "/problems/money/currency-mismatch"),
        ({"received_on": "9999-12-31"}, 422, "/problems/invalid"),
        ({"external_id": "B-1"}, 409, "/problems/receivables/payment-exists"),
        ({"external_id": "a\0b"}, 422, "/problems/invalid"),
        ({"customer_id": str(UUID(int=0))}, 404, "/problems/not-found"),
        ({"method": "import"}, 422, "/problems/invalid"),
    ],
)
async def test_a_payment_that_cannot_be_is_refused_for_its_reason(
    api: Api, change: dict[str, object], status: int, problem: str
) -> None:
    await api.post("/payments", **api.payment(100, external_id="B-1"))
    assert (await api.post("/payments", status, **(api.payment(200) | change)))["type"] == problem


async def test_refusals_of_the_rules_carry_their_own_types(api: Api) -> None:
    invoice = await api.invoiced(Item(1))
    order: dict[str, Any] = {"order_id": invoice["order_id"]}
    assert (await api.post("/invoices", 409, **order))["type"] == "/problems/orders/not-in-this-stage"
    too_much: dict[str, Any] = {"allocations": [{"invoice_id": invoice["id"], "amount_minor": 1201}]}
    refused = await api.post("/payments", 409, **api.payment(5000, **too_much))
    assert refused["type"] == "/problems/receivables/more-than-open"
    payment = await api.post("/payments", **api.payment(10))
    less: dict[str, Any] = {"allocations": [{"invoice_id": invoice["id"], "amount_minor": 11}]}
    refused = await api.post(f"/payments/{payment['id']}/allocate", 409, **less)
    assert refused["type"] == "/problems/receivables/more-than-unallocated"
    credit: dict[str, Any] = {"invoice_id": invoice["id"], "reason": "x", "lines": [{"position": 1, "quantity": 2}]}
    refused = await api.post("/credit-notes", 409, **credit)
    assert refused["type"] == "/problems/invoicing/credit-exceeds-invoice"


@pytest.mark.parametrize(
    ("role", "path"),
    [("viewer", "/invoices"), ("viewer", "/payments"), ("member", "/credit-notes"), ("member", "/write-offs")],
)
async def test_a_role_that_is_too_low_is_refused(api: Api, role: str, path: str) -> None:
    low = Api(api.site, api.world, await api.site.key(api.world.tenant, role))
    bodies: dict[str, dict[str, Any]] = {
        "/invoices": {"order_id": str(new_id())}, "/payments": api.payment(100),
        "/credit-notes": {"invoice_id": str(new_id()), "reason": "x"},
        "/write-offs": {"invoice_id": str(new_id()), "reason": "x"},
    }  # fmt: skip
    assert (await low.post(path, 403, **bodies[path]))["type"] == "/problems/forbidden"
