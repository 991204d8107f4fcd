"""Mailed ways in: verified addresses, links that are for something and belong to a browser, letters that are asked for."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

from stockade.database.migrate import run_script

revision = "0013"
down_revision = "0015"
branch_labels = None
depends_on = None
_KINDS = "('account', 'address', 'pair', 'device', 'factor', 'letters', 'letters_address', 'letters_pair')"
_CHANGES = (
    "('passkey_added', 'passkey_renamed', 'passkey_revoked', 'passkey_cloned', 'totp_added', 'totp_removed', "
    "'recovery_codes_made', 'recovery_code_used', 'password_reset', 'email_changed', 'email_restored')"
)


def upgrade() -> None:
    """Apply it. Whoever has an account already gets in as before: recorded as verified by this migration."""
    _requests()
    _accounts()
    _links()
    for table, name, rule in (
        ("throttle", "kind", f"kind in {_KINDS}"),
        ("factor_change", "change", f"change in {_CHANGES}"),
    ):
        op.drop_constraint(f"{table}_{name}_check", table, schema="identity")
        op.create_check_constraint(op.f(f"{table}_{name}_check"), table, rule, schema="identity")
    op.execute("grant usage, create on schema identity to stockade_doorkeeper")
    run_script(op.get_bind(), (Path(__file__).parents[1] / "sql" / "0013_mailed.sql").read_text())
    op.execute("revoke create on schema identity from stockade_doorkeeper")


def _requests() -> None:
    op.create_table(
        "letter_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("wanted", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("browser_hash", sa.LargeBinary(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("asked_from", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("wanted in ('sign_in', 'reset', 'verify')", name=op.f("letter_request_wanted_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("letter_request_pkey")),
        schema="identity",
    )
    op.create_index("letter_request_asked_at_idx", "letter_request", ["asked_at"], unique=False, schema="identity")
    op.build_wall(
        "identity.letter_request",
        keys=("id",),
        scope="platform",
        grants=(),
        exempt={"stockade_doorkeeper": "select insert delete"},
        audited=False,
        masked=("asked_from", "email"),
    )


def _accounts() -> None:
    op.add_column(
        "account", sa.Column("email_verified_at", sa.DateTime(timezone=True), nullable=True), schema="identity"
    )
    op.add_column("account", sa.Column("verified_by", sa.Text(), nullable=True), schema="identity")
    op.execute("update identity.account set email_verified_at = now(), verified_by = 'migration'")
    op.create_check_constraint(
        op.f("account_verified_by_check"), "account",
        "verified_by in ('mail', 'provider', 'operator', 'administrator', 'migration')", schema="identity",
    )  # fmt: skip
    op.create_check_constraint(
        op.f("account_verified_check"), "account", "num_nulls(email_verified_at, verified_by) in (0, 2)",
        schema="identity",
    )  # fmt: skip
    op.rebuild_wall(
        "identity.account",
        keys=("id",),
        scope="platform",
        grants=(),
        updatable=("email", "name", "password_hash", "state", "email_verified_at", "verified_by"),
        exempt={"stockade_doorkeeper": "select insert update", "stockade_platform": "select insert update"},
        audited=False,
        masked=("email", "name", "password_hash"),
    )


def _links() -> None:
    for item in (
        sa.Column("purpose", sa.Text(), server_default="sign_in", nullable=False),
        sa.Column("browser_hash", sa.LargeBinary(), nullable=True),
        sa.Column("vouched_by", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
    ):
        op.add_column("one_time_link", item, schema="identity")
    for name, rule in (
        ("purpose", "purpose in ('sign_in', 'reset', 'address', 'undo')"),
        ("vouched_by", "vouched_by in ('mail', 'operator', 'administrator')"),
        ("address", "purpose not in ('address', 'undo') or address is not null"),
    ):
        op.create_check_constraint(op.f(f"one_time_link_{name}_check"), "one_time_link", rule, schema="identity")
    op.create_index(
        "one_time_link_account_id_idx", "one_time_link", ["account_id"], unique=False, schema="identity",
        postgresql_where=sa.text("used_at is null"),
    )  # fmt: skip
