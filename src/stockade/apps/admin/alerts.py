"""Security alerts: what was unlike a person or key, the evidence, and what such things lead to."""

from typing import Any
from uuid import UUID

from stockade.access.alerts import ACKNOWLEDGE_ALERTS, CONFIGURE_ALERTS, READ_ALERTS
from stockade.access.routes import opened
from stockade.apps.admin.forms import Form, submitted
from stockade.apps.admin.routes import Fields, form, page
from stockade.apps.show import AnyRequest, Shown
from stockade.identity.suspicion import alerts
from stockade.identity.suspicion.alerts import AlertRow
from stockade.identity.suspicion.policy import PolicyChange, read_policy, set_policy
from stockade.identity.suspicion.telling import KIND_LABELS
from stockade.kernel.words import N_
from stockade.tenancy.transaction import Transaction

ADDRESS = "/alerts"
POLICY_ADDRESS = "/alerts/policy"
TOLD = {
    "acknowledged": N_("The alert is acknowledged. What it had locked is open again."),
    "saved": N_("Alerts lead to this from now on."),
}
STATES = {"open": (N_("Open"), "warn"), "acknowledged": (N_("Acknowledged"), "hollow")}
ACTED = {
    "none": N_("A letter to the person"),
    "step_up": N_("Another factor was asked for"),
    "locked": N_("Locked until it is acknowledged"),
}
CHOICES = {
    "notify": N_("Write to the person"),
    "step_up": N_("Ask for another factor"),
    "lock": N_("Lock until somebody has looked"),
}
EVIDENCE_LABELS = {
    "address": N_("Address"),
    "browser": N_("Browser"),
    "seen_in": N_("Country"),
    "country": N_("New country"),
    "known_countries": N_("Known countries"),
    "known_devices": N_("Known devices"),
    "from": N_("From country"),
    "to": N_("To country"),
    "at_least_km": N_("Kilometres apart, at least"),
    "minutes": N_("Minutes between them"),
    "requests_this_hour": N_("Requests this hour"),
    "usual_at_most": N_("Usual in an hour, at most"),
    "limit": N_("Suspicious from"),
    "rows_in_24_hours": N_("Rows in 24 hours"),
    "busiest_day_before": N_("Rows on the busiest of 30 days before"),
}


@page(ADDRESS, permission=READ_ALERTS)
async def show_alerts(tx: Transaction, request: AnyRequest) -> Shown:
    """The newest alerts, open ones first."""
    listed = [(item, evidence_of(item)) for item in await alerts.list_alerts(tx)]
    return Shown("alerts/list.html", {
        "alerts": listed, "kinds": KIND_LABELS, "states": STATES, "acted": ACTED, "labels": EVIDENCE_LABELS,
        "told": TOLD.get(request.query_params.get("done", "")),
    })  # fmt: skip


@page(POLICY_ADDRESS, permission=READ_ALERTS)
async def show_policy(tx: Transaction, request: AnyRequest) -> Shown:
    """What alerts of each kind lead to."""
    return await _policy_page(tx, request)


@form(POLICY_ADDRESS, permission=CONFIGURE_ALERTS)
async def take_policy(request: AnyRequest, fields: Fields) -> Shown | str:
    """Set what alerts lead to."""

    async def again(tx: Transaction, typed: Form) -> Shown:
        return await _policy_page(tx, request, typed)

    return await submitted(
        request, fields, PolicyChange, set_policy, again=again, then=f"{POLICY_ADDRESS}?done=saved",
        current=read_policy,
    )  # fmt: skip


@form("/alerts/{alert_id:uuid}/acknowledge", permission=ACKNOWLEDGE_ALERTS)
async def take_acknowledgement(request: AnyRequest, fields: Fields, alert_id: UUID) -> Shown | str:
    """Say that somebody has looked at an alert."""
    async with opened(request) as tx:
        await alerts.acknowledge_alert(tx, alert_id)
    return f"{ADDRESS}?done=acknowledged"


def held_export() -> Shown:
    """The page that comes instead of a file that was kept back."""
    return Shown("alerts/held.html", {}, status=403)


def evidence_of(alert: AlertRow) -> list[tuple[str, str]]:
    """Return an alert's evidence as texts by the names that have labels."""
    return [
        (name, _text(alert.evidence[name])) for name in EVIDENCE_LABELS if alert.evidence.get(name) not in (None, "")
    ]


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


async def _policy_page(tx: Transaction, request: AnyRequest, typed: Form | None = None) -> Shown:
    policy = await read_policy(tx)
    return Shown("alerts/policy.html", {
        "policy": policy, "form": typed or Form.of(policy), "kinds": KIND_LABELS, "choices": CHOICES,
        "told": TOLD.get(request.query_params.get("done", "")),
    })  # fmt: skip


ROUTES = (show_alerts, show_policy, take_policy, take_acknowledgement)
