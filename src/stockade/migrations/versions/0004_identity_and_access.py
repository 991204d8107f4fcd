"""Roles that tenants make, down to the record; keys with scopes; sign-in by steps."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from stockade.database.migrate import run_script

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ROLE = "role in ('owner', 'admin', 'member', 'viewer', 'own')"
OWN_ROLE = "(role = 'own') = (own_role_id is not null)"
CREATING = {"tenancy": "stockade_keeper", "audit": "stockade_auditor", "identity": "stockade_doorkeeper"}


def _run(name: str) -> None:
    sql = (Path(__file__).parents[1] / "sql" / name).read_text()
    run_script(op.get_bind(), sql)


def _name_roles() -> None:
    """Let members and keys have a role that the tenant made."""
    for table in ("membership", "api_key"):
        op.drop_constraint(f"{table}_role_check", table, schema="identity")
        op.create_check_constraint(f"{table}_role_check", table, ROLE, schema="identity")
        op.create_check_constraint(f"{table}_own_role_check", table, OWN_ROLE, schema="identity")
    op.create_check_constraint(
        "api_key_per_minute_check", "api_key", "per_minute between 1 and 100000", schema="identity"
    )


def upgrade() -> None:
    """Apply it."""
    op.create_table(
        "credential_use",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("credential_id", sa.Uuid(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "credential_id", name=op.f("credential_use_pkey")),
        schema="identity",
    )
    op.create_table(
        "role",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("permissions", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("customers", sa.Text(), nullable=False),
        sa.Column("warehouses", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="active", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("customers in ('all', 'own', 'region')", name=op.f("role_customers_check")),
        sa.CheckConstraint("state in ('active', 'archived')", name=op.f("role_state_check")),
        sa.CheckConstraint("warehouses in ('all', 'own')", name=op.f("role_warehouses_check")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("role_pkey")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("role_tenant_id_name_key")),
        schema="identity",
    )
    op.add_column("api_key", sa.Column("own_role_id", sa.Uuid(), nullable=True), schema="identity")
    op.add_column(
        "api_key",
        sa.Column("modules", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        schema="identity",
    )
    op.add_column(
        "api_key",
        sa.Column("networks", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        schema="identity",
    )
    op.add_column("api_key", sa.Column("per_minute", sa.Integer(), nullable=True), schema="identity")
    op.add_column("api_key", sa.Column("replaces_id", sa.Uuid(), nullable=True), schema="identity")
    op.create_foreign_key(
        op.f("api_key_tenant_id_own_role_id_fkey"),
        "api_key",
        "role",
        ["tenant_id", "own_role_id"],
        ["tenant_id", "id"],
        source_schema="identity",
        referent_schema="identity",
    )
    op.add_column("membership", sa.Column("own_role_id", sa.Uuid(), nullable=True), schema="identity")
    op.add_column(
        "membership",
        sa.Column(
            "regions", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), server_default="[]", nullable=False
        ),
        schema="identity",
    )
    op.add_column(
        "membership",
        sa.Column(
            "warehouses",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
        ),
        schema="identity",
    )
    op.create_index(
        "membership_own_role_id_idx",
        "membership",
        ["tenant_id", "own_role_id"],
        unique=False,
        schema="identity",
        postgresql_where=None,
    )
    op.create_foreign_key(
        op.f("membership_tenant_id_own_role_id_fkey"),
        "membership",
        "role",
        ["tenant_id", "own_role_id"],
        ["tenant_id", "id"],
        source_schema="identity",
        referent_schema="identity",
    )
    op.add_column(
        "session",
        sa.Column("confirmed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        schema="identity",
    )
    op.add_column("session", sa.Column("viewing_as", sa.Text(), nullable=True), schema="identity")
    op.create_check_constraint(
        "session_viewing_as_check",
        "session",
        "viewing_as ~ '^(owner|admin|member|viewer|own:[0-9a-f-]{36})$'",
        schema="identity",
    )
    op.add_column(
        "session",
        sa.Column(
            "proofs", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), server_default="[]", nullable=False
        ),
        schema="identity",
    )
    op.add_column(
        "session",
        sa.Column("must_enrol", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        schema="identity",
    )
    op.drop_constraint("session_method_check", "session", schema="identity")
    op.create_check_constraint(
        "session_method_check", "session", "method in ('password', 'link', 'passkey', 'sso')", schema="identity"
    )
    op.add_column("customer", sa.Column("responsible_id", sa.Uuid(), nullable=True), schema="parties")
    op.create_index(
        "customer_responsible_id_idx",
        "customer",
        ["tenant_id", "responsible_id"],
        unique=False,
        schema="parties",
        postgresql_where=None,
    )
    _name_roles()
    for schema, owner in CREATING.items():
        op.execute(f"grant usage, create on schema {schema} to {owner}")
    _run("0004_access.sql")
    op.rebuild_wall(
        "audit.entry",
        keys=("tenant_id", "recorded_at", "id"),
        scope="tenant",
        grants=("select",),
        also={"stockade_auditor": "insert"},
        audited=False,
        masked=("address",),
        unsampled=("transaction_id", "actor_kind", "address", "action", "subject", "before", "after"),
        limited=(
            "(( SELECT tenancy.unlimited(112) AS unlimited) OR (subject <> ALL (ARRAY['invoicing.invoice'::text, 'orders.hold'::text, 'orders.sales_order'::text, 'orders.shipment'::text, 'parties.address'::text, 'parties.contact'::text, 'parties.customer'::text, 'receivables.allocation'::text, 'receivables.bank_line'::text, 'receivables.bank_payer'::text, 'receivables.payment'::text, 'receivables.write_off'::text, 'stock.count'::text, 'stock.count_entry'::text, 'stock.move'::text, 'stock.warehouse'::text])) OR (subject_id IN ( SELECT invoice.id FROM invoicing.invoice)) OR (subject_id IN ( SELECT hold.id FROM orders.hold)) OR (subject_id IN ( SELECT sales_order.id FROM orders.sales_order)) OR (subject_id IN ( SELECT shipment.id FROM orders.shipment)) OR (subject_id IN ( SELECT address.id FROM parties.address)) OR (subject_id IN ( SELECT contact.id FROM parties.contact)) OR (subject_id IN ( SELECT customer.id FROM parties.customer)) OR (subject_id IN ( SELECT allocation.id FROM receivables.allocation)) OR (subject_id IN ( SELECT bank_line.id FROM receivables.bank_line)) OR (subject_id IN ( SELECT bank_payer.id FROM receivables.bank_payer)) OR (subject_id IN ( SELECT payment.id FROM receivables.payment)) OR (subject_id IN ( SELECT write_off.id FROM receivables.write_off)) OR (subject_id IN ( SELECT count.id FROM stock.count)) OR (subject_id IN ( SELECT count_entry.id FROM stock.count_entry)) OR (subject_id IN ( SELECT move.id FROM stock.move)) OR (subject_id IN ( SELECT warehouse.id FROM stock.warehouse)))",
        ),
    )
    op.build_wall(
        "identity.credential_use",
        keys=("tenant_id", "credential_id"),
        scope="tenant",
        updatable=("used_at", "address"),
        audited=False,
        masked=("address",),
        unsampled=("address",),
    )
    op.build_wall(
        "identity.role",
        keys=("tenant_id", "id"),
        scope="tenant",
        updatable=("name", "note", "permissions", "customers", "warehouses", "state", "version"),
        insert_event="identity.role_made",
        events={
            "permissions": "identity.role_permissions",
            "customers": "identity.role_limits",
            "warehouses": "identity.role_limits",
        },
        unsampled=("name", "note", "permissions", "version"),
    )
    op.rebuild_wall(
        "parties.customer",
        keys=("tenant_id", "id"),
        scope="tenant",
        updatable=(
            "name",
            "vat_id",
            "email",
            "phone",
            "country",
            "terms_days",
            "credit_limit_minor",
            "responsible_id",
            "vat_treatment",
            "state",
            "version",
            "updated_at",
        ),
        document=True,
        masked=("email", "phone"),
        events={
            "terms_days": "parties.terms_changed",
            "credit_limit_minor": "parties.credit_limit_changed",
            "responsible_id": "parties.responsible_changed",
            "state": "parties.state_changed",
        },
        unsampled=(
            "number",
            "name",
            "vat_id",
            "email",
            "phone",
            "country",
            "currency",
            "terms_days",
            "credit_limit_minor",
            "version",
        ),
        limited=(
            "(( SELECT tenancy.unlimited(48) AS unlimited) OR (responsible_id = ( SELECT identity.standing_person() AS standing_person)) OR (country = ANY (( SELECT identity.standing_regions() AS standing_regions)::text[])))",
        ),
    )
    op.rebuild_wall(
        "stock.warehouse",
        keys=("tenant_id", "id"),
        scope="tenant",
        updatable=("name", "state"),
        document=True,
        unsampled=("code", "name"),
        limited=(
            "(( SELECT tenancy.unlimited(64) AS unlimited) OR (id = ANY (( SELECT identity.standing_warehouses() AS standing_warehouses)::uuid[])))",
        ),
    )
    op.rebuild_wall(
        "identity.api_key",
        keys=("tenant_id", "id"),
        scope="tenant",
        updatable=("name", "networks", "per_minute", "expires_at", "revoked_at"),
        insert_event="identity.key_issued",
        masked=("secret_hash",),
        events={
            "networks": "identity.key_networks",
            "expires_at": "identity.key_expiry",
            "revoked_at": "identity.key_revoked",
        },
        unsampled=("name", "prefix", "secret_hash", "modules", "networks", "per_minute"),
    )
    op.rebuild_wall(
        "identity.membership",
        keys=("tenant_id", "id"),
        scope="tenant",
        updatable=("role", "own_role_id", "regions", "warehouses", "state"),
        exempt={"stockade_doorkeeper": "select"},
        insert_event="identity.member_added",
        events={
            "role": "identity.role_changed",
            "own_role_id": "identity.role_changed",
            "regions": "identity.region_changed",
            "warehouses": "identity.warehouses_changed",
            "state": "identity.membership_changed",
        },
        unsampled=("regions", "warehouses"),
    )
    op.rebuild_wall(
        "identity.session",
        keys=("tenant_id", "id"),
        scope="tenant",
        updatable=("must_enrol", "confirmed_at", "viewing_as", "ended_at"),
        insert_event="identity.signed_in",
        masked=("token_hash", "user_agent"),
        events={"viewing_as": "identity.viewing_as", "ended_at": "identity.signed_out"},
        unsampled=("token_hash", "proofs", "user_agent", "viewing_as"),
    )
    op.rebuild_wall(
        "orders.sales_order",
        keys=("tenant_id", "id"),
        scope="tenant",
        updatable=(
            "stage",
            "customer_reference",
            "requested_on",
            "net_minor",
            "vat_minor",
            "gross_minor",
            "note",
            "version",
            "updated_at",
        ),
        document=True,
        events={"stage": "orders.stage_changed"},
        unsampled=(
            "number",
            "currency",
            "customer_reference",
            "net_minor",
            "vat_minor",
            "gross_minor",
            "note",
            "version",
        ),
        limited=(
            "(( SELECT tenancy.unlimited(48) AS unlimited) OR (customer_id IN ( SELECT customer.id FROM parties.customer)))",
            "(( SELECT tenancy.unlimited(64) AS unlimited) OR (warehouse_id IN ( SELECT warehouse.id FROM stock.warehouse)))",
        ),
    )
    op.rebuild_wall(
        "parties.address",
        keys=("tenant_id", "id"),
        scope="tenant",
        grants=("delete", "insert", "select", "update"),
        updatable=("kind", "recipient", "street", "postcode", "city", "country", "version"),
        masked=("city", "postcode", "recipient", "street"),
        unsampled=("recipient", "street", "postcode", "city", "country", "version"),
        limited=(
            "(( SELECT tenancy.unlimited(48) AS unlimited) OR (customer_id IN ( SELECT customer.id FROM parties.customer)))",
        ),
    )
    op.rebuild_wall(
        "parties.contact",
        keys=("tenant_id", "id"),
        scope="tenant",
        grants=("delete", "insert", "select", "update"),
        updatable=("name", "position", "email", "phone", "version"),
        masked=("email", "name", "phone", "position"),
        unsampled=("name", "position", "email", "phone", "version"),
        limited=(
            "(( SELECT tenancy.unlimited(48) AS unlimited) OR (customer_id IN ( SELECT customer.id FROM parties.customer)))",
        ),
    )
    op.rebuild_wall(
        "receivables.bank_payer",
        keys=("tenant_id", "id"),
        scope="tenant",
        updatable=("customer_id", "matched_at"),
        masked=("key",),
        unsampled=("key",),
        limited=(
            "(( SELECT tenancy.unlimited(48) AS unlimited) OR (customer_id IN ( SELECT customer.id FROM parties.customer)))",
        ),
    )
    op.rebuild_wall(
        "receivables.payment",
        keys=("tenant_id", "id"),
        scope="tenant",
        updatable=("unallocated_minor",),
        document=True,
        insert_event="receivables.paid",
        unsampled=("external_id", "currency", "amount_minor", "unallocated_minor", "note"),
        limited=(
            "(( SELECT tenancy.unlimited(48) AS unlimited) OR (customer_id IN ( SELECT customer.id FROM parties.customer)))",
        ),
    )
    op.rebuild_wall(
        "receivables.posting",
        keys=("tenant_id", "journal_id", "position"),
        scope="tenant",
        grants=("insert", "select"),
        part_of="journal_id",
        triggers=("posting_balance receivables.check_balance",),
        unsampled=("position", "currency", "amount_minor"),
        limited=(
            "(( SELECT tenancy.unlimited(48) AS unlimited) OR (customer_id IN ( SELECT customer.id FROM parties.customer)))",
        ),
    )
    op.rebuild_wall(
        "stock.count",
        keys=("tenant_id", "id"),
        scope="tenant",
        updatable=("state", "closed_at"),
        document=True,
        events={"state": "stock.count_closed"},
        unsampled=("number", "note"),
        limited=(
            "(( SELECT tenancy.unlimited(64) AS unlimited) OR (warehouse_id IN ( SELECT warehouse.id FROM stock.warehouse)))",
        ),
    )
    op.rebuild_wall(
        "stock.level",
        keys=("tenant_id", "warehouse_id", "product_id"),
        scope="tenant",
        updatable=("on_hand", "reserved"),
        audited=False,
        unsampled=("on_hand", "reserved"),
        limited=(
            "(( SELECT tenancy.unlimited(64) AS unlimited) OR (warehouse_id IN ( SELECT warehouse.id FROM stock.warehouse)))",
        ),
    )
    op.rebuild_wall(
        "stock.move",
        keys=("tenant_id", "id"),
        scope="tenant",
        grants=("insert", "select"),
        unsampled=("quantity", "note"),
        limited=(
            "(( SELECT tenancy.unlimited(64) AS unlimited) OR (warehouse_id IN ( SELECT warehouse.id FROM stock.warehouse)))",
        ),
    )
    op.rebuild_wall(
        "stock.reservation",
        keys=("tenant_id", "order_id", "position", "warehouse_id"),
        scope="tenant",
        grants=("delete", "insert", "select", "update"),
        updatable=("quantity", "expires_at"),
        part_of="order_id",
        unsampled=("position", "quantity"),
        limited=(
            "(( SELECT tenancy.unlimited(112) AS unlimited) OR (order_id IN ( SELECT sales_order.id FROM orders.sales_order)))",
            "(( SELECT tenancy.unlimited(64) AS unlimited) OR (warehouse_id IN ( SELECT warehouse.id FROM stock.warehouse)))",
        ),
    )
    op.rebuild_wall(
        "desk.bulk_item",
        keys=("tenant_id", "bulk_id", "position"),
        scope="tenant",
        updatable=("outcome", "refusal"),
        audited=False,
        part_of="bulk_id",
        unsampled=("position", "refusal"),
        limited=(
            "(( SELECT tenancy.unlimited(112) AS unlimited) OR (order_id IN ( SELECT sales_order.id FROM orders.sales_order)))",
        ),
    )
    op.rebuild_wall(
        "invoicing.invoice",
        keys=("tenant_id", "id"),
        scope="tenant",
        grants=("insert", "select"),
        document=True,
        insert_event="invoicing.issued",
        masked=("buyer",),
        unsampled=(
            "series",
            "period",
            "sequence",
            "number",
            "currency",
            "net_minor",
            "vat_minor",
            "rounding_minor",
            "gross_minor",
            "seller",
            "buyer",
            "note",
        ),
        limited=(
            "(( SELECT tenancy.unlimited(48) AS unlimited) OR (customer_id IN ( SELECT customer.id FROM parties.customer)))",
            "(( SELECT tenancy.unlimited(112) AS unlimited) OR (order_id IS NULL) OR (order_id IN ( SELECT sales_order.id FROM orders.sales_order)))",
        ),
    )
    op.rebuild_wall(
        "orders.delivery",
        keys=("tenant_id", "order_id"),
        scope="tenant",
        grants=("delete", "insert", "select", "update"),
        updatable=("recipient", "street", "postcode", "city", "country"),
        part_of="order_id",
        masked=("city", "postcode", "recipient", "street"),
        unsampled=("recipient", "street", "postcode", "city", "country"),
        limited=(
            "(( SELECT tenancy.unlimited(112) AS unlimited) OR (order_id IN ( SELECT sales_order.id FROM orders.sales_order)))",
        ),
    )
    op.rebuild_wall(
        "orders.hold",
        keys=("tenant_id", "id"),
        scope="tenant",
        updatable=("released_at", "released_by"),
        insert_event="orders.held",
        events={"released_at": "orders.hold_released"},
        unsampled=("reason",),
        limited=(
            "(( SELECT tenancy.unlimited(112) AS unlimited) OR (order_id IN ( SELECT sales_order.id FROM orders.sales_order)))",
        ),
    )
    op.rebuild_wall(
        "orders.line",
        keys=("tenant_id", "order_id", "position"),
        scope="tenant",
        grants=("delete", "insert", "select", "update"),
        updatable=(
            "description",
            "quantity",
            "unit_price",
            "discount_percent",
            "vat_category",
            "vat_rate",
            "net_minor",
            "reserved",
            "shipped",
            "invoiced",
            "cancelled",
            "whole",
        ),
        part_of="order_id",
        events={"unit_price": "orders.price_changed", "discount_percent": "orders.discount_changed"},
        unsampled=(
            "position",
            "sku",
            "description",
            "quantity",
            "unit_price",
            "discount_percent",
            "vat_category",
            "vat_rate",
            "net_minor",
            "reserved",
            "shipped",
            "invoiced",
            "cancelled",
        ),
        limited=(
            "(( SELECT tenancy.unlimited(112) AS unlimited) OR (order_id IN ( SELECT sales_order.id FROM orders.sales_order)))",
        ),
    )
    op.rebuild_wall(
        "orders.shipment",
        keys=("tenant_id", "id"),
        scope="tenant",
        grants=("insert", "select"),
        insert_event="orders.shipped",
        unsampled=("number", "carrier", "tracking"),
        limited=(
            "(( SELECT tenancy.unlimited(112) AS unlimited) OR (order_id IN ( SELECT sales_order.id FROM orders.sales_order)))",
        ),
    )
    op.rebuild_wall(
        "receivables.bank_line",
        keys=("tenant_id", "id"),
        scope="tenant",
        updatable=("state", "payment_id", "version"),
        masked=("account", "payer", "purpose"),
        events={"state": "receivables.bank_line_changed"},
        unsampled=("position", "fingerprint", "currency", "amount_minor", "payer", "account", "purpose", "version"),
        limited=(
            "(( SELECT tenancy.unlimited(48) AS unlimited) OR (payment_id IS NULL) OR (payment_id IN ( SELECT payment.id FROM receivables.payment)))",
        ),
    )
    op.rebuild_wall(
        "stock.count_entry",
        keys=("tenant_id", "id"),
        scope="tenant",
        grants=("insert", "select"),
        unsampled=("quantity", "booked"),
        limited=(
            "(( SELECT tenancy.unlimited(64) AS unlimited) OR (count_id IN ( SELECT count.id FROM stock.count)))",
        ),
    )
    op.rebuild_wall(
        "stock.count_line",
        keys=("tenant_id", "count_id", "product_id"),
        scope="tenant",
        updatable=("left_out", "recounted_at"),
        audited=False,
        part_of="count_id",
        unsampled=("booked",),
        limited=(
            "(( SELECT tenancy.unlimited(64) AS unlimited) OR (count_id IN ( SELECT count.id FROM stock.count)))",
        ),
    )
    op.rebuild_wall(
        "invoicing.line",
        keys=("tenant_id", "invoice_id", "position"),
        scope="tenant",
        grants=("insert", "select"),
        part_of="invoice_id",
        unsampled=(
            "position",
            "order_position",
            "sku",
            "description",
            "quantity",
            "unit",
            "unit_price",
            "discount_percent",
            "vat_category",
            "vat_rate",
            "net_minor",
        ),
        limited=(
            "(( SELECT tenancy.unlimited(112) AS unlimited) OR (invoice_id IN ( SELECT invoice.id FROM invoicing.invoice)))",
        ),
    )
    op.rebuild_wall(
        "invoicing.vat_group",
        keys=("tenant_id", "invoice_id", "vat_category", "vat_rate"),
        scope="tenant",
        grants=("insert", "select"),
        part_of="invoice_id",
        unsampled=("vat_category", "vat_rate", "net_minor", "vat_minor"),
        limited=(
            "(( SELECT tenancy.unlimited(112) AS unlimited) OR (invoice_id IN ( SELECT invoice.id FROM invoicing.invoice)))",
        ),
    )
    op.rebuild_wall(
        "orders.shipment_line",
        keys=("tenant_id", "shipment_id", "position"),
        scope="tenant",
        grants=("insert", "select"),
        part_of="shipment_id",
        unsampled=("position", "quantity"),
        limited=(
            "(( SELECT tenancy.unlimited(112) AS unlimited) OR (shipment_id IN ( SELECT shipment.id FROM orders.shipment)))",
        ),
    )
    op.rebuild_wall(
        "receivables.credit",
        keys=("tenant_id", "credit_note_id"),
        scope="tenant",
        updatable=("unallocated_minor",),
        audited=False,
        unsampled=("currency", "gross_minor", "unallocated_minor"),
        limited=(
            "(( SELECT tenancy.unlimited(112) AS unlimited) OR (credit_note_id IN ( SELECT invoice.id FROM invoicing.invoice)))",
            "(( SELECT tenancy.unlimited(48) AS unlimited) OR (customer_id IN ( SELECT customer.id FROM parties.customer)))",
        ),
    )
    op.rebuild_wall(
        "receivables.open_item",
        keys=("tenant_id", "invoice_id"),
        scope="tenant",
        updatable=("open_minor", "credited_minor"),
        audited=False,
        unsampled=("currency", "gross_minor", "open_minor", "credited_minor"),
        limited=(
            "(( SELECT tenancy.unlimited(112) AS unlimited) OR (invoice_id IN ( SELECT invoice.id FROM invoicing.invoice)))",
            "(( SELECT tenancy.unlimited(48) AS unlimited) OR (customer_id IN ( SELECT customer.id FROM parties.customer)))",
        ),
    )
    op.rebuild_wall(
        "receivables.write_off",
        keys=("tenant_id", "id"),
        scope="tenant",
        grants=("insert", "select"),
        document=True,
        insert_event="receivables.written_off",
        unsampled=("amount_minor", "reason"),
        limited=(
            "(( SELECT tenancy.unlimited(112) AS unlimited) OR (invoice_id IN ( SELECT invoice.id FROM invoicing.invoice)))",
        ),
    )
    op.rebuild_wall(
        "receivables.allocation",
        keys=("tenant_id", "id"),
        scope="tenant",
        grants=("insert", "select"),
        insert_event="receivables.allocated",
        unsampled=("amount_minor",),
        limited=(
            "(( SELECT tenancy.unlimited(112) AS unlimited) OR (invoice_id IN ( SELECT invoice.id FROM invoicing.invoice)))",
            "(( SELECT tenancy.unlimited(48) AS unlimited) OR (payment_id IS NULL) OR (payment_id IN ( SELECT payment.id FROM receivables.payment)))",
            "(( SELECT tenancy.unlimited(112) AS unlimited) OR (credit_note_id IS NULL) OR (credit_note_id IN ( SELECT invoice.id FROM invoicing.invoice)))",
            "(( SELECT tenancy.unlimited(112) AS unlimited) OR (write_off_id IS NULL) OR (write_off_id IN ( SELECT write_off.id FROM receivables.write_off)))",
        ),
    )
    for schema, owner in CREATING.items():
        op.execute(f"revoke create on schema {schema} from {owner}")
