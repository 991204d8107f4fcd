"""Operators of the platform, and break-glass access to a tenant."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from stockade.database.migrate import run_script

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ROLES = "stockade_application, stockade_worker, stockade_platform, stockade_backup"


def _run(name: str) -> None:
    sql = (Path(__file__).parents[1] / "sql" / name).read_text()
    run_script(op.get_bind(), sql)


def upgrade() -> None:
    """Apply it."""
    op.execute("create schema platform")
    op.execute(f"grant usage on schema platform to {ROLES}")
    op.execute("grant usage, create on schema platform to stockade_doorkeeper")
    op.create_table(
        "access_terms",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("operator_access_needs_approval", sa.Boolean(), nullable=False),
        sa.CheckConstraint("id = tenant_id", name=op.f("access_terms_single_check")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("access_terms_pkey")),
        schema="platform",
    )
    op.create_table(
        "operator",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("password_is_once", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("totp_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("totp_step", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("permissions", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("blocked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("state in ('active', 'deactivated')", name=op.f("operator_state_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("operator_pkey")),
        sa.UniqueConstraint("email", name=op.f("operator_email_key")),
        schema="platform",
    )
    op.create_table(
        "break_glass",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("operator_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ticket", sa.Text(), nullable=False),
        sa.Column("scope", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("read_only", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("needs_customer", sa.Boolean(), nullable=False),
        sa.Column("approved_by", sa.Uuid(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("customer_approved_by", sa.Uuid(), nullable=True),
        sa.Column("customer_approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("token_hash", sa.LargeBinary(), nullable=True),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "approved_at <= requested_at + interval '24 hours'", name=op.f("break_glass_approved_in_time_check")
        ),
        sa.CheckConstraint(
            "customer_approved_at <= requested_at + interval '24 hours'",
            name=op.f("break_glass_customer_in_time_check"),
        ),
        sa.CheckConstraint(
            "jsonb_typeof(scope) = 'array' and jsonb_array_length(scope) between 1 and 40",
            name=op.f("break_glass_scope_check"),
        ),
        sa.CheckConstraint(
            "read_only or not scope ?| array['members', 'keys', 'roles', 'support', 'identity', 'sso', 'scim', 'reviews', 'security', "
            "'alerts', 'signon', 'provisioning', 'sign_in_policy']",
            name=op.f("break_glass_lasting_check"),
        ),
        sa.CheckConstraint("(approved_by is null) = (approved_at is null)", name=op.f("break_glass_approved_check")),
        sa.CheckConstraint("(ended_by is null) = (ended_at is null)", name=op.f("break_glass_ended_check")),
        sa.CheckConstraint("(starts_at is null) = (expires_at is null)", name=op.f("break_glass_started_check")),
        sa.CheckConstraint(
            "(token_hash is null) = (entered_at is null) and (entered_at is null or starts_at is not null)",
            name=op.f("break_glass_entered_check"),
        ),
        sa.CheckConstraint("approved_by <> operator_id", name=op.f("break_glass_second_person_check")),
        sa.CheckConstraint("customer_approved_at is null or needs_customer", name=op.f("break_glass_customer_check")),
        sa.CheckConstraint(
            "expires_at <= starts_at + make_interval(mins => minutes)", name=op.f("break_glass_as_long_as_asked_check")
        ),
        sa.CheckConstraint(
            "length(btrim(reason)) >= 10 and length(btrim(ticket)) >= 1", name=op.f("break_glass_reason_check")
        ),
        sa.CheckConstraint("minutes between 1 and 240", name=op.f("break_glass_minutes_check")),
        sa.CheckConstraint(
            "starts_at is null or (approved_at is not null and (customer_approved_at is not null or not needs_customer))",
            name=op.f("break_glass_started_approved_check"),
        ),
        sa.ForeignKeyConstraint(["approved_by"], ["platform.operator.id"], name=op.f("break_glass_approved_by_fkey")),
        sa.ForeignKeyConstraint(["operator_id"], ["platform.operator.id"], name=op.f("break_glass_operator_id_fkey")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenancy.tenant.id"], name=op.f("break_glass_tenant_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("break_glass_pkey")),
        sa.UniqueConstraint("token_hash", name=op.f("break_glass_token_hash_key")),
        schema="platform",
    )
    op.create_index(
        "break_glass_requested_at_idx",
        "break_glass",
        ["tenant_id", "requested_at"],
        unique=False,
        schema="platform",
        postgresql_where=None,
    )
    op.create_table(
        "operator_session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("operator_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "expires_at <= created_at + interval '8 hours 1 minute'", name=op.f("operator_session_lifetime_check")
        ),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["platform.operator.id"], name=op.f("operator_session_operator_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("operator_session_pkey")),
        sa.UniqueConstraint("token_hash", name=op.f("operator_session_token_hash_key")),
        schema="platform",
    )
    op.create_table(
        "break_glass_use",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("break_glass_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["break_glass_id"], ["platform.break_glass.id"], name=op.f("break_glass_use_break_glass_id_fkey")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("break_glass_use_pkey")),
        schema="platform",
    )
    op.create_index(
        "break_glass_use_break_glass_id_at_idx",
        "break_glass_use",
        ["tenant_id", "break_glass_id", "at"],
        unique=False,
        schema="platform",
        postgresql_where=None,
    )
    op.build_wall(
        "platform.access_terms",
        keys=("tenant_id", "id"),
        scope="tenant",
        updatable=("operator_access_needs_approval",),
        exempt={"stockade_doorkeeper": "select"},
        events={"operator_access_needs_approval": "support.terms_changed"},
    )
    op.build_wall(
        "platform.operator",
        keys=("id",),
        scope="platform",
        grants=(),
        updatable=(
            "name",
            "password_hash",
            "password_is_once",
            "totp_sealed",
            "totp_step",
            "permissions",
            "failures",
            "blocked_until",
            "state",
        ),
        exempt={"stockade_platform": "select insert update", "stockade_doorkeeper": "select"},
        audited=False,
        masked=("email", "name", "password_hash", "totp_sealed"),
    )
    op.build_wall(
        "platform.break_glass",
        keys=("id",),
        scope="tenant",
        grants=("select",),
        updatable=(
            "approved_by",
            "approved_at",
            "customer_approved_by",
            "customer_approved_at",
            "starts_at",
            "expires_at",
            "token_hash",
            "entered_at",
            "ended_at",
            "ended_by",
        ),
        exempt={"stockade_platform": "select insert update", "stockade_doorkeeper": "select update"},
        insert_event="support.requested",
        triggers=("guard platform.guard_break_glass",),
        masked=("token_hash",),
        events={
            "approved_by": "support.approved",
            "customer_approved_by": "support.approved_by_customer",
            "entered_at": "support.entered",
            "ended_at": "support.ended",
        },
        unsampled=("reason", "ticket", "scope", "minutes", "token_hash"),
    )
    op.build_wall(
        "platform.operator_session",
        keys=("id",),
        scope="platform",
        grants=(),
        updatable=("used_at", "ended_at"),
        exempt={"stockade_platform": "select insert update"},
        audited=False,
        masked=("address", "token_hash"),
    )
    op.build_wall(
        "platform.break_glass_use",
        keys=("tenant_id", "id"),
        scope="tenant",
        grants=("select",),
        exempt={"stockade_doorkeeper": "select insert"},
        insert_event="support.looked",
        unsampled=("method", "path"),
    )
    _run("0008_platform.sql")
    op.execute("revoke create on schema platform from stockade_doorkeeper")
