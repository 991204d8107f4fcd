"""Alerts about what is unlike a person or key, and what they lead to, through the API."""

from uuid import UUID

from stockade.access.permissions import permission
from stockade.access.routes import get, post, put
from stockade.identity.suspicion import alerts, policy
from stockade.identity.suspicion.alerts import AlertRow, AlreadyAcknowledged, OwnAlert
from stockade.identity.suspicion.policy import PolicyChange, PolicyRow
from stockade.kernel.problems import VersionConflict
from stockade.tenancy.transaction import Transaction

READ_ALERTS = permission("alerts:read", least="admin")
ACKNOWLEDGE_ALERTS = permission("alerts:acknowledge", least="admin")
CONFIGURE_ALERTS = permission("alerts:configure", least="owner")


@get("/alerts", permission=READ_ALERTS)
async def list_alerts(tx: Transaction) -> list[AlertRow]:
    """List the newest alerts, open ones first."""
    return await alerts.list_alerts(tx)


@get("/alerts/{alert_id:uuid}", permission=READ_ALERTS)
async def read_alert(tx: Transaction, alert_id: UUID) -> AlertRow:
    """Read an alert with its evidence."""
    return await alerts.read_alert(tx, alert_id)


@post("/alerts/{alert_id:uuid}/acknowledge", permission=ACKNOWLEDGE_ALERTS, problems=[AlreadyAcknowledged, OwnAlert])
async def acknowledge_alert(tx: Transaction, alert_id: UUID) -> AlertRow:
    """Say that somebody has looked at an alert; an account that it locked is open again."""
    return await alerts.acknowledge_alert(tx, alert_id)


@get("/alert-policy", permission=READ_ALERTS)
async def read_alert_policy(tx: Transaction) -> PolicyRow:
    """Read what each kind of alert leads to."""
    return await policy.read_policy(tx)


@put("/alert-policy", permission=CONFIGURE_ALERTS, problems=[VersionConflict])
async def set_alert_policy(tx: Transaction, data: PolicyChange) -> PolicyRow:
    """Set what each kind of alert leads to: a letter only, another factor, or a lock."""
    return await policy.set_policy(tx, data)


ROUTES = [list_alerts, read_alert, acknowledge_alert, read_alert_policy, set_alert_policy]
