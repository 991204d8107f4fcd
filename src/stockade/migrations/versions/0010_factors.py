"""Factors: passkeys, one-time codes, recovery codes."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from stockade.database.migrate import run_script

revision = "0010"
down_revision = "0004"
branch_labels = None
depends_on = None

CREATING = {"tenancy": "stockade_keeper", "identity": "stockade_doorkeeper"}


def upgrade() -> None:
    """Apply it."""
    op.create_table(
        "factor_policy",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("second_factor_required", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("passwords_allowed", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("attestation", sa.Text(), server_default="none", nullable=False),
        sa.Column("attestation_roots", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "aaguids", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), server_default="[]", nullable=False
        ),
        sa.Column("cloned", sa.Text(), server_default="revoke", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "attestation = 'direct' or aaguids = '[]'", name=op.f("factor_policy_attested_models_check")
        ),
        sa.CheckConstraint("attestation = 'none' or attestation_roots <> ''", name=op.f("factor_policy_rooted_check")),
        sa.CheckConstraint("attestation in ('none', 'direct')", name=op.f("factor_policy_attestation_check")),
        sa.CheckConstraint("cloned in ('refuse', 'revoke')", name=op.f("factor_policy_cloned_check")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("factor_policy_pkey")),
        sa.UniqueConstraint("tenant_id", name=op.f("factor_policy_tenant_id_key")),
        schema="identity",
    )
    op.create_table(
        "factor_change",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("called", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "change in ('passkey_added', 'passkey_renamed', 'passkey_revoked', 'passkey_cloned', 'totp_added', 'totp_removed', 'recovery_codes_made', 'recovery_code_used')",
            name=op.f("factor_change_change_check"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("factor_change_pkey")),
        schema="identity",
    )
    op.create_index(
        "factor_change_account_id_at_idx",
        "factor_change",
        ["tenant_id", "account_id", "at"],
        unique=False,
        schema="identity",
        postgresql_where=None,
    )
    op.create_table(
        "passkey",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("transports", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("aaguid", sa.Uuid(), nullable=False),
        sa.Column("attested", sa.Boolean(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("backed_up", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cloned_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["identity.account.id"], name=op.f("passkey_account_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("passkey_pkey")),
        sa.UniqueConstraint("credential_id", name=op.f("passkey_credential_id_key")),
        schema="identity",
    )
    op.create_index("passkey_account_id_idx", "passkey", ["account_id"], unique=False, schema="identity")
    op.create_table(
        "passkey_challenge",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("challenge_hash", sa.LargeBinary(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("browser_hash", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("purpose in ('enrol', 'sign_in', 'step_up')", name=op.f("passkey_challenge_purpose_check")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["identity.account.id"], name=op.f("passkey_challenge_account_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("passkey_challenge_pkey")),
        sa.UniqueConstraint("challenge_hash", name=op.f("passkey_challenge_challenge_hash_key")),
        schema="identity",
    )
    op.create_index(
        "passkey_challenge_expires_at_idx", "passkey_challenge", ["expires_at"], unique=False, schema="identity"
    )
    op.create_table(
        "recovery_code",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["identity.account.id"], name=op.f("recovery_code_account_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("recovery_code_pkey")),
        sa.UniqueConstraint("account_id", "code_hash", name=op.f("recovery_code_account_id_code_hash_key")),
        schema="identity",
    )
    op.create_table(
        "totp",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("seed_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["identity.account.id"], name=op.f("totp_account_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("totp_pkey")),
        schema="identity",
    )
    op.create_index("totp_account_id_idx", "totp", ["account_id"], unique=False, schema="identity")
    op.create_index(
        "totp_account_id_uidx",
        "totp",
        ["account_id"],
        unique=True,
        schema="identity",
        postgresql_where=sa.text("confirmed_at is not null"),
    )
    op.build_wall(
        "identity.factor_policy",
        keys=("tenant_id", "id"),
        scope="tenant",
        updatable=(
            "second_factor_required",
            "passwords_allowed",
            "attestation",
            "attestation_roots",
            "aaguids",
            "cloned",
            "version",
        ),
        exempt={"stockade_doorkeeper": "select"},
        insert_event="identity.factor_policy_set",
        events={
            "second_factor_required": "identity.factor_policy_set",
            "passwords_allowed": "identity.factor_policy_set",
            "attestation": "identity.factor_policy_set",
            "attestation_roots": "identity.factor_policy_set",
            "aaguids": "identity.factor_policy_set",
            "cloned": "identity.factor_policy_set",
        },
        unsampled=("attestation_roots", "aaguids", "version"),
    )
    op.build_wall(
        "identity.factor_change",
        keys=("tenant_id", "id"),
        scope="tenant",
        grants=("insert", "select"),
        insert_event="identity.factor_changed",
        masked=("called",),
        unsampled=("called",),
    )
    op.build_wall(
        "identity.passkey",
        keys=("id",),
        scope="platform",
        grants=(),
        updatable=("sign_count", "name", "backed_up", "last_used_at", "revoked_at", "cloned_at"),
        exempt={"stockade_doorkeeper": "select insert update delete"},
        audited=False,
        masked=("name",),
    )
    op.build_wall(
        "identity.passkey_challenge",
        keys=("id",),
        scope="platform",
        grants=(),
        updatable=("used_at",),
        exempt={"stockade_doorkeeper": "select insert update delete"},
        audited=False,
    )
    op.build_wall(
        "identity.recovery_code",
        keys=("id",),
        scope="platform",
        grants=(),
        updatable=("used_at",),
        exempt={"stockade_doorkeeper": "select insert update delete"},
        audited=False,
        masked=("code_hash",),
    )
    op.build_wall(
        "identity.totp",
        keys=("id",),
        scope="platform",
        grants=(),
        updatable=("last_step", "confirmed_at"),
        exempt={"stockade_doorkeeper": "select insert update delete"},
        audited=False,
        masked=("seed_sealed",),
    )
    for schema, owner in CREATING.items():
        op.execute(f"grant create on schema {schema} to {owner}")
    run_script(op.get_bind(), (Path(__file__).parents[1] / "sql" / "0010_factors.sql").read_text())
    for schema, owner in CREATING.items():
        op.execute(f"revoke create on schema {schema} from {owner}")
