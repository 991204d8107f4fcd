"""The audit trail as pages: who changed what and when, and one entry with both versions side by side."""

from typing import Any
from uuid import UUID

import msgspec

from stockade.apps.admin.lists import list_routes, listed
from stockade.apps.admin.routes import page
from stockade.apps.show import AnyRequest, Shown
from stockade.commerce.desk.trail import ACTIONS, PAGES, READ, SUBJECTS, TRAIL, Entry, read_entry, same_request
from stockade.kernel.words import N_
from stockade.tenancy.pin import NOBODY
from stockade.tenancy.transaction import Transaction

LONGEST_SHOWN = 2000
MOST_ROWS = 100


@page("/trail", permission=READ)
async def show_trail(tx: Transaction, request: AnyRequest) -> Shown:
    """The trail, newest first."""
    return await listed(tx, request, TRAIL, title=N_("Audit trail"), template="trail/list.html")


@page("/trail/{entry_id:uuid}", permission=READ)
async def show_entry(tx: Transaction, request: AnyRequest, entry_id: UUID) -> Shown:
    """One entry: what every field was, and what it became."""
    entry = await read_entry(tx, entry_id)
    others = await same_request(tx, entry) if entry.request_id != NOBODY else []
    address = PAGES.get(entry.subject)
    return Shown("trail/entry.html", {
        "entry": entry, "others": others, "subjects": SUBJECTS, "kinds": ACTIONS, "fields": differences(entry),
        "address": address.format(entry.subject_id) if address else None,
    })  # fmt: skip


def differences(entry: Entry) -> list[dict[str, Any]]:
    """Return the fields of an entry with both values as text; what did not change comes last."""
    before, after = entry.before or {}, entry.after or {}
    rows = [
        {"name": name, "before": told(before.get(name)), "after": told(after.get(name)),
         "changed": before.get(name) != after.get(name)}
        for name in [*after, *(name for name in before if name not in after)]
    ]  # fmt: skip
    return sorted(rows, key=lambda row: not row["changed"])


def told(value: Any) -> str | None:
    """Return a value of the trail as text: rows of a list one below the other, other structures as JSON."""
    if value is None:
        return None
    if isinstance(value, str):
        text = value
    elif isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
        lines = [", ".join(f"{name}: {told(part) or '–'}" for name, part in row.items()) for row in value[:MOST_ROWS]]
        text = "\n".join([*lines, *(["…"] if len(value) > MOST_ROWS else [])])
    else:
        text = msgspec.json.encode(value).decode()
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"


ROUTES = (show_trail, show_entry, *list_routes(TRAIL))
