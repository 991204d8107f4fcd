"""The audit trail as the desk sees it: the list of entries, and one entry with what it changed."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from stockade.access.permissions import permission
from stockade.commerce.desk.listing import Choice, Column, Days, Entity, Listing
from stockade.commerce.desk.naming import ACTOR
from stockade.database.statements import raw
from stockade.kernel.words import N_
from stockade.tenancy.transaction import Transaction

READ = permission("audit:read", least="admin")
SUBJECTS = {
    "orders.sales_order": N_("Order"), "orders.line": N_("Order line"), "orders.hold": N_("Hold"),
    "orders.shipment": N_("Shipment"), "orders.shipment_line": N_("Shipment line"),
    "orders.delivery": N_("Delivery address"), "parties.customer": N_("Customer"), "parties.contact": N_("Contact"),
    "parties.address": N_("Address"), "parties.company": N_("Company"), "catalog.product": N_("Product"),
    "catalog.substitute": N_("Substitute"), "catalog.vat_rate": N_("VAT rate"), "stock.warehouse": N_("Warehouse"),
    "stock.move": N_("Stock move"), "stock.reservation": N_("Reservation"), "invoicing.invoice": N_("Invoice"),
    "invoicing.line": N_("Invoice line"), "receivables.payment": N_("Payment"),
    "receivables.allocation": N_("Allocation"), "receivables.write_off": N_("Write-off"),
    "identity.membership": N_("Member"), "identity.api_key": N_("API key"), "identity.session": N_("Session"),
    "identity.access_review": N_("Access review"), "identity.access_review_item": N_("Access under review"),
    "desk.export": N_("Download"), "desk.view": N_("Saved view"),
}  # fmt: skip
"""What the kinds of records are called that people look for."""
PAGES = {
    "orders.sales_order": "/orders/{}", "parties.customer": "/customers/{}", "catalog.product": "/products/{}",
    "invoicing.invoice": "/invoices/{}", "receivables.payment": "/payments/{}", "identity.membership": "/members/{}",
    "identity.api_key": "/keys/{}", "identity.access_review": "/reviews/{}",
}  # fmt: skip
"""Where a record has a page of its own."""
ACTIONS = {"insert": N_("Written down"), "update": N_("Changed"), "delete": N_("Removed")}
_TONES = {"insert": "good", "update": "info", "delete": "bad"}
_PEOPLE = {
    "people": "left join identity.people() p on p.account_id = e.actor_id "
    "left join identity.api_key k on k.tenant_id = $1 and k.id = e.actor_id"
}
TRAIL = Listing(
    name="trail", address="/trail", permission=READ,
    source="audit.entry e", where="e.tenant_id = $1", key="e.id", joins=_PEOPLE,
    columns=(
        Column("at", N_("When"), "e.recorded_at", "moment", sort=True, link="/trail/{id}"),
        Column("actor", N_("Who"), ACTOR, needs=("people",)),
        Column("action", N_("What"), "e.action", "badge",
               badges={name: (label, _TONES[name], "") for name, label in ACTIONS.items()}),
        Column("subject", N_("Record"), "e.subject", "badge",
               badges={name: (label, "plain", "") for name, label in SUBJECTS.items()}),
        Column("fields", N_("Fields"), """(
            select string_agg(name, ', ' order by name) from (
                select jsonb_object_keys(coalesce(e.after, e.before, '{}'::jsonb)) as name limit 8) named)"""),
        Column("record", N_("Record id"), "e.subject_id::text", "code", shown=False),
        Column("request", N_("Request"), "e.request_id::text", "code", shown=False),
    ),
    filters=(
        Choice("action", N_("What"), ACTIONS, "e.action = {0}", tabs=True),
        Choice("subject", N_("Record"), SUBJECTS, "e.subject = {0}"),
        Entity("record", N_("Record id"), "e.subject_id = {0}", ""),
        Entity("actor", N_("Who"), "e.actor_id = {0}", "members",
               shown="select p.name from identity.people() p, (select $1::uuid) t where p.account_id = $2"),
        Entity("request", N_("Request"), "e.request_id = {0}", ""),
        Days("recorded", N_("When"), "e.recorded_at", moment=True),
    ),
    sort="-at",
)  # fmt: skip


class Entry(msgspec.Struct, frozen=True):
    """One entry of the trail; values of personal columns are masked already."""

    id: UUID
    recorded_at: datetime
    actor: str
    actor_id: UUID
    actor_kind: str
    address: str
    request_id: UUID
    action: str
    subject: str
    subject_id: UUID
    before: dict[str, Any] | None
    after: dict[str, Any] | None


_COLUMNS = f"e.id, e.recorded_at, {ACTOR}, e.actor_id, e.actor_kind, e.address, e.request_id, e.action, e.subject, " \
    "e.subject_id, e.before, e.after"  # fmt: skip
_ONE = raw(
    # The id holds its moment (UUIDv7), which finds the partition and the place in it.
    f"""
    select {_COLUMNS} from audit.entry e {_PEOPLE["people"]}
    where e.tenant_id = $1 and e.id = $2
        and e.recorded_at between uuid_extract_timestamp($2) - interval '1 day'
        and uuid_extract_timestamp($2) + interval '1 day'
    """,
    "this_tenant id",
    Entry,
)
_OF_REQUEST = raw(
    f"""
    select {_COLUMNS} from audit.entry e {_PEOPLE["people"]}
    where e.tenant_id = $1 and e.request_id = $2 and e.recorded_at between $3::timestamptz - interval '1 minute'
        and $3::timestamptz + interval '1 minute'
    order by e.recorded_at, e.id limit 50
    """,
    "this_tenant request_id near",
    Entry,
)


async def read_entry(tx: Transaction, entry_id: UUID) -> Entry:
    """Return an entry of the trail; ``NotFound`` if there is none."""
    return await _ONE.one(tx, id=entry_id)


async def same_request(tx: Transaction, entry: Entry) -> list[Entry]:
    """Return what the same request changed besides, up to fifty entries in order."""
    found = await _OF_REQUEST.all(tx, request_id=entry.request_id, near=entry.recorded_at)
    return [other for other in found if other.id != entry.id]
