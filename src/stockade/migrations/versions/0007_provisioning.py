"""Provisioning: the SCIM token of an organisation, its directory's members and groups."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

from stockade.database.migrate import run_script

revision = "0007"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    op.create_table(
        "scim_group",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("role in ('admin', 'member', 'viewer')", name=op.f("scim_group_role_check")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("scim_group_pkey")),
        sa.UniqueConstraint("tenant_id", "display_name", name=op.f("scim_group_tenant_id_display_name_key")),
        schema="identity",
    )
    op.create_table(
        "scim_token",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("scim_token_pkey")),
        sa.UniqueConstraint("tenant_id", "secret_hash", name=op.f("scim_token_tenant_id_secret_hash_key")),
        schema="identity",
    )
    op.create_table(
        "scim_group_member",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("membership_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "group_id"],
            ["identity.scim_group.tenant_id", "identity.scim_group.id"],
            name=op.f("scim_group_member_tenant_id_group_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "membership_id"],
            ["identity.membership.tenant_id", "identity.membership.id"],
            name=op.f("scim_group_member_tenant_id_membership_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "group_id", "membership_id", name=op.f("scim_group_member_pkey")),
        schema="identity",
    )
    op.create_index(
        "scim_group_member_membership_id_idx",
        "scim_group_member",
        ["tenant_id", "membership_id"],
        unique=False,
        schema="identity",
        postgresql_where=None,
    )
    op.create_table(
        "scim_user",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("membership_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("display_name", sa.Text(), nullable=True),
        sa.Column("given_name", sa.Text(), nullable=True),
        sa.Column("family_name", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("state in ('listed', 'deleted')", name=op.f("scim_user_state_check")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "membership_id"],
            ["identity.membership.tenant_id", "identity.membership.id"],
            name=op.f("scim_user_tenant_id_membership_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("scim_user_pkey")),
        sa.UniqueConstraint("tenant_id", "membership_id", name=op.f("scim_user_tenant_id_membership_id_key")),
        schema="identity",
    )
    op.create_index(
        "scim_user_external_id_idx",
        "scim_user",
        ["tenant_id", "external_id"],
        unique=False,
        schema="identity",
        postgresql_where=None,
    )
    op.build_wall(
        "identity.scim_group",
        keys=("tenant_id", "id"),
        scope="tenant",
        grants=("delete", "insert", "select", "update"),
        updatable=("display_name", "external_id", "role", "changed_at"),
        insert_event="identity.group_made",
        events={"role": "identity.group_role"},
        unsampled=("display_name", "external_id"),
    )
    op.build_wall(
        "identity.scim_token",
        keys=("tenant_id", "id"),
        scope="tenant",
        updatable=("revoked_at",),
        insert_event="identity.scim_token_issued",
        masked=("secret_hash",),
        events={"revoked_at": "identity.scim_token_revoked"},
        unsampled=("name", "secret_hash"),
    )
    op.build_wall(
        "identity.scim_group_member",
        keys=("tenant_id", "group_id", "membership_id"),
        scope="tenant",
        grants=("delete", "insert", "select"),
        part_of="group_id",
    )
    op.build_wall(
        "identity.scim_user",
        keys=("tenant_id", "id"),
        scope="tenant",
        updatable=("external_id", "display_name", "given_name", "family_name", "state", "changed_at"),
        insert_event="identity.member_provisioned",
        masked=("display_name", "external_id", "family_name", "given_name"),
        events={"state": "identity.member_deprovisioned"},
        unsampled=("external_id", "display_name", "given_name", "family_name"),
    )
    run_script(op.get_bind(), (Path(__file__).parents[1] / "sql" / "0007_scim.sql").read_text())
