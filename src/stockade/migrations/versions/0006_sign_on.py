"""Organisations' own sign-on, and tokens of outside issuers."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from stockade.database.migrate import run_script

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    op.create_table(
        "connection",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="draft", nullable=False),
        sa.Column("settings", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("enforced", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("just_in_time", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("just_in_time in ('viewer', 'member', 'admin')", name=op.f("connection_just_in_time_check")),
        sa.CheckConstraint("kind in ('oidc', 'saml', 'ldap')", name=op.f("connection_kind_check")),
        sa.CheckConstraint("state in ('draft', 'active', 'off')", name=op.f("connection_state_check")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("connection_pkey")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("connection_tenant_id_name_key")),
        schema="identity",
    )
    op.create_table(
        "sso_attempt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("state_hash", sa.LargeBinary(), nullable=False),
        sa.Column("browser_hash", sa.LargeBinary(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("going_to", sa.Text(), nullable=False),
        sa.Column("answer_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("purpose in ('sign_in', 'test')", name=op.f("sso_attempt_purpose_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("sso_attempt_pkey")),
        sa.UniqueConstraint("state_hash", name=op.f("sso_attempt_state_hash_key")),
        schema="identity",
    )
    op.create_index("sso_attempt_expires_at_idx", "sso_attempt", ["expires_at"], unique=False, schema="identity")
    op.create_table(
        "token_issuer",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("algorithms", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("jwks_uri", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column("role_claim", sa.Text(), nullable=True),
        sa.Column(
            "roles", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column(
            "required", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column("name_claim", sa.Text(), server_default="name", nullable=False),
        sa.Column("state", sa.Text(), server_default="active", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("role in ('viewer', 'member', 'admin')", name=op.f("token_issuer_role_check")),
        sa.CheckConstraint("state in ('active', 'off')", name=op.f("token_issuer_state_check")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("token_issuer_pkey")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("token_issuer_tenant_id_name_key")),
        schema="identity",
    )
    op.create_index("token_issuer_issuer_idx", "token_issuer", ["issuer"], unique=False, schema="identity")
    op.create_table(
        "domain",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "connection_id"],
            ["identity.connection.tenant_id", "identity.connection.id"],
            name=op.f("domain_tenant_id_connection_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("domain_pkey")),
        sa.UniqueConstraint("tenant_id", "domain", name=op.f("domain_tenant_id_domain_key")),
        schema="identity",
    )
    op.create_index(
        "domain_connection_id_idx",
        "domain",
        ["tenant_id", "connection_id"],
        unique=False,
        schema="identity",
        postgresql_where=None,
    )
    op.create_index("domain_name_idx", "domain", ["domain"], unique=False, schema="identity")
    op.create_table(
        "linked_identity",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["identity.account.id"], name=op.f("linked_identity_account_id_fkey")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "connection_id"],
            ["identity.connection.tenant_id", "identity.connection.id"],
            name=op.f("linked_identity_tenant_id_connection_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("linked_identity_pkey")),
        sa.UniqueConstraint(
            "tenant_id",
            "connection_id",
            "account_id",
            name=op.f("linked_identity_tenant_id_connection_id_account_id_key"),
        ),
        sa.UniqueConstraint(
            "tenant_id", "connection_id", "subject", name=op.f("linked_identity_tenant_id_connection_id_subject_key")
        ),
        schema="identity",
    )
    op.create_table(
        "outside_subject",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("issuer_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "issuer_id"],
            ["identity.token_issuer.tenant_id", "identity.token_issuer.id"],
            name=op.f("outside_subject_tenant_id_issuer_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("outside_subject_pkey")),
        sa.UniqueConstraint(
            "tenant_id", "issuer_id", "subject", name=op.f("outside_subject_tenant_id_issuer_id_subject_key")
        ),
        schema="identity",
    )
    op.build_wall(
        "identity.connection",
        keys=("tenant_id", "id"),
        scope="tenant",
        updatable=("name", "state", "settings", "secret_sealed", "enforced", "just_in_time", "version"),
        exempt={"stockade_doorkeeper": "select"},
        insert_event="identity.sign_on_added",
        masked=("secret_sealed",),
        events={
            "state": "identity.sign_on_state",
            "settings": "identity.sign_on_settings",
            "enforced": "identity.sign_on_required",
            "just_in_time": "identity.sign_on_just_in_time",
        },
        unsampled=("name", "settings", "secret_sealed", "version"),
    )
    op.build_wall(
        "identity.sso_attempt",
        keys=("id",),
        scope="platform",
        grants=(),
        updatable=("answer_sealed",),
        exempt={"stockade_doorkeeper": "select insert update delete", "stockade_platform": "select delete"},
        audited=False,
    )
    op.build_wall(
        "identity.token_issuer",
        keys=("tenant_id", "id"),
        scope="tenant",
        updatable=(
            "name",
            "issuer",
            "audience",
            "algorithms",
            "jwks_uri",
            "role",
            "role_claim",
            "roles",
            "required",
            "name_claim",
            "state",
            "version",
        ),
        exempt={"stockade_doorkeeper": "select"},
        insert_event="identity.issuer_trusted",
        events={
            "issuer": "identity.issuer_changed",
            "audience": "identity.issuer_changed",
            "algorithms": "identity.issuer_changed",
            "jwks_uri": "identity.issuer_changed",
            "role": "identity.issuer_changed",
            "role_claim": "identity.issuer_changed",
            "roles": "identity.issuer_changed",
            "required": "identity.issuer_changed",
            "state": "identity.issuer_state",
        },
        unsampled=(
            "name",
            "issuer",
            "audience",
            "algorithms",
            "jwks_uri",
            "role_claim",
            "roles",
            "required",
            "name_claim",
            "version",
        ),
    )
    op.build_wall(
        "identity.domain",
        keys=("tenant_id", "id"),
        scope="tenant",
        grants=("delete", "insert", "select", "update"),
        updatable=("connection_id", "verified_at"),
        exempt={"stockade_doorkeeper": "select update"},
        insert_event="identity.domain_added",
        events={"connection_id": "identity.domain_moved", "verified_at": "identity.domain_verified"},
        unsampled=("domain", "token"),
    )
    op.build_wall(
        "identity.linked_identity",
        keys=("tenant_id", "id"),
        scope="tenant",
        grants=("delete", "insert", "select"),
        insert_event="identity.linked",
        masked=("subject",),
        unsampled=("subject",),
    )
    op.build_wall(
        "identity.outside_subject",
        keys=("tenant_id", "id"),
        scope="tenant",
        updatable=("name", "seen_at"),
        insert_event="identity.outside_subject_seen",
        masked=("name", "subject"),
        unsampled=("subject", "name"),
    )
    op.execute("grant usage, create on schema identity to stockade_doorkeeper")
    run_script(op.get_bind(), (Path(__file__).parents[1] / "sql" / "0006_sign_on.sql").read_text())
    op.execute("revoke create on schema identity from stockade_doorkeeper")
