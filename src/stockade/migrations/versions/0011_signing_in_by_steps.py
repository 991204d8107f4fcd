"""Signing in by steps."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from stockade.database.migrate import run_script

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    op.create_table(
        "throttle",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("blocked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("locked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind in ('account', 'address', 'pair', 'device', 'factor')", name=op.f("throttle_kind_check")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("throttle_pkey")),
        sa.UniqueConstraint("subject", name=op.f("throttle_subject_key")),
        schema="identity",
    )
    op.create_index("throttle_failed_at_idx", "throttle", ["failed_at"], unique=False, schema="identity")
    op.create_table(
        "pending_sign_in",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("proofs", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["identity.account.id"], name=op.f("pending_sign_in_account_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("pending_sign_in_pkey")),
        sa.UniqueConstraint("token_hash", name=op.f("pending_sign_in_token_hash_key")),
        schema="identity",
    )
    op.create_index(
        "pending_sign_in_expires_at_idx", "pending_sign_in", ["expires_at"], unique=False, schema="identity"
    )
    op.build_wall(
        "identity.throttle",
        keys=("id",),
        scope="platform",
        grants=(),
        updatable=("failures", "failed_at", "blocked_until", "locked_at"),
        exempt={"stockade_doorkeeper": "select insert update delete", "stockade_platform": "select delete"},
        audited=False,
    )
    op.build_wall(
        "identity.pending_sign_in",
        keys=("id",),
        scope="platform",
        grants=(),
        updatable=("failures",),
        exempt={"stockade_doorkeeper": "select insert update delete", "stockade_platform": "select delete"},
        audited=False,
    )
    op.execute("grant usage, create on schema identity to stockade_doorkeeper")
    run_script(op.get_bind(), (Path(__file__).parents[1] / "sql" / "0011_signing_in.sql").read_text())
    op.execute("revoke create on schema identity from stockade_doorkeeper")
