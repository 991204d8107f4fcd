"""Suspicion: known devices, activity by the hour, alerts and the policy."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    op.create_table(
        "activity",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requests", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("exported_rows", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("activity_pkey")),
        sa.UniqueConstraint("tenant_id", "actor_id", "hour", name=op.f("activity_tenant_id_actor_id_hour_key")),
        schema="identity",
    )
    op.create_table(
        "alert",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("acted", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("acknowledged_by", sa.Uuid(), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'acknowledged') = (acknowledged_at is not null)", name=op.f("alert_acknowledged_check")
        ),
        sa.CheckConstraint("acted in ('none', 'step_up', 'locked')", name=op.f("alert_acted_check")),
        sa.CheckConstraint("actor_kind in ('account', 'key')", name=op.f("alert_actor_kind_check")),
        sa.CheckConstraint(
            "kind in ('new_country', 'new_device', 'impossible_travel', 'abnormal_rate', 'bulk_export', 'lockout', 'token_reuse')",
            name=op.f("alert_kind_check"),
        ),
        sa.CheckConstraint("state in ('open', 'acknowledged')", name=op.f("alert_state_check")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("alert_pkey")),
        schema="identity",
    )
    op.create_index(
        "alert_actor_id_kind_at_idx",
        "alert",
        ["tenant_id", "actor_id", "kind", "at"],
        unique=False,
        schema="identity",
        postgresql_where=None,
    )
    op.create_index(
        "alert_at_idx", "alert", ["tenant_id", "at"], unique=False, schema="identity", postgresql_where=None
    )
    op.create_table(
        "suspicion_policy",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("new_country", sa.Text(), nullable=False),
        sa.Column("new_device", sa.Text(), nullable=False),
        sa.Column("impossible_travel", sa.Text(), nullable=False),
        sa.Column("abnormal_rate", sa.Text(), nullable=False),
        sa.Column("bulk_export", sa.Text(), nullable=False),
        sa.Column("lockout", sa.Text(), nullable=False),
        sa.Column("token_reuse", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "abnormal_rate in ('notify', 'step_up', 'lock')", name=op.f("suspicion_policy_abnormal_rate_check")
        ),
        sa.CheckConstraint(
            "bulk_export in ('notify', 'step_up', 'lock')", name=op.f("suspicion_policy_bulk_export_check")
        ),
        sa.CheckConstraint(
            "impossible_travel in ('notify', 'step_up', 'lock')", name=op.f("suspicion_policy_impossible_travel_check")
        ),
        sa.CheckConstraint("lockout in ('notify', 'step_up', 'lock')", name=op.f("suspicion_policy_lockout_check")),
        sa.CheckConstraint(
            "new_country in ('notify', 'step_up', 'lock')", name=op.f("suspicion_policy_new_country_check")
        ),
        sa.CheckConstraint(
            "new_device in ('notify', 'step_up', 'lock')", name=op.f("suspicion_policy_new_device_check")
        ),
        sa.CheckConstraint(
            "token_reuse in ('notify', 'step_up', 'lock')", name=op.f("suspicion_policy_token_reuse_check")
        ),
        sa.CheckConstraint("id = tenant_id", name=op.f("suspicion_policy_single_check")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("suspicion_policy_pkey")),
        schema="identity",
    )
    op.create_table(
        "known_device",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("device_hash", sa.LargeBinary(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["identity.account.id"], name=op.f("known_device_account_id_fkey")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("known_device_pkey")),
        sa.UniqueConstraint(
            "tenant_id",
            "account_id",
            "device_hash",
            "country",
            name=op.f("known_device_tenant_id_account_id_device_hash_country_key"),
        ),
        schema="identity",
    )
    op.build_wall(
        "identity.activity",
        keys=("tenant_id", "id"),
        scope="tenant",
        grants=("delete", "insert", "select", "update"),
        updatable=("requests", "exported_rows"),
        audited=False,
        unsampled=("requests", "exported_rows"),
    )
    op.build_wall(
        "identity.alert",
        keys=("tenant_id", "id"),
        scope="tenant",
        updatable=("state", "acknowledged_by", "acknowledged_at"),
        insert_event="identity.alert_raised",
        masked=("evidence",),
        events={"state": "identity.alert_acknowledged"},
        unsampled=("evidence",),
    )
    op.build_wall(
        "identity.suspicion_policy",
        keys=("tenant_id", "id"),
        scope="tenant",
        updatable=(
            "new_country",
            "new_device",
            "impossible_travel",
            "abnormal_rate",
            "bulk_export",
            "lockout",
            "token_reuse",
            "version",
        ),
        events={
            "new_country": "identity.suspicion_policy_changed",
            "new_device": "identity.suspicion_policy_changed",
            "impossible_travel": "identity.suspicion_policy_changed",
            "abnormal_rate": "identity.suspicion_policy_changed",
            "bulk_export": "identity.suspicion_policy_changed",
            "lockout": "identity.suspicion_policy_changed",
            "token_reuse": "identity.suspicion_policy_changed",
        },
        unsampled=("version",),
    )
    op.build_wall(
        "identity.known_device",
        keys=("tenant_id", "id"),
        scope="tenant",
        updatable=("last_seen_at",),
        audited=False,
        masked=("country", "device_hash"),
        unsampled=("device_hash", "country"),
    )
