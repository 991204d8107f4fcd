"""The admin panel: drafts, views, notes and bulk actions of the desk; imports; mail; bank files; counts; branding."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    for schema in ("imports", "mail"):
        op.execute(f"create schema {schema}")
        op.execute(
            f"grant usage on schema {schema} to stockade_application, stockade_worker, stockade_platform, stockade_backup"
        )
    op.drop_constraint("move_reason_check", "move", schema="stock")
    op.create_check_constraint(
        "move_reason_check",
        "move",
        "reason in ('receipt', 'shipment', 'return', 'adjustment', 'count', 'damage', 'opening', 'reversal', 'transfer')",
        schema="stock",
    )
    op.create_table(
        "bulk",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("bulk_pkey")),
        schema="desk",
    )
    op.create_table(
        "dismissal",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.CheckConstraint("what in ('first_day')", name=op.f("dismissal_what_check")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("dismissal_pkey")),
        sa.UniqueConstraint("tenant_id", "account_id", "what", name=op.f("dismissal_tenant_id_account_id_what_key")),
        schema="desk",
    )
    op.create_table(
        "entry_draft",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("octet_length(content::text) <= 1048576", name=op.f("entry_draft_size_check")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("entry_draft_pkey")),
        schema="desk",
    )
    op.create_index(
        "entry_draft_account_id_id_idx",
        "entry_draft",
        ["tenant_id", "account_id", "id"],
        unique=False,
        schema="desk",
        postgresql_where=None,
    )
    op.create_table(
        "note",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("length(text) between 1 and 2000", name=op.f("note_text_check")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("note_pkey")),
        schema="desk",
    )
    op.create_index(
        "note_subject_id_written_at_idx",
        "note",
        ["tenant_id", "subject_id", "written_at"],
        unique=False,
        schema="desk",
        postgresql_where=None,
    )
    op.create_table(
        "view",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("listing", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("shared", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint("length(query) <= 2000", name=op.f("view_query_check")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("view_pkey")),
        schema="desk",
    )
    op.create_index(
        "view_listing_name_idx",
        "view",
        ["tenant_id", "listing", "name"],
        unique=False,
        schema="desk",
        postgresql_where=None,
    )
    op.create_table(
        "run",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), server_default="reading", nullable=False),
        sa.Column("encoding", sa.Text(), server_default="", nullable=False),
        sa.Column("separator", sa.Text(), server_default="", nullable=False),
        sa.Column("decimals", sa.Text(), server_default=".", nullable=False),
        sa.Column("header", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("mapping", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("refusal", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("lines", sa.Integer(), server_default="0", nullable=False),
        sa.Column("uploaded_by", sa.Uuid(), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("started_by", sa.Uuid(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state in ('reading', 'refused', 'ready', 'checking', 'checked', 'running', 'finished', 'stopped')",
            name=op.f("run_state_check"),
        ),
        sa.CheckConstraint("target in ('products', 'customers', 'stock')", name=op.f("run_target_check")),
        sa.CheckConstraint("size_bytes between 0 and 20000000", name=op.f("run_size_check")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("run_pkey")),
        schema="imports",
    )
    op.create_index(
        "run_uploaded_at_id_idx",
        "run",
        ["tenant_id", "uploaded_at", "id"],
        unique=False,
        schema="imports",
        postgresql_where=None,
    )
    op.create_table(
        "message",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("to_address", sa.Text(), nullable=False),
        sa.Column("reply_to", sa.Text(), nullable=True),
        sa.Column("sender_name", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("attachment_kind", sa.Text(), nullable=True),
        sa.Column("attachment_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(), server_default="queued", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("queued_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("handed_over_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state in ('queued', 'sent', 'failed', 'given_up')", name=op.f("message_state_check")),
        sa.CheckConstraint(
            "subject !~ '[\\r\\n]' and to_address !~ '[\\r\\n]' and reply_to !~ '[\\r\\n]'",
            name=op.f("message_lines_check"),
        ),
        sa.CheckConstraint(
            "num_nulls(attachment_kind, attachment_id) in (0, 2)", name=op.f("message_attachment_check")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("message_pkey")),
        schema="mail",
    )
    op.create_index(
        "message_attachment_id_queued_at_idx",
        "message",
        ["tenant_id", "attachment_id", "queued_at"],
        unique=False,
        schema="mail",
        postgresql_where=sa.text("attachment_id is not null"),
    )
    op.create_index(
        "message_next_attempt_at_idx",
        "message",
        ["tenant_id", "next_attempt_at"],
        unique=False,
        schema="mail",
        postgresql_where=sa.text("state in ('queued', 'failed')"),
    )
    op.create_index(
        "message_queued_at_idx",
        "message",
        ["tenant_id", "queued_at"],
        unique=False,
        schema="mail",
        postgresql_where=None,
    )
    op.create_table(
        "setting",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sender_name", sa.Text(), nullable=True),
        sa.Column("reply_to", sa.Text(), nullable=True),
        sa.Column("signature", sa.Text(), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("id = tenant_id", name=op.f("setting_single_check")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("setting_pkey")),
        schema="mail",
    )
    op.create_table(
        "series",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("first > 0", name=op.f("series_first_check")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("series_pkey")),
        sa.UniqueConstraint("tenant_id", "prefix", name=op.f("series_tenant_id_prefix_key")),
        sa.UniqueConstraint("tenant_id", "series", name=op.f("series_tenant_id_series_key")),
        schema="numbering",
    )
    op.create_table(
        "logo",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("length(content) <= 524288", name=op.f("logo_size_check")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("logo_pkey")),
        sa.UniqueConstraint("tenant_id", "content_hash", name=op.f("logo_tenant_id_content_hash_key")),
        schema="parties",
    )
    op.create_table(
        "bank_layout",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("head_hash", sa.LargeBinary(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("bank_layout_pkey")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("bank_layout_tenant_id_name_key")),
        schema="receivables",
    )
    op.create_index(
        "bank_layout_head_hash_idx",
        "bank_layout",
        ["tenant_id", "head_hash"],
        unique=False,
        schema="receivables",
        postgresql_where=None,
    )
    op.create_table(
        "bank_statement",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("layout", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("lines", sa.Integer(), server_default="0", nullable=False),
        sa.Column("repeated", sa.Integer(), server_default="0", nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "octet_length(content) <= 2000000 and (state = 'read') = (content is null)",
            name=op.f("bank_statement_content_check"),
        ),
        sa.CheckConstraint("state in ('received', 'read')", name=op.f("bank_statement_state_check")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("bank_statement_pkey")),
        schema="receivables",
    )
    op.create_index(
        "bank_statement_received_at_idx",
        "bank_statement",
        ["tenant_id", "received_at"],
        unique=False,
        schema="receivables",
        postgresql_where=None,
    )
    op.create_table(
        "substitute",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("substitute_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("position between 1 and 20", name=op.f("substitute_position_check")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "product_id"],
            ["catalog.product.tenant_id", "catalog.product.id"],
            name=op.f("substitute_tenant_id_product_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "substitute_id"],
            ["catalog.product.tenant_id", "catalog.product.id"],
            name=op.f("substitute_tenant_id_substitute_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "product_id", "position", name=op.f("substitute_pkey")),
        sa.UniqueConstraint(
            "tenant_id", "product_id", "substitute_id", name=op.f("substitute_tenant_id_product_id_substitute_id_key")
        ),
        schema="catalog",
    )
    op.create_table(
        "file",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("length(content) <= 20000000", name=op.f("file_size_check")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "run_id"],
            ["imports.run.tenant_id", "imports.run.id"],
            name=op.f("file_tenant_id_run_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "run_id", name=op.f("file_pkey")),
        schema="imports",
    )
    op.create_table(
        "line",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("cells", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("reasons", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("record_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "outcome in ('created', 'updated', 'unchanged', 'rejected')", name=op.f("line_outcome_check")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "run_id"],
            ["imports.run.tenant_id", "imports.run.id"],
            name=op.f("line_tenant_id_run_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "run_id", "position", name=op.f("line_pkey")),
        schema="imports",
    )
    op.create_index(
        "line_run_id_position_idx",
        "line",
        ["tenant_id", "run_id", "position"],
        unique=False,
        schema="imports",
        postgresql_where=sa.text("outcome = 'rejected'"),
    )
    op.create_table(
        "progress",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created", sa.Integer(), server_default="0", nullable=False),
        sa.Column("updated", sa.Integer(), server_default="0", nullable=False),
        sa.Column("unchanged", sa.Integer(), server_default="0", nullable=False),
        sa.Column("rejected", sa.Integer(), server_default="0", nullable=False),
        sa.Column("problems", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("touched_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "run_id"],
            ["imports.run.tenant_id", "imports.run.id"],
            name=op.f("progress_tenant_id_run_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "run_id", name=op.f("progress_pkey")),
        schema="imports",
    )
    op.create_table(
        "branding",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("accent", sa.Text(), nullable=False),
        sa.Column("footer", sa.Text(), server_default="", nullable=False),
        sa.Column("logo_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "logo_id"],
            ["parties.logo.tenant_id", "parties.logo.id"],
            name=op.f("branding_tenant_id_logo_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("branding_pkey")),
        sa.UniqueConstraint("tenant_id", "version", name=op.f("branding_tenant_id_version_key")),
        schema="parties",
    )
    op.create_table(
        "bank_payer",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("matched_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["parties.customer.tenant_id", "parties.customer.id"],
            name=op.f("bank_payer_tenant_id_customer_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("bank_payer_pkey")),
        sa.UniqueConstraint("tenant_id", "key", name=op.f("bank_payer_tenant_id_key_key")),
        schema="receivables",
    )
    op.create_table(
        "count",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("warehouse_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("blind", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state in ('open', 'approved', 'cancelled')", name=op.f("count_state_check")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "warehouse_id"],
            ["stock.warehouse.tenant_id", "stock.warehouse.id"],
            name=op.f("count_tenant_id_warehouse_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("count_pkey")),
        sa.UniqueConstraint("tenant_id", "number", name=op.f("count_tenant_id_number_key")),
        schema="stock",
    )
    op.create_index(
        "count_opened_at_id_idx",
        "count",
        ["tenant_id", "opened_at", "id"],
        unique=False,
        schema="stock",
        postgresql_where=None,
    )
    op.create_table(
        "bulk_item",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("bulk_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("outcome", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.CheckConstraint("outcome in ('waiting', 'done', 'refused')", name=op.f("bulk_item_outcome_check")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "bulk_id"],
            ["desk.bulk.tenant_id", "desk.bulk.id"],
            name=op.f("bulk_item_tenant_id_bulk_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["orders.sales_order.tenant_id", "orders.sales_order.id"],
            name=op.f("bulk_item_tenant_id_order_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "bulk_id", "position", name=op.f("bulk_item_pkey")),
        sa.UniqueConstraint("tenant_id", "bulk_id", "order_id", name=op.f("bulk_item_tenant_id_bulk_id_order_id_key")),
        schema="desk",
    )
    op.create_table(
        "delivery",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("street", sa.Text(), nullable=False),
        sa.Column("postcode", sa.Text(), nullable=False),
        sa.Column("city", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["orders.sales_order.tenant_id", "orders.sales_order.id"],
            name=op.f("delivery_tenant_id_order_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "order_id", name=op.f("delivery_pkey")),
        schema="orders",
    )
    op.create_table(
        "bank_line",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("payer", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("state <> 'booked' or payment_id is not null", name=op.f("bank_line_booked_check")),
        sa.CheckConstraint("state in ('open', 'booked', 'outgoing', 'set_aside')", name=op.f("bank_line_state_check")),
        sa.CheckConstraint("amount_minor <> 0", name=op.f("bank_line_amount_check")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "payment_id"],
            ["receivables.payment.tenant_id", "receivables.payment.id"],
            name=op.f("bank_line_tenant_id_payment_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "statement_id"],
            ["receivables.bank_statement.tenant_id", "receivables.bank_statement.id"],
            name=op.f("bank_line_tenant_id_statement_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("bank_line_pkey")),
        sa.UniqueConstraint("tenant_id", "fingerprint", name=op.f("bank_line_tenant_id_fingerprint_key")),
        schema="receivables",
    )
    op.create_index(
        "bank_line_payment_id_idx",
        "bank_line",
        ["tenant_id", "payment_id"],
        unique=False,
        schema="receivables",
        postgresql_where=sa.text("payment_id is not null"),
    )
    op.create_index(
        "bank_line_statement_id_position_idx",
        "bank_line",
        ["tenant_id", "statement_id", "position"],
        unique=False,
        schema="receivables",
        postgresql_where=None,
    )
    op.create_table(
        "count_entry",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("count_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("booked", sa.BigInteger(), nullable=False),
        sa.Column("counted_by", sa.Uuid(), nullable=False),
        sa.Column(
            "counted_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint("quantity >= 0", name=op.f("count_entry_quantity_check")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "count_id"],
            ["stock.count.tenant_id", "stock.count.id"],
            name=op.f("count_entry_tenant_id_count_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "product_id"],
            ["catalog.product.tenant_id", "catalog.product.id"],
            name=op.f("count_entry_tenant_id_product_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("count_entry_pkey")),
        schema="stock",
    )
    op.create_index(
        "count_entry_count_id_product_id_counted_at_idx",
        "count_entry",
        ["tenant_id", "count_id", "product_id", "counted_at"],
        unique=False,
        schema="stock",
        postgresql_where=None,
    )
    op.create_table(
        "count_line",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("count_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("booked", sa.BigInteger(), nullable=False),
        sa.Column("left_out", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("recounted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "count_id"],
            ["stock.count.tenant_id", "stock.count.id"],
            name=op.f("count_line_tenant_id_count_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "product_id"],
            ["catalog.product.tenant_id", "catalog.product.id"],
            name=op.f("count_line_tenant_id_product_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "count_id", "product_id", name=op.f("count_line_pkey")),
        schema="stock",
    )
    op.add_column(
        "line", sa.Column("whole", sa.Boolean(), server_default=sa.text("false"), nullable=False), schema="orders"
    )
    op.create_index(
        "open_item_open_minor_idx",
        "open_item",
        ["tenant_id", "open_minor"],
        unique=False,
        schema="receivables",
        postgresql_where=sa.text("open_minor > 0"),
    )
    op.build_wall(
        "desk.bulk",
        keys=("tenant_id", "id"),
        scope="tenant",
        grants=("insert", "select"),
        insert_event="desk.bulk_started",
        unsampled=("action", "total"),
    )
    op.build_wall(
        "desk.dismissal", keys=("tenant_id", "id"), scope="tenant", grants=("delete", "insert", "select"), audited=False
    )
    op.build_wall(
        "desk.entry_draft",
        keys=("tenant_id", "id"),
        scope="tenant",
        grants=("delete", "insert", "select", "update"),
        updatable=("content", "version", "updated_at"),
        audited=False,
        unsampled=("content", "version"),
    )
    op.build_wall(
        "desk.note",
        keys=("tenant_id", "id"),
        scope="tenant",
        grants=("delete", "insert", "select", "update"),
        updatable=("text",),
        unsampled=("text",),
    )
    op.build_wall(
        "desk.view",
        keys=("tenant_id", "id"),
        scope="tenant",
        grants=("delete", "insert", "select", "update"),
        updatable=("name", "query", "shared"),
        unsampled=("listing", "name", "query"),
    )
    op.build_wall(
        "imports.run",
        keys=("tenant_id", "id"),
        scope="tenant",
        updatable=(
            "state",
            "encoding",
            "separator",
            "decimals",
            "header",
            "mapping",
            "refusal",
            "lines",
            "started_by",
            "ended_at",
        ),
        insert_event="imports.uploaded",
        events={"state": "imports.state_changed"},
        unsampled=(
            "file_name",
            "size_bytes",
            "encoding",
            "separator",
            "decimals",
            "header",
            "mapping",
            "refusal",
            "lines",
        ),
    )
    op.build_wall(
        "mail.message",
        keys=("tenant_id", "id"),
        scope="tenant",
        updatable=(
            "state",
            "attempts",
            "last_error",
            "message_id",
            "next_attempt_at",
            "leased_until",
            "handed_over_at",
            "sent_at",
        ),
        insert_event="mail.queued",
        masked=("html", "last_error", "reply_to", "text", "to_address"),
        events={"state": "mail.state_changed"},
        unsampled=(
            "to_address",
            "reply_to",
            "sender_name",
            "subject",
            "text",
            "html",
            "attachment_kind",
            "attempts",
            "last_error",
            "message_id",
        ),
    )
    op.build_wall(
        "mail.setting",
        keys=("tenant_id", "id"),
        scope="tenant",
        updatable=("sender_name", "reply_to", "signature", "version"),
        masked=("reply_to",),
        unsampled=("sender_name", "reply_to", "signature", "version"),
    )
    op.build_wall(
        "numbering.series",
        keys=("tenant_id", "id"),
        scope="tenant",
        updatable=("prefix", "period", "first"),
        insert_event="numbering.series_set",
        events={"prefix": "numbering.prefix_changed"},
        unsampled=("series", "prefix", "period", "first"),
    )
    op.build_wall(
        "parties.logo",
        keys=("tenant_id", "id"),
        scope="tenant",
        grants=("insert", "select"),
        audited=False,
        unsampled=("content", "content_hash"),
    )
    op.build_wall(
        "receivables.bank_layout",
        keys=("tenant_id", "id"),
        scope="tenant",
        updatable=("name", "head_hash", "content", "used_at"),
        unsampled=("name", "head_hash", "content"),
    )
    op.build_wall(
        "receivables.bank_statement",
        keys=("tenant_id", "id"),
        scope="tenant",
        updatable=("content", "layout", "state", "lines", "repeated"),
        insert_event="receivables.bank_file_received",
        masked=("content",),
        unsampled=("name", "content", "layout", "lines", "repeated"),
    )
    op.build_wall(
        "catalog.substitute",
        keys=("tenant_id", "product_id", "position"),
        scope="tenant",
        grants=("delete", "insert", "select"),
        part_of="product_id",
        unsampled=("position",),
    )
    op.build_wall(
        "imports.file",
        keys=("tenant_id", "run_id"),
        scope="tenant",
        grants=("delete", "insert", "select"),
        audited=False,
        masked=("content",),
        unsampled=("content",),
    )
    op.build_wall(
        "imports.line",
        keys=("tenant_id", "run_id", "position"),
        scope="tenant",
        grants=("delete", "insert", "select", "update"),
        updatable=("outcome", "reasons", "record_id"),
        audited=False,
        masked=("cells", "reasons"),
        unsampled=("position", "number", "cells", "reasons"),
    )
    op.build_wall(
        "imports.progress",
        keys=("tenant_id", "run_id"),
        scope="tenant",
        updatable=("done", "created", "updated", "unchanged", "rejected", "problems", "touched_at"),
        audited=False,
        unsampled=("done", "created", "updated", "unchanged", "rejected", "problems"),
    )
    op.build_wall(
        "parties.branding",
        keys=("tenant_id", "id"),
        scope="tenant",
        grants=("insert", "select"),
        insert_event="parties.branding_set",
        unsampled=("version", "accent", "footer"),
    )
    op.build_wall(
        "receivables.bank_payer",
        keys=("tenant_id", "id"),
        scope="tenant",
        updatable=("customer_id", "matched_at"),
        masked=("key",),
        unsampled=("key",),
    )
    op.build_wall(
        "stock.count",
        keys=("tenant_id", "id"),
        scope="tenant",
        updatable=("state", "closed_at"),
        document=True,
        events={"state": "stock.count_closed"},
        unsampled=("number", "note"),
    )
    op.build_wall(
        "desk.bulk_item",
        keys=("tenant_id", "bulk_id", "position"),
        scope="tenant",
        updatable=("outcome", "refusal"),
        audited=False,
        part_of="bulk_id",
        unsampled=("position", "refusal"),
    )
    op.build_wall(
        "orders.delivery",
        keys=("tenant_id", "order_id"),
        scope="tenant",
        grants=("delete", "insert", "select", "update"),
        updatable=("recipient", "street", "postcode", "city", "country"),
        part_of="order_id",
        masked=("city", "postcode", "recipient", "street"),
        unsampled=("recipient", "street", "postcode", "city", "country"),
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
    )
    op.build_wall(
        "receivables.bank_line",
        keys=("tenant_id", "id"),
        scope="tenant",
        updatable=("state", "payment_id", "version"),
        masked=("account", "payer", "purpose"),
        events={"state": "receivables.bank_line_changed"},
        unsampled=("position", "fingerprint", "currency", "amount_minor", "payer", "account", "purpose", "version"),
    )
    op.build_wall(
        "stock.count_entry",
        keys=("tenant_id", "id"),
        scope="tenant",
        grants=("insert", "select"),
        unsampled=("quantity", "booked"),
    )
    op.build_wall(
        "stock.count_line",
        keys=("tenant_id", "count_id", "product_id"),
        scope="tenant",
        updatable=("left_out", "recounted_at"),
        audited=False,
        part_of="count_id",
        unsampled=("booked",),
    )
