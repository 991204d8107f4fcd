"""Access and refresh tokens."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from stockade.database.migrate import run_script

revision = "0012"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    op.create_table(
        "signing_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("public_jwk", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("private_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state in ('next', 'active', 'retiring')", name=op.f("signing_key_state_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("signing_key_pkey")),
        sa.UniqueConstraint("key_id", name=op.f("signing_key_key_id_key")),
        schema="identity",
    )
    op.create_index(
        "signing_key_state_uidx",
        "signing_key",
        ["state"],
        unique=True,
        schema="identity",
        postgresql_where=sa.text("state <> 'retiring'"),
    )
    op.create_table(
        "refresh_token",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "session_id"],
            ["identity.session.tenant_id", "identity.session.id"],
            name=op.f("refresh_token_tenant_id_session_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("refresh_token_pkey")),
        sa.UniqueConstraint("tenant_id", "token_hash", name=op.f("refresh_token_tenant_id_token_hash_key")),
        schema="identity",
    )
    op.create_index(
        "refresh_token_expires_at_idx",
        "refresh_token",
        ["tenant_id", "expires_at"],
        unique=False,
        schema="identity",
        postgresql_where=None,
    )
    op.create_index(
        "refresh_token_session_id_idx",
        "refresh_token",
        ["tenant_id", "session_id"],
        unique=False,
        schema="identity",
        postgresql_where=None,
    )
    op.add_column("session", sa.Column("client", sa.Text(), nullable=True), schema="identity")
    op.build_wall(
        "identity.signing_key",
        keys=("id",),
        scope="platform",
        grants=(),
        updatable=("state", "activated_at", "retired_at"),
        exempt={"stockade_doorkeeper": "select insert update delete"},
        audited=False,
    )
    op.rebuild_wall(
        "identity.session",
        keys=("tenant_id", "id"),
        scope="tenant",
        updatable=("must_enrol", "confirmed_at", "viewing_as", "ended_at"),
        insert_event="identity.signed_in",
        masked=("token_hash", "user_agent"),
        events={"viewing_as": "identity.viewing_as", "ended_at": "identity.signed_out"},
        unsampled=("token_hash", "proofs", "client", "user_agent", "viewing_as"),
    )
    op.build_wall(
        "identity.refresh_token",
        keys=("tenant_id", "id"),
        scope="tenant",
        grants=("delete", "insert", "select", "update"),
        updatable=("used_at",),
        audited=False,
        masked=("token_hash",),
        unsampled=("token_hash",),
    )
    op.execute("grant usage, create on schema identity to stockade_doorkeeper")
    run_script(op.get_bind(), (Path(__file__).parents[1] / "sql" / "0012_tokens.sql").read_text())
    op.execute("revoke create on schema identity from stockade_doorkeeper")
