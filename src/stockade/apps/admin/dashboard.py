"""The dashboard: where the business stands, at a glance; each figure leads to the rows behind it."""

from datetime import date, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from babel.dates import format_date, format_skeleton
from litestar.params import QueryParameter
from litestar.response import Redirect

from stockade.apps.admin.activity import told_of
from stockade.apps.admin.lists import may_of
from stockade.apps.admin.routes import page
from stockade.apps.show import AnyRequest, Shown, locale_of
from stockade.commerce.desk import dashboard as desk
from stockade.commerce.desk.periods import Length, Period, Span, change_percent, period_of
from stockade.commerce.orders import permissions
from stockade.kernel.clock import today
from stockade.kernel.money import Money
from stockade.kernel.words import N_
from stockade.tenancy.transaction import Transaction
from stockade.web.languages import LOCALES

By = Annotated[Length, QueryParameter(name="by")]
On = Annotated[date | None, QueryParameter(name="on")]
LENGTHS: tuple[tuple[Length, str], ...] = (("day", N_("Day")), ("week", N_("Week")), ("month", N_("Month")))
AGE_LABELS = {
    "not_due": N_("Not due yet"), "days_1_30": N_("1 to 30 days"), "days_31_60": N_("31 to 60 days"),
    "days_61_90": N_("61 to 90 days"), "days_over_90": N_("Over 90 days"),
}  # fmt: skip
_AGE_DAYS: dict[str, tuple[int | None, int | None]] = {
    "days_1_30": (30, 1), "days_31_60": (60, 31), "days_61_90": (90, 61), "days_over_90": (None, 91),
}  # fmt: skip
"""How many days ago an invoice of an age was due: from, to."""


@page("/dashboard", permission=permissions.READ)
async def show_dashboard(tx: Transaction, request: AnyRequest, by: By = "month", on: On = None) -> Any:
    """The dashboard of a period; of a tenant that never had an order, the first day."""
    may, now = may_of(tx), today()
    standing = await desk.read_desk(tx, now)
    if standing.is_empty and not standing.dismissed and not tx.principal.limits and may("settings:read"):
        return Redirect("/welcome", status_code=303)
    period = period_of(by, on or now, now)
    locale = locale_of(request.scope)
    days = await desk.read_days(
        tx, Span(min(period.run[0].first, period.before.first), period.so_far.last), with_revenue=may("invoices:read")
    )
    ages = await desk.read_ages(tx, now) if may("receivables:read") else []
    low = await desk.read_low(tx) if may("stock:read") else []
    with_best = {"products": may("catalog:read"), "customers": may("parties:read")}
    products, customers = (
        await desk.read_best(tx, period.so_far, standing.currency, **with_best) if may("invoices:read") else ([], [])
    )
    happened = await desk.read_happened(tx)
    return Shown("dashboard.html", {
        "standing": standing, "period": period, "lengths": LENGTHS, "now": now,
        "period_name": _name(period.so_far, by, locale, short=False), "steps": _steps(period, now),
        "revenue": _revenue(period, days, standing.currency), "orders": _orders(period, days),
        "chart_rows": _chart(period, days, standing.currency, locale),
        "ages": _ages(ages, standing.currency, now), "low": low, "products": products, "customers": customers,
        "happened": [told for entry in happened if (told := told_of(entry, may)) is not None],
        "invoices_address": _invoices(period.so_far), "orders_address": _orders_of(period.so_far),
    })  # fmt: skip


def _revenue(period: Period, days: desk.Days, currency: str) -> dict[str, Any]:
    """The period's revenue, its change, and what came in other currencies."""
    now, before = days.revenue_in(period.so_far, currency), days.revenue_in(period.before, currency)
    return {
        "now": Money(now, currency), "before": Money(before, currency), "change": change_percent(now, before),
        "others": days.others(period.so_far, currency),
    }  # fmt: skip


def _orders(period: Period, days: desk.Days) -> dict[str, Any]:
    now, before = days.orders_in(period.so_far), days.orders_in(period.before)
    return {"now": now, "before": before, "change": change_percent(now, before)}


def _chart(period: Period, days: desk.Days, currency: str, locale: str) -> dict[str, Any]:
    """Rows for the charts: a label, the values, and where the rows behind them are."""
    names = [(span, _name(span, period.length, locale, short=True)) for span in period.run]
    return {
        "revenue": [
            (name, [Money(days.revenue_in(span, currency), currency)], _invoices(span)) for span, name in names
        ],
        "orders": [(name, [days.orders_in(span)], _orders_of(span)) for span, name in names],
    }


def _ages(ages: list[desk.Age], currency: str, now: date) -> dict[str, Any]:
    """What is open by age in the company's currency, with each age's share, and what is overdue in other ones."""
    rows, home = [], {row.age: row for row in ages if row.currency == currency}
    total = sum(row.open_minor for row in home.values())
    for name, label in AGE_LABELS.items():
        row = home.get(name)
        minor = row.open_minor if row else 0
        rows.append({
            "name": name, "label": label, "open": Money(minor, currency), "count": row.count if row else 0,
            "share": minor, "address": _due(name, now),
        })  # fmt: skip
    overdue = [row for row in home.values() if row.age != "not_due"]
    others: dict[str, int] = {}
    for row in ages:
        if row.currency != currency and row.age != "not_due":
            others[row.currency] = others.get(row.currency, 0) + row.open_minor
    return {
        "rows": rows, "total": total, "count": sum(row.count for row in overdue),
        "overdue": Money(sum(row.open_minor for row in overdue), currency),
        "others": tuple(Money(minor, known) for known, minor in sorted(others.items())),
    }  # fmt: skip


def _steps(period: Period, now: date) -> dict[str, str | None]:
    """The addresses of the period before and the one after; None beyond today."""
    earlier, later = period.whole.first - timedelta(days=1), period.whole.last + timedelta(days=1)
    return {
        "before": f"/dashboard?by={period.length}&on={earlier}",
        "after": f"/dashboard?by={period.length}&on={later}" if later <= now else None,
    }


def _name(span: Span, length: Length, locale: str, *, short: bool) -> str:
    """Return what a period is called: ``November 2026``, ``16 – 22 Nov``, ``21 Nov``."""
    spoken = LOCALES[locale]
    if length == "month":
        return format_skeleton("yMMM" if short else "yMMMM", span.first, locale=spoken)
    first = format_date(span.first, "d MMM" if short else "d MMM y", spoken)
    if length == "day" or short or span.first == span.last:
        return first
    return f"{format_date(span.first, 'd MMM', spoken)} – {format_date(span.last, 'd MMM y', spoken)}"


def _invoices(span: Span) -> str:
    return f"/invoices?{urlencode({'issued_from': span.first, 'issued_to': span.last})}"


def _orders_of(span: Span) -> str:
    return f"/orders?{urlencode({'placed_from': span.first, 'placed_to': span.last})}"


def _due(age: str, now: date) -> str:
    """Return the address of the open invoices of an age."""
    if age == "not_due":
        return f"/invoices?{urlencode({'state': 'open', 'due_from': now})}"
    start, end = _AGE_DAYS[age]
    given = {"overdue": "1"} | ({"due_from": str(now - timedelta(days=start))} if start else {})
    return f"/invoices?{urlencode(given | {'due_to': str(now - timedelta(days=end or 1))})}"


ROUTES = (show_dashboard,)
