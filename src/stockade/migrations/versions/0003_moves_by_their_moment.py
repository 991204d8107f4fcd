"""Moves are listed by their moment."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    op.create_index("move_moved_at_id_idx", "move", ["tenant_id", "moved_at", "id"], schema="stock")
