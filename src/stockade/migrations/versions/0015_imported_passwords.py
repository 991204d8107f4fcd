"""Passwords that organisations bring along."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

from stockade.database.migrate import run_script

revision = "0015"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    op.create_table(
        "imported_password",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["identity.account.id"], name=op.f("imported_password_account_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("imported_password_pkey")),
        sa.UniqueConstraint("account_id", name=op.f("imported_password_account_id_key")),
        schema="identity",
    )
    op.build_wall(
        "identity.imported_password",
        keys=("id",),
        scope="platform",
        grants=(),
        updatable=("password_hash",),
        exempt={"stockade_doorkeeper": "select insert update delete", "stockade_platform": "select insert delete"},
        audited=False,
        masked=("password_hash",),
    )
    op.execute("grant usage, create on schema identity to stockade_doorkeeper")
    run_script(op.get_bind(), (Path(__file__).parents[1] / "sql" / "0015_imported_passwords.sql").read_text())
    op.execute("revoke create on schema identity from stockade_doorkeeper")
