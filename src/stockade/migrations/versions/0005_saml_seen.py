"""Which assertions of SAML were used."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    op.create_table(
        "saml_seen",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("assertion_hash", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("saml_seen_pkey")),
        sa.UniqueConstraint("tenant_id", "assertion_hash", name=op.f("saml_seen_tenant_id_assertion_hash_key")),
        schema="identity",
    )
    op.create_index(
        "saml_seen_expires_at_idx",
        "saml_seen",
        ["tenant_id", "expires_at"],
        unique=False,
        schema="identity",
        postgresql_where=None,
    )
    op.build_wall(
        "identity.saml_seen",
        keys=("tenant_id", "id"),
        scope="tenant",
        grants=("delete", "insert", "select"),
        audited=False,
        unsampled=("assertion_hash",),
    )
