"""The design system on one page, for whoever builds pages: every component in every state. Not there in production."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from stockade.apps.admin.forms import Conflict, Form
from stockade.apps.admin.routes import page
from stockade.apps.show import AnyRequest, Shown
from stockade.commerce.orders.permissions import READ
from stockade.kernel.money import Money
from stockade.kernel.problems import NotFound
from stockade.tenancy.transaction import Transaction

_DAY = date(2026, 11, 1)
_AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
_REVENUE = (3120, 4410, 3890, 5260, 1180, 0, 4630, 4980, 5420, 4770, 6120, 1430, 210, 5230)
_BEFORE = (2890, 3720, 4210, 4630, 980, 120, 3870, 4410, 4390, 5010, 5230, 1210, 0, 4410)


@page("/ui", permission=READ)
async def show_components(tx: Transaction, request: AnyRequest) -> Shown:
    """Show every component. It reads nothing of the tenant's."""
    if request.app.state.installation.settings.production:
        raise NotFound
    return Shown("ui.html", samples())


def samples() -> dict[str, Any]:
    """Return what the page's examples are made of."""
    typed = {"name": "Hartley & Sons", "email": "hartley", "limit_minor": "2.500,00", "terms_days": "30", "ships": "on"}
    return {
        "blank": Form(),
        "wrong": Form(typed, {"email": "Write it like ada@example.com.", "limit_minor": "Write a number."}),
        "refused": Form(typed, problem={"title": "The customer is archived", "detail": "Restore it to change it."}),
        "conflicting": Form(
            typed | {"expected_version": "4"},
            conflict=Conflict("Grace Hopper", _AT - timedelta(minutes=2), {"name": "Hartley and Sons Ltd"}),
        ),
        "amount": Money(123450, "EUR"),
        "day": _DAY,
        "moment": _AT,
        "happened": [
            {"at": _AT, "actor": "Ada Byron", "text": "Invoice INV-2026-0042 issued", "detail": None, "tone": "good"},
            {"at": _AT - timedelta(hours=3), "actor": "Grace Hopper", "text": "Credit hold placed",
             "detail": "5,400.00 EUR over the limit", "tone": "warn"},
            {"at": _AT - timedelta(days=1), "actor": "Ada Byron", "text": "Order placed", "detail": "by telephone"},
        ],
        "revenue": _series([_REVENUE, _BEFORE]),
        "ages": [(label, [Money(amount, "EUR")], "/invoices?late=1") for label, amount in (
            ("Not due", 1_840_000), ("1–30", 620_000), ("31–60", 214_000), ("61–90", 98_000), ("90+", 41_000))],
        "stages": [(f"Week {week}", [12 + week * 3 % 7, 6 + week % 4, 2 + week % 3], None) for week in range(38, 46)],
    }  # fmt: skip


def _series(columns: list[tuple[int, ...]]) -> list[tuple[str, list[Money], str]]:
    days = [_DAY + timedelta(days=number) for number in range(len(columns[0]))]
    return [
        (f"{day.day} Nov", [Money(column[number] * 100, "EUR") for column in columns], f"/orders?placed_from={day}")
        for number, day in enumerate(days)
    ]


ROUTES = (show_components,)
