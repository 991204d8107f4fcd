"""The platform stands: the pin, the trail, identity, commerce and the queue, every table behind its wall."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from stockade.database.migrate import run_script
from stockade.jobs.schema import install_statements

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMAS = (
    "tenancy", "audit", "identity", "idempotency", "catalog", "parties", "stock", "numbering", "orders", "invoicing",
    "receivables", "desk", "ledger", "trust", "jobs",
)  # fmt: skip
ROLES = "stockade_application, stockade_worker, stockade_platform, stockade_backup"
OWNED = {"tenancy": "stockade_keeper", "audit": "stockade_auditor", "identity": "stockade_doorkeeper"}


def _run(name: str) -> None:
    sql = (Path(__file__).parents[1] / "sql" / name).read_text()
    run_script(op.get_bind(), sql)


def upgrade() -> None:
    """Apply it."""
    for schema in SCHEMAS:
        op.execute(f"create schema if not exists {schema}")
        op.execute(f"grant usage on schema {schema} to {ROLES}")
    for schema, owner in OWNED.items():
        op.execute(f"grant usage, create on schema {schema} to {owner}")
    op.execute("grant usage on schema tenancy to stockade_auditor, stockade_doorkeeper")
    _run("0001_pin.sql")
    op.create_table(
        "entry",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("before", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("after", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "recorded_at", "id", name=op.f("entry_pkey")),
        schema="audit",
        postgresql_partition_by="RANGE (recorded_at)",
    )
    op.create_index(
        "entry_action_recorded_at_idx",
        "entry",
        ["tenant_id", "action", "recorded_at"],
        unique=False,
        schema="audit",
        postgresql_where=None,
    )
    op.create_index(
        "entry_subject_id_recorded_at_idx",
        "entry",
        ["tenant_id", "subject_id", "recorded_at"],
        unique=False,
        schema="audit",
        postgresql_where=None,
    )
    op.create_table(
        "product",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("unit", sa.Text(), server_default="piece", nullable=False),
        sa.Column("case_pack", sa.Integer(), server_default="1", nullable=False),
        sa.Column("vat_category", sa.Text(), nullable=False),
        sa.Column("barcode", sa.Text(), nullable=True),
        sa.Column("list_price", sa.Numeric(precision=19, scale=6), nullable=False),
        sa.Column("cost", sa.Numeric(precision=19, scale=6), nullable=True),
        sa.Column("reorder_point", sa.Integer(), nullable=True),
        sa.Column("stocked", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("state in ('active', 'archived')", name=op.f("product_state_check")),
        sa.CheckConstraint(
            "vat_category in ('standard', 'reduced', 'super_reduced', 'zero', 'exempt', 'outside')",
            name=op.f("product_vat_category_check"),
        ),
        sa.CheckConstraint("case_pack > 0", name=op.f("product_case_pack_check")),
        sa.CheckConstraint("cost >= 0", name=op.f("product_cost_check")),
        sa.CheckConstraint("list_price >= 0", name=op.f("product_list_price_check")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("product_pkey")),
        sa.UniqueConstraint("tenant_id", "sku", name=op.f("product_tenant_id_sku_key")),
        schema="catalog",
    )
    op.create_index(
        "product_barcode_uidx",
        "product",
        ["tenant_id", "barcode"],
        unique=True,
        schema="catalog",
        postgresql_where=sa.text("barcode is not null"),
    )
    op.create_index(
        "product_name_id_idx",
        "product",
        ["tenant_id", "name", "id"],
        unique=False,
        schema="catalog",
        postgresql_where=None,
    )
    op.create_table(
        "vat_rate",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("rate", sa.Numeric(precision=6, scale=3), nullable=False),
        sa.CheckConstraint(
            "category in ('standard', 'reduced', 'super_reduced', 'zero', 'exempt', 'outside')",
            name=op.f("vat_rate_category_check"),
        ),
        sa.CheckConstraint("rate between 0 and 100", name=op.f("vat_rate_rate_check")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("vat_rate_pkey")),
        sa.UniqueConstraint(
            "tenant_id", "category", "valid_from", name=op.f("vat_rate_tenant_id_category_valid_from_key")
        ),
        schema="catalog",
    )
    op.create_table(
        "export",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("filters", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("exported_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("export_pkey")),
        schema="desk",
    )
    op.create_table(
        "used_key",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("made_id", sa.Uuid(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "actor_id", "key", name=op.f("used_key_pkey")),
        schema="idempotency",
    )
    op.create_table(
        "account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("state in ('active', 'deactivated')", name=op.f("account_state_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("account_pkey")),
        sa.UniqueConstraint("email", name=op.f("account_email_key")),
        schema="identity",
    )
    op.create_table(
        "api_key",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("read_only", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("role in ('owner', 'admin', 'member', 'viewer')", name=op.f("api_key_role_check")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("api_key_pkey")),
        sa.UniqueConstraint("tenant_id", "secret_hash", name=op.f("api_key_tenant_id_secret_hash_key")),
        schema="identity",
    )
    op.create_table(
        "attempt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("email_hash", sa.LargeBinary(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "reason in ('unknown', 'password', 'deactivated', 'link')", name=op.f("attempt_reason_check")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("attempt_pkey")),
        schema="identity",
    )
    op.create_table(
        "import_run",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("file_hash", sa.LargeBinary(), nullable=False),
        sa.Column("mapping", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("batches_done", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("account", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state in ('running', 'finished')", name=op.f("import_run_state_check")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("import_run_pkey")),
        sa.UniqueConstraint(
            "tenant_id", "file_hash", "mapping", name=op.f("import_run_tenant_id_file_hash_mapping_key")
        ),
        schema="ledger",
    )
    op.create_table(
        "counter",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("last", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("last >= 0", name=op.f("counter_last_check")),
        sa.PrimaryKeyConstraint("tenant_id", "series", "period", name=op.f("counter_pkey")),
        schema="numbering",
    )
    op.create_table(
        "company",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("legal_name", sa.Text(), nullable=False),
        sa.Column("street", sa.Text(), nullable=False),
        sa.Column("postcode", sa.Text(), nullable=False),
        sa.Column("city", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("vat_id", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), server_default="en", nullable=False),
        sa.Column("iban", sa.Text(), nullable=True),
        sa.Column("bic", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("id = tenant_id", name=op.f("company_single_check")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("company_pkey")),
        schema="parties",
    )
    op.create_table(
        "customer",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("vat_id", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("terms_days", sa.Integer(), server_default="30", nullable=False),
        sa.Column("credit_limit_minor", sa.BigInteger(), nullable=True),
        sa.Column("vat_treatment", sa.Text(), server_default="domestic", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("state in ('active', 'archived')", name=op.f("customer_state_check")),
        sa.CheckConstraint(
            "vat_treatment in ('domestic', 'reverse_charge', 'export')", name=op.f("customer_vat_treatment_check")
        ),
        sa.CheckConstraint("credit_limit_minor >= 0", name=op.f("customer_credit_limit_check")),
        sa.CheckConstraint("terms_days between 0 and 365", name=op.f("customer_terms_days_check")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("customer_pkey")),
        sa.UniqueConstraint("tenant_id", "number", name=op.f("customer_tenant_id_number_key")),
        schema="parties",
    )
    op.create_index(
        "customer_name_id_idx",
        "customer",
        ["tenant_id", "name", "id"],
        unique=False,
        schema="parties",
        postgresql_where=None,
    )
    op.create_table(
        "warehouse",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.CheckConstraint("state in ('active', 'archived')", name=op.f("warehouse_state_check")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("warehouse_pkey")),
        sa.UniqueConstraint("tenant_id", "code", name=op.f("warehouse_tenant_id_code_key")),
        schema="stock",
    )
    op.create_table(
        "tenant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("placement", sa.Text(), nullable=False),
        sa.Column("is_probe", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("state in ('active', 'suspended')", name=op.f("tenant_state_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("tenant_pkey")),
        sa.UniqueConstraint("slug", name=op.f("tenant_slug_key")),
        schema="tenancy",
    )
    op.create_table(
        "evidence",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("control", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("statement", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=False),
        sa.Column("evidence_hash", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("outcome in ('holds', 'fails')", name=op.f("evidence_outcome_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("evidence_pkey")),
        sa.UniqueConstraint("sequence", name=op.f("evidence_sequence_key")),
        schema="trust",
    )
    op.create_index(
        "evidence_control_checked_at_idx", "evidence", ["control", "checked_at"], unique=False, schema="trust"
    )
    op.create_table(
        "membership",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("role in ('owner', 'admin', 'member', 'viewer')", name=op.f("membership_role_check")),
        sa.CheckConstraint("state in ('active', 'ended')", name=op.f("membership_state_check")),
        sa.ForeignKeyConstraint(["account_id"], ["identity.account.id"], name=op.f("membership_account_id_fkey")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("membership_pkey")),
        sa.UniqueConstraint("tenant_id", "account_id", name=op.f("membership_tenant_id_account_id_key")),
        schema="identity",
    )
    op.create_table(
        "one_time_link",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["identity.account.id"], name=op.f("one_time_link_account_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("one_time_link_pkey")),
        sa.UniqueConstraint("token_hash", name=op.f("one_time_link_token_hash_key")),
        schema="identity",
    )
    op.create_table(
        "session",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("method in ('password', 'link')", name=op.f("session_method_check")),
        sa.ForeignKeyConstraint(["account_id"], ["identity.account.id"], name=op.f("session_account_id_fkey")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("session_pkey")),
        sa.UniqueConstraint("tenant_id", "token_hash", name=op.f("session_tenant_id_token_hash_key")),
        schema="identity",
    )
    op.create_index(
        "session_account_id_idx",
        "session",
        ["tenant_id", "account_id"],
        unique=False,
        schema="identity",
        postgresql_where=None,
    )
    op.create_table(
        "sales_order",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("warehouse_id", sa.Uuid(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("customer_reference", sa.Text(), nullable=True),
        sa.Column("placed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("requested_on", sa.Date(), nullable=True),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("vat_minor", sa.BigInteger(), nullable=False),
        sa.Column("gross_minor", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "stage in ('draft', 'confirmed', 'picking', 'shipped', 'invoiced', 'closed', 'cancelled')",
            name=op.f("sales_order_stage_check"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["parties.customer.tenant_id", "parties.customer.id"],
            name=op.f("sales_order_tenant_id_customer_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "warehouse_id"],
            ["stock.warehouse.tenant_id", "stock.warehouse.id"],
            name=op.f("sales_order_tenant_id_warehouse_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("sales_order_pkey")),
        sa.UniqueConstraint("tenant_id", "number", name=op.f("sales_order_tenant_id_number_key")),
        schema="orders",
    )
    op.create_index(
        "sales_order_customer_id_placed_at_id_idx",
        "sales_order",
        ["tenant_id", "customer_id", "placed_at", "id"],
        unique=False,
        schema="orders",
        postgresql_where=None,
    )
    op.create_index(
        "sales_order_placed_at_id_idx",
        "sales_order",
        ["tenant_id", "placed_at", "id"],
        unique=False,
        schema="orders",
        postgresql_where=None,
    )
    op.create_index(
        "sales_order_stage_placed_at_id_idx",
        "sales_order",
        ["tenant_id", "stage", "placed_at", "id"],
        unique=False,
        schema="orders",
        postgresql_where=None,
    )
    op.create_table(
        "address",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("street", sa.Text(), nullable=False),
        sa.Column("postcode", sa.Text(), nullable=False),
        sa.Column("city", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("kind in ('billing', 'shipping')", name=op.f("address_kind_check")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["parties.customer.tenant_id", "parties.customer.id"],
            name=op.f("address_tenant_id_customer_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("address_pkey")),
        schema="parties",
    )
    op.create_index(
        "address_customer_id_idx",
        "address",
        ["tenant_id", "customer_id"],
        unique=False,
        schema="parties",
        postgresql_where=None,
    )
    op.create_table(
        "contact",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["parties.customer.tenant_id", "parties.customer.id"],
            name=op.f("contact_tenant_id_customer_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("contact_pkey")),
        schema="parties",
    )
    op.create_index(
        "contact_customer_id_idx",
        "contact",
        ["tenant_id", "customer_id"],
        unique=False,
        schema="parties",
        postgresql_where=None,
    )
    op.create_table(
        "payment",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("unallocated_minor", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "method in ('bank_transfer', 'card', 'cash', 'cheque', 'direct_debit', 'import')",
            name=op.f("payment_method_check"),
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("payment_amount_check")),
        sa.CheckConstraint("unallocated_minor between 0 and amount_minor", name=op.f("payment_unallocated_check")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["parties.customer.tenant_id", "parties.customer.id"],
            name=op.f("payment_tenant_id_customer_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("payment_pkey")),
        schema="receivables",
    )
    op.create_index(
        "payment_customer_id_idx",
        "payment",
        ["tenant_id", "customer_id"],
        unique=False,
        schema="receivables",
        postgresql_where=sa.text("unallocated_minor > 0"),
    )
    op.create_index(
        "payment_customer_id_received_on_id_idx",
        "payment",
        ["tenant_id", "customer_id", "received_on", "id"],
        unique=False,
        schema="receivables",
        postgresql_where=None,
    )
    op.create_index(
        "payment_method_external_id_uidx",
        "payment",
        ["tenant_id", "method", "external_id"],
        unique=True,
        schema="receivables",
        postgresql_where=sa.text("external_id is not null"),
    )
    op.create_index(
        "payment_received_on_id_idx",
        "payment",
        ["tenant_id", "received_on", "id"],
        unique=False,
        schema="receivables",
        postgresql_where=None,
    )
    op.create_table(
        "posting",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("journal_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "account in ('receivable', 'revenue', 'vat', 'bank', 'rounding', 'bad_debt', 'cost', 'opening')",
            name=op.f("posting_account_check"),
        ),
        sa.CheckConstraint("amount_minor <> 0", name=op.f("posting_amount_check")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["parties.customer.tenant_id", "parties.customer.id"],
            name=op.f("posting_tenant_id_customer_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "journal_id", "position", name=op.f("posting_pkey")),
        schema="receivables",
    )
    op.create_index(
        "posting_customer_id_account_booked_on_idx",
        "posting",
        ["tenant_id", "customer_id", "account", "booked_on"],
        unique=False,
        schema="receivables",
        postgresql_where=None,
    )
    op.create_table(
        "level",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("warehouse_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("on_hand", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("reserved", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("reserved between 0 and on_hand", name=op.f("level_covered_check")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "product_id"],
            ["catalog.product.tenant_id", "catalog.product.id"],
            name=op.f("level_tenant_id_product_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "warehouse_id"],
            ["stock.warehouse.tenant_id", "stock.warehouse.id"],
            name=op.f("level_tenant_id_warehouse_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "warehouse_id", "product_id", name=op.f("level_pkey")),
        schema="stock",
    )
    op.create_index(
        "level_product_id_idx",
        "level",
        ["tenant_id", "product_id"],
        unique=False,
        schema="stock",
        postgresql_where=None,
    )
    op.create_table(
        "move",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("warehouse_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("moved_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "reason in ('receipt', 'shipment', 'return', 'adjustment', 'count', 'damage', 'opening', 'reversal')",
            name=op.f("move_reason_check"),
        ),
        sa.CheckConstraint("quantity <> 0", name=op.f("move_quantity_check")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "product_id"],
            ["catalog.product.tenant_id", "catalog.product.id"],
            name=op.f("move_tenant_id_product_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "warehouse_id"],
            ["stock.warehouse.tenant_id", "stock.warehouse.id"],
            name=op.f("move_tenant_id_warehouse_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("move_pkey")),
        schema="stock",
    )
    op.create_index(
        "move_product_id_moved_at_idx",
        "move",
        ["tenant_id", "product_id", "moved_at"],
        unique=False,
        schema="stock",
        postgresql_where=None,
    )
    op.create_index(
        "move_source_id_idx",
        "move",
        ["tenant_id", "source_id"],
        unique=False,
        schema="stock",
        postgresql_where=sa.text("source_id is not null"),
    )
    op.create_index(
        "move_source_id_reason_uidx",
        "move",
        ["tenant_id", "source_id", "reason"],
        unique=True,
        schema="stock",
        postgresql_where=sa.text("reason = 'reversal'"),
    )
    op.create_table(
        "reservation",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("warehouse_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("quantity > 0", name=op.f("reservation_quantity_check")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "product_id"],
            ["catalog.product.tenant_id", "catalog.product.id"],
            name=op.f("reservation_tenant_id_product_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "warehouse_id"],
            ["stock.warehouse.tenant_id", "stock.warehouse.id"],
            name=op.f("reservation_tenant_id_warehouse_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "order_id", "position", "warehouse_id", name=op.f("reservation_pkey")),
        schema="stock",
    )
    op.create_index(
        "reservation_expires_at_idx",
        "reservation",
        ["tenant_id", "expires_at"],
        unique=False,
        schema="stock",
        postgresql_where=sa.text("expires_at is not null"),
    )
    op.create_table(
        "invoice",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("corrects_id", sa.Uuid(), nullable=True),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("supplied_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("vat_minor", sa.BigInteger(), nullable=False),
        sa.Column("rounding_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("gross_minor", sa.BigInteger(), nullable=False),
        sa.Column("seller", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("buyer", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind = 'credit_note' or corrects_id is null", name=op.f("invoice_corrects_check")),
        sa.CheckConstraint("kind in ('invoice', 'credit_note')", name=op.f("invoice_kind_check")),
        sa.CheckConstraint("net_minor + vat_minor + rounding_minor = gross_minor", name=op.f("invoice_sum_check")),
        sa.CheckConstraint("net_minor >= 0 and gross_minor >= 0", name=op.f("invoice_amounts_check")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["parties.customer.tenant_id", "parties.customer.id"],
            name=op.f("invoice_tenant_id_customer_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["orders.sales_order.tenant_id", "orders.sales_order.id"],
            name=op.f("invoice_tenant_id_order_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("invoice_pkey")),
        sa.UniqueConstraint("tenant_id", "number", name=op.f("invoice_tenant_id_number_key")),
        sa.UniqueConstraint(
            "tenant_id", "series", "period", "sequence", name=op.f("invoice_tenant_id_series_period_sequence_key")
        ),
        schema="invoicing",
    )
    op.create_index(
        "invoice_corrects_id_idx",
        "invoice",
        ["tenant_id", "corrects_id"],
        unique=False,
        schema="invoicing",
        postgresql_where=sa.text("corrects_id is not null"),
    )
    op.create_index(
        "invoice_customer_id_issued_on_id_idx",
        "invoice",
        ["tenant_id", "customer_id", "issued_on", "id"],
        unique=False,
        schema="invoicing",
        postgresql_where=None,
    )
    op.create_index(
        "invoice_issued_on_id_idx",
        "invoice",
        ["tenant_id", "issued_on", "id"],
        unique=False,
        schema="invoicing",
        postgresql_where=None,
    )
    op.create_index(
        "invoice_order_id_idx",
        "invoice",
        ["tenant_id", "order_id"],
        unique=False,
        schema="invoicing",
        postgresql_where=sa.text("order_id is not null"),
    )
    op.create_table(
        "hold",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("kind in ('credit', 'stock', 'manual')", name=op.f("hold_kind_check")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["orders.sales_order.tenant_id", "orders.sales_order.id"],
            name=op.f("hold_tenant_id_order_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("hold_pkey")),
        schema="orders",
    )
    op.create_index(
        "hold_order_id_idx", "hold", ["tenant_id", "order_id"], unique=False, schema="orders", postgresql_where=None
    )
    op.create_index(
        "hold_order_id_kind_uidx",
        "hold",
        ["tenant_id", "order_id", "kind"],
        unique=True,
        schema="orders",
        postgresql_where=sa.text("released_at is null"),
    )
    op.create_table(
        "line",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_price", sa.Numeric(precision=19, scale=6), nullable=False),
        sa.Column("discount_percent", sa.Numeric(precision=6, scale=3), server_default="0", nullable=False),
        sa.Column("vat_category", sa.Text(), nullable=False),
        sa.Column("vat_rate", sa.Numeric(precision=6, scale=3), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("stocked", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("reserved", sa.Integer(), server_default="0", nullable=False),
        sa.Column("shipped", sa.Integer(), server_default="0", nullable=False),
        sa.Column("invoiced", sa.Integer(), server_default="0", nullable=False),
        sa.Column("cancelled", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("discount_percent between 0 and 100", name=op.f("line_discount_percent_check")),
        sa.CheckConstraint("invoiced between 0 and quantity", name=op.f("line_invoiced_check")),
        sa.CheckConstraint("quantity > 0", name=op.f("line_quantity_check")),
        sa.CheckConstraint(
            "reserved >= 0 and shipped >= 0 and cancelled >= 0 and reserved + shipped + cancelled <= quantity",
            name=op.f("line_progress_check"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["orders.sales_order.tenant_id", "orders.sales_order.id"],
            name=op.f("line_tenant_id_order_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "product_id"],
            ["catalog.product.tenant_id", "catalog.product.id"],
            name=op.f("line_tenant_id_product_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "order_id", "position", name=op.f("line_pkey")),
        schema="orders",
    )
    op.create_index(
        "line_product_id_order_id_idx",
        "line",
        ["tenant_id", "product_id", "order_id"],
        unique=False,
        schema="orders",
        postgresql_where=None,
    )
    op.create_table(
        "shipment",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("shipped_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("carrier", sa.Text(), nullable=True),
        sa.Column("tracking", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["orders.sales_order.tenant_id", "orders.sales_order.id"],
            name=op.f("shipment_tenant_id_order_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("shipment_pkey")),
        sa.UniqueConstraint("tenant_id", "number", name=op.f("shipment_tenant_id_number_key")),
        schema="orders",
    )
    op.create_index(
        "shipment_order_id_idx",
        "shipment",
        ["tenant_id", "order_id"],
        unique=False,
        schema="orders",
        postgresql_where=None,
    )
    op.create_table(
        "line",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("order_position", sa.Integer(), nullable=True),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("unit_price", sa.Numeric(precision=19, scale=6), nullable=False),
        sa.Column("discount_percent", sa.Numeric(precision=6, scale=3), server_default="0", nullable=False),
        sa.Column("vat_category", sa.Text(), nullable=False),
        sa.Column("vat_rate", sa.Numeric(precision=6, scale=3), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "invoice_id"],
            ["invoicing.invoice.tenant_id", "invoicing.invoice.id"],
            name=op.f("line_tenant_id_invoice_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "product_id"],
            ["catalog.product.tenant_id", "catalog.product.id"],
            name=op.f("line_tenant_id_product_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "invoice_id", "position", name=op.f("line_pkey")),
        schema="invoicing",
    )
    op.create_table(
        "vat_group",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("vat_category", sa.Text(), nullable=False),
        sa.Column("vat_rate", sa.Numeric(precision=6, scale=3), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("vat_minor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "invoice_id"],
            ["invoicing.invoice.tenant_id", "invoicing.invoice.id"],
            name=op.f("vat_group_tenant_id_invoice_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "invoice_id", "vat_category", "vat_rate", name=op.f("vat_group_pkey")),
        schema="invoicing",
    )
    op.create_table(
        "shipment_line",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("shipment_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("shipment_line_quantity_check")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id", "position"],
            ["orders.line.tenant_id", "orders.line.order_id", "orders.line.position"],
            name=op.f("shipment_line_tenant_id_order_id_position_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "shipment_id"],
            ["orders.shipment.tenant_id", "orders.shipment.id"],
            name=op.f("shipment_line_tenant_id_shipment_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "shipment_id", "position", name=op.f("shipment_line_pkey")),
        schema="orders",
    )
    op.create_table(
        "credit",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("credit_note_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("gross_minor", sa.BigInteger(), nullable=False),
        sa.Column("unallocated_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("unallocated_minor between 0 and gross_minor", name=op.f("credit_unallocated_check")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "credit_note_id"],
            ["invoicing.invoice.tenant_id", "invoicing.invoice.id"],
            name=op.f("credit_tenant_id_credit_note_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["parties.customer.tenant_id", "parties.customer.id"],
            name=op.f("credit_tenant_id_customer_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "credit_note_id", name=op.f("credit_pkey")),
        schema="receivables",
    )
    op.create_index(
        "credit_customer_id_idx",
        "credit",
        ["tenant_id", "customer_id"],
        unique=False,
        schema="receivables",
        postgresql_where=sa.text("unallocated_minor > 0"),
    )
    op.create_table(
        "open_item",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("gross_minor", sa.BigInteger(), nullable=False),
        sa.Column("open_minor", sa.BigInteger(), nullable=False),
        sa.Column("credited_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("credited_minor between 0 and gross_minor", name=op.f("open_item_credited_check")),
        sa.CheckConstraint("open_minor between 0 and gross_minor", name=op.f("open_item_open_check")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["parties.customer.tenant_id", "parties.customer.id"],
            name=op.f("open_item_tenant_id_customer_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "invoice_id"],
            ["invoicing.invoice.tenant_id", "invoicing.invoice.id"],
            name=op.f("open_item_tenant_id_invoice_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "invoice_id", name=op.f("open_item_pkey")),
        schema="receivables",
    )
    op.create_index(
        "open_item_customer_id_due_on_idx",
        "open_item",
        ["tenant_id", "customer_id", "due_on"],
        unique=False,
        schema="receivables",
        postgresql_where=sa.text("open_minor > 0"),
    )
    op.create_index(
        "open_item_due_on_idx",
        "open_item",
        ["tenant_id", "due_on"],
        unique=False,
        schema="receivables",
        postgresql_where=sa.text("open_minor > 0"),
    )
    op.create_table(
        "write_off",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("written_off_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("write_off_amount_check")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "invoice_id"],
            ["invoicing.invoice.tenant_id", "invoicing.invoice.id"],
            name=op.f("write_off_tenant_id_invoice_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("write_off_pkey")),
        schema="receivables",
    )
    op.create_index(
        "write_off_invoice_id_idx",
        "write_off",
        ["tenant_id", "invoice_id"],
        unique=False,
        schema="receivables",
        postgresql_where=None,
    )
    op.create_table(
        "allocation",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("credit_note_id", sa.Uuid(), nullable=True),
        sa.Column("write_off_id", sa.Uuid(), nullable=True),
        sa.Column("reverses_id", sa.Uuid(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("allocated_on", sa.Date(), nullable=False),
        sa.CheckConstraint(
            "case when reverses_id is null then amount_minor > 0 else amount_minor < 0 end",
            name=op.f("allocation_amount_check"),
        ),
        sa.CheckConstraint(
            "num_nonnulls(payment_id, credit_note_id, write_off_id) = 1", name=op.f("allocation_one_source_check")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "credit_note_id"],
            ["invoicing.invoice.tenant_id", "invoicing.invoice.id"],
            name=op.f("allocation_tenant_id_credit_note_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "invoice_id"],
            ["invoicing.invoice.tenant_id", "invoicing.invoice.id"],
            name=op.f("allocation_tenant_id_invoice_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "payment_id"],
            ["receivables.payment.tenant_id", "receivables.payment.id"],
            name=op.f("allocation_tenant_id_payment_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "write_off_id"],
            ["receivables.write_off.tenant_id", "receivables.write_off.id"],
            name=op.f("allocation_tenant_id_write_off_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("allocation_pkey")),
        schema="receivables",
    )
    op.create_index(
        "allocation_credit_note_id_idx",
        "allocation",
        ["tenant_id", "credit_note_id"],
        unique=False,
        schema="receivables",
        postgresql_where=sa.text("credit_note_id is not null"),
    )
    op.create_index(
        "allocation_invoice_id_idx",
        "allocation",
        ["tenant_id", "invoice_id"],
        unique=False,
        schema="receivables",
        postgresql_where=None,
    )
    op.create_index(
        "allocation_payment_id_idx",
        "allocation",
        ["tenant_id", "payment_id"],
        unique=False,
        schema="receivables",
        postgresql_where=sa.text("payment_id is not null"),
    )
    op.create_index(
        "allocation_reverses_id_uidx",
        "allocation",
        ["tenant_id", "reverses_id"],
        unique=True,
        schema="receivables",
        postgresql_where=sa.text("reverses_id is not null"),
    )
    for name in ("0001_audit.sql", "0001_identity.sql", "0001_receivables.sql"):
        _run(name)
    op.build_wall(
        "audit.entry",
        keys=("tenant_id", "recorded_at", "id"),
        scope="tenant",
        grants=("select",),
        also={"stockade_auditor": "insert"},
        audited=False,
        masked=("address",),
        unsampled=("transaction_id", "actor_kind", "address", "action", "subject", "before", "after"),
    )
    op.build_wall(
        "catalog.product",
        keys=("tenant_id", "id"),
        scope="tenant",
        updatable=(
            "name",
            "description",
            "unit",
            "case_pack",
            "vat_category",
            "barcode",
            "list_price",
            "cost",
            "reorder_point",
            "stocked",
            "state",
            "version",
            "updated_at",
        ),
        document=True,
        events={"state": "catalog.state_changed"},
        unsampled=(
            "sku",
            "name",
            "description",
            "unit",
            "case_pack",
            "barcode",
            "list_price",
            "cost",
            "reorder_point",
            "version",
        ),
    )
    op.build_wall(
        "catalog.vat_rate",
        keys=("tenant_id", "id"),
        scope="tenant",
        updatable=("rate",),
        document=True,
        unsampled=("rate",),
    )
    op.build_wall(
        "desk.export",
        keys=("tenant_id", "id"),
        scope="tenant",
        grants=("insert", "select"),
        insert_event="desk.exported",
        unsampled=("kind", "filters", "rows"),
    )
    op.build_wall(
        "idempotency.used_key",
        keys=("tenant_id", "actor_id", "key"),
        scope="tenant",
        grants=("delete", "insert", "select"),
        audited=False,
        unsampled=("key", "request_hash"),
    )
    op.build_wall(
        "identity.account",
        keys=("id",),
        scope="platform",
        grants=(),
        updatable=("email", "name", "password_hash", "state"),
        exempt={"stockade_doorkeeper": "select insert update", "stockade_platform": "select insert update"},
        audited=False,
        masked=("email", "name", "password_hash"),
    )
    op.build_wall(
        "identity.api_key",
        keys=("tenant_id", "id"),
        scope="tenant",
        updatable=("name", "revoked_at"),
        insert_event="identity.key_issued",
        masked=("secret_hash",),
        events={"revoked_at": "identity.key_revoked"},
        unsampled=("name", "prefix", "secret_hash"),
    )
    op.build_wall(
        "identity.attempt",
        keys=("id",),
        scope="platform",
        grants=(),
        exempt={"stockade_doorkeeper": "select insert", "stockade_platform": "select"},
        audited=False,
        masked=("address",),
    )
    op.build_wall(
        "ledger.import_run",
        keys=("tenant_id", "id"),
        scope="tenant",
        updatable=("state", "batches_done", "account", "finished_at"),
        document=True,
        insert_event="ledger.import_started",
        events={"state": "ledger.import_state_changed"},
        unsampled=("file_name", "file_hash", "mapping", "batches_done", "account"),
    )
    op.build_wall(
        "numbering.counter",
        keys=("tenant_id", "series", "period"),
        scope="tenant",
        updatable=("last",),
        audited=False,
        unsampled=("series", "period", "last"),
    )
    op.build_wall(
        "parties.company",
        keys=("tenant_id", "id"),
        scope="tenant",
        updatable=(
            "legal_name",
            "street",
            "postcode",
            "city",
            "country",
            "vat_id",
            "email",
            "phone",
            "currency",
            "locale",
            "iban",
            "bic",
            "version",
        ),
        masked=("iban",),
        unsampled=(
            "legal_name",
            "street",
            "postcode",
            "city",
            "country",
            "vat_id",
            "email",
            "phone",
            "currency",
            "locale",
            "iban",
            "bic",
            "version",
        ),
    )
    op.build_wall(
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
    )
    op.build_wall(
        "stock.warehouse",
        keys=("tenant_id", "id"),
        scope="tenant",
        updatable=("name", "state"),
        document=True,
        unsampled=("code", "name"),
    )
    op.build_wall(
        "tenancy.tenant",
        keys=("id",),
        scope="tenant",
        tenant_column="id",
        grants=("select",),
        updatable=("name", "state", "placement"),
        exempt={"stockade_platform": "select insert update"},
        events={"state": "tenancy.state_changed"},
        unsampled=("slug", "name", "placement"),
    )
    op.build_wall(
        "trust.evidence",
        keys=("id",),
        scope="platform",
        grants=(),
        exempt={"stockade_application": "select", "stockade_worker": "select insert", "stockade_platform": "select"},
        audited=False,
    )
    op.build_wall(
        "identity.membership",
        keys=("tenant_id", "id"),
        scope="tenant",
        updatable=("role", "state"),
        exempt={"stockade_doorkeeper": "select"},
        insert_event="identity.member_added",
        events={"role": "identity.role_changed", "state": "identity.membership_changed"},
    )
    op.build_wall(
        "identity.one_time_link",
        keys=("id",),
        scope="platform",
        grants=(),
        updatable=("used_at",),
        exempt={"stockade_doorkeeper": "select insert update", "stockade_platform": "select insert update"},
        audited=False,
    )
    op.build_wall(
        "identity.session",
        keys=("tenant_id", "id"),
        scope="tenant",
        updatable=("ended_at",),
        insert_event="identity.signed_in",
        masked=("token_hash", "user_agent"),
        events={"ended_at": "identity.signed_out"},
        unsampled=("token_hash", "user_agent"),
    )
    op.build_wall(
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
    )
    op.build_wall(
        "parties.address",
        keys=("tenant_id", "id"),
        scope="tenant",
        grants=("delete", "insert", "select", "update"),
        updatable=("kind", "recipient", "street", "postcode", "city", "country", "version"),
        masked=("city", "postcode", "recipient", "street"),
        unsampled=("recipient", "street", "postcode", "city", "country", "version"),
    )
    op.build_wall(
        "parties.contact",
        keys=("tenant_id", "id"),
        scope="tenant",
        grants=("delete", "insert", "select", "update"),
        updatable=("name", "position", "email", "phone", "version"),
        masked=("email", "name", "phone", "position"),
        unsampled=("name", "position", "email", "phone", "version"),
    )
    op.build_wall(
        "receivables.payment",
        keys=("tenant_id", "id"),
        scope="tenant",
        updatable=("unallocated_minor",),
        document=True,
        insert_event="receivables.paid",
        unsampled=("external_id", "currency", "amount_minor", "unallocated_minor", "note"),
    )
    op.build_wall(
        "receivables.posting",
        keys=("tenant_id", "journal_id", "position"),
        scope="tenant",
        grants=("insert", "select"),
        part_of="journal_id",
        triggers=("posting_balance receivables.check_balance",),
        unsampled=("position", "currency", "amount_minor"),
    )
    op.build_wall(
        "stock.level",
        keys=("tenant_id", "warehouse_id", "product_id"),
        scope="tenant",
        updatable=("on_hand", "reserved"),
        audited=False,
        unsampled=("on_hand", "reserved"),
    )
    op.build_wall(
        "stock.move",
        keys=("tenant_id", "id"),
        scope="tenant",
        grants=("insert", "select"),
        unsampled=("quantity", "note"),
    )
    op.build_wall(
        "stock.reservation",
        keys=("tenant_id", "order_id", "position", "warehouse_id"),
        scope="tenant",
        grants=("delete", "insert", "select", "update"),
        updatable=("quantity", "expires_at"),
        part_of="order_id",
        unsampled=("position", "quantity"),
    )
    op.build_wall(
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
    )
    op.build_wall(
        "orders.hold",
        keys=("tenant_id", "id"),
        scope="tenant",
        updatable=("released_at", "released_by"),
        insert_event="orders.held",
        events={"released_at": "orders.hold_released"},
        unsampled=("reason",),
    )
    op.build_wall(
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
    )
    op.build_wall(
        "orders.shipment",
        keys=("tenant_id", "id"),
        scope="tenant",
        grants=("insert", "select"),
        insert_event="orders.shipped",
        unsampled=("number", "carrier", "tracking"),
    )
    op.build_wall(
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
    )
    op.build_wall(
        "invoicing.vat_group",
        keys=("tenant_id", "invoice_id", "vat_category", "vat_rate"),
        scope="tenant",
        grants=("insert", "select"),
        part_of="invoice_id",
        unsampled=("vat_category", "vat_rate", "net_minor", "vat_minor"),
    )
    op.build_wall(
        "orders.shipment_line",
        keys=("tenant_id", "shipment_id", "position"),
        scope="tenant",
        grants=("insert", "select"),
        part_of="shipment_id",
        unsampled=("position", "quantity"),
    )
    op.build_wall(
        "receivables.credit",
        keys=("tenant_id", "credit_note_id"),
        scope="tenant",
        updatable=("unallocated_minor",),
        audited=False,
        unsampled=("currency", "gross_minor", "unallocated_minor"),
    )
    op.build_wall(
        "receivables.open_item",
        keys=("tenant_id", "invoice_id"),
        scope="tenant",
        updatable=("open_minor", "credited_minor"),
        audited=False,
        unsampled=("currency", "gross_minor", "open_minor", "credited_minor"),
    )
    op.build_wall(
        "receivables.write_off",
        keys=("tenant_id", "id"),
        scope="tenant",
        grants=("insert", "select"),
        document=True,
        insert_event="receivables.written_off",
        unsampled=("amount_minor", "reason"),
    )
    op.build_wall(
        "receivables.allocation",
        keys=("tenant_id", "id"),
        scope="tenant",
        grants=("insert", "select"),
        insert_event="receivables.allocated",
        unsampled=("amount_minor",),
    )
    for sql in install_statements():
        run_script(op.get_bind(), sql)
    for schema, owner in OWNED.items():
        op.execute(f"revoke create on schema {schema} from {owner}")
    op.execute("select audit.ensure_partitions(12)")
